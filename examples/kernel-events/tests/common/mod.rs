//! How a test gets at the kernel: tracefs must be mounted for it.

use hchan_kernel_events::{Lack, probe};
use std::path::Path;
use std::process::Command;

/// Set in the test that runs for another one.
const INNER: &str = "KERNEL_EVENTS_INNER";
/// What mounts tracefs for the command that follows.
const MOUNT: [&str; 4] =
    ["--mount", "sh", "-c", "mount -t tracefs tracefs /sys/kernel/tracing && exec \"$0\" \"$@\""];

/// Runs the test, where tracefs is mounted.
pub fn live(test: &str, body: impl FnOnce()) {
    match probe(Path::new("/")) {
        Ok(_) => body(),
        Err(Lack::Tracefs) if std::env::var_os(INNER).is_none() => {
            let mut again = Command::new("unshare");
            again.args(MOUNT).arg(std::env::current_exe().unwrap()).args(["--exact", test]).env(INNER, "1");
            let output = again.output().unwrap_or_else(|error| panic!("unshare, of util-linux: {error}"));
            let text = String::from_utf8_lossy(&output.stdout);
            let failed = !output.status.success() || !text.contains("1 passed");
            assert!(!failed, "{text}{}", String::from_utf8_lossy(&output.stderr));
        }
        Err(lack) => panic!("{lack}"),
    }
}
