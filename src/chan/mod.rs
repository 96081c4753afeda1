//! Channels: the handles, the futures that wait, and what is built on them.
//!
//! One rule runs through the module: an operation that may wait is a future; its `_blocking` twin
//! waits on the OS thread. The same handle serves both, at the same time, on any executor.
//!
//! Nothing here decides what a channel does: that is said in `core`, and how one waits in `waiting`.
//! This layer counts handles, names futures and turns outcomes into results.

mod builder;
mod closed;
mod iter;
mod receiver;
mod recv;
mod recv_many;
mod send;
mod send_many;
mod sender;
#[cfg(feature = "stream")]
mod stream;
#[cfg(feature = "rt")]
mod timeout;
mod weak;

pub use crate::error::{
    RecvError, RecvTimeoutError, SendError, SendManyError, SendTimeoutError, TryRecvError, TrySendError,
};
#[cfg(feature = "rt")]
pub(crate) use builder::end_of_context;
pub(crate) use builder::signal;
pub use builder::{Builder, bounded, channel, never, unbounded};
pub use closed::Closed;
pub use iter::{Drain, IntoIter, Iter, TryIter};
pub use receiver::Receiver;
pub use recv::Receiving;
pub use recv_many::ReceivingMany;
pub use send::Sending;
pub use send_many::SendingMany;
pub use sender::Sender;
#[cfg(feature = "stream")]
pub use stream::{RecvStream, SendSink};
#[cfg(feature = "rt")]
pub use timeout::{ReceivingTimeout, SendingTimeout};
pub use weak::{WeakReceiver, WeakSender};
