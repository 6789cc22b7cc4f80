//! TLS that ends at a listener.
//!
//! Source: istio/istio, pilot/pkg/security/model/authentication.go, pilot/pkg/security/authn/utils/utils.go,
//! pilot/pkg/networking/core/listener.go (BuildListenerTLSContext), pilot/pkg/model/credentials/resource.go.

use manifest::server_tls::{ServerTlsMode, ServerTlsSettings, TlsProtocol};
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

/// TLS that ends at a server of a Gateway, for HTTP or for bytes.
pub(crate) fn of_server(written: &ServerTlsSettings, is_http: bool) -> DownstreamTlsContext {
    let mode = written.mode();
    let is_istio = mode == ServerTlsMode::IstioMutual;
    if is_istio {
        let protocols: &[&str] = if is_http {
            &HTTP_PROTOCOLS
        } else {
            &["istio-peer-exchange", "h2", "http/1.1"]
        };
        return DownstreamTlsContext {
            params: TlsParameters::default(),
            ..istio_mutual(protocols, &written.subject_alt_names)
        };
    }
    let requires_certificate = mode == ServerTlsMode::Mutual;
    let checks_certificate = requires_certificate || mode == ServerTlsMode::OptionalMutual;
    DownstreamTlsContext {
        require_client_certificate: requires_certificate,
        alpn_protocols: texts(&HTTP_PROTOCOLS),
        certificates: certificates(written),
        validation: validation(written, checks_certificate),
        params: TlsParameters {
            minimum_protocol_version: version(written.min_protocol_version),
            maximum_protocol_version: version(written.max_protocol_version),
            cipher_suites: written
                .cipher_suites
                .iter()
                .map(|cipher| cipher.value.clone())
                .collect(),
        },
    }
}

/// The names of the secrets with a server's certificates: Kubernetes' secrets, else files.
fn certificates(written: &ServerTlsSettings) -> Vec<String> {
    let credentials = credential_names(written);
    if !credentials.is_empty() {
        return credentials.into_iter().map(secret_name).collect();
    }
    let file = |certificate: &str, key: &str| {
        if certificate.is_empty() || key.is_empty() {
            OWN_CERTIFICATE.to_owned()
        } else {
            format!("file-cert:{certificate}~{key}")
        }
    };
    if written.tls_certificates.is_empty() {
        return vec![file(
            text(&written.server_certificate),
            text(&written.private_key),
        )];
    }
    let listed = written.tls_certificates.iter();
    listed
        .map(|own| file(&own.server_certificate, &own.private_key))
        .collect()
}

fn credential_names(written: &ServerTlsSettings) -> Vec<&str> {
    if written.credential_names.is_empty() {
        let single = text(&written.credential_name);
        return (!single.is_empty()).then_some(single).into_iter().collect();
    }
    let names = written.credential_names.iter();
    names.map(|name| name.value.as_str()).collect()
}

/// How clients are checked: by the authorities beside the first certificate, unless others are named.
fn validation(written: &ServerTlsSettings, is_checked: bool) -> Option<CertificateValidation> {
    let names = credential_names(written);
    let own = CertificateValidation {
        subject_alt_names: written.subject_alt_names.clone(),
        accept_untrusted: written.insecure_skip_verify == Some(true),
        ..CertificateValidation::default()
    };
    let Some(first) = names.first() else {
        let file = text(&written.ca_certificates);
        return is_checked.then(|| CertificateValidation {
            authorities: Some(if file.is_empty() {
                OWN_AUTHORITIES.to_owned()
            } else {
                format!("file-root:{file}")
            }),
            crl: text(&written.ca_crl).to_owned(),
            ..own
        });
    };
    if is_checked {
        let authorities = match text(&written.ca_cert_credential_name) {
            "" => format!("{first}-cacert"),
            named => named.to_owned(),
        };
        return Some(CertificateValidation {
            authorities: Some(secret_name(&authorities)),
            spki: written.verify_certificate_spki.clone(),
            hashes: written.verify_certificate_hash.clone(),
            ..own
        });
    }
    (!own.subject_alt_names.is_empty()).then_some(CertificateValidation {
        accept_untrusted: false,
        ..own
    })
}

/// A credential's name as Pilot serves it.
fn secret_name(credential: &str) -> String {
    let name = credential.strip_prefix("sds://").unwrap_or(credential);
    match name {
        "builtin://" => OWN_CERTIFICATE.to_owned(),
        "builtin://-cacert" => OWN_AUTHORITIES.to_owned(),
        name if name.contains("://") => name.to_owned(),
        name => format!("kubernetes://{name}"),
    }
}

fn version(written: TlsProtocol) -> String {
    match written {
        TlsProtocol::Auto => "",
        TlsProtocol::V1_0 => "TLSv1_0",
        TlsProtocol::V1_1 => "TLSv1_1",
        TlsProtocol::V1_2 => "TLSv1_2",
        TlsProtocol::V1_3 => "TLSv1_3",
    }
    .to_owned()
}

fn text(written: &Option<manifest::Spanned<String>>) -> &str {
    written.as_ref().map_or("", |text| text.value.as_str())
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// What HTTP servers offer.
const HTTP_PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];
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
