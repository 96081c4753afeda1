//! What a check takes for possible.

/// When timers fire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Timers {
    /// Time moves only when every task waits, to the earliest deadline; equal ones fire in any order.
    #[default]
    Ordered,
    /// The earliest timer may fire at any step, as on a slow machine.
    Any,
}

/// Where another task may run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Steps {
    /// At every operation.
    #[default]
    All,
    /// At awaits, and where a thread would wait, only: for programs that hold a lock of std's over an operation
    /// that does not wait.
    Awaits,
}
