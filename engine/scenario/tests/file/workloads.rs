//! `workloads` and `images`: endpoints, scripts, disciplines.

use super::*;

#[test]
fn says_what_is_wrong_with_scripts_and_lists() {
    check_field(
        "workloads: [{workload: a, script: [503, fni]}]",
        &[
            "s.yaml:3:41: error: workloads[0].script[1]: unsupported value \"fni\": expected `cut`, `fin`, `rst`, `garbage`, \
             `hang`, `resetStream` or `refuseStream` (did you mean `fin`?)",
        ],
    );
    check_field(
        "workloads: [{workload: a, script: []}]",
        &["s.yaml:3:35: error: workloads[0].script: `script` is empty (give at least one act)"],
    );
    check_field(
        "workloads: [{workload: a, script: {by: try, acts: [{stats: 503}]}}]",
        &[
            "s.yaml:3:53: error: unknown field \"workloads[0].script.acts[0].stats\" (did you mean `status`?)",
        ],
    );
    check_traffic(
        "{from: a, requests: [{url: http://a/, count: 2}], rate: 1/s}",
        &[
            "s.yaml:3:48: error: traffic[0].requests[0].count: `count` goes with `at` (say when it is sent, such as `at: \
             0s`)",
        ],
    );
    check_traffic(
        "{from: a, requests: [{at: 0s, url: http://a/}, {url: http://a/}], users: 1}",
        &[
            "s.yaml:3:50: error: `traffic[0].requests[1]` lacks `at`, which others of the list have",
            "s.yaml:3:76: error: traffic[0].users: `users` does not go with `requests` that say `at`",
        ],
    );
    check_traffic(
        "{from: a, url: http://a/}",
        &["s.yaml:3:3: error: `traffic[0]` lacks `rate`, `users` or `requests` that say `at`"],
    );
    check_traffic(
        "{from: a, rate: 1/s, listener: main, url: http://a/}",
        &["s.yaml:3:34: error: traffic[0].listener: `listener` goes with `envoy`"],
    );
}

#[test]
fn says_what_is_wrong_with_endpoints() {
    check_field(
        "workloads: [{workload: a, endpoints: [{path: '/s/{code}', status: '{cod}'}, {path: '/s/{a}b', status: '{?q}'}]}]",
        &[
            "s.yaml:3:67: error: workloads[0].endpoints[0].status: `path` captures no `{cod}` (did you mean `{code}`?)",
            "s.yaml:3:84: error: workloads[0].endpoints[1].path: `/s/{a}b` is not a template of paths \
             (braces hold the name of a whole segment, as in `/status/{code}`)",
        ],
    );
    check_field(
        "workloads: [{workload: a, status: soon, delay: '{?}', delayAtMost: 1s}]",
        &[
            "s.yaml:3:35: error: workloads[0].status: `soon` is no part of a request \
             (write `{name}` for a capture of `path`, or `{?name}` for a parameter of the query)",
            "s.yaml:3:48: error: workloads[0].delay: `{?}` is no part of a request \
             (write `{name}` for a capture of `path`, or `{?name}` for a parameter of the query)",
        ],
    );
    check_field(
        "workloads: [{workload: a, delay: 1s, delayAtMost: 1s, script: 503, responses: []}]",
        &[
            "s.yaml:3:79: error: workloads[0].responses: `responses` does not go with `script` (leave one of them out)",
            "s.yaml:3:79: error: workloads[0].responses: `responses` is empty (give at least one response)",
            "s.yaml:3:51: error: workloads[0].delayAtMost: `delayAtMost` goes with a `delay` that requests ask for \
             (write `delay: \"{n}\"` with a capture of `path`, or leave it out)",
        ],
    );
    check_field(
        "workloads: [{workload: a, endpoints: [{path: {exact: a}, when: {probability: 1%}}]}]",
        &[
            "s.yaml:3:54: error: workloads[0].endpoints[0].path.exact: `a` is not a path: it does not begin with `/` \
             (write `/a`)",
            "s.yaml:3:65: error: unknown field \"workloads[0].endpoints[0].when.probability\" (`workloads[0].endpoints[0].when` may have `headers`)",
            "s.yaml:3:64: error: `workloads[0].endpoints[0].when` lacks `headers` (write it as in `headers: {name: value}`)",
        ],
    );
}

#[test]
fn says_what_is_wrong_with_disciplines() {
    check_field(
        "workloads: [{workload: a, workers: loop, queueOrder: filo, drop: last, deadlines: checked}]",
        &[
            "s.yaml:3:36: error: workloads[0].workers: unsupported value \"loop\": expected `threads`, `eventLoop` or `sharedCpu`",
            "s.yaml:3:54: error: workloads[0].queueOrder: unsupported value \"filo\": expected `fifo` or `lifo` \
             (did you mean `fifo`?)",
            "s.yaml:3:66: error: workloads[0].drop: unsupported value \"last\": expected `newest` or `oldest`",
            "s.yaml:3:83: error: workloads[0].deadlines: unsupported value \"checked\": expected `ignore`, `check` or `propagate` \
             (did you mean `check`?)",
        ],
    );
    check_field(
        "workloads: [{workload: a, cpus: 2, slowdown: {}, coldStart: {factor: 0.5, requests: 1, for: 1s}}]",
        &[
            "s.yaml:3:33: error: workloads[0].cpus: `cpus` goes with `workers: sharedCpu` \
             (write `workers: sharedCpu` beside it)",
            "s.yaml:3:46: error: `workloads[0].slowdown` lacks `perInFlight` (write it as in `perInFlight: 10%`)",
            "s.yaml:3:93: error: workloads[0].coldStart.for: `requests` and `for` exclude each other: give one",
            "s.yaml:3:70: error: workloads[0].coldStart.factor: `0.5` is out of range: expected 1 to 1000000 \
             (write a number such as `3`: three times as long)",
        ],
    );
    check_field(
        "workloads: [{workload: a, workers: sharedCpu, cpus: 2 cores}]",
        &[
            "s.yaml:3:53: error: workloads[0].cpus: `2 cores` is no number of CPUs (write it as in `2`, `0.5` or `500m`)",
        ],
    );
}

#[test]
fn says_what_is_wrong_with_images() {
    check_field(
        "workloads: [{workload: a, like: httpbim}]",
        &[
            "s.yaml:3:33: error: workloads[0].like: `httpbim` is no image of the catalogue (did you mean `httpbin`?)",
        ],
    );
    check_field(
        "images: bad-images.yaml",
        &[
            "bad-images.yaml:1:29: error: [0].like: `nonesuch` is no image of the catalogue (the catalogue is in docs/workloads.md)",
            "bad-images.yaml:2:3: error: [1]: two images are named `a` (the other one is at bad-images.yaml:1)",
            "bad-images.yaml:3:3: error: the entry `[2]` lacks `name` (write it as in `name: …`)",
        ],
    );
}

#[test]
fn says_what_is_wrong_with_workloads() {
    check_field(
        "workloads: [{concurrency: 1}]",
        &[
            "s.yaml:3:13: error: `workloads[0]` lacks `workload`, `pod`, `selector`, `namespace`, `image` or `address`",
        ],
    );
    check_field(
        "workloads: [{workload: a, concurrency: 0, queue: none, errorRate: 5, onFull: reject}]",
        &[
            "s.yaml:3:40: error: workloads[0].concurrency: `0` is out of range: expected 1 to 4294967295 (write `1`)",
            "s.yaml:3:50: error: workloads[0].queue: expected integer or `unlimited`, got string \
             (write a whole number, as in `5`, or `unlimited`)",
            "s.yaml:3:67: error: workloads[0].errorRate: expected percentage, got integer (write `5%`)",
            "s.yaml:3:78: error: workloads[0].onFull: unsupported value \"reject\": expected a status or `refuse`",
        ],
    );
    check_field(
        "workloads: [{workload: a, errorRate: 101%, errorStatus: 99}]",
        &[
            "s.yaml:3:38: error: workloads[0].errorRate: `101%` is out of range: expected `0%` to `100%` (write `100%`)",
            "s.yaml:3:57: error: workloads[0].errorStatus: `99` is out of range: expected 200 to 599 (write `200`)",
        ],
    );
    check_field(
        "workloads: [{workload: a, serviceTime: {exponential: 1ms, uniform: {min: 1ms}}}]",
        &[
            "s.yaml:3:68: error: workloads[0].serviceTime.uniform: `exponential` and `uniform` exclude each other: give one",
        ],
    );
    check_field(
        "workloads: [{workload: a, serviceTime: {uniform: {min: 2ms, max: 1ms}}}]",
        &[
            "s.yaml:3:50: error: workloads[0].serviceTime.uniform: `max` must not be shorter than `min`",
        ],
    );
    check_field(
        "workloads: [{workload: a, serviceTime: {lognormal: {median: 5ms}}}]",
        &[
            "s.yaml:3:52: error: `workloads[0].serviceTime.lognormal` lacks `p99` (write it as in `p99: 5s`)",
        ],
    );
    check_field(
        "workloads: [{workload: a, endpoints: [{path: login}]}]",
        &[
            "s.yaml:3:46: error: workloads[0].endpoints[0].path: `login` is not a path: it does not begin with `/` \
           (write `/login`)",
        ],
    );
    check_field(
        "workloads: [{workload: a, calls: [{parallel: [{parallel: [http://a/]}], timeout: 1s}]}]",
        &[
            "s.yaml:3:82: error: workloads[0].calls[0].timeout: `timeout` does not go with `parallel` \
             (write it inside each of the parallel calls)",
            "s.yaml:3:58: error: workloads[0].calls[0].parallel[0].parallel: `parallel` inside `parallel` is not possible \
             (list all calls that are made at the same time in one `parallel`)",
        ],
    );
    check_field(
        "workloads: [{workload: a, calls: [{parallel: [{wait: 1s}, {wait: 2s}]}, {wait: 1s, timeout: 1s}]}]",
        &[
            "s.yaml:3:66: error: workloads[0].calls[0].parallel[1].wait: two waits at the same time are one \
             (keep the longer one)",
            "s.yaml:3:93: error: workloads[0].calls[1].timeout: `timeout` does not go with `wait` \
             (write it as a step of its own)",
        ],
    );
    check_field(
        "workloads: [{workload: a, calls: [{url: http://a/, failureStatus: sane, degraded: a, fallback: {wait: 1s}}]}]",
        &[
            "s.yaml:3:67: error: workloads[0].calls[0].failureStatus: unsupported value \"sane\": expected `same` \
             (did you mean `same`?)",
            "s.yaml:3:103: error: workloads[0].calls[0].fallback.wait: `wait` is no call (write it as a step of its own)",
            "s.yaml:3:67: error: workloads[0].calls[0].failureStatus: `failureStatus` does not go with `degraded` \
             (leave one of them out: the container either fails or goes on)",
            "s.yaml:3:67: error: workloads[0].calls[0].failureStatus: `failureStatus` does not go with `fallback` \
             (write it inside of `fallback`, whose failure counts)",
        ],
    );
    check_field(
        "workloads: [{workload: a, calls: http://a/}]",
        &[
            "s.yaml:3:34: error: workloads[0].calls: expected array, got string (write a list: `[http://a/]`)",
        ],
    );
}

#[test]
fn says_what_is_wrong_with_sizes_and_bandwidths() {
    check_field(
        "workloads: [{pod: a, bodyBytes: 4KB}]",
        &[
            "s.yaml:3:33: error: workloads[0].bodyBytes: `4KB` is not a size (write it as in `512`, `4KiB` or `1.5MB`; a \
             tebibyte is the most)",
        ],
    );
    check_field(
        "workloads: [{pod: a, bodyBytesAtMost: 4KiB}]",
        &[
            "s.yaml:3:39: error: workloads[0].bodyBytesAtMost: `bodyBytesAtMost` goes with `bodyBytes` that requests ask for \
             (write `bodyBytes: \"{n}\"` with a capture of `path`, or leave it out)",
        ],
    );
    check_field(
        "workloads: [{pod: a, bodyBytes: {uniform: {min: 2kB, max: 1kB}}}]",
        &[
            "s.yaml:3:43: error: workloads[0].bodyBytes.uniform: `max` must not be shorter than `min`",
        ],
    );
    check_field(
        "network: {bandwidth: 10MB/s}",
        &[
            "s.yaml:3:22: error: network.bandwidth: `10MB/s` is not a bandwidth (write it as in `100Mbit/s` or `1Gbit/s`)",
        ],
    );
    check_field(
        "network: {links: [{between: [default/a, default/b]}]}",
        &["s.yaml:3:19: error: `network.links[0]` lacks `latency` or `bandwidth`"],
    );
    check_field(
        "workloads: [{pod: a, bodyBytes: 0, endpoints: [{path: '/b/{n}', bodyBytes: '{n}'}]}]",
        &[],
    );
}

#[test]
fn new_fields_of_workloads_are_read() {
    let scenario = read(EVERYTHING, &[]).expect("a good file");
    let find = |name: &str| {
        let mut workloads = scenario.workloads.iter();
        let of_name = |workload: &&Workload| {
            let target = workload.target.workload.as_ref();
            target.is_some_and(|target| target.name == name)
        };
        &workloads.find(of_name).expect("an entry").server
    };
    let crowd = find("crowd");
    let Discipline {
        workers,
        cpus,
        order,
        drops,
        slowdown,
        cold_start,
        deadlines,
    } = crowd.discipline;
    assert_eq!(workers, Workers::SharedCpu);
    assert_eq!((cpus, slowdown), (Some(500), 20_000));
    assert_eq!((order, drops), (QueueOrder::Lifo, Drops::Oldest));
    assert_eq!(deadlines, Deadlines::Propagated);
    let cold_start = cold_start.expect("a cold start");
    assert_eq!(cold_start.excess, 4_000_000);
    assert_eq!(cold_start.fades, Fades::Requests(100));
    // Its own endpoints come before those of httpbin.
    assert!(crowd.endpoints.len() > 20);
    let cold = &crowd.endpoints[0];
    assert_eq!(cold.matches.path, PathPattern::Exact("/cold".to_owned()));
    assert_eq!(cold.matches.headers.len(), 2);
    assert_eq!(cold.matches.headers[0].name, "x-cold");
    assert_eq!(cold.matches.headers[0].value, None);
    assert_eq!((cold.status, cold.degraded.as_str()), (404, "ice"));
    let asked = crowd.endpoints[1].requested.status.as_ref();
    assert_eq!(asked, Some(&Variable::Query("code".to_owned())));
    let delay = crowd.endpoints[2].requested.delay.as_ref();
    let delay = delay.expect("what requests ask for");
    assert_eq!(delay.from, Variable::Path("n".to_owned()));
    assert_eq!(delay.at_most, Some(SimDuration::from_secs(3)));
    assert!(delay.refuses_more);
    let chance = crowd.endpoints[3].script.as_ref().expect("responses");
    assert_eq!(chance.by, ScriptBy::Chance);
    let weights: Vec<u32> = chance.acts.iter().map(|act| act.weight).collect();
    assert_eq!(weights, [9, 1]);
    assert_eq!(chance.acts[1].degraded, "all");
    assert_eq!(chance.acts[0].body.as_deref(), Some("fine"));
    assert_eq!(chance.acts[1].body_bytes, Some(Sizes::constant_of(120)));
    let body = crowd.endpoints[4].requested.body.as_ref();
    let body = body.expect("what requests ask for");
    assert_eq!(body.from, Variable::Path("n".to_owned()));
    assert_eq!((body.at_most, body.refuses_more), (Some(1 << 20), true));
    let sized = crowd.endpoints[5].body_bytes.as_ref();
    assert_eq!(sized.expect("a distribution").quantile(0.5), 4096);

    let warm = find("warm");
    let steps = &warm.endpoints[0].calls;
    assert_eq!(
        steps[0].wait,
        Some(Distribution::Constant(SimDuration::from_millis(5)))
    );
    let call = &steps[1].calls[0];
    assert_eq!(call.success, [200, 404]);
    assert_eq!(call.when.probability, Some(Ratio::from_percent(50.0)));
    assert_eq!(call.failure, Failure::Ignored);
    let fallback = call.fallback.as_ref().expect("a fallback");
    assert_eq!(fallback.failure, Failure::Same);
    assert_eq!(steps[2].calls.len(), 1);
    assert!(steps[2].wait.is_some());
}
