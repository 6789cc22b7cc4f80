//! Which virtual host serves an authority: the exact name, else the longest `*.suffix`, else the longest `prefix.*`,
//! else `*`. There is no way from the chosen one to another.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/config_impl.cc (RouteMatcher::findVirtualHost).

use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// The domains of a route configuration. Virtual hosts are numbered in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domains {
    exact: FxHashMap<Box<str>, u32>,
    /// What follows the `*`, longest first.
    suffixes: Vec<(usize, FxHashMap<Box<str>, u32>)>,
    /// What precedes the `*`, longest first.
    prefixes: Vec<(usize, FxHashMap<Box<str>, u32>)>,
    any: Option<u32>,
}

impl Domains {
    /// Adds a domain; false if it is taken, which Envoy refuses.
    pub(crate) fn insert(&mut self, domain: &str, virtual_host: u32) -> bool {
        let domain = domain.to_ascii_lowercase();
        if domain == "*" {
            let free = self.any.is_none();
            self.any.get_or_insert(virtual_host);
            return free;
        }
        let names = if let Some(suffix) = domain.strip_prefix('*') {
            (by_length(&mut self.suffixes, suffix.len()), suffix)
        } else if let Some(prefix) = domain.strip_suffix('*') {
            (by_length(&mut self.prefixes, prefix.len()), prefix)
        } else {
            (&mut self.exact, domain.as_str())
        };
        let (names, name) = names;
        if names.contains_key(name) {
            return false;
        }
        names.insert(name.into(), virtual_host);
        true
    }

    /// The virtual host that serves `authority`.
    pub(crate) fn find(&self, authority: &str, ignore_port: bool) -> Option<u32> {
        let host = if ignore_port {
            without_port(authority)
        } else {
            authority
        };
        let host = if host.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        };
        if let Some(found) = self.exact.get(&*host) {
            return Some(*found);
        }
        // The `*` stands for at least one character.
        let suffix = self.suffixes.iter().find_map(|(length, names)| {
            let start = host.len().checked_sub(*length).filter(|start| *start > 0)?;
            names.get(host.get(start..)?)
        });
        let wildcard = suffix.or_else(|| {
            self.prefixes.iter().find_map(|(length, names)| {
                let start = host.get(..*length).filter(|_| host.len() > *length)?;
                names.get(start)
            })
        });
        wildcard.copied().or(self.any)
    }
}

/// The authority without its port: what follows the last colon, unless that stands inside an IPv6 address.
pub(crate) fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}

fn by_length(
    groups: &mut Vec<(usize, FxHashMap<Box<str>, u32>)>,
    length: usize,
) -> &mut FxHashMap<Box<str>, u32> {
    let at = groups.partition_point(|(other, _)| *other > length);
    if groups.get(at).is_none_or(|(other, _)| *other != length) {
        groups.insert(at, (length, FxHashMap::default()));
    }
    &mut groups[at].1
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAINS: [&str; 8] = [
        "foo.example",
        "foo.example:8080",
        "*.example",
        "*-bar.example",
        "*.deep.example",
        "foo.*",
        "api.foo.*",
        "*",
    ];

    /// Observed on Envoy 1.40; the second name is the answer when ports are ignored.
    #[test]
    fn the_most_specific_domain_wins() {
        let mut domains = Domains::default();
        for (domain, index) in DOMAINS.iter().zip(0..) {
            assert!(domains.insert(domain, index));
            assert!(!domains.insert(domain, index), "{domain} twice");
        }
        for (host, kept, ignored) in [
            ("FOO.EXAMPLE", "foo.example", "foo.example"),
            ("foo.example:8080", "foo.example:8080", "foo.example"),
            ("foo.example:9090", "foo.*", "foo.example"),
            ("x.deep.example", "*.deep.example", "*.deep.example"),
            ("foo.deep.example", "*.deep.example", "*.deep.example"),
            ("deep.example", "*.example", "*.example"),
            ("x-bar.example", "*-bar.example", "*-bar.example"),
            (".example", "*", "*"),
            ("foo.", "*", "*"),
            ("foo.example.", "foo.*", "foo.*"),
            ("user@foo.example", "*.example", "*.example"),
            ("api.foo.test", "api.foo.*", "api.foo.*"),
            ("", "*", "*"),
        ] {
            let name = |ignore_port| {
                let found = domains.find(host, ignore_port).expect("`*` takes the rest");
                DOMAINS[found as usize]
            };
            assert_eq!(name(false), kept, "{host}");
            assert_eq!(name(true), ignored, "{host}, port ignored");
        }
        assert_eq!(Domains::default().find("x", true), None);
    }

    #[test]
    fn ports_are_told_from_addresses() {
        for (authority, host) in [
            ("a:80", "a"),
            ("a", "a"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(without_port(authority), host);
        }
    }
}
