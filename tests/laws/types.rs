//! What the types promise: a handle goes to another thread only if the payload may.

use super::library::Library;
use super::verdict::{Verdict, ensure};

/// Whether a type implements a trait, without a bound: an inherent constant, there only if it does,
/// hides the trait's constant of the same name.
macro_rules! implements {
    ($type:ty: $trait:path) => {{
        // One of the two is not used, whichever it is.
        #[allow(dead_code)]
        trait Otherwise {
            const HOLDS: bool = false;
        }
        impl<X: ?Sized> Otherwise for X {}
        struct Probe<X: ?Sized>(std::marker::PhantomData<X>);
        #[allow(dead_code)]
        impl<X: ?Sized + $trait> Probe<X> {
            const HOLDS: bool = true;
        }
        <Probe<$type>>::HOLDS
    }};
}

pub(crate) use implements;

pub(crate) fn handles_go_to_other_threads_only_if_the_payload_may<L: Library>() -> Verdict {
    ensure!(!L::sends_what_is_not_send(), "a handle of a channel of `Rc` is `Send` or `Sync`");
    Ok(())
}
