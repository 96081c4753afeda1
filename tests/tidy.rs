//! Holds the structure: layers, headers, and where `unsafe` and the loom condition may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each layer may use those above it in this list, and itself where it is a folder. What it re-exports, it
/// does not use.
const LAYERS: &[&[&str]] = &[
    &["facade", "error", "fork", "panics", "slots"],
    &["world"],
    &["record"],
    &["census"],
    &["diag"],
    &["park", "ring", "list"],
    &["outbox"],
    &["waitq", "timer", "rt", "queue"],
    &["core"],
    &["shared"],
    &["arm"],
    &["waiting"],
    &["limit"],
    &["chan"],
    &["time", "select", "context", "sync"],
    &["group"],
    &["sim", "diag"],
    &["lib"],
];

/// Where `unsafe` may be.
const UNSAFE: &[&str] = &[
    "census/channels",
    "diag/signal",
    "fork",
    "outbox",
    "list",
    "record/event",
    "record/pen",
    "slots",
    "waitq/mod",
    "waitq/party",
    "shared/counted",
    "shared/mod",
    "shared/report",
    "shared/locked",
    "shared/recorded",
    "shared/steps",
    "arm/contract",
    "arm/mod",
    "arm/operation",
    "waiting/arms",
    "waiting/look",
    "waiting/mod",
    "core/tests",
    "chan/stream",
    "select/dynamic",
    "rt/driven",
    "rt/home",
    "rt/local",
    "rt/run_queue",
    "rt/slot",
    "rt/task/cell",
    "rt/task/joiner",
    "rt/task/mod",
    "rt/task/note",
    "rt/task/store",
    "rt/task/waker",
    "sim/fibre",
    "sim/watch",
];

/// Beyond this a file has two ideas.
const MAX_LINES: usize = 430;

/// Every source file: its name without folder `src` and ending, and its text.
fn sources() -> BTreeMap<String, String> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let name = |path: &Path| path.strip_prefix(&root).unwrap().with_extension("").display().to_string();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn layer(module: &str) -> usize {
    let at = LAYERS.iter().position(|layer| layer.contains(&module));
    at.unwrap_or_else(|| panic!("module {module} is in no layer"))
}

/// The code of a file, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn modules_use_lower_layers_only() {
    for (file, text) in sources() {
        let module = file.split('/').next().unwrap();
        for line in code(&text) {
            for used in line.split("crate::").skip(1) {
                let end = used.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(used.len());
                let used = &used[..end];
                // What macros name from outside, and what `lib` names of itself.
                if used.is_empty() || used.starts_with("__") || line.contains("$crate::") {
                    continue;
                }
                if line.starts_with("pub use crate::") {
                    continue;
                }
                assert!(used == module || layer(used) < layer(module), "{file} uses {used}: {line}");
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_has_one_idea() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! "), "{file} does not open with its job");
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{file} has {lines} lines");
    }
}

#[test]
fn unsafe_code_is_where_it_is_expected() {
    for (file, text) in sources() {
        let has = code(&text)
            .any(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe"));
        assert_eq!(has, UNSAFE.contains(&&*file), "{file}: unsafe code");
    }
}

#[test]
fn the_loom_condition_is_in_the_facade_only() {
    for (file, text) in sources() {
        let has = code(&text).any(|line| line.contains("hchan_loom"));
        assert!(!has || file == "facade/mod", "{file} says cfg(hchan_loom)");
    }
}

#[test]
fn every_atomic_operation_says_why_its_ordering_is_right() {
    const OPERATIONS: &[&str] = &[".load(", ".store(", ".swap(", "compare_exchange", ".fetch_", "fence("];
    for (file, text) in sources() {
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            let is_operation = OPERATIONS.iter().any(|operation| line.contains(operation));
            if is_comment || !is_operation || !(line.contains("Ordering::") || line.contains("_order()")) {
                continue;
            }
            let above = &lines[number.saturating_sub(14)..number];
            let said = above.iter().any(|line| line.contains("Ordering:") || line.contains("fence"));
            assert!(said, "{file}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn no_access_is_sequentially_consistent() {
    for (file, text) in sources() {
        for line in code(&text).filter(|line| line.contains("SeqCst")) {
            assert!(line.contains("fence("), "{file}: {line}");
        }
    }
}
