//! Injected delays and aborts.

use crate::config::{cluster, hosts, ms, retries, route, sidecar, to_a};
use crate::mesh::{Deed, Mesh};
use base::Ratio;
use proxy::request::RequestHead;
use proxy::response_flag::Details;
use xds::{
    AbortStatus, DirectResponse, FaultAbort, FaultDelay, HttpFault, Redirect, Route, RouteAction,
};

fn delay(milliseconds: u64, percent: f64) -> HttpFault {
    HttpFault {
        delay: Some(FaultDelay {
            fixed_delay: ms(milliseconds),
            percentage: Ratio::from_percent(percent),
        }),
        ..HttpFault::default()
    }
}

fn abort(status: AbortStatus) -> HttpFault {
    HttpFault {
        abort: Some(FaultAbort {
            status,
            percentage: Ratio::ONE,
        }),
        ..HttpFault::default()
    }
}

fn mesh(mut route: Route, fault: HttpFault) -> Mesh {
    route.fault = Some(fault);
    Mesh::new(&sidecar(vec![route], vec![(cluster("a"), hosts(&[1]))]))
}

/// Observed: the delay takes no time of the route's timeout.
#[test]
fn a_delay_is_no_part_of_the_timeout() {
    for (upstream, status, flags, at) in [
        (0, 200, "DI", 800),
        (300, 200, "DI", 1100),
        (700, 504, "DI,UT", 1300),
    ] {
        let route = to_a(|target| target.timeout = ms(500));
        let mut mesh =
            mesh(route, delay(800, 100.0)).serving(move |_| Deed::Respond(upstream, 200));
        let tag = mesh.request_at(0);
        mesh.run();
        assert_eq!(mesh.outcome(tag), (status, flags.to_owned(), 1));
        assert_eq!(mesh.replied_at(tag), at);
        mesh.assert_idle();
    }
}

#[test]
fn an_aborted_request_reaches_nobody() {
    let route = to_a(|target| {
        target.retry_policy = Some(retries("5xx", 2));
        target.mirrors = vec![crate::config::mirror("a", Ratio::ONE)];
    });
    let mut mesh = mesh(route, abort(AbortStatus::Http(503)));
    let reply = mesh.request();
    assert_eq!((reply.status, reply.attempts), (503, 0));
    assert_eq!(reply.flags.to_string(), "FI");
    assert_eq!(reply.details, Details::FaultFilterAbort);
    assert_eq!((reply.cluster, reply.endpoint), (None, None));
    assert!(mesh.sent.is_empty());
    assert_eq!(mesh.proxy.http_stats().aborts_injected, 1);
    mesh.assert_idle();
}

#[test]
fn delay_and_abort_add_up() {
    let mut both = delay(100, 100.0);
    both.abort = abort(AbortStatus::Http(418)).abort;
    let mut mesh = mesh(to_a(|_| {}), both);
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (418, "DI,FI".to_owned(), 0));
    assert_eq!(mesh.replied_at(tag), 100);
}

/// Observed: a gRPC status is for gRPC clients, others get 200.
#[test]
fn aborts_speak_the_clients_language() {
    let mut grpc = RequestHead::get("a", "/");
    let content_type = ("content-type".to_owned(), "application/grpc".to_owned());
    grpc.headers.push(content_type);
    let plain = RequestHead::get("a", "/");
    for (status, head, answer) in [
        (AbortStatus::Grpc(14), &plain, (200, None)),
        (AbortStatus::Grpc(5), &grpc, (200, Some(5))),
        (AbortStatus::Http(503), &plain, (503, None)),
        (AbortStatus::Http(503), &grpc, (200, Some(14))),
        (AbortStatus::Http(404), &grpc, (200, Some(12))),
    ] {
        let mut mesh = mesh(to_a(|_| {}), abort(status));
        let tag = mesh.send_at(0, head);
        mesh.run();
        let reply = mesh.reply(tag);
        assert_eq!((reply.status, reply.grpc_status), answer, "{status:?}");
    }
}

#[test]
fn redirects_and_direct_responses_are_aborted_too() {
    let redirect = RouteAction::Redirect(Redirect {
        response_code: 301,
        scheme: None,
        host: Some("b".to_owned()),
        port: None,
        path: None,
        strip_query: false,
    });
    let direct = RouteAction::DirectResponse(DirectResponse {
        status: 200,
        body: "x".to_owned(),
    });
    for action in [redirect, direct] {
        let mut aborted = mesh(
            route("r", "/", action.clone()),
            abort(AbortStatus::Http(500)),
        );
        assert_eq!(aborted.request().status, 500);
        let mut delayed = mesh(route("r", "/", action.clone()), delay(50, 100.0));
        let tag = delayed.request_at(0);
        delayed.run();
        assert_eq!(delayed.replied_at(tag), 50);
        assert_eq!(delayed.reply(tag).details, Details::DirectResponse);
    }
}

#[test]
fn a_cancelled_delay_leaves_nothing() {
    let mut mesh = mesh(to_a(|_| {}), delay(50, 100.0));
    let tag = mesh.request_at(0);
    mesh.run_until(20);
    mesh.cancel(tag);
    mesh.run();
    assert!(mesh.replies.is_empty() && mesh.sent.is_empty());
    assert_eq!(mesh.now.as_nanos(), 20_000_000, "its timer is cancelled");
    mesh.assert_idle();
}

#[test]
fn a_share_of_zero_delays_nobody() {
    let mut mesh = mesh(to_a(|_| {}), delay(50, 0.0));
    assert_eq!(mesh.request().flags.to_string(), "-");
    assert_eq!(mesh.proxy.http_stats().delays_injected, 0);
    mesh.assert_idle();
}
