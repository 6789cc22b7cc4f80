//! Rollouts of Argo: what is decided and why, where traffic and pods go meanwhile, and what is not played.

use manifest::Source;
use meshsim_scenario::{CompileOptions, LoadOptions, Outcome, RunOptions};
use meshsim_scenario::{Scenario, compile, load, run};

/// A Rollout of four pods behind two Services, one route between them, and a client.
const MESH: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop-canary}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
  - name: primary
    route:
    - {destination: {host: shop}, weight: 100}
    - {destination: {host: shop-canary}, weight: 0}
---
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec: {containers: [{name: curl, image: curl}]}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success-rate}
spec:
  args: [{name: service}]
  metrics:
  - name: success-rate
    interval: 5s
    count: 3
    successCondition: result[0] >= 0.95
    failureLimit: 1
    provider:
      prometheus:
        address: http://prometheus:9090
        query: |
          sum(rate(istio_requests_total{reporter=\"source\",destination_service=~\"{{args.service}}\",response_code!~\"5.*\"}[20s])) /
          sum(rate(istio_requests_total{reporter=\"source\",destination_service=~\"{{args.service}}\"}[20s]))
---
";

const ROLLOUT: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, version: v1}}
    spec: {containers: [{name: shop, image: \"shop:v1\"}]}
  strategy:
    canary:
      stableService: shop
      canaryService: shop-canary
      trafficRouting: {istio: {virtualService: {name: shop, routes: [primary]}}}
      steps:
      - setWeight: 20
      - pause: {duration: 20}
      - setWeight: 50
      - pause: {duration: 10s}
";

const SCENARIO: &str = "
manifests: mesh
duration: 160s
cluster: {start: 2s}
workloads:
- {image: ['shop:v1', 'shop:v2'], serviceTime: 10ms}
- {image: 'shop:v3', serviceTime: 10ms, errorStatus: 503, errorRate: 50%}
- {image: 'shop:v4', errorStatus: 503, errorRate: 100%}
traffic: [{name: users, from: client, rate: 100/s, url: http://shop/}]
";

/// What begins an update at 10.5 s.
const TO_V2: &str =
    "timeline:\n- {at: 10500ms, workload: shop, rollOut: {image: 'shop:v2', version: v2}}\n";
const TO_V3: &str =
    "timeline:\n- {at: 10500ms, workload: shop, rollOut: {image: 'shop:v3', version: v3}}\n";

fn scenario(mesh: &str, more: &str) -> Scenario {
    scenario_in(SCENARIO, mesh, more)
}

fn scenario_in(scenario: &str, mesh: &str, more: &str) -> Scenario {
    let options = LoadOptions {
        name: "test".to_owned(),
        ..LoadOptions::default()
    };
    let files = |name: &str| {
        let text = match name {
            "mesh" => mesh.to_owned(),
            other => panic!("no file {other}"),
        };
        Ok(vec![Source::new(name, text)])
    };
    let text = format!("{scenario}{more}");
    load(&Source::new("s.yaml", text), &options, &files).expect("a good file")
}

fn outcome(rollout: &str, more: &str) -> Outcome {
    played(&format!("{MESH}{rollout}"), more)
}

/// The Rollout with an analysis of a Service before its third step.
fn with_analysis_step(service: &str) -> String {
    let step = format!(
        "      - analysis:
          templates: [{{templateName: success-rate}}]
          args: [{{name: service, value: '{service}'}}]
      - setWeight: 50\n"
    );
    ROLLOUT.replace("      - setWeight: 50\n", &step)
}

fn played(mesh: &str, more: &str) -> Outcome {
    played_in(SCENARIO, mesh, more)
}

fn played_in(scenario: &str, mesh: &str, more: &str) -> Outcome {
    let scenario = scenario_in(scenario, mesh, more);
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    run(&scenario, &compiled, &RunOptions::default())
}

/// What was decided, and at which second.
fn decisions(outcome: &Outcome) -> Vec<(u64, &str)> {
    let marks = outcome.measurements.facts.marks.iter();
    let decisions = marks.filter_map(|mark| {
        let text = mark.label.strip_prefix("shop: ")?;
        Some((mark.at.as_nanos() / 1_000_000_000, text))
    });
    decisions.collect()
}

/// That all expectations are met.
fn assert_met(outcome: &Outcome) {
    let failed: Vec<String> = outcome
        .verdicts
        .iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| format!("{}: {}", verdict.name, verdict.evidence))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}\n{:#?}", decisions(outcome));
}

#[test]
fn a_canary_goes_step_by_step() {
    let expect = "expect:
- {share: {traffic: users, destinationVersion: v2}, window: {to: 13s}, equals: 0%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 14s, to: 33s}, about: 20%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 37s, to: 45s}, about: 50%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 52s}, equals: 100%}
- {successRate: {traffic: users}, equals: 100%}
- {replicas: {workload: shop}, window: {to: 10s}, equals: 4}
- {replicas: {workload: shop}, window: {from: 15s, to: 32s}, equals: 5}
- {replicas: {workload: shop}, window: {from: 55s, to: 75s}, equals: 8}
- {replicas: {workload: shop}, window: {from: 85s}, equals: 4}
";
    let outcome = outcome(ROLLOUT, &format!("{TO_V2}{expect}"));
    assert_eq!(
        decisions(&outcome),
        [
            (11, "a new template, the update begins"),
            (13, "step 1 of 4: setWeight 20"),
            (13, "step 2 of 4: paused for 20s"),
            (35, "step 3 of 4: setWeight 50"),
            (35, "step 4 of 4: paused for 10s"),
            (47, "promoted: all 4 steps are done"),
        ]
    );
    assert_met(&outcome);
}

#[test]
fn an_update_without_a_new_template_is_none() {
    let more = "timeline:
- {at: 10500ms, workload: shop, rollOut: {image: 'shop:v1', version: v1}}
- {at: 20s, workload: shop, scale: 6}
expect:
- {replicas: {workload: shop}, window: {from: 25s}, equals: 6}
";
    let outcome = outcome(ROLLOUT, more);
    assert_eq!(decisions(&outcome), []);
    assert_met(&outcome);
}

#[test]
fn a_failed_analysis_aborts_it() {
    let rollout = with_analysis_step("shop-canary.default.svc.cluster.local");
    let expect = "expect:
- {share: {traffic: users, destinationVersion: v3}, window: {from: 14s, to: 38s}, about: 20%}
- {share: {traffic: users, destinationVersion: v3}, window: {from: 40s}, equals: 0%}
- {successRate: {traffic: users}, window: {from: 40s}, equals: 100%}
- {replicas: {workload: shop}, window: {from: 40s, to: 65s}, equals: 5}
- {replicas: {workload: shop}, window: {from: 72s}, equals: 4}
";
    let outcome = outcome(&rollout, &format!("{TO_V3}{expect}"));
    let decisions = decisions(&outcome);
    assert_eq!(
        decisions[..4],
        [
            (11, "a new template, the update begins"),
            (13, "step 1 of 5: setWeight 20"),
            (13, "step 2 of 5: paused for 20s"),
            (33, "step 3 of 5: analysis success-rate"),
        ]
    );
    let condition = "`result[0] >= 0.95` does not hold";
    let told: Vec<(u64, bool, bool)> = decisions[4..]
        .iter()
        .map(|(at, text)| {
            let is_abort = text.starts_with("aborted: success-rate: 0.");
            (*at, is_abort, text.contains(condition))
        })
        .collect();
    // One failure is allowed.
    assert_eq!(
        told,
        [(33, false, true), (38, false, true), (38, true, true)]
    );
    assert!(
        decisions[4].1.ends_with("(1 failed, 1 allowed)"),
        "{decisions:?}"
    );
    assert_met(&outcome);
}

#[test]
fn a_good_analysis_lets_it_go_on() {
    let rollout = with_analysis_step("shop-canary.*");
    let outcome = outcome(&rollout, TO_V2);
    assert_eq!(
        decisions(&outcome)[3..],
        [
            (33, "step 3 of 5: analysis success-rate"),
            (43, "analysis success-rate succeeded"),
            (45, "step 4 of 5: setWeight 50"),
            (45, "step 5 of 5: paused for 10s"),
            (57, "promoted: all 5 steps are done"),
        ]
    );
}

#[test]
fn where_nothing_can_be_measured_errors_in_a_row_abort_it() {
    let rollout = with_analysis_step("shop-canary.*");
    // No request ever succeeds, so there is no series of those that did.
    let more = TO_V3.replace("v3", "v4");
    let outcome = outcome(&rollout, &more);
    let decisions = decisions(&outcome);
    let times: Vec<u64> = decisions[4..].iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [33, 38, 43, 48, 53, 53]);
    let first = "success-rate: no value: `result[0] >= 0.95` cannot be told: ";
    assert!(decisions[4].1.starts_with(first), "{decisions:?}");
    assert!(
        decisions[9]
            .1
            .starts_with("aborted: success-rate: no value"),
        "{decisions:?}"
    );
}

#[test]
fn an_analysis_in_the_background_begins_at_its_step() {
    let background = "      analysis:
        startingStep: 2
        templates: [{templateName: success-rate}]
        args: [{name: service, value: shop-canary.default.svc.cluster.local}]
      steps:
";
    let rollout = ROLLOUT.replace("      steps:\n", background);
    let mesh = format!("{}{rollout}", MESH.replace("    count: 3\n", ""));
    let good = played(&mesh, TO_V2);
    assert_eq!(
        decisions(&good).last(),
        Some(&(47, "promoted: all 4 steps are done"))
    );
    let bad = played(&mesh, TO_V3);
    let decisions = decisions(&bad);
    // It begins with the third step, at 33 s, and may fail once.
    let aborted = decisions.last().expect("there are decisions");
    assert_eq!(aborted.0, 38, "{decisions:?}");
    assert!(
        aborted.1.starts_with("aborted: success-rate: 0."),
        "{decisions:?}"
    );
}

#[test]
fn an_inconclusive_analysis_holds_a_pause_until_somebody_ends_it() {
    let background = "      analysis:
        templates: [{templateName: success-rate}]
        args: [{name: service, value: shop-canary.default.svc.cluster.local}]
      steps:
";
    let rollout = ROLLOUT.replace("      steps:\n", background);
    let mesh = MESH
        .replace("    count: 3\n", "    initialDelay: 10s\n")
        .replace(
            "successCondition: result[0] >= 0.95",
            "successCondition: result[0] > 2\n    failureCondition: result[0] < 0",
        );
    let more = format!("{TO_V2}- {{at: 90s, workload: shop, promote: full}}\n");
    let outcome = played(&format!("{mesh}{rollout}"), &more);
    let decisions = decisions(&outcome);
    let at = |text: &str| {
        let mut all = decisions.iter();
        all.find(|(_, said)| said.starts_with(text))
            .map(|(at, _)| *at)
    };
    // The step pauses from 13 s to 33 s.
    let held = at("paused until promoted: inconclusive").expect("it is inconclusive");
    assert!((14..33).contains(&held), "{decisions:?}");
    assert_eq!(at("step 3 of 4"), None, "{decisions:?}");
    assert!(
        at("promoted: in full").is_some_and(|at| at >= 90),
        "{decisions:?}"
    );
}

#[test]
fn a_dry_run_is_of_all_metrics_whose_names_meet_its_pattern() {
    let rollout = with_analysis_step("shop-canary.*");
    let dry = |pattern: &str| {
        let dry_run = format!("  dryRun: [{{metricName: {pattern}}}]\n  metrics:\n");
        let mesh = format!("{MESH}{rollout}").replacen("  metrics:\n", &dry_run, 1);
        let outcome = played(&mesh, TO_V3);
        let last = decisions(&outcome)
            .last()
            .map(|(_, said)| (*said).to_owned());
        last.expect("there are decisions")
    };
    assert_eq!(dry("success-.*"), "promoted: all 5 steps are done");
    assert!(dry("latency").starts_with("aborted: "));
}

#[test]
fn a_version_that_comes_meanwhile_begins_anew() {
    let more = "timeline:
- {at: 10500ms, workload: shop, rollOut: {image: 'shop:v2', version: v2}}
- {at: 20500ms, workload: shop, rollOut: {image: 'shop:v2', version: v2b}}
- {at: 30500ms, workload: shop, rollOut: {image: 'shop:v1', version: v1}}
expect:
- {share: {traffic: users, destinationVersion: v2}, window: {from: 14s, to: 20s}, about: 20%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 21s}, equals: 0%}
- {share: {traffic: users, destinationVersion: v2b}, window: {from: 24s, to: 30s}, about: 20%}
- {share: {traffic: users, destinationVersion: v1}, window: {from: 32s}, equals: 100%}
- {successRate: {traffic: users}, equals: 100%}
- {replicas: {workload: shop}, window: {from: 100s}, equals: 4}
";
    let outcome = outcome(ROLLOUT, more);
    assert_eq!(
        decisions(&outcome),
        [
            (11, "a new template, the update begins"),
            (13, "step 1 of 4: setWeight 20"),
            (13, "step 2 of 4: paused for 20s"),
            (21, "another template, the update begins anew"),
            (23, "step 1 of 4: setWeight 20"),
            (23, "step 2 of 4: paused for 20s"),
            (31, "back to the stable template"),
        ]
    );
    assert_met(&outcome);
}

#[test]
fn a_pause_without_an_end_waits_for_somebody() {
    let rollout = ROLLOUT.replace("{duration: 20}", "{}");
    let waits = outcome(&rollout, TO_V2);
    let last = (13, "step 2 of 4: paused until promoted");
    assert_eq!(decisions(&waits).last(), Some(&last));
    let next = format!("{TO_V2}- {{at: 40s, workload: shop, promote: next}}\n");
    assert_eq!(
        decisions(&outcome(&rollout, &next))[2..],
        [
            last,
            (42, "step 3 of 4: setWeight 50"),
            (42, "step 4 of 4: paused for 10s"),
            (54, "promoted: all 4 steps are done"),
        ]
    );
    let full = format!("{TO_V2}- {{at: 40s, workload: shop, promote: full}}\n");
    assert_eq!(
        decisions(&outcome(&rollout, &full))[2..],
        [last, (42, "promoted: in full, as somebody wants it")]
    );
    let abort = format!(
        "{TO_V2}- {{at: 40s, workload: shop, abort: rollout}}
- {{at: 60s, workload: shop, promote: next}}
expect:
- {{share: {{traffic: users, destinationVersion: v2}}, window: {{from: 14s, to: 40s}}, about: 20%}}
- {{share: {{traffic: users, destinationVersion: v2}}, window: {{from: 40s}}, equals: 0%}}
- {{replicas: {{workload: shop}}, window: {{from: 75s}}, equals: 4}}
"
    );
    let aborted = outcome(&rollout, &abort);
    assert_eq!(
        decisions(&aborted)[2..],
        [last, (40, "aborted: somebody wants it")]
    );
    assert_met(&aborted);
}

#[test]
fn without_traffic_routing_pods_share_traffic() {
    let rollout = ROLLOUT
        .replace(
            "      trafficRouting: {istio: {virtualService: {name: shop, routes: [primary]}}}\n",
            "",
        )
        .replace("      stableService: shop\n", "")
        .replace("      canaryService: shop-canary\n", "");
    let mesh = MESH.replace("kind: VirtualService", "kind: VirtualService # not used")
        .replace("    - {destination: {host: shop}, weight: 100}\n    - {destination: {host: shop-canary}, weight: 0}\n", "    - {destination: {host: shop}}\n");
    let expect = "expect:
- {share: {traffic: users, destinationVersion: v2}, window: {from: 18s, to: 34s}, about: 20%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 40s, to: 46s}, about: 50%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 60s}, equals: 100%}
- {replicas: {workload: shop}, window: {from: 18s, to: 32s}, equals: 5}
- {replicas: {workload: shop}, window: {from: 70s}, equals: 4}
";
    let outcome = played(&format!("{mesh}{rollout}"), &format!("{TO_V2}{expect}"));
    assert_met(&outcome);
    let decisions = decisions(&outcome);
    let last = decisions.last().expect("there are decisions");
    assert_eq!(last.1, "promoted: all 4 steps are done", "{decisions:?}");
}

/// The Rollout with two subsets of one Service in place of two Services.
fn with_subsets(steps: &str) -> String {
    let rollout = ROLLOUT
        .replace("      stableService: shop\n", "")
        .replace("      canaryService: shop-canary\n", "")
        .replace(
            "{istio: {virtualService: {name: shop, routes: [primary]}}}",
            "{istio: {virtualService: {name: shop}, destinationRule: {name: shop, stableSubsetName: stable, canarySubsetName: canary}}}",
        );
    let (before, _) = rollout.split_once("      steps:").expect("it has steps");
    let mesh = MESH
        .replace(
            "{destination: {host: shop}, weight: 100}",
            "{destination: {host: shop, subset: stable}, weight: 100}",
        )
        .replace(
            "{destination: {host: shop-canary}, weight: 0}",
            "{destination: {host: shop, subset: canary}, weight: 0}",
        );
    let rule = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop, subsets: [{name: stable, labels: {app: shop}}, {name: canary, labels: {app: shop}}]}
---
";
    format!("{mesh}{rule}{before}      steps:\n{steps}")
}

#[test]
fn subsets_follow_the_hash_of_templates_and_so_do_queries() {
    let template = "---
apiVersion: argoproj.io/v1alpha1
kind: ClusterAnalysisTemplate
metadata: {name: latency}
spec:
  args: [{name: hash}, {name: workload}, {name: quantile, value: '0.9'}]
  metrics:
  - name: p90
    failureCondition: len(result) == 0 || isNaN(result[0]) || result[0] > 60
    provider:
      prometheus:
        address: http://prometheus:9090
        query: histogram_quantile({{ args.quantile }}, sum(rate(istio_request_duration_milliseconds_bucket{reporter=\"destination\",destination_workload=\"{{args.workload}}\",rollouts_pod_template_hash=\"{{args.hash}}\"}[15s])) by (le))
";
    let steps = "      - setWeight: 30
      - pause: {duration: 20}
      - analysis:
          templates: [{templateName: latency, clusterScope: true}]
          args:
          - {name: hash, valueFrom: {podTemplateHashValue: Latest}}
          - {name: workload, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
";
    let mesh = format!("{}{template}", with_subsets(steps));
    let slow = "timeline:
- {at: 10500ms, workload: shop, rollOut: {image: 'shop:slow', version: slow}}
expect:
- {share: {traffic: users, destinationVersion: slow}, window: {from: 14s, to: 33s}, about: 30%}
- {share: {traffic: users, destinationVersion: slow}, window: {from: 35s}, equals: 0%}
";
    let workloads = "workloads:\n- {image: 'shop:slow', serviceTime: 80ms, concurrency: 50}\n";
    let fast = played(&mesh, TO_V2);
    assert_eq!(
        decisions(&fast)[3..],
        [
            (33, "step 3 of 3: analysis latency"),
            (33, "analysis latency succeeded"),
            (35, "promoted: all 3 steps are done"),
        ]
    );
    let scenario = SCENARIO.replace("workloads:\n", workloads);
    let bad = played_in(&scenario, &mesh, slow);
    let decisions = decisions(&bad);
    let last = decisions.last().expect("there are decisions");
    assert_eq!(last.0, 33, "{decisions:?}");
    let text = "`len(result) == 0 || isNaN(result[0]) || result[0] > 60` holds";
    assert!(
        last.1.starts_with("aborted: p90: ") && last.1.ends_with(text),
        "{decisions:?}"
    );
    assert_met(&bad);
}

#[test]
fn requests_with_a_header_go_to_the_canary_and_copies_do() {
    let steps = "      - setCanaryScale: {replicas: 1}
      - setHeaderRoute: {name: insiders, match: [{headerName: x-canary, headerValue: {exact: 'yes'}}]}
      - pause: {duration: 20}
      - setHeaderRoute: {name: insiders}
      - setMirrorRoute: {name: copies, percentage: 100, match: [{method: {exact: GET}}]}
      - pause: {duration: 20}
      - setMirrorRoute: {name: copies}
      - pause: {}
";
    let mesh = with_subsets(steps).replace(
        "trafficRouting: {istio",
        "trafficRouting: {managedRoutes: [{name: insiders}, {name: copies}], istio",
    );
    let scenario = SCENARIO.replace(
        "url: http://shop/}]",
        "url: http://shop/}, {name: insiders, from: client, rate: 50/s, url: http://shop/, headers: {x-canary: 'yes'}}]",
    );
    let expect = "expect:
- {share: {traffic: users, destinationVersion: v2}, equals: 0%}
- {share: {traffic: insiders, destinationVersion: v2}, window: {from: 14s, to: 32s}, equals: 100%}
- {share: {traffic: insiders, destinationVersion: v2}, window: {from: 34s}, equals: 0%}
- {successRate: {traffic: users}, equals: 100%}
";
    let outcome = played_in(&scenario, &mesh, &format!("{TO_V2}{expect}"));
    assert_eq!(
        decisions(&outcome)[1..],
        [
            (13, "step 1 of 8: setCanaryScale 1 pods"),
            (13, "step 2 of 8: setHeaderRoute insiders"),
            (13, "step 3 of 8: paused for 20s"),
            (33, "step 4 of 8: setHeaderRoute insiders"),
            (33, "step 5 of 8: setMirrorRoute copies"),
            (33, "step 6 of 8: paused for 20s"),
            (53, "step 7 of 8: setMirrorRoute copies"),
            (53, "step 8 of 8: paused until promoted"),
        ]
    );
    assert_met(&outcome);
    let tries = outcome.measurements.window.attempts.iter();
    let copies = tries.filter(|tries| format!("{:?}", tries.labels.kind) == "Mirror");
    let copies: u64 = copies.map(|tries| tries.count).sum();
    // 150 requests a second for 20 seconds.
    assert!((2800..3200).contains(&copies), "{copies}");
}

#[test]
fn stable_pods_go_as_canaries_come() {
    let rollout = ROLLOUT.replace(
        "      steps:",
        "      dynamicStableScale: true\n      steps:",
    );
    let expect = "expect:
- {replicas: {workload: shop}, window: {from: 20s, to: 32s}, equals: 5}
- {replicas: {workload: shop}, window: {from: 38s, to: 44s}, equals: 4}
- {replicas: {workload: shop}, window: {from: 50s}, equals: 4}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 14s, to: 33s}, about: 20%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 37s, to: 45s}, about: 50%}
- {successRate: {traffic: users}, equals: 100%}
";
    let good = outcome(&rollout, &format!("{TO_V2}{expect}"));
    assert_met(&good);
    let decisions = decisions(&good);
    let last = decisions.last().expect("there are decisions");
    assert_eq!(last.1, "promoted: all 4 steps are done", "{decisions:?}");
    // Half of the pods are gone when it is aborted: traffic comes back as they do.
    let abort = format!(
        "{TO_V2}- {{at: 40s, workload: shop, abort: rollout}}
expect:
- {{share: {{traffic: users, destinationVersion: v2}}, window: {{from: 40s, to: 42s}}, about: 50%}}
- {{share: {{traffic: users, destinationVersion: v2}}, window: {{from: 43s}}, equals: 0%}}
- {{successRate: {{traffic: users}}, equals: 100%}}
- {{replicas: {{workload: shop}}, window: {{from: 50s}}, equals: 4}}
"
    );
    assert_met(&outcome(&rollout, &abort));
}

#[test]
fn a_rollout_may_have_the_template_of_a_deployment() {
    let rollout = ROLLOUT
        .replace("  selector: {matchLabels: {app: shop}}\n", "")
        .replace(
            "  template:
    metadata: {labels: {app: shop, version: v1}}
    spec: {containers: [{name: shop, image: \"shop:v1\"}]}
",
            "  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: shop, scaleDown: onsuccess}\n",
        );
    let deployment = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, version: v1}}
    spec: {containers: [{name: shop, image: \"shop:v1\"}]}
";
    let expect = "expect:
- {replicas: {workload: shop}, window: {to: 10s}, equals: 4}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 52s}, equals: 100%}
";
    let outcome = outcome(
        &format!("{rollout}{deployment}"),
        &format!("{TO_V2}{expect}"),
    );
    assert_met(&outcome);
}

#[test]
fn when_nothing_happens_for_long_it_is_said_or_ends_it() {
    let deadline = "  progressDeadlineSeconds: 20\n  strategy:";
    let said = ROLLOUT.replace("  strategy:", deadline);
    let slow = SCENARIO.replace("start: 2s", "start: 1h");
    let outcome = played_in(&slow, &format!("{MESH}{said}"), TO_V2);
    assert_eq!(
        decisions(&outcome),
        [
            (11, "a new template, the update begins"),
            (31, "no progress for 20s"),
        ]
    );
    let abort = said.replace("  strategy:", "  progressDeadlineAbort: true\n  strategy:");
    let outcome = played_in(&slow, &format!("{MESH}{abort}"), TO_V2);
    assert_eq!(
        decisions(&outcome)[1..],
        [(31, "aborted: no progress for 20s")]
    );
}

const BLUE_GREEN: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, version: v1}}
    spec: {containers: [{name: shop, image: \"shop:v1\"}]}
  strategy:
    blueGreen:
      activeService: shop
      previewService: shop-canary
";

/// The Services alone, with a source of traffic for the preview.
fn blue_green(rollout: &str, more: &str) -> Outcome {
    let scenario = SCENARIO.replace(
        "url: http://shop/}]",
        "url: http://shop/}, {name: testers, from: client, rate: 50/s, url: http://shop-canary/}]",
    );
    let (before, rest) = MESH
        .split_once("apiVersion: networking")
        .expect("it is there");
    let (_, after) = rest.split_once("---\n").expect("more follows");
    played_in(&scenario, &format!("{before}{after}{rollout}"), more)
}

#[test]
fn blue_green_switches_at_once() {
    let expect = "expect:
- {share: {traffic: users, destinationVersion: v2}, window: {to: 13s}, equals: 0%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 14s}, equals: 100%}
- {replicas: {workload: shop}, window: {from: 15s, to: 42s}, equals: 6}
- {replicas: {workload: shop}, window: {from: 45s}, equals: 3}
- {successRate: {traffic: users}, equals: 100%}
";
    let outcome = blue_green(BLUE_GREEN, &format!("{TO_V2}{expect}"));
    assert_eq!(
        decisions(&outcome),
        [
            (11, "a new template, the update begins"),
            (13, "the active Service selects the new template"),
            (13, "promoted: the active Service selects it"),
        ]
    );
    assert_met(&outcome);
}

#[test]
fn blue_green_may_wait_with_fewer_pods_until_somebody_promotes_it() {
    let rollout = format!(
        "{BLUE_GREEN}      autoPromotionEnabled: false\n      previewReplicaCount: 1\n      scaleDownDelaySeconds: 10\n"
    );
    let more = format!(
        "{TO_V2}- {{at: 40s, workload: shop, promote: next}}
expect:
- {{share: {{traffic: testers, destinationVersion: v2}}, window: {{from: 14s}}, equals: 100%}}
- {{share: {{traffic: users, destinationVersion: v2}}, window: {{to: 40s}}, equals: 0%}}
- {{replicas: {{workload: shop}}, window: {{from: 15s, to: 40s}}, equals: 4}}
- {{share: {{traffic: users, destinationVersion: v2}}, window: {{from: 44s}}, equals: 100%}}
- {{replicas: {{workload: shop}}, window: {{from: 55s}}, equals: 3}}
"
    );
    let outcome = blue_green(&rollout, &more);
    assert_eq!(
        decisions(&outcome)[1..],
        [
            (13, "paused until promoted"),
            (42, "the active Service selects the new template"),
            (42, "promoted: the active Service selects it"),
        ]
    );
    assert_met(&outcome);
}

#[test]
fn blue_green_analyses_before_and_after() {
    let of = |service: &str| {
        format!(
            "{{templates: [{{templateName: success-rate}}], args: [{{name: service, value: '{service}.*'}}]}}"
        )
    };
    let before = format!(
        "{BLUE_GREEN}      prePromotionAnalysis: {}\n",
        of("shop-canary")
    );
    let stopped = blue_green(
        &before,
        &format!(
            "{TO_V3}expect:
- {{share: {{traffic: users, destinationVersion: v3}}, equals: 0%}}
- {{replicas: {{workload: shop}}, window: {{from: 55s}}, equals: 3}}
"
        ),
    );
    let told = decisions(&stopped);
    assert_eq!(told[1], (13, "analysis success-rate before the promotion"));
    let last = told.last().expect("there are decisions");
    assert!(last.1.starts_with("aborted: success-rate: 0."), "{told:?}");
    assert_met(&stopped);

    let after = format!(
        "{BLUE_GREEN}      postPromotionAnalysis: {}\n",
        of("shop\\.")
    );
    let back = blue_green(
        &after.replace("'shop\\..*'", "'shop[.].*'"),
        &format!(
            "{TO_V3}expect:
- {{share: {{traffic: users, destinationVersion: v3}}, window: {{from: 14s, to: 17s}}, equals: 100%}}
- {{share: {{traffic: users, destinationVersion: v3}}, window: {{from: 30s}}, equals: 0%}}
- {{successRate: {{traffic: users}}, window: {{from: 30s}}, equals: 100%}}
"
        ),
    );
    let told = decisions(&back);
    assert_eq!(
        told[1..3],
        [
            (13, "the active Service selects the new template"),
            (13, "analysis success-rate after the promotion"),
        ]
    );
    let last = told.last().expect("there are decisions");
    assert!(last.1.starts_with("aborted: success-rate: 0."), "{told:?}");
    assert_met(&back);
}

#[test]
fn all_that_follows_is_the_same_for_the_same_seed() {
    let rollout = with_analysis_step("shop-canary.*");
    let (one, other) = (outcome(&rollout, TO_V3), outcome(&rollout, TO_V3));
    assert_eq!(one.fingerprint, other.fingerprint);
    assert_eq!(decisions(&one), decisions(&other));
}

/// What is said of a mesh, errors and warnings alike.
fn said(mesh: &str) -> Vec<String> {
    let scenario = scenario(mesh, TO_V2);
    let found = match compile(&scenario, &CompileOptions::default()) {
        Ok(compiled) => compiled.notes,
        Err(errors) => errors,
    };
    found.iter().map(ToString::to_string).collect()
}

/// That one line of what is said has all of these parts.
fn assert_said(mesh: &str, parts: &[&str]) {
    let said = said(mesh);
    let has_all = |line: &&String| parts.iter().all(|part| line.contains(part));
    assert!(
        said.iter().any(|line| has_all(&line)),
        "{parts:?}: {said:#?}"
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mesh = format!("{MESH}{}", with_analysis_step("shop-canary.*"));
    let with = |from: &str, to: &str| {
        assert!(mesh.contains(from), "{from}");
        mesh.replace(from, to)
    };
    for (from, to, parts) in [
        (
            "canaryService: shop-canary",
            "canaryService: shop-canari",
            &[
                "mesh:",
                "error: there is no Service `shop-canari`",
                "did you mean `shop-canary`?",
            ][..],
        ),
        (
            "virtualService: {name: shop,",
            "virtualService: {name: shops,",
            &["error: there is no VirtualService `shops`"],
        ),
        (
            "routes: [primary]",
            "routes: [secondary]",
            &["error: there is no HTTP route `secondary`"],
        ),
        (
            "    - {destination: {host: shop-canary}, weight: 0}\n",
            "",
            &["error: no destination of this route is the canary one of Rollout default/shop"],
        ),
        (
            "templateName: success-rate",
            "templateName: success-rat",
            &["error: there is no AnalysisTemplate `success-rat`"],
        ),
        (
            "args: [{name: service, value",
            "args: [{name: servise, value",
            &["error: argument `service` of success-rate has no value"],
        ),
        (
            "result[0] >= 0.95",
            "result >= 0.95",
            &[
                "error: condition `result >= 0.95` cannot be told",
                "write `result[0]`",
            ],
        ),
        (
            "result[0] >= 0.95",
            "result[0] >=",
            &["error: condition `result[0] >=` cannot be read"],
        ),
        (
            "    count: 3\n",
            "",
            &[
                "error: metric `success-rate` is measured for ever",
                "write `count`",
            ],
        ),
        (
            "interval: 5s",
            "interval: soon",
            &["error: `soon` is not a duration"],
        ),
        (
            "[20s])) /",
            "[20s]) /",
            &[
                "error: the query of metric `success-rate` cannot be read",
                "answered are `sum(rate(",
            ],
        ),
        (
            "sum(rate(istio_requests_total{reporter=\"source\",destination_service=~\"{{args.service}}\"}[20s]))\n",
            "sum(rate(nginx_requests_total[20s]))\n",
            &[
                "warning: metric `success-rate` is not measured, and taken to be good",
                "nginx_requests_total",
            ],
        ),
        (
            "reporter=\"source\",destination_service=~\"{{args.service}}\"}",
            "reporter=\"source\",destination_servise=~\"{{args.service}}\"}",
            &[
                "error: metric `success-rate` asks for label `destination_servise`",
                "did you mean `destination_service`?",
            ],
        ),
        (
            "{{args.service}}\"}",
            "{{args.servis}}\"}",
            &[
                "error: there is no argument `servis`",
                "did you mean `service`?",
            ],
        ),
        (
            "duration: 20}",
            "duration: soon}",
            &["error: `soon` is not a duration"],
        ),
        (
            "      - setWeight: 50\n",
            "      - {setWeight: 50, pause: {}}\n",
            &["error:", "a step has exactly one of"],
        ),
        (
            "setWeight: 50",
            "setWeight: 150",
            &["error:", "must be between 0 and 100"],
        ),
        (
            "      - setWeight: 50\n",
            "      - setCanaryScale: {weight: 1100000000}\n",
            &["setCanaryScale.weight", "must be between 0 and 100"],
        ),
        (
            "      - setWeight: 50\n",
            "      - setMirrorRoute: {name: m, percentage: 500}\n",
            &["setMirrorRoute.percentage", "must be between 0 and 100"],
        ),
        (
            "      steps:",
            "      stepz:",
            &["error: unknown field", "did you mean `steps`?"],
        ),
    ] {
        assert_said(&with(from, to), parts);
    }
}

#[test]
fn what_is_not_played_is_said_with_its_place() {
    let mesh = format!("{MESH}{}", with_analysis_step("shop-canary.*"));
    for (from, to, part) in [
        (
            "      steps:",
            "      canaryMetadata: {labels: {role: canary}}\n      steps:",
            "Rollout default/shop: `canaryMetadata` is not simulated",
        ),
        (
            "      steps:",
            "      antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}\n      steps:",
            "Rollout default/shop: `antiAffinity` is not simulated",
        ),
        (
            "  strategy:",
            "  rollbackWindow: {revisions: 3}\n  strategy:",
            "Rollout default/shop: `rollbackWindow` is not simulated",
        ),
        (
            "  strategy:",
            "  paused: true\n  strategy:",
            "Rollout default/shop: `paused` is not simulated",
        ),
        (
            "      - setWeight: 50\n",
            "      - experiment: {templates: []}\n",
            "Rollout default/shop: `experiment` is not simulated",
        ),
        (
            "      - setWeight: 50\n",
            "      - setHeaderRoute: {name: h, match: [{headerName: a, headerValue: {exact: b}}]}\n",
            "route `h` is not among `managedRoutes`",
        ),
        (
            "{istio: {",
            "{nginx: {stableIngress: x}, istio: {",
            "`trafficRouting.nginx` is not simulated",
        ),
        (
            "      prometheus:\n",
            "      web: {url: http://x/}\n      job: # ",
            "its provider is not Prometheus",
        ),
        (
            "istio_requests_total{reporter=\"source\",",
            "istio_requests_total{response_flags=\"-\",",
            "label `response_flags` is not answered",
        ),
        (
            "{name: service, value:",
            "{name: secret, valueFrom: {secretKeyRef: {name: a, key: b}}}, {name: service, value:",
            "the value of argument `secret` is not known here",
        ),
    ] {
        assert!(mesh.contains(from), "{from}");
        assert_said(&mesh.replace(from, to), &["mesh:", part]);
    }
    let others = "---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: smoke}
spec: {metrics: []}
---
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: baseline}
spec: {templates: []}
";
    let with_others = format!("{mesh}{others}");
    assert_said(
        &with_others,
        &["warning: AnalysisRun `smoke` is not simulated"],
    );
    assert_said(
        &with_others,
        &["warning: Experiment `baseline` is not simulated"],
    );
}

#[test]
fn only_a_rollout_can_be_promoted() {
    let more = "timeline:\n- {at: 20s, workload: client, promote: next}\n";
    let scenario = scenario(&format!("{MESH}{ROLLOUT}"), more);
    let errors = compile(&scenario, &CompileOptions::default()).expect_err("client is a Pod");
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let text = "error: there is no Rollout `default/client` (there is `default/shop`)";
    assert!(said.iter().any(|line| line.contains(text)), "{said:?}");
}
