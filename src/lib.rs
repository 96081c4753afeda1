//! Communicating sequential processes for Rust: channels that tasks and threads share, with an
//! atomic select over sends and receives.

mod arm;
pub mod chan;
mod core;
mod error;
#[cfg(feature = "rt")]
mod limit;
mod list;
mod park;
mod ring;
mod select;
mod shared;
mod sync;
#[cfg(feature = "rt")]
mod time;
mod waiting;
mod waitq;

pub use chan::*;
#[cfg(feature = "rt")]
pub use select::SelectWaitTimeout;
pub use select::{Select, SelectWait, Selected};

#[doc(hidden)]
pub use select::private as __private;
#[cfg(hchan_loom)]
#[doc(hidden)]
pub use sync::model as __model;
