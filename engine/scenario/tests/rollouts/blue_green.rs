//! Blue-green: one template after the other.

use meshsim_scenario::Outcome;

use super::{MESH, ROLLOUT, SCENARIO, TO_V2, TO_V3, assert_met, decisions, played_in};

/// The Rollout with three pods and another strategy.
fn blue_green_rollout() -> String {
    let (before, _) = ROLLOUT.split_once("    canary:").expect("it has canaries");
    let before = before.replace("replicas: 4", "replicas: 3");
    format!(
        "{before}    blueGreen:
      activeService: shop
      previewService: shop-canary
"
    )
}

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
    let outcome = blue_green(&blue_green_rollout(), &format!("{TO_V2}{expect}"));
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
        "{}      autoPromotionEnabled: false\n      previewReplicaCount: 1\n      scaleDownDelaySeconds: 10\n",
        blue_green_rollout()
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
        "{}      prePromotionAnalysis: {}\n",
        blue_green_rollout(),
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
        "{}      postPromotionAnalysis: {}\n",
        blue_green_rollout(),
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
