//! The coordinator under the checker: hub, log, desks and clients are the program's own, the disk and the banks are in
//! memory, and who goes on, what fails, and when the power goes, is for the checker to choose.
//!
//! A desk is checked over every interleaving, and so is the whole with a transaction of one step. With two steps it is
//! checked in every order of its waits, with a failure wherever there can be one. Here a coordinator notices that the
//! power is gone, ends by its channels, and is started again: that has too many orders, and is sampled. One that is
//! killed notices nothing: see `lives.rs`.

#[path = "common/memory.rs"]
mod memory;

use hchan::sim::{Bound, Sim, Verdict as Checked};
use hchan::{Context, bounded, go};
use hchan_saga::coordinator::{Coordinator, Failed, Options};
use hchan_saga::desk::{Desks, Office, Participant};
use hchan_saga::frame;
use hchan_saga::log::Storage;
use hchan_saga::machine::Machine;
use hchan_saga::model::{Answer, Command, Event, Pattern, Plan, Verb};
use hchan_saga::rules::{Account, Unavailable, Verdict};
use memory::{Banks, PATIENCE, check, choose, of_one_step, transfer};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// Runs of each test by each strategy.
const RUNS: usize = 80;

/// How much goes wrong in one trace, at most.
#[derive(Clone, Copy)]
struct Budget {
    /// How often the power goes.
    crashes: usize,
    /// How often a participant does not answer.
    troubles: usize,
}

/// What outlives a crash, and whether there is power.
struct World {
    log: Vec<u8>,
    banks: Banks,
    /// After how many steps of I/O the power goes, the next time last.
    crashes: Vec<usize>,
    /// After how many commands a participant does not answer, the next time last.
    troubles: Vec<usize>,
    power: bool,
    /// How the coordinator that runs now is told that the power is gone.
    switch: Option<Context>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<World>>);

/// A number below a power of two.
fn choose_below(power: usize) -> usize {
    (0..power.ilog2()).fold(0, |number, _| number * 2 + usize::from(choose()))
}

/// Whether the next of these is due now.
fn is_due(steps: &mut Vec<usize>) -> bool {
    match steps.last_mut() {
        Some(0) => steps.pop().is_some(),
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

impl Shared {
    fn new(banks: &[&str], budget: Budget) -> Self {
        let world = World {
            log: frame::MAGIC.to_vec(),
            banks: memory::open(banks.iter().copied()),
            crashes: (0..budget.crashes).map(|_| choose_below(16)).collect(),
            troubles: (0..budget.troubles).map(|_| choose_below(8)).collect(),
            power: true,
            switch: None,
        };
        Self(Arc::new(Mutex::new(world)))
    }

    fn participants(&self) -> BTreeMap<String, Bank> {
        let bank = |name: &String| (name.clone(), Bank { name: name.clone(), world: self.clone() });
        self.lock().banks.keys().map(bank).collect()
    }

    /// Never held over an operation of hchan's.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Whether the power goes here.
    fn crashes_here(&self) -> bool {
        let switch = {
            let mut world = self.lock();
            if !world.power || !is_due(&mut world.crashes) {
                return false;
            }
            world.power = false;
            world.switch.take()
        };
        switch.expect("a coordinator is running").cancel();
        true
    }

    /// Whether a participant fails here.
    fn fails_here(&self) -> bool {
        is_due(&mut self.lock().troubles)
    }

    fn has_power(&self) -> bool {
        self.lock().power
    }
}

impl Storage for Shared {
    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        let gone = || Err(io::Error::other("no power"));
        if !self.has_power() {
            return gone();
        }
        if self.crashes_here() {
            // Nothing of it is there afterwards, or a part, or all though nobody was told.
            let part = match (choose(), choose()) {
                (true, true) => frame.len(),
                (true, false) => frame.len() / 2,
                (false, _) => 0,
            };
            self.lock().log.extend(&frame[..part]);
            return gone();
        }
        self.lock().log.extend(frame);
        Ok(())
    }
}

struct Bank {
    name: String,
    world: Shared,
}

impl Participant for Bank {
    fn perform(&mut self, command: &Command) -> Result<Verdict, Unavailable> {
        let gone = || Err(Unavailable("no power".into()));
        if !self.world.has_power() || self.world.crashes_here() {
            return gone();
        }
        if self.world.fails_here() {
            return Err(Unavailable("before".into()));
        }
        let verdict = self.world.lock().banks.get_mut(&self.name).unwrap().perform(command)?;
        if self.world.crashes_here() {
            return gone();
        }
        if self.world.fails_here() {
            return Err(Unavailable("after".into()));
        }
        Ok(verdict)
    }
}

/// Runs the plans, over crashes, to the end, and checks the world.
async fn run(plans: Vec<Arc<Plan>>, budget: Budget, limit: usize) {
    let world = Shared::new(&["n", "s"], budget);
    let machine = loop {
        match start(&world, &plans, limit).await {
            Ok(machine) if machine.unfinished() == 0 && machine.ids().count() == plans.len() => {
                break machine;
            }
            Ok(_) => assert!(!world.has_power(), "it ended early"),
            Err(Failed::Log(_)) => assert!(!world.has_power()),
            Err(error) => panic!("{error}"),
        }
        world.lock().power = true;
    };
    check(&world.lock().banks, &machine);
}

/// One life of the coordinator, and of its clients.
async fn start(world: &Shared, plans: &[Arc<Plan>], limit: usize) -> Result<Machine, Failed> {
    let abandon = Context::background().with_cancel();
    let switch = abandon.clone();
    let before = { world.lock() }.switch.replace(switch);
    drop(before);
    let history = {
        let mut world = world.lock();
        let contents = frame::read(&world.log).expect("a crash damages nothing");
        world.log.truncate(contents.len);
        contents.events
    };
    let options = Options { limit, patience: PATIENCE, stop: Context::background(), abandon };
    let coordinator = Coordinator::start(world.clone(), &history, world.participants(), options)?;
    let clients: Vec<_> = (plans.iter().cloned().enumerate())
        .map(|(n, plan)| {
            let client = coordinator.client();
            go(async move { client.submit(format!("t{n}").into(), plan).await })
        })
        .collect();
    let ended = coordinator.finish().await;
    for client in clients {
        // Interrupted, if there was a crash.
        let _ = client.await.unwrap();
    }
    ended
}

/// Runs of a coordinator that all differ: half of them at random, half by priorities that change three times.
#[track_caller]
fn sample(plans: &[Arc<Plan>], budget: Budget, limit: usize) {
    for sim in [Sim::random(1, RUNS), Sim::pct(2, RUNS, 3)] {
        let plans = plans.to_vec();
        if let Err(failure) = sim.check(move || run(plans.clone(), budget, limit)) {
            panic!("{failure}");
        }
    }
}

/// Every order in which tasks can go on where one waits, each with a participant that fails at any command, before
/// or after its effect, or at none.
#[track_caller]
fn all_orders(plan: Arc<Plan>) {
    let budget = Budget { crashes: 0, troubles: 1 };
    let sim = Sim::exhaustive().preemption_bound(0);
    let report =
        sim.check(move || run(vec![plan.clone()], budget, 1)).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Checked::Bounded(Bound::Preemptions(0)), "{report:?}");
}

#[test]
fn a_saga_in_every_order_of_its_waits() {
    all_orders(transfer(Pattern::Saga, "n", "s", 5));
}

#[test]
fn a_saga_that_is_refused_in_every_order_of_its_waits() {
    all_orders(transfer(Pattern::Saga, "n", "s", -50));
}

#[test]
fn a_tcc_transaction_in_every_order_of_its_waits() {
    // The two steps of a transfer would go at once, and have a hundred times as many orders.
    all_orders(of_one_step(Pattern::Tcc, 5));
}

/// Hub, log, desks, client and all: whoever goes on wherever he can.
#[test]
fn a_saga_of_one_step_in_every_interleaving() {
    let plan = of_one_step(Pattern::Saga, 5);
    let nothing = Budget { crashes: 0, troubles: 0 };
    let report = Sim::exhaustive()
        .check(move || run(vec![plan.clone()], nothing, 1))
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Checked::Exhaustive, "{report:?}");
}

#[test]
fn a_saga_over_crashes() {
    sample(&[transfer(Pattern::Saga, "n", "s", 5)], Budget { crashes: 2, troubles: 1 }, 1);
}

#[test]
fn a_saga_that_is_refused_over_crashes() {
    sample(&[transfer(Pattern::Saga, "n", "s", -50)], Budget { crashes: 2, troubles: 1 }, 1);
}

#[test]
fn a_tcc_transaction_over_crashes() {
    sample(&[transfer(Pattern::Tcc, "n", "s", 5)], Budget { crashes: 2, troubles: 1 }, 1);
}

#[test]
fn both_side_by_side_and_one_waits_for_the_other() {
    let plans = [transfer(Pattern::Saga, "n", "s", 5), transfer(Pattern::Tcc, "s", "n", 5)];
    for limit in [1, 2] {
        sample(&plans, Budget { crashes: 1, troubles: 2 }, limit);
    }
}

/// A desk alone, over every interleaving: two commands, a participant that fails when the checker likes, and a
/// switch that may be thrown at any time.
#[test]
fn a_desk_answers_once_or_not_at_all() {
    let program = || async {
        let abandon = Context::background().with_cancel();
        let world = Shared::new(&["n"], Budget { crashes: 0, troubles: 2 });
        let (answers, from_desk) = bounded(1);
        let (notices, _unread) = bounded(1);
        let office = Office { patience: PATIENCE, abandon: abandon.clone(), answers, notices };
        let Desks { ends, handles } = office.open(world.participants());
        let plan = transfer(Pattern::Tcc, "n", "n", 5);
        let ask = |verb| ends["n"].send(Command { id: "t".into(), step: 0, verb, plan: plan.clone() });
        ask(Verb::Try).await.unwrap();
        let Ok(Event::Answered { verb: Verb::Try, answer: first, .. }) = from_desk.recv().await else {
            panic!("what was asked is answered");
        };
        ask(Verb::Cancel).await.unwrap();
        let thrown = go(async move { abandon.cancel() });
        match from_desk.recv().await {
            Ok(Event::Answered { verb: Verb::Cancel, answer: Answer::Done, .. }) => {
                assert_eq!(world.lock().banks["n"].account, Account { balance: 10, held: 0 }, "{first:?}");
            }
            Ok(other) => panic!("{other:?}"),
            // It was abandoned.
            Err(_) => {}
        }
        thrown.await.unwrap();
        drop(ends);
        for desk in handles {
            desk.await.unwrap();
        }
    };
    let report = Sim::exhaustive().check(program).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Checked::Exhaustive);
}
