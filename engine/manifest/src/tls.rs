//! `tls` of a DestinationRule: how connections to the destination are secured.

use serde::Deserialize;

use crate::nullable;

/// Istio's ClientTLSSettings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientTlsSettings {
    /// Whether, and with whose certificate.
    #[serde(default)]
    pub mode: TlsMode,
    /// The file of the client's certificate.
    #[serde(default)]
    pub client_certificate: String,
    /// The file of the client's key.
    #[serde(default)]
    pub private_key: String,
    /// The file of the authorities that the server's certificate is checked against.
    #[serde(default)]
    pub ca_certificates: String,
    /// The secret that holds key and certificates.
    #[serde(default)]
    pub credential_name: String,
    /// The names that the server's certificate may bear.
    #[serde(default)]
    pub subject_alt_names: Vec<String>,
    /// The server name that is asked for.
    #[serde(default)]
    pub sni: String,
    /// Whether the server's certificate is not checked.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub insecure_skip_verify: Option<bool>,
    /// The file of revoked certificates.
    #[serde(default)]
    pub ca_crl: String,
}

/// How connections are secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TlsMode {
    /// Plain text.
    #[default]
    Disable,
    /// TLS without a client certificate.
    Simple,
    /// TLS with the given client certificate.
    Mutual,
    /// TLS with the mesh's own certificates.
    IstioMutual,
}
