//! A controller in the way of Kubernetes: it watches a store, keeps a local copy, and makes the world what somebody
//! wants it to be, one key at a time.
//!
//! The channels are between the parts, each of which is a task that owns its state; see `controller` for how they
//! are joined, and `queue` for the heart of it.

pub mod cache;
pub mod controller;
pub mod etcd;
pub mod fleet;
pub mod informer;
pub mod note;
pub mod queue;
pub mod store;
