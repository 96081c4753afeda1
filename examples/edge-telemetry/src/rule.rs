//! The rule: *the temperature rose by more than `rise` within `window`, and stayed for `stay`*.
//!
//! A deterministic machine for each device, over the device's own time. At each reading:
//!
//! - It *rose* if it is more than `rise` above the lowest reading of the last `window` (itself included). The level is
//!   that lowest plus `rise`.
//! - It *stayed* if all readings from there on are above the level, until one that is `stay` later or more: an alert.
//! - One at the level or below ends that, before or after the alert, and is looked at anew.
//!
//! Invariants: the lows are the readings of the window that no later one undercuts, so their times and temperatures both
//! grow and the first is the lowest; a reading that is not later than the last one changes nothing.

use crate::wire::Reading;
use std::collections::VecDeque;

/// The numbers of the rule, in milliseconds and hundredths of a degree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rise {
    pub rise: i32,
    pub window: u64,
    pub stay: u64,
}

impl Default for Rise {
    /// More than 15 degrees within 30 seconds, for 10 seconds.
    fn default() -> Self {
        Self { rise: 1500, window: 30_000, stay: 10_000 }
    }
}

/// It rose and stayed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Alert {
    pub device: u32,
    /// When it rose.
    pub since: u64,
    /// Above what it stayed.
    pub level: i32,
}

/// What is known of a device.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Device {
    last: Option<u64>,
    lows: VecDeque<(u64, i32)>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    #[default]
    Watching,
    /// It rose, and has not stayed for long enough.
    Risen { since: u64, level: i32 },
    /// It was said.
    Alerted { level: i32 },
}

/// What a reading came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    Nothing,
    /// Not later than one before: ignored.
    Late,
    Alert(Alert),
}

/// What looks at readings; a trait so that tests can have one that blocks or panics.
pub trait Rule: Send + Sync + 'static {
    fn apply(&self, device: &mut Device, reading: &Reading) -> Applied;
}

impl Rule for Rise {
    fn apply(&self, device: &mut Device, reading: &Reading) -> Applied {
        let Reading { time, temperature, .. } = *reading;
        if device.last.is_some_and(|last| time <= last) {
            return Applied::Late;
        }
        device.last = Some(time);
        let lowest = device.note(time, temperature, self.window);
        match device.phase {
            Phase::Risen { level, .. } | Phase::Alerted { level } if temperature <= level => {
                device.phase = Phase::Watching;
            }
            _ => {}
        }
        if device.phase == Phase::Watching && temperature - lowest > self.rise {
            device.phase = Phase::Risen { since: time, level: lowest + self.rise };
        }
        match device.phase {
            Phase::Risen { since, level } if time - since >= self.stay => {
                device.phase = Phase::Alerted { level };
                Applied::Alert(Alert { device: reading.device, since, level })
            }
            _ => Applied::Nothing,
        }
    }
}

impl Device {
    /// Notes a reading; the lowest of the window then.
    fn note(&mut self, time: u64, temperature: i32, window: u64) -> i32 {
        while self.lows.front().is_some_and(|(at, _)| time - at > window) {
            self.lows.pop_front();
        }
        while self.lows.back().is_some_and(|(_, low)| *low >= temperature) {
            self.lows.pop_back();
        }
        self.lows.push_back((time, temperature));
        self.lows[0].1
    }
}
