//! An HTTP service that fans work out over channels to tasks, in traces that hold together.
//!
//! A trace is a tree of spans; each span names its parent. Inside one task the parent is a local
//! variable. Between processes it is three headers. Between tasks it is **part of the message**: this
//! is the idea of the package, in `traced.rs`. The rest, in the order in which a request meets it:
//!
//! | file | idea |
//! |---|---|
//! | `server.rs` | a task for each connection; stopping without cutting anybody off |
//! | `service.rs` | what a request asks for, and the span that stands for it |
//! | `headers.rs` | `traceparent`, `tracestate` and `baggage`, in and out |
//! | `fan.rs` | one request, many messages: a select over sending the next and taking an answer |
//! | `traced.rs` | the message that carries its context |
//! | `workers.rs` | tasks that take jobs from one channel; a span for each |
//! | `client.rs` | calls to another server; a pool of connections that is a channel |
//! | `telemetry.rs` | where finished spans go: a bounded channel, and never a wait |
//! | `batch.rs` | the task at its other end: when to export, when to try again, what was lost |
//! | `otlp.rs` | OTLP over HTTP: the messages, and what the answers of a collector mean |
//! | `hyper_io.rs` | the sockets and the clock that hyper asks for |
//! | `options.rs` | the command line |

pub mod batch;
pub mod client;
pub mod fan;
pub mod headers;
pub mod hyper_io;
pub mod options;
pub mod otlp;
pub mod server;
pub mod service;
pub mod telemetry;
pub mod traced;
pub mod workers;
