//! The format of the log: cut at every length, and every bit of it flipped.

use hchan_saga::frame::{MAGIC, frame, read};
use hchan_saga::model::{Answer, Event, Pattern, Plan, Step, Verb};
use std::sync::Arc;

/// A log of three frames, what is in each, and where each ends.
struct Sample {
    bytes: Vec<u8>,
    batches: Vec<Vec<Event>>,
    ends: Vec<usize>,
}

impl Sample {
    fn new() -> Self {
        let step = Step { participant: "north".into(), account: "zoë".into(), amount: -1 };
        let plan = Arc::new(Plan { pattern: Pattern::Saga, steps: vec![step] });
        let answered = |id: &str, answer| Event::Answered { id: id.into(), step: 0, verb: Verb::Do, answer };
        let batches = vec![
            vec![Event::Begun { id: "a".into(), plan: plan.clone() }, Event::Begun { id: "b".into(), plan }],
            vec![answered("a", Answer::Done)],
            vec![answered("b", Answer::Refused("no \0 money".into()))],
        ];
        let mut sample = Self { bytes: MAGIC.to_vec(), batches, ends: vec![MAGIC.len()] };
        for batch in &sample.batches {
            sample.bytes.extend(frame(batch));
            sample.ends.push(sample.bytes.len());
        }
        sample
    }

    /// What the first `frames` hold.
    fn events(&self, frames: usize) -> Vec<Event> {
        self.batches[..frames].concat()
    }
}

#[test]
fn cut_anywhere_it_has_the_frames_that_are_whole() {
    let sample = Sample::new();
    for len in 0..=sample.bytes.len() {
        let contents = read(&sample.bytes[..len]).unwrap();
        let whole = sample.ends.iter().filter(|end| **end <= len).count();
        assert_eq!(contents.len, if whole == 0 { 0 } else { sample.ends[whole - 1] }, "cut at {len}");
        assert_eq!(contents.events, sample.events(whole.saturating_sub(1)), "cut at {len}");
    }
}

#[test]
fn zeros_in_the_place_of_the_last_frames_end_are_a_torn_end() {
    let sample = Sample::new();
    let last = sample.ends[2];
    // From the last frame's first byte on, or from any other place in it.
    for from in last..sample.bytes.len() {
        for more in [0, 1, 5000] {
            let mut bytes = sample.bytes.clone();
            bytes[from..].fill(0);
            bytes.extend(std::iter::repeat_n(0, more));
            let contents = read(&bytes).unwrap();
            assert_eq!((contents.len, contents.events), (last, sample.events(2)), "zero from {from}");
        }
    }
}

#[test]
fn any_flipped_bit_is_an_error() {
    let sample = Sample::new();
    for bit in 0..sample.bytes.len() * 8 {
        let mut bytes = sample.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let damaged = read(&bytes).expect_err("it was flipped");
        let frame = sample.ends.iter().rfind(|end| **end <= bit / 8).copied().unwrap_or(0);
        assert_eq!(damaged.at, frame, "it says where: bit {bit}");
    }
}

#[test]
fn frames_out_of_their_place_are_an_error_too() {
    let sample = Sample::new();
    let [.., second, third, end] = sample.ends[..] else { unreachable!() };
    let mut doubled = sample.bytes.clone();
    doubled.extend(&sample.bytes[third..end]);
    let events = read(&doubled).unwrap().events;
    hchan_saga::machine::Machine::replay(&events).unwrap_err();
    let mut without = sample.bytes.clone();
    without.drain(second..third - 1);
    read(&without).unwrap_err();
}
