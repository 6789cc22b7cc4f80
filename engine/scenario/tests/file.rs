//! What a scenario file may hold, and what is said about one that holds something else.

use base::{Distribution, Ratio, SimDuration, SimTime};
use manifest::Source;
use meshsim_scenario::discipline::{Discipline, Workers};
use meshsim_scenario::expectation::{Bound, Expectation, Measure};
use meshsim_scenario::script::Ending;
use meshsim_scenario::server::Endpoint;
use meshsim_scenario::timeline::{Act, Kill};
use meshsim_scenario::workload::Workload;
use meshsim_scenario::{LoadOptions, Override, Scenario, load};
use sim::act::{Accept, ScriptBy};
use sim::application::{Failure, PathPattern, RequestMatch, Variable};
use sim::discipline::{Deadlines, Drops, Fades, QueueOrder};
use sim::plan::{Abandonment, Arrivals, Load, Overflow, Sessions};
use sim::profile::{Piece, Profile};

/// A file that uses every field.
const EVERYTHING: &str = include_str!("everything.yaml");
/// A service graph that uses every field.
const GRAPH: &str = include_str!("graph.yaml");
/// A file that uses those that go with an Envoy.
const EVERYTHING_OF_ENVOY: &str = include_str!("everything-envoy.yaml");

/// Three requests, the first two of which are alike but for their time, and one after the end of everything.yaml.
const TRACE: &str = "time,method,host,path,headers,bodyBytes
10.5,GET,a.example.com,/x,end-user: jason,
11.5,GET,a.example.com,/x,end-user: jason,
10,POST,b,/y,,100
1000,GET,b,/y,,
";

fn files(name: &str) -> Result<Vec<Source>, String> {
    if name.starts_with("missing") {
        return Err("no such file or folder".to_owned());
    }
    let text = match name {
        "envoy.yaml" => include_str!("envoy.yaml"),
        "trace.csv" => TRACE,
        "bad.csv" => "time,path\n1,/a\nsoon,/b\n",
        "empty.csv" => "time,path\n",
        "images.yaml" => "- {name: own, image: own, serviceTime: 1ms}\n",
        "bad-images.yaml" => {
            "- {name: a, image: a, like: nonesuch}\n- {name: a, image: b}\n- {image: c}\n"
        }
        _ => "",
    };
    Ok(vec![Source::new(name, text)])
}

fn read(text: &str, overrides: &[&str]) -> Result<Scenario, Vec<String>> {
    let options = LoadOptions {
        name: "folder".to_owned(),
        overrides: overrides
            .iter()
            .map(|text| Override::parse(text).expect("an assignment"))
            .collect(),
    };
    load(&Source::new("s.yaml", text), &options, &files)
        .map_err(|diagnostics| diagnostics.iter().map(ToString::to_string).collect())
}

fn check(text: &str, expected: &[&str]) {
    match read(text, &[]) {
        Ok(_) => assert_eq!(expected.len(), 0, "accepted: {text}"),
        Err(diagnostics) => assert_eq!(diagnostics, expected, "{text}"),
    }
}

/// Checks fields that stand in line 3, after those that every scenario needs.
fn check_field(text: &str, expected: &[&str]) {
    check(
        &format!(
            "manifests: mesh\ntraffic: [{{from: client, rate: 1/s, url: http://a/}}]\n{text}\n"
        ),
        expected,
    );
}

/// Checks an entry of `traffic`, whose fields stand in line 3 from column 3 on.
fn check_traffic(entry: &str, expected: &[&str]) {
    check(&format!("manifests: mesh\ntraffic:\n- {entry}\n"), expected);
}

#[test]
fn says_what_is_wrong_with_tokens() {
    check_field("tokens: {keys: {a: '{\"keys\": []}'}}", &[]);
    check_field(
        "tokens: {clock: soon, keys: {a: '{\"key\": 1}', b: nowhere}}",
        &[
            "s.yaml:3:17: error: tokens.clock: `soon`: expected a time such as `2026-01-31T12:00:00Z`",
            "s.yaml:3:33: error: tokens.keys.a: it is no JSON Web Key Set (write a JSON Web Key Set, \
             `{\"keys\": [...]}`, or name a file with one)",
            "s.yaml:3:50: error: tokens.keys.b: it is no JSON Web Key Set (write a JSON Web Key Set, \
             `{\"keys\": [...]}`, or name a file with one)",
        ],
    );
}

#[test]
fn every_field_is_read() {
    let scenario = read(EVERYTHING, &[]).expect("a good file");
    let schema = meshsim_scenario::schema();
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        for field in definition["properties"].as_object().expect("fields").keys() {
            let is_of_graph = name.starts_with("isotope") || field == "isotope";
            let field_of = |file: &str| file.contains(&format!("{field}:"));
            assert!(
                field_of(EVERYTHING)
                    || field_of(EVERYTHING_OF_ENVOY)
                    || is_of_graph && (field_of(GRAPH) || field == "isotope"),
                "{name}.{field} is not in everything.yaml"
            );
        }
    }
    let ms = SimDuration::from_millis;
    assert_eq!(scenario.name, "everything");
    assert_eq!(scenario.seed, 7);
    assert_eq!(scenario.duration, SimDuration::from_secs(120));
    assert_eq!(scenario.warm_up, SimDuration::from_secs(10));
    assert_eq!(scenario.bucket, ms(500));
    assert_eq!(scenario.manifests.len(), 2);

    let db = &scenario.workloads[0];
    let name = db.target.workload.as_ref().expect("a workload");
    assert_eq!(name.to_string(), "shop/db");
    assert_eq!(db.server.concurrency, Some(4));
    assert_eq!(db.server.queue, Some(100));
    assert_eq!(db.server.on_full, Overflow::Refuse);
    assert_eq!(db.server.on_abandon, Abandonment::Stop);
    let endpoint = &db.server.endpoints[0];
    assert_eq!(
        endpoint.service_time,
        Distribution::Exponential { mean: ms(5) }
    );
    assert_eq!(endpoint.error_rate, Ratio::from_percent(1.5));
    assert_eq!((endpoint.error_status, endpoint.status), (502, 201));

    let web = &scenario.workloads[3].server;
    assert_eq!(web.concurrency, None);
    assert_eq!(web.propagate_headers, ["x-request-id", "end-user"]);
    assert_eq!(web.endpoints.len(), 3);
    assert_eq!(
        web.endpoints[0].matches,
        RequestMatch {
            method: web.endpoints[0].matches.method.clone(),
            ..RequestMatch::prefix("/login")
        }
    );
    assert!(web.endpoints[0].calls.is_empty());
    assert_eq!(web.endpoints[1].calls, web.endpoints[2].calls);
    let steps = &web.endpoints[2].calls;
    assert_eq!(
        steps
            .iter()
            .map(|step| step.calls.len())
            .collect::<Vec<_>>(),
        [1, 1, 2]
    );
    assert_eq!(steps[0].calls[0].failure, Failure::Status(500));
    assert_eq!(steps[1].calls[0].failure, Failure::Ignored);
    assert_eq!(steps[1].calls[0].retries.on_status, [503, 504]);
    assert_eq!(steps[2].calls[1].failure, Failure::Status(424));

    let users = &scenario.traffic[0];
    assert!(matches!(
        users.load,
        Load::Open { rate, arrivals: Arrivals::Constant } if rate == 200.0
    ));
    let request = &users.requests[0].request;
    assert_eq!(request.authority.as_deref(), Some("web.example.com"));
    assert_eq!(request.headers, [("end-user".into(), "jason".into())]);
    let tester = &scenario.traffic[1];
    assert_eq!((tester.name.as_str(), tester.stop), ("tester", None));
    assert!(matches!(tester.load, Load::Closed { users: 50, .. }));
    assert_eq!(tester.requests[1].weight, 3);
    assert_eq!(tester.requests[1].request.url.path, "/slow?x=1");

    assert_eq!(scenario.network.sidecar_latency, Distribution::ZERO);
    let times: Vec<SimTime> = scenario.timeline.iter().map(|change| change.at).collect();
    let written = [
        10, 20, 30, 31, 32, 40, 41, 42, 43, 44, 45, 46, 47, 48, 55, 65, 66, 67,
    ];
    assert_eq!(times, written.map(|s| SimTime::ZERO + ms(1000 * s)));
    let slow = &scenario.timeline[10..];
    for again in [&slow[0], &slow[4], &slow[5]] {
        assert!(matches!(again.acts[..], [Act::Slow { permille: 2500, .. }]));
    }
    assert!(matches!(
        &scenario.timeline[7].acts[..],
        [Act::Kill {
            kill: Kill {
                count: Some(1),
                gracefully: true
            },
            ..
        }]
    ));
    let cluster = scenario.cluster.as_ref().expect("a cluster");
    let names: Vec<&str> = cluster
        .nodes
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    assert_eq!(names, ["a-0", "a-1"]);
    assert_eq!(
        cluster.nodes[0].labels["topology.kubernetes.io/zone"],
        "eu-a"
    );
    assert_eq!(cluster.nodes[0].capacity, Some(20));
    assert_eq!(cluster.sidecar_cpu, SimDuration::from_micros(350));
    assert_eq!(
        scenario.timeline[0].label,
        "shop/db serviceTime 50ms errorRate 20% for 5s".replace("shop/", "")
    );
    let rate = scenario.timeline[2].rate.as_ref().expect("a rate");
    assert!((rate.rate.expect("a rate") - 400.0).abs() < 1e-9);

    let figure = |place: usize| scenario.expect[place].figure().expect("a figure");
    assert_eq!(figure(0).measure, Measure::Share);
    assert_eq!(
        figure(0).bound,
        Bound::About {
            about: 0.1,
            confidence: 0.999
        }
    );
    let names: Vec<&str> = scenario.expect.iter().map(Expectation::name).collect();
    assert_eq!(
        names[1],
        "count of destinationWorkload reviews-v3, requestProtocol grpc, grpcResponseStatus 0, 14 equals 0"
    );
    assert_eq!(names[8], "p99.9 of traffic users at most 1s");
}

#[test]
fn a_small_file_is_enough() {
    let scenario = read(
        "manifests: mesh\ntraffic: [{from: client, rate: 1/s, url: http://a/}]\n",
        &[],
    )
    .expect("a good file");
    assert_eq!(scenario.name, "folder");
    assert_eq!(scenario.seed, 1);
    assert_eq!(scenario.duration, SimDuration::from_secs(60));
    assert_eq!(scenario.bucket, SimDuration::from_secs(1));
    assert_eq!(scenario.traffic[0].name, "client");
    assert_eq!(scenario.traffic[0].from.to_string(), "default/client");
}

#[test]
fn overrides_come_before_reading() {
    let text =
        "manifests: mesh\ntraffic: [{name: users, from: client, rate: 1/s, url: http://a/}]\n";
    let scenario = read(text, &["traffic[users].rate=5/s", "duration=2m"]).expect("a good file");
    assert!(matches!(scenario.traffic[0].load, Load::Open { rate, .. } if rate == 5.0));
    assert_eq!(scenario.bucket, SimDuration::from_secs(2));
    assert_eq!(
        read(text, &["traffic[0].rate=fast"]).expect_err("no rate"),
        [
            "--set traffic[0].rate:1:1: error: traffic[0].rate: `fast` is not a rate \
          (write it as in `200/s`, `30/m` or `5/h`)"
        ]
    );
}

#[test]
fn every_field_of_an_envoy_is_read() {
    let scenario = read(EVERYTHING_OF_ENVOY, &[]).expect("a good file");
    let ms = SimDuration::from_millis;
    assert_eq!(scenario.envoy.as_ref().map(|e| e.concurrency), Some(2));
    let server = &scenario.workloads[0].server;
    assert_eq!(server.accept, Accept::After(ms(20)));
    assert_eq!(server.keep_alive, Some(ms(300)));
    let [cut, tries, all] = &server.endpoints[..] else {
        panic!("three endpoints");
    };
    let header = ("retry-after".to_owned(), "1".to_owned());
    assert_eq!(cut.response_headers, [header]);
    assert_eq!(cut.body_time, Distribution::Constant(ms(40)));
    let acts = |endpoint: &Endpoint| endpoint.script.clone().expect("a script");
    assert_eq!(acts(cut).acts[0].ending, Ending::Cut);
    assert_eq!(acts(tries).by, ScriptBy::Try);
    assert_eq!(acts(tries).acts[1].ending, Ending::Garbage);
    let last = &acts(all).acts[2];
    assert_eq!((last.status, last.close), (Some(200), true));
    assert_eq!(last.service_time, Some(Distribution::Constant(ms(5))));

    let traffic = &scenario.traffic[0];
    let Load::Listed(listed) = &traffic.load else {
        panic!("a list");
    };
    let told: Vec<_> = (listed.iter())
        .map(|one| (one.at, one.template, one.connection, one.worker))
        .collect();
    let at = |millis| SimTime::ZERO + ms(millis);
    let expected = [
        (at(0), 1, Some(0), None),
        (at(100), 1, Some(0), None),
        (at(200), 1, Some(0), None),
        (at(1000), 0, None, Some(1)),
    ];
    assert_eq!(told, expected);
    let first = &traffic.requests[0];
    assert_eq!(first.timeout, Some(SimDuration::from_secs(2)));
    assert_eq!(first.request.body_bytes, 1000);
    assert_eq!(first.request.upload, ms(200));
}

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
fn says_what_is_wrong_with_the_file() {
    check(
        "seed: 1\n",
        &[
            "s.yaml:1:1: error: the scenario lacks `traffic` (write it as in `traffic: [{url: …}]`)",
            "s.yaml:1:1: error: the scenario lacks `manifests`, `envoy` or `isotope` (write it as in `manifests: …`)",
        ],
    );
    check(
        "[]",
        &[
            "s.yaml:1:1: error: expected object, got array (write a map, as in `{traffic: [{url: …}], manifests: …}`)",
        ],
    );
    check_field(
        "warmup: 5s",
        &["s.yaml:3:1: error: unknown field \"warmup\" (did you mean `warmUp`?)"],
    );
    check_field(
        "duration: 60",
        &[
            "s.yaml:3:11: error: duration: expected duration, got integer (add a unit: `60ms` or `60s`)",
        ],
    );
    check_field(
        "duration: 60 s",
        &[
            "s.yaml:3:11: error: duration: `60 s` is not a duration: missing unit: write `ns`, `us`, `ms`, `s`, `m` \
           or `h`, as in `250ms` (write it as in `250ms`, `1.5s` or `5m`)",
        ],
    );
    check_field(
        "duration: 0s",
        &[
            "s.yaml:3:11: error: duration: a duration above zero is expected (write it as in `250ms`, `1.5s` or `5m`)",
        ],
    );
    check_field(
        "warmUp: 60s",
        &["s.yaml:3:9: error: warmUp: the warm-up must be shorter than the run, which takes 60s"],
    );
    check_field(
        "bucket: 1us",
        &["s.yaml:3:9: error: bucket: 60s in buckets of 1us are more than 100000 buckets"],
    );
    check_field(
        "seed: -1",
        &["s.yaml:3:7: error: seed: `-1` is out of range: expected 0 or more (write `0`)"],
    );
    check_field(
        "namespace: on",
        &["s.yaml:3:12: error: namespace: expected string, got boolean (quote it: \"on\")"],
    );
    check(
        "manifests: [missing/]\ntraffic: []\n",
        &["s.yaml:1:13: error: `missing/` cannot be read: no such file or folder"],
    );
}

#[test]
fn says_what_is_wrong_with_traffic() {
    check_traffic(
        "{from: a, rate: 200, url: http://a/}",
        &["s.yaml:3:19: error: traffic[0].rate: expected rate, got integer (write `200/s`)"],
    );
    check_traffic(
        "{from: a, rate: 0/s, url: http://a/}",
        &[
            "s.yaml:3:19: error: traffic[0].rate: a rate above zero is expected (write it as in `200/s`, `30/m` or `5/h`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1000000001/s, url: http://a/}",
        &[
            "s.yaml:3:19: error: traffic[0].rate: `1000000001/s` is out of range: expected at most 1000000000/s \
           (time goes in steps of a nanosecond)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, users: 5, url: http://a/}",
        &["s.yaml:3:31: error: traffic[0].users: `rate` and `users` exclude each other: give one"],
    );
    check_traffic(
        "{from: a, rate: 1/s}",
        &[
            "s.yaml:3:3: error: `traffic[0]` lacks `url`, `requests` or `trace` (write it as in `url: …`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: ftp://a/}",
        &[
            "s.yaml:3:29: error: traffic[0].url: `ftp://a/` cannot be used as a URL: scheme `ftp` is not simulated \
           (write it as in `http://reviews:9080/reviews/1`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/, method: get}",
        &[
            "s.yaml:3:48: error: traffic[0].method: `get` is not an HTTP method that Envoy takes (write it in capitals: `GET`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, thinkTime: 1s, url: http://a/}",
        &["s.yaml:3:35: error: traffic[0].thinkTime: `thinkTime` goes with `users`"],
    );
    check_traffic(
        "{from: a, users: 1, arrivals: constant, requests: []}",
        &[
            "s.yaml:3:53: error: traffic[0].requests: `requests` is empty (give at least one)",
            "s.yaml:3:33: error: traffic[0].arrivals: `arrivals` goes with `rate`",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/, start: 5s, stop: 5s}",
        &["s.yaml:3:57: error: traffic[0].stop: `stop` must be later than `start`"],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/, start: 60s}",
        &["s.yaml:3:3: error: 60s is not before the end of the run at 60s"],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/}\n- {from: b/a, rate: 1/s, url: http://a/}",
        &["s.yaml:4:3: error: two traffic sources are named `a` (the other one is in line 3)"],
    );
    check_traffic(
        "{from: a/b/c, rate: 1/s, url: http://a/}",
        &[
            "s.yaml:3:10: error: traffic[0].from: `a/b/c` does not name an object \
           (write `namespace/name`, as in `default/reviews`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, arrivals: poison, url: http://a/}",
        &[
            "s.yaml:3:34: error: traffic[0].arrivals: unsupported value \"poison\": expected `poisson` or `constant` \
           (did you mean `poisson`?)",
        ],
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
fn says_what_is_wrong_with_changes() {
    check_field(
        "timeline: [{at: 5s, drain: a, repeat: {every: 1s, times: 10001}}]",
        &[
            "s.yaml:3:58: error: timeline[0].repeat.times: `10001` is out of range: expected 1 to 10000 (write `10000`)",
        ],
    );
    // Said once, not 60 times.
    check_field(
        "timeline: [{at: 59s, drain: a, repeat: {every: 1s, times: 60}}]",
        &["s.yaml:3:12: error: 60s is not before the end of the run at 60s"],
    );
    check_field(
        "timeline: [{at: 5s}]",
        &[
            "s.yaml:3:12: error: `timeline[0]` lacks what happens: `apply`, `delete`, `traffic`, `drain`, `outage`, `link`, or `workload` and what becomes of it",
        ],
    );
    check_field(
        "timeline: [{at: 5s, traffic: client}]",
        &["s.yaml:3:12: error: `timeline[0]` lacks `rate`, `factor` or `users`"],
    );
    check_field(
        "timeline: [{at: 5s, workload: a}]",
        &[
            "s.yaml:3:12: error: `timeline[0]` lacks what changes, such as `serviceTime`, `script` or `refuse`",
        ],
    );
    check_field(
        "timeline: [{at: 5s, refuse: true}]",
        &[
            "s.yaml:3:12: error: `timeline[0]` lacks `workload`, `pod`, `selector`, `namespace`, `image` or `address`",
        ],
    );
    check_field(
        "timeline: [{at: 90s, delete: reviews}]",
        &[
            "s.yaml:3:30: error: timeline[0].delete: `reviews` does not name an object \
           (write `kind/namespace/name`, as in `virtualservice/default/reviews`)",
            "s.yaml:3:12: error: 90s is not before the end of the run at 60s",
        ],
    );
    check_field(
        "timeline: [{at: 5s, apply: missing.yaml}]",
        &["s.yaml:3:28: error: `missing.yaml` cannot be read: no such file or folder"],
    );
}

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

mod random {
    use super::*;
    use proptest::prelude::*;

    /// Lines of a good file, some of them replaced, doubled or left out.
    fn mutated() -> impl Strategy<Value = String> {
        let lines: Vec<&'static str> = EVERYTHING.lines().collect();
        let count = lines.len();
        proptest::collection::vec((0..count, 0..count, 0..4_u8), 0..8).prop_map(move |edits| {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            for (at, other, kind) in edits {
                let at = at.min(lines.len() - 1);
                let other = lines[other.min(lines.len() - 1)].clone();
                match kind {
                    0 => lines[at] = other,
                    1 => lines.insert(at, other),
                    2 if lines.len() > 1 => drop(lines.remove(at)),
                    _ => {
                        let half = lines[at].chars().count() / 2;
                        lines[at] = lines[at].chars().take(half).collect();
                    }
                }
            }
            lines.join("\n")
        })
    }

    proptest! {
        #[test]
        fn mutated_files_never_panic(text in mutated()) {
            let _ = read(&text, &[]);
        }

        #[test]
        fn any_text_never_panics(text in "\\PC*", path in "[a-z.\\[\\]0-9]{0,12}", value in "\\PC{0,12}") {
            let _ = read(&text, &[]);
            if let Some(change) = Override::parse(&format!("{path}={value}")) {
                let options = LoadOptions { name: String::new(), overrides: vec![change] };
                let _ = load(&Source::new("s.yaml", EVERYTHING), &options, &files);
            }
        }
    }
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

#[test]
fn loads_values_and_traces_are_read() {
    let scenario = read(EVERYTHING, &[]).expect("a good file");
    let named = |name: &str| {
        let mut sources = scenario.traffic.iter();
        sources.find(|traffic| traffic.name == name).expect(name)
    };
    let seconds = SimDuration::from_secs;
    let Load::Varying { rate, arrivals } = &named("shoppers").load else {
        panic!("a load that varies");
    };
    let piece = |from, begins, slope| Piece {
        from: seconds(from),
        begins,
        slope,
    };
    let slope = 190.0 / 60.0;
    let pieces = vec![piece(0, 10.0, slope), piece(60, 200.0, 0.0)];
    assert_eq!(
        (rate, arrivals),
        (&Profile::Pieces(pieces), &Arrivals::Poisson)
    );
    let shoppers = named("shoppers");
    assert_eq!(shoppers.requests[0].uses, [0, 1, 2]);
    let request = &shoppers.requests[0].request;
    assert_eq!(request.url.path, "/{product}?q=a%20b&color={color}");
    let cookie = ("cookie".to_owned(), "id={user}; theme=dark".to_owned());
    assert!(request.headers.contains(&cookie), "{:?}", request.headers);
    assert_eq!(shoppers.values[0].texts.len(), 100);
    assert_eq!(shoppers.values[1].texts, ["shoe", "7"]);
    assert_eq!(shoppers.values[2].chances.cumulative, [0.75, 1.0]);
    let Some(Sessions::Drawn(users)) = &shoppers.sessions else {
        panic!("drawn users");
    };
    assert_eq!(users.count(), 1000);

    let Load::Closed {
        users,
        each,
        more,
        pace,
        ..
    } = named("fortio").load
    else {
        panic!("a closed load");
    };
    let pause = Some(SimDuration::from_millis(40));
    assert_eq!((users, each, more, pace), (4, Some(10), 1, pause));
    assert_eq!(
        named("fortio").stop,
        None,
        "a number of requests, not a time"
    );

    let again = named("again");
    let Load::Listed(listed) = &again.load else {
        panic!("a list");
    };
    let times: Vec<_> = listed
        .iter()
        .map(|one| (one.at.as_nanos() / 1_000_000, one.template))
        .collect();
    assert_eq!(
        times,
        [(5000, 0), (5250, 1), (5750, 1)],
        "twice as fast, from its start on"
    );
    assert_eq!((again.requests.len(), again.cut), (2, 1));
    let jason = &again.requests[1].request;
    assert_eq!(
        (
            jason.url.host.as_str(),
            jason.url.port,
            jason.url.path.as_str()
        ),
        ("web", 81, "/x")
    );
    assert_eq!(jason.authority.as_deref(), Some("a.example.com"));
    assert_eq!(again.requests[0].request.body_bytes, 100);
}

#[test]
fn says_what_is_wrong_with_loads_values_and_traces() {
    for (entry, expected) in [
        (
            "{from: a, url: http://a/, load: []}",
            "s.yaml:3:35: error: traffic[0].load: `load` is empty (give at least one stage)",
        ),
        (
            "{from: a, url: http://a/, load: [{rate: 5}]}",
            "s.yaml:3:43: error: traffic[0].load[0].rate: expected rate, got integer (write `5/s`)",
        ),
        (
            "{from: a, url: http://a/, load: [{rate: 1/s}, {at: 0s, rate: 2/s}]}",
            "s.yaml:3:49: error: traffic[0].load[1]: 0s is not later than the stage before, at 0s (write stages in order \
             of time)",
        ),
        (
            "{from: a, url: http://a/, load: [{rate: 0/s}]}",
            "s.yaml:3:35: error: traffic[0].load: `load` never has a rate above zero (give a stage a rate such as `50/s`)",
        ),
        (
            "{from: a, url: http://a/, bursts: {length: 0s, pause: 1s, rate: 1/s}}",
            "s.yaml:3:46: error: traffic[0].bursts.length: a phase longer than zero is expected",
        ),
        (
            "{from: a, url: http://a/, rate: 1/s, diurnal: {mean: 1/s, amplitude: 10%}}",
            "s.yaml:3:49: error: traffic[0].diurnal: `rate` and `diurnal` exclude each other: give one",
        ),
        (
            "{from: a, url: http://a/, fortio: -c 5 -n 4}",
            "s.yaml:3:37: error: traffic[0].fortio: 4 requests are fewer than the 5 connections (give fewer \
             connections: `-c`)",
        ),
        (
            "{from: a, url: http://a/, fortio: -k}",
            "s.yaml:3:37: error: traffic[0].fortio: the flag `-k` is not simulated (`-c`, `-n`, `-qps` and `-t` are known)",
        ),
        (
            "{from: a, url: 'http://a/{usr}', rate: 1/s, values: {user: [x]}}",
            "s.yaml:3:55: error: traffic[0].values: `{usr}` in `/{usr}` is none of the `values` (did you mean `{user}`?)",
        ),
        (
            "{from: a, url: 'http://a/{u}', rate: 1/s, values: {u: {to: 0}}}",
            "s.yaml:3:62: error: traffic[0].values.u.to: `1` to `0` are no 1 to 100000 numbers",
        ),
        (
            "{from: a, url: 'http://a/{u}', rate: 1/s, values: {u: [x]}, sessions: true}",
            "s.yaml:3:73: error: traffic[0].sessions: it is not known whose requests these are (say how many users there \
             are: `{users: 1000}`)",
        ),
        (
            "{from: a, trace: bad.csv}",
            "bad.csv:3:1: error: time: `soon` is not a time (write seconds as in `1.25`, a duration as in `250ms`, or `2026-01-31T12:00:00Z`)",
        ),
        (
            "{from: a, trace: empty.csv}",
            "s.yaml:3:20: error: `empty.csv` holds no request",
        ),
        (
            "{from: a, trace: missing.csv}",
            "s.yaml:3:20: error: `missing.csv` cannot be read: no such file or folder",
        ),
        (
            "{from: a, trace: trace.csv, rate: 1/s}",
            "s.yaml:3:37: error: traffic[0].rate: `rate` does not go with `trace`",
        ),
    ] {
        check_traffic(entry, &[expected]);
    }
    check_traffic(
        "{from: a, url: 'http://a/', rate: 1/s, values: {u: [x]}}",
        &["s.yaml:3:50: error: traffic[0].values: no request uses `{u}`"],
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

/// A map with few fields is told of in full, by its place; one with many is not.
#[test]
fn unknown_fields_are_told_by_their_place() {
    check_traffic(
        "{from: a, url: http://a/, bursts: {every: 1, length: 1s, pause: 1s, rate: 1/s}}",
        &[
            "s.yaml:3:38: error: unknown field \"traffic[0].bursts.every\" (`traffic[0].bursts` may have `length`, `pause`, \
             `rate`, `pauseRate`)",
        ],
    );
    check_traffic(
        "{from: a, url: http://a/, rate: 1/s, somewhere: 1}",
        &[
            "s.yaml:3:40: error: unknown field \"traffic[0].somewhere\" (`meshsim schema` prints what `traffic[0]` may have)",
        ],
    );
}
