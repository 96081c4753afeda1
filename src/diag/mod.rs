//! Seeing what a program does.
//!
//! - [`FlightRecorder`] records what happens, in bounded memory; a [`Recording`] is what happened last: a trace
//!   for Perfetto, a page, a sequence chart.

pub use crate::record::{
    Builder as FlightRecorderBuilder, FlightRecorder, PollRecord, Recording, WaitEdge, WaitGraph, WaitNode,
    WaitNodeKind, recording,
};
