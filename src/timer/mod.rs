//! What tells a task that its time has come: a thread of its own, so that no task which hogs or
//! blocks its thread can delay the others' timers.

mod service;

pub(crate) use service::{Alarm, Sleep};
