//! The scoreboard: times hchan against others, and writes `benches/RESULTS.md` and `benches/plots/`.
//!
//! ```text
//! cargo run --release -p hchan-bench                        # all, in about half an hour
//! cargo run --release -p hchan-bench -- --quick             # all, in under two minutes
//! cargo run --release -p hchan-bench -- --quick --groups threads --contenders hchan,kanal
//! cargo run --release -p hchan-bench -- --parked 10000000   # resident memory per task that waits
//! ```
//!
//! `--help` lists the options. Go's toolchain is the one that the environment variable `HCHAN_GO` names, or
//! `go`; without one Go is skipped.
//!
//! A measurement is a process of its own: nobody pays for what another left behind. In it a run of a tenth
//! of the size comes first and is not counted. Rounds are interleaved: the first of all contenders, the
//! second of all, and so on. A figure is the median, with the least and the most.

use hchan_bench::arguments::{self, What};
use hchan_bench::{child, park, table};
use std::env;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let given: Vec<_> = env::args().skip(1).collect();
    if let [child::FLAG, contender, row, quick, workers] =
        &given.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return child::run(contender, row, quick, workers);
    }
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a folder");
    let done = arguments::parse(given, home.to_owned()).and_then(|(what, arguments)| match what {
        What::Table => table::make(&arguments),
        What::List => table::list(&arguments),
        What::Parked(tasks) => park::print(tasks, arguments.workers),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
