//! Protobuf messages that nobody copies twice and for which nobody allocates.
//!
//! A message is encoded once, into a buffer from a pool; the buffer goes over a channel to the task that
//! writes, which gives many of them to the system in one call; they come home when they are dropped. At the
//! other end bytes are read into large buffers, and messages are slices of those; a buffer is read into
//! again when the last slice of it is dropped. Both pools are channels, so both ends wait instead of growing.
//!
//! | file | idea |
//! |---|---|
//! | `pool.rs` | a pool is a channel of buffers: to take is to receive, to drop is to send |
//! | `record.rs` | the message, and its length in front of it |
//! | `writer.rs` | one system call for all that is ready |
//! | `reader.rs` | slices of what was read; messages that straddle two buffers |
//! | `claim.rs` | who still looks at a buffer, counted; the last one says so on a channel |
//! | `relay.rs` | a server that answers with the very slices that it read |
//! | `exchange.rs` | a client: producers, the writer, the reader and a consumer |
//! | `naive.rs` | the same with a fresh `Vec` for everything |
//! | `counting.rs` | an allocator that counts, for each thread |
//! | `options.rs` | the command line |

pub mod claim;
pub mod counting;
pub mod exchange;
pub mod naive;
pub mod options;
pub mod pool;
pub mod reader;
pub mod record;
pub mod relay;
pub mod writer;
