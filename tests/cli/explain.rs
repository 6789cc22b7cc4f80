//! `meshsim explain`: where requests go, as a story and as JSON.

mod gateway;

use serde_json::Value;
use snapbox::str;

use super::{json, meshsim, run};

/// `explain` in the mesh of the reviews.
fn explain(arguments: &[&str]) -> Value {
    let mut all = vec!["explain", "-f", "reviews", "-o", "json"];
    all.extend(["--from", "default/productpage-v1"]);
    all.extend(arguments);
    json(&all, 0)
}

#[test]
fn the_rule_that_decides_is_told_with_its_line() {
    run(&[
        "explain",
        "-f",
        "lesson",
        "--from",
        "frontend/app-deployment",
        "http://app-svc/login",
    ])
    .success()
    .stderr_eq("")
    .stdout_eq(str![[r#"
GET http://app-svc/login

1. frontend/app-deployment-0 (its sidecar, outbound)
  `app-svc` is the Service frontend/app-svc at 10.108.18.107:80
  listener     0.0.0.0_80 → 80 → app-svc.frontend.svc.cluster.local:80
  ✓ VirtualService frontend/app-vs, rule 0, match 0: path begins with `/login`
      lesson/virtualservice.yaml:11:7
        11 │     - uri:
        12 │         prefix: /login
  timeout      none
  retries      up to 2 on connect-failure, refused-stream, unavailable, cancelled, retriable-status-codes
  cluster      outbound|80||app-svc.frontend.svc.cluster.local
               endpoint frontend/app-deployment-0
  sends        GET / HTTP/1.1, Host: app-svc
               x-forwarded-proto: http
               x-envoy-attempt-count: 1
               x-envoy-original-path: /login

2. frontend/app-deployment-0 (its sidecar, inbound)
  mutual TLS arrives at 10.217.220.228:80
  listener     virtualInbound → inbound|80|| → inbound|http|80
  cluster      inbound|80||

→ the request reaches its destination

"#]]);
}

#[test]
fn the_catalogue_says_what_known_images_answer() {
    let pods = "{apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {istio-injection: enabled}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: app, image: curl}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: httpbin, labels: {app: httpbin}}, spec: {containers: [{name: app, image: mccutchen/go-httpbin}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: httpbin}, spec: {selector: {app: httpbin}, ports: [{name: http, port: 80}]}}
";
    let explain = |arguments: &[&str]| {
        let all = [&["explain", "-f", "-", "--from", "client"], arguments].concat();
        let run = meshsim(&all).stdin(pods).assert().success();
        String::from_utf8(run.get_output().stdout.clone()).expect("text")
    };
    let text = explain(&["http://httpbin/status/418"]);
    assert!(
        text.ends_with(
            "\n  default/httpbin answers 418, assumed from what is known of its image (`httpbin`)\n"
        ),
        "{text}"
    );
    let text = explain(&["http://httpbin/unstable"]);
    assert!(
        text.contains("httpbin most likely answers 200, assumed"),
        "{text}"
    );
    let read = |path: &str| -> Value {
        let text = explain(&["-o", "json", &format!("http://httpbin{path}")]);
        let all: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(all["outcome"]["status"], Value::Null, "no proxy says so");
        all["outcome"].clone()
    };
    let deny = read("/deny");
    assert_eq!(deny["body"], "YOU SHOULDN'T BE HERE");
    assert_eq!(deny["answer"]["status"], 200);
    assert_eq!(deny["answer"]["assumed"], true);
    assert_eq!(deny["answer"]["certain"], true);
    assert_eq!(read("/bytes/x")["answer"]["status"], 400);
    assert_eq!(read("/nowhere")["answer"]["status"], 404);
    assert_eq!(read("/status/200:1,503:3")["answer"]["status"], 503);
}

#[test]
fn a_scenario_says_what_its_workloads_answer() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let folder = scratch.path();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("the folder takes it");
    };
    write(
        "mesh.yaml",
        "{apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {istio-injection: enabled}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: app, image: curl}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: app, image: web}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}
",
    );
    write(
        "shop.yaml",
        "manifests: mesh.yaml
duration: 60s
workloads:
- {workload: web, status: 202, body: welcome}
- {address: 'api.example.com:443', tls: true}
traffic: [{from: client, rate: 1/s, url: 'http://web/'}]
timeline: [{at: 30s, delete: service/default/web}]
",
    );
    let file = folder.join("shop.yaml");
    let file = file.to_str().expect("a plain name");
    let text = |arguments: &[&str]| {
        let all = [&["explain", "--scenario", file], arguments].concat();
        let run = run(&all).success();
        String::from_utf8(run.get_output().stdout.clone()).expect("text")
    };
    let told = text(&["--from", "client", "http://web/"]);
    let line =
        "  default/web answers 202, as say the scenario's `workloads` (line 4)\n\n  welcome\n";
    assert!(told.ends_with(line), "{told}");
    std::fs::copy(file, folder.join("scenario.yaml")).expect("the folder is writable");
    let folder = folder.to_str().expect("a plain name");
    run(&[
        "explain",
        "--scenario",
        folder,
        "--from",
        "client",
        "http://web/",
    ])
    .success()
    .stdout_eq(told);
    let outside = text(&["--from", "client", "http://api.example.com:443/"]);
    assert!(
        outside.contains("status 400"),
        "it takes TLS alone: {outside}"
    );
    let later = text(&["--at", "31s", "--from", "client", "http://web/"]);
    assert!(!later.contains("answers"), "the Service is gone: {later}");
    let unknown = meshsim(&[
        "explain",
        "--scenario",
        file,
        "--from",
        "nobody",
        "http://web/",
    ]);
    let unknown = unknown.assert().code(2);
    let said = String::from_utf8(unknown.get_output().stderr.clone()).expect("text");
    assert!(
        said.contains("nobody in the scenario is called `nobody`"),
        "{said}"
    );
}

#[test]
fn the_lesson_rewrites_login_and_nothing_else() {
    let of = |url: &str| {
        let from = "frontend/app-deployment";
        json(
            &["explain", "-f", "lesson", "-o", "json", "--from", from, url],
            0,
        )
    };
    let login = of("http://app-svc/login");
    let hop = &login["hops"][0];
    assert_eq!(login["schema"], "meshsim.explain/1");
    assert_eq!(hop["direction"], "outbound");
    assert_eq!(hop["listener"], "0.0.0.0_80");
    assert_eq!(hop["route"]["virtual_service"], "frontend/app-vs");
    assert_eq!(hop["route"]["rule"], 0);
    assert_eq!(hop["upstream_request"]["path"], "/");
    let cluster = &hop["clusters"][0];
    assert_eq!(
        cluster["name"],
        "outbound|80||app-svc.frontend.svc.cluster.local"
    );
    assert_eq!(cluster["endpoints"][0], "frontend/app-deployment-0");
    assert_eq!(login["outcome"]["kind"], "forwarded");
    assert_eq!(login["outcome"]["status"], Value::Null);
    assert_eq!(login["hops"][1]["direction"], "inbound");

    let other = of("http://app-svc/other");
    let hop = &other["hops"][0];
    assert_eq!(hop["route"]["rule"], 1);
    assert_eq!(hop["upstream_request"]["path"], "/other");
    assert_eq!(
        hop["rejected"][0]["reason"],
        "path: want prefix `/login`, got `/other`"
    );
}

#[test]
fn without_the_label_there_is_no_sidecar() {
    let arguments = [
        "explain",
        "-f",
        "lesson/workload.yaml",
        "-f",
        "lesson/virtualservice.yaml",
        "--from",
        "frontend/app-deployment-0",
        "http://app-svc/login",
    ];
    let explanation = json(&[&arguments[..], &["-o", "json"]].concat(), 0);
    assert_eq!(explanation["outcome"]["kind"], "no_sidecar");
    assert_eq!(explanation["hops"][0]["sidecar"], false);
    assert_eq!(explanation["hops"][0]["listener"], Value::Null);
    run(&arguments).success().stdout_eq(str![[r#"
GET http://app-svc/login

1. frontend/app-deployment-0 (no sidecar)
  `app-svc` is the Service frontend/app-svc at 10.108.18.107:80
  it has no sidecar: neither its namespace nor its pod template asks for one

→ Kubernetes balances it; no Istio object has a say at the client

"#]]);
}

#[test]
fn each_outcome_has_its_kind() {
    let table: [(&[&str], &str, Value, &str); 14] = [
        (&["http://reviews:9080/"], "forwarded", Value::Null, "-"),
        (&["http://reviews:9080/old"], "redirect", 302.into(), "-"),
        (
            &["http://reviews:9080/health"],
            "direct_response",
            200.into(),
            "-",
        ),
        (
            &["http://reviews:9080/broken"],
            "fault_abort",
            418.into(),
            "FI",
        ),
        (
            &["http://reviews:9080/nowhere"],
            "no_cluster",
            503.into(),
            "NC",
        ),
        (
            &["http://reviews:9080/x", "-X", "POST"],
            "no_route",
            404.into(),
            "NR",
        ),
        (
            &["http://elsewhere.example.com/"],
            "passthrough",
            Value::Null,
            "-",
        ),
        (&["http://reviews:9081/"], "passthrough", Value::Null, "-"),
        (&["tcp://database:3306"], "forwarded", Value::Null, "-"),
        (
            &["http://unused:9080/"],
            "no_healthy_upstream",
            503.into(),
            "UH",
        ),
        (
            &[
                "http://reviews:9080/shared",
                "-X",
                "OPTIONS",
                "-H",
                "origin: https://example.com",
                "-H",
                "access-control-request-method: GET",
            ],
            "cors_preflight",
            200.into(),
            "-",
        ),
        (
            &["http://elsewhere.example.com:9080/", "-f", "configmap.yaml"],
            "blackhole",
            502.into(),
            "-",
        ),
        (
            &[
                "http://elsewhere.example.com:9080/",
                "--mesh-config",
                "registry-only.yaml",
            ],
            "blackhole",
            502.into(),
            "-",
        ),
        (
            &[
                "http://reviews:9081/",
                "--mesh-config",
                "registry-only.yaml",
            ],
            "no_listener",
            0.into(),
            "-",
        ),
    ];
    for (arguments, kind, status, flags) in table {
        let outcome = &explain(arguments)["outcome"];
        assert_eq!(outcome["kind"], kind, "{arguments:?}");
        assert_eq!(outcome["status"], status, "{arguments:?}");
        assert_eq!(outcome["response_flags"], flags, "{arguments:?}");
    }
}

#[test]
fn a_rule_says_what_it_does_with_the_request() {
    let explanation = explain(&["http://reviews:9080/reviews/1", "-H", "end-user: jason"]);
    let hop = &explanation["hops"][0];
    assert_eq!(hop["route"]["name"], "jason");
    assert_eq!(hop["fault"]["delay"]["fixed_ms"], 7000);
    assert_eq!(hop["fault"]["delay"]["percent"], 100.0);
    assert_eq!(hop["fault"]["abort"], Value::Null);
    assert_eq!(hop["timeout_ms"], 500);
    assert_eq!(hop["retry"]["attempts"], 3);
    assert_eq!(hop["retry"]["retry_on"][0], "gateway-error");
    assert_eq!(hop["retry"]["per_try_timeout_ms"], 200);
    assert_eq!(explanation["request"]["headers"][0][1], "jason");
    assert_eq!(explanation["request"]["authority"], "reviews:9080");
}

#[test]
fn clusters_share_a_route_by_weight_and_have_requests_of_their_own() {
    let explanation = explain(&["http://reviews:9080/reviews/1"]);
    let hop = &explanation["hops"][0];
    let clusters = hop["clusters"].as_array().expect("a list");
    let weights: Vec<_> = clusters.iter().map(|cluster| &cluster["weight"]).collect();
    assert_eq!(weights, [90, 10]);
    assert_eq!(clusters[1]["endpoints"][1], "default/reviews-v2-1");
    let headers = clusters[1]["upstream_request"]["headers"].to_string();
    assert!(headers.contains("x-canary"), "{headers}");
    assert_eq!(hop["upstream_request"], clusters[0]["upstream_request"]);
    assert_eq!(hop["mirrors"][0]["percent"], 50.0);
    assert_eq!(hop["rejected"].as_array().expect("a list").len(), 6);
}

#[test]
fn draws_are_counted_and_repeat_with_their_seed() {
    let draw = |seed| {
        let arguments = [
            "http://reviews:9080/reviews/1",
            "--count",
            "1000",
            "--seed",
            seed,
        ];
        explain(&arguments)["draws"].clone()
    };
    let draws = draw("7");
    let counts: Vec<u64> = draws["outcomes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|outcome| outcome["count"].as_u64())
        .collect();
    assert_eq!(counts.iter().sum::<u64>(), 1000);
    assert!((850..950).contains(&counts[0]), "{counts:?}");
    assert_eq!(draws, draw("7"));
    assert_ne!(draws, draw("8"));
}

#[test]
fn what_the_client_receives_is_told() {
    let redirect = explain(&["http://reviews:9080/old?a=b"]);
    assert_eq!(
        redirect["outcome"]["headers"][0],
        serde_json::json!(["location", "http://reviews:9080/new?a=b"])
    );
    let direct = explain(&["http://reviews:9080/health"]);
    assert_eq!(direct["outcome"]["body"], "fine");
    assert_eq!(direct["outcome"]["headers"][0][0], "x-answered-by");
    let grpc = explain(&["grpc://reviews:9080/a.B/c"]);
    assert_eq!(grpc["outcome"]["kind"], "no_route");
    assert_eq!(grpc["outcome"]["status"], 200);
}

#[test]
fn pods_and_workloads_are_called_as_kubectl_and_istioctl_call_them() {
    for name in [
        "default/productpage-v1",
        "default/productpage-v1-0",
        "productpage-v1",
        "productpage-v1.default",
        "deploy/productpage-v1",
    ] {
        let url = "http://reviews:9080/";
        let arguments = [
            "explain", "-f", "reviews", "-o", "json", "--from", name, url,
        ];
        let explanation = json(&arguments, 0);
        assert_eq!(
            explanation["hops"][0]["proxy"], "default/productpage-v1-0",
            "{name}"
        );
    }
    run(&[
        "explain",
        "-f",
        "reviews",
        "--from",
        "product",
        "http://reviews",
    ])
    .code(2)
    .stdout_eq("")
    .stderr_eq(str![[r#"
error: no pod or workload is called `default/product`
  help: did you mean `default/productpage-v1`?

"#]]);
    run(&["explain", "-f", "reviews", "http://reviews"])
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: it is not said who sends the request
  help: give `--from NS/NAME` for a pod or a workload, or `--gateway NS/NAME` for a request that enters the mesh there

"#]]);
}
