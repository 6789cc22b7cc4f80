//! What a connection manager makes of a request's head before it is routed: it refuses what is malformed, normalises
//! path and authority, decides who the client is and whom it may impersonate, and takes away what is not passed on.
//!
//! Routing, matching and forwarding see nothing but the result.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/conn_manager_impl.cc (decodeHeaders), conn_manager_utility.cc
//! (mutateRequestHeaders, maybeNormalizePath, maybeNormalizeHost).

mod authority;
mod client;
mod codec;
mod path;
mod upgrade;

use crate::request::{Protocol, RequestHead};
use crate::response_flag::Details;
use crate::router::redirect::LocalAnswer;
use crate::router::rewrite;
use crate::sanitize::{self, Trust};
use client::Client;
use std::net::IpAddr;
use xds::{HeadersWithUnderscores, PathNormalization};

/// How a connection manager treats requests, compiled.
#[derive(Clone, Debug)]
pub(crate) struct HttpConnectionManager {
    source: xds::HttpConnectionManager,
    /// The networks whose clients are internal.
    internal: Vec<Network>,
}

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    length: u8,
}

/// A request that is refused before it is routed.
pub(crate) struct Refusal {
    pub(crate) answer: LocalAnswer,
    pub(crate) details: Details,
}

impl HttpConnectionManager {
    pub(crate) fn new(source: &xds::HttpConnectionManager) -> Self {
        let networks = source.internal_addresses.iter();
        Self {
            source: source.clone(),
            internal: networks.filter_map(|text| Network::parse(text)).collect(),
        }
    }

    /// As Istio sets sidecars up where nothing is said; for tables that no listener names.
    pub(crate) fn of_istio() -> Self {
        Self::new(&xds::HttpConnectionManager {
            path: PathNormalization {
                normalize: true,
                ..PathNormalization::default()
            },
            upgrade_types: vec!["websocket".to_owned()],
            ..xds::HttpConnectionManager::default()
        })
    }

    /// What is configured.
    pub(crate) fn source(&self) -> &xds::HttpConnectionManager {
        &self.source
    }

    /// The head that is routed.
    pub(crate) fn receive(&self, head: &RequestHead) -> Result<RequestHead, Refusal> {
        let mut head = head.clone();
        let is_tls = head.scheme == "https";
        let told_scheme = take_apart_url(&mut head) || head.protocol == Protocol::Http2;
        codec::check(&head)?;
        self.check_names(&mut head)?;
        if head.authority.is_empty() {
            return Err(Refusal::empty(400, Details::MissingHostHeader));
        }
        if !head.path.starts_with('/') && head.method != "CONNECT" {
            return Err(match (head.protocol, head.path.as_str()) {
                (Protocol::Http2, "") => Refusal::empty(404, Details::MissingPath),
                (Protocol::Http2, _) | (Protocol::Http1, "*") => {
                    Refusal::empty(404, Details::AbsolutePath)
                }
                (Protocol::Http1, _) => Refusal::by_codec(Details::InvalidUrl),
            });
        }
        path::normalize(&self.source.path, &mut head)?;
        authority::normalize(&self.source, &mut head);
        let upgrade = upgrade::asked_for(&head);
        let client = Client::of(self, &head);
        sanitize::clean(&mut head, client.trust);
        if let Some(upgrade) = upgrade {
            upgrade::admit(&self.source.upgrade_types, upgrade, &mut head)?;
        }
        client.tell(self, &mut head, is_tls);
        if !told_scheme {
            sanitize::scheme(&head, is_tls).clone_into(&mut head.scheme);
        }
        Ok(head)
    }

    fn check_names(&self, head: &mut RequestHead) -> Result<(), Refusal> {
        match self.source.headers_with_underscores {
            HeadersWithUnderscores::Allow => Ok(()),
            HeadersWithUnderscores::DropHeader => {
                head.headers.retain(|(name, _)| !name.contains('_'));
                Ok(())
            }
            HeadersWithUnderscores::RejectRequest => {
                let mut names = head.headers.iter().map(|(name, _)| name);
                if names.any(|name| name.contains('_')) {
                    return Err(Refusal::by_codec(Details::UnexpectedUnderscore));
                }
                Ok(())
            }
        }
    }

    fn is_internal(&self, address: IpAddr) -> bool {
        self.internal
            .iter()
            .any(|network| network.contains(address))
    }
}

impl Refusal {
    /// What is no HTTP.
    fn by_codec(details: Details) -> Self {
        let mut refusal = Self::empty(400, details);
        refusal.answer.body = "Bad Request".to_owned();
        refusal
    }

    fn empty(status: u16, details: Details) -> Self {
        Self {
            answer: LocalAnswer {
                status,
                body: String::new(),
                headers: Vec::new(),
            },
            details,
        }
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        Some(Self {
            address: address.parse().ok()?,
            length: length.parse().ok()?,
        })
    }

    fn contains(self, address: IpAddr) -> bool {
        // Bits of both as one number each, the first bit on top.
        let (own, other) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (
                u128::from(own.to_bits()) << 96,
                u128::from(other.to_bits()) << 96,
            ),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits()),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        let differing = (own ^ other).leading_zeros();
        differing >= u32::from(self.length)
    }
}

/// Takes the URL of an HTTP/1.1 request apart that names its host, as to a proxy; false if it is a path.
fn take_apart_url(head: &mut RequestHead) -> bool {
    let Some((scheme, rest)) = head.path.split_once("://") else {
        return false;
    };
    let is_known = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str());
    if head.protocol != Protocol::Http1 || !is_known {
        return false;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_owned());
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    };
    (head.scheme, head.authority, head.path) = (scheme, authority, path);
    true
}

/// Sets a header, in place of all its lines.
fn set(head: &mut RequestHead, name: &str, value: impl Into<String>) {
    rewrite::set(&mut head.headers, name, value.into());
}

/// The values of a header in one, as Envoy keeps those that it knows.
fn joined(head: &RequestHead, name: &str) -> Option<String> {
    let values: Vec<_> = head.values(name).collect();
    (!values.is_empty()).then(|| values.join(","))
}

impl Client {
    /// Whose headers are obeyed.
    fn of(manager: &HttpConnectionManager, head: &RequestHead) -> Self {
        let peer = head.downstream.map(|connection| connection.remote.ip());
        let told = joined(head, client::FORWARDED_FOR);
        let hops = manager.source.xff_num_trusted_hops;
        let (address, may_be_internal) = if manager.source.use_remote_address {
            let before = hops
                .checked_sub(1)
                .and_then(|skipped| client::last_address(told.as_deref()?, skipped));
            (before.map(|(address, _)| address).or(peer), told.is_none())
        } else {
            match client::last_address(told.as_deref().unwrap_or_default(), hops) {
                Some((address, is_only)) => (Some(address), is_only),
                None => (peer, false),
            }
        };
        let is_internal =
            may_be_internal && address.is_some_and(|address| manager.is_internal(address));
        Self {
            address,
            trust: match (is_internal, manager.source.use_remote_address) {
                (true, _) => Trust::Internal,
                (false, true) => Trust::Edge,
                (false, false) => Trust::External,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Downstream;
    use std::net::SocketAddr;

    fn manager(change: impl FnOnce(&mut xds::HttpConnectionManager)) -> HttpConnectionManager {
        let mut source = HttpConnectionManager::of_istio().source;
        change(&mut source);
        HttpConnectionManager::new(&source)
    }

    #[track_caller]
    fn received(
        manager: &HttpConnectionManager,
        headers: &[(&str, &str)],
        from: &str,
    ) -> Vec<String> {
        let mut head = RequestHead::get("shop", "/");
        let lines = headers.iter();
        head.headers
            .extend(lines.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        head.downstream = Some(Downstream {
            remote: SocketAddr::new(from.parse().expect("an address"), 4321),
            local: ([10, 0, 0, 1], 8080).into(),
        });
        let Ok(head) = manager.receive(&head) else {
            panic!("refused");
        };
        let lines = head.headers.into_iter();
        lines
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    }

    #[test]
    fn an_edge_believes_no_client() {
        let edge = manager(|source| source.use_remote_address = true);
        assert_eq!(
            received(
                &edge,
                &[
                    ("x-forwarded-proto", "https"),
                    ("x-envoy-original-path", "/x"),
                    ("x-envoy-max-retries", "3"),
                ],
                "192.0.2.1"
            ),
            [
                "x-forwarded-proto: http",
                "x-forwarded-for: 192.0.2.1",
                "x-envoy-external-address: 192.0.2.1",
            ]
        );
    }

    #[test]
    fn proxies_that_are_trusted_name_the_client() {
        let edge = manager(|source| {
            source.use_remote_address = true;
            source.xff_num_trusted_hops = 2;
        });
        assert_eq!(
            received(
                &edge,
                &[
                    ("x-forwarded-for", "6.6.6.6, 192.0.2.7"),
                    ("x-forwarded-for", "192.0.2.8"),
                    ("x-forwarded-proto", "https"),
                ],
                "192.0.2.1"
            ),
            [
                "x-forwarded-for: 6.6.6.6, 192.0.2.7,192.0.2.8,192.0.2.1",
                "x-forwarded-proto: https",
                "x-envoy-external-address: 192.0.2.7",
            ]
        );
    }

    #[test]
    fn internal_clients_keep_their_headers() {
        let internal = |source: &mut xds::HttpConnectionManager| {
            source.internal_addresses = vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()];
        };
        let edge = manager(|source| {
            internal(source);
            source.use_remote_address = true;
        });
        let own = ("x-envoy-max-retries", "3");
        let kept = |manager: &HttpConnectionManager, headers: &[(&str, &str)], from: &str| {
            let mut lines = received(manager, headers, from).into_iter();
            lines.any(|line| line == "x-envoy-max-retries: 3")
        };
        assert!(kept(&edge, &[own], "10.1.2.3"));
        assert!(kept(&edge, &[own], "fd00::1"));
        assert!(!kept(&edge, &[own], "11.1.2.3"));
        assert!(!kept(
            &edge,
            &[own, ("x-forwarded-for", "10.1.1.1")],
            "10.1.2.3"
        ));
        let sidecar = manager(internal);
        assert!(!kept(&sidecar, &[own], "10.1.2.3"));
        assert!(kept(
            &sidecar,
            &[own, ("x-forwarded-for", "10.1.1.1")],
            "11.1.2.3"
        ));
        assert!(!kept(
            &sidecar,
            &[own, ("x-forwarded-for", "10.1.1.1,10.1.1.2")],
            "10.1.2.3"
        ));
    }

    #[test]
    fn a_url_may_name_its_host() {
        for (url, want) in [
            ("http://other/a?b", Some(("http", "other", "/a?b"))),
            ("HTTPS://other:81", Some(("https", "other:81", "/"))),
            ("http://other?a", Some(("http", "other", "/?a"))),
            ("/a://b", Some(("http", "shop", "/a://b"))),
            ("ftp://other/a", None),
            ("a", None),
        ] {
            let received = manager(|_| {}).receive(&RequestHead::get("shop", url));
            let head = received.ok();
            let found = head.as_ref().map(|head| {
                let RequestHead {
                    scheme,
                    authority,
                    path,
                    ..
                } = head;
                (scheme.as_str(), authority.as_str(), path.as_str())
            });
            assert_eq!(found, want, "{url}");
        }
    }

    #[test]
    fn underscores_are_refused_or_dropped() {
        let dropping = manager(|source| {
            source.headers_with_underscores = HeadersWithUnderscores::DropHeader;
        });
        assert_eq!(
            received(&dropping, &[("a_b", "1"), ("a-b", "2")], "10.1.2.3"),
            ["a-b: 2", "x-forwarded-proto: http"]
        );
        let refusing = manager(|source| {
            source.headers_with_underscores = HeadersWithUnderscores::RejectRequest;
        });
        let mut head = RequestHead::get("shop", "/");
        head.headers.push(("a_b".to_owned(), String::new()));
        let refused = refusing.receive(&head);
        assert!(
            matches!(refused, Err(refusal) if refusal.details == Details::UnexpectedUnderscore)
        );
    }
}
