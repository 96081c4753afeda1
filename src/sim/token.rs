//! A run as text: the options that shape it, and the decisions.
//!
//! `h1;s10000;o5;v1-2;0.1*3.2`: the version of the format; the limit of steps; the options as bits; who is
//! aborted, as the number of a child of the root's, of a child of that one's and so on; the decisions, with `*n`
//! behind one that is taken n times.

use super::{Options, Timers};

const VERSION: &str = "h1";
const LEAKS: u32 = 1;
const LOST_VALUES: u32 = 1 << 1;
const CANCELLATION: u32 = 1 << 2;
const ANY_TIME: u32 = 1 << 3;
const AWAITS: u32 = 1 << 4;

pub(super) fn write(options: &Options, decisions: &[u32]) -> String {
    let bit = |set: bool, bit: u32| if set { bit } else { 0 };
    let bits = bit(options.leaks, LEAKS)
        | bit(options.lost_values, LOST_VALUES)
        | bit(options.cancellation, CANCELLATION)
        | bit(options.timers == Timers::Any, ANY_TIME)
        | bit(options.steps == super::Steps::Awaits, AWAITS);
    let runs = decisions.chunk_by(|one, other| one == other);
    let runs = runs.map(|run| match run {
        [one] => one.to_string(),
        [one, ..] => format!("{one}*{}", run.len()),
        [] => String::new(),
    });
    let list = runs.collect::<Vec<_>>().join(".");
    let victim = options.victim.iter().flatten().map(u32::to_string).collect::<Vec<_>>().join("-");
    format!("{VERSION};s{};o{bits};v{victim};{list}", options.max_steps)
}

/// The options and the decisions, if it is a token.
pub(super) fn read(token: &str) -> Option<(Options, Vec<u32>)> {
    let mut parts = token.trim().split(';');
    if parts.next()? != VERSION {
        return None;
    }
    let max_steps = parts.next()?.strip_prefix('s')?.parse().ok()?;
    let bits: u32 = parts.next()?.strip_prefix('o')?.parse().ok()?;
    let victim = parts.next()?.strip_prefix('v')?;
    let victim: Result<Vec<u32>, _> =
        victim.split('-').filter(|part| !part.is_empty()).map(str::parse).collect();
    let victim = Some(victim.ok()?).filter(|victim| !victim.is_empty());
    let mut decisions = Vec::new();
    for part in parts.next()?.split('.').filter(|part| !part.is_empty()) {
        let (one, times) = match part.split_once('*') {
            Some((one, times)) => (one, times.parse().ok()?),
            None => (part, 1),
        };
        if decisions.len() + times > MOST {
            return None;
        }
        decisions.resize(decisions.len() + times, one.parse().ok()?);
    }
    let options = Options {
        max_steps,
        leaks: bits & LEAKS != 0,
        lost_values: bits & LOST_VALUES != 0,
        cancellation: bits & CANCELLATION != 0,
        timers: if bits & ANY_TIME != 0 { Timers::Any } else { Timers::Ordered },
        steps: if bits & AWAITS != 0 { super::Steps::Awaits } else { super::Steps::All },
        victim,
        ..Options::default()
    };
    Some((options, decisions))
}

/// More decisions than a run has.
const MOST: usize = 100_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_was_written() {
        let options = Options { max_steps: 77, lost_values: true, timers: Timers::Any, ..Options::default() };
        for decisions in [&[][..], &[0], &[3, 3, 3, 1, 0, 0]] {
            let (read, list) = read(&write(&options, decisions)).unwrap();
            assert_eq!(list, decisions);
            assert_eq!((read.max_steps, read.lost_values, read.timers), (77, true, Timers::Any));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in [
            "",
            "h1",
            "h1;s1;o1",
            "h1;s1;o1;vx;0",
            "h2;s1;o1;v;0",
            "h1;sx;o1;v;0",
            "h1;s1;o1;v;0*99999999999",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
