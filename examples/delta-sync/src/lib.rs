//! A control plane for Envoy: it serves the incremental (delta) variant of the xDS protocol over gRPC.
//!
//! ```text
//! commands ─▶ world ─▶ hub ─▶ one stream a client ─▶ Envoy
//!                                 ▲                    │
//!                                 └──── requests ──────┘
//! ```
//!
//! `subscription` is the protocol, and pure; `stream` is the task around it; `hub` is how a change reaches all streams;
//! the rest is gRPC (`service`, `server`, `rt`) and Envoy's messages (`resources`, `tls`).

pub mod bootstrap;
pub mod command;
pub mod hub;
pub mod note;
mod resources;
mod rt;
pub mod server;
pub mod service;
pub mod snapshot;
pub mod stream;
pub mod subscription;
mod tls;
pub mod world;
