//! What is refused, or told, because it would have no effect, or another than its writer meant.

use manifest::Source;
use meshsim_scenario::{CompileOptions, LoadOptions, compile, load};

const MESH: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {istio-injection: enabled}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: app, image: curl}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: app, image: shop}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}}
";

const TRAFFIC: &str = "traffic: [{name: u, from: client, rate: 1/s, url: http://shop/}]";

/// Errors, or notes where there is no error, of a scenario whose own line is its third.
fn found(text: &str) -> Vec<String> {
    let text = format!("manifests: mesh.yaml\n{TRAFFIC}\n{text}\n");
    found_in(&text, MESH)
}

fn found_in(text: &str, mesh: &str) -> Vec<String> {
    let files = |name: &str| match name {
        "mesh.yaml" => Ok(vec![Source::new(name, mesh)]),
        _ => Err(format!(
            "cannot read `folder/{name}`: no such file or folder"
        )),
    };
    let source = Source::new("s.yaml", text);
    let found = load(&source, &LoadOptions::default(), &files)
        .and_then(|scenario| compile(&scenario, &CompileOptions::default()))
        .map_or_else(|errors| errors, |compiled| compiled.notes);
    found.iter().map(ToString::to_string).collect()
}

/// Each line of a scenario, and how what is found begins; nothing: it is fine.
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let found = found(text);
        match &found[..] {
            [] => assert_eq!(*expected, "", "{text}"),
            [first, ..] => assert_eq!(first, expected, "{text}: {found:?}"),
        }
    }
}

#[test]
fn names_that_nothing_has() {
    check(&[
        ("cluster: {pods: [{workload: shop, start: 1s}]}", ""),
        (
            "cluster: {pods: [{workload: shpo, start: 1s}]}",
            "s.yaml:3:29: error: there is no workload `default/shpo` (did you mean `default/shop`?)",
        ),
        (
            "expect: [{count: {degraded: foo}, atMost: 1}]",
            "s.yaml:3:29: error: there is no degraded response `foo` (there is none at all)",
        ),
        (
            "expect: [{count: {responseFlags: [UO, '-', 'UF,URX']}, atMost: 1}]",
            "",
        ),
        (
            "expect: [{count: {responseFlags: UHX}, atMost: 1}]",
            "s.yaml:3:34: error: expect[0].count.responseFlags: no request has the response flag `UHX` \
             (did you mean `UH`?)",
        ),
        (
            "expect: [{count: {responseFlags: ['UO,QX']}, atMost: 1}]",
            "s.yaml:3:35: error: expect[0].count.responseFlags[0]: no request has the response flag `QX` \
             (there are UH, UF, UO, NR, URX, NC, DC, UT, LR, UR, UC, UPE, DI, FI, SI, UMSDR, DT, DO, UDO, -)",
        ),
    ]);
}

#[test]
fn what_has_no_end_lasts_for_no_time() {
    let help = "(write what is to happen then as an entry of its own, with its own `at`)";
    for (act, name) in [
        ("workload: shop, scale: 3", "scale"),
        ("workload: shop, kill: 1", "kill"),
        ("workload: shop, rollOut: {image: x}", "rollOut"),
        ("workload: shop, freeze: false", "freeze: false"),
        ("apply: mesh.yaml", "apply"),
        ("delete: Service/shop", "delete"),
    ] {
        let text = format!("timeline: [{{at: 3s, for: 2s, {act}}}]");
        let expected =
            format!("s.yaml:3:26: error: timeline[0].for: `for` does not go with `{name}` {help}");
        assert_eq!(found(&text).first(), Some(&expected), "{text}");
    }
    check(&[
        (
            "timeline: [{at: 3s, for: 2s, workload: shop, freeze: true}]",
            "",
        ),
        (
            "timeline: [{at: 3s, for: 2s, workload: shop, serviceTime: 5ms}]",
            "",
        ),
        (
            "timeline: [{at: 3s, for: 2s}]",
            "s.yaml:3:12: error: `timeline[0]` lacks what happens: `apply`, `delete`, `traffic`, `drain`, `outage`, \
             `link`, or `workload` and what becomes of it",
        ),
    ]);
}

#[test]
fn what_is_said_twice() {
    check(&[
        ("cluster: {nodes: [{name: a}, {name: b, count: 2}]}", ""),
        (
            "cluster: {nodes: [{name: a, zone: za}, {name: a, zone: zb}]}",
            "s.yaml:3:40: error: cluster.nodes[1]: two nodes are named `a` (the other one is in line 3)",
        ),
        (
            "cluster: {nodes: [{name: a-1}, {name: a, count: 2}]}",
            "s.yaml:3:32: error: cluster.nodes[1]: two nodes are named `a-1` (the other one is in line 3)",
        ),
        (
            "workloads: [{workload: shop, status: 200}, {workload: default/shop, status: 500}]",
            "s.yaml:3:44: error: two entries of `workloads` are about the same pods \
             (the other one is in line 3: write all about them in one)",
        ),
        (
            "workloads: [{namespace: default, status: 200}, {workload: shop, status: 500}]",
            "s.yaml:3:48: warning: this entry of `workloads` has no effect: the one in line 3 takes its pods \
             (the first entry that matches a pod tells all about it: write this one before that)",
        ),
        (
            "workloads: [{workload: shop, status: 200}, {namespace: default, status: 500}]",
            "",
        ),
        (
            "cluster: {pods: [{workload: '*', start: 1s}, {workload: shop, start: 2s}]}",
            "s.yaml:3:46: warning: this entry of `cluster.pods` has no effect: the one in line 3 takes its pods \
             (the first entry that matches a pod tells all about it: write this one before that)",
        ),
        (
            "workloads: [{workload: shop, endpoints: [{path: /a}, {path: /}, {method: POST}]}]",
            "s.yaml:3:65: error: workloads[0].endpoints[2]: no request reaches it: the endpoint in line 3 takes them all \
             (write it before that one, or leave it out)",
        ),
        (
            "workloads: [{workload: shop, endpoints: [{path: /a, method: GET}, {path: /a}]}]",
            "",
        ),
        (
            "workloads: [{workload: shop, endpoints: [{path: /a, when: {headers: {x: '1'}}}, {path: /a}]}]",
            "",
        ),
        (
            "workloads: [{workload: shop, endpoints: [{path: /a}, {path: '/a/{b}'}, {path: {exact: /ab}}]}]",
            "s.yaml:3:72: error: workloads[0].endpoints[2]: no request reaches it: the endpoint in line 3 takes them all \
             (write it before that one, or leave it out)",
        ),
    ]);
}

#[test]
fn what_no_request_can_have() {
    check(&[
        (
            "workloads: [{workload: shop, endpoints: [{method: GTE}]}]",
            "s.yaml:3:51: error: workloads[0].endpoints[0].method: `GTE` is not an HTTP method that Envoy takes \
             (did you mean `GET`?)",
        ),
        (
            "workloads: [{workload: shop, endpoints: [{method: get}]}]",
            "s.yaml:3:51: error: workloads[0].endpoints[0].method: `get` is not an HTTP method that Envoy takes \
             (write it in capitals: `GET`)",
        ),
        (
            "workloads: [{workload: shop, endpoints: [{method: G ET}]}]",
            "s.yaml:3:51: error: workloads[0].endpoints[0].method: `G ET` is not an HTTP method that Envoy takes \
             (did you mean `GET`?)",
        ),
        (
            "workloads: [{workload: shop, endpoints: [{when: {headers: {a b: x}}}]}]",
            "s.yaml:3:65: error: workloads[0].endpoints[0].when.headers.a b: `a b` is not the name of a header \
             (names hold letters, digits and `-`, as in `end-user`)",
        ),
        (
            "workloads: [{workload: shop, responseHeaders: {x: \"a\\nb\"}}]",
            "s.yaml:3:51: error: workloads[0].responseHeaders.x: the value of header `x` holds a line break or a zero byte \
             (write it in one line)",
        ),
        (
            "workloads: [{workload: shop, calls: [{url: http://shop/, headers: {':method': GET}}]}]",
            "s.yaml:3:79: error: workloads[0].calls[0].headers.:method: `:method` is not the name of a header \
             (of the names with a colon only `:authority` may be written: `method` and `url` say the others)",
        ),
        (
            "workloads: [{workload: shop, calls: ['htp:/shop']}]",
            "s.yaml:3:38: error: workloads[0].calls[0]: `htp:/shop` cannot be used as a URL: scheme `htp` is not simulated \
             (did you mean `http://shop`?)",
        ),
        (
            "workloads: [{workload: shop, calls: ['http:/shop/a']}]",
            "s.yaml:3:38: error: workloads[0].calls[0]: `http:/shop/a` cannot be used as a URL: `://` follows the scheme \
             `http` (did you mean `http://shop/a`?)",
        ),
    ]);
}

#[test]
fn figures_that_cannot_be() {
    check(&[
        (
            "expect: [{p99: {traffic: u}, atMost: 1s, atLeast: 2s}]",
            "s.yaml:3:51: error: expect[0].atLeast: nothing is at least 2s and at most 1s \
             (did you mean `atLeast: 1s` and `atMost: 2s`?)",
        ),
        ("expect: [{p99: {traffic: u}, atMost: 1s, atLeast: 1s}]", ""),
        (
            "timeline: [{at: 5s, workload: shop, scale: 30000}]",
            "s.yaml:3:44: error: default/shop with 30000 pods needs more room than the 20000 that all workloads may need \
             (there is room for those that come and for those that go: write a smaller number)",
        ),
    ]);
}

#[test]
fn hints_can_be_followed() {
    check(&[
        (
            "timeline: [{at: 5s, traffic: u, rate: .nan}]",
            "s.yaml:3:39: error: timeline[0].rate: expected rate, got number (write it as in `200/s`, `30/m` or `5/h`)",
        ),
        (
            "cluster: {sidecarCpu: -1}",
            "s.yaml:3:23: error: cluster.sidecarCpu: expected duration, got integer (write it as in `250ms`, `1.5s` or `5m`)",
        ),
        (
            "workloads: [{workload: shop, errorRate: 0.07}]",
            "s.yaml:3:41: error: workloads[0].errorRate: expected percentage, got number \
             (write `7%` for a part of one, or `0.07%`)",
        ),
        (
            "namespace: n",
            "s.yaml:3:12: error: namespace: expected string, got boolean (quote it: \"n\")",
        ),
        (
            "images: nope.yaml",
            "s.yaml:3:9: error: cannot read `folder/nope.yaml`: no such file or folder",
        ),
        (
            "expect: {}",
            "s.yaml:3:9: error: expect: expected array, got object (begin each element with `- `)",
        ),
        (
            "replications: '3'",
            "s.yaml:3:15: error: replications: expected integer, got string (remove the quotes: 3)",
        ),
        (
            "network: 5ms",
            "s.yaml:3:10: error: network: expected object, got string (write a map, as in `{latency: 5ms}`)",
        ),
    ]);
}

/// What is told of manifests beside those of the mesh.
fn told_of(more: &str, rest: &str) -> Vec<String> {
    let text = format!("manifests: mesh.yaml\n{TRAFFIC}\n{rest}\n");
    found_in(&text, &format!("{MESH}---\n{more}"))
}

#[test]
fn what_is_not_simulated_is_told() {
    let more = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  serviceName: db
  template:
    metadata: {labels: {app: db}}
    spec:
      affinity: {podAntiAffinity: {}}
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]
      initContainers: [{name: wait, image: busybox}]
      containers: [{name: app, image: db, startupProbe: {httpGet: {path: /, port: 80}}}]
---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 80}], sessionAffinity: ClientIP}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: none}, spec: {podSelector: {}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}}
";
    let found = told_of(more, "");
    for expected in [
        "mesh.yaml:25:17: warning: `spec.affinity` is not simulated: ",
        "mesh.yaml:26:34: warning: `spec.topologySpreadConstraints` is not simulated: ",
        "mesh.yaml:27:24: warning: `spec.initContainers` is not simulated: ",
        "mesh.yaml:16:1: warning: `spec.containers.startupProbe` is not simulated: ",
        "mesh.yaml:30:1: warning: `spec.sessionAffinity` is not simulated: ",
        "mesh.yaml:32:1: warning: NetworkPolicy `none` is not simulated (no connection is refused for it)",
        "mesh.yaml:34:1: warning: DaemonSet `agent` is not simulated (its pods are not made",
    ] {
        let mut lines = found.iter();
        assert!(
            lines.any(|line| line.starts_with(expected)),
            "{expected}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 7, "{found:#?}");
}

#[test]
fn rules_without_a_proxy_are_told() {
    let rule = "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: shop}, spec: {hosts: [shop], \
                http: [{route: [{destination: {host: shop}}]}]}}";
    let text = format!("manifests: mesh.yaml\n{TRAFFIC}\n");
    let labelled = format!("{MESH}---\n{rule}\n");
    assert_eq!(found_in(&text, &labelled), [""; 0]);
    let bare = labelled.replace(", labels: {istio-injection: enabled}", "");
    assert_eq!(
        found_in(&text, &bare),
        [
            "mesh.yaml:2:1: warning: no pod of namespace `default` has a sidecar: VirtualServices and DestinationRules have \
             no effect there (kubectl label namespace default istio-injection=enabled, or the same label in the manifests)"
        ]
    );
    let without_rules = MESH.replace(", labels: {istio-injection: enabled}", "");
    assert_eq!(found_in(&text, &without_rules), [""; 0]);
}

#[test]
fn budgets_that_hold_up_a_drain_are_told() {
    let budget = |least: u32| {
        format!(
            "{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: shop}}, spec: {{minAvailable: {least}, \
             selector: {{matchLabels: {{app: shop}}}}}}}}"
        )
    };
    let drained =
        "cluster: {nodes: [{name: a}, {name: b}]}\ntimeline: [{at: 5s, drain: {node: a}}]";
    assert_eq!(told_of(&budget(1), drained), [""; 0]);
    assert_eq!(
        told_of(&budget(2), drained),
        [
            "mesh.yaml:16:1: warning: PodDisruptionBudget default/shop keeps all 2 pods: a node that is drained keeps those \
             that it has (let one be missing, as with `maxUnavailable: 1`)"
        ]
    );
    assert_eq!(told_of(&budget(2), "cluster: {}"), [""; 0]);
}

#[test]
fn faults_of_a_trace_name_their_columns() {
    let found = |file: &str, content: &str| {
        let text =
            format!("manifests: mesh.yaml\ntraffic: [{{name: u, from: client, trace: {file}}}]\n");
        let files = |name: &str| {
            let text = if name == "mesh.yaml" { MESH } else { content };
            Ok(vec![Source::new(name, text)])
        };
        let source = Source::new("s.yaml", text);
        let found = load(&source, &LoadOptions::default(), &files)
            .and_then(|scenario| compile(&scenario, &CompileOptions::default()))
            .map_or_else(|errors| errors, |compiled| compiled.notes);
        found
            .iter()
            .map(|one| format!("{one} [{}]", one.field))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found(
            "t.csv",
            "time,method,path,host\n1,GET,/,shop\n2,get,/,shop\n3,GET,/,http://shop\n"
        ),
        [
            "t.csv:3:3: error: method: `get` is not an HTTP method that Envoy takes (write it in capitals: `GET`) [method]",
            "t.csv:4:9: error: host: `http://shop` is not a host (write `shop`) [host]",
        ]
    );
    let line = |at: &str, millis: u32, id: &str, cluster: &str| {
        format!(
            "[2026-01-31T12:00:{at}Z] \"GET /a HTTP/1.1\" 200 - via_upstream - \"-\" 0 95 {millis} 5 \"-\" \"curl/8\" \
             \"{id}\" \"shop\" \"10.0.0.1:8080\" {cluster} 127.0.0.6:3333 10.0.0.6:8080 10.0.0.5:1111 - default\n"
        )
    };
    let inner = line(
        "01.001",
        3,
        "1",
        "outbound|80||db.default.svc.cluster.local",
    );
    let outer = line("01.000", 6, "1", "inbound|8080||");
    assert_eq!(
        found("t.log", &format!("{inner}{outer}")),
        [
            "s.yaml:2:11: warning: 1 lines of the trace are not sent: requests that others of its lines led to \
             (workloads make their calls themselves: say which with `calls`) [traffic[0]]"
        ]
    );
    assert_eq!(
        found("t.log", "[noon] \"GET / HTTP/1.1\" 200\n"),
        [
            "t.log:1:1: error: start_time: `noon` is not the time that begins a line of Istio's access log [start_time]"
        ]
    );
}
