//! Journeys that are kept whole: complete, deterministic, and failures, slow ones and saved ones among them.

use manifest::Source;
use meshsim_scenario::{CompileOptions, LoadOptions, RunOptions, compile, load, run};
use telemetry::{Trace, TryOutcome};

const MESH: &str = include_str!("mesh.yaml");

/// What fails in db is tried again.
const RETRIES: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: db, namespace: shop}
spec:
  hosts: [db]
  http:
  - retries: {attempts: 2, retryOn: 5xx}
    route: [{destination: {host: db}}]
";

fn traces(text: &str, options: &RunOptions<'_>) -> Vec<Trace> {
    let text = format!("namespace: shop\nmanifests: mesh\n{text}");
    let files = |name: &str| {
        Ok(vec![
            Source::new(name, MESH),
            Source::new("retries", RETRIES),
        ])
    };
    let scenario = load(
        &Source::new("s.yaml", text),
        &LoadOptions::default(),
        &files,
    );
    let scenario = scenario.expect("a good file");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    run(&scenario, &compiled, options).traces
}

const KEEP: RunOptions<'_> = RunOptions {
    seed: None,
    replications: 1,
    access_log: None,
    requests: None,
    traces: true,
    progress: None,
    offending: false,
};

/// Web calls db, and now and then a try of either fails.
const SHOP: &str = "
duration: 60s
workloads:
- {selector: {app: web}, concurrency: 64, serviceTime: {exponential: 5ms}, calls: [http://db:5432/], errorRate: 2%, errorStatus: 503}
- {selector: {app: db}, concurrency: 64, serviceTime: {exponential: 2ms}, errorRate: 1%, errorStatus: 503}
";

fn shop(rate: u32) -> String {
    format!("{SHOP}traffic: [{{name: users, from: client, rate: {rate}/s, url: http://web/}}]\n")
}

#[test]
fn a_trace_holds_what_a_request_led_to() {
    let traces = traces(&shop(40), &KEEP);
    assert!(traces.len() > 300, "{}", traces.len());
    let mut nested = 0;
    for trace in &traces {
        let top = &trace.requests[0];
        assert_eq!((top.parent, top.entry.caller.as_str()), (None, "users"));
        assert_eq!(top.entry.started, trace.started);
        assert_eq!(top.entry.duration, trace.duration);
        assert_eq!(top.entry.response_code, trace.response_code);
        for (place, request) in trace.requests.iter().enumerate().skip(1) {
            nested += 1;
            let parent = request.parent.expect("web calls while it serves a request");
            assert!(parent < place);
            let parent = &trace.requests[parent].entry;
            // It was made by a pod that the parent was sent to, and while that had it.
            let served = parent.tries.iter().any(|one| {
                one.pod == request.entry.source_pod
                    && one.started <= request.entry.started
                    && request.entry.started <= one.started + one.duration
            });
            assert!(served, "{request:?} of {parent:?}");
            assert_eq!(request.entry.destination.service, "shop/db");
        }
    }
    assert!(nested >= traces.len() * 9 / 10, "{nested}");
}

#[test]
fn rare_and_slow_requests_are_among_them() {
    let traces = traces(&shop(200), &KEEP);
    let retried = |trace: &Trace| {
        let mut requests = trace.requests.iter();
        requests.any(|request| request.entry.tries.len() > 1)
    };
    let failed = traces
        .iter()
        .filter(|trace| trace.response_code == 503)
        .count();
    let saved = traces
        .iter()
        .filter(|trace| trace.response_code == 200 && retried(trace))
        .count();
    // One in fifty fails in web and one in a hundred is saved in db; some of each of sixty moments are kept.
    assert!(failed > 60, "{failed} failed");
    assert!(saved > 60, "{saved} were saved by a retry");
    let abandoned = |trace: &Trace| {
        let mut tries = trace
            .requests
            .iter()
            .flat_map(|request| &request.entry.tries);
        tries.any(|one| one.outcome == TryOutcome::Abandoned)
    };
    assert_eq!(traces.iter().filter(|trace| abandoned(trace)).count(), 0);
    let slowest = traces.iter().map(|trace| trace.duration).max();
    assert!(
        slowest.is_some_and(|slowest| slowest.as_millis() > 40),
        "{slowest:?}"
    );
}

#[test]
fn a_busy_run_keeps_no_more_and_the_same_every_time() {
    let busy = "
duration: 60s
workloads: [{selector: {app: web}, serviceTime: {exponential: 5ms}}]
traffic: [{name: users, from: client, rate: 2500/s, url: http://web/}]
";
    let kept = traces(busy, &KEEP);
    assert!((500..2_000).contains(&kept.len()), "{}", kept.len());
    let moments: std::collections::BTreeSet<u64> = kept
        .iter()
        .map(|trace| trace.started.as_nanos() / 1_000_000_000)
        .collect();
    assert_eq!(moments.len(), 60, "some of each second");
    assert_eq!(kept, traces(busy, &KEEP));
}
