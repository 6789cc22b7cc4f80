//! What a scenario file may hold, and what is said about one that holds something else.

mod envoy;
mod expectations;
mod random;
mod timeline;
mod tokens;
mod traffic;
mod workloads;

use base::{Distribution, Ratio, SimDuration, SimTime, Sizes};
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
const EVERYTHING: &str = include_str!("../everything.yaml");
/// A service graph that uses every field.
const GRAPH: &str = include_str!("../graph.yaml");
/// A file that uses those that go with an Envoy.
const EVERYTHING_OF_ENVOY: &str = include_str!("../everything-envoy.yaml");

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
        "envoy.yaml" => include_str!("../envoy.yaml"),
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
