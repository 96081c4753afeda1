//! What a request asks for, and the span that stands for it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | `ok`, and what became of the spans so far |
//! | `POST /fan` | for each line of the body its digest, worked out by as many tasks as there are |
//! | `POST /leaf` | the digest of the body: one piece of somebody's fan |
//!
//! Everything but `/health` has a span of kind *server*, whose parent is what the headers say, and which
//! has ended before the answer is written. The answer names it in `traceresponse`.

use crate::batch::Queue;
use crate::fan::{FanError, fan_out};
use crate::headers;
use crate::telemetry::Counts;
use crate::traced::Spanned;
use crate::workers::{Jobs, digest};
use bytes::Bytes;
use hchan::{Context, select};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{SdkTracer, SpanData};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest body.
const BODY: usize = 64 * 1024;
/// The most lines in it.
const PIECES: usize = 256;

type Reply = Response<Full<Bytes>>;
/// What went wrong, for the span and for the client.
type Refusal = (StatusCode, String);

/// What all connections share.
#[derive(Clone)]
pub struct Service {
    pub tracer: SdkTracer,
    pub jobs: Jobs,
    pub spans: Queue<SpanData>,
    /// For how long a request may take, all in all.
    pub limit: Duration,
    pub answered: Arc<AtomicU64>,
}

impl Service {
    pub async fn answer(&self, request: Request<Incoming>) -> Reply {
        let reply = match (request.uri().path(), request.method()) {
            ("/health", &Method::GET) => reply(StatusCode::OK, format!("ok\n{}\n", self.counts())),
            ("/health", _) => not_allowed("GET"),
            ("/fan", &Method::POST) => self.traced("POST /fan", request).await,
            ("/leaf", &Method::POST) => self.traced("POST /leaf", request).await,
            ("/fan" | "/leaf", _) => not_allowed("POST"),
            _ => reply(StatusCode::NOT_FOUND, "there are /health, /fan and /leaf\n".into()),
        };
        // Ordering: Relaxed, a statistic.
        self.answered.fetch_add(1, Ordering::Relaxed);
        reply
    }

    fn counts(&self) -> Counts {
        Counts::of(self.spans.tally())
    }

    /// Answers under a span of its own, whose parent is in the headers.
    async fn traced(&self, route: &'static str, request: Request<Incoming>) -> Reply {
        let parent = headers::extract(request.headers());
        let attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("url.path", request.uri().path().to_owned()),
        ];
        let span = Spanned::begin(&self.tracer, route, SpanKind::Server, &parent, attributes);
        let (status, body) = match self.work(&span, request).await {
            Ok(body) => (StatusCode::OK, body),
            Err((status, why)) => (status, why + "\n"),
        };
        span.set("http.response.status_code", status.as_u16().into());
        if status.is_server_error() {
            span.fail(body.trim_end());
        }
        let mut reply = reply(status, body);
        headers::respond(span.context(), reply.headers_mut());
        reply
    }

    async fn work(&self, span: &Spanned, request: Request<Incoming>) -> Result<String, Refusal> {
        let needed = Context::background().with_timeout(self.limit);
        let fan = request.uri().path() == "/fan";
        let body = read(request, &needed).await?;
        if !fan {
            return Ok(digest(&body) + "\n");
        }
        let pieces = lines(&body);
        if pieces.len() > PIECES {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, format!("more than {PIECES} lines")));
        }
        span.set("fan.pieces", pieces.len() as i64);
        let digests = fan_out(&self.jobs, span.context(), &needed, pieces).await.map_err(refusal)?;
        Ok(digests.into_iter().map(|digest| digest + "\n").collect())
    }
}

async fn read(request: Request<Incoming>, needed: &Context) -> Result<Bytes, Refusal> {
    let body = Limited::new(request.into_body(), BODY).collect();
    let read = select! {
        recv(needed.done()) -> _ => return Err((StatusCode::REQUEST_TIMEOUT, "the body took too long".into())),
        wait(body) -> read => read,
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, format!("more than {BODY} bytes")))
        }
        Err(error) => Err((StatusCode::BAD_REQUEST, error.to_string())),
    }
}

/// The lines, as slices of `body`: nothing is copied.
fn lines(body: &Bytes) -> Vec<Bytes> {
    let text = body.strip_suffix(b"\n").unwrap_or(body);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|&byte| byte == b'\n').map(|line| body.slice_ref(line)).collect()
}

fn refusal(error: FanError) -> Refusal {
    let status = match error {
        FanError::Job(..) => StatusCode::BAD_GATEWAY,
        FanError::NotNeeded => StatusCode::GATEWAY_TIMEOUT,
        FanError::Closed => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}

fn reply(status: StatusCode, body: String) -> Reply {
    let mut reply = Response::new(Full::from(body));
    *reply.status_mut() = status;
    reply
}

fn not_allowed(allowed: &'static str) -> Reply {
    let mut reply = reply(StatusCode::METHOD_NOT_ALLOWED, format!("only {allowed}\n"));
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}
