//! The rows of channels: on one thread, between threads, between tasks on tokio.

use super::{Group, Start, Table};
use crate::channels::async_channel::AsyncChannel;
use crate::channels::crossbeam::Crossbeam;
use crate::channels::crossfire::Crossfire;
use crate::channels::flume::Flume;
use crate::channels::hchan::Hchan;
use crate::channels::kanal::Kanal;
use crate::channels::std::Std;
use crate::channels::tokio::Tokio;
use crate::channels::{Blocking, Selecting, Waiting};
use crate::runtimes::tokio::start as start_tokio;
use crate::shapes::{Figures, Payload, Word, one_thread, select, tasks, threads};
use std::rc::Rc;
use tokio::runtime::Runtime;

const CAPACITIES: [usize; 4] = [0, 1, 128, 4096];

pub(super) fn add(table: &mut Table) {
    of_threads::<Hchan>(table);
    of_threads::<Crossbeam>(table);
    of_threads::<Kanal>(table);
    of_threads::<Crossfire>(table);
    of_threads::<Flume>(table);
    of_threads::<AsyncChannel>(table);
    of_threads::<Tokio>(table);
    of_threads::<Std>(table);
    selects::<Hchan>(table);
    selects::<Crossbeam>(table);
    selects::<Crossfire>(table);
    selects::<Flume>(table);
    of_tasks::<Hchan>(table);
    of_tasks::<Kanal>(table);
    of_tasks::<Crossfire>(table);
    of_tasks::<Flume>(table);
    of_tasks::<AsyncChannel>(table);
    of_tasks::<Tokio>(table);
}

/// The ends of a channel that several share.
type Ends<T, R> = (Vec<T>, Vec<R>);

fn one<T, R>((tx, rx): (T, R)) -> Option<Ends<T, R>> {
    Some((vec![tx], vec![rx]))
}

fn into_one<T: Clone, R>((tx, rx): (T, R), senders: usize) -> Option<Ends<T, R>> {
    Some((vec![tx; senders], vec![rx]))
}

fn shared<T: Clone, R: Clone>((tx, rx): (T, R), senders: usize, receivers: usize) -> Option<Ends<T, R>> {
    Some((vec![tx; senders], vec![rx; receivers]))
}

/// What makes the channels of a row, `None` where they are not offered.
trait Make<C>: Fn() -> Option<C> + Copy + 'static {}

impl<C, M: Fn() -> Option<C> + Copy + 'static> Make<C> for M {}

fn of_one_thread<L: Blocking>(table: &mut Table) {
    let mut rows = Threads::of::<L>(table, &[Group::OneThread]);
    rows.add("seq-1", || L::spsc(1), one_thread::seq);
    rows.add("seq-128", || L::spsc(128), one_thread::seq);
    rows.add("seq-unbounded", || L::unbounded_spsc(), one_thread::seq);
    rows.add("burst-128", || L::spsc(128), |ends, n| one_thread::bursts(ends, 128, n));
    rows.add("burst-unbounded", || L::unbounded_spsc(), |ends, n| one_thread::bursts(ends, 128, n));
    for capacity in [1, 128] {
        let make = move || L::spsc(capacity).expect("asked only where it is offered");
        rows.add(
            &format!("create-{capacity}"),
            move || L::spsc::<Word>(capacity),
            move |_, n| one_thread::create(make, n),
        );
    }
    let make = || L::unbounded_spsc().expect("asked only where it is offered");
    let create = move |_, n| one_thread::create(make, n);
    rows.add("create-unbounded", || L::unbounded_spsc::<Word>(), create);
}

fn of_threads<L: Blocking>(table: &mut Table) {
    of_one_thread::<L>(table);
    let mut rows = Threads::of::<L>(table, &[Group::Threads, Group::OneCore]);
    for n in [0, 1] {
        let channels = move || Some([L::spsc(n)?, L::spsc(n)?]);
        rows.add(&format!("ping-pong-{n}"), channels, threads::ping_pong);
    }
    for n in CAPACITIES {
        rows.add(&format!("spsc-{n}"), move || one(L::spsc::<Word>(n)?), threads::flow);
    }
    rows.add("spsc-unbounded", || one(L::unbounded_spsc::<Word>()?), threads::flow);
    rows.add("spsc-128-64B", || one(L::spsc::<Payload<8>>(128)?), threads::flow);
    rows.add("spsc-128-256B", || one(L::spsc::<Payload<32>>(128)?), threads::flow);
    for n in CAPACITIES {
        rows.add(&format!("mpsc-4-{n}"), move || into_one(L::mpsc::<Word>(n)?, 4), threads::flow);
    }
    rows.add("mpsc-4-unbounded", || into_one(L::unbounded_mpsc::<Word>()?, 4), threads::flow);
    for n in CAPACITIES {
        rows.add(&format!("spmc-4-{n}"), move || shared(L::mpmc::<Word>(n)?, 1, 4), threads::flow);
    }
    rows.add("spmc-4-unbounded", || shared(L::unbounded_mpmc::<Word>()?, 1, 4), threads::flow);
    for n in CAPACITIES {
        rows.add(&format!("mpmc-4x4-{n}"), move || shared(L::mpmc::<Word>(n)?, 4, 4), threads::flow);
    }
    rows.add("mpmc-4x4-unbounded", || shared(L::unbounded_mpmc::<Word>()?, 4, 4), threads::flow);
    rows.add("mpmc-4x4-128-64B", || shared(L::mpmc::<Payload<8>>(128)?, 4, 4), threads::flow);
    rows.add("mpmc-4x4-128-256B", || shared(L::mpmc::<Payload<32>>(128)?, 4, 4), threads::flow);
}

fn selects<L: Blocking + Selecting>(table: &mut Table) {
    let mut rows = Threads::of::<L>(table, &[Group::Threads, Group::OneCore]);
    for n in [0, 1, 128] {
        let offered = move || select::offers::<L>(n, false).then_some(());
        rows.add(&format!("select-8-{n}"), offered, move |(), messages| select::over_8::<L>(n, messages));
    }
    for n in [0, 1, 128] {
        let offered = move || select::offers::<L>(n, true).then_some(());
        let shape = move |(), messages| select::four_to_four::<L>(n, messages);
        rows.add(&format!("select-4x4-{n}"), offered, shape);
    }
}

fn of_tasks<L: Waiting>(table: &mut Table) {
    let mut rows = Tasks { table, contender: L::NAME, prepare: L::prepare };
    for n in [0, 1] {
        let channels = move || Some([L::spsc(n)?, L::spsc(n)?]);
        rows.add(&format!("ping-pong-{n}"), channels, tasks::ping_pong);
    }
    for n in CAPACITIES {
        rows.add(&format!("spsc-{n}"), move || one(L::spsc::<Word>(n)?), tasks::flow);
    }
    rows.add("spsc-unbounded", || one(L::unbounded_spsc::<Word>()?), tasks::flow);
    for n in CAPACITIES {
        rows.add(&format!("mpsc-4-{n}"), move || into_one(L::mpsc::<Word>(n)?, 4), tasks::flow);
    }
    rows.add("mpsc-4-unbounded", || into_one(L::unbounded_mpsc::<Word>()?, 4), tasks::flow);
    for n in [1, 128] {
        rows.add(&format!("mpsc-64-{n}"), move || into_one(L::mpsc::<Word>(n)?, 64), tasks::flow);
    }
    rows.add("mpsc-64-unbounded", || into_one(L::unbounded_mpsc::<Word>()?, 64), tasks::flow);
    for n in CAPACITIES {
        rows.add(&format!("spmc-4-{n}"), move || shared(L::mpmc::<Word>(n)?, 1, 4), tasks::flow);
    }
    rows.add("spmc-4-unbounded", || shared(L::unbounded_mpmc::<Word>()?, 1, 4), tasks::flow);
    for n in CAPACITIES {
        rows.add(&format!("mpmc-4x4-{n}"), move || shared(L::mpmc::<Word>(n)?, 4, 4), tasks::flow);
    }
    rows.add("mpmc-4x4-unbounded", || shared(L::unbounded_mpmc::<Word>()?, 4, 4), tasks::flow);
}

/// Adds one library's rows of threads.
struct Threads<'a> {
    table: &'a mut Table,
    groups: &'a [Group],
    contender: &'static str,
    prepare: fn(),
}

impl<'a> Threads<'a> {
    fn of<L: Blocking>(table: &'a mut Table, groups: &'a [Group]) -> Self {
        Self { table, groups, contender: L::NAME, prepare: L::prepare }
    }

    fn add<C>(
        &mut self,
        name: &str,
        make: impl Make<C>,
        shape: impl Fn(C, usize) -> Figures + Copy + 'static,
    ) {
        if make().is_none() {
            return;
        }
        let prepare = self.prepare;
        let start: Start = Rc::new(move |_| {
            prepare();
            Box::new(move |size| shape(make().expect("it was offered before"), size))
        });
        for group in self.groups {
            self.table.add(*group, name, self.contender, start.clone());
        }
    }
}

/// Adds one library's rows of tasks.
struct Tasks<'a> {
    table: &'a mut Table,
    contender: &'static str,
    prepare: fn(),
}

impl Tasks<'_> {
    fn add<C>(
        &mut self,
        name: &str,
        make: impl Make<C>,
        shape: impl Fn(&Runtime, C, usize) -> Figures + Copy + 'static,
    ) {
        if make().is_none() {
            return;
        }
        let prepare = self.prepare;
        let start: Start = Rc::new(move |workers| {
            prepare();
            let runtime = start_tokio(workers);
            Box::new(move |size| shape(&runtime, make().expect("it was offered before"), size))
        });
        self.table.add(Group::Tokio, name, self.contender, start);
    }
}
