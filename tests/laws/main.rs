//! hchan keeps its laws: one test a check, in a module that names the law.
//!
//! The checks know nothing of hchan; `hchan_adapter` says how it is asked. The package `hchan-peers`
//! asks other libraries the same, and prints a table.

mod hchan_adapter;
#[path = "suite.rs"]
mod suite;

use suite::verdict::{Stop, Verdict, run};

/// A check may have no answer only where threads cannot be watched.
fn holds(check: fn() -> Verdict) {
    match run(check) {
        Ok(()) => {}
        Err(Stop::Unsupported) => assert!(cfg!(any(miri, not(target_os = "linux"))), "hchan lacks something"),
        Err(Stop::Fails(seen)) => panic!("{seen}"),
    }
}

macro_rules! tests {
    ($($law:ident { $($check:ident,)* })*) => {
        $(mod $law {
            $(#[test]
            fn $check() {
                super::holds(super::suite::$law::$check::<super::hchan_adapter::Hchan>);
            })*
        })*
    };
}

suite::for_each_law!(tests);
