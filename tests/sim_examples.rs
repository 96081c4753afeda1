//! The examples whose work is tasks and channels, checked over every interleaving.
#![cfg(all(feature = "sim", not(hchan_loom)))]

#[path = "../examples/digest.rs"]
#[allow(dead_code, reason = "its command line")]
mod digest;

use hchan::sim::{Sim, Verdict};
use hchan::{bounded, go};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder with one file.
fn sample(name: &str) -> PathBuf {
    let name = format!("sim-digest-{}-{name}", std::process::id());
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("file"), "content").unwrap();
    root
}

fn task(root: &Path, workers: usize) -> Arc<digest::Task> {
    let root_kind = fs::metadata(root).unwrap().file_type();
    Arc::new(digest::Task { root: root.into(), root_kind, left_out: &[], workers })
}

#[test]
fn digest_reports_on_everything() {
    let root = sample("all");
    let report = Sim::exhaustive().check(|| {
        let task = task(&root, 2);
        async move {
            let (_interrupt, interrupted) = bounded::<Infallible>(0);
            let (summary, result) = digest::connect(task, interrupted).await;
            assert!(result.is_ok());
            assert_eq!(summary.total.files, 1);
        }
    });
    fs::remove_dir_all(&root).unwrap();
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

#[test]
fn digest_stops_at_any_time() {
    let root = sample("stopped");
    let report = Sim::exhaustive().check(|| {
        let task = task(&root, 1);
        async move {
            let (interrupt, interrupted) = bounded::<Infallible>(0);
            go(async move { interrupt.close() });
            let (summary, result) = digest::connect(task, interrupted).await;
            assert!(result.is_err_and(|stop| stop.0 == 130) || summary.total.files == 1);
        }
    });
    fs::remove_dir_all(&root).unwrap();
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}
