//! Where a library's documentation says otherwise than a law, or promises nothing: such a `no` is
//! marked, and the note says which.

pub(crate) fn note(_package: &str, _check: &str) -> Option<&'static str> {
    None
}
