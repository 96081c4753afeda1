//! Runs the controller of the fleet until Ctrl-C.
//!
//! ```text
//! $ etcd &
//! $ cargo run -p hchan-reconcile
//! listed 0 entries at revision 1
//! $ etcdctl put /fleet/sets/web '{"units":3,"image":"v1"}'
//! web: 4 changes
//! ```

mod args;

use args::{Args, USAGE};
use hchan::{Context, bounded, go};
use hchan_reconcile::controller::Controller;
use hchan_reconcile::etcd::Client;
use hchan_reconcile::fleet::{Fleet, set_of};
use hchan_reconcile::note::Note;
use hchan_reconcile::queue::Limits;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("reconcile: {error}\n\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let context = Context::background().with_cancel();
    let stop = context.clone();
    if let Err(error) = ctrlc::set_handler(move || stop.cancel()) {
        eprintln!("reconcile: no handler for Ctrl-C: {error}");
        return ExitCode::FAILURE;
    }
    let reconciled = hchan::run(control(args, context));
    println!("stopped after {reconciled} reconciles");
    ExitCode::SUCCESS
}

/// Controls the fleet until the context ends; how often something was reconciled.
async fn control(args: Args, context: Context) -> u64 {
    let (notes, told) = bounded(64);
    let client = Client::new(args.etcd, args.timeout);
    let controller = Controller {
        client: client.clone(),
        prefix: format!("{}/", args.prefix),
        index: set_of,
        workers: args.workers,
        limits: Limits::default(),
        resync: args.resync,
        reconciler: Arc::new(Fleet::new(client, args.prefix)),
        notes,
    };
    go(controller.run(context));
    let mut reconciled = 0;
    // Until all who could tell something are gone.
    while let Ok(note) = told.recv().await {
        match note {
            Note::Reconciled { changes: 0, .. } => reconciled += 1,
            Note::Reconciled { .. } => {
                reconciled += 1;
                println!("{note}");
            }
            Note::Listed { .. } => println!("{note}"),
            Note::Lost { .. } | Note::Failed { .. } => eprintln!("reconcile: {note}"),
        }
    }
    reconciled
}
