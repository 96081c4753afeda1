//! The machine alone: every sequence of answers to some plans, and the log replayed after each event.

use hchan_saga::machine::{Effect, Machine};
use hchan_saga::model::{Answer, Command, Event, Id, Outcome, Pattern, Plan, Step, Verb};
use std::collections::BTreeSet;
use std::sync::Arc;

/// All that can happen, counted.
#[derive(Default)]
struct Seen {
    done: usize,
    compensated: usize,
    states: usize,
}

fn plan(pattern: Pattern, steps: usize) -> Arc<Plan> {
    let step = |n| Step { participant: format!("bank{n}"), account: "a".into(), amount: 0 };
    Arc::new(Plan { pattern, steps: (0..steps).map(step).collect() })
}

/// Goes on from `history` by every answer to every command that is under way.
fn explore(history: &mut Vec<Event>, machine: &Machine, under_way: &[Command], seen: &mut Seen) {
    seen.states += 1;
    let replayed = Machine::replay(&*history).unwrap();
    assert_eq!(replayed, *machine, "the state is a function of the events");
    assert_eq!(sorted(&replayed.pending()), sorted(under_way), "who starts again asks for the same");
    if under_way.is_empty() {
        assert_eq!(machine.unfinished(), 0, "it never stops in between: {history:?}");
        return end(history, machine, seen);
    }
    for (at, command) in under_way.iter().enumerate() {
        let mut answers = vec![Answer::Done];
        if command.verb.is_forward() {
            answers.extend([Answer::Refused("no".into()), Answer::Unknown("gone".into())]);
        }
        for answer in answers {
            let event =
                Event::Answered { id: command.id.clone(), step: command.step, verb: command.verb, answer };
            let mut next = machine.clone();
            let effects = next.apply(&event).unwrap();
            let mut under_way = under_way.to_vec();
            under_way.remove(at);
            under_way.extend(effects.into_iter().filter_map(|effect| match effect {
                Effect::Ask(command) => Some(command),
                Effect::Ended(..) => None,
            }));
            history.push(event);
            explore(history, &next, &under_way, seen);
            history.pop();
        }
    }
}

fn sorted(commands: &[Command]) -> BTreeSet<(Id, usize, Verb)> {
    commands.iter().map(|command| (command.id.clone(), command.step, command.verb)).collect()
}

/// The end of all transactions: what was done to each step fits the outcome.
fn end(history: &[Event], machine: &Machine, seen: &mut Seen) {
    for id in machine.ids() {
        let plan = machine.plan(id).unwrap();
        let outcome = machine.outcome(id).unwrap();
        for step in 0..plan.steps.len() {
            let answers = history.iter().filter_map(|event| match event {
                Event::Answered { id: of, step: at, verb, answer } if of == id && *at == step => {
                    Some((*verb, answer))
                }
                _ => None,
            });
            let answers: Vec<(Verb, &Answer)> = answers.collect();
            let good = match (outcome, plan.pattern, &answers[..]) {
                (Outcome::Done, Pattern::Saga, [(Verb::Do, Answer::Done)]) => true,
                (Outcome::Done, Pattern::Tcc, [(Verb::Try, Answer::Done), (Verb::Confirm, Answer::Done)]) => {
                    true
                }
                (Outcome::Compensated { .. }, Pattern::Saga, []) => true,
                (Outcome::Compensated { .. }, _, [(Verb::Do | Verb::Try, Answer::Refused(_))]) => true,
                (
                    Outcome::Compensated { .. },
                    _,
                    [(forward, Answer::Done | Answer::Unknown(_)), (back, Answer::Done)],
                ) => forward.opposite() == Some(*back),
                _ => false,
            };
            assert!(good, "{outcome:?} by {answers:?} at step {step} of {history:?}");
        }
        match outcome {
            Outcome::Done => seen.done += 1,
            Outcome::Compensated { why } => {
                assert!(why.starts_with("bank"), "{why}");
                seen.compensated += 1;
            }
        }
    }
}

fn all(plans: &[Arc<Plan>]) -> Seen {
    let mut machine = Machine::default();
    let (mut history, mut under_way) = (Vec::new(), Vec::new());
    for (n, plan) in plans.iter().enumerate() {
        let event = Event::Begun { id: format!("t{n}").into(), plan: plan.clone() };
        let effects = machine.apply(&event).unwrap();
        under_way.extend(effects.into_iter().map(|effect| match effect {
            Effect::Ask(command) => command,
            Effect::Ended(id, _) => panic!("{id} ended at once"),
        }));
        history.push(event);
    }
    let mut seen = Seen::default();
    explore(&mut history, &machine, &under_way, &mut seen);
    seen
}

#[test]
fn a_saga_is_done_or_undone_step_by_step() {
    let seen = all(&[plan(Pattern::Saga, 4)]);
    // Done; or refused or given up at one of four steps.
    assert_eq!((seen.done, seen.compensated), (1, 8));
}

#[test]
fn a_tcc_transaction_is_confirmed_or_cancelled_whatever_the_order_of_answers() {
    let seen = all(&[plan(Pattern::Tcc, 3)]);
    // Done: orders of the tries times orders of the confirmations.
    assert_eq!(seen.done, 6 * 6);
    // Three answers, in six orders; the steps to cancel, in each order; not all of them done.
    let cancels: usize = [1, 6, 12 * 2, 8 * 6].iter().sum();
    assert_eq!(seen.compensated, 6 * (cancels - 6));
}

#[test]
fn both_go_side_by_side() {
    let seen = all(&[plan(Pattern::Saga, 2), plan(Pattern::Tcc, 2)]);
    assert!(seen.done > 0 && seen.compensated > seen.done && seen.states > 1000, "{} states", seen.states);
}

#[test]
fn what_nobody_asked_for_is_refused_and_changes_nothing() {
    let mut machine = Machine::default();
    let id: Id = "t".into();
    machine.apply(&Event::Begun { id: id.clone(), plan: plan(Pattern::Saga, 2) }).unwrap();
    let before = machine.clone();
    let answered = |step, verb, answer| Event::Answered { id: id.clone(), step, verb, answer };
    for event in [
        Event::Begun { id: id.clone(), plan: plan(Pattern::Tcc, 1) },
        Event::Begun { id: "empty".into(), plan: plan(Pattern::Saga, 0) },
        answered(1, Verb::Do, Answer::Done),
        answered(9, Verb::Do, Answer::Done),
        answered(0, Verb::Undo, Answer::Done),
        Event::Answered { id: "other".into(), step: 0, verb: Verb::Do, answer: Answer::Done },
    ] {
        machine.apply(&event).unwrap_err();
        assert_eq!(machine, before, "{event:?}");
    }
    machine.apply(&answered(0, Verb::Do, Answer::Done)).unwrap();
    machine.apply(&answered(1, Verb::Do, Answer::Refused("no".into()))).unwrap();
    machine.apply(&answered(0, Verb::Undo, Answer::Refused("never".into()))).unwrap_err();
}
