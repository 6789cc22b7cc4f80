//! Names of hosts: how short ones are completed, and which wildcard covers which name.
//!
//! Source: istio/istio, pkg/config/host/name.go and names.go, pilot/pkg/model/config.go (ResolveShortnameToFQDN,
//! resolveGatewayName).

use std::cmp::Ordering;
use std::net::IpAddr;

/// The name of the gateway that stands for all sidecars.
pub const MESH_GATEWAY: &str = "mesh";
/// What the address of a Unix socket begins with, wherever it may stand in the place of an IP address.
pub(crate) const UNIX: &str = "unix://";

/// The full name that `name` stands for in an object of `namespace`.
///
/// Only names without any dot are completed: `reviews.prod` stays as it is.
pub fn resolve_short_name(name: &str, namespace: &str, domain_suffix: &str) -> String {
    if name.is_empty() || name == "*" || name.contains('.') || name.parse::<IpAddr>().is_ok() {
        return name.to_owned();
    }
    format!("{name}.{namespace}.svc.{domain_suffix}")
}

/// The `<namespace>/<name>` of the gateway that `name` stands for in an object of `namespace`; `mesh` stays.
pub fn resolve_gateway_name(name: &str, namespace: &str, domain_suffix: &str) -> String {
    if name == MESH_GATEWAY {
        return name.to_owned();
    }
    if let Some((prefix, rest)) = name.split_once('/') {
        let prefix = if prefix == "." { namespace } else { prefix };
        return format!("{prefix}/{rest}");
    }
    // The legacy spellings `gw.ns` and `gw.ns.svc.cluster.local`.
    let short = name
        .strip_suffix(&format!(".svc.{domain_suffix}"))
        .unwrap_or(name);
    match short.split_once('.') {
        Some((gateway, gateway_namespace)) => format!("{gateway_namespace}/{gateway}"),
        None => format!("{namespace}/{name}"),
    }
}

/// Whether a host is a wildcard.
pub fn is_wildcard(host: &str) -> bool {
    host.starts_with('*')
}

/// Whether two hosts have a name in common.
pub fn matches(a: &str, b: &str) -> bool {
    match (a.strip_prefix('*'), b.strip_prefix('*')) {
        (Some(a), Some(b)) => {
            if a.len() < b.len() {
                b.ends_with(a)
            } else {
                a.ends_with(b)
            }
        }
        (Some(suffix), None) => b.ends_with(suffix),
        (None, Some(suffix)) => a.ends_with(suffix),
        (None, None) => a == b,
    }
}

/// Whether every name of `a` is one of `b`.
pub fn is_subset_of(a: &str, b: &str) -> bool {
    match (a.strip_prefix('*'), b.strip_prefix('*')) {
        (Some(suffix_a), Some(suffix_b)) => a.len() >= b.len() && suffix_a.ends_with(suffix_b),
        (None, Some(suffix)) => a.ends_with(suffix),
        (Some(_), None) => false,
        (None, None) => a == b,
    }
}

/// The names that are in both lists: of each pair that overlaps the more specific one.
pub fn intersection<'a>(
    a: impl Iterator<Item = &'a str>,
    b: impl Iterator<Item = &'a str> + Clone,
) -> Vec<&'a str> {
    let mut both = Vec::new();
    for own in a {
        for other in b.clone() {
            let narrower = if is_subset_of(own, other) {
                own
            } else if is_subset_of(other, own) {
                other
            } else {
                continue;
            };
            if !both.contains(&narrower) {
                both.push(narrower);
            }
        }
    }
    both
}

/// The order in which hosts win: `Less` is the more specific one.
pub fn by_specificity(a: &str, b: &str) -> Ordering {
    is_wildcard(a)
        .cmp(&is_wildcard(b))
        .then_with(|| b.len().cmp(&a.len()))
        .then_with(|| a.cmp(b))
}

/// Whether a text is an IP address.
pub fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// A host as a domain of a virtual host: IPv6 addresses stand in brackets.
pub fn as_domain(host: &str) -> String {
    if host.contains(':') && is_ip(host) {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_without_dots_are_completed() {
        for (name, full) in [
            ("reviews", "reviews.app.svc.cluster.local"),
            ("reviews.prod", "reviews.prod"),
            ("*", "*"),
            ("", ""),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "::1"),
            (
                "reviews.app.svc.cluster.local",
                "reviews.app.svc.cluster.local",
            ),
        ] {
            assert_eq!(
                resolve_short_name(name, "app", "cluster.local"),
                full,
                "{name}"
            );
        }
    }

    #[test]
    fn gateways_are_named_by_namespace() {
        for (name, full) in [
            ("mesh", "mesh"),
            ("gw", "app/gw"),
            ("./gw", "app/gw"),
            ("infra/gw", "infra/gw"),
            ("gw.infra", "infra/gw"),
            ("gw.infra.svc.cluster.local", "infra/gw"),
        ] {
            assert_eq!(
                resolve_gateway_name(name, "app", "cluster.local"),
                full,
                "{name}"
            );
        }
    }

    #[test]
    fn wildcards_cover_by_suffix() {
        for (a, b, overlap, subset) in [
            ("*.foo.com", "foo.com", false, false),
            ("a.b.foo.com", "*.foo.com", true, true),
            ("*foo.com", "foo.com", true, false),
            ("barfoo.com", "*foo.com", true, true),
            ("*", "a", true, false),
            ("*.a.foo.com", "*.foo.com", true, true),
            ("*.foo.com", "*.a.foo.com", true, false),
            ("*.foo.com", "*.bar.com", false, false),
            ("a", "a", true, true),
            ("a", "b", false, false),
        ] {
            assert_eq!(matches(a, b), overlap, "{a} {b}");
            assert_eq!(matches(b, a), overlap, "{b} {a}");
            assert_eq!(is_subset_of(a, b), subset, "{a} {b}");
        }
    }

    #[test]
    fn the_most_specific_host_comes_first() {
        let mut hosts = ["*", "*.com", "b.com", "*.foo.com", "a.com", "long.com"];
        hosts.sort_by(|a, b| by_specificity(a, b));
        assert_eq!(
            hosts,
            ["long.com", "a.com", "b.com", "*.foo.com", "*.com", "*"]
        );
    }
}
