//! TLS that ends at a listener.
//!
//! Source: istio/istio, pilot/pkg/security/model/authentication.go, pilot/pkg/security/authn/utils/utils.go.

use xds::{CertificateValidation, DownstreamTlsContext, TlsParameters};

/// Istio's own mutual TLS; clients must have one of the names, if there are any.
pub(crate) fn istio_mutual(
    alpn_protocols: &[&str],
    subject_alt_names: &[String],
) -> DownstreamTlsContext {
    DownstreamTlsContext {
        require_client_certificate: true,
        alpn_protocols: texts(alpn_protocols),
        certificates: vec![OWN_CERTIFICATE.to_owned()],
        validation: Some(CertificateValidation {
            authorities: Some(OWN_AUTHORITIES.to_owned()),
            subject_alt_names: subject_alt_names.to_vec(),
            ..CertificateValidation::default()
        }),
        params: TlsParameters {
            minimum_protocol_version: "TLSv1_2".to_owned(),
            maximum_protocol_version: "TLSv1_3".to_owned(),
            cipher_suites: texts(&CIPHERS),
        },
    }
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// The secret with a workload's own certificate.
const OWN_CERTIFICATE: &str = "default";
/// The secret with the mesh's authorities.
const OWN_AUTHORITIES: &str = "ROOTCA";
/// Ciphers between sidecars.
const CIPHERS: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
];
