//! What is refused, and what is not played.

use meshsim_scenario::{CompileOptions, compile};

use super::{MESH, ROLLOUT, SCENARIO, TO_V2, scenario, scenario_with, with_analysis_step};

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
fn a_dry_run_of_no_metric_is_refused_as_argo_refuses_it() {
    let rollout = with_analysis_step("shop-canary.*");
    let dry_run = "  dryRun: [{metricName: sucess-rate}]\n  metrics:\n";
    let mesh = format!("{MESH}{rollout}").replacen("  metrics:\n", dry_run, 1);
    assert_said(
        &mesh,
        &[
            "mesh:",
            "error: `dryRun` rule `sucess-rate` does not match any metric name",
            "did you mean `success-rate`?",
        ],
    );
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
            "  restartAt: \"2026-01-01T00:00:00Z\"\n  strategy:",
            "Rollout default/shop: `restartAt` is not simulated",
        ),
        (
            "      steps:",
            "      minPodsPerReplicaSet: 6\n      steps:",
            "`minPodsPerReplicaSet` is 6 and `replicas` 4: an update will not end, as it waits until exactly 4 pods",
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
fn what_changes_too_late_is_said() {
    let cluster_template = "---
apiVersion: argoproj.io/v1alpha1
kind: ClusterAnalysisTemplate
metadata: {name: everywhere}
spec:
  metrics:
  - {name: one, successCondition: result > 0, provider: {prometheus: {address: 'http://p', query: scalar(vector(1))}}}
";
    let mesh = format!("{MESH}{ROLLOUT}{cluster_template}");
    let replicas = "  replicas: 4\n";
    let with_field = |field: &str| format!("{replicas}  {field}\n");
    for (from, to, part) in [
        (
            "      - setWeight: 50\n",
            "      - setWeight: 60\n".to_owned(),
            "`strategy` of Rollout default/shop",
        ),
        (
            replicas,
            with_field("minReadySeconds: 9"),
            "`minReadySeconds` of",
        ),
        (
            replicas,
            with_field("progressDeadlineSeconds: 99"),
            "`progressDeadlineSeconds` of",
        ),
        (
            replicas,
            with_field("progressDeadlineAbort: true"),
            "`progressDeadlineAbort` of",
        ),
        (
            "count: 3",
            "count: 4".to_owned(),
            "AnalysisTemplate default/success-rate is",
        ),
        (
            "result > 0",
            "result > 1".to_owned(),
            "ClusterAnalysisTemplate everywhere is",
        ),
    ] {
        assert!(mesh.contains(from), "{from}");
        let later = mesh.replace(from, &to);
        let more = "timeline:\n- {at: 20s, apply: later}\n";
        let scenario = scenario_with(SCENARIO, &mesh, &later, more);
        let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
        let said: Vec<String> = compiled.notes.iter().map(ToString::to_string).collect();
        let end = "played as the first manifests have it";
        let is_it = |line: &String| line.contains(part) && line.contains(end);
        assert!(said.iter().any(is_it), "{part}: {said:#?}");
    }
}

#[test]
fn what_has_no_effect_is_said_of_later_manifests_too() {
    let mesh = format!("{MESH}{ROLLOUT}");
    for (field, part) in [
        (
            "restartAt: \"2026-01-01T00:00:00Z\"",
            "later:56:14: warning: Rollout default/shop: `restartAt` is not simulated",
        ),
        (
            "rollbackWindow: {revisions: 3}",
            "later:56:19: warning: Rollout default/shop: `rollbackWindow` is not simulated",
        ),
    ] {
        let later = mesh.replace("  replicas: 4\n", &format!("  replicas: 4\n  {field}\n"));
        let more = "timeline:\n- {at: 20s, apply: later}\n";
        let scenario = scenario_with(SCENARIO, &mesh, &later, more);
        let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
        let said: Vec<String> = compiled.notes.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line == part), "{part}: {said:#?}");
    }
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
