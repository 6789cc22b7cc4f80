//! What follows from a request's head: virtual host, route, and what the upstream or the client receives.

pub(super) mod find;
mod forward;
pub(super) mod trace;

use super::mutations::{Direction, levels};
use super::{Chance, Outcome, Resolution, RouteConfigId, RouteId, Table, Told};
use crate::jwt_authn::{self, Checked, JwtStatus, Verdict};
use crate::request::RequestHead;
use crate::response_flag::{Details, ResponseFlag, ResponseFlags};
use crate::router::matching::RequestView;
use crate::router::redirect::{LocalAnswer, direct_response, redirect, to_https};
use crate::router::rewrite;
use base::{Ratio, SimDuration};
use find::{find_in, find_virtual_host};
use forward::forward;
use xds::RouteAction;

/// What becomes of a request with this head.
pub(super) fn resolve(table: &Table, config: RouteConfigId, head: &RequestHead) -> Resolution {
    let reply = |answer: LocalAnswer, flags, details| Resolution {
        route: None,
        outcome: Outcome::Reply {
            status: answer.status,
            flags,
            details,
            body: answer.body,
            headers: answer.headers,
        },
        upstream_heads: Vec::new(),
        timeout: SimDuration::ZERO,
        grpc: head.is_grpc(),
        hash: None,
        hash_by_source: false,
        limits: table.configs[config.index()].limits,
        buffer_limit: table.configs[config.index()].buffer_limit,
        is_retriable: true,
        chosen_cluster: None,
        cookies: Vec::new(),
        told: Told::default(),
        first_head: 0,
        fault_headers: None,
        asked: None,
        chance: None,
    };
    let head = match table.configs[config.index()].manager.receive(head) {
        Ok(head) => head,
        Err(refusal) => return reply(refusal.answer, ResponseFlags::NONE, refusal.details),
    };
    let passed = match &table.configs[config.index()].tokens {
        None => None,
        Some(tokens) => match tokens.check(&head) {
            Verdict::Passed(passed) => Some(passed),
            Verdict::Refused(refused, checked) => {
                let answer = refusal(table, config, &head, &checked, refused.status);
                let details = Details::JwtAuthnAccessDenied(refused.status);
                return reply(answer, ResponseFlags::NONE, details);
            }
        },
    };
    let matched = seen_by_routes(&head, passed.as_deref());
    let head = passed.as_ref().map_or(&head, |passed| &passed.head);
    let view = RequestView::new(head);
    let not_found = || {
        let flags = ResponseFlags::of(ResponseFlag::NoRouteFound);
        reply(empty(404), flags, Details::RouteNotFound)
    };
    let Some(virtual_host) = find_virtual_host(table, config, head) else {
        return not_found();
    };
    if forwarded_proto(head).is_empty() {
        return not_found();
    }
    if virtual_host.require_tls && forwarded_proto(head) != "https" {
        let details = Details::DirectResponse;
        return reply(to_https(&view), ResponseFlags::NONE, details);
    }
    // Routes with a share of the requests that match them leave the rest to those behind them.
    let mut parts: Vec<(Resolution, Ratio)> = Vec::new();
    let mut from = 0;
    let mut first_head = 0;
    let mut last = loop {
        let Some(id) = find_in(table, virtual_host, &matched, from) else {
            break Resolution {
                first_head,
                ..not_found()
            };
        };
        let route = &table.routes[id.index()];
        let part = Resolution {
            first_head,
            fault_headers: route.fault_headers(&view),
            ..on_route(table, id, &view, &reply)
        };
        from = id.index() - virtual_host.routes.start + 1;
        match route.source.match_.runtime_fraction {
            Some(fraction) if fraction.is_zero() => {}
            Some(fraction) if fraction.numerator < fraction.denominator.value() => {
                first_head += part.upstream_heads.len() as u16;
                parts.push((part, fraction));
            }
            Some(_) | None => break part,
        }
    };
    while let Some((mut part, fraction)) = parts.pop() {
        part.upstream_heads
            .extend(last.upstream_heads.iter().cloned());
        part.chance = Some(Box::new(Chance {
            fraction,
            otherwise: last,
        }));
        last = part;
    }
    last
}

/// A request as routes see it: they are asked before tokens are checked, and once more where that is said.
fn seen_by_routes<'a>(received: &'a RequestHead, checked: Option<&'a Checked>) -> RequestView<'a> {
    match checked {
        Some(checked) if checked.is_routed_again => {
            RequestView::new(&checked.head).with_claims(&checked.claims)
        }
        Some(_) | None => RequestView::new(received),
    }
}

/// What a client is told whose token is not good, as the route changes it that the request would take.
fn refusal(
    table: &Table,
    config: RouteConfigId,
    head: &RequestHead,
    checked: &Checked,
    status: JwtStatus,
) -> LocalAnswer {
    let mut answer = jwt_authn::answer(status, head);
    let route = find_virtual_host(table, config, head)
        .filter(|_| !forwarded_proto(head).is_empty())
        .filter(|host| !host.require_tls || forwarded_proto(head) == "https")
        .and_then(|host| find_in(table, host, &seen_by_routes(head, Some(checked)), 0));
    if let Some(id) = route {
        let route = &table.routes[id.index()];
        for level in levels(table, route, None, Direction::Response) {
            rewrite::mutate_response(&mut answer.headers, level, head);
        }
    }
    answer
}

/// What becomes of a request that matches a route. `reply` makes a resolution of an answer of the proxy's own.
fn on_route(
    table: &Table,
    id: RouteId,
    view: &RequestView<'_>,
    reply: &dyn Fn(LocalAnswer, ResponseFlags, Details) -> Resolution,
) -> Resolution {
    let route = &table.routes[id.index()];
    let (mut answer, details) = match &route.source.action {
        RouteAction::Route(target) => {
            let preflight = route.cors.as_ref().and_then(|cors| cors.preflight(view));
            match preflight {
                Some(headers) => {
                    let answer = LocalAnswer {
                        headers,
                        ..empty(200)
                    };
                    (answer, Details::CorsPreflight)
                }
                None => return forward(table, id, target, view),
            }
        }
        RouteAction::Redirect(to) => {
            let answer = redirect(to, &route.matcher.path, route.rewriter.as_ref(), view);
            (answer, Details::DirectResponse)
        }
        RouteAction::DirectResponse(response) => {
            (direct_response(response, view), Details::DirectResponse)
        }
    };
    for level in levels(table, route, None, Direction::Response) {
        rewrite::mutate_response(&mut answer.headers, level, view.head);
    }
    Resolution {
        route: Some(id),
        ..reply(answer, ResponseFlags::NONE, details)
    }
}

fn empty(status: u16) -> LocalAnswer {
    LocalAnswer {
        status,
        body: String::new(),
        headers: Vec::new(),
    }
}

/// What the client is taken to have spoken; empty where it says so itself.
fn forwarded_proto(head: &RequestHead) -> &str {
    head.values("x-forwarded-proto").next().unwrap_or_default()
}
