//! One client: a task that waits, at the same time, for what the client says, for the next snapshot, and for room to
//! answer.
//!
//! ```text
//!   requests ──▶ ┌────────┐
//!                │ stream │ ──▶ responses
//!   snapshots ─▶ └────────┘
//! ```
//!
//! The channel of snapshots has one place and the hub overwrites what is in it: a client that is slow to read skips
//! snapshots, and holds up nobody.

use crate::note::Note;
use crate::snapshot::{Kind, Resources, Snapshot};
use crate::subscription::{Answer, Reply, Request, Subscription};
use hchan::{Context, Receiver, Sender, select};
use std::collections::BTreeMap;
use std::sync::Arc;
use tonic::Status;
use xds_api::pb::envoy::service::discovery::v3 as discovery;
use xds_api::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};

/// How many names a client may subscribe to, of all kinds.
const NAMES: usize = 100_000;

/// The ends of the channels of one client.
pub struct Stream {
    pub requests: Receiver<DeltaDiscoveryRequest>,
    pub snapshots: Receiver<Arc<Snapshot>>,
    pub responses: Sender<Result<DeltaDiscoveryResponse, Status>>,
    pub notes: Sender<Note>,
}

/// What is known about a client.
#[derive(Default)]
struct Client {
    /// Which one it is, as it says itself.
    node: String,
    subscriptions: BTreeMap<Kind, Subscription>,
    snapshot: Arc<Snapshot>,
    /// Nonces are numbers; this is the last one.
    nonce: u64,
}

impl Stream {
    /// Until the client goes away, the context ends or the hub has stopped.
    pub async fn drive(self, context: Context) {
        // Before the first request: a client that comes back must not be told that all is removed.
        let Ok(snapshot) = self.snapshots.recv().await else { return };
        let mut client = Client { snapshot, ..Client::default() };
        let mut response = None;
        let end = loop {
            if response.is_none() {
                response = client.response().map(Ok);
            }
            select! {
                recv(context.done()) -> _ => break None,
                send(self.responses, in response) -> sent => if sent.is_err() { break None },
                recv(self.snapshots) -> snapshot => match snapshot {
                    Ok(snapshot) => client.snapshot = snapshot,
                    Err(_) => break None,
                },
                recv(self.requests) -> request => match request.map(|request| client.request(request)) {
                    Ok(Ok(Some(note))) => drop(self.notes.send(note).await),
                    Ok(Ok(None)) => {}
                    Ok(Err(status)) => break Some(status),
                    Err(_) => break None,
                },
            }
        };
        if let Some(status) = end {
            let _ = self.responses.send(Err(*status)).await;
        }
        let _ = self.notes.send(Note::Gone { node: client.node }).await;
    }
}

impl Client {
    /// What the client says; what is worth a note.
    fn request(&mut self, request: DeltaDiscoveryRequest) -> Result<Option<Note>, Box<Status>> {
        if let Some(node) = request.node {
            self.node = node.id;
        }
        let Some(kind) = Kind::from_type_url(&request.type_url) else {
            let status = Status::invalid_argument(format!("{:?} is not served here", request.type_url));
            return Err(status.into());
        };
        let subscription = self.subscriptions.entry(kind).or_default();
        let reply = subscription.request(Request {
            subscribe: request.resource_names_subscribe,
            unsubscribe: request.resource_names_unsubscribe,
            initial: request.initial_resource_versions.into_iter().collect(),
            nonce: request.response_nonce,
            error: request.error_detail.map(|error| error.message),
        });
        if self.subscriptions.values().map(Subscription::names).sum::<usize>() > NAMES {
            return Err(Status::resource_exhausted(format!("more than {NAMES} names")).into());
        }
        let node = self.node.clone();
        Ok(match reply {
            Reply::Silent | Reply::Unknown => None,
            Reply::Accepted => Some(Note::Accepted { node, kind }),
            Reply::Refused(why) => Some(Note::Refused { node, kind, why }),
        })
    }

    /// What is to be told, of the first kind of which there is something.
    fn response(&mut self) -> Option<DeltaDiscoveryResponse> {
        let nothing = Resources::new();
        let nonce = &mut self.nonce;
        self.subscriptions.iter_mut().find_map(|(kind, subscription)| {
            let resources = self.snapshot.get(*kind).unwrap_or(&nothing);
            let next = || {
                *nonce += 1;
                nonce.to_string()
            };
            Some(message(*kind, resources, subscription.answer(resources, next)?))
        })
    }
}

fn message(kind: Kind, resources: &Resources, answer: Answer) -> DeltaDiscoveryResponse {
    let resource = |name: String| {
        let known = &resources[&name];
        let (version, resource) = (known.version.clone(), Some(known.body.clone()));
        discovery::Resource { name, version, resource, ..Default::default() }
    };
    DeltaDiscoveryResponse {
        type_url: kind.type_url().to_owned(),
        nonce: answer.nonce,
        resources: answer.changed.into_iter().map(resource).collect(),
        removed_resources: answer.removed,
        ..Default::default()
    }
}
