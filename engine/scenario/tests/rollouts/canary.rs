//! Canaries: steps, pods and traffic.

use meshsim_scenario::{CompileOptions, DecidingRule, RunOptions, causes, compile, run};

use super::{
    MESH, ROLLOUT, SCENARIO, TO_V2, TO_V3, assert_met, decisions, outcome, played, played_in,
    scenario_with, with_analysis_step,
};

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
pub(crate) fn with_subsets(steps: &str) -> String {
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
            (
                31,
                "no progress for 20s, 0 of 1 pods of the new template are available, \
                 4 of 4 pods of the stable template are available"
            ),
        ]
    );
    let abort = said.replace("  strategy:", "  progressDeadlineAbort: true\n  strategy:");
    let outcome = played_in(&slow, &format!("{MESH}{abort}"), TO_V2);
    let (at, text) = decisions(&outcome)[1];
    assert_eq!(at, 31);
    let aborted = "aborted: no progress for 20s, 0 of 1 pods of the new template";
    assert!(text.starts_with(aborted), "{text}");
}

#[test]
fn all_that_follows_is_the_same_for_the_same_seed() {
    let rollout = with_analysis_step("shop-canary.*");
    let (one, other) = (outcome(&rollout, TO_V3), outcome(&rollout, TO_V3));
    assert_eq!(one.fingerprint, other.fingerprint);
    assert_eq!(decisions(&one), decisions(&other));
}

#[test]
fn what_nobody_began_cannot_be_aborted_or_promoted() {
    let more = "timeline:
- {at: 5s, workload: shop, abort: rollout}
- {at: 6s, workload: shop, promote: next}
";
    assert_eq!(
        decisions(&outcome(ROLLOUT, more)),
        [
            (5, "there is nothing to abort"),
            (6, "there is nothing to promote"),
        ]
    );
}

#[test]
fn a_manifest_may_hold_it_and_let_it_go_on() {
    let scenario = |at: &str, more: &str| {
        let paused = ROLLOUT.replace("  strategy:", "  paused: true\n  strategy:");
        let mesh = format!("{MESH}{ROLLOUT}");
        let held = paused
            .replace("version: v1", "version: v2")
            .replace("shop:v1", "shop:v2");
        let more = format!("timeline:\n- {{at: 10500ms, apply: later}}\n{at}{more}");
        let scenario = scenario_with(SCENARIO, &mesh, &held, &more);
        let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
        run(&scenario, &compiled, &RunOptions::default())
    };
    // The pods of the first step come, and nothing more happens.
    let expect = "expect: [{share: {traffic: users, destinationVersion: v2}, window: {from: 14s}, about: 20%}]\n";
    let outcome = scenario("", expect);
    let begun = [
        (11, "a new template, the update begins"),
        (11, "held by `paused`"),
    ];
    assert_eq!(decisions(&outcome), begun);
    assert_met(&outcome);
    // Somebody who promotes it takes `paused` away, and skips the step that it is at.
    let outcome = scenario("- {at: 30s, workload: shop, promote: next}\n", "");
    assert_eq!(
        decisions(&outcome)[2..],
        [
            (30, "not held any more"),
            (30, "step 2 of 4: paused for 20s"),
            (52, "step 3 of 4: setWeight 50"),
            (52, "step 4 of 4: paused for 10s"),
            (64, "promoted: all 4 steps are done"),
        ]
    );
}

#[test]
fn more_pods_than_wanted_hold_it_and_that_is_said() {
    let rollout = ROLLOUT.replace(
        "      steps:",
        "      minPodsPerReplicaSet: 6\n      steps:",
    );
    let outcome = outcome(&rollout, TO_V2);
    let last = decisions(&outcome).last().copied();
    let text = "waits until 4 pods of the new template are available, as `replicas` says, and there are 6, \
                as `minPodsPerReplicaSet` says";
    assert_eq!(last.map(|(_, text)| text), Some(text));
}

#[test]
fn one_that_returns_within_the_delay_finds_its_pods() {
    // Promoted at 47 s; the pods of the first template stay until 77 s, and it is wanted again at 60 s.
    let more = "timeline:
- {at: 10500ms, workload: shop, rollOut: {image: 'shop:v2', version: v2}}
- {at: 60s, workload: shop, rollOut: {image: 'shop:v1', version: v1}}
expect:
- {replicas: {workload: shop}, window: {from: 55s, to: 60s}, equals: 8}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 52s, to: 60s}, equals: 100%}
- {successRate: {traffic: users}, equals: 100%}
";
    let outcome = outcome(ROLLOUT, more);
    assert_met(&outcome);
    let found = decisions(&outcome);
    let after: Vec<(u64, &str)> = found.iter().filter(|(at, _)| *at >= 60).copied().collect();
    // The first step finds its pods. The others go, as it wants no more; the next step waits for new ones.
    assert_eq!(
        after,
        [
            (60, "a new template, the update begins"),
            (60, "step 1 of 4: setWeight 20"),
            (60, "step 2 of 4: paused for 20s"),
            (82, "step 3 of 4: setWeight 50"),
            (82, "step 4 of 4: paused for 10s"),
            (94, "promoted: all 4 steps are done"),
        ]
    );
}

#[test]
fn all_virtual_services_of_a_rollout_get_its_weights() {
    let other = "---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: market}
spec:
  hosts: [market]
  http:
  - name: first
    route:
    - {destination: {host: shop}, weight: 100}
    - {destination: {host: shop-canary}, weight: 0}
  - name: second
    route: [{destination: {host: shop}}]
---
apiVersion: v1
kind: Service
metadata: {name: market}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
";
    let rollout = ROLLOUT.replace(
        "virtualService: {name: shop, routes: [primary]}",
        "virtualServices: [{name: shop, routes: [primary]}, {name: market, routes: [first]}]",
    );
    assert_ne!(rollout, ROLLOUT);
    let request = |host: &str, at: &str, weight: &str| {
        format!(
            "- {{request: {{from: client, url: 'http://{host}/'}}, at: {at}, to: shop-canary, weight: {weight}}}\n"
        )
    };
    let expect: String = ["shop", "market"]
        .iter()
        .map(|host| {
            request(host, "9s", "0%")
                + &request(host, "20s", "20%")
                + &request(host, "40s", "50%")
                + &request(host, "60s", "0%")
        })
        .collect();
    let more = format!("{TO_V2}expect:\n{expect}");
    assert_met(&played(&format!("{MESH}{rollout}{other}"), &more));
}

#[test]
fn an_autoscaler_gives_a_rollout_its_number_of_pods() {
    let autoscaler = "---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: shop}
  minReplicas: 6
  maxReplicas: 10
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 90}}}]
";
    let mesh = format!("{MESH}{ROLLOUT}{autoscaler}");
    let expect = "expect:
- {replicas: {workload: shop}, window: {from: 60s, to: 70s}, equals: 6}
# A fifth of six, rounded up, beside all of them.
- {replicas: {workload: shop}, window: {from: 95s, to: 109s}, equals: 8}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 95s, to: 109s}, about: 20%}
- {share: {traffic: users, destinationVersion: v2}, window: {from: 140s}, equals: 100%}
- {successRate: {traffic: users}, equals: 100%}
";
    let outcome = played(
        &mesh,
        &format!("{}{expect}", TO_V2.replace("10500ms", "90500ms")),
    );
    assert_met(&outcome);
    let last = decisions(&outcome).last().map(|(_, text)| *text);
    assert_eq!(last, Some("promoted: all 4 steps are done"));
}

/// The rule behind requests that took too long, of those for a Service.
fn rule_behind(mesh: &str, later: &str, more: &str, service: &str) -> DecidingRule {
    let scenario = scenario_with(SCENARIO, mesh, later, more);
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    let options = RunOptions {
        traces: true,
        ..RunOptions::default()
    };
    let outcome = run(&scenario, &compiled, &options);
    let mut all = causes(&scenario, &compiled, &outcome).into_iter();
    let found = all.find(|one| one.service == service && one.response_flags == "UT");
    found
        .expect("requests took too long")
        .rule
        .expect("a rule says so")
}

#[test]
fn failures_are_laid_to_the_rule_of_their_time() {
    let mesh = format!("{MESH}{ROLLOUT}");
    let hasty = mesh.replace(
        "  - name: primary\n",
        "  - name: primary\n    timeout: 5ms\n",
    );
    assert_ne!(mesh, hasty);
    // Written by the first manifests, and with other weights by the controller.
    let rule = rule_behind(&hasty, "", TO_V2, "default/shop-canary");
    assert_eq!(rule.object, "VirtualService default/shop");
    assert_eq!(rule.fields, ["timeout"]);
    assert_eq!(&*rule.location.file, "mesh");
    let by = "Rollout default/shop since 13";
    assert!(rule.written_by.starts_with(by), "{}", rule.written_by);
    // Written by a manifest that was applied later.
    let more = "timeline:\n- {at: 20s, apply: later}\n";
    let rule = rule_behind(&mesh, &hasty, more, "default/shop");
    assert_eq!(rule.object, "VirtualService default/shop");
    assert_eq!(&*rule.location.file, "later");
    assert_eq!(rule.written_by, "");
}
