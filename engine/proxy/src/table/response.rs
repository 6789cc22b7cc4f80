//! What a client receives: a forwarded response or a local reply, with what the route, CORS and the proxy add.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (onUpstreamHeaders, modify_headers_).

use super::mutations::{Direction, levels};
use super::{Outcome, Resolution, Route, Table};
use crate::effect::Reply;
use crate::local_reply;
use crate::request::RequestHead;
use crate::response::{Response, ResponseHead};
use crate::response_flag::Details;
use crate::router::rewrite::{self, mutate_response};

pub(super) fn response(
    table: &Table,
    resolution: &Resolution,
    request: &RequestHead,
    reply: &Reply,
    upstream: Option<&ResponseHead>,
) -> Response {
    let mut response = whole(table, resolution, request, reply, upstream);
    if request.method == "HEAD" {
        response.body.clear();
    }
    response
}

/// The response to a request that may have a body.
fn whole(
    table: &Table,
    resolution: &Resolution,
    request: &RequestHead,
    reply: &Reply,
    upstream: Option<&ResponseHead>,
) -> Response {
    let part = resolution
        .parts()
        .find(|part| part.route == reply.route)
        .unwrap_or(resolution);
    let route = part.route.map(|id| &table.routes[id.index()]);
    if let Outcome::Reply {
        status,
        details,
        body,
        headers,
        ..
    } = &part.outcome
        && *details == reply.details
    {
        // The route's changes are in it already.
        let response = Response {
            status: *status,
            headers: headers.clone(),
            body: body.clone(),
        };
        let mut response = local_reply::complete(response, reply);
        if let Some(route) = route
            && *details != Details::CorsPreflight
        {
            add_cors(route, request, &mut response);
        }
        return response;
    }
    let mut response = match upstream {
        Some(head) => forwarded(head),
        None => local_reply::response(reply),
    };
    let Some(route) = route else {
        return response;
    };
    if upstream.is_some() {
        add_cookies(table, part, reply, &mut response);
    }
    let sent = upstream_head(table, part, reply).unwrap_or(request);
    if upstream.is_some() || reply.details.is_of_route() {
        let cluster = position(table, part, reply)
            .and_then(|position| route.target()?.clusters.get(position));
        for level in levels(table, route, cluster, Direction::Response) {
            mutate_response(&mut response.headers, level, sent);
        }
    }
    let virtual_host = &table.virtual_hosts[route.virtual_host];
    let counts = virtual_host.include_attempt_count_in_response && reply.attempts > 0;
    if counts && (upstream.is_some() || reply.details.is_of_router()) {
        let count = reply.attempts.to_string();
        rewrite::set(&mut response.headers, "x-envoy-attempt-count", count);
    }
    if reply.details != Details::FaultFilterAbort {
        add_cors(route, request, &mut response);
    }
    response
}

/// A server's response, as the router receives it.
fn forwarded(head: &ResponseHead) -> Response {
    let mut headers = head.headers.clone();
    if let Some(status) = head.grpc_status {
        headers.push(("grpc-status".to_owned(), status.to_string()));
    }
    Response {
        status: head.status,
        headers,
        body: String::new(),
    }
}

/// The cookies that choosing hosts has made: each try's choice makes them anew.
fn add_cookies(table: &Table, part: &Resolution, reply: &Reply, response: &mut Response) {
    if !reply.cluster.is_some_and(|id| table.hashes(id)) {
        return;
    }
    for _ in 0..reply.attempts {
        let cookies = part.cookies.iter();
        let lines = cookies.map(|cookie| ("set-cookie".to_owned(), cookie.clone()));
        response.headers.extend(lines);
    }
}

fn add_cors(route: &Route, request: &RequestHead, response: &mut Response) {
    if let Some(cors) = &route.cors {
        for (name, value) in cors.allowed(request) {
            rewrite::set(&mut response.headers, name, value);
        }
    }
}

/// Which of the route's clusters the request was for.
fn position(table: &Table, part: &Resolution, reply: &Reply) -> Option<usize> {
    let plan = &table.plans[part.route?.index()];
    let mut destinations = plan.destinations.iter();
    match reply.cluster {
        Some(cluster) => destinations.position(|to| to.cluster == cluster),
        None => (plan.destinations.len() == 1).then_some(0),
    }
}

/// What was sent to that cluster: response headers may speak of it.
fn upstream_head<'a>(
    table: &Table,
    part: &'a Resolution,
    reply: &Reply,
) -> Option<&'a RequestHead> {
    let position = position(table, part, reply)?;
    part.upstream_heads.get(position)
}
