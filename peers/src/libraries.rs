//! The libraries of the table, and the checks of the suite for each.

use crate::adapters::async_channel::AsyncChannel;
use crate::adapters::crossbeam::Crossbeam;
use crate::adapters::crossfire::Crossfire;
use crate::adapters::flume::Flume;
use crate::adapters::kanal::Kanal;
use crate::adapters::tokio::Tokio;
use crate::hchan_adapter::Hchan;
use crate::suite;
use crate::suite::library::Library;
use crate::suite::verdict::Verdict;

/// A check of the suite, for one library.
pub(crate) struct Check {
    pub(crate) law: &'static str,
    pub(crate) name: &'static str,
    pub(crate) run: fn() -> Verdict,
}

macro_rules! checks_of {
    ($($law:ident { $($check:ident,)* })*) => {
        fn checks<L: Library>() -> Vec<Check> {
            vec![$($(Check {
                law: stringify!($law),
                name: stringify!($check),
                run: suite::$law::$check::<L>,
            },)*)*]
        }
    };
}

suite::for_each_law!(checks_of);

/// A library of the table, by the name of its package.
pub(crate) struct Peer {
    pub(crate) package: &'static str,
    pub(crate) checks: fn() -> Vec<Check>,
}

pub(crate) const PEERS: [Peer; 7] = [
    Peer { package: "hchan", checks: checks::<Hchan> },
    Peer { package: "crossbeam-channel", checks: checks::<Crossbeam> },
    Peer { package: "kanal", checks: checks::<Kanal> },
    Peer { package: "flume", checks: checks::<Flume> },
    Peer { package: "crossfire", checks: checks::<Crossfire> },
    Peer { package: "async-channel", checks: checks::<AsyncChannel> },
    Peer { package: "tokio", checks: checks::<Tokio> },
];

/// The version that this program was built with, as the lock file has it.
pub(crate) fn version(package: &str) -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let head = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = lock.split_once(&head).expect("every library is in the lock file");
    rest.split_once('"').expect("the version ends").0
}
