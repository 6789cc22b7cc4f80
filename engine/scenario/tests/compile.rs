//! What becomes of a scenario's names: pods, tables, addresses, sites, changes.

use base::SimDuration;
use manifest::Source;
use meshsim_scenario::{CompileOptions, Compiled, LoadOptions, compile, load};
use proxy::names::ClusterId;
use sim::application::PathPattern;
use sim::plan::{ChangeEffect, Dial, Plan, PodId};

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

/// One more pod of v2.
const SCALE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-v2, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web, version: v2}}
  template:
    metadata: {labels: {app: web, version: v2}}
    spec: {containers: [{name: app, image: \"example.com/web:2.0\"}]}
";

/// Pods of the namespace that are made from now on get no sidecar.
const BARE: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
";

/// A VirtualService that the API server refuses.
const BROKEN: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: broken, namespace: shop}
spec: {hots: [web]}
";

/// A VirtualService that Istio's webhook refuses: its weights are negative.
const REFUSED: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - route:
    - {destination: {host: web, subset: v2}, weight: -1}
";

/// A host in the mesh with pods behind it, one by the name of a Service, and one that lies outside.
const ENTRIES: &str = "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: shop}
spec:
  hosts: [api.example]
  location: MESH_INTERNAL
  resolution: STATIC
  workloadSelector: {labels: {app: web, version: v2}}
  ports: [{number: 80, name: http, protocol: HTTP}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: named, namespace: shop}
spec:
  hosts: [named.example]
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: db.shop.svc.cluster.local, ports: {http: 5432}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: shop}
spec:
  hosts: [outside.example]
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
";

fn files(name: &str) -> Result<Vec<Source>, String> {
    let text = match name {
        "mesh" => MESH,
        "switch" => SWITCH,
        "scale" => SCALE,
        "bare" => BARE,
        "entries" => ENTRIES,
        "broken" => BROKEN,
        "refused" => REFUSED,
        _ => return Err("no such file".to_owned()),
    };
    Ok(vec![Source::new(name, text)])
}

fn try_compile(text: &str, options: &CompileOptions) -> Result<Compiled, Vec<String>> {
    let text = format!("namespace: shop\nmanifests: mesh\n{text}");
    let lines = |diagnostics: Vec<manifest::Diagnostic>| {
        let lines = diagnostics.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>()
    };
    let scenario = load(
        &Source::new("s.yaml", text),
        &LoadOptions::default(),
        &files,
    )
    .map_err(lines)?;
    compile(&scenario, options).map_err(lines)
}

fn compiled(text: &str) -> Compiled {
    try_compile(text, &CompileOptions::default()).expect("a good scenario")
}

fn notes(compiled: &Compiled) -> Vec<String> {
    compiled.notes.iter().map(ToString::to_string).collect()
}

const USERS: &str = "traffic: [{name: users, from: client, rate: 10/s, url: http://web/}]";

fn pod(plan: &Plan, name: &str) -> PodId {
    let index = plan.pods.iter().position(|pod| pod.name == name);
    PodId::new(index.unwrap_or_else(|| panic!("no pod {name}")))
}

fn check_errors(text: &str, expected: &[&str]) {
    let errors = try_compile(text, &CompileOptions::default()).expect_err(text);
    assert_eq!(errors, expected, "{text}");
}

#[test]
fn pods_tables_and_endpoints() {
    let plan = compiled(USERS).plan;
    let names: Vec<&str> = plan.pods.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "plain-0", "client-0", "db-0", "web-v1-0", "web-v1-1", "web-v2-0"
        ]
    );
    assert!(plan.pods[0].table.is_none(), "no sidecar outside");
    let table = |name| {
        plan.pods[pod(&plan, name).index()]
            .table
            .expect("a sidecar")
    };
    assert_eq!(table("web-v1-0"), table("web-v1-1"));

    let web_v1 = plan.workload_of(pod(&plan, "web-v1-1"));
    assert_eq!(
        (&*web_v1.name, &*web_v1.app, &*web_v1.version),
        ("web-v1", "web", "v1")
    );

    let endpoints: Vec<PodId> = plan.endpoints.iter().copied().flatten().collect();
    for name in ["db-0", "web-v1-0", "web-v1-1", "web-v2-0"] {
        assert!(endpoints.contains(&pod(&plan, name)), "{name}");
    }
    assert_eq!(plan.endpoints.len(), plan.names.endpoint_count());

    assert_eq!(plan.clusters.len(), plan.names.cluster_count());
    let subset = "outbound|80|v2|web.shop.svc.cluster.local";
    let labels = plan
        .clusters
        .iter()
        .find(|c| c.cluster == subset)
        .expect("a subset");
    assert_eq!(
        (&*labels.service, &*labels.subset, labels.port),
        ("shop/web", "v2", 80)
    );

    let web = plan
        .services
        .iter()
        .find(|s| s.name == "shop/web")
        .expect("a Service");
    let behind = ["web-v1-0", "web-v1-1", "web-v2-0"].map(|name| pod(&plan, name));
    let [port] = web.ports.as_slice() else {
        panic!("one port");
    };
    assert_eq!(port.number, 80);
    assert_eq!(port.endpoints, behind.map(|pod| (pod, 8080)));
}

#[test]
fn hosts_of_service_entries_lead_to_pods_or_are_reported() {
    let text = "namespace: shop\nmanifests: [mesh, entries]\n\
                traffic: [{from: client, rate: 1/s, url: http://api.example/}]";
    let scenario = load(
        &Source::new("s.yaml", text),
        &LoadOptions::default(),
        &files,
    );
    let scenario = scenario.expect("a good scenario");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("it compiles");
    let plan = &compiled.plan;
    let behind = |cluster: &str| {
        let index = plan.clusters.iter().position(|c| c.cluster == cluster);
        let id = ClusterId::new(index.expect("a cluster"));
        let client = plan.pods[pod(plan, "client-0").index()]
            .table
            .expect("a sidecar");
        let table = &plan.tables[client.index()];
        let pods = table
            .endpoints(id)
            .map(|(endpoint, _)| plan.pod_at(endpoint));
        pods.collect::<Vec<_>>()
    };
    let api = behind("outbound|80||api.example");
    assert_eq!(api, [Some(pod(plan, "web-v2-0"))]);
    let named = behind("outbound|80||named.example");
    assert_eq!(named, [Some(pod(plan, "db-0"))]);
    assert_eq!(behind("outbound|80||outside.example"), [None]);
    assert_eq!(
        notes(&compiled),
        [
            "entries:25:11: warning: `outside.example` is no pod of the manifests: connections to it, for requests to \
             `outside.example`, fail (say how it behaves in `workloads`: `- address: outside.example`)"
        ]
    );
}

#[test]
fn names_resolve_as_in_a_pod() {
    let ip_of_db = "10.96.7.7".parse().ok();
    for (from, host, found) in [
        ("client", "db", true),
        ("client", "db.shop", true),
        ("client", "db.shop.svc", true),
        ("client", "db.shop.svc.cluster.local", true),
        ("client", "db.shop.svc.cluster.local.", true),
        ("client", "10.96.7.7", true),
        ("client", "db.outside", false),
        ("client", "example.com", false),
        ("outside/plain", "db", false),
        ("outside/plain", "db.shop", true),
    ] {
        let text = format!("traffic: [{{from: {from}, rate: 1/s, url: 'http://{host}:5432/x'}}]");
        let compiled = compiled(&text);
        let plan = &compiled.plan;
        let dial: &Dial = &plan.sites[0].dial;
        assert_eq!(dial.ip, ip_of_db.filter(|_| found), "{host} from {from}");
        let service = dial
            .service
            .map(|id| plan.services[id.index()].name.as_str());
        assert_eq!(service, found.then_some("shop/db"), "{host} from {from}");
        assert_eq!(dial.port, 5432);
        assert_eq!(notes(&compiled).is_empty(), found, "{host} from {from}");
    }
    let unknown = compiled("traffic: [{from: client, rate: 1/s, url: 'http://wep/'}]");
    assert_eq!(
        notes(&unknown),
        [
            "s.yaml:3:42: warning: `wep` is no Service that pods of `shop` can look up: nobody answers there \
          (did you mean `web`?)"
        ]
    );
}

#[test]
fn workloads_behave_as_their_first_entry_says() {
    let plan = compiled(&format!(
        "{USERS}
workloads:
- {{pod: web-v1-1, concurrency: 1}}
- {{image: web, concurrency: 7, calls: [http://db:5432/], endpoints: [{{path: /static, calls: []}}]}}
- {{selector: {{app: web}}, concurrency: 3}}
- {{workload: \"*\", concurrency: 9}}
"
    ))
    .plan;
    let concurrency = |name: &str| {
        let pod = &plan.pods[pod(&plan, name).index()];
        let workload = &plan.workloads[pod.workload.index()];
        pod.server.as_ref().unwrap_or(&workload.server).concurrency
    };
    assert_eq!(concurrency("web-v1-0"), Some(7));
    assert_eq!(concurrency("web-v1-1"), Some(1));
    assert_eq!(concurrency("web-v2-0"), Some(7));
    assert_eq!(concurrency("db-0"), Some(9));
    // `*` is in the scenario's namespace.
    assert_eq!(concurrency("plain-0"), None);
    let calls: Vec<&str> = plan.sites[..2]
        .iter()
        .map(|site| site.name.as_str())
        .collect();
    assert_eq!(calls, ["shop/web-v1", "shop/web-v2"]);
    let server = &plan.workload_of(pod(&plan, "web-v2-0")).server;
    assert_eq!(server.behaviours.len(), 2);
    assert_eq!(
        server.behaviours[0].matches.path,
        PathPattern::Prefix("/static".to_owned())
    );
    assert!(server.behaviours[0].steps.is_empty());
    assert_eq!(server.behaviours[1].steps[0].calls.len(), 1);
}

#[test]
fn changes_reach_whom_they_concern() {
    let plan = compiled(&format!(
        "{USERS}
workloads:
- {{workload: db, serviceTime: 1ms, concurrency: 2}}
- {{selector: {{app: web}}, calls: [http://db:5432/]}}
timeline:
- {{at: 10s, apply: switch}}
- {{at: 20s, apply: scale}}
- {{at: 30s, workload: db, serviceTime: 9ms, for: 10s}}
- {{at: 35s, workload: db, concurrency: 5}}
- {{at: 50s, delete: vs/shop/web}}
- {{at: 55s, traffic: users, rate: 0/s}}
"
    ))
    .plan;
    let shown: Vec<(u64, String, Vec<String>)> = plan
        .timeline
        .iter()
        .map(|change| {
            let effects = change.effects.iter().map(|effect| match effect {
                ChangeEffect::Push { pod, .. } => plan.pods[pod.index()].name.clone(),
                ChangeEffect::Load { change, .. } => format!("{change:?}"),
                ChangeEffect::Stage(stage) => format!("stage {stage}"),
                ChangeEffect::Cluster(effect) => format!("{effect:?}"),
                ChangeEffect::Server { pod, server } => format!(
                    "{} {:?} {:?}{}",
                    plan.pods[pod.index()].name,
                    server.concurrency,
                    server.behaviours[0].service_time,
                    if server.absent { " absent" } else { "" }
                ),
            });
            (
                change.at.as_nanos() / 1_000_000_000,
                change.label.clone(),
                effects.collect(),
            )
        })
        .collect();
    let mesh = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let all = mesh(&["client-0", "web-v1-0", "web-v1-1", "web-v2-0"]);
    assert_eq!(shown[0], (10, "apply switch".to_owned(), all.clone()));
    let scaled = [&all[..], &mesh(&["web-v2-1 None Constant(0s)"])].concat();
    assert_eq!(shown[1], (20, "apply scale".to_owned(), scaled));
    for (index, at, label, effect) in [
        (
            2,
            30,
            "db serviceTime 9ms for 10s",
            "db-0 Some(2) Constant(9ms)",
        ),
        (3, 35, "db concurrency 5", "db-0 Some(5) Constant(9ms)"),
        (
            4,
            40,
            "db serviceTime 9ms for 10s ends",
            "db-0 Some(5) Constant(1ms)",
        ),
    ] {
        assert_eq!(shown[index], (at, label.to_owned(), mesh(&[effect])));
    }
    let later = [&all[..], &mesh(&["web-v2-1"])].concat();
    assert_eq!(shown[5], (50, "delete vs/shop/web".to_owned(), later));
    assert_eq!(shown[6].2, ["Rate(0.0)"]);
    let newcomer = &plan.pods[pod(&plan, "web-v2-1").index()];
    assert!(newcomer.server.as_ref().is_some_and(|server| server.absent));
    assert!(newcomer.table.is_some());
}

#[test]
fn a_change_that_changes_nothing_pushes_nothing() {
    let plan = compiled(&format!("{USERS}\ntimeline: [{{at: 1s, apply: mesh}}]\n")).plan;
    assert_eq!(plan.timeline[0].effects.len(), 0);
    // Nothing, what the client is told, and what reaches each of client, web and db.
    assert_eq!(plan.tables.len(), 5);
}

#[test]
fn links_and_costs() {
    let plan = compiled(&format!(
        "{USERS}\nnetwork: {{latency: 1ms, sidecarLatency: 0, links: [{{between: [client, \"web-*\"], latency: 5ms}}]}}\n"
    ))
    .plan;
    assert_eq!(plan.network.links.len(), 2);
    assert!(plan.network.sidecar_latency.constant() == Some(SimDuration::ZERO));
}

#[test]
fn names_that_nothing_has_are_errors() {
    check_errors(
        "traffic: [{from: clint, rate: 1/s, url: http://web/}]",
        &[
            "s.yaml:3:18: error: there is no workload or pod `shop/clint` (did you mean `shop/client`?)",
        ],
    );
    check_errors(
        &format!(
            "{USERS}\nworkloads: [{{workload: web, refuse: true}}, {{pod: db-1, refuse: true}}]"
        ),
        &[
            "s.yaml:4:24: error: there is no workload `shop/web` (did you mean `shop/web-v1`?)",
            "s.yaml:4:50: error: there is no pod `shop/db-1` (did you mean `shop/db-0`?)",
        ],
    );
    check_errors(
        &format!("{USERS}\nnetwork: {{links: [{{between: [client, dp], latency: 1ms}}]}}"),
        &["s.yaml:4:38: error: there is no workload `shop/dp` (did you mean `shop/db`?)"],
    );
    check_errors(
        &format!(
            "{USERS}\ntimeline: [{{at: 1s, traffic: user, rate: 1/s}}, {{at: 2s, delete: vs/shop/web2}}]"
        ),
        &["s.yaml:4:65: error: there is no vs `shop/web2` to delete at this time"],
    );
    check_errors(
        &format!("{USERS}\ntimeline: [{{at: 1s, traffic: user, rate: 1/s}}]"),
        &["s.yaml:4:30: error: there is no traffic source `user` (did you mean `users`?)"],
    );
    check_errors(
        "traffic: [{name: users, from: client, users: 1, thinkTime: 1s, url: http://web/}]\ntimeline: [{at: 1s, traffic: users, rate: 1/s}]",
        &[
            "s.yaml:4:43: error: traffic source `users` has users who think before they send, and no rate to change \
             (change its `users`, or multiply them by a `factor`)",
        ],
    );
    check_errors(
        &format!("{USERS}\ntimeline: [{{at: 1s, traffic: users, users: 5}}]"),
        &[
            "s.yaml:4:44: error: traffic source `users` sends at a rate and has no users to change \
             (change its `rate`, or multiply that by a `factor`)",
        ],
    );
    check_errors(
        "traffic: [{name: users, from: client, requests: [{at: 1s, url: http://web/}]}]\ntimeline: [{at: 1s, traffic: users, factor: 2}]",
        &[
            "s.yaml:4:45: error: traffic source `users` sends requests at given times, and has no rate to change \
             (write a `rate` or `users` instead of the list, or another source with the requests that are to come)",
        ],
    );
    check_errors(
        &format!(
            "{USERS}
expect:
- {{count: {{traffic: user}}, equals: 0}}
- {{count: {{destinationWorkload: web-v3}}, equals: 0}}
- {{count: {{destinationService: wep}}, equals: 0}}
- {{count: {{destinationVersion: v22}}, equals: 0}}
- {{utilization: {{pod: db-7}}, atMost: 1%}}
- {{count: {{destinationService: api.example.com}}, equals: 0}}
- {{count: {{destinationService: web.shop.svc.cluster.local, subset: v2}}, equals: 0}}
"
        ),
        &[
            "s.yaml:5:21: error: there is no traffic source `user` (did you mean `users`?)",
            "s.yaml:6:33: error: there is no workload `shop/web-v3` (did you mean `shop/web-v1`?)",
            "s.yaml:7:32: error: there is no Service `shop/wep` (did you mean `shop/web`?)",
            "s.yaml:8:32: error: there is no version `v22` (did you mean `v2`?)",
            "s.yaml:9:23: error: there is no pod `shop/db-7` (did you mean `shop/db-0`?)",
        ],
    );
}

#[test]
fn pods_keep_their_sidecars_and_it_is_said() {
    let text = format!("{USERS}\ntimeline: [{{at: 1s, apply: bare}}]\n");
    let compiled = compiled(&text);
    let notes = notes(&compiled);
    let kept = "s.yaml:4:12: warning: shop/client-0, and 4 more, will keep the sidecar";
    assert!(notes.iter().any(|note| note.starts_with(kept)), "{notes:?}");
    assert!(compiled.plan.timeline[0].effects.is_empty());
}

#[test]
fn invalid_objects_are_refused_or_left_out() {
    for (file, message) in [
        (
            "broken",
            "broken:5:8: error: unknown field \"spec.hots\" (did you mean `hosts`?)",
        ),
        (
            "refused",
            "refused:9:7: error: Schema validation error: weight -1 < 0",
        ),
    ] {
        let text = format!(
            "traffic: [{{from: client, rate: 1/s, url: http://web/}}]\ntimeline: [{{at: 1s, apply: {file}}}]"
        );
        let errors = try_compile(&text, &CompileOptions::default()).expect_err("refused");
        assert!(errors.contains(&message.to_owned()), "{errors:?}");
        let options = CompileOptions {
            skip_invalid: true,
            ..CompileOptions::default()
        };
        let compiled = try_compile(&text, &options).expect("left out");
        let warning = message.replacen("error", "warning", 1);
        assert!(
            notes(&compiled).contains(&warning),
            "{:?}",
            notes(&compiled)
        );
        // What was there before goes on.
        assert_eq!(compiled.plan.timeline[0].effects.len(), 0, "{file}");
    }
}
