//! The course in `examples/`: each lesson has a header of the same form, and prints what that says.
//!
//! The lessons are run as cargo has built them, which `cargo test` does; `cargo test --test examples` alone
//! does not (`cargo build --examples` before it does). What is in no lesson: `digest` and `echo` have tests
//! of their own.
#![cfg(all(feature = "sim", not(hchan_loom)))]

#[path = "support/course.rs"]
mod course;

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{fs, thread};

/// A program that is not a lesson.
const NO_LESSON: &str = "digest";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The names in `examples/` that begin with a digit, in order, and whether each is a file.
fn lessons() -> Vec<(String, bool)> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let names = entries.filter_map(|path| {
        let is_file = path.extension().is_some_and(|ending| ending == "rs");
        (is_file || path.is_dir()).then(|| (path.file_stem().unwrap().to_str().unwrap().to_owned(), is_file))
    });
    let mut lessons: Vec<_> =
        names.filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_digit())).collect();
    lessons.sort();
    lessons
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name).with_extension("rs")).unwrap()
}

/// Panics with all that was wrong, if anything was.
fn all_right(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn lessons_are_numbered_without_a_gap() {
    for (number, (name, _)) in lessons().iter().enumerate() {
        assert!(name.starts_with(&format!("{:02}_", number + 1)), "{name} is number {}", number + 1);
    }
    let is_lesson = |name: &str| name.starts_with(|c: char| c.is_ascii_digit());
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_program = path.extension().is_some_and(|ending| ending == "rs");
        assert!(!is_program || is_lesson(name) || name == NO_LESSON, "{name} has no number");
    }
}

#[test]
fn every_lesson_has_a_header_of_the_same_form() {
    let lessons = lessons();
    let mut faults = Vec::new();
    for (at, (name, is_file)) in lessons.iter().enumerate() {
        if *is_file {
            let next = lessons.get(at + 1).map_or(NO_LESSON, |(next, _)| next);
            let run = format!("cargo run --example {name}");
            let found = course::faults(&text(name), &run, Some(next));
            faults.extend(found.iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    all_right(&faults);
}

#[test]
fn every_lesson_prints_what_its_header_says() {
    let tests = std::env::current_exe().unwrap();
    let programs = tests.parent().and_then(Path::parent).unwrap().join("examples");
    let lessons: Vec<_> =
        lessons().into_iter().filter_map(|(name, is_file)| is_file.then_some(name)).collect();
    let (queue, faults) = (Mutex::new(lessons.iter()), Mutex::new(Vec::new()));
    let next = || queue.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = next() {
                    let expected = course::expected_output(&text(name)).unwrap_or_default();
                    let program = Command::new(programs.join(format!("{name}{EXE_SUFFIX}")));
                    if let Err(fault) = course::differs(program, &expected) {
                        faults.lock().unwrap().push(format!("{name}: {fault}"));
                    }
                }
            });
        }
    });
    all_right(&faults.into_inner().unwrap());
}

/// The lines of code before `main` that are not marked as new, and the passages that are.
fn marks(text: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let mut in_passage = false;
    for line in text.lines().map(str::trim).take_while(|line| *line != "fn main() {") {
        if line.starts_with("// NEW:") {
            in_passage = true;
            new.push(Vec::new());
        } else if line.is_empty() {
            in_passage = false;
        } else if let Some(line) = line.strip_suffix(" // NEW") {
            new.push(vec![line]);
        } else if !line.starts_with("//") {
            if in_passage { new.last_mut().unwrap().push(line) } else { old.push(line) }
        }
    }
    (old, new)
}

#[test]
fn steps_of_a_series_mark_all_that_they_change() {
    for series in ["_channel_", "_scheduler_"] {
        let names = lessons().into_iter().map(|(name, _)| name).filter(|name| name.contains(series));
        let steps: Vec<_> = names.map(|name| (text(&name), name)).collect();
        assert!(steps.len() >= 4, "{series} has {} steps", steps.len());
        for pair in steps.windows(2) {
            let ((before, _), (after, name)) = (&pair[0], &pair[1]);
            let lines: BTreeSet<_> =
                before.lines().map(|line| line.trim().trim_end_matches(" // NEW")).collect();
            let (old, new) = marks(after);
            for line in old {
                assert!(lines.contains(line), "{name}: not marked as new: {line}");
            }
            for passage in new {
                assert!(passage.iter().any(|line| !lines.contains(line)), "{name}: not new: {passage:?}");
            }
        }
    }
}

#[test]
fn the_start_page_names_every_lesson_in_order() {
    let page = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut before = 0;
    for (name, _) in lessons() {
        let at =
            page.find(&format!("[{name}]({name}")).unwrap_or_else(|| panic!("{name} is not in README.md"));
        assert!(at > before, "{name} comes too early");
        before = at;
    }
    let images = page.split("](img/").skip(1).map(|link| link.split(')').next().unwrap());
    let shown: BTreeSet<_> = images.map(str::to_owned).collect();
    let entries = fs::read_dir(folder().join("img")).unwrap();
    let there = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let drawings: BTreeSet<_> = there.filter(|name| name.ends_with(".svg")).collect();
    assert_eq!(shown, drawings);
}
