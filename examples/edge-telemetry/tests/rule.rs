//! The rule against an oracle that looks at everything each time; and the two small machines of the intake.

use hchan_edge_telemetry::rule::{Alert, Applied, Device, Rise, Rule};
use hchan_edge_telemetry::sampler::Sampler;
use hchan_edge_telemetry::sequence::{Seen, Sequences};
use hchan_edge_telemetry::wire::{DATAGRAM, Reading};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const RULE: Rise = Rise { rise: 1500, window: 30_000, stay: 10_000 };

fn reading(time: u64, temperature: i32) -> Reading {
    Reading { device: 7, sequence: 1, time, temperature }
}

/// What the machine says of all readings.
fn machine(rule: Rise, readings: &[(u64, i32)]) -> (Vec<Alert>, usize) {
    let mut device = Device::default();
    let (mut alerts, mut late) = (Vec::new(), 0);
    for (time, temperature) in readings {
        match rule.apply(&mut device, &reading(*time, *temperature)) {
            Applied::Nothing => {}
            Applied::Late => late += 1,
            Applied::Alert(alert) => alerts.push(alert),
        }
    }
    (alerts, late)
}

/// The same from the words of the rule, with the whole past at hand.
fn oracle(rule: Rise, readings: &[(u64, i32)]) -> (Vec<Alert>, usize) {
    let mut past: Vec<(u64, i32)> = Vec::new();
    for reading in readings {
        if past.iter().all(|(time, _)| time < &reading.0) {
            past.push(*reading);
        }
    }
    let lowest = |at: usize| {
        let of_the_window = past[..=at].iter().filter(|(time, _)| past[at].0 - time <= rule.window);
        of_the_window.map(|(_, temperature)| *temperature).min().unwrap()
    };
    let mut alerts = Vec::new();
    let mut from = 0;
    while let Some(rose) = (from..past.len()).find(|at| past[*at].1 > lowest(*at) + rule.rise) {
        let level = lowest(rose) + rule.rise;
        let fell = (rose..past.len()).find(|at| past[*at].1 <= level).unwrap_or(past.len());
        if (rose..fell).any(|at| past[at].0 >= past[rose].0 + rule.stay) {
            alerts.push(Alert { device: 7, since: past[rose].0, level });
        }
        from = fell;
    }
    (alerts, readings.len() - past.len())
}

/// Readings whose steps are near what decides: no time at all, the stay, the window; a rise of 15 degrees.
fn readings() -> impl Strategy<Value = Vec<(u64, i32)>> {
    let step = prop_oneof![
        Just(0),
        1..6_000u64,
        Just(5_000),
        Just(10_000),
        Just(9_999),
        Just(29_999),
        Just(30_000),
        Just(30_001)
    ];
    let temperature = prop_oneof![Just(0), Just(1500), Just(1501), Just(-1), Just(3002), -3_000..6_000i32];
    let back = prop_oneof![20 => Just(0), 1 => 1..10_000u64];
    prop::collection::vec((step, back, temperature), 0..60).prop_map(|steps| {
        let mut now = 100_000;
        let reading = |(step, back, temperature)| {
            now += step;
            (now - back, temperature)
        };
        steps.into_iter().map(reading).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        // The same ones each time.
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_machine_says_what_the_oracle_says(readings in readings()) {
        prop_assert_eq!(machine(RULE, &readings), oracle(RULE, &readings));
    }

    #[test]
    fn any_reading_survives_the_wire(device: u32, sequence in 1u32.., time: u64, temperature in -10_000..=200_000i32) {
        let reading = Reading { device, sequence, time, temperature };
        prop_assert_eq!(Reading::from_datagram(&reading.to_datagram()), Some(reading));
    }

    #[test]
    fn any_bytes_are_a_reading_or_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Some(reading) = Reading::from_datagram(&bytes) {
            prop_assert_eq!(&reading.to_datagram()[..], &bytes[..]);
        }
    }
}

#[test]
fn it_has_to_rise_by_more_and_within_the_window_and_stay() {
    let alerts = |readings: &[(u64, i32)]| machine(RULE, readings).0.len();
    assert_eq!(alerts(&[(1_000, 2000), (2_000, 3501), (12_000, 3501)]), 1);
    assert_eq!(alerts(&[(1_000, 2000), (2_000, 3500), (12_000, 3500)]), 0, "no more than 15");
    assert_eq!(alerts(&[(1_000, 2000), (31_001, 3501), (41_001, 3501)]), 0, "not within 30 s");
    assert_eq!(alerts(&[(1_000, 2000), (31_000, 3501), (41_000, 3501)]), 1);
    assert_eq!(alerts(&[(1_000, 2000), (2_000, 3501), (11_999, 3501)]), 0, "not for 10 s");
    assert_eq!(alerts(&[(1_000, 2000), (2_000, 3501), (5_000, 3500), (12_000, 3501)]), 0, "it did not stay");
    let again =
        [(1_000, 2000), (2_000, 4000), (12_000, 4000), (20_000, 2000), (21_000, 4000), (31_000, 4000)];
    assert_eq!(alerts(&again), 2, "said once, until it falls");
}

#[test]
fn a_datagram_that_is_too_long_or_too_short_is_none() {
    let datagram = reading(1, 1).to_datagram();
    assert_eq!(Reading::from_datagram(&datagram[..DATAGRAM - 1]), None);
    assert_eq!(Reading::from_datagram(&[&datagram[..], &[0]].concat()), None);
    assert_eq!(Reading::from_datagram(&reading(1, 200_001).to_datagram()), None, "no thermometer says that");
    let uncounted = Reading { sequence: 0, ..reading(1, 1) };
    assert_eq!(Reading::from_datagram(&uncounted.to_datagram()), None);
}

#[test]
fn gaps_are_what_was_lost() {
    let mut sequences = Sequences::new(2);
    assert_eq!(sequences.see(0, 3), Seen::New { lost: 2 });
    assert_eq!(sequences.see(0, 4), Seen::New { lost: 0 });
    assert_eq!(sequences.see(0, 4), Seen::Old);
    assert_eq!(sequences.see(0, 2), Seen::Old);
    assert_eq!(sequences.see(1, u32::MAX), Seen::New { lost: u32::MAX - 1 });
    assert_eq!(sequences.see(2, 1), Seen::Stranger);
}

#[test]
fn sampling_follows_the_queue_and_does_not_flap() {
    let mut sampler = Sampler::default();
    let mut one_of = |len: usize, readings: u32| {
        let kept = (0..readings).filter(|sequence| sampler.keeps(3, *sequence, len, 100)).count();
        (sampler.one_of(), kept)
    };
    assert_eq!(one_of(74, 1000), (1, 1000), "three quarters are not reached");
    assert_eq!(one_of(75, 1).0, 2);
    assert_eq!(one_of(100, 25).0, 2, "the last decision has its time");
    assert_eq!(one_of(100, 1).0, 4);
    assert_eq!(one_of(100, 1000).0, 8, "and no more than that");
    assert_eq!(one_of(50, 800), (8, 100), "between the marks it stays");
    assert_eq!(one_of(25, 1000).0, 1);
}
