//! The reduction against brute force: on small programs at random, both see the same outcomes.

mod kinds;
mod more;
mod programs;

use super::Options;
use super::brain::Brain;
use super::check::Check;
use super::dpor::{Brute, Dpor};
use super::driver::Driver;
use super::driving::Driving;
use super::pick::{Replay, Rng};
use super::procs::Procs;
use super::trace::{EventId, Pid};
use programs::{Program, Results};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write;
use std::panic::Location;
use std::rc::Rc;

/// Programs with more traces than this are left out.
const MANY: usize = 2_000;

struct Shared(Rc<RefCell<Dpor>>);

impl Brain for Shared {
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        self.0.borrow_mut().pick(procs, enabled)
    }

    fn branch(&mut self, procs: &Procs, of: usize) -> usize {
        self.0.borrow_mut().branch(procs, of)
    }

    fn settled(&mut self, procs: &Procs, races: &[EventId]) {
        self.0.borrow_mut().settled(procs, races);
    }
}

struct Seen {
    outcomes: BTreeSet<String>,
    traces: usize,
    redundant: usize,
}

/// All outcomes of a program, if it has not too many traces.
fn explore(program: &Program, brute: Option<Brute>, most: usize) -> Option<Seen> {
    let new = || brute.map_or_else(|| Dpor::new(None), Dpor::brute);
    super::panics::watch();
    let driver = Driver::new(Box::new(Replay::new(&[])));
    driver.procs.borrow_mut().any_time = program.any_time;
    driver.procs.borrow_mut().victim = program.victim.map(|victim| [victim].as_slice().into());
    let dpor = Rc::new(RefCell::new(new()));
    driver.set_brain(Box::new(Shared(dpor.clone())));
    driver.rehearsing.set(brute.is_none());
    let _driving = Driving::start(&driver);
    let mut seen = Seen { outcomes: BTreeSet::new(), traces: 0, redundant: 0 };
    loop {
        let results = Results::default();
        let ending = driver.drive(|| program.root(&results), Location::caller(), 10_000);
        assert!(dpor.borrow().surprise.is_none(), "{program:?}: {:?}", dpor.borrow().surprise);
        let left = left(&driver.procs.borrow());
        if ending == super::brain::Ending::Abandoned {
            seen.redundant += 1;
        } else {
            seen.traces += 1;
            seen.outcomes.insert(format!("{} {}", results.text(), left));
        }
        driver.finish();
        drop(results);
        if driver.manners.borrow_mut().has_learnt() && brute.is_none() {
            *dpor.borrow_mut() = new();
            seen = Seen { outcomes: BTreeSet::new(), traces: 0, redundant: 0 };
            continue;
        }
        if seen.traces + seen.redundant > most {
            return None;
        }
        if !dpor.borrow_mut().advance() {
            return Some(seen);
        }
    }
}

/// Whether each task is over, in an order that does not hang on who came first.
fn left(procs: &Procs) -> String {
    let tasks = procs.all.iter().filter_map(|proc| proc.task.as_ref());
    let mut tasks: Vec<_> = tasks.map(|task| (&task.path, task.over.is_some(), task.panicked)).collect();
    tasks.sort();
    let letter = |is_over, panicked| {
        if panicked {
            'p'
        } else if is_over {
            'o'
        } else {
            'w'
        }
    };
    tasks.into_iter().map(|(_, is_over, panicked)| letter(is_over, panicked)).collect()
}

fn compare(seeds: std::ops::Range<u64>, kinds: kinds::Kinds) {
    let mut sum = Sum::default();
    for seed in seeds {
        let program = Program::random(&mut Rng::new(seed, 7), kinds);
        if std::env::var_os("HCHAN_SIM_SHOW").is_some() {
            say(&format!("seed {seed}: {program:?}"));
        }
        let most = env("HCHAN_SIM_MANY", MANY as u64) as usize;
        compare_one(&program, &format!("seed {seed}"), most, &mut sum);
    }
    let Sum { compared, brute_traces, traces, redundant } = sum;
    say(&format!(
        "{compared} programs: {brute_traces} traces by brute force, {traces} and {redundant} redundant"
    ));
    assert!(compared > 0);
    // Where timers fire anywhere, what was cancelled in time makes more traces than it saves.
    assert!(kinds.any_time || traces <= brute_traces);
}

#[derive(Default)]
struct Sum {
    compared: usize,
    brute_traces: usize,
    traces: usize,
    redundant: usize,
}

/// Compares the outcomes of one program, unless it has more traces than `most`.
fn compare_one(program: &Program, name: &str, most: usize, sum: &mut Sum) {
    let everywhere = std::env::var_os("HCHAN_SIM_EVERYWHERE").is_some();
    let brute = if program.aborts() || everywhere { Brute::Everywhere } else { Brute::AtOperations };
    let Some(all) = explore(program, Some(brute), most) else { return };
    let Some(reduced) = explore(program, None, most) else { return };
    let missed: Vec<_> = all.outcomes.difference(&reduced.outcomes).collect();
    assert!(missed.is_empty(), "{name}: {program:#?}\nmissed {missed:#?}");
    assert_eq!(all.outcomes, reduced.outcomes, "{name}: {program:#?}");
    sum.compared += 1;
    sum.brute_traces += all.traces;
    sum.traces += reduced.traces;
    sum.redundant += reduced.redundant;
}

/// For who asks for more.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// How many programs: more if asked for.
fn seeds() -> std::ops::Range<u64> {
    let (start, many) = (env("HCHAN_SIM_SEED", 0), env("HCHAN_SIM_PROGRAMS", 40));
    start..start + many
}

/// Of what takes long. CI tries all of them, with optimization: that is twelve times as fast.
fn fewer(seeds: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let all = seeds.end - seeds.start;
    seeds.start..seeds.start + if cfg!(debug_assertions) { all.div_ceil(5) } else { all }
}

fn env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Once a future was served, that it is dropped later does not mean that it could not have been dropped before.
#[test]
fn futures_that_are_dropped_when_they_were_served() {
    use kinds::Op::{Both, Recv, RecvTimeout, SelectFuture, SelectRecv, Send, SendTimeout, TrySend};
    let programs: [(&[&[kinds::Op]], bool); 5] = [
        (&[&[SelectFuture], &[TrySend(0)], &[Recv(1)]], false),
        (&[&[SelectRecv], &[TrySend(0)], &[SelectFuture]], false),
        (&[&[RecvTimeout(0, 1)], &[SendTimeout(0, 1)]], true),
        (&[&[SendTimeout(0, 1), Send(1)], &[RecvTimeout(0, 1), RecvTimeout(1, 2)]], true),
        (&[&[Both], &[RecvTimeout(1, 1)], &[Send(0)]], true),
    ];
    let mut sum = Sum::default();
    for (tasks, any_time) in programs {
        compare_one(&Program::of(tasks, any_time), "by hand", 100 * MANY, &mut sum);
    }
    assert_eq!(sum.compared, programs.len());
}

#[test]
fn plain_requests_and_handles() {
    compare(seeds(), kinds::PLAIN);
}

#[test]
fn all_operations_of_channels() {
    compare(seeds(), kinds::CHANNELS);
}

#[test]
fn selects() {
    compare(seeds(), kinds::SELECTS);
}

#[test]
fn biased_selects() {
    compare(seeds(), kinds::BIASED);
}

#[test]
fn cancelled_operations() {
    compare(seeds(), kinds::CANCELLED);
}

#[test]
fn tasks_that_are_joined_and_aborted() {
    compare(seeds(), kinds::TASKS);
}

#[test]
fn timers() {
    compare(seeds(), kinds::TIMERS);
}

#[test]
fn timers_that_fire_early() {
    // A timer that may fire anywhere is in the way of most steps, so these are slow.
    compare(fewer(seeds()), kinds::ANY_TIME);
}

#[test]
fn everything_together() {
    compare(seeds(), kinds::ALL);
}

#[test]
fn handles_that_come_and_go() {
    compare(fewer(seeds()), kinds::HANDLES);
}

#[test]
fn futures_that_are_polled_by_hand() {
    compare(seeds(), kinds::POLLS);
}

#[test]
fn tasks_of_tasks_groups_and_contexts() {
    compare(fewer(seeds()), kinds::FAMILIES);
}

#[test]
fn times_of_all_kinds() {
    compare(fewer(seeds()), kinds::TIMES);
}

#[test]
fn everything_wider() {
    compare(fewer(seeds()), kinds::WIDE);
}

#[test]
fn everything_wider_with_timers_that_fire_early() {
    compare(fewer(seeds()), kinds::WIDE_ANY_TIME);
}

#[test]
fn everything_wider_with_a_task_that_is_aborted_at_any_time() {
    compare(seeds(), kinds::WIDE_VICTIMS);
}

/// Tasks that await one thing after the other do the same in each order of a class, so what is driven once more comes
/// to the same. (Else nothing would count as pure any more, and there were a hundred times as many traces.)
#[test]
fn what_is_driven_once_more_comes_to_the_same() {
    let all =
        [(kinds::PLAIN, false), (kinds::CHANNELS, false), (kinds::SELECTS, false), (kinds::BIASED, false)];
    // Whoever drops the last of what tasks share is a matter of memory, and drops a group.
    for (kinds, keep) in all.into_iter().chain([(kinds::TASKS, true)]) {
        for seed in seeds() {
            let mut program = Program::random(&mut Rng::new(seed, 7), kinds);
            program.keep |= keep;
            let options = Options { leaks: false, max_traces: Some(MANY), ..Options::default() };
            let results = Results::default();
            let root = || {
                let root = program.root(&results);
                async {
                    root.await;
                    Ok(())
                }
            };
            let check = Check::new(&options, root, Location::caller());
            let driver = check.driver.clone();
            check.run().unwrap_or_else(|failure| panic!("seed {seed}: {program:#?}: {failure}"));
            let distrusts = driver.manners.borrow().distrusts;
            assert_eq!(distrusts, 0, "seed {seed}: {program:#?}");
        }
    }
}

/// A task that takes a value at once goes on; one that waited for it may be aborted before it does.
#[test]
fn a_task_that_was_served_and_aborted() {
    use kinds::Op::{Abort, Recv, Send, TryRecv};
    let programs: [&[&[kinds::Op]]; 4] = [
        &[&[Send(0)], &[Abort], &[Recv(0)]],
        &[&[Abort], &[Recv(0)], &[Send(0)]],
        &[&[Send(0)], &[Abort], &[Recv(0), TryRecv(1)]],
        &[&[Recv(0)], &[Abort], &[Send(0), TryRecv(1)]],
    ];
    // As `fewer`.
    let programs = if cfg!(debug_assertions) { &programs[..2] } else { &programs[..] };
    let mut sum = Sum::default();
    for tasks in programs {
        compare_one(&Program::of(tasks, false), "by hand", 100 * MANY, &mut sum);
    }
    assert_eq!(sum.compared, programs.len());
}

/// What a task drops while it unwinds is a part of its step before, whichever that is.
#[test]
fn a_last_drop_within_another_step() {
    use kinds::Op::{DropReceiver, More};
    use more::More::{Panic, SelectDynamic};
    let tasks: &[&[kinds::Op]] = &[&[More(Panic)], &[DropReceiver(1), More(SelectDynamic)]];
    let program =
        Program { capacities: [Some(0), None], own: true, keep: false, ..Program::of(tasks, false) };
    let mut sum = Sum::default();
    compare_one(&program, "by hand", 100 * MANY, &mut sum);
    assert_eq!(sum.compared, 1);
}
