//! `traceparent`, `tracestate` and `baggage` (W3C), from a request into a context and from there out again.
//!
//! The rules for what comes in:
//! 1. A `traceparent` that is not exactly as the recommendation writes it, or that comes twice, is no
//!    parent: the request begins a new trace, and its `tracestate` is not looked at.
//! 2. A bad `tracestate` is dropped, and its `traceparent` still counts.
//! 3. Of `baggage` the members that are no good are dropped. It does not depend on the other two.
//! 4. `tracestate` and `baggage` may come in several headers: they are one list.
//!
//! So no header can make a request fail, and none can break a chain further on: whatever came, the spans
//! of one request have one trace.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";
/// In which the answer says what trace it was part of (Trace Context, level 2, a draft).
pub const TRACERESPONSE: &str = "traceresponse";

/// What the headers of a request say, as the parent of its spans.
pub fn extract(headers: &HeaderMap) -> Context {
    let incoming = Incoming::read(headers);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &incoming);
    BaggagePropagator::new().extract_with_context(&context, &incoming)
}

/// Puts `context` into the headers of a request to somebody else.
pub fn inject(context: &Context, headers: &mut HeaderMap) {
    let mut outgoing = Outgoing(headers);
    TraceContextPropagator::new().inject_context(context, &mut outgoing);
    BaggagePropagator::new().inject_context(context, &mut outgoing);
}

/// Puts the name of the span into the headers of an answer.
pub fn respond(context: &Context, headers: &mut HeaderMap) {
    let span = context.span();
    let id = span.span_context();
    let value = format!("00-{}-{}-{:02x}", id.trace_id(), id.span_id(), id.trace_flags());
    Outgoing(headers).set(TRACERESPONSE, value);
}

/// The three headers, each as one list.
struct Incoming {
    parent: Option<String>,
    state: Option<String>,
    baggage: Option<String>,
}

impl Incoming {
    fn read(headers: &HeaderMap) -> Self {
        let parent = joined(headers, TRACEPARENT).filter(|value| is_well_formed(value));
        let state = if parent.is_some() { joined(headers, TRACESTATE) } else { None };
        Self { parent, state, baggage: joined(headers, BAGGAGE) }
    }
}

impl Extractor for Incoming {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => self.parent.as_deref(),
            TRACESTATE => self.state.as_deref(),
            BAGGAGE => self.baggage.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE, BAGGAGE]
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        // What came in percent-encoded may be no header when it is decoded: it is left out.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value))
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}

/// All values of a header, as one list; those that are not text are left out.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    if values.is_empty() { None } else { Some(values.join(",")) }
}

/// Whether this is `version-trace-parent-flags`, each in its number of lower-case hexadecimal digits.
/// A version from the future may have more behind another dash. (The SDK checks less: to it `+1` is a
/// number, and `1` a trace.)
fn is_well_formed(value: &str) -> bool {
    let mut parts = value.trim().splitn(5, '-');
    let lengths_fit =
        [2, 32, 16, 2].iter().all(|&length| parts.next().is_some_and(|part| is_hex(part, length)));
    let version_fits = !value.trim().starts_with("ff");
    let rest_fits = !value.trim().starts_with("00") || parts.next().is_none();
    lengths_fit && version_fits && rest_fits
}

fn is_hex(part: &str, length: usize) -> bool {
    part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_recommendation_writes_is_a_parent() {
        let ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        for good in [format!("00-{ids}-01"), format!(" 00-{ids}-00 "), format!("cc-{ids}-01-what-comes")] {
            assert!(is_well_formed(&good), "{good}");
        }
        let bad = [
            format!("00-{ids}-01-more"),
            format!("00-{ids}-01-"),
            format!("00-{ids}-1"),
            format!("00-{ids}"),
            format!("ff-{ids}-01"),
            format!("0-{ids}-01"),
            format!("00-{}-01", ids.to_uppercase()),
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
            "00-1-1-1".into(),
            String::new(),
            "garbage".into(),
        ];
        for bad in bad {
            assert!(!is_well_formed(&bad), "{bad}");
        }
    }
}
