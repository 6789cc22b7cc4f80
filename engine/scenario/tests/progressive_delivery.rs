//! Progressive delivery: what is decided and why, and what of a Canary is not played.

use manifest::Source;
use meshsim_scenario::{CompileOptions, Compiled, LoadOptions, Offending, Outcome, RunOptions};
use meshsim_scenario::{Scenario, compile, is_told, load, run};

const MESH: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, version: v1}}
    spec: {containers: [{name: shop, image: \"shop:v1\"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec: {containers: [{name: curl, image: curl}]}
---
";

const CANARY: &str = "
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  service: {port: 80, targetPort: 8080}
  analysis:
    interval: 10s
    threshold: 2
    stepWeights: [10, 50]
    stepWeightPromotion: 30
    metrics:
    - {name: request-success-rate, thresholdRange: {min: 99}, interval: 10s}
";

const SCENARIO: &str = "
manifests: mesh
duration: 120s
workloads:
- {image: ['shop:v1', 'shop:v2'], serviceTime: 10ms}
- {image: 'shop:v3', errorStatus: 503, errorRate: 100%}
traffic: [{name: users, from: client, rate: 100/s, url: http://shop/}]
";

fn scenario(canary: &str, more: &str) -> Scenario {
    let options = LoadOptions {
        name: "test".to_owned(),
        ..LoadOptions::default()
    };
    let mesh = format!("{MESH}{canary}");
    let files = |name: &str| Ok(vec![Source::new(name, mesh.clone())]);
    let usual = if more.contains("cluster:") {
        ""
    } else {
        "cluster: {start: 2s}\n"
    };
    let text = format!("{SCENARIO}{usual}{more}");
    load(&Source::new("s.yaml", text), &options, &files).expect("a good file")
}

fn compiled(canary: &str, more: &str) -> (Scenario, Compiled) {
    let scenario = scenario(canary, more);
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    (scenario, compiled)
}

fn outcome(canary: &str, more: &str) -> Outcome {
    let (scenario, compiled) = compiled(canary, more);
    run(&scenario, &compiled, &RunOptions::default())
}

/// What Flagger decided, and at which second.
fn decisions(outcome: &Outcome) -> Vec<(u64, &str)> {
    let marks = outcome.measurements.facts.marks.iter();
    let decisions = marks.filter_map(|mark| {
        let text = mark.label.strip_prefix("shop: ")?;
        Some((mark.at.as_nanos() / 1_000_000_000, text))
    });
    decisions.collect()
}

#[test]
fn each_step_is_told_with_its_reason() {
    let more = "timeline:\n- {at: 15s, workload: shop, rollOut: {image: 'shop:v2', version: v2}}\n";
    let outcome = outcome(CANARY, more);
    let kept = "success rate 100.00 % ≥ 99 %";
    assert_eq!(
        decisions(&outcome),
        [
            (20, "new revision detected, scaling up"),
            (30, "canary 10 %: starting analysis"),
            (40, &*format!("canary 50 %: {kept}")),
            (50, &*format!("promoting: {kept}")),
            (60, "primary 80 %"),
            (70, "primary 100 %"),
            (80, "promotion completed, scaling down the canary"),
        ]
    );
}

#[test]
fn a_version_that_comes_meanwhile_begins_anew_and_a_bad_one_is_rolled_back() {
    let more = "timeline:
- {at: 15s, workload: shop, rollOut: {image: 'shop:v2', version: v2}}
- {at: 35s, workload: shop, rollOut: {image: 'shop:v3', version: v3}}
";
    let outcome = outcome(CANARY, more);
    let found = decisions(&outcome);
    assert_eq!(
        found,
        [
            (20, "new revision detected, scaling up"),
            (30, "canary 10 %: starting analysis"),
            (40, "new revision detected, restarting analysis"),
            (50, "canary 10 %: starting analysis"),
            (
                60,
                "halt at 10 %: success rate 0.00 % < 99 % (failed check 1 of 2)"
            ),
            (
                70,
                "halt at 10 %: success rate 0.00 % < 99 % (failed check 2 of 2)"
            ),
            (
                80,
                "rolled back: 2 failed checks, success rate 0.00 % < 99 %"
            ),
        ]
    );
}

#[test]
fn a_version_that_holds_already_is_no_news() {
    let more = "timeline:
- {at: 15s, workload: shop, rollOut: {image: 'shop:v2', version: v2}}
- {at: 18s, workload: shop, rollOut: {image: 'shop:v1', version: v1}}
";
    assert_eq!(decisions(&outcome(CANARY, more)), []);
}

#[test]
fn without_analysis_it_is_promoted_at_once() {
    let canary = CANARY.replace("  analysis:", "  skipAnalysis: true\n  analysis:");
    let more = "timeline:\n- {at: 15s, workload: shop, rollOut: {image: 'shop:v2', version: v2}}\n";
    let outcome = outcome(&canary, more);
    assert_eq!(
        decisions(&outcome),
        [
            (20, "new revision detected, scaling up"),
            (30, "promoted without analysis"),
        ]
    );
}

#[test]
fn pods_that_never_become_ready_end_it() {
    let canary = CANARY.replace("spec:\n", "spec:\n  progressDeadlineSeconds: 20\n");
    let more = "timeline:\n- {at: 15s, workload: shop, rollOut: {image: 'shop:v2', version: v2}}\n";
    let slow = format!("cluster: {{start: 1h}}\n{more}");
    let outcome = outcome(&canary, &slow);
    assert_eq!(
        decisions(&outcome),
        [
            (20, "new revision detected, scaling up"),
            (50, "rolled back: the canary does not become ready"),
        ]
    );
}

#[test]
fn decisions_and_all_that_follows_are_the_same_for_the_same_seed() {
    let more = "timeline:\n- {at: 15s, workload: shop, rollOut: {image: 'shop:v2', version: v2}}\n";
    let (one, other) = (outcome(CANARY, more), outcome(CANARY, more));
    assert_eq!(one.fingerprint, other.fingerprint);
    assert_eq!(decisions(&one), decisions(&other));
}

#[test]
fn what_is_not_played_is_said_with_its_place() {
    let canary = CANARY.replace(
        "    metrics:",
        "    sessionAffinity: {cookieName: c}
    webhooks:
    - {name: load-test, url: http://flagger-loadtester.test/}
    - {name: told, type: event, url: http://chat.test/}
    metrics:
    - {name: error-rate, templateRef: {name: errors}}",
    );
    let (_, compiled) = compiled(&canary, "");
    let notes = compiled.notes.iter().map(ToString::to_string);
    let notes: Vec<String> = notes.filter(|note| note.contains("Canary")).collect();
    assert_eq!(
        notes,
        [
            "mesh:32:22: warning: Canary default/shop: `analysis.sessionAffinity` is not simulated",
            "mesh:34:7: warning: Canary default/shop: webhook `load-test` is not asked, and taken to agree",
            "mesh:37:7: warning: Canary default/shop: metric `error-rate` is not measured, and taken to be kept",
        ]
    );
}

#[test]
fn a_target_that_is_not_there_is_an_error() {
    let canary = CANARY.replace("name: shop}\n  service", "name: shopp}\n  service");
    let scenario = scenario(&canary, "");
    let errors = compile(&scenario, &CompileOptions::default()).expect_err("no such Deployment");
    let text = errors[0].to_string();
    assert!(
        text.contains("there is no Deployment `shopp` (did you mean `shop`?)"),
        "{text}"
    );
}

#[test]
fn two_deliveries_go_on_side_by_side() {
    let other = MESH.replace("shop", "cart");
    let (deployment, _) = other.split_once("kind: Pod").expect("there is a client");
    let (_, deployment) = deployment.split_once("---").expect("there is a Namespace");
    let deployment = deployment.trim_end().trim_end_matches("apiVersion: v1");
    let canaries = format!("{CANARY}---{deployment}{}", CANARY.replace("shop", "cart"));
    let more = "
timeline:
- {at: 15s, workload: shop, rollOut: {image: 'shop:v2', version: v2}}
- {at: 35s, workload: cart, rollOut: {image: 'cart:v2', version: v2}}
";
    let outcome = outcome(&canaries, more);
    let marks = outcome.measurements.facts.marks.iter();
    let done: Vec<(u64, &str)> = marks
        .filter(|mark| mark.label.contains("%: starting") || mark.label.contains("completed"))
        .map(|mark| (mark.at.as_nanos() / 1_000_000_000, mark.label.as_str()))
        .collect();
    // Nobody calls the second one.
    assert_eq!(
        done,
        [
            (30, "shop: canary 10 %: starting analysis"),
            (50, "cart: canary 10 %: starting analysis"),
            (80, "shop: promotion completed, scaling down the canary"),
        ]
    );
}

/// What a run says about the request that it shows for its only expectation.
fn shown(expect: &str) -> Option<Offending> {
    let more = format!(
        "timeline:\n- {{at: 15s, workload: shop, rollOut: {{image: 'shop:v2', version: v2}}}}\nexpect: [{expect}]\n"
    );
    let (scenario, compiled) = compiled(CANARY, &more);
    let options = RunOptions {
        offending: true,
        ..RunOptions::default()
    };
    let mut outcome = run(&scenario, &compiled, &options);
    outcome.verdicts.remove(0).offending.map(|shown| *shown)
}

#[test]
fn a_request_is_explained_by_the_settings_that_it_met() {
    let writer = |found: &Offending| {
        let explanation = found.explanation.as_ref().expect("its sender is known");
        let route = explanation.hops[0].route.as_ref().expect("a rule decides");
        assert_eq!(
            route.rule.virtual_service.as_deref(),
            Some("default/shop"),
            "what Flagger makes is a VirtualService"
        );
        let weights = explanation.hops[0].clusters.iter();
        let weights: Vec<u32> = weights.map(|cluster| cluster.weight).collect();
        let writer = explanation.written_by.first();
        let writer = writer.map(|one| (one.object.clone(), one.at_seconds, one.step.clone()));
        (weights, writer)
    };
    // One that came to the canary is explained by the step that sent it there.
    let canary = "{name: none, count: {traffic: users, destinationWorkload: default/shop}, window: {from: 42s, to: 50s}, atMost: 0}";
    let found = shown(canary).expect("requests go to the canary");
    let entry = found.request.as_ref().expect("it was seen");
    let explanation = found.explanation.as_ref().expect("its sender is known");
    assert!(is_told(explanation, entry), "{explanation:?}");
    let (weights, by) = writer(&found);
    assert_eq!(weights, [50, 50]);
    let (object, at, step) = by.expect("Flagger had decided something");
    assert_eq!((object.as_str(), at), ("Canary default/shop", 40.0));
    assert!(step.starts_with("canary 50 %: success rate"), "{step}");
    assert_eq!(
        explanation.written_by[0].wrote,
        ["VirtualService default/shop"]
    );
    // One before all that is explained by what Flagger made at first.
    let primary = "{name: none, count: {traffic: users}, window: {to: 10s}, atMost: 0}";
    let found = shown(primary).expect("requests go to the primary");
    let entry = found.request.as_ref().expect("it was seen");
    let explanation = found.explanation.as_ref().expect("its sender is known");
    assert!(is_told(explanation, entry), "{explanation:?}");
    assert_eq!(writer(&found), (vec![100], None));
}

#[test]
fn what_is_expected_of_a_request_is_judged_by_the_settings_of_its_time() {
    let expect = |at: &str, weight: &str| {
        let canary = "to: default/shop-canary";
        format!(
            "{{request: {{from: client, url: 'http://shop/'}}, at: {at}, {canary}, weight: {weight}}}"
        )
    };
    let all = [
        expect("29s", "0%"),
        // What is decided at that very time holds already.
        expect("30s", "10%"),
        expect("39s", "10%"),
        expect("45s", "50%"),
        expect("65s", "20%"),
        expect("119s", "0%"),
        // As it was at the start, it is not any more.
        expect("45s", "0%"),
    ];
    let more = format!(
        "timeline:\n- {{at: 15s, workload: shop, rollOut: {{image: 'shop:v2', version: v2}}}}\nexpect: [{}]\n",
        all.join(", ")
    );
    let outcome = outcome(CANARY, &more);
    let passed: Vec<bool> = outcome.verdicts.iter().map(|one| one.passed).collect();
    let said: Vec<&str> = (outcome.verdicts.iter())
        .map(|one| one.evidence.as_str())
        .collect();
    assert_eq!(
        passed,
        [true, true, true, true, true, true, false],
        "{said:?}"
    );
    assert_eq!(
        said[6],
        "it is sent to default/shop-primary (50%) and default/shop-canary (50%)"
    );
}
