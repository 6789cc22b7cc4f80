//! `tls` of a Gateway's server or of a Sidecar's ingress: how connections from clients are secured.

use serde::Deserialize;

use crate::check::Check;
use crate::nullable;
use crate::span::Spanned;
use crate::yaml::path::Path;

/// Istio's ServerTLSSettings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerTlsSettings {
    /// Whether plain HTTP is answered by a redirect to HTTPS.
    #[serde(default)]
    pub https_redirect: bool,
    /// What is asked of clients; none means `PASSTHROUGH`, the first of Istio's list.
    pub mode: Option<Spanned<ServerTlsMode>>,
    /// The file of the server's certificate.
    pub server_certificate: Option<Spanned<String>>,
    /// The file of the server's key.
    pub private_key: Option<Spanned<String>>,
    /// The file of the authorities that clients' certificates are checked against.
    pub ca_certificates: Option<Spanned<String>>,
    /// The file of revoked certificates.
    pub ca_crl: Option<Spanned<String>>,
    /// The secret that holds key and certificates.
    pub credential_name: Option<Spanned<String>>,
    /// Secrets, at most one for each sort of key.
    #[serde(default)]
    pub credential_names: Vec<Spanned<String>>,
    /// The secret that holds the authorities.
    pub ca_cert_credential_name: Option<Spanned<String>>,
    /// Files of certificates, at most one for each sort of key.
    #[serde(default)]
    pub tls_certificates: Vec<Spanned<TlsCertificate>>,
    /// The names that a client's certificate may bear.
    #[serde(default)]
    pub subject_alt_names: Vec<String>,
    /// Hashes of the public keys that clients may have.
    #[serde(default)]
    pub verify_certificate_spki: Vec<String>,
    /// Hashes of the certificates that clients may have.
    #[serde(default)]
    pub verify_certificate_hash: Vec<String>,
    /// The lowest version.
    #[serde(default)]
    pub min_protocol_version: TlsProtocol,
    /// The highest version.
    #[serde(default)]
    pub max_protocol_version: TlsProtocol,
    /// Ciphers, in order of preference.
    #[serde(default)]
    pub cipher_suites: Vec<Spanned<String>>,
    /// Curves, in order of preference.
    #[serde(default)]
    pub ecdh_curves: Vec<String>,
    /// Protocols that are offered by ALPN.
    #[serde(default)]
    pub alpn_protocols: Vec<String>,
    /// Whether clients' certificates are not checked.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub insecure_skip_verify: Option<bool>,
}

/// A certificate and its key, as files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsCertificate {
    /// The file of the server's certificate.
    #[serde(default)]
    pub server_certificate: String,
    /// The file of the server's key.
    #[serde(default)]
    pub private_key: String,
    /// The file of the authorities that clients' certificates are checked against.
    #[serde(default)]
    pub ca_certificates: String,
}

/// What is asked of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServerTlsMode {
    /// TLS goes on to the host that its SNI names.
    #[default]
    Passthrough,
    /// TLS ends here.
    Simple,
    /// TLS ends here, for clients with a certificate.
    Mutual,
    /// TLS goes on to the cluster that its SNI names, without a VirtualService.
    AutoPassthrough,
    /// TLS ends here, for clients of the mesh.
    IstioMutual,
    /// TLS ends here, for clients with a certificate or without.
    OptionalMutual,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TlsProtocol {
    /// As the proxy likes.
    #[default]
    #[serde(rename = "TLS_AUTO")]
    Auto,
    /// 1.0.
    #[serde(rename = "TLSV1_0")]
    V1_0,
    /// 1.1.
    #[serde(rename = "TLSV1_1")]
    V1_1,
    /// 1.2.
    #[serde(rename = "TLSV1_2")]
    V1_2,
    /// 1.3.
    #[serde(rename = "TLSV1_3")]
    V1_3,
}

impl ServerTlsSettings {
    /// The mode, the default one if none is written.
    pub fn mode(&self) -> ServerTlsMode {
        self.mode
            .as_ref()
            .map(|mode| mode.value)
            .unwrap_or_default()
    }

    /// Notes what the schema does not allow.
    pub(crate) fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.exclusive(path, ["tlsCertificates", "credentialNames"]);
        check.exclusive(path, ["credentialName", "credentialNames"]);
        for (field, count) in [
            ("credentialNames", self.credential_names.len()),
            ("tlsCertificates", self.tls_certificates.len()),
        ] {
            check.items(&path.key(field), count, 1..=2);
        }
    }
}
