//! One adapter a library: each says how the library is asked, and decides nothing.

pub(crate) mod async_channel;
pub(crate) mod crossbeam;
pub(crate) mod crossfire;
pub(crate) mod flume;
pub(crate) mod kanal;
pub(crate) mod tokio;
