//! The rows of what things cost beside time: memory, allocations; and of what cancelling costs.

use super::{Group, Size, Start, Table};
use crate::channels::async_channel::AsyncChannel;
use crate::channels::crossbeam::Crossbeam;
use crate::channels::crossfire::Crossfire;
use crate::channels::flume::Flume;
use crate::channels::hchan::Hchan;
use crate::channels::kanal::Kanal;
use crate::channels::std::Std;
use crate::channels::tokio::Tokio;
use crate::channels::{Blocking, Waiting};
use crate::heap;
use crate::runtime::Contender;
use crate::runtimes;
use crate::shapes::{Figures, Word, blocked, cancel, memory, messages};
use hchan::diag::FlightRecorder;
use std::rc::Rc;

pub(super) fn add(table: &mut Table) {
    idle::<Hchan>(table);
    idle::<Crossbeam>(table);
    idle::<Kanal>(table);
    idle::<Crossfire>(table);
    idle::<Flume>(table);
    idle::<AsyncChannel>(table);
    idle::<Tokio>(table);
    idle::<Std>(table);
    parked::<runtimes::hchan::Hchan>(table, "hchan");
    parked::<runtimes::tokio::Tokio>(table, "tokio");
    parked::<runtimes::tokio_kanal::TokioKanal>(table, "tokio+kanal");
    parked::<runtimes::smol::Smol>(table, "smol");
    recorded(table);
    thread_blocks::<Hchan>(table);
    thread_blocks::<Crossbeam>(table);
    thread_blocks::<Kanal>(table);
    thread_blocks::<Crossfire>(table);
    thread_blocks::<Flume>(table);
    thread_blocks::<AsyncChannel>(table);
    thread_blocks::<Tokio>(table);
    thread_blocks::<Std>(table);
    of_tasks::<Hchan>(table);
    of_tasks::<Kanal>(table);
    of_tasks::<Crossfire>(table);
    of_tasks::<Flume>(table);
    of_tasks::<AsyncChannel>(table);
    of_tasks::<Tokio>(table);
}

fn idle<L: Blocking>(table: &mut Table) {
    let mut rows = Rows { table, contender: L::NAME };
    for capacity in [0, 1, 128] {
        let make = move || L::spsc::<u64>(capacity);
        let shape = move |_, n| memory::idle(make, n);
        rows.add(&format!("idle-channel-{capacity}"), "bytes", Size::Fixed(10_000, 1_000), make, shape);
    }
}

fn parked<C: Contender>(table: &mut Table, contender: &'static str) {
    let mut row = |name, run: fn(&C, usize) -> Figures| {
        let start: Start = Rc::new(move |workers| {
            heap::count();
            let runtime = C::start(workers);
            Box::new(move |size| run(&runtime, size))
        });
        let row = table.add(Group::Cost, name, contender, start);
        row.unit = "bytes";
        row.size = Size::Fixed(1_000_000, 50_000);
    };
    row("parked-together", memory::parked_together);
    row("parked-apart", memory::parked_apart);
}

/// What the flight recorder costs: by so much the two differ.
fn recorded(table: &mut Table) {
    for (contender, is_on) in [("hchan", true), ("unrecorded", false)] {
        let mut row = |name, pairs, with_messages, size| {
            let start: Start = Rc::new(move |workers| {
                let runtime = runtimes::hchan::Hchan::start(workers);
                let recorder = FlightRecorder::builder().messages(with_messages);
                let recorder = is_on.then(|| recorder.start().expect("there is no other one"));
                Box::new(move |size| {
                    let _is_on = &recorder;
                    messages::pairs(&runtime, pairs, size)
                })
            });
            table.add(Group::Cost, name, contender, start).size = size;
        };
        row("ping-pong-recorded", 1, true, Size::Fixed(1_000_000, 50_000));
        row("8-pairs-recorded", 8, true, Size::Fixed(1_000_000, 100_000));
        row("ping-pong-polls-recorded", 1, false, Size::Fixed(1_000_000, 50_000));
        row("8-pairs-polls-recorded", 8, false, Size::Fixed(1_000_000, 100_000));
    }
}

fn thread_blocks<L: Blocking>(table: &mut Table) {
    let mut rows = Rows { table, contender: L::NAME };
    let size = Size::Fixed(200, 20);
    rows.add("blocked-thread-recv", "allocations", size, || L::spsc(1), blocked::thread_receives);
}

fn of_tasks<L: Waiting>(table: &mut Table) {
    let mut rows = Rows { table, contender: L::NAME };
    let size = Size::Fixed(10_000, 1_000);
    rows.add("blocked-task-recv", "allocations", size, || L::spsc(1), blocked::task_receives);
    rows.add("blocked-task-send", "allocations", size, || L::spsc(1), blocked::task_sends);
    for waiters in [500, 4_000] {
        let shape = move |ends, n| cancel::receivers(ends, waiters, n);
        rows.add(&format!("cancel-recv-of-{waiters}"), "ns", Size::Timed, || L::mpmc::<Word>(1), shape);
    }
    for waiters in [500, 4_000] {
        let shape = move |ends, n| cancel::senders(ends, waiters, n);
        rows.add(&format!("cancel-send-of-{waiters}"), "ns", Size::Timed, || L::mpsc::<Word>(1), shape);
    }
}

/// Adds one library's rows.
struct Rows<'a> {
    table: &'a mut Table,
    contender: &'static str,
}

impl Rows<'_> {
    fn add<C>(
        &mut self,
        name: &str,
        unit: &'static str,
        size: Size,
        make: impl Fn() -> Option<C> + Copy + 'static,
        shape: impl Fn(C, usize) -> Figures + Copy + 'static,
    ) {
        if make().is_none() {
            return;
        }
        let start: Start =
            Rc::new(move |_| Box::new(move |size| shape(make().expect("it was offered before"), size)));
        let row = self.table.add(Group::Cost, name, self.contender, start);
        row.unit = unit;
        row.size = size;
    }
}
