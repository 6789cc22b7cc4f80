//! The columns of `proxy-config routes`.
//!
//! Source: istio/istio, istioctl/pkg/writer/envoy/configdump/route.go.

use std::sync::Arc;

use proxy::listener::PASSTHROUGH_CLUSTER;
use xds::{PathMatch, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost};

use super::{Table, managed_by};
use crate::args::RoutesArgs;

/// The route configurations that the filter keeps, those named after ports by number.
pub(crate) fn select<'a>(
    args: &RoutesArgs,
    routes: &'a [Arc<RouteConfiguration>],
) -> Vec<&'a RouteConfiguration> {
    let mut kept = sorted(routes);
    kept.retain(|route| args.name.as_ref().is_none_or(|name| *name == route.name));
    kept
}

/// All route configurations, those named after ports by number and first.
pub(crate) fn sorted(routes: &[Arc<RouteConfiguration>]) -> Vec<&RouteConfiguration> {
    let mut all: Vec<_> = routes.iter().map(|route| &**route).collect();
    all.sort_by_key(|route| (route.name.parse::<u16>().unwrap_or(u16::MAX), &route.name));
    all
}

/// One row per route, but for those to wherever the client dialled; a virtual host without routes answers 404.
pub(crate) fn table(configurations: &[&RouteConfiguration]) -> Table {
    let mut table = Table::new(["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"]);
    for configuration in configurations {
        for host in &configuration.virtual_hosts {
            let row = |match_: String, managed: String| {
                [
                    configuration.name.clone(),
                    host.name.clone(),
                    domains(host),
                    match_,
                    managed,
                ]
            };
            if host.routes.is_empty() {
                table.push(row("/*".to_owned(), "404".to_owned()));
            }
            for route in host.routes.iter().filter(|route| !is_passthrough(route)) {
                table.push(row(path(&route.match_), managed_by(route.origin.as_ref())));
            }
        }
    }
    table
}

fn is_passthrough(route: &Route) -> bool {
    match &route.action {
        RouteAction::Route(target) if !target.is_weighted => {
            let mut clusters = target.clusters.iter();
            clusters.any(|cluster| cluster.name == PASSTHROUGH_CLUSTER)
        }
        RouteAction::Route(_) | RouteAction::Redirect(_) | RouteAction::DirectResponse(_) => false,
    }
}

/// Two of the domains without a port, and how many more there are; longer forms of a name that is listed are left out.
fn domains(host: &VirtualHost) -> String {
    if let [only] = host.domains.as_slice() {
        return only.clone();
    }
    let without_port: Vec<&str> = host
        .domains
        .iter()
        .map(String::as_str)
        .filter(|domain| match domain.matches(':').count() {
            0 => true,
            1 | 2 => false,
            _ => domain.ends_with(']'),
        })
        .collect();
    let is_longer_form = |domain: &str| {
        [".svc.cluster.local", ".svc"]
            .iter()
            .filter_map(|suffix| domain.strip_suffix(suffix))
            .any(|shorter| without_port.contains(&shorter))
    };
    let mut listed = without_port.clone();
    listed.retain(|domain| !is_longer_form(domain));
    match listed.as_slice() {
        [first, second, more @ ..] if !more.is_empty() => {
            format!("{first}, {second} + {} more...", more.len())
        }
        few => few.join(", "),
    }
}

/// The condition on the path; istioctl leaves those on headers out.
pub(crate) fn path(match_: &RouteMatch) -> String {
    match &match_.path {
        PathMatch::Prefix(prefix) => format!("{prefix}*"),
        PathMatch::Path(path) => path.clone(),
        PathMatch::SafeRegex(regex) => format!("regex {regex}"),
        PathMatch::PathSeparatedPrefix(prefix) => format!("PathPrefix:{prefix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(domains: &[&str]) -> VirtualHost {
        VirtualHost {
            name: String::new(),
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            routes: Vec::new(),
            include_request_attempt_count: true,
            require_tls: false,
            ..VirtualHost::default()
        }
    }

    #[test]
    fn domains_are_told_by_their_short_forms() {
        let table: [(&[&str], &str); 5] = [
            (&["*"], "*"),
            (
                &["api.example.com", "api.example.com."],
                "api.example.com, api.example.com.",
            ),
            (
                &["[fd00:1::1]", "[fd00:1::1]:80", "a:80", "a"],
                "[fd00:1::1], a",
            ),
            (
                &[
                    "a.f.svc.cluster.local",
                    "a.f.svc.cluster.local.",
                    "a",
                    "a.f.svc",
                    "a.f",
                    "10.1.2.3",
                ],
                "a.f.svc.cluster.local., a + 2 more...",
            ),
            (
                &["a.f.svc.cluster.local", "a.f", "a.f.svc", "10.1.2.3"],
                "a.f, 10.1.2.3",
            ),
        ];
        for (given, want) in table {
            assert_eq!(domains(&host(given)), want);
        }
    }
}
