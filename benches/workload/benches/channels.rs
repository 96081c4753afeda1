//! Channels on one thread, and between threads.

mod support;

use hchan_bench::rows::Group;

fn main() {
    support::bench(&[Group::OneThread, Group::Threads]);
}
