//! What a recorder makes of observations: a small world, told by hand.

use base::{Distribution, Seed, SimDuration, SimTime};
use proxy::effect::Reply;
use proxy::input::ResetReason;
use proxy::names::{ClusterId, Endpoint, EndpointId, Names};
use proxy::request::RequestHead;
use proxy::response_flag::{Details, ResponseFlag, ResponseFlags};
use sim::act::Accept;
use sim::application::{CallRules, Content, Mark};
use sim::discipline::Discipline;
use sim::observation::{
    Attempt, AttemptOutcome, Ejection, Exchange, Journey, Observer, Station, Trace,
};
use sim::plan::{
    Abandonment, ApplicationRetries, Arrivals, Behaviour, Change, ChangeEffect, ClusterLabels,
    Dial, Load, Network, Overflow, Plan, Pod, PodId, Server, Service, ServiceId, Site, SiteId,
    Template, Traffic, TrafficId, Workload, WorkloadId,
};
use telemetry::{
    AccessLog, AccessLogOptions, AttemptKind, Measurements, Outcome, Quantile, Recorder,
    RecorderOptions, RequestLabels, TryOutcome,
};

fn at(millis: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_millis(millis)
}

fn workload(name: &str, version: &str, workers: Option<u32>) -> Workload {
    Workload {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        app: name.split('-').next().unwrap_or_default().to_owned(),
        version: version.to_owned(),
        server: server(workers),
    }
}

fn server(workers: Option<u32>) -> Server {
    Server {
        concurrency: workers,
        queue_limit: None,
        overflow: Overflow::Respond(503),
        discipline: Discipline::default(),
        abandonment: Abandonment::Continue,
        refuses: false,
        absent: false,
        accept: Accept::AT_ONCE,
        tls: None,
        keep_alive: None,
        behaviours: vec![Behaviour::default()],
    }
}

/// A client, and `reviews` in two versions: clusters for each subset, and one for the second port of v1.
fn plan() -> Plan {
    let mut names = Names::default();
    let cluster = |port: u16, subset: &str| ClusterLabels {
        cluster: format!("outbound|{port}|{subset}|reviews.default.svc.cluster.local"),
        service: "default/reviews".to_owned(),
        subset: subset.to_owned(),
        port,
    };
    let clusters = vec![
        cluster(9080, "v1"),
        cluster(9080, "v2"),
        cluster(9081, "v1"),
    ];
    for labels in &clusters {
        names.cluster(&labels.cluster);
    }
    for address in ["10.0.0.1", "10.0.0.2"] {
        names.endpoint(Endpoint::new(address, 9080));
    }
    let pod = |name: &str, workload| Pod {
        name: name.to_owned(),
        workload: WorkloadId::new(workload),
        ip: std::net::Ipv4Addr::UNSPECIFIED.into(),
        is_gateway: false,
        table: None,
        inbound: None,
        workers: 1,
        server: None,
    };
    let site = |dialled: &str, service: Option<usize>| Site {
        name: "visitors".to_owned(),
        head: RequestHead::get(dialled, "/reviews/1"),
        layer: proxy::listener::Layer::Http(proxy::request::Protocol::Http1),
        body_bytes: 0,
        upload: SimDuration::ZERO,
        dial: Dial {
            host: dialled.to_owned(),
            port: 9080,
            ip: None,
            service: service.map(ServiceId::new),
            pod: None,
            listener: None,
        },
        timeout: None,
        retries: ApplicationRetries::NONE,
        propagate: Vec::new(),
        rules: CallRules::default(),
    };
    Plan {
        seed: Seed::new(1),
        duration: SimDuration::from_secs(10),
        names,
        tables: Vec::new(),
        workloads: vec![
            workload("client", "", None),
            workload("reviews-v1", "v1", Some(2)),
            workload("reviews-v2", "v2", Some(4)),
        ],
        pods: vec![
            pod("client-0", 0),
            pod("reviews-v1-0", 1),
            pod("reviews-v2-0", 2),
        ],
        services: vec![Service {
            name: "default/reviews".to_owned(),
            ports: Vec::new(),
        }],
        endpoints: vec![Some(PodId::new(1)), Some(PodId::new(2))],
        forwarded_ports: Default::default(),
        clusters,
        sites: vec![site("reviews", Some(0)), site("nowhere.example", None)],
        traffic: vec![Traffic {
            name: "visitors".to_owned(),
            from: vec![PodId::new(0)],
            templates: vec![Template::of(1, SiteId::new(0))],
            values: Vec::new(),
            sessions: None,
            load: Load::Open {
                rate: 10.0,
                arrivals: Arrivals::Constant,
            },
            start: SimTime::ZERO,
            stop: at(10_000),
        }],
        network: Network {
            latency: Distribution::ZERO,
            links: Vec::new(),
            bandwidth: None,
            sidecar_latency: Distribution::ZERO,
            connect_trips: 1,
            places: Vec::new(),
            tiers: [const { None }; 4],
            disturbances: Vec::new(),
        },
        timeline: vec![Change {
            at: at(5_000),
            label: "v1 gets more workers".to_owned(),
            effects: vec![ChangeEffect::Server {
                pod: PodId::new(1),
                server: Box::new(server(Some(6))),
            }],
        }],
        marks: vec![String::new()],
        cluster: None,
        progressive_delivery: None,
    }
}

fn reply(status: u16, flags: ResponseFlags, cluster: Option<usize>, attempts: u16) -> Reply {
    Reply {
        status,
        grpc_status: None,
        truncated: false,
        flags,
        details: Details::ViaUpstream,
        attempts,
        route: None,
        cluster: cluster.map(ClusterId::new),
        endpoint: None,
    }
}

/// A request of `visitors` with all that it causes; `cluster` is also the place of the pod that answers.
fn tell(observer: &mut impl Observer, started: u64, ended: u64, status: u16, cluster: usize) {
    let target = Some(PodId::new(cluster % 2 + 1));
    let reply = reply(status, ResponseFlags::NONE, Some(cluster), 1);
    observer.on_arrival(at(started), TrafficId::new(0), SiteId::new(0));
    observer.on_attempt(&Attempt {
        exchange: started,
        journey: 0,
        site: SiteId::new(0),
        source: PodId::new(0),
        passed_on: false,
        cluster: Some(ClusterId::new(cluster)),
        service: None,
        endpoint: reply.endpoint,
        target,
        number: 1,
        mirror: false,
        sent: at(started),
        connected: None,
        responded: Some(at(ended)),
        ended: at(ended),
        outcome: AttemptOutcome::Response(status),
    });
    observer.on_exchange(&Exchange {
        identity: started,
        trace: Trace::default(),
        traffic: Some((TrafficId::new(0), 1)),
        site: SiteId::new(0),
        source: PodId::new(0),
        passed_on: false,
        proxied: true,
        started: at(started),
        completed: at(started),
        responded: Some(at(ended)),
        ended: at(ended),
        reply,
        target,
        service: None,
        is_tcp: false,
        content: Content::EMPTY,
        route: None,
    });
    observer.on_journey(&Journey {
        identity: 0,
        traffic: TrafficId::new(0),
        site: SiteId::new(0),
        source: PodId::new(0),
        started: at(started),
        ended: at(ended),
        reply,
        mark: Mark::WHOLE,
        requests: 1,
    });
}

fn recorder(windows: Vec<(SimTime, SimTime)>) -> Recorder {
    Recorder::new(
        &plan(),
        &RecorderOptions {
            warm_up: SimDuration::from_secs(2),
            bucket: SimDuration::from_secs(1),
            windows,
            by_pod: false,
        },
    )
}

/// A hundred requests, one each 100 ms, each of 50 ms, every tenth to v2 and every twentieth failing there.
fn canary() -> Measurements {
    let mut recorder = recorder(vec![(at(4_000), at(6_000))]);
    for index in 0..100 {
        let (status, cluster) = match index % 20 {
            9 => (200, 1),
            19 => (503, 1),
            n => (200, if n < 10 { 0 } else { 2 }),
        };
        tell(
            &mut recorder,
            index * 100,
            index * 100 + 50,
            status,
            cluster,
        );
    }
    recorder.on_arrival(at(9_990), TrafficId::new(0), SiteId::new(0));
    recorder.finish(at(10_000))
}

fn all(_: &RequestLabels) -> bool {
    true
}

#[test]
fn requests_are_grouped_by_labels_and_cut_by_their_start() {
    let measured = canary();
    let window = &measured.window;
    assert_eq!((window.from, window.to), (at(2_000), at(10_000)));
    let groups: Vec<_> = (window.requests.iter())
        .map(|figures| {
            let labels = &figures.labels;
            let to = &labels.destination;
            assert_eq!(to.host, "reviews.default.svc.cluster.local");
            assert_eq!(to.subset, to.workload.version);
            assert_eq!(figures.latency.mean(), SimDuration::from_millis(50));
            (
                to.workload.workload.as_str(),
                labels.response_code,
                figures.count(),
            )
        })
        .collect();
    // Both ports of v1 have the same labels, so they are one group.
    let expected = [
        ("reviews-v1", 200, 72),
        ("reviews-v2", 200, 4),
        ("reviews-v2", 503, 4),
    ];
    assert_eq!(groups, expected);
    assert_eq!(measured.windows[0].requests_where(all).count(), 20);
}

#[test]
fn arrivals_are_journeys_and_those_in_flight() {
    let measured = canary();
    let visitors = &measured.window.traffic[0];
    let totals = visitors.totals();
    assert_eq!(
        (visitors.arrivals, totals.count(), visitors.in_flight()),
        (81, 80, 1)
    );
    assert_eq!(totals.successes, 76);
    assert_eq!(totals.success_rate(), Some(0.95));
    let counts: Vec<_> = totals.responses.iter().map(|r| (r.code, r.count)).collect();
    assert_eq!(counts, [(200, 76), (503, 4)]);
    assert_eq!(
        measured.window.requests_where(all).responses,
        totals.responses
    );
}

#[test]
fn series_cover_the_warm_up_and_add_up() {
    let measured = canary();
    let series = &measured.series;
    let requests: u64 = (series.requests.iter())
        .flat_map(|s| &s.buckets)
        .map(|bucket| bucket.latency.count())
        .sum();
    let tries: u64 = series
        .attempts
        .iter()
        .flat_map(|s| &s.buckets)
        .map(|b| b.1)
        .sum();
    let journeys: u64 = (series.journeys.iter())
        .flat_map(|s| &s.buckets)
        .map(|bucket| bucket.latency.count())
        .sum();
    assert_eq!((requests, tries, journeys), (100, 100, 100));
    let failures = &series.journeys[1];
    assert_eq!(failures.labels.response_code, 503);
    let buckets: Vec<_> = failures.buckets.iter().map(|b| b.bucket).collect();
    assert_eq!(buckets, [1, 3, 5, 7, 9]);
    assert_eq!(measured.facts.buckets(), 10);
}

#[test]
fn destinations_have_shares_and_tries() {
    let destinations = canary().window.destinations();
    let figures: Vec<_> = (destinations.iter())
        .map(|d| {
            (
                d.destination.subset.as_str(),
                d.requests.count(),
                d.share,
                d.attempts.tries,
            )
        })
        .collect();
    assert_eq!(figures, [("v1", 72, 0.9, 72), ("v2", 8, 0.1, 8)]);
}

#[test]
fn tries_are_told_apart_by_kind_and_outcome() {
    let mut recorder = recorder(Vec::new());
    for (number, mirror, outcome) in [
        (1, false, AttemptOutcome::Response(503)),
        (
            2,
            false,
            AttemptOutcome::Reset(ResetReason::ConnectionFailure),
        ),
        (3, false, AttemptOutcome::Abandoned),
        (1, true, AttemptOutcome::Response(200)),
    ] {
        recorder.on_attempt(&Attempt {
            exchange: 0,
            journey: 0,
            site: SiteId::new(0),
            source: PodId::new(0),
            passed_on: false,
            cluster: Some(ClusterId::new(0)),
            service: None,
            endpoint: None,
            target: Some(PodId::new(1)),
            number,
            mirror,
            sent: at(3_000),
            connected: None,
            responded: None,
            ended: at(3_010),
            outcome,
        });
    }
    let window = recorder.finish(at(10_000)).window;
    let seen: Vec<_> = (window.attempts.iter())
        .map(|figures| {
            assert_eq!((figures.count, figures.duration_ns), (1, 10_000_000));
            (figures.labels.kind, figures.labels.outcome)
        })
        .collect();
    let expected = [
        (AttemptKind::First, Outcome::Response(503)),
        (AttemptKind::Retry, Outcome::Reset),
        (AttemptKind::Retry, Outcome::Abandoned),
        (AttemptKind::Mirror, Outcome::Response(200)),
    ];
    assert_eq!(seen, expected);
    let totals = window.attempts_where(|_| true);
    assert_eq!((totals.tries, totals.retries, totals.mirrors), (3, 2, 1));
    assert_eq!(window.pods[1].tries, 4);
}

#[test]
fn requests_that_reach_nobody_count_for_what_was_dialled() {
    let mut recorder = recorder(Vec::new());
    for (site, flag) in [
        (0, ResponseFlag::FaultInjected),
        (1, ResponseFlag::NoRouteFound),
    ] {
        recorder.on_exchange(&Exchange {
            identity: 0,
            trace: Trace::default(),
            traffic: None,
            site: SiteId::new(site),
            source: PodId::new(0),
            passed_on: false,
            proxied: true,
            started: at(3_000),
            completed: at(3_000),
            responded: None,
            ended: at(3_000),
            reply: reply(503, ResponseFlags::of(flag), None, 0),
            target: None,
            service: None,
            is_tcp: false,
            content: Content::EMPTY,
            route: None,
        });
    }
    let window = recorder.finish(at(10_000)).window;
    let labels: Vec<_> = (window.requests.iter())
        .map(|figures| {
            let labels = &figures.labels;
            let to = &labels.destination;
            assert_eq!(to.workload.workload, "");
            (
                to.service.as_str(),
                to.host.as_str(),
                labels.response_flags.as_str(),
            )
        })
        .collect();
    let expected = [
        ("default/reviews", "reviews.default.svc.cluster.local", "FI"),
        ("nowhere.example", "nowhere.example", "NR"),
    ];
    assert_eq!(labels, expected);
}

#[test]
fn utilization_follows_a_change_of_workers() {
    let mut recorder = recorder(Vec::new());
    let station = |in_service, queued| Station {
        in_service,
        queued,
        overflowed: 0,
    };
    recorder.on_station(at(1_000), PodId::new(1), station(2, 1));
    recorder.on_change(at(5_000), 0);
    recorder.on_station(at(6_000), PodId::new(1), station(0, 0));
    let measured = recorder.finish(at(10_000));
    let pod = &measured.window.pods[1];
    // Two busy from 2 s to 6 s; two workers until 5 s, six from then to 10 s.
    assert_eq!(pod.utilization(), Some(8.0 / 36.0));
    assert_eq!(pod.queue_mean(), 0.5);
    assert_eq!(pod.in_flight_mean(), 1.5);
    assert_eq!(measured.window.pods[0].utilization(), None);
    assert_eq!(measured.facts.marks.len(), 1);
    assert_eq!(measured.facts.marks[0].label, "v1 gets more workers");
    let series = &measured.series.pods;
    assert_eq!(series.len(), 1);
    let busy: Vec<_> = (series[0].buckets.iter())
        .map(|(bucket, occupancy)| (*bucket, occupancy.utilization()))
        .collect();
    let third = Some(2.0 / 6.0);
    let expected = [
        (1, Some(1.0)),
        (2, Some(1.0)),
        (3, Some(1.0)),
        (4, Some(1.0)),
        (5, third),
    ];
    assert_eq!(busy, expected);
}

#[test]
fn ejections_have_names() {
    let mut recorder = recorder(Vec::new());
    let ejection = Ejection {
        cluster: ClusterId::new(1),
        endpoint: EndpointId::new(1),
        ejected: true,
    };
    recorder.on_ejection(at(3_000), PodId::new(0), ejection);
    let measured = recorder.finish(at(10_000));
    let record = &measured.ejections[0];
    assert_eq!((record.at, record.ejected), (at(3_000), true));
    assert_eq!(record.proxy, "client-0");
    assert_eq!(
        (record.service.as_str(), record.subset.as_str()),
        ("default/reviews", "v2")
    );
    assert_eq!(
        (record.endpoint.as_str(), record.pod.as_str()),
        ("10.0.0.2:9080", "reviews-v2-0")
    );
}

#[test]
fn replications_add_up() {
    let one = canary();
    let mut both = one.clone();
    both.merge(canary());
    assert_eq!(both.facts.replications, 2);
    let (single, double) = (
        one.window.requests_where(all),
        both.window.requests_where(all),
    );
    assert_eq!(double.count(), 2 * single.count());
    assert_eq!(double.latency.mean(), single.latency.mean());
    assert_eq!(both.window.requests.len(), one.window.requests.len());
    assert_eq!(both.window.traffic[0].arrivals, 162);
    assert_eq!(both.series.requests.len(), one.series.requests.len());
    let count = |m: &Measurements| m.series.requests[0].buckets[0].latency.count();
    assert_eq!(count(&both), 2 * count(&one));
    assert_eq!(
        both.window.pods[1].utilization(),
        one.window.pods[1].utilization()
    );
}

#[test]
fn measurements_survive_a_file() {
    let measured = canary();
    let text = serde_json::to_string(&measured).expect("plain data can be written");
    let back: Measurements = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(back, measured);
    let p99 = back.window.requests[0].latency.quantile(Quantile::P99);
    assert_eq!(p99, SimDuration::from_millis(50));
}

#[test]
fn an_access_log_keeps_all_or_a_sample_of_the_whole_run() {
    let plan = plan();
    let log = |sample| {
        let mut log = AccessLog::new(AccessLogOptions { sample });
        for index in 0..100 {
            tell(&mut log, index * 10, index * 10 + 5, 200, 0);
        }
        log.finish(&plan)
    };
    let all = log(None);
    assert_eq!(all.len(), 100);
    assert!(all.is_sorted_by_key(|entry| entry.started));
    let entry = &all[0];
    assert_eq!(entry.destination_pod, "reviews-v1-0");
    assert_eq!(
        entry.upstream_cluster,
        "outbound|9080|v1|reviews.default.svc.cluster.local"
    );
    assert_eq!(
        (entry.method.as_str(), entry.path.as_str()),
        ("GET", "/reviews/1")
    );
    let [only] = &entry.tries[..] else {
        panic!("one try");
    };
    assert_eq!(only.outcome, TryOutcome::Response(200));
    assert_eq!((only.pod.as_str(), only.back_off), ("reviews-v1-0", None));

    let some = log(Some(10));
    assert_eq!(some.len(), 10);
    assert!(some.iter().all(|entry| all.contains(entry)));
    assert!(some.is_sorted_by_key(|entry| entry.started));
    let late = some.iter().filter(|entry| entry.started >= at(500)).count();
    assert!((1..10).contains(&late), "{late} of the second half");
}

#[test]
fn an_access_log_tells_the_back_off_before_each_try() {
    let plan = plan();
    let mut log = AccessLog::new(AccessLogOptions::default());
    let outcomes = [
        (
            1,
            0,
            10,
            AttemptOutcome::Reset(ResetReason::ConnectionTermination),
        ),
        (2, 35, 50, AttemptOutcome::Response(200)),
    ];
    for (number, sent, ended, outcome) in outcomes {
        log.on_attempt(&Attempt {
            exchange: 7,
            journey: 0,
            site: SiteId::new(0),
            source: PodId::new(0),
            passed_on: false,
            cluster: Some(ClusterId::new(0)),
            service: None,
            endpoint: None,
            target: Some(PodId::new(1)),
            number,
            mirror: false,
            sent: at(sent),
            connected: Some(at(sent + 1)),
            responded: None,
            ended: at(ended),
            outcome,
        });
    }
    log.on_exchange(&Exchange {
        identity: 7,
        trace: Trace::default(),
        traffic: Some((TrafficId::new(0), 3)),
        site: SiteId::new(0),
        source: PodId::new(0),
        passed_on: false,
        proxied: true,
        started: at(0),
        completed: at(0),
        responded: Some(at(50)),
        ended: at(50),
        reply: reply(200, ResponseFlags::NONE, Some(0), 2),
        target: Some(PodId::new(1)),
        service: None,
        is_tcp: false,
        content: Content::EMPTY,
        route: None,
    });
    let entries = log.finish(&plan);
    let told: Vec<_> = (entries[0].tries.iter())
        .map(|one| (one.number, one.back_off, one.outcome))
        .collect();
    let expected = [
        (1, None, TryOutcome::Reset("connection_termination")),
        (
            2,
            Some(SimDuration::from_millis(25)),
            TryOutcome::Response(200),
        ),
    ];
    assert_eq!((entries[0].number, told), (3, expected.to_vec()));
}
