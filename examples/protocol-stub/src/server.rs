//! A task for each connection, so many of them, and an end that cuts nobody off.
//!
//! A place among the connections is a message in a channel: who accepts sends one and waits when it is
//! full, and a connection that ends receives one. So the channel counts them, and it is the wait as well:
//! when all places are free again, all connections have ended.
//!
//! At the end: no more is accepted; a connection between two requests closes at once, one within a request
//! after its answer. A client that does not finish its request is waited for as long as a request may take.

use crate::hyper_io::{Clock, Socket};
use crate::service::Service;
use async_net::{TcpListener, TcpStream};
use hchan::{Context, Receiver, Sender, bounded, go, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

/// Connections at a time; others wait in the listener's queue.
const CONNECTIONS: usize = 1024;
/// For how long the head of a request may take, and a connection may be idle.
const HEAD: Duration = Duration::from_secs(5);
/// The longest head of a request.
const HEAD_BYTES: usize = 16 * 1024;

/// Serves until `stop` is done and all connections have ended.
pub async fn serve(listener: TcpListener, service: Service, stop: Context) {
    let (enter, leave) = bounded(CONNECTIONS);
    let places = Places { enter, leave };
    loop {
        let (stream, place) = select! {
            recv(stop.done()) -> _ => break,
            wait(accept(&listener, &places)) -> accepted => accepted,
        };
        let (service, stop) = (service.clone(), stop.clone());
        go(async move {
            converse(stream, service, stop).await;
            drop(place);
        });
    }
    drop(listener);
    places.all_free().await;
}

/// Waits for a place, and then for somebody who takes it. Who drops this gives the place back.
async fn accept(listener: &TcpListener, places: &Places) -> (TcpStream, Place) {
    let place = places.take().await;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            // Too many open files, say: those that are open go on.
            Err(error) => {
                eprintln!("accept: {error}");
                hchan::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// As many places as connections may be; a message in the channel is one that is taken.
struct Places {
    enter: Sender<()>,
    leave: Receiver<()>,
}

impl Places {
    async fn take(&self) -> Place {
        self.enter.send(()).await.expect("`leave` is here");
        Place(self.leave.clone())
    }

    /// Waits for all that are taken: who has every place knows that nobody else has one.
    async fn all_free(&self) {
        for _ in 0..CONNECTIONS {
            self.enter.send(()).await.expect("`leave` is here");
        }
    }
}

/// One place, free again when this is dropped, also if the task of the connection panics.
struct Place(Receiver<()>);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.0.try_recv();
    }
}

/// One request after the other, until one side has enough.
async fn converse(stream: TcpStream, service: Service, stop: Context) {
    let _ = stream.set_nodelay(true);
    let answer = service_fn(|request| {
        let service = &service;
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(Clock)
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(Socket(stream), answer)
    );
    // A client that goes away, or says what is no HTTP, is its own affair: hyper has answered it.
    select! {
        recv(stop.done()) -> _ => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
        wait(connection.as_mut()) -> _ => {}
    }
}
