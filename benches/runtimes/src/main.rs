//! Times hchan's runtime and channels against tokio (with its mpsc, and with kanal), smol (with
//! async-channel) and Go, and prints a table.
//!
//! ```text
//! cargo run --release -p hchan-runtimes                      # all rows
//! cargo run --release -p hchan-runtimes -- --quick --rows ping-pong,ring --runtimes hchan,tokio
//! cargo run --release -p hchan-runtimes -- --memory          # heap per task that waits
//! cargo run --release -p hchan-runtimes -- --parked 10000000 # resident memory per task that waits
//! ```
//!
//! `--workers N` (2), `--rounds N` (9, quick 3), `--list` (the rows). `--rows` takes beginnings of names.
//! Go's toolchain is the one that the environment variable `HCHAN_GO` names, or `go`.
//!
//! A measurement is a process of its own, with one runtime: nobody pays for what another left behind. In
//! it a run of a tenth of the size comes first and is not counted. Rounds are interleaved: the first of
//! all contenders, the second of all, and so on. A cell is the median, with the least and the most, in
//! nanoseconds. The last column is hchan's median over that of the best other one.

mod arguments;
mod child;
mod contender;
mod contenders;
mod go;
mod heap;
mod machine;
mod memory;
mod shapes;
mod table;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let given: Vec<_> = env::args().skip(1).collect();
    if let [child::FLAG, contender, row, size, workers] =
        &given.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return child::run(contender, row, size, workers);
    }
    let done = arguments::parse(given).and_then(|(what, arguments)| match what {
        arguments::What::Table => table::print(&arguments),
        arguments::What::List => {
            table::list();
            Ok(())
        }
        arguments::What::Memory => memory::compare(&arguments),
        arguments::What::Parked(tasks) => memory::park(tasks, &arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
