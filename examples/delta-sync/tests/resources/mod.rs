//! Resources with a byte of content, to test the protocol with.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

use hchan_delta_sync::snapshot::{Kind, Resources, Snapshot};
use std::collections::BTreeMap;
use xds_api::pb::google::protobuf::Any;

pub fn body(content: u8) -> Any {
    Any { type_url: String::new(), value: vec![content] }
}

/// The resources that there are, as a map from names to contents.
pub fn resources(world: &BTreeMap<String, u8>) -> Resources {
    let mut snapshot = Snapshot::default();
    for (name, content) in world {
        snapshot.set(Kind::Cluster, name, body(*content));
    }
    snapshot.get(Kind::Cluster).cloned().unwrap_or_default()
}
