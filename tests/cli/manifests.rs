//! Manifests: where they come from, what is said about them, and `meshsim analyze`.

use serde_json::Value;
use snapbox::str;

use super::{json, meshsim, run};

#[test]
fn an_invalid_object_is_refused_with_its_place() {
    let arguments = [
        "explain",
        "-f",
        "lesson",
        "-f",
        "invalid",
        "--from",
        "frontend/app-deployment",
        "http://app-svc/",
    ];
    run(&arguments).code(2).stdout_eq("").stderr_eq(str![[r#"
invalid/virtualservice.yaml:13:9: error: unknown field "spec.http[0].route[0].destination.subsetz"
   |
13 |         subsetz: v1
   |         ^^^^^^^ did you mean `subset`?
error: 1 error in the manifests
  help: `--skip-invalid` leaves invalid objects out, as a cluster that refused them would

"#]]);
    let skipping = [&arguments[..], &["--skip-invalid"]].concat();
    run(&skipping).success().stderr_eq(str![[r#"
invalid/virtualservice.yaml:13:9: warning: left out: unknown field "spec.http[0].route[0].destination.subsetz"
   |
13 |         subsetz: v1
   |         ^^^^^^^ did you mean `subset`?

"#]]);
}

#[test]
fn analyze_finds_what_a_cluster_would_refuse() {
    run(&["analyze", "invalid"])
        .code(1)
        .stdout_eq(str![[r#"
Error [IST0101] (VirtualService frontend/app-vs invalid/virtualservice.yaml:12) Referenced host not found: "app-svc"
Error [IST0106] (VirtualService frontend/app-vs invalid/virtualservice.yaml:13) Schema validation error: unknown field "spec.http[0].route[0].destination.subsetz" (did you mean `subset`?)

"#]])
        .stderr_eq(str![[r#"
2 errors in 1 file

"#]]);
    let analysis = json(&["analyze", "invalid", "-o", "json"], 1);
    assert_eq!(analysis["schema"], "meshsim.analyze/1");
    let findings = analysis["findings"].as_array().expect("a list");
    let is_schema = |finding: &&Value| finding["code"] == "IST0106";
    let finding = findings.iter().find(is_schema).expect("it is found");
    assert_eq!(finding["level"], "Error");
    assert_eq!(finding["kind"], "VirtualService");
    assert_eq!(finding["namespace"], "frontend");
    assert_eq!(finding["name"], "app-vs");
    assert_eq!(finding["file"], "invalid/virtualservice.yaml");
    assert_eq!(finding["line"], 13);
    assert_eq!(finding["column"], 9);
}

/// A Service, and a VirtualService for it with one rule.
fn reviews(rule: &str) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: reviews}}
spec: {{selector: {{app: reviews}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: reviews}}
spec:
  hosts: [reviews]
  http:
  - {rule}
    route: [{{destination: {{host: reviews}}}}]
"
    )
}

#[test]
fn analyze_tells_what_the_webhook_refuses_from_what_it_warns_of() {
    let analyze = |rule| {
        let options = ["analyze", "-A", "-q", "-f", "-"];
        meshsim(&[&options[..], &["--output-threshold", "Warning"]].concat())
            .stdin(reviews(rule))
            .assert()
    };
    analyze("fault: {abort: {percentage: {value: 200}, httpStatus: 500}}")
        .code(1)
        .stdout_eq(str![[r#"
Error [IST0106] (VirtualService default/reviews -:12) Schema validation error: [..]

"#]]);
    let route = "mirrorPercent: 50\n    mirror: {host: reviews}";
    analyze(route).success().stdout_eq(str![[r#"
Warning [IST0133] (VirtualService default/reviews -:12) Schema validation warning: [..]

"#]]);
}

#[test]
fn the_json_of_analyze_has_the_fields_that_are_documented() {
    let manifests = "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: v1
kind: Namespace
metadata: {name: plain}
";
    let output = meshsim(&["analyze", "-A", "-f", "-", "-o", "json"])
        .stdin(manifests)
        .assert()
        .success();
    let analysis: Value = serde_json::from_slice(&output.get_output().stdout).expect("JSON");
    let keys = |value: &Value| -> Vec<String> {
        let object = value.as_object().expect("an object");
        let mut keys: Vec<_> = object.keys().cloned().collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys(&analysis), ["conditions", "findings", "schema"]);
    assert_eq!(
        keys(&analysis["findings"][0]),
        [
            "code",
            "column",
            "file",
            "kind",
            "level",
            "line",
            "message",
            "name",
            "namespace"
        ]
    );
    assert_eq!(
        keys(&analysis["conditions"][0]),
        [
            "kind",
            "listener",
            "message",
            "name",
            "namespace",
            "parent",
            "reason",
            "status",
            "type"
        ]
    );
}

#[test]
fn analyze_fails_and_prints_from_the_levels_that_are_asked_for() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}\n";
    let analyze = |arguments: &[&str]| {
        meshsim(&[&["analyze", "-A", "-f", "-"], arguments].concat())
            .stdin(namespace)
            .assert()
    };
    analyze(&[]).success();
    analyze(&["--failure-threshold", "Warning"]).success();
    analyze(&["--failure-threshold", "Info"]).code(1);
    analyze(&["--output-threshold", "warning"])
        .success()
        .stdout_eq("");
}

#[test]
fn analyze_says_when_nothing_is_found() {
    run(&["analyze", "lesson"])
        .success()
        .stdout_eq("")
        .stderr_eq(str![[r#"
✔ no issue found in 3 files

"#]]);
    run(&["analyze", "lesson", "-q"]).success().stderr_eq("");
}

#[test]
fn text_that_is_no_yaml_is_refused_even_by_analyze() {
    meshsim(&["analyze", "-f", "-"])
        .stdin("kind: [\n")
        .assert()
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
-:1:7: error: unclosed bracket '['
  |
1 | kind: [
  |       ^
error: 1 error in the YAML itself

"#]]);
}

#[test]
fn manifests_come_from_standard_input_too() {
    let list = concat!(
        "apiVersion: v1\nkind: List\nitems:\n",
        "- apiVersion: v1\n  kind: Namespace\n",
        "  metadata: {name: shop, labels: {istio-injection: enabled}}\n",
    );
    meshsim(&["analyze", "-f", "-", "-v"])
        .stdin(list)
        .assert()
        .success()
        .stderr_eq(str![[r#"
reads `-`
✔ no issue found in 1 file

"#]]);
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let table = [
        ("lessons", "no such file or folder"),
        (
            "lesson/workload.yml",
            "did you mean `lesson/workload.yaml`?",
        ),
    ];
    for (file, want) in table {
        let output = run(&["analyze", file]).code(2).get_output().stderr.clone();
        let text = String::from_utf8_lossy(&output).into_owned();
        assert!(text.contains(want), "{text}");
    }
}
