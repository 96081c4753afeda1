//! What a kernel once said, byte by byte: the format of the tracepoint, and forty switches of two workers
//! and the thread that watches them.

use hchan_kernel_events::{Format, FormatError, NotAnEvent, Side, Step, Switch, Thread, What, macros};
use std::collections::BTreeMap;
use std::time::Duration;

const FORMAT: &str = include_str!("recorded/sched_switch.format");
/// Recorded on a machine with the least byte first, as most are. Some switches between them are left out.
const SWITCHES: &[u8] = include_bytes!("recorded/switches.bin");

fn switches() -> Vec<Switch> {
    SWITCHES.chunks(Switch::SIZE).map(|record| Switch::decode(record).unwrap()).collect()
}

#[test]
fn the_format_of_a_tracepoint_is_read() {
    let format = Format::parse(FORMAT).unwrap();
    assert_eq!((&*format.name, format.id), ("sched_switch", 372));
    let names: Vec<_> = format.fields.iter().map(|field| field.name()).collect();
    let common = ["common_type", "common_flags", "common_preempt_count", "common_pid"];
    assert_eq!(names[..4], common);
    let own = ["prev_comm", "prev_pid", "prev_prio", "prev_state", "next_comm", "next_pid", "next_prio"];
    assert_eq!(names[4..], own);
    let state = format.field("prev_state", &[4, 8]).unwrap();
    assert_eq!((&*state.declaration, state.offset, state.size), ("long prev_state", 32, 8));
    assert_eq!(format.field("next_comm", &[16]).unwrap().declaration, "char next_comm[16]");
}

#[test]
fn the_compiler_is_told_where_the_fields_are() {
    let told = macros(&Format::parse(FORMAT).unwrap()).unwrap();
    let expected = [
        "-DPREV_PID=24",
        "-DNEXT_PID=56",
        "-DPREV_COMM=8",
        "-DNEXT_COMM=40",
        "-DPREV_STATE=32",
        "-DPREV_STATE_TYPE=u64",
    ];
    assert_eq!(told, expected);
    // A kernel of 32 bits, or one that has moved a field.
    let other =
        FORMAT.replace("long prev_state;\toffset:32;\tsize:8", "long prev_state;\toffset:48;\tsize:4");
    assert!(
        macros(&Format::parse(&other).unwrap())
            .unwrap()
            .ends_with(&["-DPREV_STATE=48".to_owned(), "-DPREV_STATE_TYPE=u32".to_owned(),])
    );
}

#[test]
fn a_format_that_is_another_one_is_refused_by_name() {
    let line = |text: &str| FormatError::Line(text.to_owned());
    for (text, error) in [
        ("", FormatError::Missing("name")),
        ("name: x\n", FormatError::Missing("ID")),
        ("name: x\nID: many\n", line("ID: many")),
        ("name: x\nID: 1\nnonsense\n", line("nonsense")),
        ("name: x\nID: 1\n\tfield:int a;\toffset:x;\tsize:4;\n", line("field:int a;\toffset:x;\tsize:4;")),
        ("name: x\nID: 1\n\tfield:int a;\n", line("field:int a;")),
        ("name: x\nID: 1\n\tfield:int a; offset\n", line("field:int a; offset")),
    ] {
        assert_eq!(Format::parse(text), Err(error), "{text:?}");
    }
    for (now, then, name) in [
        ("prev_pid", "previous_pid", "prev_pid"),
        ("char next_comm[16];\toffset:40;\tsize:16", "char next_comm[32];\toffset:40;\tsize:32", "next_comm"),
        ("offset:32;\tsize:8", "offset:32;\tsize:2", "prev_state"),
    ] {
        let format = Format::parse(&FORMAT.replace(now, then)).unwrap();
        let error = macros(&format).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn a_record_is_read_as_the_kernel_wrote_it() {
    let side = |thread, name: &str| Side { thread, wanted: true, name: name.into() };
    let switches = switches();
    assert_eq!(switches.len(), 40);
    let first = Switch {
        time: 38_590_614_319_018,
        state: 0,
        prev: side(8581, "work-1"),
        next: side(8580, "work-0"),
        processor: 1,
    };
    assert_eq!(switches[0], first);
    assert_eq!(switches[10].next, side(8579, "work-sysmon"));
    assert_eq!(switches[10].state, 1);
}

#[test]
fn bytes_that_are_no_record_are_refused() {
    for len in [0, 1, 63, 65, 128] {
        assert_eq!(Switch::decode(&vec![0xff; len]), Err(NotAnEvent { len }));
    }
    // Any 64 bytes are one: names that are no text and that have no end, a state of all bits.
    let switch = Switch::decode(&[0xff; 64]).unwrap();
    assert_eq!((switch.time, switch.state, switch.processor), (u64::MAX, u64::MAX, u32::MAX));
    assert_eq!(switch.prev.name.chars().count(), 16);
    let steps: Vec<_> = switch.steps().map(|step| step.what).collect();
    assert_eq!(steps, [What::Slept, What::In]);
}

#[test]
fn a_switch_is_two_steps_of_those_who_are_wanted() {
    let step = |wanted: (bool, bool), state| {
        let mut switch = switches().swap_remove(0);
        (switch.prev.wanted, switch.next.wanted, switch.state) = (wanted.0, wanted.1, state);
        switch.steps().map(|step| (step.thread, step.what)).collect::<Vec<_>>()
    };
    assert_eq!(step((true, true), 0), [(8581, What::Preempted), (8580, What::In)]);
    assert_eq!(step((true, false), 0x100), [(8581, What::Preempted)]);
    assert_eq!(step((true, false), 2), [(8581, What::Slept)]);
    assert_eq!(step((false, true), 0), [(8580, What::In)]);
    assert_eq!(step((false, false), 0), []);
}

/// The sums, as a few lines of another language made them of the same bytes.
#[test]
fn the_sums_of_the_recording_are_right() {
    let mut threads = BTreeMap::<u32, Thread>::new();
    for step in switches().into_iter().flat_map(Switch::steps) {
        threads.entry(step.thread).or_default().add(step);
    }
    let sums: Vec<_> = threads
        .iter()
        .map(|(id, thread)| {
            let (running, longest) = (thread.running.as_nanos(), thread.longest.as_nanos());
            (*id, &*thread.name, thread.switched_in, thread.slept, thread.preempted, running, longest)
        })
        .collect();
    let expected = [
        (8579, "work-sysmon", 1, 3, 0, 10_276_258, 10_276_258),
        (8580, "work-0", 19, 15, 3, 13_708_920, 4_286_200),
        (8581, "work-1", 20, 5, 14, 55_786_069, 6_298_342),
    ];
    assert_eq!(sums, expected);
}

#[test]
fn steps_that_do_not_fit_together_are_counted_and_are_no_time() {
    let mut thread = Thread::default();
    let mut add = |time, what| {
        thread.add(Step { thread: 1, name: "x".into(), time, what });
        (thread.switched_in, thread.slept, thread.preempted, thread.running)
    };
    let none = Duration::ZERO;
    assert_eq!(add(5, What::Slept), (0, 1, 0, none), "it ran already when all this began");
    assert_eq!(add(10, What::In), (1, 1, 0, none));
    assert_eq!(add(20, What::In), (2, 1, 0, none), "its end was dropped");
    assert_eq!(add(25, What::Preempted), (2, 1, 1, Duration::from_nanos(5)));
    assert_eq!(add(40, What::Preempted), (2, 1, 2, Duration::from_nanos(5)), "its beginning was");
    add(50, What::In);
    assert_eq!(add(49, What::Slept), (3, 2, 2, Duration::from_nanos(5)), "a clock never runs backwards");
}
