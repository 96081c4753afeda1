//! The lesson prints what its header says.

#[path = "../../../tests/support/course.rs"]
mod course;

use std::process::Command;

const TEXT: &str = include_str!("../src/main.rs");

#[test]
fn the_lesson_has_the_header_of_all_lessons() {
    let faults = course::faults(TEXT, "cargo run -p hchan-lost-wakeup", Some("45_waking_under_the_lock"));
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn the_lesson_prints_what_its_header_says() {
    let expected = course::expected_output(TEXT).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_hchan-lost-wakeup"));
    course::differs(program, &expected).unwrap_or_else(|fault| panic!("{fault}"));
}
