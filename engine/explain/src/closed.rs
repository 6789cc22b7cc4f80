//! Why a connection ends without an answer.

use std::fmt;

use proxy::listener::Preface;

/// Why a connection ends without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nobody listens at the port.
    Refused,
    /// No filter chain takes a handshake with this server name.
    UnknownServerName(String),
    /// No filter chain takes plain text.
    UnknownPlainText,
    /// Plain text meets a filter chain that ends TLS.
    TlsExpected,
    /// A handshake meets a filter chain for HTTP in plain text.
    PlainTextExpected,
    /// The destination is unknown, and nothing unknown is let out.
    NotLetOut,
    /// The server takes no TLS, or none with certificates of the mesh.
    HandshakeFails,
}

impl Closed {
    /// No filter chain takes a connection that begins so.
    pub fn without_filter_chain(preface: Preface<'_>) -> Self {
        match preface.server_name() {
            Some(name) => Self::UnknownServerName(name.to_owned()),
            None => Self::UnknownPlainText,
        }
    }

    /// Envoy's response code details; words alike where it has none, as it never sees a request.
    pub const fn details(&self) -> Option<&'static str> {
        match self {
            Self::Refused => Some("connection_refused"),
            Self::UnknownServerName(_) | Self::UnknownPlainText => Some("filter_chain_not_found"),
            Self::TlsExpected => Some("downstream_transport_failure"),
            Self::PlainTextExpected => Some("http1.codec_error"),
            Self::NotLetOut => None,
            Self::HandshakeFails => Some("remote_connection_failure"),
        }
    }

    /// Envoy's response flags.
    pub const fn response_flags(&self) -> &'static str {
        match self {
            Self::UnknownServerName(_) | Self::UnknownPlainText => "NR",
            Self::PlainTextExpected => "DPE",
            Self::Refused | Self::TlsExpected | Self::NotLetOut | Self::HandshakeFails => "-",
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Refused => "nobody listens: the connection is refused",
            Self::UnknownServerName(name) => {
                return write!(
                    f,
                    "no filter chain takes the server name `{name}`: the connection is closed"
                );
            }
            Self::UnknownPlainText => "no filter chain takes plain text: the connection is closed",
            Self::TlsExpected => {
                "TLS is expected, and the client speaks plain text: the connection is closed"
            }
            Self::PlainTextExpected => {
                "a request is expected, and a TLS handshake comes: the connection is closed"
            }
            Self::NotLetOut => "unknown destinations are not let out: the connection is closed",
            Self::HandshakeFails => "the server does not take this TLS: the handshake fails",
        };
        f.write_str(words)
    }
}
