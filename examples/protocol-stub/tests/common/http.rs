//! As much of an HTTP client and server as the tests need, from std's sockets: not what is tested.

use super::DEADLINE;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// An answer, or a request that came in.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The first line.
    pub start: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The trace that the service says this belongs to.
    pub fn trace(&self) -> String {
        let response = self.header("traceresponse").expect("it names its trace");
        response.split('-').nth(1).expect("in its second part").to_owned()
    }
}

/// One request, one answer, one connection.
pub fn ask(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_ask(address, method, path, headers, body).unwrap_or_else(|error| panic!("{address}{path}: {error}"))
}

pub fn try_ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n").into_bytes();
    for (name, value) in headers {
        request.extend_from_slice(format!("{name}: ").as_bytes());
        // Latin-1: so a test can send bytes that are no text.
        request.extend(value.chars().map(|char| char as u8));
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    request.extend_from_slice(body);
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    (&stream).write_all(&request)?;
    read_message(&mut BufReader::new(&stream))?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Sends `bytes` as they are, and returns all that comes until the other side hangs up.
pub fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket has one");
    // What is refused early may not be read to its end.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one message with a length; `None` at the end.
pub fn read_message(stream: &mut impl BufRead) -> io::Result<Option<Answer>> {
    let mut start = String::new();
    if stream.read_line(&mut start)? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let status = start.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut message = Answer { start, status, headers, body: Vec::new() };
    let length = message.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    message.body.resize(length, 0);
    stream.read_exact(&mut message.body)?;
    Ok(Some(message))
}
