//! Rollouts of Argo: what is decided and why, where traffic and pods go meanwhile, and what is not played.

mod analyses;
mod blue_green;
mod canary;
mod said;

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
    scenario_with(scenario, mesh, "", more)
}

/// A scenario whose timeline may apply what comes `later`.
fn scenario_with(scenario: &str, mesh: &str, later: &str, more: &str) -> Scenario {
    let options = LoadOptions {
        name: "test".to_owned(),
        ..LoadOptions::default()
    };
    let files = |name: &str| {
        let text = match name {
            "mesh" => mesh.to_owned(),
            "later" => later.to_owned(),
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
