//! What is served, at one moment: resources by kind and name. A snapshot never changes; a change is another snapshot.
//!
//! The version of a resource is a hash of its content. So equal content has an equal version, also after a restart of
//! the server, and a client that comes back is sent only what has changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use xds_api::pb::google::protobuf::Any;

/// The kinds of resources, in the order in which a client should hear of them: who is referred to comes before
/// whoever refers to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Cluster,
    Endpoints,
    Secret,
    Listener,
    Route,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Cluster, Self::Endpoints, Self::Secret, Self::Listener, Self::Route];

    /// What the protocol calls it.
    pub fn type_url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoints => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        }
    }

    pub fn from_type_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_url() == url)
    }
}

/// A resource, ready to be sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Resource {
    pub version: String,
    pub body: Any,
}

impl Resource {
    pub fn new(body: Any) -> Self {
        Self { version: format!("{:016x}", fnv(&body.value)), body }
    }
}

/// The resources of one kind, by name.
pub type Resources = BTreeMap<String, Resource>;

/// All that is served. Kinds that did not change are shared with the snapshot before.
#[derive(Clone, Default, Debug)]
pub struct Snapshot {
    kinds: BTreeMap<Kind, Arc<Resources>>,
}

impl Snapshot {
    pub fn get(&self, kind: Kind) -> Option<&Resources> {
        self.kinds.get(&kind).map(Arc::as_ref)
    }

    pub fn set(&mut self, kind: Kind, name: &str, body: Any) {
        Arc::make_mut(self.kinds.entry(kind).or_default()).insert(name.to_owned(), Resource::new(body));
    }
}

/// Fowler, Noll and Vo's hash (1a, 64 bits): the same everywhere and for ever, unlike that of the standard library.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
