//! OTLP over HTTP: spans as protobuf, posted to a collector, and what its answers mean.
//!
//! The specification's table: 429, 502, 503 and 504, and no answer at all, are to be tried again, after
//! what `Retry-After` says; any other error is final. A 200 may say that some spans were rejected.

use crate::batch::{Outcome, Transport};
use crate::client::{Answer, Client, Failure};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use std::time::Duration;

const PATH: &str = "/v1/traces";
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// The way to a collector.
#[derive(Debug)]
pub struct Otlp {
    client: Client,
    /// Of whom the spans tell.
    resource: ResourceAttributesWithSchema,
    /// Whether the last try came through: a change is said once.
    reached: bool,
}

impl Otlp {
    pub fn new(client: Client, resource: &Resource) -> Self {
        Self { client, resource: resource.into(), reached: true }
    }

    fn note(&mut self, reached: bool, why: impl FnOnce() -> String) {
        if self.reached != reached {
            self.reached = reached;
            eprintln!("collector {}: {}", self.client.address(), why());
        }
    }
}

impl Transport<SpanData> for Otlp {
    type Packed = Bytes;

    fn pack(&mut self, spans: Vec<SpanData>) -> Bytes {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
    }

    async fn send(&mut self, packed: &Bytes) -> Outcome {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, PROTOBUF)]);
        let answer = self.client.post(PATH, headers, packed.clone()).await;
        let outcome = judge(&answer);
        match (&outcome, &answer) {
            (Outcome::Taken { .. }, _) => self.note(true, || "takes spans again".into()),
            (_, Ok(answer)) => self.note(false, || format!("answers {}", answer.status)),
            (_, Err(error)) => self.note(false, || error.to_string()),
        }
        outcome
    }
}

/// What an answer means for the batch.
pub fn judge(answer: &Result<Answer, Failure>) -> Outcome {
    let Ok(answer) = answer else { return Outcome::Later(None) };
    match answer.status {
        status if status.is_success() => Outcome::Taken { rejected: rejected(&answer.body) },
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Outcome::Later(retry_after(&answer.headers)),
        _ => Outcome::Refused,
    }
}

/// A body that is not what it should be rejects nothing: the status has said that the batch was taken.
fn rejected(body: &Bytes) -> u64 {
    ExportTraceServiceResponse::decode(body.clone())
        .ok()
        .and_then(|response| response.partial_success)
        .map_or(0, |partial| partial.rejected_spans.try_into().unwrap_or(0))
}

/// Seconds; the other form, a date, is left to the pause that grows.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
