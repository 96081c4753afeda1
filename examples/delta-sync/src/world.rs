//! What is to be served, in terms of the user: commands change it, and a snapshot is made from it.
//!
//! Things may refer to what is not there (yet): a client waits for it, or answers 503.

use crate::resources;
use crate::snapshot::{Kind, Snapshot};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    Cluster { name: String, addresses: Vec<SocketAddr>, authority: Option<String> },
    Listener { name: String, address: SocketAddr, certificate: Option<String> },
    Route { listener: String, prefix: String, cluster: String },
    Certificate { name: String, chain: String, key: String },
    Authority { name: String, certificates: String },
    DropCluster(String),
    DropListener(String),
    DropRoute { listener: String, prefix: String },
    DropSecret(String),
}

/// A cluster's endpoints, and the secret to check them with, if they speak TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Cluster {
    addresses: Vec<SocketAddr>,
    authority: Option<String>,
}

/// Where a listener is, and the secret that it shows, if it speaks TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Listener {
    address: SocketAddr,
    certificate: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Secret {
    Certificate { chain: String, key: String },
    Authority { certificates: String },
}

/// All that was said so far.
#[derive(Clone, Default, Debug)]
pub struct World {
    clusters: BTreeMap<String, Cluster>,
    listeners: BTreeMap<String, Listener>,
    /// By listener and prefix: the cluster.
    routes: BTreeMap<(String, String), String>,
    secrets: BTreeMap<String, Secret>,
}

impl World {
    pub fn apply(&mut self, command: Command) {
        match command {
            Command::Cluster { name, addresses, authority } => {
                self.clusters.insert(name, Cluster { addresses, authority });
            }
            Command::Listener { name, address, certificate } => {
                self.listeners.insert(name, Listener { address, certificate });
            }
            Command::Route { listener, prefix, cluster } => {
                self.routes.insert((listener, prefix), cluster);
            }
            Command::Certificate { name, chain, key } => {
                self.secrets.insert(name, Secret::Certificate { chain, key });
            }
            Command::Authority { name, certificates } => {
                self.secrets.insert(name, Secret::Authority { certificates });
            }
            Command::DropCluster(name) => drop(self.clusters.remove(&name)),
            Command::DropListener(name) => drop(self.listeners.remove(&name)),
            Command::DropRoute { listener, prefix } => drop(self.routes.remove(&(listener, prefix))),
            Command::DropSecret(name) => drop(self.secrets.remove(&name)),
        }
    }

    /// In the terms of Envoy.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (name, Cluster { addresses, authority }) in &self.clusters {
            snapshot.set(Kind::Cluster, name, resources::cluster(name, authority.as_deref()));
            snapshot.set(Kind::Endpoints, name, resources::endpoints(name, addresses));
        }
        for (name, Listener { address, certificate }) in &self.listeners {
            snapshot.set(Kind::Listener, name, resources::listener(name, *address, certificate.as_deref()));
            snapshot.set(Kind::Route, name, resources::routes(name, self.routes_of(name)));
        }
        for (name, secret) in &self.secrets {
            let body = match secret {
                Secret::Certificate { chain, key } => resources::certificate(name, chain, key),
                Secret::Authority { certificates } => resources::authority(name, certificates),
            };
            snapshot.set(Kind::Secret, name, body);
        }
        snapshot
    }

    /// Longer prefixes first: of two that fit, one is the beginning of the other, and the longer one is meant.
    fn routes_of<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let routes = self.routes.iter().filter(|((listener, _), _)| listener == name);
        let mut routes: Vec<_> = routes.map(|((_, prefix), cluster)| (&**prefix, &**cluster)).collect();
        routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        routes.into_iter()
    }
}
