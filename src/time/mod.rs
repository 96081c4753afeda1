//! Time for tasks: [`Sleep`], which `_timeout` futures and `default(duration)` are made of.

mod timer;

pub(crate) use timer::Sleep;
