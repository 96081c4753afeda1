//! A collector of telemetry: devices send readings over UDP, a rule over time raises alerts.
//!
//! A [tenant] is the whole way of a reading, and a bulkhead. The README has the drawing.

pub mod dispatcher;
pub mod http;
pub mod intake;
pub mod keeper;
pub mod metrics;
pub mod recorder;
pub mod rule;
pub mod sampler;
pub mod sequence;
pub mod tenant;
pub mod wal;
pub mod wire;
pub mod worker;
