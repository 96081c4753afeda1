//! The server as a process, a load as another one, and clients that misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The server, killed if the test fails.
struct Server {
    process: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-echo"));
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").expect("it says where it listens").trim().to_owned();
        Self { process, out, address }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Sends `request` and returns all that comes until the server hangs up.
    fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        read_all(stream)
    }

    fn interrupt(&self) {
        let status = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end, and returns what it said last.
    fn end(mut self) -> String {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert!(self.process.wait().unwrap().success());
        rest
    }

    fn stop(self) -> String {
        self.interrupt();
        self.end()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read_all(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_load_from_another_process_gets_every_byte_back() {
    let server = Server::start();
    let load = Command::new(env!("CARGO_BIN_EXE_load")).args([&server.address, "50", "40"]).output().unwrap();
    let text = String::from_utf8_lossy(&load.stdout);
    assert!(load.status.success(), "{text}{}", String::from_utf8_lossy(&load.stderr));
    assert!(text.starts_with("2000 requests on 50 connections"), "{text}");
    assert_eq!(server.stop(), "stopped after 2000 requests\n");
}

#[test]
fn requests_that_are_no_good_are_refused_and_harm_nobody() {
    let server = Server::start();
    let many = (0..100).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let long = "y".repeat(20_000);
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".into(), "501"),
        ("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n".into(), "413"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nX: {long}"), "431"),
    ] {
        let answer = server.ask(request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
    }
    let answer = server.ask(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[test]
fn a_client_that_hangs_up_in_the_middle_is_forgotten() {
    let server = Server::start();
    for part in ["POST / HT", "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"] {
        let mut stream = server.connect();
        stream.write_all(part.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(stream), "");
    }
    assert_eq!(server.stop(), "stopped after 0 requests\n");
}

#[test]
fn two_requests_in_one_packet_are_two_answers() {
    let server = Server::start();
    let one = "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n1";
    let two = "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\n2";
    let answer = server.ask(format!("{one}{two}").as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.contains("\r\n\r\n1") && answer.ends_with("\r\n\r\n2"), "{answer}");
}

#[test]
fn a_client_that_says_nothing_is_told_so() {
    let server = Server::start();
    let mut stream = server.connect();
    stream.write_all(b"POST / HTTP/1.1\r\nContent-").unwrap();
    // Stands for time itself: the idle limit.
    assert!(read_all(stream).starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_request_in_flight_is_answered_before_the_server_stops() {
    let server = Server::start();
    let idle = server.connect();
    let mut stream = server.connect();
    stream.write_all(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n").unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "it is in the middle of this request");
    server.interrupt();
    assert_eq!(read_all(idle), "", "one between requests is hung up on");
    stream.write_all(b"whole").unwrap();
    let answer = read_all(stream);
    assert!(answer.contains("Connection: close") && answer.ends_with("\r\n\r\nwhole"), "{answer}");
    assert_eq!(server.end(), "stopped after 1 requests\n");
}

#[test]
fn an_address_that_cannot_be_had_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_hchan-echo")).arg("not an address").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("echo: not an address: "));
}
