//! A literal, slow reading of a snapshot.
//!
//! Sources: Envoy 1.40's documentation of `FilterChainMatch`, `VirtualHost.domains`, `RouteMatch`, `HeaderMatcher`,
//! `RouteAction`, `RedirectAction`, `DirectResponseAction` and «custom request/response headers». RE2 expressions are
//! left to the proxy's own engine, which has tests of its own.

use proxy::re2::Pattern;
use proxy::request::RequestHead;
use xds::{
    Filter, FilterChain, FilterChainMatch, HeaderAppend, HeaderMatch, HeaderMatcher,
    HeaderMutations, HostRewrite, Listener, PathMatch, PathRedirect, PathRewrite, QueryMatch,
    Redirect, Route, RouteAction, RouteConfiguration, RouteTarget, Snapshot, StringMatch,
    TrafficDirection, VirtualHost, WeightedCluster,
};

use super::mesh::Request;
use super::seen;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) listener: Option<String>,
    pub(super) route_config: Option<String>,
    pub(super) virtual_host: Option<String>,
    pub(super) route: Option<Box<Route>>,
    pub(super) end: End,
}

/// How it ends at the proxy.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// Name, weight, whether it exists, and what it receives.
    Forwarded {
        clusters: Vec<(String, u32, bool, RequestHead)>,
    },
    /// The proxy answers.
    Answered {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Its bytes go to one of these clusters.
    Bytes { clusters: Vec<(String, u32)> },
    /// The connection does.
    Closed,
}

/// Reads what a snapshot says about a request.
pub(super) fn read(snapshot: &Snapshot, request: &Request) -> Answer {
    let listener = listener(snapshot, request);
    let mut answer = Answer {
        listener: listener.map(|listener| listener.name.clone()),
        route_config: None,
        virtual_host: None,
        route: None,
        end: End::Closed,
    };
    let Some(chain) = listener.and_then(|listener| chain(listener, request)) else {
        return answer;
    };
    let manager = match &chain.filter {
        Filter::TcpProxy(proxy) => {
            answer.end = End::Bytes {
                clusters: match proxy.clusters.as_slice() {
                    // The weight of an only cluster means nothing.
                    [(name, _)] if !name.contains('|') => vec![(name.clone(), 1)],
                    clusters => clusters.to_vec(),
                },
            };
            return answer;
        }
        Filter::HttpConnectionManager(manager) => manager,
    };
    answer.route_config = Some(manager.route_config_name.clone());
    let table = snapshot
        .routes
        .iter()
        .find(|table| table.name == manager.route_config_name);
    let not_found = End::Answered {
        status: 404,
        headers: Vec::new(),
        body: String::new(),
    };
    let Some(host) = table.and_then(|table| virtual_host(table, &request.head.authority)) else {
        answer.end = not_found;
        return answer;
    };
    answer.virtual_host = Some(host.name.clone());
    let Some(route) = host
        .routes
        .iter()
        .find(|route| matches(route, &request.head))
    else {
        answer.end = not_found;
        return answer;
    };
    answer.route = Some(Box::new(route.clone()));
    answer.end = end(snapshot, route, &request.head);
    answer
}

/// The listener of the dialled address and port, else of the port on all addresses, else the one that all outbound
/// connections are redirected to.
fn listener<'a>(snapshot: &'a Snapshot, request: &Request) -> Option<&'a Listener> {
    let outbound: Vec<&Listener> = snapshot
        .listeners
        .iter()
        .map(|listener| &**listener)
        .filter(|listener| listener.direction == TrafficDirection::Outbound)
        .collect();
    let at = |address: &str| {
        outbound
            .iter()
            .find(|listener| {
                listener.address.port == request.port && listener.address.address == address
            })
            .copied()
    };
    at(&request.ip).or_else(|| at("0.0.0.0")).or_else(|| {
        outbound
            .iter()
            .find(|listener| listener.name == "virtualOutbound")
            .copied()
    })
}

/// «The following order applies: destination port, destination IP address, server name, transport protocol, application
/// protocols»: at each step the chains that ask for what is there come before those that ask for nothing.
fn chain<'a>(listener: &'a Listener, request: &Request) -> Option<&'a FilterChain> {
    type Step = fn(&FilterChainMatch, &Request) -> Option<bool>;
    let steps: [Step; 5] = [
        |asked, request| asked.destination_port.map(|port| port == request.port),
        |asked, request| {
            // Ranges of this mesh are single addresses.
            let ranges = &asked.prefix_ranges;
            (!ranges.is_empty()).then(|| {
                ranges
                    .iter()
                    .any(|range| range.split('/').next() == Some(request.ip.as_str()))
            })
        },
        |asked, _| (!asked.server_names.is_empty()).then_some(false),
        |asked, _| {
            (!asked.transport_protocol.is_empty()).then(|| asked.transport_protocol == "raw_buffer")
        },
        |asked, request| {
            let protocols = &asked.application_protocols;
            (!protocols.is_empty())
                .then(|| request.is_http && protocols.iter().any(|name| name == "http/1.1"))
        },
    ];
    let mut left: Vec<&FilterChain> = listener.filter_chains.iter().collect();
    for step in steps {
        let (asking, not_asking): (Vec<_>, Vec<_>) = left
            .into_iter()
            .filter(|chain| step(&chain.match_, request) != Some(false))
            .partition(|chain| step(&chain.match_, request).is_some());
        left = if asking.is_empty() {
            not_asking
        } else {
            asking
        };
    }
    left.first()
        .copied()
        .or(listener.default_filter_chain.as_ref())
}

/// «Exact domain names, suffix domain wildcards, prefix domain wildcards, special wildcard `*`», longest first.
fn virtual_host<'a>(table: &'a RouteConfiguration, authority: &str) -> Option<&'a VirtualHost> {
    let mut host = authority.to_lowercase();
    if table.ignore_port_in_host_matching
        && let Some((name, port)) = authority.to_lowercase().rsplit_once(':')
        && port.chars().all(|c| c.is_ascii_digit())
    {
        host = name.to_owned();
    }
    let rank = |domain: &str| -> Option<(u8, usize)> {
        if domain == "*" {
            return Some((0, 0));
        }
        if domain == host {
            return Some((3, 0));
        }
        if let Some(suffix) = domain.strip_prefix('*') {
            return (host.ends_with(suffix) && host != suffix).then_some((2, suffix.len()));
        }
        let prefix = domain.strip_suffix('*')?;
        (host.starts_with(prefix) && host != prefix).then_some((1, prefix.len()))
    };
    let best = |virtual_host: &VirtualHost| {
        virtual_host
            .domains
            .iter()
            .filter_map(|domain| rank(domain))
            .max()
    };
    table
        .virtual_hosts
        .iter()
        .filter(|virtual_host| best(virtual_host).is_some())
        .max_by_key(|virtual_host| best(virtual_host))
}

fn matches(route: &Route, head: &RequestHead) -> bool {
    let asked = &route.match_;
    let (path, query) = head.path.split_once('?').unwrap_or((&head.path, ""));
    let fold = |text: &str| {
        if asked.case_sensitive {
            text.to_owned()
        } else {
            text.to_ascii_lowercase()
        }
    };
    let path_matches = match &asked.path {
        PathMatch::Prefix(prefix) => fold(path).starts_with(&fold(prefix)),
        PathMatch::Path(whole) => fold(path) == fold(whole),
        PathMatch::SafeRegex(expression) => regex_matches(expression, path),
        PathMatch::PathSeparatedPrefix(prefix) => {
            fold(path) == fold(prefix) || fold(path).starts_with(&(fold(prefix) + "/"))
        }
    };
    path_matches
        && asked
            .headers
            .iter()
            .all(|header| header_matches(header, head))
        && asked.query_parameters.iter().all(|asked| {
            let parameters = query.split('&').filter(|_| head.path.contains('?'));
            let first = parameters
                .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
                .find(|(name, _)| *name == asked.name);
            match (&asked.match_, first) {
                (QueryMatch::Present(present), found) => found.is_some() == *present,
                (QueryMatch::Value(_), None) => false,
                (QueryMatch::Value(value), Some((_, found))) => string_matches(value, found),
            }
        })
}

/// Requests of these meshes have no header twice.
fn header_matches(asked: &HeaderMatcher, head: &RequestHead) -> bool {
    let found = match asked.name.as_str() {
        ":method" => Some(head.method.as_str()),
        ":authority" => Some(head.authority.as_str()),
        ":path" => Some(head.path.as_str()),
        ":scheme" => Some(head.scheme.as_str()),
        name => head
            .headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str()),
    };
    match (&asked.match_, found) {
        (HeaderMatch::Present(present), found) => {
            let is_there = found.is_some() || asked.treat_missing_header_as_empty;
            (is_there == *present) != asked.invert_match
        }
        (HeaderMatch::Range { start, end }, found) => found.is_some_and(|found| {
            let number = found.parse::<i64>();
            number.is_ok_and(|number| (*start..*end).contains(&number)) != asked.invert_match
        }),
        (HeaderMatch::Value(value), Some(found)) => {
            string_matches(value, found) != asked.invert_match
        }
        (HeaderMatch::Value(value), None) => {
            asked.treat_missing_header_as_empty && string_matches(value, "") != asked.invert_match
        }
    }
}

fn string_matches(asked: &StringMatch, text: &str) -> bool {
    match asked {
        StringMatch::Exact(whole) => text == whole,
        StringMatch::Prefix(prefix) => text.starts_with(prefix),
        StringMatch::Suffix(suffix) => text.ends_with(suffix),
        StringMatch::Contains(part) => text.contains(part),
        StringMatch::SafeRegex(expression) => regex_matches(expression, text),
        // Control planes write none.
        StringMatch::IgnoreCase(_) => false,
    }
}

fn regex_matches(expression: &str, text: &str) -> bool {
    Pattern::new(expression).is_ok_and(|pattern| pattern.is_full_match(text))
}

fn end(snapshot: &Snapshot, route: &Route, head: &RequestHead) -> End {
    let answered = |status, mut headers: Vec<(String, String)>, body: &str| {
        mutate(&mut headers, &route.response_headers);
        End::Answered {
            status,
            headers,
            body: body.to_owned(),
        }
    };
    match &route.action {
        RouteAction::Redirect(redirect) => {
            let url = redirect_url(redirect, route, head);
            answered(
                redirect.response_code,
                vec![("location".to_owned(), url)],
                "",
            )
        }
        RouteAction::DirectResponse(response) => {
            let is_elsewhere = response.status == 201 || response.status / 100 == 3;
            let url = format!("{}://{}{}", head.scheme, head.authority, head.path);
            let headers = is_elsewhere.then(|| ("location".to_owned(), url));
            answered(
                response.status,
                headers.into_iter().collect(),
                &response.body,
            )
        }
        RouteAction::Route(target) => End::Forwarded {
            clusters: target
                .clusters
                .iter()
                .map(|cluster| {
                    let exists = snapshot
                        .clusters
                        .iter()
                        .any(|known| known.name == cluster.name);
                    let upstream = seen(&upstream(route, target, cluster, head));
                    (cluster.name.clone(), cluster.weight, exists, upstream)
                })
                .collect(),
        },
    }
}

/// The destination's changes, the route's changes, the host, the path.
fn upstream(
    route: &Route,
    target: &RouteTarget,
    cluster: &WeightedCluster,
    head: &RequestHead,
) -> RequestHead {
    let mut head = head.clone();
    mutate(&mut head.headers, &cluster.request_headers);
    mutate(&mut head.headers, &route.request_headers);
    match (&target.host_rewrite, &cluster.host_rewrite_literal) {
        (Some(HostRewrite::Literal(host)), _) => {
            let old = std::mem::replace(&mut head.authority, host.clone());
            set(&mut head.headers, "x-envoy-original-host", old);
        }
        // Clusters of these meshes have no endpoints with names.
        (Some(HostRewrite::Auto), _) | (None, None) => {}
        (Some(HostRewrite::Header(_) | HostRewrite::PathRegex(_)), _) => {
            unreachable!("Istio has no such rewrites")
        }
        (None, Some(host)) => head.authority.clone_from(host),
    }
    let (path, query) = match head.path.find('?') {
        Some(at) => (head.path[..at].to_owned(), head.path[at..].to_owned()),
        None => (head.path.clone(), String::new()),
    };
    let rewritten = match &target.path_rewrite {
        Some(PathRewrite::Prefix(prefix)) => format!("{prefix}{}", after_prefix(route, &path)),
        // Expressions of these meshes are plain text.
        Some(PathRewrite::Regex(regex)) => path.replace(&regex.pattern, &regex.substitution),
        None => return head,
    };
    let old = std::mem::replace(&mut head.path, rewritten + &query);
    set(&mut head.headers, "x-envoy-original-path", old);
    head
}

/// «The prefix that was matched is swapped»; after exact paths and expressions that is all of the path.
fn after_prefix(route: &Route, path: &str) -> String {
    match &route.match_.path {
        PathMatch::Prefix(prefix) | PathMatch::PathSeparatedPrefix(prefix) => {
            path[prefix.len()..].to_owned()
        }
        PathMatch::Path(_) | PathMatch::SafeRegex(_) => String::new(),
    }
}

fn redirect_url(redirect: &Redirect, route: &Route, head: &RequestHead) -> String {
    let scheme = redirect.scheme.as_ref().unwrap_or(&head.scheme);
    let (host, old_port) = head
        .authority
        .split_once(':')
        .unwrap_or((&head.authority, ""));
    let is_default_of_old = head.scheme == "http" && old_port == "80";
    let authority = match (&redirect.host, redirect.port) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.clone(),
        (None, Some(port)) => format!("{host}:{port}"),
        (None, None) if *scheme != head.scheme && is_default_of_old => host.to_owned(),
        (None, None) => head.authority.clone(),
    };
    let (path, query) = match head.path.find('?') {
        Some(at) => head.path.split_at(at),
        None => (head.path.as_str(), ""),
    };
    let path = match &redirect.path {
        Some(PathRedirect::Path(new)) if new.contains('?') => new.clone(),
        Some(PathRedirect::Path(new)) => format!("{new}{query}"),
        Some(PathRedirect::Prefix(new)) => format!("{new}{}{query}", after_prefix(route, path)),
        Some(PathRedirect::Regex(_)) => unreachable!("Istio has no such redirects"),
        None => head.path.clone(),
    };
    format!("{scheme}://{authority}{path}")
}

/// Removals, then replacements, then additions.
fn mutate(headers: &mut Vec<(String, String)>, mutations: &HeaderMutations) {
    headers.retain(|(name, _)| !mutations.remove.contains(name));
    for mutation in &mutations.add {
        if mutation.append == HeaderAppend::OverwriteIfExistsOrAdd {
            set(headers, &mutation.name, mutation.value.clone());
        }
    }
    for mutation in &mutations.add {
        if mutation.append == HeaderAppend::AppendIfExistsOrAdd {
            headers.push((mutation.name.clone(), mutation.value.clone()));
        }
    }
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    let Some(first) = headers.iter().position(|(other, _)| other == name) else {
        headers.push((name.to_owned(), value));
        return;
    };
    headers[first].1 = value;
    let after = headers.split_off(first + 1);
    headers.extend(after.into_iter().filter(|(other, _)| other != name));
}
