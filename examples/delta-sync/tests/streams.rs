//! The hub and the task of a stream, in every interleaving.

mod resources;

use hchan::sim::{Sim, Verdict};
use hchan::{Context, Receiver, Sender, bounded, go};
use hchan_delta_sync::hub::Hub;
use hchan_delta_sync::snapshot::{Kind, Snapshot};
use hchan_delta_sync::stream::Stream;
use resources::body;
use tonic::Status;
use xds_api::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};

/// A client of a stream's task, which has something from before: accepts all, until it has what is `last`.
async fn follow(
    requests: Sender<DeltaDiscoveryRequest>,
    responses: Receiver<Result<DeltaDiscoveryResponse, Status>>,
    last: u8,
) {
    let type_url = Kind::Cluster.type_url().to_owned();
    let held = [("a".to_owned(), "of old".to_owned())];
    let first = DeltaDiscoveryRequest {
        type_url: type_url.clone(),
        initial_resource_versions: held.into(),
        ..Default::default()
    };
    requests.send(first).await.unwrap();
    loop {
        let response = responses.recv().await.unwrap().unwrap();
        assert_eq!(response.removed_resources, [""; 0], "it was always there");
        if response.resources[0].resource.as_ref().unwrap().value == [last] {
            return;
        }
        let response_nonce = response.nonce;
        let accepted =
            DeltaDiscoveryRequest { type_url: type_url.clone(), response_nonce, ..Default::default() };
        requests.send(accepted).await.unwrap();
    }
}

/// Snapshots are published while a client connects and follows: it sees the last one, and then all of it ends.
async fn published_while_a_client_follows(last: u8) {
    let (hub, drive) = Hub::new();
    let hub_task = go(drive);
    let mut snapshot = Snapshot::default();
    snapshot.set(Kind::Cluster, "a", body(0));
    hub.publish(snapshot.clone()).await;
    let (ask, requests) = bounded(1);
    let (respond, responses) = bounded(1);
    let publisher = hub.clone();
    let stream = Stream { requests, snapshots: hub.listen().await, responses: respond, notes: bounded(8).0 };
    drop(hub);
    let stream = go(stream.drive(Context::background()));
    let publisher = go(async move {
        for content in 1..=last {
            snapshot.set(Kind::Cluster, "a", body(content));
            publisher.publish(snapshot.clone()).await;
        }
        // The hub stays until the client has seen it.
        publisher
    });
    follow(ask, responses, last).await;
    drop(publisher.await.unwrap());
    stream.await.unwrap();
    hub_task.await.unwrap();
}

#[test]
fn a_client_sees_the_last_of_the_snapshots_however_tasks_interleave() {
    let failed = |failure| panic!("{failure}");
    let two = Sim::random(1, 1000).progress(false).check(|| published_while_a_client_follows(2));
    two.unwrap_or_else(failed);
    let one = Sim::exhaustive().progress(false).check(|| published_while_a_client_follows(1));
    assert_eq!(one.unwrap_or_else(failed).verdict, Verdict::Exhaustive);
}
