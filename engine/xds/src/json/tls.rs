//! Transport sockets between sidecars.

use super::message::Message;
use serde_json::Value;

/// The socket of connections to other sidecars.
pub(super) fn upstream_istio_tls(sni: &str, speaks_http2: bool) -> Value {
    let alpn = ["istio-peer-exchange", "istio", "h2"];
    let alpn = if speaks_http2 { &alpn[..] } else { &alpn[..2] };
    let context = Message::any("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")
        .field("commonTlsContext", common(alpn, &[]))
        .text("sni", sni);
    tls_socket(context)
}

/// The socket of connections from other sidecars.
pub(super) fn downstream_istio_tls(alpn: &[&str]) -> Value {
    let context = Message::any("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext")
        .field("commonTlsContext", common(alpn, &CIPHERS))
        .field("requireClientCertificate", true);
    tls_socket(context)
}

/// The socket of plain text.
pub(super) fn raw_buffer() -> Value {
    let config = Message::any("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer");
    Message::default()
        .field("name", "envoy.transport_sockets.raw_buffer")
        .field("typedConfig", config)
        .build()
}

fn tls_socket(context: Message) -> Value {
    Message::default()
        .field("name", "envoy.transport_sockets.tls")
        .field("typedConfig", context)
        .build()
}

/// Istio's certificates, by way of the agent beside the proxy.
fn common(alpn: &[&str], ciphers: &[&str]) -> Message {
    let params = Message::default()
        .field("tlsMinimumProtocolVersion", "TLSv1_2")
        .field("tlsMaximumProtocolVersion", "TLSv1_3")
        .list("cipherSuites", ciphers.iter().copied());
    let validation = Message::default()
        .field("defaultValidationContext", Message::default())
        .field("validationContextSdsSecretConfig", sds("ROOTCA"));
    Message::default()
        .list("alpnProtocols", alpn.iter().copied())
        .list("tlsCertificateSdsSecretConfigs", [sds("default")])
        .field("combinedValidationContext", validation)
        .field("tlsParams", params)
}

fn sds(name: &str) -> Message {
    let cluster = Message::default().field("clusterName", "sds-grpc");
    let service = Message::default().field("envoyGrpc", cluster);
    let source = Message::default()
        .field("apiType", "GRPC")
        .list("grpcServices", [service])
        .flag("setNodeOnFirstMessageOnly", true)
        .field("transportApiVersion", "V3");
    let config = Message::default()
        .field("apiConfigSource", source)
        .field("initialFetchTimeout", "0s")
        .field("resourceApiVersion", "V3");
    Message::default()
        .field("name", name)
        .field("sdsConfig", config)
}

const CIPHERS: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
];
