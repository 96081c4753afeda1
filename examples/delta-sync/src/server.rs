//! Connections: HTTP/2 by hyper, each in a task; on the order to stop, streams end and connections are closed in order.

use crate::hub::Hub;
use crate::note::Note;
use crate::rt::{Executor, Io, Timer};
use crate::service::Service;
use async_net::{TcpListener, TcpStream};
use hchan::sync::WaitGroup;
use hchan::{Context, Sender, go, select};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;
use tonic::codegen::Service as _;
use xds_api::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::AggregatedDiscoveryServiceServer;

type Grpc = AggregatedDiscoveryServiceServer<Service>;

/// A server at an address.
pub struct Server {
    pub listener: TcpListener,
    pub hub: Hub,
    pub notes: Sender<Note>,
    /// How long a client may be silent before it is asked whether it is there, and how long it may take to answer.
    pub keep_alive: Duration,
}

impl Server {
    /// Until the context ends, and then until all connections are closed.
    pub async fn run(self, context: Context) {
        let service = Service { hub: self.hub, notes: self.notes.clone(), context: context.clone() };
        let grpc = AggregatedDiscoveryServiceServer::new(service);
        let connections = WaitGroup::new();
        loop {
            select! {
                recv(context.done()) -> _ => break,
                wait(self.listener.accept()) -> accepted => match accepted {
                    Ok((stream, peer)) => {
                        connections.add(1);
                        let guard = connections.guard();
                        let (grpc, context, notes) = (grpc.clone(), context.clone(), self.notes.clone());
                        let keep_alive = self.keep_alive;
                        go(async move {
                            if let Err(error) = serve(stream, grpc, keep_alive, context).await {
                                let _ = notes.send(Note::Broken { peer: peer.to_string(), why: say(&error) }).await;
                            }
                            drop(guard);
                        });
                    }
                    // Too many open files, say: those that are open go on.
                    Err(error) => {
                        let note = Note::Broken { peer: "accept".into(), why: error.to_string() };
                        let _ = self.notes.send(note).await;
                        hchan::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            }
        }
        drop(self.listener);
        connections.wait().await;
    }
}

/// tonic's service, as hyper wants it.
struct Handler(Grpc);

impl hyper::service::Service<Request<Incoming>> for Handler {
    type Response = <Grpc as tonic::codegen::Service<Request<Incoming>>>::Response;
    type Error = Infallible;
    type Future = <Grpc as tonic::codegen::Service<Request<Incoming>>>::Future;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        // It is always ready, and its clones share what it has.
        self.0.clone().call(request)
    }
}

async fn serve(
    stream: TcpStream,
    grpc: Grpc,
    keep_alive: Duration,
    context: Context,
) -> Result<(), hyper::Error> {
    // It matters little: a connection on which it cannot be set is about to fail.
    let _ = stream.set_nodelay(true);
    let connection = http2::Builder::new(Executor)
        .timer(Timer)
        .keep_alive_interval(keep_alive)
        .keep_alive_timeout(keep_alive)
        .serve_connection(Io(stream), Handler(grpc));
    let mut connection = pin!(connection);
    select! {
        biased;
        recv(context.done()) -> _ => {}
        wait(connection.as_mut()) -> done => return done,
    }
    connection.as_mut().graceful_shutdown();
    // A client that does not answer any more is not waited for.
    match hchan::time::timeout(keep_alive, connection).await {
        Ok(done) => done,
        Err(_) => Ok(()),
    }
}

/// An error, and what is behind it.
fn say(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
