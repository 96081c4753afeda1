//! The same operations on hchan, crossbeam-channel and async-channel, one thread: the same answers,
//! where the contracts agree.

use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    TrySend,
    TryRecv,
    Len,
    CloneSender,
    DropSender,
    DropReceiver,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::TrySend),
        8 => Just(Step::TryRecv),
        3 => Just(Step::Len),
        2 => Just(Step::CloneSender),
        2 => Just(Step::DropSender),
        1 => Just(Step::DropReceiver),
        1 => Just(Step::Close),
    ]
}

/// What an operation answered, in words common to all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Done,
    Value(u32),
    Full(u32),
    Empty,
    Closed,
    Refused(u32),
    Len(usize, bool, bool),
    Nobody,
}

/// Handles of one library: senders and receivers that are still there.
struct Handles<S, R> {
    senders: Vec<S>,
    receiver: Option<R>,
}

macro_rules! run_on {
    ($steps:expr, $library:ident, $channel:expr, $closed_send:path, $closed_recv:path, $close:expr) => {{
        let (tx, rx) = $channel;
        let mut handles = Handles { senders: vec![tx], receiver: Some(rx) };
        let mut next = 0;
        let answer = |step: &Step| match (step, handles.senders.last(), &handles.receiver) {
            (Step::TrySend, Some(tx), _) => {
                next += 1;
                match tx.try_send(next) {
                    Ok(()) => Answer::Done,
                    Err($library::TrySendError::Full(value)) => Answer::Full(value),
                    Err($closed_send(value)) => Answer::Refused(value),
                }
            }
            (Step::TryRecv, _, Some(rx)) => match rx.try_recv() {
                Ok(value) => Answer::Value(value),
                Err($library::TryRecvError::Empty) => Answer::Empty,
                Err($closed_recv) => Answer::Closed,
            },
            (Step::Len, _, Some(rx)) => Answer::Len(rx.len(), rx.is_empty(), rx.is_full()),
            (Step::CloneSender, Some(tx), _) => {
                let tx = tx.clone();
                handles.senders.push(tx);
                Answer::Done
            }
            (Step::DropSender, Some(_), _) => {
                handles.senders.pop();
                Answer::Done
            }
            (Step::DropReceiver, _, Some(_)) => {
                handles.receiver = None;
                Answer::Done
            }
            (Step::Close, _, Some(rx)) => $close(rx),
            _ => Answer::Nobody,
        };
        $steps.iter().map(answer).collect::<Vec<_>>()
    }};
}

fn on_hchan(capacity: Option<usize>, steps: &[Step]) -> Vec<Answer> {
    let channel = capacity.map_or_else(hchan::unbounded, hchan::bounded);
    let close = |rx: &hchan::Receiver<u32>| if rx.close() { Answer::Done } else { Answer::Closed };
    run_on!(steps, hchan, channel, hchan::TrySendError::Closed, hchan::TryRecvError::Closed, close)
}

fn on_crossbeam(capacity: Option<usize>, steps: &[Step]) -> Vec<Answer> {
    use crossbeam_channel::{TryRecvError, TrySendError};
    let channel = capacity.map_or_else(crossbeam_channel::unbounded, crossbeam_channel::bounded);
    let close = |_: &_| unreachable!("crossbeam-channel has no close");
    run_on!(steps, crossbeam_channel, channel, TrySendError::Disconnected, TryRecvError::Disconnected, close)
}

fn on_async_channel(capacity: Option<usize>, steps: &[Step]) -> Vec<Answer> {
    use async_channel::{TryRecvError, TrySendError};
    let channel = capacity.map_or_else(async_channel::unbounded, async_channel::bounded);
    let close = |rx: &async_channel::Receiver<u32>| if rx.close() { Answer::Done } else { Answer::Closed };
    run_on!(steps, async_channel, channel, TrySendError::Closed, TryRecvError::Closed, close)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn crossbeam_channel_answers_the_same(
        capacity in prop_oneof![Just(None), (0..4_usize).prop_map(Some)],
        mut steps in prop::collection::vec(step(), 1..60),
    ) {
        steps.retain(|step| !matches!(step, Step::Close));
        prop_assert_eq!(on_hchan(capacity, &steps), on_crossbeam(capacity, &steps));
    }

    #[test]
    fn async_channel_answers_the_same(
        capacity in prop_oneof![Just(None), (1..4_usize).prop_map(Some)],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        prop_assert_eq!(on_hchan(capacity, &steps), on_async_channel(capacity, &steps));
    }
}
