//! A run that never was: a canary release in a small bookshop, drawn from fixed sequences.

use base::{SimDuration, SimTime, math};
use reports::{Expectation, RunReport, Unit};
use std::collections::BTreeMap;
use telemetry::{
    AttemptFigures, AttemptKind, AttemptLabels, AttemptSeries, DestinationLabels, EjectionRecord,
    Facts, Histogram, JourneyFigures, JourneyLabels, JourneySeries, LatencyBucket, Mark,
    Measurements, Occupancy, Outcome, PodFigures, PodSeries, PoolSeries, PoolUse, ProxyFigures,
    RequestFigures, RequestLabels, RequestProtocol, RequestSeries, Series, StatScope,
    StatScopeKind, TrafficFigures, Window, WorkloadLabels,
};

const SECONDS: u64 = 600;
const WARM_UP: u64 = 60;
const BUCKET: u64 = 5;

/// Numbers that look random.
struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn lognormal(&mut self, median_ms: f64, sigma: f64) -> f64 {
        let z = math::normal_quantile(self.unit());
        median_ms * math::exp(sigma * z)
    }
}

#[derive(Default)]
struct Counted {
    tries: u64,
    window: Histogram,
    buckets: BTreeMap<u32, (u64, Histogram)>,
}

impl Counted {
    fn add(&mut self, second: f64, millis: f64, tries: u64) {
        let latency = SimDuration::from_secs_f64(millis / 1000.0);
        let ended = second + millis / 1000.0;
        if ended >= SECONDS as f64 {
            return;
        }
        if second >= WARM_UP as f64 {
            self.tries += tries;
            self.window.record(latency);
        }
        let bucket = (ended / BUCKET as f64) as u32;
        let entry = self.buckets.entry(bucket).or_default();
        entry.0 += tries;
        entry.1.record(latency);
    }

    fn series(&self) -> Vec<LatencyBucket> {
        (self.buckets.iter())
            .map(|(bucket, (tries, histogram))| LatencyBucket {
                bucket: *bucket,
                tries: *tries,
                latency: histogram.pack(),
            })
            .collect()
    }
}

fn workload(name: &str, app: &str, version: &str) -> WorkloadLabels {
    WorkloadLabels {
        namespace: "default".to_owned(),
        workload: name.to_owned(),
        app: app.to_owned(),
        version: version.to_owned(),
    }
}

fn destination(app: &str, version: &str) -> DestinationLabels {
    DestinationLabels {
        service: format!("default/{app}"),
        host: format!("{app}.default.svc.cluster.local"),
        subset: if app == "reviews" { version } else { "" }.to_owned(),
        workload: if version.is_empty() {
            WorkloadLabels::default()
        } else {
            workload(&format!("{app}-{version}"), app, version)
        },
    }
}

#[derive(Default)]
struct Tape {
    requests: BTreeMap<RequestLabels, Counted>,
    journeys: BTreeMap<JourneyLabels, Counted>,
    attempts: BTreeMap<AttemptLabels, Counted>,
    pods: BTreeMap<(String, String, String), BTreeMap<u32, f64>>,
}

/// A call, as it ended.
struct Call<'a> {
    second: f64,
    caller: &'a str,
    source: WorkloadLabels,
    to: DestinationLabels,
    code: u16,
    flags: &'a str,
    millis: f64,
    tries: u64,
}

impl Tape {
    fn call(&mut self, call: Call<'_>) {
        let labels = RequestLabels {
            caller: call.caller.to_owned(),
            source: call.source.clone(),
            destination: call.to.clone(),
            request_protocol: RequestProtocol::Http,
            response_code: call.code,
            grpc_response_status: None,
            response_flags: call.flags.to_owned(),
            destination_pod: String::new(),
            degraded: String::new(),
        };
        (self.requests.entry(labels).or_default()).add(call.second, call.millis, call.tries);
        for number in 1..=call.tries {
            let labels = AttemptLabels {
                caller: call.caller.to_owned(),
                source: call.source.clone(),
                destination: call.to.clone(),
                kind: if number == 1 {
                    AttemptKind::First
                } else {
                    AttemptKind::Retry
                },
                outcome: if number < call.tries || call.code >= 500 {
                    Outcome::Response(503)
                } else {
                    Outcome::Response(call.code)
                },
            };
            let millis = call.millis / call.tries as f64;
            (self.attempts.entry(labels).or_default()).add(call.second, millis, 1);
        }
        if call.tries > 0 {
            let to = &call.to.workload;
            let pod = format!("{}-{}", to.workload, (call.second * 7.0) as u64 % 2);
            let busy = (self.pods)
                .entry((pod, to.app.clone(), to.version.clone()))
                .or_default();
            *busy
                .entry((call.second / BUCKET as f64) as u32)
                .or_default() += call.millis * 0.9 * call.tries as f64;
        }
    }

    fn journey(&mut self, second: f64, code: u16, flags: &str, millis: f64) {
        let labels = JourneyLabels {
            traffic: "shoppers".to_owned(),
            response_code: code,
            grpc_response_status: None,
            response_flags: flags.to_owned(),
            degraded: String::new(),
        };
        (self.journeys.entry(labels).or_default()).add(second, millis, 1);
    }
}

fn share_of_v2(second: f64) -> f64 {
    match second as u64 {
        0..120 => 0.0,
        120..240 => 0.1,
        240..420 => 0.5,
        _ => 1.0,
    }
}

/// The canary's trouble: from 300 s to 390 s every second try of v2 fails.
fn failing(second: f64) -> bool {
    (300.0..390.0).contains(&second)
}

fn play(rate: f64) -> Tape {
    let mut draws = Draws(88_172_645_463_325_252);
    let mut tape = Tape::default();
    let client = workload("shoppers", "shoppers", "");
    let page = workload("productpage-v1", "productpage", "v1");
    let mut second = 0.0;
    while second < SECONDS as f64 {
        second += -math::ln(draws.unit()) / rate;
        let details = draws.lognormal(4.0, 0.3);
        tape.call(Call {
            second,
            caller: "default/productpage-v1",
            source: page.clone(),
            to: destination("details", "v1"),
            code: 200,
            flags: "-",
            millis: details,
            tries: 1,
        });
        let v2 = draws.unit() < share_of_v2(second);
        let version = if v2 { "v2" } else { "v1" };
        let mut own = draws.lognormal(if v2 { 18.0 } else { 12.0 }, 0.45);
        let mut tries = 1;
        let (mut code, mut flags) = (200, "-");
        if v2 && failing(second) {
            while tries < 3 && draws.unit() < 0.5 {
                tries += 1;
                own += 25.0 + draws.lognormal(20.0, 0.5);
            }
            if tries == 3 && draws.unit() < 0.5 {
                (code, flags) = (503, "URX");
            } else if draws.unit() < 0.03 {
                (code, flags, tries) = (503, "UO", 0);
            }
        }
        if v2 && tries > 0 {
            let ratings = draws.lognormal(6.0, 0.4);
            tape.call(Call {
                second,
                caller: "default/reviews-v2",
                source: workload("reviews-v2", "reviews", "v2"),
                to: destination("ratings", "v1"),
                code: 200,
                flags: "-",
                millis: ratings,
                tries: 1,
            });
            own += ratings;
        }
        let mut to = destination("reviews", version);
        if tries == 0 {
            own = 0.05;
            to.workload = WorkloadLabels::default();
        }
        tape.call(Call {
            second,
            caller: "default/productpage-v1",
            source: page.clone(),
            to,
            code,
            flags,
            millis: own,
            tries,
        });
        let whole = details + own + draws.lognormal(8.0, 0.3);
        let (code, flags) = if code == 200 { (200, "-") } else { (500, "-") };
        let (code, flags, whole) = if whole > 250.0 {
            (504, "UT", 250.0)
        } else {
            (code, flags, whole)
        };
        tape.call(Call {
            second,
            caller: "shoppers",
            source: client.clone(),
            to: destination("productpage", "v1"),
            code,
            flags,
            millis: whole,
            tries: 1,
        });
        tape.journey(second, code, flags, whole);
    }
    tape
}

fn pods(tape: &Tape) -> (Vec<PodFigures>, Vec<PodSeries>) {
    let workers = 12.0;
    let ms = 1_000_000.0;
    let mut figures = Vec::new();
    let mut series = Vec::new();
    for ((pod, app, version), busy) in &tape.pods {
        let labels = workload(&format!("{app}-{version}"), app, version);
        let mut sum = Occupancy::default();
        let mut buckets = Vec::new();
        for bucket in 0..(SECONDS / BUCKET) as u32 {
            let area = busy.get(&bucket).copied().unwrap_or(0.0) * ms;
            let whole = workers * BUCKET as f64 * 1e9;
            let utilization = area / whole;
            let queue = utilization * utilization * 8.0;
            let occupancy = Occupancy {
                in_service_ns: area as u128,
                queued_ns: (queue * BUCKET as f64 * 1e9) as u128,
                workers_ns: whole as u128,
                queued_max: (queue * 4.0) as u32,
            };
            if u64::from(bucket) * BUCKET >= WARM_UP {
                sum.merge(&occupancy);
            }
            if area > 0.0 {
                buckets.push((bucket, occupancy));
            }
        }
        figures.push(PodFigures {
            pod: pod.clone(),
            workload: labels.clone(),
            sidecar: true,
            watched_ns: u128::from(SECONDS - WARM_UP) * 1_000_000_000,
            occupancy: sum,
            tries: 1,
            overflowed: 0,
        });
        series.push(PodSeries {
            pod: pod.clone(),
            workload: labels,
            buckets,
        });
    }
    (figures, series)
}

fn at(secs: f64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs_f64(secs)
}

fn ejections() -> Vec<EjectionRecord> {
    let mut records = Vec::new();
    for round in 0..3 {
        for pod in 0..2 {
            for (delay, ejected) in [(4.0, true), (19.0 + f64::from(round) * 6.0, false)] {
                records.push(EjectionRecord {
                    replication: 0,
                    at: at(300.0 + f64::from(round) * 32.0 + f64::from(pod) * 7.0 + delay),
                    proxy: "productpage-v1-0".to_owned(),
                    cluster: "outbound|9080|v2|reviews.default.svc.cluster.local".to_owned(),
                    service: "default/reviews".to_owned(),
                    subset: "v2".to_owned(),
                    endpoint: format!("10.0.0.{}:9080", 20 + pod),
                    pod: format!("reviews-v2-{pod}"),
                    ejected,
                });
            }
        }
    }
    records.sort_by_key(|record| record.at);
    records
}

const V2: &str = "outbound|9080|v2|reviews.default.svc.cluster.local";

/// The page's connections to both versions: those to v2 do not suffice while it fails.
fn pools() -> Vec<PoolSeries> {
    let pool = |subset: &str, fails: bool| PoolSeries {
        source: workload("productpage-v1", "productpage", "v1"),
        cluster: V2.replace("v2", subset),
        service: "default/reviews".to_owned(),
        subset: subset.to_owned(),
        buckets: (0..u32::try_from(SECONDS / BUCKET).expect("a few buckets"))
            .map(|bucket| {
                let waits = u64::from(fails && (60..78).contains(&bucket));
                let used = PoolUse {
                    connections_ns: (2 + 3 * waits) * BUCKET * 1_000_000_000,
                    connections_max: 5,
                    requests_ns: (1 + 4 * waits) * BUCKET * 1_000_000_000,
                    requests_max: 5,
                    pending_ns: waits * 7 * BUCKET * 1_000_000_000,
                    pending_max: if fails { 9 } else { 1 },
                };
                (bucket, used)
            })
            .collect(),
    };
    vec![pool("v1", false), pool("v2", true)]
}

/// What the page's proxy counted.
fn proxies() -> Vec<ProxyFigures> {
    let counted = |all: &[(&str, u64)]| all.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
    let scope = |kind, name: &str, counters, gauges| StatScope {
        kind,
        name: name.to_owned(),
        counters: counted(counters),
        gauges: counted(gauges),
    };
    let v2 = [
        ("outlier_detection.ejections_enforced_total", 6),
        ("retry.upstream_rq_5xx", 3),
        ("upstream_rq_5xx", 4),
        ("upstream_rq_retry", 3),
        ("upstream_rq_total", 70),
    ];
    let cluster = StatScopeKind::Cluster;
    vec![ProxyFigures {
        pod: "productpage-v1-0".to_owned(),
        workload: workload("productpage-v1", "productpage", "v1"),
        scopes: vec![
            scope(
                cluster,
                &V2.replace("v2", "v1"),
                &[("upstream_rq_total", 30)],
                &[("upstream_rq_active", 1)],
            ),
            scope(cluster, V2, &v2, &[("upstream_rq_active", 0)]),
            scope(StatScopeKind::Http, "", &[("downstream_rq_total", 97)], &[]),
        ],
    }]
}

/// The whole report of the run, with so many requests a second.
pub(crate) fn canary(rate: f64) -> RunReport {
    let tape = play(rate);
    let (pods, pod_series) = pods(&tape);
    let mut requests = 0;
    let series = Series {
        requests: (tape.requests.iter())
            .map(|(labels, counted)| RequestSeries {
                labels: labels.clone(),
                buckets: counted.series(),
            })
            .inspect(|series| {
                requests += series
                    .buckets
                    .iter()
                    .map(|b| b.latency.count())
                    .sum::<u64>();
            })
            .collect(),
        journeys: (tape.journeys.iter())
            .map(|(labels, counted)| JourneySeries {
                labels: labels.clone(),
                buckets: counted.series(),
            })
            .collect(),
        attempts: (tape.attempts.iter())
            .map(|(labels, counted)| AttemptSeries {
                labels: labels.clone(),
                buckets: (counted.buckets.iter())
                    .map(|(bucket, (_, histogram))| (*bucket, histogram.count()))
                    .collect(),
            })
            .collect(),
        pods: pod_series,
        pools: pools(),
    };
    let journeys: Vec<JourneyFigures> = (tape.journeys.into_iter())
        .map(|(labels, counted)| JourneyFigures {
            labels,
            requests: counted.tries,
            latency: counted.window,
        })
        .collect();
    let window = Window {
        asked: Vec::new(),
        receptions: Vec::new(),
        requests_by_pod: Vec::new(),
        from: at(WARM_UP as f64),
        to: at(SECONDS as f64),
        requests: (tape.requests.into_iter())
            .map(|(labels, counted)| RequestFigures {
                labels,
                tries: counted.tries,
                latency: counted.window,
            })
            .filter(|figures| figures.count() > 0)
            .collect(),
        traffic: vec![TrafficFigures {
            name: "shoppers".to_owned(),
            arrivals: journeys.iter().map(JourneyFigures::count).sum::<u64>() + 1,
            journeys,
        }],
        attempts: (tape.attempts.into_iter())
            .map(|(labels, counted)| AttemptFigures {
                labels,
                count: counted.window.count(),
                duration_ns: counted.window.sum_nanos(),
            })
            .collect(),
        pods,
    };
    let mark = |second: f64, label: &str| Mark {
        at: at(second),
        label: label.to_owned(),
    };
    RunReport {
        scenario: "canary-release".to_owned(),
        description: "Does a failing canary hurt shoppers?".to_owned(),
        version: "0.1.0".to_owned(),
        seed: 1,
        fingerprint: "5d1f0c9be0a6c1d2".to_owned(),
        simulated: SimDuration::from_secs(SECONDS),
        events: requests * 9,
        requests,
        wall_seconds: 0.25,
        measurements: Measurements {
            facts: Facts {
                replications: 1,
                end: at(SECONDS as f64),
                warm_up: at(WARM_UP as f64),
                bucket: SimDuration::from_secs(BUCKET),
                marks: vec![
                    mark(120.0, "canary at 10%"),
                    mark(240.0, "canary at 50%"),
                    mark(300.0, "v2 begins to fail"),
                    mark(390.0, "v2 recovers"),
                    mark(420.0, "canary at 100%"),
                ],
                ..Facts::default()
            },
            window,
            windows: Vec::new(),
            series,
            ejections: ejections(),
            replicas: Vec::new(),
            proxies: proxies(),
        },
        expectations: vec![
            Expectation {
                name: "shoppers do not notice".to_owned(),
                passed: false,
                observed: Some(0.9893),
                min: Some(0.999),
                max: None,
                unit: Unit::Ratio,
                message: "success rate of shoppers".to_owned(),
                ..Expectation::default()
            },
            Expectation {
                name: "pages are fast".to_owned(),
                passed: true,
                observed: Some(92.25),
                min: None,
                max: Some(150.0),
                unit: Unit::Milliseconds,
                message: "p99 of shoppers".to_owned(),
                ..Expectation::default()
            },
        ],
        intervals: Vec::new(),
        notes: vec!["DestinationRule default/reviews: `tcpKeepalive` is not simulated".to_owned()],
        access_log: None,
        traces: Vec::new(),
        causes: Vec::new(),
    }
}
