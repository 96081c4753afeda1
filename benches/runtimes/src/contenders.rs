//! One adapter a contender: each says how the contender is asked, and loops over nothing.

pub(crate) mod hchan;
pub(crate) mod smol;
pub(crate) mod tokio;
pub(crate) mod tokio_kanal;

mod channels;
