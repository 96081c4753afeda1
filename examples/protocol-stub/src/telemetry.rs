//! Where finished spans go: from wherever they end, over a bounded channel, to the task that exports.
//!
//! A span may end anywhere, also in a `Drop`; so its end may not wait, and does not: see `batch.rs`.
//! Baggage becomes attributes of every span, so that one sees in the collector whom a request was for.

use crate::batch::{Limits, Queue, Tally, batcher};
use crate::client::Client;
use crate::otlp::Otlp;
use hchan::{Context as Stop, JoinHandle, go};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Span as _, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// For how long the collector may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The tracer, and the task that exports what it records.
#[derive(Debug)]
pub struct Telemetry {
    pub tracer: SdkTracer,
    queue: Pipe,
    exporter: JoinHandle<()>,
    /// Done when the exporter has no more time.
    stop: Stop,
}

impl Telemetry {
    /// Starts the exporting task, on the current runtime.
    pub fn start(service: &str, collector: &str, limits: Limits) -> Self {
        let resource = Resource::builder().with_service_name(service.to_owned()).build();
        let transport = Otlp::new(Client::new(collector, 1, ANSWER), &resource);
        let stop = Stop::background().with_cancel();
        let (queue, exporting) = batcher(transport, limits, stop.clone());
        let queue = Pipe(queue);
        // A request that comes with a decision of its caller's gets the same here.
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_span_processor(queue.clone())
            .with_resource(resource)
            .build();
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        Self { tracer, queue, exporter: go(exporting), stop }
    }

    pub fn queue(&self) -> Queue<SpanData> {
        self.queue.0.clone()
    }

    /// Takes no more spans, exports what is there for at most `grace`, and counts.
    pub async fn shutdown(self, grace: Duration) -> Counts {
        self.queue.0.close();
        let mut exporter = self.exporter;
        if hchan::time::timeout(grace, &mut exporter).await.is_err() {
            self.stop.cancel();
            let _ = exporter.await;
        }
        Counts::of(self.queue.0.tally())
    }
}

/// The tally, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub exported: u64,
    pub rejected: u64,
    pub dropped: u64,
    pub lost: u64,
}

impl Counts {
    pub fn of(tally: &Tally) -> Self {
        // Ordering: Relaxed, statistics.
        let [exported, rejected, dropped, lost] =
            [&tally.exported, &tally.rejected, &tally.dropped, &tally.lost]
                .map(|counter| counter.load(Ordering::Relaxed));
        Self { exported, rejected, dropped, lost }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { exported, rejected, dropped, lost } = self;
        write!(f, "spans: {exported} exported, {rejected} rejected, {dropped} dropped, {lost} lost")
    }
}

/// What the SDK hands finished spans to.
#[derive(Clone)]
struct Pipe(Queue<SpanData>);

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pipe").field(self.0.tally()).finish()
    }
}

impl SpanProcessor for Pipe {
    fn on_start(&self, span: &mut Span, context: &Context) {
        for (key, (value, _)) in context.baggage() {
            span.set_attribute(KeyValue::new(format!("baggage.{key}"), value.clone()));
        }
    }

    fn on_end(&self, span: SpanData) {
        self.0.offer(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        let queue = self.0.clone();
        go(async move { queue.flush().await })
            .join_blocking()
            .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.0.close();
        Ok(())
    }
}
