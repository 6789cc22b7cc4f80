//! Which listener and filter chain take a connection, and which route configuration or cluster follows.
//!
//! A sidecar's outbound connections are redirected to one port; the listener of the address that was dialled takes
//! them over, else that of the port on any address, else the virtual listener keeps them. What requests of an HTTP
//! connection meet is left to [`Table`](crate::table::Table). Source: envoyproxy/envoy,
//! source/common/listener_manager/{connection_handler_impl,filter_chain_manager_impl}.cc; istio/istio,
//! pilot/pkg/networking/core/listener.go.

use std::borrow::Borrow;
use std::net::IpAddr;
use xds::{Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter, TrafficDirection};

/// Istio's name of the listener that keeps outbound connections which no other takes.
pub const VIRTUAL_OUTBOUND: &str = "virtualOutbound";
/// Istio's name of the listener that takes inbound connections.
pub const VIRTUAL_INBOUND: &str = "virtualInbound";
/// Istio's name of the cluster that leads to the address which the client dialled.
pub const PASSTHROUGH_CLUSTER: &str = "PassthroughCluster";
/// Istio's name of the cluster without endpoints.
pub const BLACK_HOLE_CLUSTER: &str = "BlackHoleCluster";

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
    /// Istio's mutual TLS, as one sidecar makes it to another, and what it carries.
    IstioMutualTls(Payload),
    /// Something else in plain text.
    Other,
}

impl Preface<'_> {
    const fn is_tls(self) -> bool {
        matches!(self, Self::Tls(_) | Self::IstioMutualTls(_))
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
    /// Its filter chain expects TLS and it is plain text, or the other way round: the handshake fails.
    NoHandshake,
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
    let is_http = matches!(chain.filter, Filter::HttpConnectionManager(_));
    if chain.tls.is_some() != preface.is_tls() && (chain.tls.is_some() || is_http) {
        return Verdict::NoHandshake;
    }
    match &chain.filter {
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

/// Chooses as Envoy does: destination port and range, server name, transport protocol, application protocol, each step
/// keeping the most specific and never coming back; the default chain takes what no chain does.
fn find_filter_chain<'a>(
    listener: &'a Listener,
    connection: &Connection<'_>,
) -> Option<&'a FilterChain> {
    let preface = seen(listener, connection.preface);
    let mut left: Vec<&FilterChain> = listener.filter_chains.iter().collect();
    keep_most_specific(&mut left, |m| {
        let port = m.destination_port;
        score(port.is_none(), port == Some(connection.port))
    });
    keep_most_specific(&mut left, |m| range_score(m, connection.ip));
    keep_most_specific(&mut left, |m| server_name_score(m, preface));
    keep_most_specific(&mut left, |m| {
        let transport = if preface.is_tls() {
            "tls"
        } else {
            "raw_buffer"
        };
        score(
            m.transport_protocol.is_empty(),
            m.transport_protocol == transport,
        )
    });
    keep_most_specific(&mut left, |m| application_score(m, preface));
    left.first()
        .copied()
        .or(listener.default_filter_chain.as_ref())
}

/// What a listener's inspectors show of a connection: without them all bytes look alike.
fn seen<'a>(listener: &Listener, preface: Preface<'a>) -> Preface<'a> {
    let inspector = if preface.is_tls() {
        ListenerFilter::TlsInspector
    } else {
        ListenerFilter::HttpInspector
    };
    if listener.listener_filters.contains(&inspector) {
        preface
    } else {
        Preface::Other
    }
}

/// Keeps the chains with the highest score; those without a score do not match.
fn keep_most_specific(
    chains: &mut Vec<&FilterChain>,
    score: impl Fn(&FilterChainMatch) -> Option<usize>,
) {
    let best = chains.iter().filter_map(|chain| score(&chain.match_)).max();
    chains.retain(|chain| best.is_some() && score(&chain.match_) == best);
}

/// One for what is asked for and given, zero where nothing is asked for.
const fn score(asks_nothing: bool, is_met: bool) -> Option<usize> {
    match (asks_nothing, is_met) {
        (true, _) => Some(0),
        (false, true) => Some(1),
        (false, false) => None,
    }
}

fn range_score(match_: &FilterChainMatch, ip: Option<IpAddr>) -> Option<usize> {
    if match_.prefix_ranges.is_empty() {
        return Some(0);
    }
    match_
        .prefix_ranges
        .iter()
        .filter_map(|range| prefix_length_if_inside(range, ip))
        .max()
        // An explicit `0.0.0.0/0` and no range at all are the same to Envoy.
        .map(usize::from)
}

fn prefix_length_if_inside(range: &str, ip: Option<IpAddr>) -> Option<u8> {
    let (base, length) = match range.split_once('/') {
        Some((base, length)) => (base, Some(length.parse().ok()?)),
        None => (range, None),
    };
    match (base.parse().ok()?, ip) {
        (IpAddr::V4(_) | IpAddr::V6(_), None) => (length == Some(0)).then_some(0),
        (IpAddr::V4(base), Some(IpAddr::V4(ip))) => {
            let length = length.unwrap_or(32).min(32);
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            (base.to_bits() & mask == ip.to_bits() & mask).then_some(length)
        }
        (IpAddr::V6(base), Some(IpAddr::V6(ip))) => {
            let length = length.unwrap_or(128).min(128);
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            (base.to_bits() & mask == ip.to_bits() & mask).then_some(length)
        }
        (IpAddr::V4(_), Some(IpAddr::V6(_))) | (IpAddr::V6(_), Some(IpAddr::V4(_))) => None,
    }
}

fn server_name_score(match_: &FilterChainMatch, preface: Preface<'_>) -> Option<usize> {
    if match_.server_names.is_empty() {
        return Some(0);
    }
    let Preface::Tls(sni) = preface else {
        return None;
    };
    let sni = sni.to_ascii_lowercase();
    match_
        .server_names
        .iter()
        .filter_map(|name| match name.strip_prefix('*') {
            // A longer suffix is more specific; an exact name beats them all.
            Some(suffix) => {
                (sni.len() > suffix.len() && sni.ends_with(suffix)).then_some(suffix.len() + 1)
            }
            None => (*name == sni).then_some(usize::MAX),
        })
        .max()
}

/// What the client offers first counts most.
fn application_score(match_: &FilterChainMatch, preface: Preface<'_>) -> Option<usize> {
    if match_.application_protocols.is_empty() {
        return Some(0);
    }
    let offered: &[&str] = match preface {
        Preface::Http1 => &["http/1.1"],
        Preface::Http2 => &["h2c"],
        // What a TLS client of the application offers, as curl and most others do.
        Preface::Tls(_) => &["h2", "http/1.1"],
        // Source: istio/istio, pkg/config/protocol, pilot/pkg/networking/util (ALPNHttp, ALPNInMeshWithMxc).
        Preface::IstioMutualTls(Payload::Http1) => &["istio-http/1.1", "istio", "http/1.1"],
        Preface::IstioMutualTls(Payload::Http2) => &["istio-h2", "istio", "h2"],
        Preface::IstioMutualTls(Payload::Other) => &["istio-peer-exchange", "istio"],
        Preface::Other => &[],
    };
    let preferred = offered
        .iter()
        .position(|name| match_.application_protocols.iter().any(|p| p == name))?;
    Some(offered.len() - preferred)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use xds::{DownstreamTlsContext, HttpConnectionManager, SocketAddress, TcpProxy};

    fn listener(name: &str, address: &str, port: u16, chains: Vec<FilterChain>) -> Listener {
        Listener {
            name: name.to_owned(),
            address: SocketAddress {
                address: address.to_owned(),
                port,
            },
            direction: TrafficDirection::Outbound,
            bind_to_port: false,
            use_original_dst: false,
            listener_filters: vec![ListenerFilter::TlsInspector, ListenerFilter::HttpInspector],
            filter_chains: chains,
            default_filter_chain: None,
        }
    }

    fn http(name: &str, match_: FilterChainMatch) -> FilterChain {
        FilterChain {
            name: String::new(),
            match_,
            origin: None,
            tls: None,
            filter: Filter::HttpConnectionManager(HttpConnectionManager {
                route_config_name: name.to_owned(),
                ..HttpConnectionManager::default()
            }),
        }
    }

    /// The chain, behind TLS that ends there.
    fn behind_tls(chain: FilterChain) -> FilterChain {
        FilterChain {
            tls: Some(Arc::new(DownstreamTlsContext::default())),
            ..chain
        }
    }

    fn tcp(cluster: &str, match_: FilterChainMatch) -> FilterChain {
        FilterChain {
            name: String::new(),
            match_,
            origin: None,
            tls: None,
            filter: Filter::TcpProxy(TcpProxy::to_cluster(cluster)),
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn dial<'a>(ip: &str, port: u16, preface: Preface<'a>) -> Connection<'a> {
        Connection {
            direction: TrafficDirection::Outbound,
            ip: ip.parse().ok(),
            port,
            preface,
        }
    }

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
            (&plain, tls, Verdict::NoHandshake),
            (&ending, tls, Verdict::Http("https.80")),
            (&ending, Preface::Http1, Verdict::NoHandshake),
            (&bytes, tls, Verdict::Tcp(&[("db".to_owned(), 1)])),
        ] {
            let accepted = accept(listeners, &dial("10.0.0.1", 80, preface));
            assert_eq!(accepted.verdict, want, "{preface:?}");
        }
    }

    #[test]
    fn without_an_inspector_all_bytes_look_alike() {
        let sni = FilterChainMatch {
            server_names: strings(&["a.example"]),
            ..FilterChainMatch::default()
        };
        let mut blind = listener("0.0.0.0_443", "0.0.0.0", 443, vec![tcp("db", sni)]);
        let connection = dial("10.0.0.1", 443, Preface::Tls("a.example"));
        let seeing = [blind.clone()];
        let verdict = accept(&seeing, &connection).verdict;
        assert_eq!(verdict, Verdict::Tcp(&[("db".to_owned(), 1)]));
        blind.listener_filters.clear();
        let verdict = accept(&[blind], &connection).verdict == Verdict::NoFilterChain;
        assert!(verdict);
    }

    #[test]
    fn each_step_keeps_the_most_specific_chain_and_never_comes_back() {
        let sni = |names: &[&str]| FilterChainMatch {
            server_names: strings(names),
            ..FilterChainMatch::default()
        };
        let range = |ranges: &[&str]| FilterChainMatch {
            prefix_ranges: strings(ranges),
            ..FilterChainMatch::default()
        };
        let mut tls = listener(
            "0.0.0.0_443",
            "0.0.0.0",
            443,
            vec![
                behind_tls(http("wild", sni(&["*.example.com"]))),
                behind_tls(http("deep", sni(&["*.a.example.com"]))),
                behind_tls(http("exact", sni(&["x.a.example.com"]))),
            ],
        );
        let check = |tls: &Listener, ip: &str, preface, want: Verdict<'_>| {
            let listeners = [tls.clone()];
            let accepted = accept(&listeners, &dial(ip, 443, preface));
            assert_eq!(accepted.verdict, want, "{ip} {preface:?}");
        };
        check(
            &tls,
            "10.0.0.1",
            Preface::Tls("X.a.example.com"),
            Verdict::Http("exact"),
        );
        check(
            &tls,
            "10.0.0.1",
            Preface::Tls("y.a.example.com"),
            Verdict::Http("deep"),
        );
        check(
            &tls,
            "10.0.0.1",
            Preface::Tls("b.example.com"),
            Verdict::Http("wild"),
        );
        check(
            &tls,
            "10.0.0.1",
            Preface::Tls("example.com"),
            Verdict::NoFilterChain,
        );
        check(&tls, "10.0.0.1", Preface::Http1, Verdict::NoFilterChain);

        tls.filter_chains = vec![
            http("wide", range(&["10.0.0.0/8"])),
            http("narrow", range(&["10.1.0.0/16"])),
            FilterChain {
                match_: FilterChainMatch {
                    transport_protocol: "tls".to_owned(),
                    ..range(&["10.2.0.0/16"])
                },
                ..behind_tls(http("tls only", FilterChainMatch::default()))
            },
        ];
        tls.default_filter_chain = Some(tcp(BLACK_HOLE_CLUSTER, FilterChainMatch::default()));
        check(&tls, "10.1.2.3", Preface::Http1, Verdict::Http("narrow"));
        check(&tls, "10.3.2.3", Preface::Http1, Verdict::Http("wide"));
        check(
            &tls,
            "10.2.0.1",
            Preface::Tls("a"),
            Verdict::Http("tls only"),
        );
        check(&tls, "10.2.0.1", Preface::Http1, Verdict::BlackHole);
        check(&tls, "unknown", Preface::Http1, Verdict::BlackHole);
    }

    #[test]
    fn inbound_ports_tell_plain_text_from_istio_mutual_tls() {
        let inbound = |protocols: &[&str], transport: &str, name: &str| {
            http(
                name,
                FilterChainMatch {
                    destination_port: Some(80),
                    application_protocols: strings(protocols),
                    transport_protocol: transport.to_owned(),
                    ..FilterChainMatch::default()
                },
            )
        };
        let listeners = [Listener {
            direction: TrafficDirection::Inbound,
            ..listener(
                VIRTUAL_INBOUND,
                "0.0.0.0",
                15006,
                vec![
                    behind_tls(inbound(&["istio-http/1.1", "istio-h2"], "tls", "mutual")),
                    behind_tls(inbound(&["istio-peer-exchange", "istio"], "tls", "bytes")),
                    inbound(&[], "raw_buffer", "plain"),
                ],
            )
        }];
        let table = [
            (Preface::Http1, 80, Verdict::Http("plain")),
            (
                Preface::IstioMutualTls(Payload::Http2),
                80,
                Verdict::Http("mutual"),
            ),
            (
                Preface::IstioMutualTls(Payload::Other),
                80,
                Verdict::Http("bytes"),
            ),
            (Preface::Tls("a"), 80, Verdict::NoFilterChain),
            (Preface::Http1, 81, Verdict::NoFilterChain),
        ];
        for (preface, port, want) in table {
            let connection = Connection {
                direction: TrafficDirection::Inbound,
                ..dial("10.0.0.1", port, preface)
            };
            let accepted = accept(&listeners, &connection);
            assert_eq!(accepted.verdict, want, "{preface:?} {port}");
        }
    }

    #[test]
    fn ranges_hold_whole_families() {
        let inside = |range, ip: &str| prefix_length_if_inside(range, ip.parse().ok());
        assert_eq!(inside("0.0.0.0/0", "1.2.3.4"), Some(0));
        assert_eq!(inside("0.0.0.0/0", "none"), Some(0));
        assert_eq!(inside("1.2.3.4", "1.2.3.4"), Some(32));
        assert_eq!(inside("fd00::/8", "fd12::1"), Some(8));
        assert_eq!(inside("fd00::/8", "1.2.3.4"), None);
        assert_eq!(inside("1.2.3.4/40", "1.2.3.4"), Some(32));
        assert_eq!(inside("junk", "1.2.3.4"), None);
    }
}
