//! Why a request's head is resolved as it is.

use super::find::find_virtual_host;
use super::{forwarded_proto, seen_by_routes};
use crate::jwt_authn::Verdict;
use crate::request::RequestHead;
use crate::router::timeout;
use crate::table::{Resolution, RouteConfigId, RouteId, Table};
use crate::trace::{Rejected, RouteTrace, TokenTrace, Trace};
use xds::ClusterChoice;

/// How a request's head came to its resolution.
pub(in crate::table) fn trace<'a>(
    table: &'a Table,
    config: RouteConfigId,
    head: &RequestHead,
    resolution: &Resolution,
) -> Trace<'a> {
    let mut trace = Trace::default();
    let manager = &table.configs[config.index()].manager;
    let Ok(received) = manager.receive(head) else {
        return trace;
    };
    if received.path != head.path {
        trace.normalized_path = Some(received.path.clone());
    }
    let mut passed = None;
    match table.configs[config.index()].tokens.as_ref() {
        None => {}
        Some(tokens) => match tokens.check(&received) {
            Verdict::Passed(all) => {
                trace.tokens = Some(TokenTrace {
                    good: all.good.clone(),
                    refused: None,
                });
                passed = Some(all);
            }
            Verdict::Refused(refused, checked) => {
                trace.tokens = Some(TokenTrace {
                    good: checked.good,
                    refused: Some(refused),
                });
            }
        },
    }
    let view = seen_by_routes(&received, passed.as_deref());
    let Some(virtual_host) = find_virtual_host(table, config, &received) else {
        return trace;
    };
    trace.virtual_host = Some(&virtual_host.name);
    if trace
        .tokens
        .as_ref()
        .is_some_and(|tokens| tokens.refused.is_some())
    {
        return trace;
    }
    if virtual_host.require_tls && forwarded_proto(&received) != "https" {
        return trace;
    }
    for id in virtual_host.routes.clone().map(RouteId::new) {
        let route = &table.routes[id.index()];
        let Some(mismatch) = route.matcher.first_mismatch(&view) else {
            break;
        };
        trace.rejected.push(Rejected {
            route: id,
            name: &route.source.name,
            origin: route.source.origin.as_ref(),
            reason: mismatch.describe(&view),
        });
    }
    let Some(id) = resolution.route else {
        return trace;
    };
    let source = &table.routes[id.index()].source;
    let retry = table.retry_policy(id);
    let target = table.routes[id.index()].target();
    let is_named =
        target.is_some_and(|target| matches!(target.cluster_choice, ClusterChoice::Name(_)));
    let plan = &table.plans[id.index()];
    let position = resolution.chosen_cluster.unwrap_or(0);
    let headers = resolution.fault_headers.as_ref();
    let is_exempt = headers.is_some_and(|headers| headers.exempt.contains(&position));
    let asked = resolution.asked.as_ref();
    let effective = asked.map_or(retry, |asked| asked.retry_policy(0));
    trace.route = Some(RouteTrace {
        id,
        name: &source.name,
        origin: source.origin.as_ref(),
        fault: plan.fault(usize::from(position)).filter(|_| !is_exempt),
        timeout: Some(resolution.timeout).filter(|limit| !limit.is_zero()),
        per_try_timeout: effective
            .and_then(|policy| timeout::per_try(policy.per_try_timeout, resolution.timeout)),
        retry,
        clusters: table
            .route_clusters(id)
            .zip(0..)
            .filter(|(_, place)| !is_named || *place == position)
            .map(|(cluster, _)| cluster)
            .collect(),
        mirrors: table.route_mirrors(id).collect(),
    });
    trace
}
