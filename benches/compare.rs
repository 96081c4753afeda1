//! Runs the benchmarks of the package `hchan-bench`, in `benches/workload`, with the arguments that come
//! after `cargo bench --`. They are not benchmarks of this package because then its tests, too, would have to
//! build criterion, tokio and all that hchan is compared with.

use std::env;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo adds it for us, and will again.
    let arguments = env::args_os().skip(1).filter(|argument| argument != "--bench");
    let status = Command::new(cargo).args(["bench", "-p", "hchan-bench", "--"]).args(arguments).status();
    match status.map(|status| status.code()) {
        Ok(Some(code)) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        _ => ExitCode::FAILURE,
    }
}
