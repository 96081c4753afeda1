//! What the tests share.

use hchan::Runtime;
use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

/// Runs `main` on a runtime of its own, whose threads are named `watch`; one that hangs fails.
pub fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
    let (tx, rx) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = Runtime::builder().workers(1).thread_name("watch").build().unwrap();
        // Nobody waits for it any more if the test has failed.
        let _ = tx.send(runtime.run(main));
    });
    match rx.recv_timeout(Duration::from_secs(100)) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("it ended without a result"),
        },
    }
}
