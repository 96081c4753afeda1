//! hchan keeps its laws: one test a check, in a module that names the law.
//!
//! The checks know nothing of hchan; `hchan_adapter` says how it is asked. The package `hchan-peers`
//! asks other libraries the same, and prints a table.

mod hchan_adapter;
#[path = "suite.rs"]
mod suite;

use suite::verdict::{Stop, Verdict, run};

/// Whether threads can be watched, so that every check has an answer.
const ALL_ANSWER: bool = cfg!(all(target_os = "linux", not(miri)));

fn holds(check: fn() -> Verdict) {
    match run(check) {
        Ok(()) => {}
        Err(Stop::Unsupported) if ALL_ANSWER => panic!("hchan lacks something that the check needs"),
        Err(Stop::Unsupported) => {}
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
