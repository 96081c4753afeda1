//! The coordinator killed at every step of I/O, in every interleaving, any number of times.
//!
//! A kill ends all threads at once, and what is seen of it later is only what they leave: the log, the banks, and what
//! the client was told. So a run with kills is a row of *lives*, and each is explored alone: it begins with a disk, it
//! is driven to its own end in every interleaving, and every disk on the way is kept, for the lives that begin with
//! it. When no disk is new, that is every way in which a program may run that is killed wherever and however often.
//!
//! # Why no disk is missed
//!
//! The explorer drives one of the orders that differ only in steps that do not affect each other. Writes to two disks
//! would be such: of a bank that is ahead of the log and a log that is ahead of the bank it might see one. So each step
//! of I/O is a message into one channel, too. Where two of them change places that is another trace, and what any kill
//! may find is what some trace has at the same number of steps of I/O.
//!
//! A kill within a step leaves what was before it or what is behind it, and of a frame any part, also with zeros for the
//! rest. What a start makes of that is asked of the program's own reader. There are no late commands: banks are within
//! the process, so what was asked has had its effect or never will.

#[path = "common/memory.rs"]
mod memory;

use hchan::sim::{Bound, Report, Sim, Verdict as Checked};
use hchan::{Context, Receiver, Sender, unbounded};
use hchan_saga::coordinator::{Coordinator, Options};
use hchan_saga::desk::Participant;
use hchan_saga::frame;
use hchan_saga::log::Storage;
use hchan_saga::machine::Machine;
use hchan_saga::model::{Command, Event, Outcome, Pattern, Plan};
use hchan_saga::rules::{Unavailable, Verdict};
use memory::{Banks, PATIENCE, check, choose, of_one_step, transfer};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// What outlives a kill.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Disk {
    log: Vec<u8>,
    banks: Banks,
    /// What the client knows, which is to stay true.
    told: Option<Outcome>,
}

/// Where a kill may come.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Moment {
    disk: Disk,
    /// What is being written to the log.
    frame: Vec<u8>,
}

/// What was seen in all traces.
#[derive(Default)]
struct Seen {
    moments: HashSet<Moment>,
    /// How lives ended that were not killed.
    ends: BTreeSet<Option<String>>,
}

/// The world of one trace. Its root lets go of it last.
struct World {
    disk: Mutex<Disk>,
    /// Where every step of I/O is told, so that none is independent of another.
    io: Sender<()>,
    _told: Receiver<()>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Clone)]
struct Shared(Arc<World>);

struct Bank {
    name: String,
    world: Shared,
    /// Whether it may fail to answer once more.
    fails: bool,
}

impl Disk {
    fn new(plan: &Plan) -> Self {
        let banks = memory::open(plan.steps.iter().map(|step| &*step.participant));
        Self { log: frame::MAGIC.to_vec(), banks, told: None }
    }

    /// What a start reads.
    fn history(&self) -> Vec<Event> {
        frame::read(&self.log).expect("a kill damages nothing").events
    }
}

impl Moment {
    /// What the next start may find, with a torn end cut off.
    fn leaves(&self) -> impl Iterator<Item = Disk> {
        let whole = [&*self.disk.log, &*self.frame].concat();
        let cuts = (self.disk.log.len()..=whole.len()).flat_map(move |len| {
            let cut = whole[..len].to_vec();
            let mut zeroed = cut.clone();
            zeroed.resize(whole.len(), 0);
            [cut, zeroed]
        });
        cuts.map(|mut log| {
            log.truncate(frame::read(&log).expect("a kill damages nothing").len);
            Disk { log, ..self.disk.clone() }
        })
    }
}

impl Shared {
    fn new(disk: &Disk, seen: &Arc<Mutex<Seen>>) -> Self {
        let (io, _told) = unbounded();
        Self(Arc::new(World { disk: Mutex::new(disk.clone()), io, _told, seen: seen.clone() }))
    }

    /// Never held over an operation of hchan's.
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.disk.lock().unwrap()
    }

    /// A step of I/O, which may be the last.
    fn io<T>(&self, frame: &[u8], change: impl FnOnce(&mut Disk) -> T) -> T {
        self.0.io.try_send(()).expect("it has a place for all");
        let mut disk = self.disk();
        self.may_end_here(&disk, frame);
        let result = change(&mut disk);
        self.may_end_here(&disk, &[]);
        result
    }

    fn may_end_here(&self, disk: &Disk, frame: &[u8]) {
        let moment = Moment { disk: disk.clone(), frame: frame.to_vec() };
        self.0.seen.lock().unwrap().moments.insert(moment);
    }

    /// The life ends by itself.
    fn ended(&self, outcome: Option<&Outcome>) {
        self.0.seen.lock().unwrap().ends.insert(outcome.map(Outcome::to_string));
    }
}

impl Storage for Shared {
    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        self.io(frame, |disk| disk.log.extend(frame));
        Ok(())
    }
}

impl Participant for Bank {
    fn perform(&mut self, command: &Command) -> Result<Verdict, Unavailable> {
        let fails = self.fails && choose();
        self.fails &= !fails;
        if fails && choose() {
            return Err(Unavailable("before".into()));
        }
        let perform = |disk: &mut Disk| disk.banks.get_mut(&self.name).unwrap().perform(command);
        let verdict = self.world.io(&[], perform)?;
        if fails { Err(Unavailable("after".into())) } else { Ok(verdict) }
    }
}

/// A life that is not killed, with a client that asks for the plan, again if it did before, or with none.
async fn live(world: Shared, client: Option<Arc<Plan>>, limit: usize, fails: bool) {
    let begun = world.disk().clone();
    let bank = |name: &String| (name.clone(), Bank { name: name.clone(), world: world.clone(), fails });
    let banks: BTreeMap<_, _> = begun.banks.keys().map(bank).collect();
    // Nobody stops it: contexts that cannot end have no part in any interleaving.
    let options =
        Options { limit, patience: PATIENCE, stop: Context::background(), abandon: Context::background() };
    let coordinator = Coordinator::start(world.clone(), &begun.history(), banks, options).unwrap();
    let mut told = None;
    if let Some(plan) = client {
        let outcome = coordinator.client().submit("t".into(), plan).await.unwrap();
        world.io(&[], |disk| disk.told = Some(outcome.clone()));
        told = Some(outcome);
    }
    let machine = coordinator.finish().await.unwrap();
    all_is_well(&world, &machine, &[begun.told, told]);
}

fn all_is_well(world: &Shared, machine: &Machine, told: &[Option<Outcome>]) {
    let outcome = machine.outcome(&"t".into());
    assert_eq!(machine.unfinished(), 0, "it ended early");
    check(&world.disk().banks, machine);
    for told in told.iter().flatten() {
        assert_eq!(Some(told), outcome, "the client was told something else");
    }
    world.ended(outcome);
}

/// All lives of one transaction.
struct Lives {
    plan: Arc<Plan>,
    /// How many may be under way; with one, a client that comes again is heard when it is over.
    limit: usize,
    /// Whether each bank may fail to answer, once in a life, before or after the effect.
    fails: bool,
    /// On preemptions.
    bound: Option<usize>,
}

/// What they came to.
struct Lived {
    disks: usize,
    /// `None`: it was never begun.
    ends: BTreeSet<Option<String>>,
}

impl Lives {
    fn of(plan: Arc<Plan>) -> Self {
        Self { plan, limit: 1, fails: false, bound: None }
    }

    /// Explores lives until all disks that they leave have had theirs.
    fn explore(&self) -> Lived {
        let first = Disk::new(&self.plan);
        let mut known: HashSet<Disk> = [first.clone()].into();
        let mut open = vec![first];
        let (mut traces, mut ends) = (0, BTreeSet::new());
        while let Some(disk) = open.pop() {
            let seen = Arc::default();
            for client in [None, Some(self.plan.clone())] {
                traces += self.explore_from(&disk, client, &seen).traces;
            }
            let seen = std::mem::take(&mut *seen.lock().unwrap());
            ends.extend(seen.ends);
            let left = seen.moments.iter().flat_map(Moment::leaves);
            open.extend(left.filter(|disk| known.insert(disk.clone())));
        }
        println!("{} disks, {traces} traces of the lives that begin with them: {ends:?}", known.len());
        Lived { disks: known.len(), ends }
    }

    /// Explores the lives that begin with this disk.
    fn explore_from(&self, disk: &Disk, client: Option<Arc<Plan>>, seen: &Arc<Mutex<Seen>>) -> Report {
        let sim = self.bound.map_or_else(Sim::exhaustive, |most| Sim::exhaustive().preemption_bound(most));
        let (begun, seen) = (disk.clone(), seen.clone());
        let (limit, fails) = (self.limit, self.fails);
        let report = sim
            .check(move || live(Shared::new(&begun, &seen), client.clone(), limit, fails))
            .unwrap_or_else(|failure| panic!("from {:?} {:?}: {failure}", disk.history(), disk.banks));
        let expected =
            self.bound.map_or(Checked::Exhaustive, |most| Checked::Bounded(Bound::Preemptions(most)));
        assert!([expected, Checked::Exhaustive].contains(&report.verdict), "{report}");
        report
    }
}

impl Lived {
    /// That all ended like this, or had never been begun.
    #[track_caller]
    fn ended(&self, ends: &[&str]) {
        let expected = std::iter::once(None).chain(ends.iter().map(|end| Some((*end).to_owned())));
        assert_eq!(self.ends, expected.collect());
    }
}

const DONE: &str = "done";
const REFUSED_BY_N: &str = "compensated: n: `a` has 10 to spend, not 50";
const REFUSED_BY_S: &str = "compensated: s: `a` has 10 to spend, not 50";
/// How it ends if a bank does not answer.
const GIVEN_UP_AT_N: [&str; 2] = ["compensated: n: after", "compensated: n: before"];
const GIVEN_UP_AT_S: [&str; 2] = ["compensated: s: after", "compensated: s: before"];

#[test]
fn a_saga_of_one_step() {
    let lived = Lives::of(of_one_step(Pattern::Saga, 5)).explore();
    lived.ended(&[DONE]);
    // Nothing; begun; had its effect; that is in the log; that was told.
    assert_eq!(lived.disks, 5);
}

#[test]
fn a_saga_of_one_step_that_is_refused() {
    let lived = Lives::of(of_one_step(Pattern::Saga, 50)).explore();
    lived.ended(&[REFUSED_BY_N]);
    assert_eq!(lived.disks, 5);
}

#[test]
fn a_saga_whose_client_comes_again_while_it_is_under_way() {
    for (amount, end) in [(5, DONE), (50, REFUSED_BY_N)] {
        let lived = Lives { limit: 2, ..Lives::of(of_one_step(Pattern::Saga, amount)) }.explore();
        lived.ended(&[end]);
        assert_eq!(lived.disks, 5);
    }
}

#[test]
fn a_tcc_transaction_of_one_step() {
    let lived = Lives::of(of_one_step(Pattern::Tcc, 5)).explore();
    lived.ended(&[DONE]);
    // Two more for `confirm`.
    assert_eq!(lived.disks, 7);
}

#[test]
fn a_tcc_transaction_of_one_step_that_is_refused() {
    let lived = Lives::of(of_one_step(Pattern::Tcc, 50)).explore();
    lived.ended(&[REFUSED_BY_N]);
    assert_eq!(lived.disks, 5);
}

#[test]
fn a_saga_of_two_steps() {
    let lived = Lives::of(transfer(Pattern::Saga, "n", "s", 5)).explore();
    lived.ended(&[DONE]);
    assert_eq!(lived.disks, 7);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes a minute with optimization; .ci/guide runs it")]
fn a_saga_of_two_steps_that_is_undone() {
    let lived = Lives::of(transfer(Pattern::Saga, "n", "s", -50)).explore();
    lived.ended(&[REFUSED_BY_S]);
    // Two more for `undo`.
    assert_eq!(lived.disks, 9);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimization; .ci/guide runs it with")]
fn a_saga_of_one_step_whose_bank_fails() {
    let lives = Lives { fails: true, ..Lives::of(of_one_step(Pattern::Saga, 5)) };
    lives.explore().ended(&[&[DONE][..], &GIVEN_UP_AT_N].concat());
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimization; .ci/guide runs it with")]
fn a_tcc_transaction_of_one_step_whose_bank_fails() {
    let lives = Lives { fails: true, ..Lives::of(of_one_step(Pattern::Tcc, 5)) };
    lives.explore().ended(&[&[DONE][..], &GIVEN_UP_AT_N].concat());
}

/// In every order in which threads can go on where one waits: two banks that work at once have too many others.
fn in_every_order_of_waits(fails: bool, pattern: Pattern, amount: i64) -> Lived {
    Lives { fails, bound: Some(0), ..Lives::of(transfer(pattern, "n", "s", amount)) }.explore()
}

#[test]
fn a_saga_of_two_steps_whose_banks_fail() {
    let ends = [&GIVEN_UP_AT_N[..], &GIVEN_UP_AT_S].concat();
    let lived = in_every_order_of_waits(true, Pattern::Saga, 5);
    lived.ended(&[&[DONE][..], &ends].concat());
    let lived = in_every_order_of_waits(true, Pattern::Saga, -50);
    lived.ended(&[&[REFUSED_BY_S][..], &ends].concat());
}

#[test]
fn a_tcc_transaction_of_two_steps() {
    in_every_order_of_waits(false, Pattern::Tcc, 5).ended(&[DONE]);
    in_every_order_of_waits(false, Pattern::Tcc, -50).ended(&[REFUSED_BY_S]);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes two minutes with optimization; .ci/guide runs it")]
fn a_tcc_transaction_of_two_steps_whose_banks_fail() {
    let ends = [&[DONE][..], &GIVEN_UP_AT_N, &GIVEN_UP_AT_S].concat();
    in_every_order_of_waits(true, Pattern::Tcc, 5).ended(&ends);
}
