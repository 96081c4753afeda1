//! Between a controller and etcd: hangs up, keeps silent, and loses or doubles lines of a watch.

use async_net::{TcpListener, TcpStream};
use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use hchan::sync::WaitGroup;
use hchan::{Context, go, select};
use std::io;
use std::sync::{Arc, Mutex};

/// What is done with the events of watches; the rest passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    Pass,
    /// Lines with events are not passed on.
    Lose,
    /// They are passed on twice.
    Double,
    /// Nothing is passed on, and nobody hangs up.
    Silent,
}

pub struct Proxy {
    pub address: String,
    state: Arc<Mutex<State>>,
    server: Context,
}

struct State {
    manner: Manner,
    /// Whether new connections are refused.
    closed: bool,
    /// Ends the connections.
    connections: Context,
    /// Who waits for their end.
    open: WaitGroup,
    /// How many lines were tampered with.
    tampered: u32,
}

impl Proxy {
    pub async fn start(etcd: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Context::background().with_cancel();
        let open = WaitGroup::new();
        let state = State { manner: Manner::Pass, closed: false, connections, open, tampered: 0 };
        let state = Arc::new(Mutex::new(state));
        let server = Context::background().with_cancel();
        go(accept(listener, etcd, state.clone(), server.clone()));
        Self { address, state, server }
    }

    pub fn set(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    pub fn tampered(&self) -> u32 {
        self.state.lock().unwrap().tampered
    }

    /// Hangs up on everybody, and on whoever comes until it is opened. What happens from here on nobody hears of.
    pub async fn close(&self) {
        self.hang_up().wait().await;
    }

    fn hang_up(&self) -> WaitGroup {
        let mut state = self.state.lock().unwrap();
        state.closed = true;
        let old = std::mem::replace(&mut state.connections, Context::background().with_cancel());
        let open = std::mem::take(&mut state.open);
        drop(state);
        old.cancel();
        open
    }

    pub fn open(&self) {
        self.state.lock().unwrap().closed = false;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.cancel();
        self.hang_up();
    }
}

async fn accept(listener: TcpListener, etcd: String, state: Arc<Mutex<State>>, server: Context) {
    loop {
        select! {
            recv(server.done()) -> _ => return,
            wait(listener.accept()) -> client => {
                let Ok((client, _)) = client else { return };
                let (context, guard) = {
                    let state = state.lock().unwrap();
                    if state.closed { continue }
                    state.open.add(1);
                    (state.connections.clone(), state.open.guard())
                };
                let (etcd, state) = (etcd.clone(), state.clone());
                go(async move {
                    let _guard = guard;
                    select! {
                        recv(context.done()) -> _ => {}
                        wait(serve(client, etcd, state)) -> _ => {}
                    }
                });
            }
        }
    }
}

async fn serve(mut client: TcpStream, etcd: String, state: Arc<Mutex<State>>) -> io::Result<()> {
    let mut server = TcpStream::connect(etcd).await?;
    let mut first = [0; 8192];
    let read = client.read(&mut first).await?;
    speak(&state).await;
    server.write_all(&first[..read]).await?;
    if !first.starts_with(b"POST /v3/watch") {
        return select! {
            wait(copy(client.clone(), server.clone(), &state)) -> done => done,
            wait(copy(server, client, &state)) -> done => done,
        };
    }
    select! {
        wait(copy(client.clone(), server.clone(), &state)) -> done => done,
        wait(tamper(BufReader::new(server), client, &state)) -> done => done,
    }
}

/// Waits for ever if it should be silent.
async fn speak(state: &Mutex<State>) {
    if state.lock().unwrap().manner == Manner::Silent {
        std::future::pending().await
    }
}

async fn copy(mut from: TcpStream, mut to: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        speak(state).await;
        to.write_all(&buffer[..read]).await?;
    }
}

/// Line by line. A line of a watch that has events is a chunk of its own, after a line with its length and before an
/// empty one; longer ones are not used with this.
async fn tamper(mut from: BufReader<TcpStream>, mut to: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut before = Vec::new();
    loop {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        speak(state).await;
        // The length of a chunk is kept back until what follows is known.
        if before.is_empty() && is_length(&line) {
            before = line;
            continue;
        }
        let chunk = [std::mem::take(&mut before), line].concat();
        if chunk.windows(9).any(|part| part == b"\"events\":") {
            let mut end = Vec::new();
            from.read_until(b'\n', &mut end).await?;
            assert_eq!(end, b"\r\n", "one line is one chunk");
            let chunk = [chunk, end].concat();
            let times = {
                let mut state = state.lock().unwrap();
                state.tampered += u32::from(matches!(state.manner, Manner::Lose | Manner::Double));
                match state.manner {
                    Manner::Lose => 0,
                    Manner::Double => 2,
                    Manner::Pass | Manner::Silent => 1,
                }
            };
            to.write_all(&chunk.repeat(times)).await?;
        } else {
            to.write_all(&chunk).await?;
        }
    }
}

fn is_length(line: &[u8]) -> bool {
    let digits = line.strip_suffix(b"\r\n").unwrap_or_default();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit)
}
