//! `redirect` of a VirtualService's HTTP rule.

use serde::Deserialize;

use crate::one_of::{OneOfError, at_most_one};

/// Istio's HTTPRedirect. An empty text means that the part is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct HttpRedirect {
    /// The new path.
    pub uri: String,
    /// The new start of the path, in place of the matched prefix.
    pub prefix_rewrite: String,
    /// The new host.
    pub authority: String,
    /// The new port.
    pub port: Option<RedirectPort>,
    /// The new scheme.
    pub scheme: String,
    /// The status, 301 if zero.
    pub redirect_code: u32,
}

/// The port of a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectPort {
    /// `port`: this one.
    Number(u32),
    /// `derivePort: FROM_PROTOCOL_DEFAULT`: 80 or 443.
    FromProtocolDefault,
    /// `derivePort: FROM_REQUEST_PORT`: the port the request came in on.
    FromRequestPort,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    prefix_rewrite: String,
    #[serde(default)]
    authority: String,
    port: Option<u32>,
    derive_port: Option<DerivePort>,
    #[serde(default)]
    scheme: String,
    #[serde(default)]
    redirect_code: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum DerivePort {
    FromProtocolDefault,
    FromRequestPort,
}

impl TryFrom<Fields> for HttpRedirect {
    type Error = OneOfError;
    fn try_from(fields: Fields) -> Result<Self, OneOfError> {
        let derived = fields.derive_port.map(|derive| match derive {
            DerivePort::FromProtocolDefault => RedirectPort::FromProtocolDefault,
            DerivePort::FromRequestPort => RedirectPort::FromRequestPort,
        });
        let port = at_most_one([
            ("port", fields.port.map(RedirectPort::Number)),
            ("derivePort", derived),
        ])?;
        Ok(Self {
            uri: fields.uri,
            prefix_rewrite: fields.prefix_rewrite,
            authority: fields.authority,
            port,
            scheme: fields.scheme,
            redirect_code: fields.redirect_code,
        })
    }
}
