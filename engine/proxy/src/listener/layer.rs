//! What a connection carries, layer by layer: TLS is wrapped around it at one proxy and ends at another.

use super::{Payload, Preface};
use crate::request::{Protocol, RequestHead};
use xds::TlsMode;

/// The outermost layer of a connection, and those inside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Requests in plain text.
    Http(Protocol),
    /// Other bytes in plain text.
    Bytes,
    /// TLS.
    Tls {
        /// The server name that is asked for.
        server_name: String,
        /// What it carries.
        inside: Box<Self>,
    },
    /// Istio's mutual TLS.
    IstioMutualTls {
        /// The server name that is asked for.
        server_name: String,
        /// What it carries.
        inside: Box<Self>,
    },
}

impl Layer {
    /// What is left once the outermost TLS has ended.
    #[must_use]
    pub fn ended(self) -> Self {
        match self {
            Self::Tls { inside, .. } | Self::IstioMutualTls { inside, .. } => *inside,
            Self::Http(_) | Self::Bytes => self,
        }
    }

    /// What a cluster sends of it, with `head`, to one of its endpoints; `speaks_mutual_tls`: one that the control plane
    /// says Istio's mutual TLS is for.
    #[must_use]
    pub fn sent_to(
        self,
        cluster: &xds::Cluster,
        speaks_mutual_tls: bool,
        head: &RequestHead,
    ) -> Self {
        let inside = Box::new(match self {
            // A cluster may speak another version than the client.
            Self::Http(_) => Self::Http(head.protocol),
            Self::Bytes | Self::Tls { .. } | Self::IstioMutualTls { .. } => self,
        });
        let mode = match cluster.tls {
            TlsMode::Auto if speaks_mutual_tls => TlsMode::IstioMutual,
            TlsMode::Auto => TlsMode::Disable,
            written => written,
        };
        match mode {
            TlsMode::Auto | TlsMode::Disable => *inside,
            TlsMode::IstioMutual => Self::IstioMutualTls {
                server_name: cluster.sni.clone(),
                inside,
            },
            TlsMode::Simple | TlsMode::Mutual => Self::Tls {
                server_name: match cluster.sni.as_str() {
                    "" => host(&head.authority).to_owned(),
                    sni => sni.to_owned(),
                },
                inside,
            },
        }
    }

    /// What its first bytes show.
    pub fn preface(&self) -> Preface<'_> {
        match self {
            Self::Http(Protocol::Http1) => Preface::Http1,
            Self::Http(Protocol::Http2) => Preface::Http2,
            Self::Bytes => Preface::Other,
            Self::Tls {
                server_name,
                inside,
            } => match **inside {
                Self::Http(_) | Self::Bytes => Preface::Tls(server_name),
                Self::Tls { .. } | Self::IstioMutualTls { .. } => {
                    Preface::TlsAroundTls(server_name)
                }
            },
            Self::IstioMutualTls {
                server_name,
                inside,
            } => Preface::IstioMutualTls {
                server_name,
                payload: match **inside {
                    Self::Http(Protocol::Http1) => Payload::Http1,
                    Self::Http(Protocol::Http2) => Payload::Http2,
                    Self::Bytes | Self::Tls { .. } | Self::IstioMutualTls { .. } => Payload::Other,
                },
            },
        }
    }
}

/// An authority without its port.
fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_name_has_no_port() {
        assert_eq!(host("a.example:443"), "a.example");
        assert_eq!(host("a.example"), "a.example");
        assert_eq!(host("[fd00::1]"), "[fd00::1]");
    }

    #[test]
    fn tls_around_tls_hides_what_it_carries() {
        let tls = |inside| Layer::Tls {
            server_name: "a.example".to_owned(),
            inside: Box::new(inside),
        };
        let mutual = |inside| Layer::IstioMutualTls {
            server_name: "outbound_.443_._.a".to_owned(),
            inside: Box::new(inside),
        };
        let shown = |layer: &Layer| format!("{:?}", layer.preface());
        let server_name = "outbound_.443_._.a";
        for (inside, payload) in [
            (Layer::Http(Protocol::Http1), Payload::Http1),
            (Layer::Http(Protocol::Http2), Payload::Http2),
            (tls(Layer::Http(Protocol::Http1)), Payload::Other),
        ] {
            let preface = Preface::IstioMutualTls {
                server_name,
                payload,
            };
            assert_eq!(shown(&mutual(inside)), format!("{preface:?}"));
        }
        assert_eq!(tls(Layer::Bytes).preface(), Preface::Tls("a.example"));
        assert_eq!(
            tls(tls(Layer::Bytes)).preface(),
            Preface::TlsAroundTls("a.example")
        );
    }
}
