//! What a host function answers when it cannot do what it was asked. The numbers are those of WASI
//! preview 1, for both sets of functions.

/// Why an operation was not performed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Errno {
    /// Nothing was ready, and the guest did not want to wait (any longer).
    Again = 6,
    /// No such handle, or one of the other direction.
    BadHandle = 8,
    /// A pointer out of the guest's memory.
    Fault = 21,
    /// An argument that means nothing.
    Invalid = 28,
    /// The message is longer than the place for it.
    TooLong = 35,
    /// A function that is not there.
    NoSys = 52,
    /// The channel is closed.
    Pipe = 64,
    /// A channel cannot seek.
    NoSeek = 70,
}

impl Errno {
    /// As WASI functions answer.
    pub(crate) fn code(self) -> i32 {
        self as i32
    }

    /// As functions answer whose other answers are counts.
    pub(crate) fn negative(self) -> i32 {
        -self.code()
    }
}
