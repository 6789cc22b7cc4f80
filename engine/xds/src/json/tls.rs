//! Transport sockets between sidecars.

use super::message::Message;
use crate::{CertificateValidation, DownstreamTlsContext};
use serde_json::Value;

/// The socket of connections to other sidecars.
pub(super) fn upstream_istio_tls(sni: &str, speaks_http2: bool) -> Value {
    let alpn = ["istio-peer-exchange", "istio", "h2"];
    let alpn = if speaks_http2 { &alpn[..] } else { &alpn[..2] };
    let context = Message::any("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")
        .field("commonTlsContext", istio(alpn))
        .text("sni", sni);
    tls_socket(context)
}

/// The socket of connections from clients.
pub(super) fn downstream(context: &DownstreamTlsContext) -> Value {
    let params = Message::default()
        .text(
            "tlsMinimumProtocolVersion",
            &context.params.minimum_protocol_version,
        )
        .text(
            "tlsMaximumProtocolVersion",
            &context.params.maximum_protocol_version,
        )
        .list(
            "cipherSuites",
            context.params.cipher_suites.iter().map(String::as_str),
        );
    let common = Message::default()
        .list(
            "alpnProtocols",
            context.alpn_protocols.iter().map(String::as_str),
        )
        .list(
            "tlsCertificateSdsSecretConfigs",
            context.certificates.iter().map(|name| sds(name)),
        )
        .optional("tlsParams", (!params.is_empty()).then_some(params));
    let common = match &context.validation {
        Some(validation) => validation.add_to(common),
        None => common,
    };
    let context = Message::any("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext")
        .field("commonTlsContext", common)
        .field(
            "requireClientCertificate",
            context.require_client_certificate,
        );
    tls_socket(context)
}

impl CertificateValidation {
    fn add_to(&self, common: Message) -> Message {
        let names = self
            .subject_alt_names
            .iter()
            .map(|name| Message::default().text("exact", name));
        let crl =
            (!self.crl.is_empty()).then(|| Message::default().text("filename", self.crl.as_str()));
        let own = Message::default()
            .list("matchSubjectAltNames", names)
            .list(
                "verifyCertificateSpki",
                self.spki.iter().map(String::as_str),
            )
            .list(
                "verifyCertificateHash",
                self.hashes.iter().map(String::as_str),
            )
            .optional("crl", crl)
            .optional(
                "trustChainVerification",
                self.accept_untrusted.then_some("ACCEPT_UNTRUSTED"),
            );
        match &self.authorities {
            None => common.field("validationContext", own),
            Some(secret) => common.field(
                "combinedValidationContext",
                Message::default()
                    .field("defaultValidationContext", own)
                    .field("validationContextSdsSecretConfig", sds(secret)),
            ),
        }
    }
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
fn istio(alpn: &[&str]) -> Message {
    let params = Message::default()
        .field("tlsMinimumProtocolVersion", "TLSv1_2")
        .field("tlsMaximumProtocolVersion", "TLSv1_3");
    let validation = Message::default()
        .field("defaultValidationContext", Message::default())
        .field("validationContextSdsSecretConfig", sds("ROOTCA"));
    Message::default()
        .list("alpnProtocols", alpn.iter().copied())
        .list("tlsCertificateSdsSecretConfigs", [sds("default")])
        .field("combinedValidationContext", validation)
        .field("tlsParams", params)
}

/// A secret: a Kubernetes one comes from Pilot, Istio's own and files from the agent beside the proxy.
fn sds(name: &str) -> Message {
    if name.contains("://") {
        let config = Message::default()
            .field("ads", Message::default())
            .field("resourceApiVersion", "V3");
        return Message::default()
            .field("name", name)
            .field("sdsConfig", config);
    }
    let cluster = Message::default().field("clusterName", "sds-grpc");
    let service = Message::default().field("envoyGrpc", cluster);
    let source = Message::default()
        .field("apiType", "GRPC")
        .list("grpcServices", [service])
        .flag("setNodeOnFirstMessageOnly", true)
        .field("transportApiVersion", "V3");
    let config = Message::default()
        .field("apiConfigSource", source)
        .optional(
            "initialFetchTimeout",
            (!name.starts_with("file-")).then_some("0s"),
        )
        .field("resourceApiVersion", "V3");
    Message::default()
        .field("name", name)
        .field("sdsConfig", config)
}
