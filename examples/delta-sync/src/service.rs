//! The gRPC service: tonic decodes and encodes messages, and a stream's task does the rest.
//!
//! A channel is the stream of responses, so a client that does not read makes its own task wait, and no other.

use crate::hub::Hub;
use crate::note::Note;
use crate::stream::Stream;
use hchan::{Context, RecvStream, Sender, bounded, go, select};
use tonic::{Request, Response, Status, Streaming};
use xds_api::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::AggregatedDiscoveryService;
use xds_api::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};

/// What the streams share.
pub struct Service {
    pub hub: Hub,
    pub notes: Sender<Note>,
    pub context: Context,
}

#[tonic::async_trait]
impl AggregatedDiscoveryService for Service {
    type StreamAggregatedResourcesStream = RecvStream<'static, Result<DiscoveryResponse, Status>>;
    type DeltaAggregatedResourcesStream = RecvStream<'static, Result<DeltaDiscoveryResponse, Status>>;

    async fn stream_aggregated_resources(
        &self,
        _: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented("only the delta variant is served: api_type DELTA_GRPC"))
    }

    async fn delta_aggregated_resources(
        &self,
        requests: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let (respond, responses) = bounded(1);
        let (ask, asked) = bounded(1);
        let snapshots = self.hub.listen().await;
        let stream = Stream { requests: asked, snapshots, responses: respond, notes: self.notes.clone() };
        go(pump(requests.into_inner(), ask));
        go(stream.drive(self.context.clone()));
        Ok(Response::new(responses.into_stream()))
    }
}

/// Takes requests off the wire: until the client has no more, or nobody wants them.
async fn pump(mut requests: Streaming<DeltaDiscoveryRequest>, ask: Sender<DeltaDiscoveryRequest>) {
    loop {
        let request = select! {
            wait(ask.closed()) -> _ => return,
            wait(requests.message()) -> request => request,
        };
        // One that cannot be decoded ends the stream, as does the end of the connection.
        let Ok(Some(request)) = request else { return };
        if ask.send(request).await.is_err() {
            return;
        }
    }
}
