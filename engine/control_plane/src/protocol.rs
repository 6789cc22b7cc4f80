//! The protocol of a port, and what follows from it.
//!
//! Source: istio/istio, pkg/config/kube/conversion.go (ConvertProtocol), pkg/config/protocol/instance.go,
//! pilot/pkg/networking/networking.go (ModelProtocolToListenerProtocol).

use manifest::service::TransportProtocol;

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS.
    Http2,
    /// gRPC.
    Grpc,
    /// gRPC-Web.
    GrpcWeb,
    /// HTTP as a proxy receives it.
    HttpProxy,
    /// HTTP over TLS, opaque to a sidecar.
    Https,
    /// TLS.
    Tls,
    /// Any bytes.
    Tcp,
    /// MongoDB.
    Mongo,
    /// Redis.
    Redis,
    /// MySQL.
    MySql,
    /// UDP; sidecars ignore it.
    Udp,
    /// Not said: the proxy sniffs.
    Unsupported,
}

/// How a listener treats connections to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerProtocol {
    /// As requests.
    Http,
    /// As bytes.
    Tcp,
    /// As what they turn out to be.
    Auto,
    /// Not at all.
    None,
}

impl Protocol {
    /// The protocol of a Service's port.
    pub fn of_service_port(
        number: u16,
        name: &str,
        app_protocol: Option<&str>,
        transport: TransportProtocol,
    ) -> Self {
        if transport == TransportProtocol::Udp {
            return Self::Udp;
        }
        let name = match app_protocol {
            Some("kubernetes.io/h2c") => return Self::Http2,
            Some("kubernetes.io/ws") => return Self::Http,
            Some("kubernetes.io/wss") => return Self::Https,
            Some(app_protocol) => app_protocol,
            None => name,
        };
        if name.len() >= 8 && name.as_bytes()[..8].eq_ignore_ascii_case(b"grpc-web") {
            return Self::GrpcWeb;
        }
        let word = name.split_once('-').map_or(name, |(word, _)| word);
        match Self::parse(word) {
            Self::Unsupported if WELL_KNOWN_TCP_PORTS.contains(&number) => Self::Tcp,
            protocol => protocol,
        }
    }

    /// The protocol of this name, whatever its case.
    pub fn parse(name: &str) -> Self {
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or(Self::Unsupported, |(_, protocol)| *protocol)
    }

    /// Requests are visible.
    pub const fn is_http(self) -> bool {
        matches!(
            self,
            Self::Http | Self::Http2 | Self::Grpc | Self::GrpcWeb | Self::HttpProxy
        )
    }

    /// Requests are visible, or may turn out to be.
    pub const fn is_http_or_sniffed(self) -> bool {
        self.is_http() || matches!(self, Self::Unsupported)
    }

    /// HTTP/2 is spoken.
    pub const fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Grpc | Self::GrpcWeb)
    }

    /// Bytes only.
    pub const fn is_tcp(self) -> bool {
        matches!(
            self,
            Self::Tcp | Self::Https | Self::Tls | Self::Mongo | Self::Redis | Self::MySql
        )
    }

    /// Routes are chosen by server name.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// gRPC in either form.
    pub const fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::GrpcWeb)
    }

    /// The server speaks first, so that sniffing would wait for ever.
    pub const fn is_server_first(self) -> bool {
        matches!(self, Self::Mongo | Self::MySql)
    }

    /// How a listener treats connections.
    pub const fn listener_protocol(self) -> ListenerProtocol {
        if self.is_http() {
            ListenerProtocol::Http
        } else if self.is_tcp() {
            ListenerProtocol::Tcp
        } else {
            match self {
                Self::Udp => ListenerProtocol::None,
                _ => ListenerProtocol::Auto,
            }
        }
    }

    /// Istio's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Http2 => "HTTP2",
            Self::Grpc => "GRPC",
            Self::GrpcWeb => "GRPC-Web",
            Self::HttpProxy => "HTTP_PROXY",
            Self::Https => "HTTPS",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
            Self::Mongo => "Mongo",
            Self::Redis => "Redis",
            Self::MySql => "MySQL",
            Self::Udp => "UDP",
            Self::Unsupported => "UnsupportedProtocol",
        }
    }
}

const NAMES: [(&str, Protocol); 12] = [
    ("http", Protocol::Http),
    ("http2", Protocol::Http2),
    ("grpc", Protocol::Grpc),
    ("grpc-web", Protocol::GrpcWeb),
    ("http_proxy", Protocol::HttpProxy),
    ("https", Protocol::Https),
    ("tls", Protocol::Tls),
    ("tcp", Protocol::Tcp),
    ("mongo", Protocol::Mongo),
    ("redis", Protocol::Redis),
    ("mysql", Protocol::MySql),
    ("udp", Protocol::Udp),
];

/// SMTP, DNS, MySQL and MongoDB: servers that speak first.
const WELL_KNOWN_TCP_PORTS: [u16; 4] = [25, 53, 3306, 27017];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_what_its_app_protocol_or_name_says() {
        for (number, name, app_protocol, expected) in [
            (80, "http", None, Protocol::Http),
            (80, "http-admin", None, Protocol::Http),
            (80, "HTTP", None, Protocol::Http),
            (80, "httpadmin", None, Protocol::Unsupported),
            (80, "", None, Protocol::Unsupported),
            (3306, "", None, Protocol::Tcp),
            (3306, "http", None, Protocol::Http),
            (80, "grpc-web", None, Protocol::GrpcWeb),
            (80, "GRPC-Web-x", None, Protocol::GrpcWeb),
            (80, "grpc-x", None, Protocol::Grpc),
            (80, "http", Some("tcp"), Protocol::Tcp),
            (80, "http", Some("example.com/x"), Protocol::Unsupported),
            (80, "tcp", Some("kubernetes.io/h2c"), Protocol::Http2),
            (80, "", Some("kubernetes.io/ws"), Protocol::Http),
            (80, "", Some("kubernetes.io/wss"), Protocol::Https),
            (443, "https", None, Protocol::Https),
            (6379, "redis-main", None, Protocol::Redis),
        ] {
            assert_eq!(
                Protocol::of_service_port(number, name, app_protocol, TransportProtocol::Tcp),
                expected,
                "{number} {name} {app_protocol:?}"
            );
        }
        assert_eq!(
            Protocol::of_service_port(80, "http", None, TransportProtocol::Udp),
            Protocol::Udp
        );
    }
}
