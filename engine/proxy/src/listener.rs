//! Which listener and filter chain take a connection, and which route configuration or cluster follows.
//!
//! A sidecar's outbound connections are redirected to one port; the listener of the address that was dialled takes
//! them over, else that of the port on any address, else the virtual listener keeps them. What requests of an HTTP
//! connection meet is left to [`Table`](crate::table::Table). Source: envoyproxy/envoy,
//! source/common/listener_manager/connection_handler_impl.cc; istio/istio,
//! pilot/pkg/networking/core/listener.go.

mod connection;
mod filter_chain;
#[cfg(test)]
mod fixtures;
mod layer;

use std::borrow::Borrow;
use std::net::IpAddr;
use xds::{Filter, FilterChain, Listener, TrafficDirection};

pub use connection::{Connection, Payload, Preface};
use filter_chain::find_filter_chain;
pub use layer::Layer;

/// Istio's name of the listener that keeps outbound connections which no other takes.
pub const VIRTUAL_OUTBOUND: &str = "virtualOutbound";
/// Istio's name of the listener that takes inbound connections.
pub const VIRTUAL_INBOUND: &str = "virtualInbound";
/// Istio's name of the cluster that leads to the address which the client dialled.
pub const PASSTHROUGH_CLUSTER: &str = "PassthroughCluster";
/// Istio's name of the cluster without endpoints.
pub const BLACK_HOLE_CLUSTER: &str = "BlackHoleCluster";

/// What a proxy does with a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accepted<'a> {
    /// The listener that takes it.
    pub listener: Option<&'a Listener>,
    /// The filter chain of that listener.
    pub filter_chain: Option<&'a FilterChain>,
    /// What follows.
    pub verdict: Verdict<'a>,
}

/// What follows for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Its requests are routed by the route configuration of this name.
    Http(&'a str),
    /// Its bytes go to one of these clusters, by weight.
    Tcp(&'a [(String, u32)]),
    /// Its bytes go where the client dialled.
    Passthrough,
    /// It is closed.
    BlackHole,
    /// A listener takes it and none of its filter chains does: it is closed.
    NoFilterChain,
    /// Its filter chain expects TLS, and it is plain text: the handshake fails.
    TlsExpected,
    /// Its filter chain expects HTTP in plain text, or inside of the TLS that ends here, and finds a handshake, which is no
    /// request.
    PlainTextExpected,
    /// Nobody listens: it is refused.
    NoListener,
}

/// Decides what becomes of a connection.
pub fn accept<'a, L: Borrow<Listener>>(
    listeners: &'a [L],
    connection: &Connection<'_>,
) -> Accepted<'a> {
    let Some(listener) = find_listener(listeners, connection) else {
        return Accepted {
            listener: None,
            filter_chain: None,
            verdict: Verdict::NoListener,
        };
    };
    accept_at(listener, connection)
}

/// Decides what becomes of a connection that this listener takes.
pub fn accept_at<'a>(listener: &'a Listener, connection: &Connection<'_>) -> Accepted<'a> {
    let filter_chain = find_filter_chain(listener, connection);
    Accepted {
        listener: Some(listener),
        filter_chain,
        verdict: filter_chain.map_or(Verdict::NoFilterChain, |chain| {
            verdict_of(chain, connection.preface)
        }),
    }
}

fn verdict_of<'a>(chain: &'a FilterChain, preface: Preface<'_>) -> Verdict<'a> {
    if chain.tls.is_some() && !preface.is_tls() {
        return Verdict::TlsExpected;
    }
    let is_handshake = match chain.tls {
        Some(_) => matches!(preface, Preface::TlsAroundTls(_)),
        None => preface.is_tls(),
    };
    match &chain.filter {
        Filter::HttpConnectionManager(_) if is_handshake => Verdict::PlainTextExpected,
        Filter::HttpConnectionManager(manager) => Verdict::Http(&manager.route_config_name),
        Filter::TcpProxy(proxy) => match proxy.clusters.as_slice() {
            [(name, _)] if name == PASSTHROUGH_CLUSTER => Verdict::Passthrough,
            [(name, _)] if name == BLACK_HOLE_CLUSTER => Verdict::BlackHole,
            clusters => Verdict::Tcp(clusters),
        },
    }
}

/// The listener of the very address, else of the port on any address, else the virtual one of the direction.
fn find_listener<'a, L: Borrow<Listener>>(
    listeners: &'a [L],
    connection: &Connection<'_>,
) -> Option<&'a Listener> {
    let here = || {
        listeners
            .iter()
            .map(Borrow::borrow)
            .filter(|l: &&Listener| l.direction == connection.direction)
    };
    let on_port = |l: &&Listener| l.address.port == connection.port;
    here()
        .filter(on_port)
        .find(|l| connection.ip.is_some() && l.address.address.parse().ok() == connection.ip)
        .or_else(|| {
            here()
                .filter(on_port)
                .find(|l| is_wildcard(l, connection.ip))
        })
        .or_else(|| here().find(|l| l.name == virtual_listener(connection.direction)))
}

fn is_wildcard(listener: &Listener, ip: Option<IpAddr>) -> bool {
    match listener.address.address.parse() {
        Ok(IpAddr::V4(any)) => any.is_unspecified() && !matches!(ip, Some(IpAddr::V6(_))),
        // An IPv6 wildcard accepts IPv4 as well (`ipv4_compat`), as Istio binds it in dual-stack clusters.
        Ok(IpAddr::V6(any)) => any.is_unspecified(),
        Err(_) => false,
    }
}

const fn virtual_listener(direction: TrafficDirection) -> &'static str {
    match direction {
        TrafficDirection::Inbound => VIRTUAL_INBOUND,
        TrafficDirection::Outbound => VIRTUAL_OUTBOUND,
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{behind_tls, dial, http, listener, strings, tcp};
    use super::*;
    use xds::FilterChainMatch;

    fn sidecar() -> Vec<Listener> {
        let any = FilterChainMatch::default;
        let sniffed = FilterChainMatch {
            application_protocols: strings(&["http/1.1", "h2c"]),
            ..any()
        };
        vec![
            listener(
                VIRTUAL_OUTBOUND,
                "0.0.0.0",
                15001,
                vec![
                    tcp(
                        BLACK_HOLE_CLUSTER,
                        FilterChainMatch {
                            destination_port: Some(15001),
                            ..any()
                        },
                    ),
                    tcp(PASSTHROUGH_CLUSTER, any()),
                ],
            ),
            listener("0.0.0.0_80", "0.0.0.0", 80, vec![http("80", any())]),
            listener(
                "10.1.2.3_80",
                "10.1.2.3",
                80,
                vec![http("auto:80", sniffed), tcp("outbound|80||auto", any())],
            ),
        ]
    }

    #[test]
    fn the_very_address_comes_before_the_port_and_the_port_before_the_virtual_listener() {
        let listeners = sidecar();
        let table = [
            (
                "10.1.2.3",
                80,
                Preface::Http1,
                "10.1.2.3_80",
                Verdict::Http("auto:80"),
            ),
            (
                "10.1.2.3",
                80,
                Preface::Http2,
                "10.1.2.3_80",
                Verdict::Http("auto:80"),
            ),
            (
                "10.9.9.9",
                80,
                Preface::Http1,
                "0.0.0.0_80",
                Verdict::Http("80"),
            ),
            (
                "unknown",
                80,
                Preface::Http1,
                "0.0.0.0_80",
                Verdict::Http("80"),
            ),
            (
                "10.1.2.3",
                81,
                Preface::Http1,
                VIRTUAL_OUTBOUND,
                Verdict::Passthrough,
            ),
            (
                "10.1.2.3",
                15001,
                Preface::Http1,
                VIRTUAL_OUTBOUND,
                Verdict::BlackHole,
            ),
        ];
        for (ip, port, preface, name, verdict) in table {
            let accepted = accept(&listeners, &dial(ip, port, preface));
            assert_eq!(
                accepted.listener.expect("one listens").name,
                name,
                "{ip}:{port}"
            );
            assert_eq!(accepted.verdict, verdict, "{ip}:{port}");
        }
        assert!(matches!(
            accept(&listeners, &dial("10.1.2.3", 80, Preface::Other)).verdict,
            Verdict::Tcp([(name, 1)]) if name == "outbound|80||auto"
        ));
    }

    #[test]
    fn who_listens_nowhere_refuses() {
        let gateway = [listener(
            "0.0.0.0_8080",
            "0.0.0.0",
            8080,
            vec![http("http.8080", FilterChainMatch::default())],
        )];
        let accepted = accept(&gateway, &dial("10.0.0.1", 8081, Preface::Http1));
        assert_eq!(accepted.verdict, Verdict::NoListener);
        let inbound = Connection {
            direction: TrafficDirection::Inbound,
            ..dial("10.0.0.1", 8080, Preface::Http1)
        };
        assert_eq!(accept(&gateway, &inbound).verdict, Verdict::NoListener);
    }

    #[test]
    fn tls_and_plain_text_do_not_meet() {
        let any = FilterChainMatch::default;
        let plain = [listener(
            "0.0.0.0_80",
            "0.0.0.0",
            80,
            vec![http("http.80", any())],
        )];
        let ending = [listener(
            "0.0.0.0_80",
            "0.0.0.0",
            80,
            vec![behind_tls(http("https.80", any()))],
        )];
        let bytes = [listener(
            "0.0.0.0_80",
            "0.0.0.0",
            80,
            vec![tcp("db", any())],
        )];
        let tls = Preface::Tls("a.example");
        for (listeners, preface, want) in [
            (&plain, Preface::Http1, Verdict::Http("http.80")),
            (&plain, tls, Verdict::PlainTextExpected),
            (&ending, tls, Verdict::Http("https.80")),
            (&ending, Preface::Http1, Verdict::TlsExpected),
            // The gateway opens the first TLS, and what comes then is no request.
            (
                &ending,
                Preface::TlsAroundTls("a.example"),
                Verdict::PlainTextExpected,
            ),
            (&bytes, tls, Verdict::Tcp(&[("db".to_owned(), 1)])),
        ] {
            let accepted = accept(listeners, &dial("10.0.0.1", 80, preface));
            assert_eq!(accepted.verdict, want, "{preface:?}");
        }
    }
}
