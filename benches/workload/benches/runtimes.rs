//! Runtimes, each with a channel that its users have; without Go, which is another process.

mod support;

use hchan_bench::rows::Group;

fn main() {
    support::bench(&[Group::Runtimes]);
}
