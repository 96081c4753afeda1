//! Tasks that take jobs from one channel.
//!
//! A job carries its context twice: OpenTelemetry's, which says what it is part of, and hchan's, which says
//! whether anybody still waits for it. The span of a job is a child of what the message says, whichever
//! worker takes it, on whichever thread; and it has ended before the answer is sent, so whoever has all
//! answers knows that all spans of the jobs are on their way.

use crate::client::Client;
use crate::headers;
use crate::traced::{Spanned, Traced};
use bytes::Bytes;
use hchan::sync::WaitGroup;
use hchan::time::now;
use hchan::{Context, Receiver, Sender, go, select};
use hyper::HeaderMap;
use opentelemetry::trace::SpanKind;
use opentelemetry::{Context as TraceContext, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use std::fmt::Write;
use std::time::Instant;

/// One piece of a request.
#[derive(Debug)]
pub struct Job {
    /// Which one of the request's.
    pub index: usize,
    pub piece: Bytes,
    /// Done when nobody waits for the answer.
    pub needed: Context,
    pub queued: Instant,
    pub answer: Sender<Done>,
}

/// What became of it.
#[derive(Debug)]
pub struct Done {
    pub index: usize,
    pub result: Result<String, String>,
}

pub type Jobs = Sender<Traced<Job>>;

/// What a worker has.
#[derive(Debug, Clone)]
pub struct Worker {
    pub tracer: SdkTracer,
    /// Who does the work; this process itself, if nobody.
    pub downstream: Option<Client>,
}

impl Worker {
    /// Starts `count` of them. They end when the last `Jobs` is gone and all jobs are done, and the wait
    /// group tells of it.
    pub fn start(&self, count: usize) -> (Jobs, WaitGroup) {
        let (jobs, queue) = hchan::channel().capacity(count).named("jobs").build();
        let running = WaitGroup::new();
        for _ in 0..count {
            running.add(1);
            let (worker, queue, guard) = (self.clone(), queue.clone(), running.guard());
            go(async move {
                worker.run(queue).await;
                drop(guard);
            });
        }
        (jobs, running)
    }

    async fn run(self, queue: Receiver<Traced<Job>>) {
        while let Ok(Traced { context, message: job }) = queue.recv().await {
            if job.needed.err().is_none() {
                let result = self.work(&context, &job).await;
                // An error: who asked has gone.
                let _ = job.answer.send(Done { index: job.index, result }).await;
            }
        }
    }

    async fn work(&self, parent: &TraceContext, job: &Job) -> Result<String, String> {
        let waited = now().saturating_duration_since(job.queued);
        let attributes = vec![
            KeyValue::new("job.index", job.index as i64),
            KeyValue::new("job.waited_us", waited.as_micros() as i64),
        ];
        let span = Spanned::begin(&self.tracer, "work", SpanKind::Internal, parent, attributes);
        let result = select! {
            recv(job.needed.done()) -> _ => Err("nobody waits for it".into()),
            wait(self.digest(span.context(), &job.piece)) -> result => result,
        };
        if let Err(why) = &result {
            span.fail(why);
        }
        result
    }

    async fn digest(&self, context: &TraceContext, piece: &Bytes) -> Result<String, String> {
        match &self.downstream {
            None => Ok(digest(piece)),
            Some(client) => self.call(client, context, piece).await,
        }
    }

    /// Asks the other server; its spans are children of the call's.
    async fn call(&self, client: &Client, parent: &TraceContext, piece: &Bytes) -> Result<String, String> {
        let attributes = vec![KeyValue::new("server.address", client.address().to_owned())];
        let span = Spanned::begin(&self.tracer, "POST /leaf", SpanKind::Client, parent, attributes);
        let mut headers = HeaderMap::new();
        headers::inject(span.context(), &mut headers);
        let result = match client.post("/leaf", headers, piece.clone()).await {
            Ok(answer) => {
                span.set("http.response.status_code", answer.status.as_u16().into());
                if answer.status.is_success() {
                    Ok(String::from_utf8_lossy(&answer.body).trim_end().to_owned())
                } else {
                    Err(format!("{} answers {}", client.address(), answer.status))
                }
            }
            Err(error) => Err(format!("{}: {error}", client.address())),
        };
        if let Err(why) = &result {
            span.fail(why);
        }
        result
    }
}

/// FNV-1a, of 64 bits: what stands here for work.
pub fn digest(piece: &[u8]) -> String {
    let hash = piece.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut text = String::with_capacity(16);
    let _ = write!(text, "{hash:016x}");
    text
}
