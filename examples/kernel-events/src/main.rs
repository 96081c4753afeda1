//! What do the threads of a process do? Shown live, by the kernel itself.
//!
//! Without `--pid` it looks at the workers of a runtime of its own, which are given some work (`work.rs`).
//! What looks runs on another runtime: if it looked at itself, each event would make the next one.
//!
//! `cargo build -p hchan-kernel-events`, and as root `target/debug/hchan-kernel-events --seconds 1`:
//!
//! ```text
//! thread  name                    in     slept preempted   running   longest
//!  24527  work-sysmon            204       183        21    5.04ms    0.09ms
//!  24528  work-0                1459       800       659  203.76ms    0.86ms
//!  24529  work-1                1433       736       697  184.64ms    0.79ms
//! 14124 switches seen, 5725 sent, 0 dropped; 5725 received
//! ```
//!
//! In Go: cilium/ebpf, its ring buffer's reader in a goroutine that sends on a channel.

mod options;
mod work;

use hchan::{Context, Runtime, bounded, go, select, time};
use hchan_kernel_events::{Census, Kernel, Pipeline, Sums, Who, compile, probe, read};
use options::Options;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

type Failure = Box<dyn Error + Send + Sync>;

/// How many batches may wait for those who add up.
const BATCHES: usize = 16;
/// How many tasks add up.
const SHARDS: usize = 2;
/// How often it is looked which threads there are.
const CENSUS: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kernel-events: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes ready what is to be looked at and who looks, and lets them run.
fn start(options: &Options) -> Result<(), Failure> {
    let format = probe(Path::new("/"))?;
    let kernel = Kernel::load(&compile(&format)?, options.ring)?;
    let context = Context::background().with_cancel();
    let stop = context.clone();
    ctrlc::set_handler(move || stop.cancel())?;
    let context = match options.seconds {
        Some(seconds) => context.with_timeout(Duration::from_secs(seconds)),
        None => context,
    };
    let watch = Runtime::builder().workers(1).thread_name("watch").build()?;
    let (every, process) = (options.every, options.process);
    if let Some(process) = process {
        let who = Who { process, prefix: String::new() };
        return watch.run(look(kernel, who, every, context));
    }
    let work = Runtime::builder().workers(2).thread_name(work::PREFIX).build()?;
    work.go(work::work(context.clone()));
    let who = Who { process: std::process::id(), prefix: work::PREFIX.into() };
    watch.run(look(kernel, who, every, context))
}

/// Shows every so often what the threads did, until the context or the process ends.
async fn look(kernel: Kernel, who: Who, every: Duration, context: Context) -> Result<(), Failure> {
    let Kernel { mut source, wanted, counters } = kernel;
    let context = context.with_cancel();
    let process = who.process;
    let mut census = Census::new(who, wanted);
    if !census.look()? {
        return Err(format!("there is no process {process}").into());
    }
    source.attach()?;
    let (tx, batches) = bounded(BATCHES);
    let pipeline = Pipeline::start(batches, SHARDS);
    let (inner, counts) = (context.clone(), counters.clone());
    let reader = go(async move { read(source, counts, tx, &inner).await });
    let inner = context.clone();
    let census = go(async move {
        let kept = census.keep(CENSUS, &inner).await;
        // There is nothing more to see.
        inner.cancel();
        kept
    });
    let tick = time::tick(every);
    loop {
        select! {
            biased;
            recv(context.done()) -> _ => break,
            recv(tick) -> _ => show(&pipeline.report().await, &counters.read()?.to_string())?,
        }
    }
    let received = joined(reader.await)??;
    joined(census.await)??;
    let sums = pipeline.finish().await;
    show(&sums, &format!("{}; {received} received", counters.read()?))?;
    Ok(())
}

/// What a task returned; its panic goes on here.
fn joined<T>(result: Result<T, hchan::JoinError>) -> Result<T, Failure> {
    match result {
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        result => Ok(result?),
    }
}

fn show(sums: &Sums, last: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "thread  {:16} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "name", "in", "slept", "preempted", "running", "longest"
    )?;
    for (id, thread) in sums {
        let ms = |time: Duration| format!("{:.2}ms", time.as_secs_f64() * 1e3);
        writeln!(
            out,
            "{id:>6}  {:16} {:>9} {:>9} {:>9} {:>9} {:>9}",
            thread.name,
            thread.switched_in,
            thread.slept,
            thread.preempted,
            ms(thread.running),
            ms(thread.longest)
        )?;
    }
    writeln!(out, "{last}\n")?;
    out.flush()
}
