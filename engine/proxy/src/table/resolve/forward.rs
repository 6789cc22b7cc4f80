//! What a route that forwards makes of a request's head: what each cluster receives, and how long it may take.

use crate::names::ClusterId;
use crate::request::{Protocol, RequestHead};
use crate::router::asked::{Asked, AskedTime, remove_retries};
use crate::router::hash_policy::RequestHash;
use crate::router::matching::RequestView;
use crate::router::{rewrite, timeout};
use crate::table::mutations::{Direction, levels};
use crate::table::{LbKind, Outcome, Plan, Resolution, Route, RouteId, Table, Told};
use base::SimDuration;
use std::sync::Arc;
use xds::{ClusterChoice, HostRewrite, HttpProtocol, RouteTarget};

/// What becomes of a request that a route forwards.
pub(super) fn forward(
    table: &Table,
    id: RouteId,
    target: &RouteTarget,
    view: &RequestView<'_>,
) -> Resolution {
    let route = &table.routes[id.index()];
    let plan = &table.plans[id.index()];
    let grpc = view.head.is_grpc();
    let mut base = view.head.clone();
    let time = AskedTime::take(&mut base);
    let limit = timeout::global(target, view.head, grpc);
    let limit = time.timeout.unwrap_or(limit);
    let retry = target.retry_policy.as_ref();
    let per_try = time
        .per_try
        .or_else(|| retry.and_then(|policy| policy.per_try_timeout));
    let per_try = timeout::per_try(per_try, limit).unwrap_or_default();
    let expected = timeout::expected(per_try, limit, SimDuration::ZERO);
    let told = add_own_headers(table, route, target, expected, grpc, &mut base);
    let RequestHash { hash, cookies } = route.hash_policies.hash(view);
    base.connection = None;
    let chosen = chosen_cluster(target, plan, view, hash);
    let is_named = matches!(target.cluster_choice, ClusterChoice::Name(_));
    let mut heads: Vec<RequestHead> = (0..target.clusters.len())
        .map(|position| match chosen {
            // Among all clusters that there are nobody asks for another one's.
            Some(chosen) if is_named && usize::from(chosen) != position => RequestHead::get("", ""),
            Some(_) | None => upstream_head(table, id, target, position, &base),
        })
        .collect();
    let asked = Asked::new(time, &heads, retry).map(Arc::new);
    heads.iter_mut().for_each(remove_retries);
    // A copy is what the likeliest cluster would receive.
    let likeliest = (0..target.clusters.len())
        .rev()
        .max_by_key(|position| target.clusters[*position].weight);
    for mirror in &plan.mirrors {
        let mut copy = likeliest.map_or_else(|| base.clone(), |position| heads[position].clone());
        rewrite::set(&mut copy.headers, "x-envoy-internal", "true".to_owned());
        if !mirror.keeps_host {
            copy.authority = rewrite::shadow_host(&copy.authority);
        }
        copy.protocol = protocol(table, mirror.cluster, copy.protocol);
        heads.push(copy);
    }
    let certain = match plan.destinations.as_slice() {
        [only] => Some(only),
        several if is_named => several.get(usize::from(chosen.unwrap_or_default())),
        _ => None,
    };
    let passthrough = certain.map(|to| to.cluster).filter(|id| {
        let cluster = table.cluster(*id);
        cluster.is_some_and(|cluster| matches!(cluster.settings.lb, LbKind::Provided))
    });
    let config = &table.configs[table.virtual_hosts[route.virtual_host].config.index()];
    let likely = heads.get(usize::from(chosen.unwrap_or_default()));
    let is_retriable = match (&plan.retry, likely) {
        (Some(policy), Some(head)) => policy.is_for(head),
        (Some(_) | None, _) => true,
    };
    Resolution {
        route: Some(id),
        outcome: passthrough.map_or(Outcome::Forward, Outcome::Passthrough),
        upstream_heads: heads,
        timeout: limit,
        grpc,
        hash,
        // A sidecar has one client; a gateway's clients are not told apart.
        hash_by_source: hash.is_none()
            && !table.edge
            && view.head.downstream.is_none()
            && route.hash_policies.use_source_ip(),
        limits: config.limits.on_route(target, view.head),
        buffer_limit: target
            .request_body_buffer_limit
            .unwrap_or(config.buffer_limit),
        is_retriable,
        chosen_cluster: chosen,
        cookies,
        told,
        first_head: 0,
        fault_headers: None,
        asked,
        chance: None,
    }
}

/// The cluster that the request itself chooses among several, where it does.
fn chosen_cluster(
    target: &RouteTarget,
    plan: &Plan,
    view: &RequestView<'_>,
    hash: Option<u64>,
) -> Option<u16> {
    let value = match &target.cluster_choice {
        ClusterChoice::Random => return None,
        ClusterChoice::Header(name) => {
            let mut values = view.head.values(name);
            match (values.next(), values.next()) {
                (Some(only), None) => only.parse().ok()?,
                (_, _) => return None,
            }
        }
        ClusterChoice::Hash => hash?,
        ClusterChoice::Name(header) => {
            let name = view.head.values(header).next().unwrap_or_default();
            let mut clusters = target.clusters.iter();
            let position = clusters.position(|cluster| cluster.name == name);
            return u16::try_from(position.unwrap_or(target.clusters.len() - 1)).ok();
        }
    };
    u16::try_from(plan.choose(value)).ok()
}

/// Headers that the router writes before the route's own changes.
fn add_own_headers(
    table: &Table,
    route: &Route,
    target: &RouteTarget,
    expected: SimDuration,
    grpc: bool,
    head: &mut RequestHead,
) -> Told {
    let told = Told {
        attempt_count: table.virtual_hosts[route.virtual_host].include_attempt_count,
        grpc_timeout: grpc && target.max_grpc_timeout.is_some(),
    };
    if !expected.is_zero() {
        let milliseconds = expected.as_millis().to_string();
        rewrite::set(
            &mut head.headers,
            "x-envoy-expected-rq-timeout-ms",
            milliseconds,
        );
        if told.grpc_timeout {
            let text = timeout::grpc_timeout_text(expected);
            rewrite::set(&mut head.headers, "grpc-timeout", text);
        }
    }
    if told.attempt_count {
        rewrite::set(&mut head.headers, "x-envoy-attempt-count", "1".to_owned());
    }
    told
}

/// What the cluster at `position` receives of the first try.
fn upstream_head(
    table: &Table,
    id: RouteId,
    target: &RouteTarget,
    position: usize,
    base: &RequestHead,
) -> RequestHead {
    let route = &table.routes[id.index()];
    let weighted = &target.clusters[position];
    let cluster = table.plans[id.index()].destinations[position].cluster;
    let mut head = base.clone();
    for level in levels(table, route, Some(weighted), Direction::Request) {
        rewrite::mutate_request(&mut head, level);
    }
    let append = target.append_x_forwarded_host;
    match &target.host_rewrite {
        Some(HostRewrite::Literal(host)) => rewrite::set_authority(&mut head, host.clone(), append),
        Some(HostRewrite::Header(name)) => {
            let host = head.values(name).next().map(str::to_owned);
            if let Some(host) = host.filter(|host| !host.is_empty()) {
                rewrite::set_authority(&mut head, host, append);
            }
        }
        Some(HostRewrite::PathRegex(_)) => {
            if let Some(substitution) = &route.host_from_path {
                let path = head.path.split('?').next().unwrap_or_default();
                let host = substitution.replace_all(path);
                let host = host.unwrap_or_else(|| path.to_owned());
                rewrite::set_authority(&mut head, host, append);
            }
        }
        Some(HostRewrite::Auto) => {
            if let Some(name) = table.cluster(cluster).and_then(|c| c.host_name.as_ref()) {
                if append {
                    rewrite::append_forwarded_host(&mut head);
                }
                head.authority.clone_from(name);
            }
        }
        None => {
            if let Some(host) = &weighted.host_rewrite_literal {
                head.authority.clone_from(host);
            }
        }
    }
    if let Some(rewriter) = &route.rewriter
        && let Some(path) = rewriter.rewrite(&route.matcher.path, &head.path)
    {
        let old = std::mem::replace(&mut head.path, path);
        rewrite::set(&mut head.headers, "x-envoy-original-path", old);
    }
    head.protocol = protocol(table, cluster, head.protocol);
    head
}

fn protocol(table: &Table, cluster: ClusterId, downstream: Protocol) -> Protocol {
    match table
        .cluster(cluster)
        .map(|cluster| cluster.source.protocol)
    {
        Some(HttpProtocol::Http1) => Protocol::Http1,
        Some(HttpProtocol::Http2) => Protocol::Http2,
        Some(HttpProtocol::Downstream) | None => downstream,
    }
}
