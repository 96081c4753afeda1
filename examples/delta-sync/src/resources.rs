//! Envoy's messages, for what is served here: a listener with its routes, a cluster with its endpoints, a secret.

use crate::tls;
use std::net::SocketAddr;
use xds_api::pb::envoy::config::cluster::v3::Cluster;
use xds_api::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, DiscoveryType, EdsClusterConfig,
};
use xds_api::pb::envoy::config::core::v3::{
    Address, AggregatedConfigSource, ApiVersion, ConfigSource, DataSource, SocketAddress, TransportSocket,
    address, config_source::ConfigSourceSpecifier, data_source, socket_address::PortSpecifier,
    transport_socket,
};
use xds_api::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints, lb_endpoint::HostIdentifier,
};
use xds_api::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener, filter};
use xds_api::pb::envoy::config::route::v3::{
    Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, route, route_action::ClusterSpecifier,
    route_match::PathSpecifier,
};
use xds_api::pb::envoy::extensions::filters::http::router::v3::Router;
use xds_api::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, Rds, http_connection_manager::RouteSpecifier, http_filter,
};
use xds_api::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, SdsSecretConfig, Secret, TlsCertificate, secret,
};
use xds_api::pb::google::protobuf::{self, Any};

/// From the stream over which everything comes.
fn ads() -> Option<ConfigSource> {
    Some(ConfigSource {
        resource_api_version: ApiVersion::V3.into(),
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        ..Default::default()
    })
}

fn any(message: &impl prost::Name) -> Any {
    Any::from_msg(message).expect("a vector has room for every message")
}

fn socket(address: SocketAddr) -> Option<Address> {
    let address = SocketAddress {
        address: address.ip().to_string(),
        port_specifier: Some(PortSpecifier::PortValue(address.port().into())),
        ..Default::default()
    };
    Some(Address { address: Some(address::Address::SocketAddress(address)) })
}

fn transport(context: Any) -> TransportSocket {
    let config_type = Some(transport_socket::ConfigType::TypedConfig(context));
    TransportSocket { name: "envoy.transport_sockets.tls".into(), config_type }
}

fn sds(secret: &str) -> SdsSecretConfig {
    SdsSecretConfig { name: secret.into(), sds_config: ads() }
}

fn text(pem: &str) -> Option<DataSource> {
    let specifier = Some(data_source::Specifier::InlineString(pem.into()));
    Some(DataSource { specifier, ..Default::default() })
}

/// A cluster whose endpoints are served under its own name; it speaks TLS if there is a secret to check with.
pub(crate) fn cluster(name: &str, authority: Option<&str>) -> Any {
    any(&Cluster {
        name: name.into(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
        eds_cluster_config: Some(EdsClusterConfig { eds_config: ads(), ..Default::default() }),
        connect_timeout: Some(protobuf::Duration { seconds: 5, nanos: 0 }),
        transport_socket: authority.map(|secret| transport(tls::upstream(sds(secret)))),
        ..Default::default()
    })
}

pub(crate) fn endpoints(cluster: &str, addresses: &[SocketAddr]) -> Any {
    let endpoint = |address: &SocketAddr| LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(Endpoint {
            address: socket(*address),
            ..Default::default()
        })),
        ..Default::default()
    };
    any(&ClusterLoadAssignment {
        cluster_name: cluster.into(),
        endpoints: vec![LocalityLbEndpoints {
            lb_endpoints: addresses.iter().map(endpoint).collect(),
            ..Default::default()
        }],
        ..Default::default()
    })
}

/// A listener for HTTP whose routes are served under its own name; over TLS if it has a secret to show.
pub(crate) fn listener(name: &str, address: SocketAddr, certificate: Option<&str>) -> Any {
    let router = HttpFilter {
        name: "envoy.filters.http.router".into(),
        config_type: Some(http_filter::ConfigType::TypedConfig(any(&Router::default()))),
        ..Default::default()
    };
    let manager = HttpConnectionManager {
        stat_prefix: name.into(),
        http_filters: vec![router],
        route_specifier: Some(RouteSpecifier::Rds(Rds {
            config_source: ads(),
            route_config_name: name.into(),
        })),
        ..Default::default()
    };
    let filter = Filter {
        name: "envoy.filters.network.http_connection_manager".into(),
        config_type: Some(filter::ConfigType::TypedConfig(any(&manager))),
    };
    any(&Listener {
        name: name.into(),
        address: socket(address),
        filter_chains: vec![FilterChain {
            filters: vec![filter],
            transport_socket: certificate.map(|secret| transport(tls::downstream(sds(secret)))),
            ..Default::default()
        }],
        ..Default::default()
    })
}

/// Routes of a listener: prefixes of paths, and where they lead. The first one that fits counts.
pub(crate) fn routes<'a>(listener: &str, routes: impl Iterator<Item = (&'a str, &'a str)>) -> Any {
    let route = |(prefix, cluster): (&str, &str)| Route {
        r#match: Some(RouteMatch {
            path_specifier: Some(PathSpecifier::Prefix(prefix.into())),
            ..Default::default()
        }),
        action: Some(route::Action::Route(RouteAction {
            cluster_specifier: Some(ClusterSpecifier::Cluster(cluster.into())),
            ..Default::default()
        })),
        ..Default::default()
    };
    any(&RouteConfiguration {
        name: listener.into(),
        virtual_hosts: vec![VirtualHost {
            name: "all".into(),
            domains: vec!["*".into()],
            routes: routes.map(route).collect(),
            ..Default::default()
        }],
        ..Default::default()
    })
}

/// A certificate and its key, in PEM.
pub(crate) fn certificate(name: &str, chain: &str, key: &str) -> Any {
    let certificate =
        TlsCertificate { certificate_chain: text(chain), private_key: text(key), ..Default::default() };
    any(&Secret { name: name.into(), r#type: Some(secret::Type::TlsCertificate(certificate)) })
}

/// Whom to believe, in PEM.
pub(crate) fn authority(name: &str, certificates: &str) -> Any {
    let context = CertificateValidationContext { trusted_ca: text(certificates), ..Default::default() };
    any(&Secret { name: name.into(), r#type: Some(secret::Type::ValidationContext(context)) })
}
