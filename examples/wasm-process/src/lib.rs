//! WebAssembly guests as communicating sequential processes.
//!
//! A guest is a task. What it shares with others are channels of byte messages, and nothing else: it
//! sends, receives and selects by calling host functions, and its standard streams are channels too. A
//! call that has to wait suspends the guest, and its task waits as any task does.
//!
//! ```
//! use hchan::{Context, bounded, go};
//! use hchan_wasm_process::{End, Host, Limits};
//!
//! let stage = Host::new(Limits::default()).program(include_str!("../guests/stage.wat"))?;
//! let sum = hchan::run(async move {
//!     let (first, rx) = bounded(1);
//!     let (tx, last) = bounded(1);
//!     let process = stage.process().end(End::Receiver(rx)).end(End::Sender(tx));
//!     let guest = go(async move { process.run(&Context::background()).await });
//!     first.send(41_u32.to_le_bytes().to_vec()).await.unwrap();
//!     drop(first); // The guest sees the end of its input, and ends.
//!     assert_eq!(guest.await.unwrap(), Ok(0));
//!     last.recv().await.unwrap()
//! });
//! assert_eq!(sum, 42_u32.to_le_bytes());
//! # Ok::<(), hchan_wasm_process::ProgramError>(())
//! ```
//!
//! Read in this order: `ends` (what a guest can do with channels, without any WebAssembly), `process`
//! (how it is suspended and resumed), `csp` and `wasi` (the two sets of host functions), `host`.

mod csp;
mod ends;
mod errno;
mod guest;
mod host;
mod process;
mod wasi;

pub use ends::{Arm, Direction, End, Ends, Message, Operation, Outcome, Wait};
pub use errno::Errno;
pub use host::{Host, Limits, Program, ProgramError};
pub use process::{Failure, Process};
