//! Channels between tasks on tokio.

mod support;

use hchan_bench::rows::Group;

fn main() {
    support::bench(&[Group::Tokio]);
}
