//! Which driver drives this thread.

use super::driver::Driver;
use super::watch::Watch;
use crate::facade::set_random;
use crate::rt::driven::Entered;
use crate::timer::{Clock, set_clock};
use crate::world::{self, World};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

std::thread_local! {
    static DRIVER: RefCell<Option<Rc<Driver>>> = const { RefCell::new(None) };
}

/// Calls `f` with the driver of this thread.
pub(super) fn with<R>(f: impl FnOnce(&Rc<Driver>) -> R) -> Option<R> {
    let driver = DRIVER.try_with(|driver| driver.borrow().clone()).ok().flatten()?;
    Some(f(&driver))
}

/// While it exists, this thread is driven.
pub(super) struct Driving {
    driver: Rc<Driver>,
    world: Option<Rc<dyn World>>,
    before: Option<Rc<Driver>>,
    clock: Option<Arc<dyn Clock>>,
    random: u64,
    _entered: Entered,
}

impl Driving {
    pub(super) fn start(driver: &Rc<Driver>) -> Self {
        driver.watch.replace(Some(Watch::start()));
        Self {
            driver: driver.clone(),
            world: world::set(Some(driver.clone())),
            before: DRIVER.with(|place| place.replace(Some(driver.clone()))),
            clock: set_clock(Some(driver.time.clone())),
            random: set_random(1),
            _entered: driver.rt.enter(),
        }
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.driver.watch.replace(None);
        self.driver.pool.borrow_mut().clear();
        world::set(self.world.take());
        let before = self.before.take();
        let own = DRIVER.with(|place| std::mem::replace(&mut *place.borrow_mut(), before));
        drop(own);
        set_clock(self.clock.take());
        set_random(self.random);
    }
}
