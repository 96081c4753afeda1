//! The rows of runtimes, each with the channels that its users have, and those of their latency.

use super::{Group, Size, Table};
use crate::runtime::Contender;
use crate::runtimes::{hchan::Hchan, smol::Smol, tokio::Tokio, tokio_kanal::TokioKanal};
use crate::shapes::{Figures, busy, fans, messages, spawning, timers};
use std::rc::Rc;

/// A shape: takes a runtime, a size and the number of workers.
type Run<C> = fn(&C, usize, usize) -> Figures;

pub(super) fn add(table: &mut Table) {
    of::<Hchan>(table, "hchan");
    of::<Tokio>(table, "tokio");
    of::<TokioKanal>(table, "tokio+kanal");
    of::<Smol>(table, "smol");
}

#[rustfmt::skip]
fn of<C: Contender>(table: &mut Table, contender: &'static str) {
    const M: usize = 1_000_000;
    let mut group = Group::Runtimes;
    let mut row = |name, size, quick, run: Run<C>| {
        if name == "latency" {
            group = Group::Latency;
        }
        let row = table.add(group, name, contender, Rc::new(move |workers| {
            let runtime = C::start(workers);
            Box::new(move |size| run(&runtime, size, workers))
        }));
        row.size = Size::Fixed(size, quick);
        row.go = name != "wake-up";
    };
    row("ping-pong", M, M / 20, |c, n, _| messages::pairs(c, 1, n));
    row("8-pairs", M, M / 10, |c, n, _| messages::pairs(c, 8, n));
    row("ring-1000", M, M / 20, |c, n, _| messages::ring(c, 1_000, n));
    row("sieve", 1_000, 200, |c, n, _| messages::sieve(c, n));
    row("skynet", M, M / 100, |c, n, _| spawning::skynet(c, n));
    row("spawn-join", M / 2, M / 20, |c, n, _| spawning::one_by_one(c, n));
    row("spawn-10000", M, M / 20, |c, n, _| spawning::all_at_once(c, 10_000, n));
    row("chained-spawn", M, M / 10, |c, n, _| spawning::chained(c, 1_000, n));
    row("yield-2", 4 * M, M / 10, |c, n, _| spawning::yields(c, 2, n));
    row("yield-1000", 4 * M, M / 5, |c, n, _| spawning::yields(c, 1_000, n));
    row("fan-in-100-1", M, M / 10, |c, n, _| fans::into_one(c, 100, 128, n));
    row("fan-in-100-1-cap0", M, M / 20, |c, n, _| fans::into_one(c, 100, 0, n));
    row("fan-out-4-100", M, M / 20, |c, n, _| fans::out(c, 4, 100, 128, n));
    row("fan-out-4-100-cap0", M, M / 20, |c, n, _| fans::out(c, 4, 100, 0, n));
    row("fan-8-8", M, M / 20, |c, n, _| fans::out(c, 8, 8, 128, n));
    row("fan-8-8-cap0", M, M / 20, |c, n, _| fans::out(c, 8, 8, 0, n));
    row("popular", M / 2, M / 20, |c, n, _| fans::popular(c, 1_000, n));
    row("sleeps", 10_000, 10_000, |c, n, _| timers::sleeps(c, n));
    row("timeouts", M / 2, M / 20, |c, n, _| timers::timeouts(c, 100, n));
    row("busy-yielding", 50_000, 5_000, busy::behind_yielding);
    row("busy-spawning", 5_000, 500, busy::behind_spawning);
    row("latency", 5_000, 200, busy::latency);
    row("wake-up", 1_000, 100, |c, n, _| busy::wake_up(c, n));
}
