//! Analyses: what is asked of the run, and what follows from the answers.

use super::canary::with_subsets;
use super::{
    MESH, ROLLOUT, SCENARIO, TO_V2, TO_V3, assert_met, decisions, outcome, played, played_in,
    with_analysis_step,
};

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
    // A rule is about the metrics of all templates, whichever template has it.
    let other = "---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: other}
spec:
  dryRun: [{metricName: success}]
  metrics:
  - {name: one, provider: {prometheus: {address: 'http://p', query: vector(1)}}}
";
    let rollout = rollout.replace(
        "{templateName: success-rate}",
        "{templateName: other}, {templateName: success-rate}",
    );
    let outcome = played(&format!("{MESH}{rollout}{other}"), TO_V3);
    let last = decisions(&outcome).last().map(|(_, said)| *said);
    assert_eq!(last, Some("promoted: all 5 steps are done"));
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

/// The canary has two fifths of users' 100 requests a second.
#[test]
fn queries_count_what_proxies_report() {
    let outside = "---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api}
spec: {hosts: [api.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}
";
    let scenario = SCENARIO
        .replace("workloads:\n", "workloads:\n- address: api.example.com:80\n")
        .replace(
            "url: http://shop/}]",
            "url: http://shop/}, {name: outside, from: client, rate: 20/s, url: http://api.example.com/}]",
        );
    let labels = "{app: shop, app.kubernetes.io/name: store, version: v1}";
    let rollout = with_analysis_step("HASH")
        .replace("setWeight: 20", "setWeight: 40")
        .replace("{app: shop, version: v1}", labels)
        .replace("value: 'HASH'", "valueFrom: {podTemplateHashValue: Latest}");
    let (before, rest) = MESH.split_once("          sum(").expect("it has a query");
    let (_, after) = rest.split_once("[20s]))\n").expect("it has two lines");
    for (labels, rate) in [
        // Both ends report: the client's pod has no such label.
        ("rollouts_pod_template_hash=\"{{args.service}}\"", 40),
        (
            "reporter=\"source\",destination_service=\"api.example.com\"",
            20,
        ),
        ("reporter=\"destination\",destination_app=\"store\"", 100),
        ("reporter=\"destination\",destination_app=\"shop\"", 0),
    ] {
        let query = format!("          sum(rate(istio_requests_total{{{labels}}}[15s]))\n");
        let condition = match rate {
            0 => "len(result) == 0".to_owned(),
            rate => format!(
                "result[0] > {} && result[0] < {}",
                rate * 3 / 4,
                rate * 5 / 4
            ),
        };
        let mesh = format!("{before}{query}{after}{rollout}{outside}")
            .replace("result[0] >= 0.95", &condition);
        let outcome = played_in(&scenario, &mesh, TO_V2);
        let decisions = decisions(&outcome);
        let last = decisions.last().expect("there are decisions");
        assert_eq!(
            last.1, "promoted: all 5 steps are done",
            "{labels}: {decisions:?}"
        );
    }
}
