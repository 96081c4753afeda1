//! The relay as a process, a client as another one, and clients that misbehave.

use hchan_zero_copy::record::{LONGEST, Record};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// After which nothing that a test waits for can still be expected.
const DEADLINE: Duration = Duration::from_secs(60);

/// A program, killed if the test fails.
struct Running(Child);

impl Running {
    /// Waits for its end, and not for ever.
    fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("it is a child") {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The relay.
struct Relay {
    process: Running,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Relay {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-zero-copy"));
        let process = command.arg("relay").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut process = Running(process);
        let mut out = BufReader::new(process.0.stdout.take().expect("it is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it says where it listens");
        let address = line.strip_prefix("listening on ").expect("it listens").trim().to_owned();
        Self { process, out, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket has one");
        stream
    }

    /// Says `bytes`, and that this is all; returns what comes back until the relay hangs up.
    fn tell(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("it reads");
        // An error: it has hung up.
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        // It may be told so by a reset, if it did not read to the end.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Interrupts it, and returns what it says last.
    fn stop(mut self) -> String {
        let status = Command::new("kill").args(["-INT", &self.process.0.id().to_string()]).status();
        assert!(status.expect("`kill` is there").success());
        let status = self.process.end();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("it has ended");
        assert!(status.success());
        rest
    }

    /// Whether all of its threads wait for something to happen: none runs, and none would if it could.
    fn sleeps(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.0.id())).expect("it runs");
        threads.flatten().all(|thread| {
            // The state comes after the name, which is in brackets. A thread that has ended meanwhile has none.
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('S'))
        })
    }

    /// Kibibytes that it has in memory.
    fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.0.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
        line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("it is a number")
    }
}

fn message(sequence: u64, payload: usize) -> Vec<u8> {
    let payload = vec![sequence as u8; payload].into();
    let mut bytes = Vec::new();
    Record { sequence, sent: 0, payload }.write_to(&mut bytes).expect("it is short enough");
    bytes
}

/// Runs the program to its end: what it says, on both, and whether it was content.
fn run(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-zero-copy"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Running(command.spawn().expect("it starts"));
    // It says little: a pipe has room for it.
    let status = process.end();
    let mut said = String::new();
    process.0.stdout.take().expect("it is piped").read_to_string(&mut said).expect("it has ended");
    process.0.stderr.take().expect("it is piped").read_to_string(&mut said).expect("it has ended");
    (status.success(), said)
}

#[test]
fn another_process_gets_all_its_messages_back() {
    let relay = Relay::start();
    for payload in ["0", "100", "16000"] {
        let (content, said) = run(&["send", &relay.address, "--messages", "2000", "--payload", payload]);
        assert!(content, "{said}");
    }
    assert_eq!(relay.stop(), "stopped after 7200 messages; 0 connections failed\n");
}

#[test]
fn what_is_written_is_what_a_protobuf_library_writes() {
    // Written by hand, from the encoding's documentation: length, then fields 1, 2 and 3.
    let bytes = *b"\x10\x08\xac\x02\x11\x01\x02\x03\x04\x05\x06\x07\x08\x1a\x02hi";
    let record = Record { sequence: 300, sent: 0x0807_0605_0403_0201, payload: "hi".into() };
    let mut written = Vec::new();
    record.write_to(&mut written).expect("it is short enough");
    assert_eq!(written, bytes);
    let relay = Relay::start();
    assert_eq!(relay.tell(&bytes), bytes);
}

#[test]
fn bad_input_ends_its_connection_and_no_other() {
    let relay = Relay::start();
    let mut bystander = relay.connect();
    let good = message(7, 1000);
    let mut too_long = Vec::new();
    prost::encode_length_delimiter(LONGEST + 1, &mut too_long).expect("a vector grows");
    let bad: [&[u8]; 6] = [
        &too_long,
        &[0xff; 64],
        b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n",
        // A length, and then no message: field 1 as a string that is longer than all.
        b"\x03\x0a\xff\x01",
        // A message that ends in the middle, and a length that does.
        &good[..500],
        b"\x80",
    ];
    for bad in bad {
        let answer = relay.tell(&[&good, bad].concat());
        assert!(answer.is_empty() || answer == good, "what came before may be answered, and no more");
        bystander.write_all(&good).expect("it is open");
        let mut answer = vec![0; good.len()];
        bystander.read_exact(&mut answer).expect("it is answered");
        assert_eq!(answer, good);
    }
    drop(bystander);
    let end = relay.stop();
    assert!(end.ends_with("; 6 connections failed\n"), "{end}");
}

#[test]
fn a_client_that_goes_away_in_the_middle_is_its_own_affair() {
    let relay = Relay::start();
    let messages = message(1, 10_000).repeat(200);
    for end in [1, 5000, messages.len()] {
        let mut stream = relay.connect();
        // Its answers are not read: to close is then a reset.
        let _ = stream.write_all(&messages[..end]);
        drop(stream);
    }
    assert_eq!(relay.tell(&message(2, 10)), message(2, 10));
    relay.stop();
}

/// Writes as long as the relay takes it; `None` if it does not, and does nothing else either.
fn write_until_full(relay: &Relay, stream: &mut TcpStream, bytes: &[u8]) -> Option<usize> {
    stream.set_write_timeout(Some(Duration::from_millis(100))).expect("a socket has one");
    let start = Instant::now();
    loop {
        match stream.write(bytes) {
            Ok(written) => return Some(written),
            // Full for now. Whether it stays so is not for time to say: one who waits for the processor would take more.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if relay.sleeps() {
                    return None;
                }
            }
            Err(error) => panic!("{error}"),
        }
        assert!(start.elapsed() < DEADLINE, "it takes nothing, and does not wait");
    }
}

#[test]
fn a_slow_client_holds_up_its_own_messages_and_no_memory() {
    let relay = Relay::start();
    let mut slow = relay.connect();
    let message = message(3, 16_000);
    let most = 256 * 1024 * 1024;
    let before = relay.memory();
    let mut written = 0;
    while let Some(more) = write_until_full(&relay, &mut slow, &message[written % message.len()..]) {
        written += more;
        assert!(written < most, "nothing holds it up");
    }
    assert!(relay.memory() < before + 16 * 1024, "what is in the sockets is the kernel's");
    // Others are served meanwhile.
    assert_eq!(relay.tell(&message), message);

    // Now it reads, and gets all that it was owed: the message that is cut is completed first.
    let rest = (message.len() - written % message.len()) % message.len();
    let owed = written + rest;
    let mut writer = slow.try_clone().expect("it is open");
    let tail = message[message.len() - rest..].to_vec();
    let writing = std::thread::spawn(move || {
        writer.set_write_timeout(Some(DEADLINE)).expect("a socket has one");
        writer.write_all(&tail).expect("it is read again");
        writer.shutdown(Shutdown::Write).expect("it is open");
    });
    let (mut answer, start) = (vec![0; message.len()], Instant::now());
    for _ in 0..owed / message.len() {
        slow.read_exact(&mut answer).expect("it is answered");
        assert!(answer == message, "as it was sent");
        assert!(start.elapsed() < DEADLINE);
    }
    assert_eq!(slow.read(&mut answer).expect("the end is told"), 0);
    writing.join().expect("no panic");
    assert!(relay.stop().ends_with("; 0 connections failed\n"));
}

#[test]
fn an_interrupt_waits_for_no_client_that_does_not_read() {
    let relay = Relay::start();
    let mut slow = relay.connect();
    let message = message(4, 16_000);
    let mut written = 0;
    while let Some(more) = write_until_full(&relay, &mut slow, &message[written % message.len()..]) {
        written += more;
    }
    assert!(relay.stop().ends_with("; 1 connections failed\n"));
}

#[test]
fn an_end_in_the_middle_of_a_client_is_told() {
    // Here the test is the relay, as that does not say when it has a client.
    let relay = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = relay.local_addr().expect("it has one").to_string();
    let client = std::thread::spawn(move || run(&["send", &address, "--messages", "100000000"]));
    let (mut stream, _) = relay.accept().expect("it connects");
    let mut some = [0; 10_000];
    stream.read_exact(&mut some).expect("it sends");
    stream.write_all(&some).expect("it reads");
    drop((stream, relay));
    let (content, said) = client.join().expect("no panic");
    assert!(!content && said.starts_with("zero-copy: 127.0.0.1:"), "{said}");
    assert!(!said.contains("refused"), "it was connected: {said}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let taken = Relay::start();
    for (arguments, says) in [
        (vec!["relay", taken.address.as_str()], "cannot listen on"),
        (vec!["send", "127.0.0.1:1"], "zero-copy: 127.0.0.1:1: "),
        (vec!["sing"], "no such command"),
    ] {
        let (content, said) = run(&arguments);
        assert!(!content && said.contains(says), "{arguments:?}: {said}");
    }
    let (content, said) = run(&["--help"]);
    assert!(content && said.starts_with("usage:"));
}
