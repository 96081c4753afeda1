//! Where and of what a table was made: the machine, the versions, the commit.

use std::fs;
use std::process::Command;
use std::thread;

/// The versions that this program was built with, as the lock file has them.
pub fn versions() -> String {
    const PACKAGES: [&str; 10] = [
        "hchan",
        "crossbeam-channel",
        "kanal",
        "crossfire",
        "flume",
        "async-channel",
        "tokio",
        "async-executor",
        "async-io",
        "parking_lot",
    ];
    PACKAGES.map(|package| format!("{package} {}", version(package))).join(", ")
}

/// The compiler's, if it is there.
pub fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map_or("rustc unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn version(package: &str) -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let head = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = lock.split_once(&head).expect("every package is in the lock file");
    rest.split_once('"').expect("the version ends").0
}

/// Cores, processor and system.
pub fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("of unknown make", |(_, model)| model);
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {model}, {} {}", std::env::consts::OS, system.trim())
}

/// The commit that is checked out, and whether anything was changed since.
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".into() };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|files| !files.is_empty());
    if changed { commit + ", changed" } else { commit }
}

/// A number of `/proc/meminfo`, in bytes.
pub fn memory(what: &str) -> Option<usize> {
    let all = fs::read_to_string("/proc/meminfo").ok()?;
    let line = all.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}
