//! Takes OTLP from a collector: what it passes on is what it received.
//!
//! Also stands for the collector itself, where a test has to choose its answers, and for any server that is
//! called: it keeps the requests as they came.

use super::http::{Answer, read_message};
use super::until;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span as Otlp;
use prost::Message;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A span as a collector has it.
#[derive(Debug, Clone)]
pub struct Span {
    pub trace: String,
    pub id: String,
    /// Empty for a root.
    pub parent: String,
    pub name: String,
    pub kind: i32,
    pub state: String,
    pub service: String,
    pub failed: bool,
    attributes: Vec<(String, String)>,
}

impl Span {
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(it, _)| it == key).map(|(_, value)| value.as_str())
    }
}

/// What it answers to the requests that come, in turn; the last one for ever.
type Answers = Arc<Mutex<Vec<Vec<u8>>>>;

pub struct Sink {
    pub address: String,
    requests: Arc<Mutex<Vec<Answer>>>,
}

impl Sink {
    pub fn start() -> Self {
        Self::answering(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()])
    }

    pub fn answering(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it has one").to_string();
        let requests = Arc::<Mutex<Vec<Answer>>>::default();
        let (kept, answers) = (requests.clone(), Arc::new(Mutex::new(answers)));
        // They end with the process: nothing depends on when.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answers) = (kept.clone(), answers.clone());
                thread::spawn(move || serve(stream, &kept, &answers));
            }
        });
        Self { address, requests }
    }

    pub fn requests(&self) -> Vec<Answer> {
        self.requests.lock().expect("no thread panicked").clone()
    }

    /// All spans that came.
    pub fn spans(&self) -> Vec<Span> {
        self.requests().iter().flat_map(decode).collect()
    }

    /// Waits until so many spans of `trace` are there.
    pub fn trace(&self, trace: &str, count: usize) -> Vec<Span> {
        until(&format!("{count} spans of {trace}"), || {
            let spans: Vec<_> = self.spans().into_iter().filter(|span| span.trace == trace).collect();
            (spans.len() >= count).then_some(spans)
        })
    }
}

fn serve(stream: TcpStream, kept: &Mutex<Vec<Answer>>, answers: &Answers) {
    let mut reader = BufReader::new(&stream);
    while let Ok(Some(request)) = read_message(&mut reader) {
        kept.lock().expect("no thread panicked").push(request);
        let mut answers = answers.lock().expect("no thread panicked");
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        drop(answers);
        // An empty answer: it hangs up.
        if answer.is_empty() || (&stream).write_all(&answer).is_err() {
            return;
        }
    }
}

fn decode(request: &Answer) -> Vec<Span> {
    let mut bytes = request.body.clone();
    if request.header("content-encoding") == Some("gzip") {
        bytes.clear();
        flate2::read::GzDecoder::new(&*request.body).read_to_end(&mut bytes).expect("it is compressed");
    }
    let export = ExportTraceServiceRequest::decode(&*bytes).expect("it is OTLP");
    let mut spans = Vec::new();
    for of_resource in export.resource_spans {
        let attributes = of_resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        let service = text_of(attributes, "service.name");
        let of_scopes = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(of_scopes.map(|span| read(span, &service)));
    }
    spans
}

type Attributes = Vec<opentelemetry_proto::tonic::common::v1::KeyValue>;

fn read(span: Otlp, service: &str) -> Span {
    Span {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        kind: span.kind,
        state: span.trace_state,
        service: service.to_owned(),
        failed: span.status.is_some_and(|status| status.code == 2),
        attributes: texts(span.attributes),
    }
}

fn texts(attributes: Attributes) -> Vec<(String, String)> {
    let text = |value| match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |it: Option<opentelemetry_proto::tonic::common::v1::AnyValue>| it.and_then(|it| it.value);
    attributes.into_iter().map(|it| (it.key, value(it.value).map(text).unwrap_or_default())).collect()
}

fn text_of(attributes: Attributes, key: &str) -> String {
    texts(attributes).into_iter().find(|(it, _)| it == key).map(|(_, value)| value).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
