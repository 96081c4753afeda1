//! What the environment asks for: `HCHAN_REPORT`, `HCHAN_DUMP_ON` and `HCHAN_SCHEDTRACE`. Looked at once, when
//! the first runtime of the process is started.

use super::dump::dump;
use super::report::report_to_stderr;
use super::{schedtrace, signal};
use crate::census::{self, Helper};
use std::env;
use std::fmt::Display;
use std::io::Write;
use std::sync::Once;
use std::thread;
use std::time::Duration;

/// Does what the environment asks for, once.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        read("HCHAN_REPORT", |value| match value {
            "0" | "" => Ok(()),
            "1" => {
                report_to_stderr();
                Ok(())
            }
            _ => Err("it is 0 or 1".into()),
        });
        read("HCHAN_DUMP_ON", |value| value.split(',').map(str::trim).try_for_each(dump_on));
        read("HCHAN_SCHEDTRACE", |value| {
            let period: u64 =
                value.parse().ok().filter(|ms| *ms > 0).ok_or("it is a number of milliseconds")?;
            helper("hchan-trace", move || schedtrace::run(Duration::from_millis(period)))
        });
    });
}

/// Has `act` do what a variable asks for, and says on the standard error if it cannot.
fn read(name: &str, act: impl FnOnce(&str) -> Result<(), String>) {
    let Some(value) = env::var_os(name) else { return };
    let result = value.to_str().ok_or_else(|| "it is not Unicode".to_owned()).and_then(act);
    if let Err(error) = result {
        say(&format_args!("hchan: {name}={}: {error}\n", value.display()));
    }
}

fn dump_on(event: &str) -> Result<(), String> {
    if event == "panic" {
        dump_on_panic();
        return Ok(());
    }
    let wait = signal::receive(event)?;
    helper("hchan-dump", move || {
        while wait() {
            say(&dump());
        }
    })
}

/// Writes a dump behind each panic's message.
fn dump_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        say(&dump());
    }));
}

/// Starts a thread that does not count as somebody else's.
fn helper(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let counted = Helper::new();
    let run = move || {
        let _counted = counted;
        census::is_own();
        run();
    };
    thread::Builder::new().name(name.into()).spawn(run).map(drop).map_err(|error| error.to_string())
}

/// Writes to the standard error, whatever becomes of it.
pub(super) fn say(text: &dyn Display) {
    let _ = write!(std::io::stderr().lock(), "{text}");
}
