//! What Envoy's files give and take: `explain --config-dump`, `explain --envoy` and `export envoy`.

use serde_json::Value;
use snapbox::str;

use super::{json, meshsim, run};

/// The config dump of the proxy of the product page, as another program would hand it over.
fn config_dump() -> String {
    config_dump_of("default/productpage-v1", "reviews")
}

fn config_dump_of(proxy: &str, manifests: &str) -> String {
    json(&["pc", "all", proxy, "-f", manifests, "-o", "json"], 0).to_string()
}

/// `explain --config-dump -` of this text.
fn explain_dump(dump: &str, arguments: &[&str], code: i32) -> (Value, String) {
    let all = [&["explain", "--config-dump", "-", "-o", "json"], arguments].concat();
    let output = meshsim(&all).stdin(dump).assert().code(code);
    let output = output.get_output();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (value, said)
}

/// What `explain` says about a URL by the config dump; so it must by manifests and where the request comes from.
fn explained_alike(dump: &str, world: &[&str], url: &str, fields: &[&str]) -> [Value; 2] {
    let arguments = [&["explain", "-o", "json", "-f"], world, &[url]].concat();
    let from_mesh = json(&arguments, 0);
    let (from_dump, said) = explain_dump(dump, &[url], 0);
    assert_eq!(said, "", "{url}");
    assert_eq!(from_dump["outcome"], from_mesh["outcome"], "{url}");
    let [dump, mesh] = [&from_dump, &from_mesh].map(|story| story["hops"][0].clone());
    for field in fields {
        assert_eq!(dump[*field], mesh[*field], "{url}: {field}");
    }
    [dump, mesh]
}

/// What a hop has in any case.
const HOP: [&str; 7] = [
    "proxy",
    "direction",
    "sidecar",
    "listener",
    "route_config",
    "virtual_host",
    "upstream_request",
];

#[test]
fn a_config_dump_is_explained_as_the_manifests_behind_it() {
    let dump = config_dump();
    let world = ["reviews", "--from", "default/productpage-v1"];
    let fields = [&HOP[..], &["fault", "timeout_ms", "retry"]].concat();
    for url in [
        "http://reviews:9080/reviews/1",
        "http://reviews:9080/old",
        "http://reviews:9080/health",
        "http://reviews:9080/broken",
        "http://reviews:9080/nowhere",
        "http://unused:9080/",
        "http://elsewhere.example.com:9080/",
        "tcp://database:3306",
    ] {
        let [dump, mesh] = explained_alike(&dump, &world, url, &fields);
        let object = |hop: &Value| hop["route"]["virtual_service"].clone();
        assert_eq!(object(&dump), object(&mesh), "{url}");
        let clusters = |hop: &Value| -> Vec<(Value, Value)> {
            let clusters = hop["clusters"].as_array().cloned().unwrap_or_default();
            clusters
                .iter()
                .map(|cluster| (cluster["name"].clone(), cluster["weight"].clone()))
                .collect()
        };
        assert_eq!(clusters(&dump), clusters(&mesh), "{url}");
    }
}

#[test]
fn the_config_dump_of_a_gateway_is_explained_as_a_gateway() {
    let dump = config_dump_of("default/edge", "edge");
    for url in ["http://shop.example/", "https://shop.example/"] {
        let [dump, _] = explained_alike(&dump, &["edge", "--gateway", "edge"], url, &HOP);
        assert_eq!(dump["direction"], "gateway");
    }
}

#[test]
fn the_other_side_of_a_sidecar_and_a_listener_by_name_are_asked_too() {
    let dump = config_dump();
    let (inbound, _) = explain_dump(&dump, &["--direction", "inbound", "http://any:9080/"], 0);
    assert_eq!(inbound["hops"][0]["listener"], "virtualInbound");
    assert_eq!(inbound["hops"][0]["direction"], "inbound");
    let listener = ["--listener", "10.0.0.20_3306", "tcp://whatever:1"];
    let (named, _) = explain_dump(&dump, &listener, 0);
    assert_eq!(
        named["hops"][0]["clusters"][0]["name"],
        "outbound|3306||database.default.svc.cluster.local"
    );
    let (_, said) = explain_dump(&dump, &["--listener", "10.0.0.20_3307", "tcp://a:1"], 2);
    assert!(
        said.contains("no listener is called `10.0.0.20_3307`"),
        "{said}"
    );
    assert!(said.contains("did you mean `10.0.0.20_3306`?"), "{said}");
}

#[test]
fn faulty_dumps_are_refused_with_place_and_path() {
    for (dump, want) in [
        ("{}", "-:1:1: `configs` is missing"),
        ("[]", "-:1:1: expected an object, found a list"),
        (
            "{\"configs\": [{}]}",
            "-:1:14: `configs[0]`: `@type` is missing",
        ),
        (
            "{\"static_resources\": {}}",
            "`-` is a bootstrap, not a config dump",
        ),
        ("{\"configs\": [", "-:1:"),
        (
            r#"{"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
  "dynamic_active_clusters": [{"cluster": {"name": "a", "connect_timeout": "soon"}}]}]}"#,
            "-:2:76: `configs[0].dynamic_active_clusters[0].cluster.connect_timeout`: \
             expected a duration such as `1.5s`, found `soon`",
        ),
    ] {
        let (_, said) = explain_dump(dump, &["http://a/"], 2);
        assert!(said.contains(want), "{dump}: {said}");
    }
}

#[test]
fn a_bootstrap_is_explained_and_what_is_not_modelled_is_said() {
    run(&[
        "explain",
        "--envoy",
        "envoy/bootstrap.yaml",
        "--listener",
        "main",
        "http://localhost:8080/x",
    ])
    .success()
    .stderr_eq(str![[r#"
envoy/bootstrap.yaml:14:13: `static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0]` (`envoy.filters.http.buffer`) is not modelled
envoy/bootstrap.yaml:42:20: `static_resources.clusters[0].health_checks` is not modelled

"#]])
    .stdout_eq(str![[r#"
GET http://localhost:8080/x

1. envoy/bootstrap.yaml (a proxy of its own)
  `localhost` is at 127.0.0.1:8080
  listener     main → local → all
  ✗ default route: path: want prefix `/old`, got `/x`
  ✗ default route: path: want exact `/health`, got `/x`
  ✓ default route: any request
  timeout      1.5s
  retries      up to 3 on 5xx, 250ms per try
  cluster      stable 90%
               2 endpoints: stable.local:80, stable-2.local:80
  cluster      canary 10%
               endpoint 10.0.0.9:80
  sends        GET /x HTTP/1.1, Host: localhost:8080
               x-forwarded-proto: http
               x-envoy-expected-rq-timeout-ms: 250

→ the request reaches its destination

"#]]);
    let of = |url: &str| {
        json(
            &[
                "explain",
                "--envoy",
                "envoy/bootstrap.yaml",
                "-o",
                "json",
                url,
            ],
            0,
        )
    };
    assert_eq!(
        of("http://localhost:8080/old")["outcome"]["kind"],
        "redirect"
    );
    assert_eq!(
        of("http://localhost:8080/health")["outcome"]["body"],
        "fine"
    );
}

#[test]
fn an_export_is_explained_like_the_mesh_it_came_from() {
    let export = |arguments: &[&str]| {
        let all = [
            &["export", "envoy", "default/productpage-v1", "-f", "reviews"],
            arguments,
        ];
        run(&all.concat()).success()
    };
    let output = export(&["--bind", "127.0.0.1:20000", "--upstream", "127.0.0.1:8080"]);
    let output = output.stderr_eq(str![[r#"
listener `0.0.0.0_9080` is at 127.0.0.1:20000
listener `10.0.0.20_3306` is at 127.0.0.1:20001
listener `virtualOutbound` is left out: only redirected connections reach it
listener `virtualInbound` is left out: only redirected connections reach it
connections to 5 clusters are plain text instead of TLS

"#]]);
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let url = "http://reviews:9080/reviews/1";
    let arguments = [
        "explain",
        "--envoy",
        "-",
        "--listener",
        "0.0.0.0_9080",
        "-o",
        "json",
        url,
    ];
    let output = meshsim(&arguments).stdin(text).assert().success();
    let value: Value = serde_json::from_slice(&output.get_output().stdout).expect("JSON");
    let clusters = value["hops"][0]["clusters"].as_array().expect("a list");
    assert_eq!(clusters.len(), 2);
    for cluster in clusters {
        assert_eq!(cluster["endpoints"][0], "127.0.0.1:8080");
    }
    let output = export(&["-q", "-o", "json"]).stderr_eq("");
    let value: Value = serde_json::from_slice(&output.get_output().stdout).expect("JSON");
    let listeners = &value["staticResources"]["listeners"];
    assert_eq!(listeners.as_array().expect("a list").len(), 4);
    assert_eq!(
        value["admin"]["address"]["socketAddress"]["address"],
        "127.0.0.1"
    );
    run(&[
        "export",
        "envoy",
        "default/productpage-v1",
        "-f",
        "reviews",
        "--bind",
        "here",
    ])
    .code(2);
}
