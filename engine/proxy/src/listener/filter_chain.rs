//! Which filter chain of a listener takes a connection.
//!
//! Source: envoyproxy/envoy, source/common/listener_manager/filter_chain_manager_impl.cc.

use std::net::IpAddr;
use xds::{FilterChain, FilterChainMatch, Listener, ListenerFilter};

use super::{Connection, Preface};

/// Chooses as Envoy does: destination port and range, server name, transport protocol, application protocol, each step
/// keeping the most specific and never coming back; the default chain takes what no chain does.
pub(super) fn find_filter_chain<'a>(
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
    let sni = preface.server_name()?.to_ascii_lowercase();
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
    let offered = preface.application_protocols();
    let preferred = offered
        .iter()
        .position(|name| match_.application_protocols.iter().any(|p| p == name))?;
    Some(offered.len() - preferred)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{behind_tls, dial, http, listener, strings, tcp};
    use super::super::{BLACK_HOLE_CLUSTER, Payload, VIRTUAL_INBOUND, Verdict, accept};
    use super::*;
    use xds::TrafficDirection;

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
        let mutual = |server_name| Preface::IstioMutualTls {
            server_name,
            payload: Payload::Http1,
        };
        check(
            &tls,
            "10.0.0.1",
            mutual("x.a.example.com"),
            Verdict::Http("exact"),
        );
        check(
            &tls,
            "10.0.0.1",
            mutual("outbound_.80_._.x"),
            Verdict::NoFilterChain,
        );

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
        let mutual = |payload| Preface::IstioMutualTls {
            server_name: "outbound_.80_._.a",
            payload,
        };
        let table = [
            (Preface::Http1, 80, Verdict::Http("plain")),
            (mutual(Payload::Http2), 80, Verdict::Http("mutual")),
            (mutual(Payload::Other), 80, Verdict::Http("bytes")),
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
