//! What reports make of measurements.

mod sample;

use base::{SimDuration, SimTime};
use reports::{
    AccessLog, AccessLogFormat, OutputFile, Pictures, RunReport, TextStyle, render, render_with,
    run_json, text,
};
use serde_json::Value;
use std::collections::BTreeMap;
use telemetry::{
    AccessLogEntry, AccessLogTry, AttemptFigures, AttemptKind, AttemptLabels, DestinationLabels,
    EjectionRecord, Facts, Histogram, JourneyFigures, JourneyLabels, LatencyBucket, Mark,
    Measurements, Occupancy, Outcome, PodFigures, RequestFigures, RequestLabels, RequestProtocol,
    RequestSeries, Series, TrafficFigures, TryOutcome, Window, WorkloadLabels,
};

fn at(secs: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(secs)
}

fn latencies(millis: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    for millis in millis {
        histogram.record(SimDuration::from_millis(*millis));
    }
    histogram
}

fn reviews(version: &str) -> DestinationLabels {
    DestinationLabels {
        service: "default/reviews".to_owned(),
        host: "reviews.default.svc.cluster.local".to_owned(),
        subset: version.to_owned(),
        workload: WorkloadLabels {
            namespace: "default".to_owned(),
            workload: format!("reviews-{version}"),
            app: "reviews".to_owned(),
            version: version.to_owned(),
        },
    }
}

fn client() -> WorkloadLabels {
    WorkloadLabels {
        namespace: "default".to_owned(),
        workload: "client".to_owned(),
        ..WorkloadLabels::default()
    }
}

fn request(version: &str, code: u16, flags: &str) -> RequestLabels {
    RequestLabels {
        caller: "visitors".to_owned(),
        source: client(),
        destination: reviews(version),
        request_protocol: RequestProtocol::Http,
        response_code: code,
        grpc_response_status: None,
        response_flags: flags.to_owned(),
        destination_pod: String::new(),
        degraded: if version == "v1" { "ratings" } else { "" }.to_owned(),
    }
}

/// Three requests: two to v1, one to v2 that was retried in vain.
fn small() -> RunReport {
    let good = latencies(&[10, 20]);
    let bad = latencies(&[64]);
    let attempt = |version: &str, kind, outcome, count, millis: u128| AttemptFigures {
        labels: AttemptLabels {
            caller: "visitors".to_owned(),
            source: client(),
            destination: reviews(version),
            kind,
            outcome,
        },
        count,
        duration_ns: millis * 1_000_000,
    };
    let journey = |code: u16, flags: &str, latency: &Histogram| JourneyFigures {
        labels: JourneyLabels {
            traffic: "visitors".to_owned(),
            response_code: code,
            grpc_response_status: None,
            response_flags: flags.to_owned(),
            degraded: String::new(),
        },
        requests: latency.count(),
        latency: latency.clone(),
    };
    let series = |version: &str, code, flags, bucket, latency: &Histogram| RequestSeries {
        labels: request(version, code, flags),
        buckets: vec![LatencyBucket {
            bucket,
            tries: latency.count(),
            latency: latency.pack(),
        }],
    };
    let second = 1_000_000_000;
    RunReport {
        scenario: "small".to_owned(),
        version: "0.1.0".to_owned(),
        seed: 7,
        fingerprint: "00ff".to_owned(),
        simulated: SimDuration::from_secs(20),
        events: 42,
        requests: 3,
        wall_seconds: 0.5,
        measurements: Measurements {
            facts: Facts {
                replications: 1,
                end: at(20),
                warm_up: at(0),
                bucket: SimDuration::from_secs(5),
                marks: vec![Mark {
                    at: at(10),
                    label: "half \"done\", <b>".to_owned(),
                }],
                ..Facts::default()
            },
            window: Window {
                asked: Vec::new(),
                receptions: Vec::new(),
                requests_by_pod: Vec::new(),
                from: at(0),
                to: at(20),
                requests: vec![
                    RequestFigures {
                        labels: request("v1", 200, "-"),
                        tries: 2,
                        latency: good.clone(),
                    },
                    RequestFigures {
                        labels: request("v2", 503, "URX"),
                        tries: 2,
                        latency: bad.clone(),
                    },
                ],
                traffic: vec![TrafficFigures {
                    name: "visitors".to_owned(),
                    arrivals: 4,
                    journeys: vec![journey(200, "-", &good), journey(503, "URX", &bad)],
                }],
                attempts: vec![
                    attempt("v1", AttemptKind::First, Outcome::Response(200), 2, 25),
                    attempt("v2", AttemptKind::First, Outcome::Response(503), 1, 30),
                    attempt("v2", AttemptKind::Retry, Outcome::Reset, 1, 4),
                ],
                pods: vec![PodFigures {
                    pod: "reviews-v1-0".to_owned(),
                    workload: reviews("v1").workload,
                    sidecar: true,
                    watched_ns: 20 * second,
                    occupancy: Occupancy {
                        in_service_ns: 10 * second,
                        queued_ns: 5 * second,
                        workers_ns: 40 * second,
                        queued_max: 3,
                    },
                    tries: 2,
                    overflowed: 1,
                }],
            },
            windows: Vec::new(),
            series: Series {
                requests: vec![
                    series("v1", 200, "-", 0, &good),
                    series("v2", 503, "URX", 2, &bad),
                ],
                ..Series::default()
            },
            replicas: Vec::new(),
            proxies: Vec::new(),
            ejections: vec![EjectionRecord {
                replication: 0,
                at: at(12),
                proxy: "client-0".to_owned(),
                cluster: "outbound|9080|v2|reviews.default.svc.cluster.local".to_owned(),
                service: "default/reviews".to_owned(),
                subset: "v2".to_owned(),
                endpoint: "10.0.0.2:9080".to_owned(),
                pod: "reviews-v2-0".to_owned(),
                ejected: true,
            }],
        },
        ..RunReport::default()
    }
}

fn file<'a>(files: &'a [OutputFile], path: &str) -> &'a str {
    let file = files.iter().find(|file| file.path == path);
    let file = file.unwrap_or_else(|| panic!("no {path} among the files"));
    std::str::from_utf8(&file.bytes).expect("tables and documents are text")
}

const LABELS: &str = "source_workload,source_workload_namespace,source_app,source_version,\
     destination_service,destination_service_name,destination_service_namespace,destination_subset,\
     destination_workload,destination_workload_namespace,destination_app,destination_version";

const TO_V1: &str = "client,default,unknown,unknown,reviews.default.svc.cluster.local,reviews,\
     default,v1,reviews-v1,default,reviews,v1";

const TO_V2: &str = "client,default,unknown,unknown,reviews.default.svc.cluster.local,reviews,\
     default,v2,reviews-v2,default,reviews,v2";

#[test]
fn tables_have_the_figures_of_the_window() {
    let files = render_with(&small(), Pictures::None);
    let answer = "request_protocol,response_code,grpc_response_status,response_flags,degraded";
    let figures = "count,mean_ms,p50_ms,p90_ms,p95_ms,p99_ms,p99.9_ms,max_ms";
    let tries = "requests,tries,retries,mirrors,tries_per_request,responses,resets,abandoned,\
                 mean_try_ms";
    let good = "2,15,10,20,20,20,20,20";
    let bad = "1,64,64,64,64,64,64,64";
    for (path, expected) in [
        (
            "requests_total.csv",
            format!(
                "reporter,caller,{LABELS},{answer},requests_total,tries\n\
                 source,visitors,{TO_V1},http,200,,-,ratings,2,2\n\
                 source,visitors,{TO_V2},http,503,,URX,,1,2\n"
            ),
        ),
        (
            "latency.csv",
            format!(
                "reporter,caller,{LABELS},{answer},{figures}\n\
                 source,visitors,{TO_V1},http,200,,-,ratings,{good}\n\
                 source,visitors,{TO_V2},http,503,,URX,,{bad}\n"
            ),
        ),
        (
            "timeseries.csv",
            format!(
                "time_seconds,reporter,caller,{LABELS},{answer},{figures}\n\
                 0,source,visitors,{TO_V1},http,200,,-,ratings,{good}\n\
                 10,source,visitors,{TO_V2},http,503,,URX,,{bad}\n"
            ),
        ),
        (
            "retries.csv",
            format!(
                "caller,{LABELS},{tries}\n\
                 visitors,{TO_V1},2,2,0,0,1,2,0,0,12.5\n\
                 visitors,{TO_V2},1,2,1,0,2,1,1,0,17\n"
            ),
        ),
        (
            "ejections.csv",
            "time_seconds,replication,event,proxy,cluster,service,subset,endpoint,pod\n\
             12,0,ejected,client-0,outbound|9080|v2|reviews.default.svc.cluster.local,\
             default/reviews,v2,10.0.0.2:9080,reviews-v2-0\n"
                .to_owned(),
        ),
        (
            "pods.csv",
            "pod,workload_namespace,workload,app,version,utilization,in_flight_mean,queue_mean,\
             queue_max,tries,overflowed\n\
             reviews-v1-0,default,reviews-v1,reviews,v1,0.25,0.75,0.25,3,2,1\n"
                .to_owned(),
        ),
        (
            "expectations.csv",
            "name,passed,observed,min,max,unit,message\n".to_owned(),
        ),
    ] {
        assert_eq!(file(&files, path), expected, "{path}");
    }
}

#[test]
fn an_access_log_is_two_tables_or_istios_lines() {
    let mut entry = AccessLogEntry {
        number: 3,
        started: at(1),
        request_duration: SimDuration::ZERO,
        time_to_first_byte: Some(SimDuration::from_micros(12_500)),
        duration: SimDuration::from_micros(12_700),
        caller: "visitors".to_owned(),
        source_pod: "client-0".to_owned(),
        source: client(),
        destination: reviews("v1"),
        destination_pod: "reviews-v1-0".to_owned(),
        method: "GET".to_owned(),
        authority: "reviews:9080".to_owned(),
        path: "/reviews/1?a=b,c".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        is_tcp: false,
        user_agent: "curl/8".to_owned(),
        bytes_received: 17,
        bytes_sent: 512,
        response_code: 200,
        grpc_response_status: None,
        response_flags: "-".to_owned(),
        response_code_details: "via_upstream".to_owned(),
        attempts: 2,
        upstream_cluster: "outbound|9080|v1|reviews.default.svc.cluster.local".to_owned(),
        upstream_host: "10.0.0.1:9080".to_owned(),
        route_name: "default".to_owned(),
        tries: vec![
            one_try(1, TryOutcome::Reset("connection_termination")),
            one_try(2, TryOutcome::Response(200)),
        ],
    };
    let mut report = small();
    report.access_log = Some(AccessLog {
        format: AccessLogFormat::Csv,
        entries: vec![entry.clone()],
    });
    let row = format!(
        "1,12.7,0,12.5,source,visitors,3,client-0,client,default,unknown,unknown,GET,reviews:9080,\
         \"/reviews/1?a=b,c\",HTTP/1.1,default,{},reviews-v1-0,200,,-,via_upstream,2,\
         outbound|9080|v1|reviews.default.svc.cluster.local,10.0.0.1:9080,17,512",
        TO_V1.trim_start_matches("client,default,unknown,unknown,")
    );
    let files = render_with(&report, Pictures::None);
    let line = |path, number| {
        let text = file(&files, path);
        text.lines().nth(number).map(str::to_owned)
    };
    assert_eq!(line("access_log.csv", 1), Some(row));
    let tries = [
        "visitors,3,1,1,1.002,,1,,5,10.0.0.1:9080,reviews-v1-0,reset,,connection_termination",
        "visitors,3,1,2,1.004,25,1,4.5,5,10.0.0.1:9080,reviews-v1-0,response,200,",
    ];
    for (number, row) in tries.into_iter().enumerate() {
        assert_eq!(
            line("access_log_tries.csv", number + 1).as_deref(),
            Some(row)
        );
    }

    let mut written = |entry: &AccessLogEntry, format, path| {
        report.access_log = Some(AccessLog {
            format,
            entries: vec![entry.clone()],
        });
        file(&render_with(&report, Pictures::None), path).to_owned()
    };
    let line = "[1970-01-01T00:00:01.000Z] \"GET /reviews/1?a=b,c HTTP/1.1\" 200 - via_upstream - \
                \"-\" 17 512 12 4 \"-\" \"curl/8\" \"visitors-3\" \"reviews:9080\" \"10.0.0.1:9080\" \
                outbound|9080|v1|reviews.default.svc.cluster.local - - - - default\n";
    assert_eq!(
        written(&entry, AccessLogFormat::Istio, "access_log.txt"),
        line
    );
    let json = written(&entry, AccessLogFormat::Json, "access_log.json");
    let json: Value = serde_json::from_str(&json).expect("one line of JSON");
    assert_eq!(keys(&json).len(), 24);
    assert_eq!(json["start_time"], "1970-01-01T00:00:01.000Z");
    assert_eq!(json["upstream_service_time"], "4");
    assert_eq!(json["request_id"], "visitors-3");

    // Of bytes that it passes on, a proxy knows neither requests nor answers.
    entry.is_tcp = true;
    entry.route_name.clear();
    let line = "[1970-01-01T00:00:01.000Z] \"- - -\" 0 - - - \"-\" 17 512 12 - \"-\" \"-\" \"-\" \"-\" \
                \"10.0.0.1:9080\" outbound|9080|v1|reviews.default.svc.cluster.local - - - - -\n";
    assert_eq!(
        written(&entry, AccessLogFormat::Istio, "access_log.txt"),
        line
    );
    let json = written(&entry, AccessLogFormat::Json, "access_log.json");
    let json: Value = serde_json::from_str(&json).expect("one line of JSON");
    assert_eq!(
        (&json["method"], &json["response_code"]),
        (&Value::Null, &0.into())
    );
}

/// A try of 5 ms, whose response begins after 4.5 ms.
fn one_try(number: u16, outcome: TryOutcome) -> AccessLogTry {
    let millis = SimDuration::from_millis;
    AccessLogTry {
        mirror: false,
        number,
        started: at(1) + millis(u64::from(number) * 2),
        back_off: (number > 1).then_some(millis(25)),
        connect: Some(millis(1)),
        time_to_first_byte: match outcome {
            TryOutcome::Response(_) => Some(SimDuration::from_micros(4_500)),
            TryOutcome::Reset(_) | TryOutcome::Abandoned => None,
        },
        duration: millis(5),
        host: "10.0.0.1:9080".to_owned(),
        pod: "reviews-v1-0".to_owned(),
        outcome,
    }
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

#[test]
fn the_json_of_a_run_has_the_fields_of_the_contract() {
    let report = sample::canary(2.0);
    let json = serde_json::to_value(run_json(&report)).expect("a run can be written");
    let text = serde_json::to_string(&run_json(&report)).expect("a run can be written");
    assert!(
        text.starts_with("{\"schema\":\"meshsim.run/1\",\"scenario\":"),
        "{text}"
    );
    let latency = ["max", "mean", "p50", "p90", "p99"];
    let response = ["code", "count", "flags"];
    for (pointer, expected) in [
        (
            "",
            vec![
                "destinations",
                "events",
                "expectations",
                "fingerprint",
                "requests",
                "scenario",
                "schema",
                "seed",
                "simulated_seconds",
                "traffic",
                "wall_seconds",
            ],
        ),
        (
            "/traffic/0",
            vec![
                "latency_ms",
                "name",
                "requests",
                "responses",
                "success_rate",
            ],
        ),
        ("/traffic/0/latency_ms", latency.to_vec()),
        ("/traffic/0/responses/0", response.to_vec()),
        (
            "/destinations/0",
            vec![
                "latency_ms",
                "requests",
                "responses",
                "retries",
                "service",
                "share",
                "subset",
                "tries",
                "version",
                "workload",
            ],
        ),
        ("/destinations/0/latency_ms", latency.to_vec()),
        ("/destinations/0/responses/0", response.to_vec()),
        (
            "/expectations/0",
            vec!["bound", "message", "name", "observed", "passed", "unit"],
        ),
    ] {
        let value = json.pointer(pointer).expect("the contract's place");
        let mut found = keys(value);
        found.sort_unstable();
        assert_eq!(found, expected, "{pointer}");
    }
}

#[test]
fn the_summary_is_the_same_but_for_speed() {
    let summary = |wall_seconds: f64| {
        let mut report = sample::canary(2.0);
        report.wall_seconds = wall_seconds;
        let files = render_with(&report, Pictures::None);
        let json: Value = serde_json::from_str(file(&files, "summary.json")).expect("JSON");
        json
    };
    let (mut slow, mut fast) = (summary(4.0), summary(0.1));
    for json in [&mut slow, &mut fast] {
        let object = json.as_object_mut().expect("an object");
        for name in ["wall_seconds", "requests_per_second", "events_per_second"] {
            assert!(
                object.remove(name).is_some_and(|value| value.is_f64()),
                "{name}"
            );
        }
        assert_eq!(object["schema"], "meshsim.summary/1");
    }
    assert_eq!(slow, fast);
}

fn sum_of(list: &Value, field: &str) -> u64 {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|entry| entry[field].as_u64().expect("a count"))
        .sum()
}

#[test]
fn figures_agree_with_each_other() {
    let report = sample::canary(5.0);
    let files = render_with(&report, Pictures::None);
    let summary: Value = serde_json::from_str(file(&files, "summary.json")).expect("JSON");
    let run = serde_json::to_value(run_json(&report)).expect("a run can be written");
    for traffic in summary["traffic"].as_array().expect("a list") {
        assert_eq!(traffic["requests"], sum_of(&traffic["responses"], "count"));
        let ended = traffic["requests"].as_u64().expect("a count");
        let in_flight = traffic["in_flight"].as_u64().expect("a count");
        assert_eq!(traffic["arrivals"], ended + in_flight);
    }
    for list in [&summary["destinations"], &run["destinations"]] {
        let mut shares = 0.0;
        for destination in list.as_array().expect("a list") {
            assert_eq!(
                destination["requests"],
                sum_of(&destination["responses"], "count")
            );
            if destination["service"] == "default/reviews" {
                shares += destination["share"].as_f64().expect("a share");
            }
        }
        assert!((shares - 1.0).abs() < 1e-12, "{shares}");
    }
    let requests = summary["retries"]["requests"].as_u64().expect("a count");
    assert_eq!(sum_of(&summary["destinations"], "requests"), requests);
    for (path, column) in [
        ("requests_total.csv", "requests_total"),
        ("latency.csv", "count"),
    ] {
        let mut lines = file(&files, path).lines();
        let head: Vec<_> = lines.next().expect("a head").split(',').collect();
        let place = head
            .iter()
            .position(|name| *name == column)
            .expect("the column");
        let count = |line: &str| -> u64 {
            let cell = line.split(',').nth(place).expect("a cell");
            cell.parse().expect("a count")
        };
        assert_eq!(lines.map(count).sum::<u64>(), requests, "{path}");
    }
}

#[test]
fn the_same_measurements_give_the_same_bytes() {
    let (first, second) = (render(&sample::canary(2.0)), render(&sample::canary(2.0)));
    let paths: Vec<_> = first.iter().map(|file| file.path.as_str()).collect();
    for name in [
        "ejections",
        "latency",
        "latency_distribution",
        "pools",
        "responses",
        "retries",
        "service_graph",
        "traffic_split",
        "utilization",
    ] {
        for kind in ["svg", "png"] {
            let path = format!("plots/{name}.{kind}");
            assert!(paths.contains(&path.as_str()), "{path} is missing");
        }
    }
    assert!(paths.is_sorted());
    for file in first.iter().filter(|file| file.path.ends_with(".png")) {
        assert!(file.bytes.starts_with(b"\x89PNG\r\n"), "{}", file.path);
    }
    assert!(first == second);
}

/// Draws a report and checks that its pictures are whole.
fn check_pictures(report: &RunReport) {
    for file in render_with(report, Pictures::Svg) {
        if file.path.ends_with(".svg") {
            let svg = std::str::from_utf8(&file.bytes).expect("SVG is text");
            for number in ["NaN", "inf"] {
                let attribute = svg.split('<').filter(|tag| !tag.starts_with("text"));
                let broken = attribute.filter(|tag| tag.contains(&format!("\"{number}")));
                assert_eq!(broken.count(), 0, "{}: {number}", file.path);
            }
        }
    }
    assert!(!text(report, &TextStyle::default()).is_empty());
}

#[test]
fn every_table_is_in_the_data_dictionary_column_by_column() {
    let mut report = sample::canary(1.0);
    report.access_log = Some(AccessLog::default());
    report
        .measurements
        .replicas
        .push(telemetry::ReplicaRecord::default());
    report.intervals.push(reports::Interval {
        subject: reports::Subject::Traffic("shoppers".to_owned()),
        statistic: "rate".to_owned(),
        unit: reports::Unit::Count,
        ends: reports::Ends::default(),
    });
    let files = render_with(&report, Pictures::None);
    let tables = files.iter().filter(|file| file.path.ends_with(".csv"));
    let dictionary = reports::data_dictionary();
    let mut parts: BTreeMap<&str, Vec<&str>> = (dictionary.split("\n## ").skip(1))
        .map(|part| {
            let (file, rows) = part.split_once('\n').expect("a heading");
            let columns = rows.lines().filter_map(|row| row.strip_prefix("| `"));
            let columns = columns.filter_map(|row| row.split_once('`'));
            (file, columns.map(|(name, _)| name).collect())
        })
        .collect();
    for table in tables {
        let text = String::from_utf8_lossy(&table.bytes);
        let header: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
        assert_eq!(parts.remove(&*table.path), Some(header), "{}", table.path);
    }
    let left: Vec<&str> = parts.into_keys().collect();
    assert_eq!(left, ["results.csv"], "that of sweeps is left");
}

#[test]
fn odd_runs_are_drawn_too() {
    check_pictures(&RunReport::default());
    check_pictures(&small());
    let mut nothing = small();
    nothing.measurements.window = Window::default();
    nothing.measurements.series = Series::default();
    nothing.measurements.ejections.clear();
    check_pictures(&nothing);
    let mut instant = small();
    instant.measurements.facts.end = SimTime::ZERO;
    check_pictures(&instant);
    let mut long_names = sample::canary(0.5);
    long_names.scenario = "long <&> ".repeat(40);
    for mark in &mut long_names.measurements.facts.marks {
        mark.label = "a change with a long description & \"quotes\" ".repeat(5);
    }
    for series in &mut long_names.measurements.series.pods {
        series.workload.workload = series.workload.workload.repeat(12);
    }
    check_pictures(&long_names);
    let mut replications = sample::canary(1.0);
    replications
        .measurements
        .merge(sample::canary(1.0).measurements);
    check_pictures(&replications);
}

#[test]
fn a_large_mesh_is_cut_down() {
    let mut report = small();
    let figures = report.measurements.window.requests[0].clone();
    let series = report.measurements.series.requests[0].clone();
    for index in 0..300 {
        let mut labels = figures.labels.clone();
        labels.destination.service = format!("shop/service-{index}");
        labels.destination.workload.workload = format!("service-{index}");
        labels.destination.workload.app = format!("service-{index}");
        report.measurements.window.requests.push(RequestFigures {
            labels: labels.clone(),
            ..figures.clone()
        });
        report.measurements.series.requests.push(RequestSeries {
            labels,
            ..series.clone()
        });
    }
    check_pictures(&report);
    let files = render_with(&report, Pictures::Svg);
    let graph = file(&files, "plots/service_graph.svg");
    assert!(graph.contains("the 40 busiest of 302 edges"));
    for detail in [reports::Detail::Verdict, reports::Detail::Summary] {
        let style = TextStyle {
            detail,
            ..TextStyle::default()
        };
        let said = text(&report, &style);
        assert!(said.lines().count() <= 38, "{said}");
    }
    let said = text(&report, &terminal(80, 24));
    assert!(said.lines().count() <= 21, "{said}");
    assert!(said.contains("more services in report.html"), "{said}");
}

#[test]
fn the_text_fits_a_screen_and_tells_what_failed() {
    let mut report = failing();
    let plain = text(&report, &TextStyle::default());
    for expected in [
        "✗ canary-release: 1 of 2 expectations missed\n",
        "✗ shoppers do not notice  98.9%, expected at least 99.9%",
        "default/reviews\n",
        "retries used up",
        "(`retries` of VirtualService default/reviews (mesh/reviews.yaml:12))",
        "note: DestinationRule default/reviews: `tcpKeepalive` is not simulated",
    ] {
        assert!(
            plain.contains(expected),
            "{expected} is missing in:\n{plain}"
        );
    }
    assert!(plain.lines().count() <= 38);
    assert!(!plain.contains('\x1b'));
    let coloured = TextStyle {
        colour: true,
        ..TextStyle::default()
    };
    let lines =
        |text: &str| -> Vec<String> { text.lines().map(|l| l.trim_end().to_owned()).collect() };
    let coloured = text(&report, &coloured);
    assert!(coloured.contains('\x1b'));
    assert_eq!(lines(&without_colour(&coloured)), lines(&plain));
    // The time that a run took differs from one to the next, so only terminals are told it.
    report.wall_seconds *= 2.0;
    assert_eq!(text(&report, &TextStyle::default()), plain);
}

#[test]
fn the_text_keeps_to_a_terminal() {
    let mut report = failing();
    report.expectations[0].name = "a name that goes on ".repeat(10);
    for (width, height) in [(80, 24), (120, 50)] {
        for symbols in [reports::Symbols::Unicode, reports::Symbols::Ascii] {
            let style = TextStyle {
                symbols,
                ..terminal(width, height)
            };
            let text = text(&report, &style);
            assert!(text.lines().count() <= height - 3, "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{line}");
            }
            let is_ascii = symbols == reports::Symbols::Ascii;
            assert_eq!(text.replace('µ', "u").is_ascii(), is_ascii, "{text}");
        }
    }
}

#[test]
fn the_text_says_as_much_as_is_asked_for() {
    let mut report = failing();
    let missed = report.expectations.iter_mut().find(|one| !one.passed);
    missed.expect("one is missed").offending = Some(reports::Offending {
        why: "one that was answered 504 UT".to_owned(),
        story: "GET http://reviews/\n→ status 504".to_owned(),
        ..reports::Offending::default()
    });
    let told = |detail| {
        let style = TextStyle {
            detail,
            ..TextStyle::default()
        };
        text(&report, &style)
    };
    let verdict = told(reports::Detail::Verdict);
    assert!(
        verdict
            .starts_with("✗ canary-release: 1 of 2 expectations missed\n✗ shoppers do not notice"),
        "{verdict}"
    );
    assert_eq!(verdict.matches('✗').count(), 2, "{verdict}");
    assert!(
        !verdict.contains('✓') && !verdict.contains("req/s"),
        "{verdict}"
    );
    let summary = told(reports::Detail::Summary);
    assert!(
        summary.contains("one that was answered 504 UT (-v: its way)"),
        "{summary}"
    );
    assert!(!summary.contains("→ status 504"));
    assert!(told(reports::Detail::Full).contains("    │ → status 504\n"));
}

#[test]
fn versions_of_one_workload_are_told_apart() {
    let mut report = small();
    for figures in &mut report.measurements.window.requests {
        let destination = &mut figures.labels.destination;
        destination.subset = String::new();
        destination.workload.workload = "reviews".to_owned();
    }
    let told = text(&report, &TextStyle::default());
    for name in ["  reviews v1 ", "  reviews v2 "] {
        assert_eq!(told.matches(name).count(), 1, "{name}: {told}");
    }
}

#[test]
fn where_a_chain_fails_its_first_link_is_told_first() {
    let mut report = small();
    let requests = &mut report.measurements.window.requests;
    let mut failed = requests.pop().expect("there are requests");
    failed.labels.response_code = 503;
    failed.labels.response_flags = "UF".to_owned();
    requests.clear();
    for (caller, to) in [("a", "middle"), ("default/middle", "last"), ("b", "middle")] {
        let mut link = failed.clone();
        link.labels.caller = caller.to_owned();
        link.labels.destination.service = format!("default/{to}");
        link.labels.destination.subset.clear();
        link.labels.destination.workload.workload = to.to_owned();
        requests.push(link);
    }
    let told = text(&report, &TextStyle::default());
    let place = |way: &str| told.find(way).unwrap_or_else(|| panic!("{way}: {told}"));
    assert!(
        place("default/middle → default/last") < place("a → default/middle"),
        "{told}"
    );
}

#[test]
fn names_that_end_differently_stay_apart_in_a_narrow_terminal() {
    let mut report = small();
    for figures in &mut report.measurements.window.requests {
        let workload = &mut figures.labels.destination.workload;
        workload.workload = format!("{}-{}", "storage-backend".repeat(4), workload.version);
    }
    let told = text(&report, &terminal(72, 50));
    for name in ["v1, st…nd-v1 ", "v2, st…nd-v2 "] {
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn a_pull_request_is_told_where_requests_went_and_what_to_try() {
    let told = reports::markdown(&failing());
    for expected in [
        "| default/reviews | v1, reviews-v1 |",
        "98.9%, expected at least 99.9%<br>success rate of shoppers |",
        "`retries` of VirtualService default/reviews (mesh/reviews.yaml:12)",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

/// A canary that fails, with what led to some of its failures.
fn failing() -> RunReport {
    let mut report = sample::canary(5.0);
    let requests = report.measurements.window.requests.iter();
    let mut failed = requests.filter(|figures| figures.labels.response_flags == "URX");
    let labels = failed.next().expect("some failed").labels.clone();
    report.causes = vec![reports::Cause {
        caller: labels.caller,
        service: labels.destination.service,
        subset: labels.destination.subset,
        response_code: labels.response_code,
        response_flags: labels.response_flags,
        rule: Some(reports::CauseRule {
            object: "VirtualService default/reviews".to_owned(),
            field: "retries".to_owned(),
            place: "mesh/reviews.yaml:12".to_owned(),
            rejected: String::new(),
        }),
        ..reports::Cause::default()
    }];
    report
}

fn terminal(width: usize, height: usize) -> TextStyle {
    TextStyle {
        width: Some(width),
        height: Some(height),
        wall_time: true,
        ..TextStyle::default()
    }
}

fn without_colour(coloured: &str) -> String {
    let mut stripped = String::new();
    for (index, part) in coloured.split("\x1b[").enumerate() {
        let text = if index == 0 {
            part
        } else {
            part.split_once('m').map_or("", |(_, text)| text)
        };
        stripped.push_str(text);
    }
    stripped
}

#[test]
fn intervals_stand_beside_figures() {
    let mut report = sample::canary(1.0);
    let ends = |mean: f64, half: f64| reports::Ends {
        mean,
        low: Some(mean - half),
        high: Some(mean + half),
        replications: 5,
    };
    let name = report.measurements.window.traffic[0].name.clone();
    report.intervals = vec![reports::Interval {
        subject: reports::Subject::Traffic(name.clone()),
        statistic: "p99 latency".to_owned(),
        unit: reports::Unit::Milliseconds,
        ends: ends(90.0, 2.5),
    }];
    report.expectations[1].interval = Some(ends(92.25, 1.5));
    let text = text(&report, &TextStyle::default());
    assert!(
        text.contains(&format!("traffic {name}  p99 latency  90 ms ± 2.5 ms")),
        "{text}"
    );
    assert!(text.contains("± 1.5 ms over replications)"), "{text}");
    let json = serde_json::to_value(reports::run_json(&report)).expect("JSON");
    let p99 = &json["traffic"][0]["interval"]["latency_ms"]["p99"];
    assert_eq!((&p99["low"], &p99["high"]), (&87.5.into(), &92.5.into()));
    assert_eq!(json["expectations"][1]["interval"]["replications"], 5);
    let files = reports::render_with(&report, reports::Pictures::None);
    let table = files
        .iter()
        .find(|file| file.path == "intervals.csv")
        .expect("it is written");
    let want = format!(
        "subject,statistic,unit,mean,low,high,replications\ntraffic {name},p99 latency,ms,90,87.5,92.5,5\n"
    );
    assert_eq!(String::from_utf8_lossy(&table.bytes), want);
}
