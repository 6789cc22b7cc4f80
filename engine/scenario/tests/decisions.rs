//! Expectations of single requests, and the requests that are shown where expectations are missed.

use explain::model::OutcomeKind;
use manifest::Source;
use meshsim_scenario::{
    CompileOptions, LoadOptions, Outcome, RunOptions, Scenario, compile, load, run,
};

const MESH: &str = include_str!("mesh.yaml");

/// Rules for web: testers get v2 in a rewritten form, a path is gone, and the rest is split.
const RULES: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - match: [{headers: {x-tester: {exact: 'yes'}}}]
    rewrite: {uri: /new, authority: web.internal}
    timeout: 3s
    retries: {attempts: 4, perTryTimeout: 1s}
    mirror: {host: db, port: {number: 5432}}
    headers: {request: {set: {x-lane: canary}, remove: [x-debug]}, response: {set: {x-served-by: two}}}
    route: [{destination: {host: web, subset: v2}}]
  - match: [{uri: {prefix: /old}}]
    redirect: {uri: /new}
  - match: [{uri: {prefix: /teapot}}]
    directResponse: {status: 418}
  - match: [{uri: {prefix: /lost}}]
    route: [{destination: {host: web, subset: v9}}]
  - match: [{uri: {prefix: /app}}]
    route:
    - {destination: {host: web, subset: v1}, weight: 75}
    - destination: {host: web, subset: v2}
      weight: 25
      headers: {request: {set: {x-lane: green}}, response: {set: {x-served-by: green}}}
";

/// Everything goes to v1.
const SWITCH: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - route: [{destination: {host: web, subset: v1}}]
";

fn files(name: &str) -> Result<Vec<Source>, String> {
    let text = match name {
        "switch" => SWITCH.to_owned(),
        _ => {
            let (services, _) = MESH.split_once("\nkind: VirtualService").expect("rules");
            let services = services.rsplit_once("---").expect("a separator").0;
            format!("{services}---{RULES}")
        }
    };
    Ok(vec![Source::new(name, text)])
}

fn scenario(text: &str) -> Scenario {
    let text = format!(
        "namespace: shop\nmanifests: mesh\nduration: 20s\n{text}\
         timeline: [{{at: 10s, apply: switch}}]\n"
    );
    let options = LoadOptions {
        name: "test".to_owned(),
        ..LoadOptions::default()
    };
    load(&Source::new("s.yaml", text), &options, &files).expect("a good file")
}

fn outcome(text: &str) -> Outcome {
    let scenario = scenario(text);
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    let options = RunOptions {
        offending: true,
        ..RunOptions::default()
    };
    run(&scenario, &compiled, &options)
}

const TRAFFIC: &str = "
workloads:
- {workload: web-v2, serviceTime: 40ms}
- {selector: {app: web}, serviceTime: 5ms}
traffic: [{name: users, from: client, rate: 100/s, url: http://web/app}]
";

#[test]
fn single_requests_are_decided_without_a_run() {
    let wants = [
        (
            "from: client, url: http://web/app",
            "to: web, subset: v1, weight: 75%",
            true,
        ),
        ("from: client, url: http://web/app", "to: web", true),
        (
            "from: client, url: http://web/app",
            "to: web.shop.svc.cluster.local",
            true,
        ),
        ("from: client, url: http://web/app", "subset: v1", false),
        ("from: client, url: http://web/app", "to: db", false),
        (
            "from: client, url: http://web/app",
            "tries: 3, timeout: 0s, mirror: ''",
            true,
        ),
        (
            "from: client, url: http://web/app",
            "rule: web, flags: '-', outcome: forwarded",
            true,
        ),
        ("from: client, url: http://web/app", "status: 200", false),
        (
            "from: shop/client-0, url: http://web/none",
            "outcome: no_route, status: 404, flags: NR",
            true,
        ),
        (
            "from: client, url: http://web/none",
            "outcome: forwarded",
            false,
        ),
        (
            "from: client, url: http://web/lost",
            "outcome: no_cluster, status: 503, flags: NC",
            true,
        ),
        (
            "from: client, url: http://web/teapot",
            "outcome: direct_response, status: 418",
            true,
        ),
        (
            "from: client, url: http://web/old",
            "status: 301, location: http://web/new",
            true,
        ),
        (
            "from: client, url: http://web/old",
            "location: http://web/newer",
            false,
        ),
        (
            "from: client, url: http://web/x, headers: {x-tester: 'yes'}",
            "to: shop/web, subset: v2, path: /newx, authority: web.internal, timeout: 3s, tries: 5, mirror: db",
            true,
        ),
        (
            "from: client, url: http://web/x, headers: {x-tester: 'yes'}",
            "mirror: web",
            false,
        ),
        (
            "from: client, url: http://web/x, headers: {x-tester: 'yes', x-debug: '1'}",
            "headers: {X-Lane: canary, x-debug: '', x-tester: 'yes'}, responseHeaders: {x-served-by: two, x-other: ''}",
            true,
        ),
        (
            "from: client, url: http://web/x, headers: {x-tester: 'yes'}",
            "headers: {x-lane: green}, responseHeaders: {x-served-by: ''}",
            false,
        ),
        (
            "from: client, url: http://web/app",
            "subset: v2, weight: 25%, headers: {x-lane: green}, responseHeaders: {x-served-by: green}",
            true,
        ),
        (
            "from: client, url: http://web/app",
            "subset: v1, weight: 75%, headers: {x-lane: ''}, responseHeaders: {x-served-by: ''}",
            true,
        ),
        (
            "from: client, url: http://web/app",
            "headers: {x-lane: green}",
            false,
        ),
        (
            "from: client, url: http://web/teapot",
            "headers: {x-lane: ''}",
            false,
        ),
        (
            "from: client, url: http://web/teapot",
            "responseHeaders: {x-served-by: ''}",
            true,
        ),
        (
            "from: client, url: http://web/x, headers: {x-tester: 'no'}",
            "status: 404",
            true,
        ),
        (
            "from: outside/plain, url: http://web.shop/none",
            "outcome: no_sidecar, to: web, subset: ''",
            true,
        ),
        (
            "from: client, url: http://web/none",
            "at: 9s, status: 404",
            true,
        ),
        (
            "from: client, url: http://web/none",
            "at: 10s, subset: v1, status: 404",
            false,
        ),
        (
            "from: client, url: http://web/none",
            "at: 10s, subset: v1",
            true,
        ),
    ];
    let entries: String = wants
        .iter()
        .map(|(request, want, _)| format!("- {{request: {{{request}}}, {want}}}\n"))
        .collect();
    let outcome = outcome(&format!("{TRAFFIC}expect:\n{entries}"));
    assert_eq!(outcome.verdicts.len(), wants.len());
    for (verdict, (request, want, passes)) in outcome.verdicts.iter().zip(wants) {
        let evidence = &verdict.evidence;
        assert_eq!(verdict.passed, passes, "{request}: {want}: {evidence}");
        assert_eq!(verdict.offending.is_some(), !passes, "{request}: {want}");
    }
    let split = &outcome.verdicts[3];
    assert_eq!(
        split.evidence,
        "it is sent to shop/web subset v1 (75%) and shop/web subset v2 (25%)"
    );
    assert_eq!(split.name, "GET http://web/app from client: subset v1");
    let missed: Vec<&str> = (outcome.verdicts.iter().zip(wants))
        .filter(|(_, (_, want, passes))| want.contains("eaders: ") && !passes)
        .map(|(verdict, _)| verdict.evidence.as_str())
        .collect();
    assert_eq!(
        missed,
        [
            "what is sent on has x-lane: canary; the client receives x-served-by: two",
            "what is sent on has no x-lane",
            "nothing is sent on",
        ]
    );
    let offending = outcome.verdicts[9]
        .offending
        .as_ref()
        .expect("it is missed");
    let explanation = offending.explanation.as_ref().expect("it is decided");
    assert_eq!(explanation.outcome.kind, OutcomeKind::NoRoute);
    assert_eq!(explanation.hops[0].rejected.len(), 5, "each rule and why");
}

#[test]
fn requests_are_told_apart_by_their_pod() {
    let text = format!(
        "{TRAFFIC}expect:
- {{share: {{traffic: users, destinationPod: web-v1-0}}, about: 37.5%, window: {{to: 10s}}}}
- {{share: {{traffic: users, destinationPod: web-v2-0}}, of: {{traffic: users, destinationService: web}}, about: 25%, window: {{to: 10s}}}}
- {{count: {{traffic: users, destinationPod: web-v2-0}}, equals: 0, window: {{from: 10s}}}}
- {{p50: {{destinationPod: shop/web-v2-0}}, atLeast: 40ms}}
- {{count: {{destinationPod: web-v1-1, responseCode: 200}}, atLeast: 1000000}}
- {{count: {{destinationPod: client-0}}, equals: 0}}
"
    );
    let outcome = outcome(&text);
    let failed: Vec<&str> = (outcome.verdicts.iter())
        .filter(|verdict| !verdict.passed)
        .map(|verdict| verdict.name.as_str())
        .collect();
    assert_eq!(failed, [outcome.verdicts[4].name.as_str()], "{outcome:?}");
    let other = outcome.verdicts[4]
        .offending
        .as_ref()
        .expect("one of another pod");
    let request = other.request.as_ref().expect("a request of the run");
    assert_ne!(request.destination_pod, "web-v1-1");
    let window = &outcome.measurements.window;
    let sum =
        |figures: &[telemetry::RequestFigures]| figures.iter().map(|one| one.count()).sum::<u64>();
    assert_eq!(sum(&window.requests), sum(&window.requests_by_pod));
}

#[test]
fn a_subset_that_is_not_there_is_missed() {
    let outcome = outcome(&format!(
        "{TRAFFIC}expect:
- {{share: {{destinationService: web, subset: v3}}, equals: 0%}}
- {{count: {{subset: v3}}, equals: 0}}
- {{request: {{from: client, url: http://web/app}}, subset: v3}}
"
    ));
    let shown: Vec<(bool, &str)> = (outcome.verdicts.iter())
        .map(|verdict| (verdict.passed, verdict.evidence.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (
                false,
                "there is no subset `v3` of shop/web (there are: `v1`, `v2`, `v9`)"
            ),
            (
                false,
                "there is no subset `v3` (there are: `v1`, `v2`, `v9`)"
            ),
            (
                false,
                "it is sent to shop/web subset v1 (75%) and shop/web subset v2 (25%)"
            ),
        ]
    );
}

#[test]
fn a_missed_expectation_shows_a_request_that_counts_against_it() {
    let text = format!(
        "{TRAFFIC}expect:
- {{share: {{traffic: users, subset: v2}}, about: 60%, window: {{to: 10s}}}}
- {{share: {{traffic: users, subset: v2}}, atMost: 1%, window: {{to: 10s}}}}
- {{count: {{traffic: users, subset: v2}}, equals: 0, window: {{from: 10s}}}}
- {{p99: {{traffic: users}}, atMost: 30ms}}
- {{count: {{traffic: users, responseCode: 503}}, atLeast: 1}}
- {{utilization: {{workload: web-v1}}, atLeast: 90%}}
"
    );
    let outcome = outcome(&text);
    let shown = |place: usize| outcome.verdicts[place].offending.as_deref();
    let subset = |place: usize| {
        let request = shown(place).and_then(|offending| offending.request.as_ref());
        request
            .expect("a request of the run")
            .destination
            .subset
            .as_str()
    };
    assert!(!outcome.verdicts[0].passed && !outcome.verdicts[1].passed);
    assert_eq!(subset(0), "v1", "too few of v2: one that went elsewhere");
    assert_eq!(subset(1), "v2", "too many of v2: one of them");
    assert!(outcome.verdicts[2].passed && shown(2).is_none());
    let slow = shown(3).expect("a slow request");
    let request = slow.request.as_ref().expect("a request of the run");
    assert!(request.duration.as_secs_f64() > 0.03, "{request:?}");
    assert_eq!(request.tries.len(), 1);
    let hop = &slow.explanation.as_ref().expect("its pod is known").hops[0];
    let rule = &hop.route.as_ref().expect("a rule decides").rule;
    assert_eq!(rule.virtual_service.as_deref(), Some("shop/web"));
    assert_eq!(rule.rule, Some(4));
    assert!(
        rule.source
            .as_ref()
            .is_some_and(|place| place.file == "mesh")
    );
    assert_eq!(hop.rejected.len(), 4);
    let missing = shown(4).expect("another answer");
    assert!(missing.why.contains("was answered 200"), "{}", missing.why);
    assert!(
        !outcome.verdicts[5].passed && shown(5).is_none(),
        "pods are no requests"
    );
    assert_eq!(outcome, self::outcome(&text), "it is the same every time");
}

#[test]
fn names_that_nothing_has_are_refused() {
    let refused = |entry: &str| -> String {
        let scenario = scenario(&format!("{TRAFFIC}expect:\n- {entry}\n"));
        let found = compile(&scenario, &CompileOptions::default()).expect_err(entry);
        found.iter().map(ToString::to_string).collect()
    };
    for (entry, want) in [
        (
            "{request: {from: clinet, url: http://web/}, to: web}",
            "s.yaml:10:20: error: there is no workload or pod `shop/clinet` (did you mean `shop/client`?)",
        ),
        (
            "{request: {from: client, url: http://web/}, to: webb}",
            "s.yaml:10:51: error: there is no Service `shop/webb` (did you mean `shop/web`?)",
        ),
        (
            "{request: {gateway: edge, url: http://web/}, status: 404}",
            "s.yaml:10:23: error: there is no Gateway `shop/edge` (there is none at all)",
        ),
    ] {
        assert_eq!(refused(entry), want, "{entry}");
    }
}

/// The second hop of the request that is shown is the pod that answered it, and what is sent on what it was sent.
#[test]
fn a_shown_request_follows_the_way_that_it_took() {
    let outcome = outcome(&format!(
        "{TRAFFIC}expect:\n- {{count: {{traffic: users, subset: v2}}, equals: 0, window: {{to: 9s}}}}\n"
    ));
    let shown = outcome.verdicts[0]
        .offending
        .as_ref()
        .expect("it is missed");
    let way = &shown.explanation.as_ref().expect("its pod is known").hops;
    assert_eq!(way[1].proxy, "shop/web-v2-0", "v1 has the larger weight");
    let sent = way[0].upstream_request.as_ref().expect("it is sent on");
    assert!(
        sent.headers
            .contains(&("x-lane".to_owned(), "green".to_owned()))
    );
}

/// Pods that an autoscaler may make are no endpoints before it has made them.
#[test]
fn spare_pods_are_no_endpoints() {
    let scaled = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-v2}
  minReplicas: 1
  maxReplicas: 5
";
    let (services, _) = MESH.split_once("\nkind: VirtualService").expect("rules");
    let services = services.rsplit_once("---").expect("a separator").0;
    let mesh = format!("{services}---\n{scaled}");
    let files = |name: &str| Ok(vec![Source::new(name, mesh.clone())]);
    let text = format!(
        "namespace: shop\nmanifests: mesh\nduration: 5s\n{TRAFFIC}expect:\n\
         - {{request: {{from: client, url: http://web/}}, to: db}}\n"
    );
    let scenario = load(
        &Source::new("s.yaml", text),
        &LoadOptions::default(),
        &files,
    )
    .expect("a good file");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    let spare = compiled
        .plan
        .pods
        .iter()
        .filter(|pod| pod.name.starts_with("web-v2-"));
    assert!(spare.count() > 1, "there are spare pods");
    let outcome = run(&scenario, &compiled, &RunOptions::default());
    let shown = outcome.verdicts[0]
        .offending
        .as_ref()
        .expect("it is missed");
    let hop = &shown.explanation.as_ref().expect("it is decided").hops[0];
    assert_eq!(
        hop.clusters[0].endpoints.len(),
        3,
        "{:?}",
        hop.clusters[0].endpoints
    );
}

/// A client without a sidecar is told by nobody why a STRICT server does not answer it: the run says it.
#[test]
fn plain_text_at_strict_servers_is_told_of() {
    let (services, _) = MESH.split_once("\nkind: VirtualService").expect("rules");
    let services = services.rsplit_once("---").expect("a separator").0;
    let policy = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                  metadata: {name: strict, namespace: shop}\nspec: {mtls: {mode: STRICT}}\n";
    let mesh = format!("{services}---\n{policy}");
    let line = mesh.lines().count() - 3;
    let files = |name: &str| Ok(vec![Source::new(name, mesh.clone())]);
    let text = "namespace: shop\nmanifests: mesh\ntraffic:\n- {name: a, from: outside/plain, rate: 1/s, url: http://web.shop/}\n\
                - {name: b, from: client, rate: 1/s, url: http://web/}\n";
    let scenario = load(
        &Source::new("s.yaml", text),
        &LoadOptions::default(),
        &files,
    )
    .expect("a good file");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    let notes: Vec<String> = compiled.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [format!(
            "s.yaml:4:19: warning: outside/plain has no sidecar, and its requests to `web.shop` are turned away: \
             PeerAuthentication shop/strict takes mutual TLS alone (the policy is at mesh:{line}:1)"
        )]
    );
}
