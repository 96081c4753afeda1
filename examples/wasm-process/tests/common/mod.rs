//! What the tests share.

use hchan::{Context, Receiver, Runtime};
use hchan_wasm_process::{Failure, Host, Limits, Process, Program};
use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

/// Runs `main` on one worker, so that whoever holds it holds up all; a test that hangs fails.
pub fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
    let (tx, rx) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = Runtime::builder().workers(1).max_threads(1).build().unwrap();
        // Nobody waits for it any more if the test has failed.
        let _ = tx.send(runtime.run(main));
    });
    match rx.recv_timeout(Duration::from_secs(120)) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("it ended without a result"),
        },
    }
}

/// All that comes until the channel is closed.
pub async fn all(receiver: Receiver<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Ok(message) = receiver.recv().await {
        messages.push(message);
    }
    messages
}

/// Compiles a module.
pub fn program(source: impl AsRef<[u8]>) -> Program {
    Host::new(Limits::default()).program(source).unwrap()
}

/// Runs a guest without a context.
pub async fn alone(process: Process) -> Result<i32, Failure> {
    process.run(&Context::background()).await
}
