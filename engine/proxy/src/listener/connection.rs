//! A connection as listeners see it: where it goes, and what its first bytes show.

use std::net::IpAddr;
use xds::TrafficDirection;

/// A new connection, as far as listeners can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// From the application, or to it.
    pub direction: TrafficDirection,
    /// The address that was dialled; none for one outside of all that is configured.
    pub ip: Option<IpAddr>,
    /// The port that was dialled.
    pub port: u16,
    /// What its first bytes show.
    pub preface: Preface<'a>,
}

/// What the first bytes of a connection show to the inspectors of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preface<'a> {
    /// HTTP/1.1 in plain text.
    Http1,
    /// HTTP/2 in plain text, with prior knowledge: gRPC.
    Http2,
    /// TLS, with the server name that the client asks for.
    Tls(&'a str),
    /// The same around another handshake, which shows where the first TLS ends.
    TlsAroundTls(&'a str),
    /// Istio's mutual TLS, as one proxy of a mesh makes it to another.
    IstioMutualTls {
        /// The server name that is asked for.
        server_name: &'a str,
        /// What it carries.
        payload: Payload,
    },
    /// Something else in plain text.
    Other,
}

impl<'a> Preface<'a> {
    /// Whether a handshake begins.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        self.server_name().is_some()
    }

    /// The server name of a handshake; none: it is plain text.
    #[must_use]
    pub const fn server_name(self) -> Option<&'a str> {
        match self {
            Self::Tls(server_name)
            | Self::TlsAroundTls(server_name)
            | Self::IstioMutualTls { server_name, .. } => Some(server_name),
            Self::Http1 | Self::Http2 | Self::Other => None,
        }
    }

    /// The application protocols that are offered, or found by looking into plain text, the preferred one first.
    pub(super) const fn application_protocols(self) -> &'static [&'static str] {
        match self {
            Self::Http1 => &["http/1.1"],
            Self::Http2 => &["h2c"],
            // What a TLS client of the application offers, as curl and most others do.
            Self::Tls(_) | Self::TlsAroundTls(_) => &["h2", "http/1.1"],
            // Source: istio/istio, pkg/config/protocol, pilot/pkg/networking/util (ALPNHttp, ALPNInMeshWithMxc).
            Self::IstioMutualTls { payload, .. } => match payload {
                Payload::Http1 => &["istio-http/1.1", "istio", "http/1.1"],
                Payload::Http2 => &["istio-h2", "istio", "h2"],
                Payload::Other => &["istio-peer-exchange", "istio"],
            },
            Self::Other => &[],
        }
    }
}

/// What Istio's mutual TLS carries, as its application protocol tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// Something else.
    Other,
}
