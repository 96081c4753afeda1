//! One request, many messages, and the answers in order.
//!
//! Both channels are bounded, and the workers wait for a place among the answers. Who first sends all jobs
//! and then takes the answers is stuck as soon as both are full: he waits for the workers and they for him.
//! So one select does both: it sends the next job *or* takes an answer, whichever is possible.
//!
//! `tests/orders.rs` goes through all orders of it, and through those of the version that is stuck.

use crate::traced::Traced;
use crate::workers::{Done, Job, Jobs};
use bytes::Bytes;
use hchan::time::now;
use hchan::{Context, Sender, bounded, select};
use opentelemetry::Context as TraceContext;
use std::fmt;

/// Answers that may wait to be taken.
const ANSWERS: usize = 1;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum FanError {
    /// A job failed.
    Job(usize, String),
    /// Nobody waits for it any more, or not for so long.
    NotNeeded,
    /// There are no workers any more.
    Closed,
}

impl fmt::Display for FanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(index, why) => write!(f, "piece {index}: {why}"),
            Self::NotNeeded => f.write_str("it took too long"),
            Self::Closed => f.write_str("the workers have gone home"),
        }
    }
}

/// Gives each piece to a worker, and puts the answers into the order of the pieces. The first failure ends
/// it; jobs that are not needed then are not begun, as `needed` is cancelled when this ends, however it does.
pub async fn fan_out(
    jobs: &Jobs,
    trace: &TraceContext,
    needed: &Context,
    pieces: Vec<Bytes>,
) -> Result<Vec<String>, FanError> {
    let needed = CancelOnDrop(needed.with_cancel());
    let (answer, answers) = bounded(ANSWERS);
    let mut gathered = vec![None; pieces.len()];
    let mut left = pieces.into_iter().enumerate();
    let mut next = left.next().map(|piece| job(trace, &needed.0, &answer, piece));
    let mut missing = gathered.len();
    while missing > 0 {
        select! {
            recv(needed.0.done()) -> _ => return Err(FanError::NotNeeded),
            // With nothing in the slot this arm is off.
            send(jobs, in next) -> sent => match sent {
                Ok(()) => next = left.next().map(|piece| job(trace, &needed.0, &answer, piece)),
                Err(_) => return Err(FanError::Closed),
            },
            recv(answers) -> done => {
                let Done { index, result } = done.map_err(|_| FanError::Closed)?;
                gathered[index] = Some(result.map_err(|why| FanError::Job(index, why))?);
                missing -= 1;
            }
        }
    }
    Ok(gathered.into_iter().flatten().collect())
}

fn job(
    trace: &TraceContext,
    needed: &Context,
    answer: &Sender<Done>,
    (index, piece): (usize, Bytes),
) -> Traced<Job> {
    let (needed, answer) = (needed.clone(), answer.clone());
    Traced::new(trace, Job { index, piece, needed, queued: now(), answer })
}

/// The jobs of a request that was given up are not needed.
struct CancelOnDrop(Context);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
