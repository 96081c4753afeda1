//! etcd 6857: a question to a loop that has ended.
//!
//! A node's loop answers questions until it is told to stop. Who asks sends a reply channel into the loop and
//! waits for the reply; if the loop stopped before, nobody takes the question.
//!
//! Source: etcd-io/etcd, pull request 6857; GoKer. Shape: a request without a way out. Fix: who asks also waits
//! for the end of the loop. Natural: the loop owns the receiver of questions.

use crate::shared::{Both, both};
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, Sender, bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel = kernel(
    "etcd 6857",
    &[
        kept(Leak, || Box::pin(kept_by_all(false))),
        natural(|| Box::pin(owned())),
        fix(|| Box::pin(kept_by_all(true))),
    ],
);

/// Where a reply goes.
type Question = Sender<()>;

async fn run(questions: Receiver<Question>, stop: Receiver<()>, done: Sender<Infallible>) {
    loop {
        select! {
            recv(questions) -> question => match question {
                Ok(reply) => drop(reply.send(()).await),
                Err(_) => break,
            },
            recv(stop) => break,
        }
    }
    done.close();
}

async fn stop(stop: Sender<()>, done: Receiver<Infallible>) {
    select! {
        send(stop, ()) => {}
        recv(done) => return,
    }
    let _ = done.recv().await;
}

/// Asks for the node's status, and gives up when it is done, or has no way to learn that.
async fn ask(questions: Sender<Question>, done: Option<Receiver<Infallible>>) {
    let (reply, status) = bounded(0);
    match done {
        None => {
            if questions.send(reply).await.is_err() {
                return;
            }
        }
        Some(done) => select! {
            send(questions, reply) => {}
            recv(done) => return,
        },
    }
    let _ = status.recv().await;
}

async fn kept_by_all(looks_at_the_end: bool) {
    let questions: Both<Question> = both(0);
    let stops = both(0);
    let done = both(0);
    go(run(questions.rx().clone(), stops.rx().clone(), done.tx().clone()));
    let end = looks_at_the_end.then(|| done.rx().clone());
    go(async move {
        let all = questions;
        ask(all.tx().clone(), end).await;
    });
    go(stop(stops.tx().clone(), done.rx().clone()));
}

async fn owned() {
    let (ask_by, questions) = bounded(0);
    let (stop_by, stops) = bounded(0);
    let (done, end) = bounded(0);
    go(run(questions, stops, done));
    go(ask(ask_by, None));
    go(stop(stop_by, end));
}
