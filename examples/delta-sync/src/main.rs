//! Serves what the lines of its standard input say, until Ctrl-C.

mod args;

use args::{Args, Task, USAGE};
use async_net::TcpListener;
use hchan::{Context, Receiver, Sender, bounded, go, go_blocking, select};
use hchan_delta_sync::bootstrap::bootstrap;
use hchan_delta_sync::command;
use hchan_delta_sync::hub::Hub;
use hchan_delta_sync::note::Note;
use hchan_delta_sync::server::Server;
use hchan_delta_sync::world::World;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Args::parse(std::env::args().skip(1)) {
        Ok(Task::Help) => {
            println!("{USAGE}{}", command::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Task::Bootstrap(address)) => {
            print!("{}", bootstrap("envoy", address));
            return ExitCode::SUCCESS;
        }
        Ok(Task::Serve(args)) => hchan::run(serve(args)),
        Err(error) => Err(format!("{error}\n\n{USAGE}{}", command::HELP)),
    };
    match result {
        Ok(()) => {
            println!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("delta-sync: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> Result<(), String> {
    let context = Context::background().with_cancel();
    let stop = context.clone();
    ctrlc::set_handler(move || stop.cancel()).map_err(|error| format!("no handler for Ctrl-C: {error}"))?;
    let address = args.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("{address}: {error}"))?;
    println!("listening on {address}");
    let (hub, drive_hub) = Hub::new();
    go(drive_hub);
    let (note, notes) = bounded(64);
    let server = Server { listener, hub: hub.clone(), notes: note, keep_alive: args.keep_alive };
    let server = go(server.run(context.clone()));
    let (say, lines) = bounded(0);
    // A thread of its own: reading the standard input blocks. It is not waited for.
    go_blocking(move || read_lines(&say));
    let notes = go(tell(notes));
    obey(lines, hub, context).await;
    server.await.map_err(|error| error.to_string())?;
    // All who could tell something are gone by now, or go as they hear of the end.
    notes.await.map_err(|error| error.to_string())
}

/// Carries out one line after the other, until the order to stop.
async fn obey(mut lines: Receiver<String>, hub: Hub, context: Context) {
    let mut world = World::default();
    loop {
        let line = select! {
            recv(context.done()) -> _ => return,
            recv(lines) -> line => line,
        };
        match line.map(|line| command::parse(&line)) {
            Ok(Ok(Some(command))) => {
                world.apply(command);
                hub.publish(world.snapshot()).await;
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => eprintln!("delta-sync: {error}"),
            // What was said stays so.
            Err(_) => lines = hchan::never(),
        }
    }
}

fn read_lines(say: &Sender<String>) {
    for line in io::stdin().lines().map_while(Result::ok) {
        if say.send_blocking(line).is_err() {
            return;
        }
    }
}

async fn tell(notes: Receiver<Note>) {
    while let Ok(note) = notes.recv().await {
        match note {
            Note::Accepted { .. } | Note::Gone { .. } => println!("{note}"),
            Note::Refused { .. } | Note::Broken { .. } => eprintln!("delta-sync: {note}"),
        }
    }
}
