//! The program, killed at every step of I/O that it makes, and started again.

mod common;

use common::{Directory, text};
use hchan_saga::frame;
use hchan_saga::model::Outcome;
use std::os::unix::process::ExitStatusExt;

/// Of each pattern one that is done and one that is refused by its second bank. No two want the same money, so
/// however they meet, each has one end.
const SCRIPT: &str = "\
open north:alice 100
open south:bob 20
saga paid north:alice -30 south:bob +30
saga too-much north:alice -10 south:nobody +10
tcc booked south:bob -5 north:alice +5
tcc unknown north:alice -20 south:nobody +20
";

/// How many steps a run of it makes, at least and at most: three for each of twelve commands, and four for the beginning
/// of the log and for each frame. Events that wait together share a frame. The saga that is undone has four, one after
/// the other; all together have sixteen.
const FEWEST: usize = 12 * 3 + 4 + 4 * 4;
const MOST: usize = 12 * 3 + 4 + 16 * 4;

/// SIGKILL.
const KILL: i32 = 9;

fn check(directory: &Directory) {
    let outcomes = directory.audit(SCRIPT);
    let done: Vec<&str> =
        outcomes.iter().filter(|(_, end)| **end == Outcome::Done).map(|(id, _)| &**id).collect();
    assert_eq!(done, ["booked", "paid"], "{outcomes:?}");
}

/// Kills the first run at `first`, the next ones at step 1, 2, 4, and so on; true if the first was killed.
fn run(directory: &Directory, first: usize) -> bool {
    let mut killed = 0;
    let mut at = first;
    loop {
        let output = directory.run(SCRIPT, Some(at));
        match output.status.signal() {
            Some(KILL) => killed += 1,
            None if output.status.success() => break,
            _ => panic!("killed {killed} times from step {first} on: {}", text(&output.stderr)),
        }
        at = 1 << (killed - 1);
    }
    check(directory);
    killed > 0
}

/// Every other step that there may be, beginning with `from`.
fn sweep(from: usize) {
    for at in (from..=MOST).step_by(2) {
        let was_killed = run(&Directory::new(&format!("killed-{at}")), at);
        assert!(was_killed || at > FEWEST, "there is a step {at}");
    }
}

#[test]
fn killed_at_every_odd_step_it_ends_whole() {
    sweep(1);
}

#[test]
fn killed_at_every_even_step_it_ends_whole() {
    sweep(2);
}

#[test]
fn a_log_that_is_cut_anywhere_is_gone_on_with() {
    let directory = Directory::new("cut");
    assert!(directory.run(SCRIPT, None).status.success());
    let log = std::fs::read(directory.log()).unwrap();
    // The banks know more than the log then, which is worse than any crash: they remember what they answered.
    let contents = frame::read(&log).unwrap();
    assert_eq!(contents.len, log.len());
    for len in (0..log.len()).rev().step_by(37) {
        std::fs::write(directory.log(), &log[..len]).unwrap();
        let output = directory.run(SCRIPT, None);
        assert!(output.status.success(), "cut at {len}: {}", text(&output.stderr));
        check(&directory);
    }
}

#[test]
fn a_log_with_a_flipped_bit_is_refused_and_left_alone() {
    let directory = Directory::new("flipped");
    assert!(directory.run(SCRIPT, None).status.success());
    let log = std::fs::read(directory.log()).unwrap();
    for at in (0..log.len()).step_by(211) {
        let mut damaged = log.clone();
        damaged[at] ^= 0x10;
        std::fs::write(directory.log(), &damaged).unwrap();
        let output = directory.run(SCRIPT, None);
        let error = text(&output.stderr);
        assert!(
            !output.status.success() && error.contains("saga.log: damaged at byte "),
            "byte {at}: {error}"
        );
        assert_eq!(std::fs::read(directory.log()).unwrap(), damaged);
    }
    std::fs::write(directory.log(), &log).unwrap();
    assert!(directory.run(SCRIPT, None).status.success());
    check(&directory);
}
