//! The whole coordinator over every interleaving: hub, log, desks and clients are the program's own, the disk and the
//! banks are in memory, and what fails, and when the power goes, is for the checker to choose.

use hchan::sim::{Sim, Verdict as Checked};
use hchan::{Context, bounded, go, select_blocking};
use hchan_saga::coordinator::{Coordinator, Failed, Options};
use hchan_saga::desk::{Participant, Patience};
use hchan_saga::frame;
use hchan_saga::log::Storage;
use hchan_saga::machine::Machine;
use hchan_saga::model::{Command, Id, Outcome, Pattern, Plan, Step, Verb};
use hchan_saga::rules::{self, Account, Unavailable, Verdict};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How much may go wrong in one trace.
#[derive(Clone, Copy, Default)]
struct Budget {
    /// How often the power goes.
    crashes: usize,
    /// How often a participant does not answer.
    troubles: usize,
}

/// What outlives a crash, and whether there is power.
struct World {
    log: Vec<u8>,
    banks: BTreeMap<String, Books>,
    left: Budget,
    power: bool,
    /// How the coordinator that runs now is told that the power is gone.
    switch: Context,
}

/// A bank in memory.
#[derive(Default)]
struct Books {
    account: Option<Account>,
    keys: BTreeMap<(Id, usize, Verb), Verdict>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<World>>);

/// One of two, as the checker likes it.
fn choose() -> bool {
    let (_, yes) = bounded::<()>(1);
    let (_, no) = bounded::<()>(1);
    select_blocking! {
        recv(yes) -> _ => true,
        recv(no) -> _ => false,
    }
}

impl Shared {
    /// Never held over an operation of hchan's.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Whether the power goes here.
    fn crashes_here(&self) -> bool {
        let possible = { self.lock() }.left.crashes > 0;
        if !possible || !choose() {
            return false;
        }
        let switch = {
            let mut world = self.lock();
            world.left.crashes -= 1;
            world.power = false;
            world.switch.clone()
        };
        switch.cancel();
        true
    }

    /// Whether a participant fails here.
    fn fails_here(&self) -> bool {
        let possible = { self.lock() }.left.troubles > 0;
        if !possible || !choose() {
            return false;
        }
        self.lock().left.troubles -= 1;
        true
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

impl Books {
    fn perform(&mut self, command: &Command) -> Result<Verdict, Unavailable> {
        let key = |verb| (command.id.clone(), command.step, verb);
        if let Some(verdict) = self.keys.get(&key(command.verb)) {
            return Ok(verdict.clone());
        }
        let performed = rules::perform(command, self.account, |verb| self.keys.get(&key(verb)).cloned())?;
        self.account = performed.account;
        self.keys.insert(key(command.verb), performed.verdict.clone());
        Ok(performed.verdict)
    }
}

/// 10 from one bank to the other, which both have 10 at the beginning.
fn transfer(pattern: Pattern, from: &str, to: &str, amount: i64) -> Arc<Plan> {
    let step = |bank: &str, amount| Step { participant: bank.into(), account: "a".into(), amount };
    Arc::new(Plan { pattern, steps: vec![step(from, -amount), step(to, amount)] })
}

/// Runs the plans, over crashes, to the end, and checks the world.
async fn run(plans: Vec<Arc<Plan>>, budget: Budget, limit: usize) {
    let books = || Books { account: Some(Account { balance: 10, held: 0 }), ..Books::default() };
    let world = Shared(Arc::new(Mutex::new(World {
        log: frame::MAGIC.to_vec(),
        banks: ["n", "s"].map(|name| (name.to_owned(), books())).into(),
        left: budget,
        power: true,
        switch: Context::background(),
    })));
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
    check(&world.lock(), &machine);
}

/// One life of the coordinator, and of its clients.
async fn start(world: &Shared, plans: &[Arc<Plan>], limit: usize) -> Result<Machine, Failed> {
    let abandon = Context::background().with_cancel();
    let (history, banks) = {
        let mut world_now = world.lock();
        world_now.switch = abandon.clone();
        let contents = frame::read(&world_now.log).expect("a crash damages nothing");
        world_now.log.truncate(contents.len);
        let bank = |name: &String| (name.clone(), Bank { name: name.clone(), world: world.clone() });
        (contents.events, world_now.banks.keys().map(bank).collect::<BTreeMap<_, _>>())
    };
    let patience = Patience { attempts: 1, pause: Duration::from_millis(1) };
    let options = Options { limit, patience, stop: Context::background(), abandon };
    let coordinator = Coordinator::start(world.clone(), &history, banks, options)?;
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

/// All or nothing, each once, and no money made.
fn check(world: &World, machine: &Machine) {
    let mut expected: BTreeMap<&str, i64> = [("n", 10), ("s", 10)].into();
    for id in machine.ids().filter(|id| machine.outcome(id) == Some(&Outcome::Done)) {
        for step in &machine.plan(id).unwrap().steps {
            *expected.get_mut(&*step.participant).unwrap() += step.amount;
        }
    }
    for (name, books) in &world.banks {
        assert_eq!(books.account, Some(Account { balance: expected[&**name], held: 0 }), "{name}");
    }
}

#[track_caller]
fn explore(plans: &[Arc<Plan>], budget: Budget, limit: usize) {
    let plans = plans.to_vec();
    let report = Sim::exhaustive()
        .check(move || run(plans.clone(), budget, limit))
        .unwrap_or_else(|failure| panic!("{failure}"));
    eprintln!("{report:?}");
    assert_eq!(report.verdict, Checked::Exhaustive);
}

#[test]
fn a_saga_over_crashes() {
    explore(&[transfer(Pattern::Saga, "n", "s", 5)], Budget { crashes: 1, troubles: 0 }, 1);
}

#[test]
fn a_saga_that_is_refused_over_crashes() {
    explore(&[transfer(Pattern::Saga, "n", "s", -50)], Budget { crashes: 1, troubles: 0 }, 1);
}

#[test]
fn a_tcc_transaction_over_crashes() {
    explore(&[transfer(Pattern::Tcc, "n", "s", 5)], Budget { crashes: 1, troubles: 0 }, 1);
}

#[test]
fn a_saga_with_silent_participants() {
    explore(&[transfer(Pattern::Saga, "n", "s", 5)], Budget { crashes: 0, troubles: 2 }, 1);
}

#[test]
fn a_tcc_transaction_with_silent_participants() {
    explore(&[transfer(Pattern::Tcc, "n", "s", 5)], Budget { crashes: 0, troubles: 2 }, 1);
}

#[test]
fn both_side_by_side() {
    let plans = [transfer(Pattern::Saga, "n", "s", 5), transfer(Pattern::Tcc, "s", "n", 5)];
    explore(&plans, Budget::default(), 2);
}
