//! `expect`: figures, single requests and labels.

use super::*;

#[test]
fn says_what_is_wrong_with_expectations() {
    let lacks = "s.yaml:3:10: error: `expect[0]` lacks";
    check_field(
        "expect: [{count: {}}]",
        &[&format!(
            "{lacks} a bound: `atLeast`, `atMost`, `equals` or `about`"
        )],
    );
    check_field(
        "expect: [{count: {}, equals: 1, atMost: 2}]",
        &[
            "s.yaml:3:10: error: expect[0]: `atLeast` and `atMost`, `equals`, and `about` exclude each other \
           (write several expectations)",
        ],
    );
    check_field(
        "expect: [{p99: {}, atMost: 99%}]",
        &[
            "s.yaml:3:28: error: expect[0].atMost: `99%` is not a duration: missing unit: write `ns`, `us`, `ms`, `s`, \
           `m` or `h`, as in `250ms` (write it as in `250ms`, `1.5s` or `5m`)",
        ],
    );
    let of_itself = "this is a share of itself, and always 100 % (say of what, such as `of: {traffic: users}`, or which part, such \
                     as `subset` or `responseCode`)";
    check_field(
        "expect: [{share: {destinationService: a}, atLeast: 99%}]",
        &[&format!("s.yaml:3:18: error: expect[0].share: {of_itself}")],
    );
    check_field(
        "expect: [{share: {destinationService: a}, of: {traffic: b}, atLeast: 99%}]",
        &[],
    );
    check_field(
        "expect: [{p99: {}, about: 5ms}]",
        &[
            "s.yaml:3:27: error: expect[0].about: `about` needs a distance here: chance alone follows no known law \
           (add `within`)",
        ],
    );
    check_field(
        "expect: [{share: {subset: a}, about: 5%, confidence: 100%}]",
        &[
            "s.yaml:3:54: error: expect[0].confidence: a confidence lies above 0% and below 100% \
           (chance can never be excluded altogether: write `99.99%`)",
        ],
    );
    check_field(
        "expect: [{count: {destinationworkload: a}, equals: 0}]",
        &[
            "s.yaml:3:19: error: unknown field \"expect[0].count.destinationworkload\" \
           (did you mean `destinationWorkload`?)",
        ],
    );
    check_field(
        "expect: [{count: {responseCode: [503, 5x, 42]}, equals: 0}]",
        &[
            "s.yaml:3:39: error: expect[0].count.responseCode[1]: `5x` is not a class of statuses \
             (write a status such as `503`, or a class such as `5xx`)",
            "s.yaml:3:43: error: expect[0].count.responseCode[2]: `42` is not an HTTP status \
             (write a status such as `503`, or 0 for none)",
        ],
    );
    check_field(
        "expect: [{retries: {responseFlags: URX}, equals: 0}]",
        &[
            "s.yaml:3:20: error: expect[0].retries: `responseFlags` belong to requests, not to tries \
           (leave them out, or `count` requests)",
        ],
    );
    check_field(
        "expect: [{count: {}, equals: 0, window: {from: 20s, to: 20s}}]",
        &[
            "s.yaml:3:41: error: expect[0].window: the window is empty: it ends at 20s and begins at 20s",
        ],
    );
    check_field(
        "expect: [{count: {}, equals: 0, window: {to: 61s}}]",
        &[
            "s.yaml:3:41: error: expect[0].window: the window ends at 61s, after the run, which takes 60s",
        ],
    );
    check_field(
        "expect: [{count: {}, of: {}, within: 1, atMost: 1}]",
        &[
            "s.yaml:3:26: error: expect[0].of: `of` goes with `share`",
            "s.yaml:3:38: error: expect[0].within: `within` goes with `about`",
        ],
    );
}

#[test]
fn expectations_of_single_requests_are_checked() {
    let asked = "request: {from: client, url: http://a/}";
    for (entry, expected) in [
        (
            format!("{{{asked}}}"),
            "s.yaml:3:10: error: `expect[0]` lacks what is expected, such as `to`, `status` or \
             `outcome`",
        ),
        (
            format!("{{{asked}, statuz: 404}}"),
            "s.yaml:3:52: error: unknown field \"expect[0].statuz\" (did you mean `status`?)",
        ),
        (
            format!("{{{asked}, outcome: no_rout}}"),
            "s.yaml:3:61: error: expect[0].outcome: unsupported value \"no_rout\": expected `forwarded`, `redirect`, \
             `direct_response`, `cors_preflight`, `token_refused`, `fault_abort`, `no_route`, `no_cluster`, `no_healthy_upstream`, \
             `passthrough`, `blackhole`, `no_listener` or `no_sidecar` (did you mean `no_route`?)",
        ),
        (
            format!("{{{asked}, weight: 10%}}"),
            "s.yaml:3:60: error: expect[0].weight: `weight` goes with `to` or `subset`",
        ),
        (
            format!("{{{asked}, status: 404, at: 60s}}"),
            "s.yaml:3:69: error: expect[0].at: 60s is not before the end of the run at 60s",
        ),
        (
            "{request: {url: http://a/}, status: 404}".to_owned(),
            "s.yaml:3:20: error: `expect[0].request` lacks `from` or `gateway`",
        ),
    ] {
        check_field(&format!("expect: [{entry}]"), &[expected]);
    }
}

#[test]
fn labels_of_requests_are_checked() {
    for (entry, expected) in [
        (
            "{count: {requestProtocol: http2}, equals: 0}",
            "s.yaml:3:36: error: expect[0].count.requestProtocol: unsupported value \"http2\": expected `http`, `grpc` or \
             `tcp` (did you mean `http`?)",
        ),
        (
            "{count: {grpcResponseStatus: 17}, equals: 0}",
            "s.yaml:3:39: error: expect[0].count.grpcResponseStatus: `17` is not a gRPC status: expected 0 to 16",
        ),
        (
            "{tries: {requestProtocol: http}, equals: 0}",
            "s.yaml:3:18: error: expect[0].tries: `requestProtocol` belong to requests, not to tries (leave them out, or \
             `count` requests)",
        ),
    ] {
        check_field(&format!("expect: [{entry}]"), &[expected]);
    }
}
