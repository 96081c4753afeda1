//! Meeting points of tasks and threads that are no channels, built on channels.
//!
//! [`WaitGroup`] waits until a number of jobs is done. The order to stop is what `hchan::Context` carries;
//! everything else goes through a channel.

mod wait_group;

pub use wait_group::{WaitGroup, WaitGuard};
