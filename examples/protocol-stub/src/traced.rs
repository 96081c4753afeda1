//! The message that carries its context.
//!
//! OpenTelemetry's *current* context is a variable of the thread. A task has no thread: after an await it
//! may go on elsewhere, and what it left behind is then the parent of somebody else's spans. So nothing
//! here is ever *attached*. A context is a value; who sends work to another task sends it along, and who
//! receives makes his spans the children of what came.
//!
//! Invariant: between the request and the spans of its jobs there is no `Context::current()`.

use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use std::fmt::Display;

/// A message, and the span and baggage on behalf of which it was sent.
#[derive(Debug, Clone)]
pub struct Traced<T> {
    pub context: Context,
    pub message: T,
}

impl<T> Traced<T> {
    pub fn new(context: &Context, message: T) -> Self {
        Self { context: context.clone(), message }
    }
}

/// A span that ends when this is dropped, also if the future that holds it is.
///
/// Clones of its context may live longer, in messages: they still name it as the parent.
#[derive(Debug)]
pub struct Spanned(Context);

impl Spanned {
    /// Begins a child of whatever span `parent` has; its baggage is inherited.
    pub fn begin(
        tracer: &SdkTracer,
        name: &'static str,
        kind: SpanKind,
        parent: &Context,
        attributes: Vec<KeyValue>,
    ) -> Self {
        let builder = tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        Self(parent.with_span(builder.start_with_context(tracer, parent)))
    }

    /// What goes into messages and headers.
    pub fn context(&self) -> &Context {
        &self.0
    }

    pub fn set(&self, key: &'static str, value: i64) {
        self.0.span().set_attribute(KeyValue::new(key, value));
    }

    pub fn fail(&self, why: impl Display) {
        self.0.span().set_status(Status::error(why.to_string()));
    }
}

impl Drop for Spanned {
    fn drop(&mut self) {
        self.0.span().end();
    }
}
