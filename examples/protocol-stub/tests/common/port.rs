//! A port for a program that cannot be told to find one by itself.

use std::net::{SocketAddr, TcpListener, TcpStream};

/// A port that nobody else is given as long as this is here, whether to listen at or to connect from.
///
/// A connection is open at it, and nobody listens: so the kernel does not give it away, and refuses who connects. Who
/// asks for this very port may listen at it, as after a restart (`SO_REUSEADDR`, which servers set).
pub struct Port {
    pub address: SocketAddr,
    _open: (TcpStream, TcpStream),
}

impl Port {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it has one");
        let near = TcpStream::connect(address).expect("it listens");
        let (far, _) = listener.accept().expect("somebody connects");
        Self { address, _open: (near, far) }
    }
}
