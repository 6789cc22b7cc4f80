//! Whole runs: what is observed, judged and reproduced.

use manifest::Source;
use meshsim_scenario::{
    CompileOptions, LoadOptions, Outcome, RunOptions, Scenario, compile, load, run,
};

const MESH: &str = include_str!("mesh.yaml");

/// All of web's traffic goes to v2.
const SWITCH: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - route:
    - {destination: {host: web, subset: v2}}
";

fn files(name: &str) -> Result<Vec<Source>, String> {
    let text = if name == "mesh" { MESH } else { SWITCH };
    Ok(vec![Source::new(name, text)])
}

fn scenario(text: &str) -> Scenario {
    let text = format!("namespace: shop\nmanifests: mesh\n{text}");
    let options = LoadOptions {
        name: "test".to_owned(),
        ..LoadOptions::default()
    };
    load(&Source::new("s.yaml", text), &options, &files).expect("a good file")
}

fn outcome(text: &str, options: &RunOptions<'_>) -> Outcome {
    let scenario = scenario(text);
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    run(&scenario, &compiled, options)
}

/// Every expectation of a scenario is met, or as its name says: `no: ...` is not.
fn check(text: &str) -> Outcome {
    let outcome = outcome(text, &RunOptions::default());
    for verdict in &outcome.verdicts {
        let expected = !verdict.name.starts_with("no:");
        assert_eq!(
            verdict.passed, expected,
            "{}: {}",
            verdict.name, verdict.evidence
        );
    }
    outcome
}

const CANARY: &str = "
duration: 60s
warmUp: 1s
workloads:
- {selector: {app: web}, concurrency: 8, serviceTime: {exponential: 5ms}, calls: [http://db:5432/]}
- {workload: db, concurrency: 4, serviceTime: 1ms, errorRate: 1%}
traffic:
- {name: users, from: client, rate: 200/s, url: http://web/}
- {name: stranger, from: outside/plain, users: 2, thinkTime: 100ms, url: http://web.shop/}
timeline:
- {at: 40s, label: all to v2, apply: switch}
";

#[test]
fn a_canary_is_judged() {
    let outcome = check(&format!(
        "{CANARY}
expect:
- {{share: {{traffic: users, subset: v2}}, about: 10%, window: {{to: 40s}}}}
- {{name: 'no: wrong share', share: {{traffic: users, subset: v2}}, about: 13%, window: {{to: 40s}}}}
- {{share: {{traffic: users, destinationVersion: v2}}, equals: 100%, window: {{from: 40s}}}}
- {{share: {{destinationService: web, sourceWorkload: client, destinationWorkload: web-v1}}, of: {{destinationService: web}}, atLeast: 50%}}
- {{count: {{traffic: stranger, subset: v2}}, equals: 0}}
- {{share: {{traffic: stranger, destinationVersion: v2}}, about: 33.333%}}
- {{successRate: {{traffic: users}}, about: 99%}}
- {{successRate: {{traffic: users}}, atLeast: 98%, atMost: 99.9%}}
- {{rate: {{traffic: users}}, about: 200/s, within: 5/s}}
- {{count: {{traffic: users, responseCode: 5xx}}, atLeast: 60, atMost: 200}}
- {{count: {{traffic: users, responseCode: 404}}, equals: 0}}
- {{p99: {{traffic: users}}, atMost: 100ms}}
- {{name: 'no: p50', p50: {{traffic: users}}, atMost: 1ms}}
- {{utilization: {{workload: db}}, about: 5.45%, confidence: 99.9%}}
- {{utilization: {{workload: db}}, about: 5.5%, within: 0.5%}}
- {{name: 'no: limit', utilization: {{workload: client}}, atMost: 100%}}
- {{queueLength: {{pod: db-0}}, atMost: 1}}
- {{triesPerRequest: {{sourceWorkload: client}}, equals: 1}}
- {{retries: {{traffic: users}}, equals: 0}}
- {{tries: {{traffic: users, destinationWorkload: web-v2}}, atLeast: 4500, atMost: 5500}}
- {{ejections: {{}}, equals: 0}}
- {{overflows: {{workload: db}}, equals: 0}}
- {{name: 'no: nothing selected', share: {{traffic: users, subset: v1}}, of: {{sourceWorkload: db}}, atMost: 100%}}
"
    ));
    assert_eq!(outcome.scenario, "test");
    assert_eq!(outcome.fingerprint.len(), 16);
    assert_eq!(outcome.measurements.facts.marks[0].label, "all to v2");
    let share = &outcome.verdicts[0];
    assert!(
        share
            .evidence
            .contains("a fair draw with 10% stays between"),
        "{}",
        share.evidence
    );
    let nothing = outcome.verdicts.last().expect("verdicts");
    assert_eq!(nothing.evidence, "no request is as selected");
    assert_eq!(nothing.observed, None);
}

#[test]
fn a_single_queue_meets_its_closed_form() {
    // Utilization 0.5: mean time in the system 2 ms, median 2 ms * ln 2.
    check(
        "
duration: 2000s
warmUp: 10s
network: {latency: 0, sidecarLatency: 0}
workloads: [{workload: db, concurrency: 1, serviceTime: {exponential: {mean: 1ms}}}]
traffic: [{name: users, from: client, rate: 500/s, url: 'http://db:5432/'}]
expect:
- {mean: {traffic: users}, about: 2ms}
- {name: 'no: mean', mean: {traffic: users}, about: 2.1ms}
- {p50: {traffic: users}, about: 1.386ms, within: 0.03ms}
- {utilization: {workload: db}, about: 50%}
- {queueLength: {workload: db}, about: 0.5}
- {inFlight: {workload: db}, about: 1}
- {name: 'no: too short a window', mean: {traffic: users}, about: 2ms, window: {from: 20s, to: 60s}}
",
    );
}

#[test]
fn a_server_that_refuses_for_a_while_comes_back() {
    check(
        "
duration: 30s
workloads: [{workload: db, serviceTime: 1ms}]
traffic:
- {name: users, from: client, rate: 50/s, arrivals: constant, url: 'http://db:5432/', timeout: 1s}
timeline:
- {at: 10s, workload: db, refuse: true, for: 10s}
- {at: 25s, traffic: users, rate: 0/s}
expect:
- {successRate: {traffic: users}, equals: 100%, window: {to: 9s}}
- {successRate: {traffic: users}, equals: 0%, window: {from: 10s, to: 19s}}
- {count: {responseFlags: '-', responseCode: 503}, atLeast: 400}
- {successRate: {traffic: users}, equals: 100%, window: {from: 21s}}
- {count: {traffic: users}, equals: 0, window: {from: 26s}}
",
    );
}

#[test]
fn the_seed_alone_decides() {
    let with = |seed, replications| {
        outcome(
            CANARY,
            &RunOptions {
                seed: Some(seed),
                replications,
                ..RunOptions::default()
            },
        )
    };
    let (one, same, other) = (with(1, 1), with(1, 1), with(2, 1));
    assert_eq!(one.fingerprint, same.fingerprint);
    assert_eq!(one.measurements, same.measurements);
    assert_ne!(one.fingerprint, other.fingerprint);
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool")
            .install(|| with(1, 3))
    };
    let (narrow, wide) = (pool(1), pool(3));
    assert_eq!(narrow.fingerprint, wide.fingerprint);
    assert_eq!(narrow.measurements, wide.measurements);
    assert_eq!(narrow.measurements.facts.replications, 3);
    assert!(narrow.events > 2 * one.events);
}

#[test]
fn counts_are_those_of_one_run() {
    let text =
        format!("{CANARY}\nexpect: [{{count: {{traffic: users}}, about: 11800, within: 500}}]");
    for replications in [1, 3] {
        let outcome = outcome(
            &text,
            &RunOptions {
                replications,
                ..RunOptions::default()
            },
        );
        assert!(outcome.passed(), "{}", outcome.verdicts[0].evidence);
    }
}

#[test]
fn progress_and_access_log() {
    let passed = std::sync::atomic::AtomicU64::new(0);
    let progress = |span: base::SimDuration| {
        passed.fetch_add(span.as_nanos(), std::sync::atomic::Ordering::Relaxed);
    };
    let outcome = outcome(
        CANARY,
        &RunOptions {
            replications: 2,
            access_log: Some(telemetry::AccessLogOptions { sample: Some(100) }),
            progress: Some(&progress),
            ..RunOptions::default()
        },
    );
    assert_eq!(passed.into_inner(), 2 * outcome.simulated.as_nanos());
    assert_eq!(outcome.access_log.map(|log| log.len()), Some(100));
}
