//! The groups of tasks that somebody has.

use crate::fork::PerProcess;
use crate::world::Site;
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A group, to reports. Asking takes short locks.
pub(crate) trait Grouped: Send + Sync {
    fn look(&self) -> GroupLook;
}

/// A group, as it was when somebody looked.
pub(crate) struct GroupLook {
    pub(crate) made: Site,
    /// The numbers of the members that are not over; `None` if they are being aborted, or one is about to begin.
    pub(crate) members: Option<Vec<u64>>,
    /// The address of the channel at which those wait who wait for its end.
    pub(crate) end: Option<u64>,
}

type List = HashMap<u64, Arc<dyn Grouped>>;

fn list() -> MutexGuard<'static, List> {
    static LIST: PerProcess<Mutex<List>> = PerProcess::new(|_| Mutex::default());
    LIST.get().lock()
}

/// A group is on the list until this is dropped.
pub(crate) struct ListedGroup(u64);

impl ListedGroup {
    pub(crate) fn new(group: Arc<dyn Grouped>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Ordering: Relaxed: only its atomicity counts.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        list().insert(number, group);
        Self(number)
    }
}

impl Drop for ListedGroup {
    fn drop(&mut self) {
        let gone = list().remove(&self.0);
        drop(gone);
    }
}

/// All of them, as they are now.
pub(crate) fn groups() -> Vec<GroupLook> {
    let all: Vec<_> = list().values().cloned().collect();
    all.iter().map(|group| group.look()).collect()
}
