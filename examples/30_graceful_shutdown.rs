//! How does a server stop without dropping what it has begun?
//!
//! In three steps: refuse what is new, finish what is there, and only then go. `close` on the channel of
//! requests is the first, as those who send get their request back; receiving until it is empty is the
//! second; and a `WaitGroup` tells when the last one is done.
//!
//! `cargo run --example 30_graceful_shutdown`
//!
//! ```text
//! 3 requests are in, and none is answered
//! shutdown: request 4 came back
//! answered: [10, 20, 30]
//! stopped, with nothing left to do
//! ```
//!
//! In Go: `http.Server.Shutdown`; in one's own code a `done` channel and a `sync.WaitGroup`, since to close a
//! channel on which others still send is a panic.
//!
//! Next: `31_power_series`, the largest of the patterns.

use hchan::sync::WaitGroup;
use hchan::{Receiver, Sender, bounded, go, run};

type Request = (u32, Sender<u32>);

/// Serves until the channel of requests is closed and empty, then waits for all that it began.
async fn serve(requests: Receiver<Request>, open: Receiver<()>) {
    let begun = WaitGroup::new();
    while let Ok((number, answer)) = requests.recv().await {
        begun.add(1);
        let (done, open) = (begun.guard(), open.clone());
        go(async move {
            let _ = open.recv().await; // What is slow about it.
            let _ = answer.send(number * 10).await;
            drop(done);
        });
    }
    begun.wait().await;
}

fn main() {
    run(async {
        let (request, requests) = bounded(8);
        let (answer, answers) = bounded(8);
        let (gate, open) = bounded::<()>(0);
        for number in 1..=3 {
            request.send((number, answer.clone())).await.expect("it is open");
        }
        println!("3 requests are in, and none is answered");
        let server = go(serve(requests, open));

        // The order to stop may come from anybody who has a handle: from a signal, say.
        request.close();
        let refused = request.send((4, answer.clone())).await.expect_err("it is closed");
        println!("shutdown: request {} came back", refused.into_inner().0);
        assert!(!server.is_finished(), "three are not answered");

        drop(gate);
        drop(answer);
        let mut all = Vec::new();
        while let Ok(answer) = answers.recv().await {
            all.push(answer);
        }
        all.sort_unstable();
        println!("answered: {all:?}");
        server.await.expect("no panic");
        println!("stopped, with nothing left to do");
        assert_eq!(all, [10, 20, 30]);
    });
}
