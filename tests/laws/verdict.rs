//! How a check ends: it holds, or it fails with what was seen, or the library cannot be asked.

use super::library::Unsupported;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Longer than any check takes that will end at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(if cfg!(miri) { 3600 } else { 20 });

/// Why a check did not end well.
#[derive(Debug)]
pub(crate) enum Stop {
    Unsupported,
    Fails(String),
}

/// What a check returns.
pub(crate) type Verdict = Result<(), Stop>;

impl From<Unsupported> for Stop {
    fn from(_: Unsupported) -> Self {
        Self::Unsupported
    }
}

/// Ends the check with what was seen, unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($seen:tt)+) => {
        if !$holds {
            return Err($crate::suite::verdict::Stop::Fails(format!($($seen)+)));
        }
    };
}

/// Ends the check unless both are equal; the first is what is looked at.
macro_rules! ensure_eq {
    ($is:expr, $should:expr, $($what:tt)+) => {{
        let (is, should) = ($is, $should);
        $crate::suite::verdict::ensure!(is == should, "{}: {is:?}, not {should:?}", format!($($what)+));
    }};
}

pub(crate) use {ensure, ensure_eq};

/// Runs a check on a thread of its own: a panic and a hang are failures of the check.
pub(crate) fn run(check: fn() -> Verdict) -> Verdict {
    let (done, verdict) = mpsc::channel();
    thread::spawn(move || {
        let verdict = catch_unwind(AssertUnwindSafe(check))
            .unwrap_or_else(|panic| Err(Stop::Fails(format!("it panicked: {}", text(&*panic)))));
        // Nobody listens any more if the time was up.
        let _ = done.send(verdict);
    });
    verdict
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err(Stop::Fails(format!("it did not end within {} s", PATIENCE.as_secs()))))
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "(no text)",
    }
}
