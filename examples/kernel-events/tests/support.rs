//! Machines on which something is missing, as directories: each lack is told in a sentence of its own.

use hchan_kernel_events::{Lack, probe};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const FORMAT: &str = include_str!("recorded/sched_switch.format");
const EVENT: &str = "sys/kernel/tracing/events/sched/sched_switch/format";
/// All that root has; no right of a plain user; CAP_BPF and CAP_PERFMON; CAP_BPF alone.
const ROOT: &str = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\n";
const NOBODY: &str = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n";
const ENOUGH: &str = "CapEff:\t000000c000000000\n";
const HALF: &str = "CapEff:\t0000008000000000\n";

/// A machine, removed at the end.
struct Machine(PathBuf);

impl Machine {
    /// One that has everything.
    fn new(name: &str) -> Self {
        let root = format!("{name}-{}", std::process::id());
        let machine = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(root));
        machine.write("proc/self/status", ROOT);
        machine.write("proc/filesystems", "nodev\tsysfs\nnodev\ttracefs\n\text4\n");
        machine.write(EVENT, FORMAT);
        machine.namespace("pid:[4026531836]");
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn namespace(&self, name: &str) {
        let path = self.0.join("proc/self/ns/pid");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        symlink(name, path).unwrap();
    }

    fn lacks(&self) -> Lack {
        probe(&self.0).expect_err("something is missing")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_machine_that_has_everything_tells_the_format() {
    let machine = Machine::new("everything");
    assert_eq!(probe(&machine.0).unwrap().name, "sched_switch");
    machine.write("proc/self/status", ENOUGH);
    assert_eq!(probe(&machine.0).unwrap().id, 372);
}

#[test]
fn tracefs_is_also_found_where_it_was_long_ago() {
    let machine = Machine::new("old");
    fs::remove_dir_all(machine.0.join("sys/kernel/tracing/events")).unwrap();
    machine.write("sys/kernel/debug/tracing/events/sched/sched_switch/format", FORMAT);
    assert_eq!(probe(&machine.0).unwrap().id, 372);
}

#[test]
fn each_lack_is_told_by_itself() {
    let machine = Machine::new("lacks");
    let mut told = Vec::new();
    let mut lacks = |what: &str, change: &dyn Fn(&Machine), words: &str| {
        change(&machine);
        let lack = machine.lacks().to_string();
        assert!(lack.contains(words), "{what}: {lack}");
        told.push(lack);
        // And whole again.
        machine.write("proc/self/status", ROOT);
        machine.write("proc/filesystems", "nodev\ttracefs\n");
        machine.write(EVENT, FORMAT);
        machine.namespace("pid:[4026531836]");
        probe(&machine.0).unwrap();
    };
    lacks("no rights", &|machine| machine.write("proc/self/status", NOBODY), "needs root");
    lacks("half of them", &|machine| machine.write("proc/self/status", HALF), "CAP_PERFMON");
    lacks("a status of nonsense", &|machine| machine.write("proc/self/status", "?"), "needs root");
    lacks(
        "a container",
        &|machine| machine.namespace("pid:[4026532999]"),
        "namespace of its own, pid:[4026532999]",
    );
    lacks("no tracing", &|machine| machine.write("proc/filesystems", "\text4\n"), "CONFIG_TRACING");
    let remove = |machine: &Machine, path| fs::remove_dir_all(machine.0.join(path)).unwrap();
    lacks("not mounted", &|machine| remove(machine, "sys/kernel/tracing/events"), "mount -t tracefs");
    lacks(
        "no tracepoint",
        &|machine| remove(machine, "sys/kernel/tracing/events/sched/sched_switch"),
        "sched_switch/format",
    );
    lacks("another format", &|machine| machine.write(EVENT, "garbage"), "garbage");
    lacks(
        "no /proc",
        &|machine| fs::remove_file(machine.0.join("proc/self/status")).unwrap(),
        "proc/self/status",
    );
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 7, "the first three are one lack, all others differ: {told:#?}");
}
