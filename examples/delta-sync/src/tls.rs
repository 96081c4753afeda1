//! Three messages of Envoy's API that the published types lack, with the fields that are used here
//! (`envoy/extensions/transport_sockets/tls/v3/tls.proto`).

use prost::Message;
use xds_api::pb::envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;
use xds_api::pb::google::protobuf::Any;

const PACKAGE: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.";

#[derive(Clone, PartialEq, Message)]
struct CommonTlsContext {
    #[prost(message, repeated, tag = "6")]
    tls_certificate_sds_secret_configs: Vec<SdsSecretConfig>,
    #[prost(message, optional, tag = "7")]
    validation_context_sds_secret_config: Option<SdsSecretConfig>,
}

#[derive(Clone, PartialEq, Message)]
struct DownstreamTlsContext {
    #[prost(message, optional, tag = "1")]
    common_tls_context: Option<CommonTlsContext>,
}

#[derive(Clone, PartialEq, Message)]
struct UpstreamTlsContext {
    #[prost(message, optional, tag = "1")]
    common_tls_context: Option<CommonTlsContext>,
}

/// For a listener that shows the certificate in the secret.
pub(crate) fn downstream(certificate: SdsSecretConfig) -> Any {
    let common =
        CommonTlsContext { tls_certificate_sds_secret_configs: vec![certificate], ..Default::default() };
    let context = DownstreamTlsContext { common_tls_context: Some(common) };
    Any { type_url: format!("{PACKAGE}DownstreamTlsContext"), value: context.encode_to_vec() }
}

/// For a cluster that believes whoever is vouched for by the secret.
pub(crate) fn upstream(authority: SdsSecretConfig) -> Any {
    let common =
        CommonTlsContext { validation_context_sds_secret_config: Some(authority), ..Default::default() };
    let context = UpstreamTlsContext { common_tls_context: Some(common) };
    Any { type_url: format!("{PACKAGE}UpstreamTlsContext"), value: context.encode_to_vec() }
}
