//! A coordinator of distributed transactions, as sagas or by TCC (try, confirm, cancel).
//!
//! The [machine] decides, the [hub] owns it, the [log] remembers, [desks](desk) talk to participants; [bank] is
//! one, in a SQLite file. The README has the drawing.

pub mod bank;
pub mod coordinator;
pub mod crash;
pub mod desk;
pub mod frame;
pub mod hub;
pub mod log;
pub mod machine;
pub mod model;
pub mod rules;
pub mod script;
