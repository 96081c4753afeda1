//! One adapter a contender: each says how the contender is asked, and loops over nothing.

pub mod hchan;
pub mod smol;
pub mod tokio;
pub mod tokio_kanal;
