//! Streams, lists and objects: what is read, what is kept, what is refused.

use super::*;

#[test]
fn reads_a_service_and_its_routes() {
    let sources = [
        Source::new("w.yaml", WORKLOAD),
        Source::new("vs.yaml", VIRTUAL_SERVICE),
    ];
    let (resources, diagnostics) = parse(&sources, "default");
    assert_eq!(diagnostics, []);
    assert_eq!(resources.deployments[0].spec.replica_count(), 1);
    assert_eq!(resources.services[0].spec.ports[0].name, "http");
    assert_eq!(resources.services[0].location.to_string(), "w.yaml:22:1");
    let service = &resources.virtual_services[0];
    assert_eq!(
        (service.meta.namespace.as_str(), service.location.line),
        ("frontend", 1)
    );
    let places: Vec<String> = service
        .spec
        .http
        .iter()
        .map(|rule| rule.at.to_string())
        .collect();
    assert_eq!(places, ["vs.yaml:10:5", "vs.yaml:20:5"]);
    let destination = &service.spec.http[1].route[0].destination;
    assert_eq!(
        (destination.port_number(), destination.subset_name()),
        (Some(80), "")
    );
    assert_eq!(destination.host.at.to_string(), "vs.yaml:25:15");
}

#[test]
fn a_faulty_document_does_not_hide_the_others() {
    let broken = VIRTUAL_SERVICE.replace("rewrite:", "rewrit: [");
    let (resources, lines) = read(&format!("{broken}---\n{WORKLOAD}---\n{{a: *b}}\n"));
    assert_eq!(
        lines,
        [
            "a.yaml:15:10: error: while parsing a flow mapping, did not find expected ',' or '}'",
            "a.yaml:63:5: error: while parsing node, found unknown anchor",
        ]
    );
    assert_eq!(
        (resources.deployments.len(), resources.services.len()),
        (1, 1)
    );
}

#[test]
fn breaks_marks_and_tabs_are_read() {
    let windows = format!(
        "\u{FEFF}---\r\n# nothing\r\n--- # two\r\n{}...\r\n",
        WORKLOAD.replace('\n', "\r\n")
    );
    let (resources, lines) = read(&windows);
    assert_eq!(lines, [""; 0]);
    assert_eq!(resources.services[0].location.to_string(), "a.yaml:25:1");
    check(
        "a:	b",
        &[
            "a.yaml:1:1: error: expected a Kubernetes object: neither `apiVersion` nor `kind` is given",
        ],
    );
    check(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n\tname: x\n",
        &["a.yaml:4:2: error: tabs disallowed within this context (block indentation)"],
    );
    check("\n\n# nothing\n---\n---\n", &[]);
}

#[test]
fn json_is_yaml() {
    check(
        "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Namespace\",\n\t\"metadata\": {\"name\": \"x\\u00e9\"}\n}\n",
        &[
            "a.yaml:4:23: error: metadata.name: `xé` must consist of lower case letters, digits and `-`, and begin and end with a letter or digit",
        ],
    );
}

#[test]
fn elements_of_lists_are_documents() {
    let items: String = [
        WORKLOAD.split("---\n").next().unwrap_or_default(),
        VIRTUAL_SERVICE,
    ]
    .into_iter()
    .map(|item| indent(item, 2).replacen("  a", "- a", 1))
    .collect();
    let (resources, lines) = read(&format!(
        "apiVersion: v1\nkind: List\nmetadata: {{resourceVersion: ''}}\nitems:\n{items}"
    ));
    assert_eq!(lines, [""; 0]);
    assert_eq!(resources.deployments[0].location.to_string(), "a.yaml:5:3");
    assert_eq!(
        resources.virtual_services[0].spec.http[0].at.to_string(),
        "a.yaml:34:7"
    );

    let (resources, lines) = read(
        "apiVersion: networking.istio.io/v1beta1\nkind: DestinationRuleList\nitems:\n- metadata: {name: a}\n  spec: {host: b}\n- metadata: {name: c}\n  spec: {hots: d}\n",
    );
    assert_eq!(resources.destination_rules.len(), 1);
    assert_eq!(
        lines,
        [
            "a.yaml:7:9: error: missing required field \"spec.host\"",
            "a.yaml:7:10: error: unknown field \"spec.hots\" (did you mean `host`?)",
        ]
    );
}

#[test]
fn only_a_comment_follows_a_separator() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n";
    let (resources, lines) = read(&format!("{namespace}----\n{}", namespace.replace('x', "z")));
    assert_eq!(
        lines,
        ["a.yaml:4:1: error: only a comment may follow `---` in the line of a separator"]
    );
    assert_eq!(resources.namespaces.len(), 2);
    check(
        &format!("{namespace}...\n{namespace}"),
        &[
            "a.yaml:5:1: error: a document stands behind `...` without a separator (begin it with a line `---`)",
        ],
    );
}

#[test]
fn kinds_and_versions_are_known() {
    let object = |api_version: &str, kind: &str| {
        format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\n")
    };
    for (api_version, kind) in [
        ("v1", "Secret"),
        ("apps/v1", "DaemonSet"),
        ("networking.istio.io/v1alpha3", "EnvoyFilter"),
        ("serving.knative.dev/v1", "Service"),
        ("gateway.networking.k8s.io/v1", "UDPRoute"),
        ("batch/v1", "Job"),
    ] {
        let (resources, lines) = read(&object(api_version, kind));
        assert_eq!(lines, [""; 0], "{api_version} {kind}");
        assert_eq!(
            (
                resources.others[0].kind.as_str(),
                resources.others[0].name.as_str()
            ),
            (kind, "x")
        );
    }
    for (api_version, kind, help) in [
        ("v1", "Deployment", " (write `apiVersion: apps/v1`)"),
        (
            "extensions/v1beta1",
            "Deployment",
            " (write `apiVersion: apps/v1`)",
        ),
        ("apps/v1", "Service", " (write `apiVersion: v1`)"),
        (
            "networking.istio.io/v1alpha1",
            "VirtualService",
            " (write `apiVersion: networking.istio.io/v1`)",
        ),
        (
            "networking.istio.oi/v1",
            "VirtualService",
            " (write `apiVersion: networking.istio.io/v1`)",
        ),
        (
            "networking.istio.io/v1",
            "VirtualServce",
            " (did you mean `VirtualService`?)",
        ),
        (
            "networking.istio.io/v1",
            "Gatway",
            " (did you mean `Gateway`?)",
        ),
        ("v1", "Servcie", " (did you mean `Service`?)"),
        ("v1", "Blob", ""),
    ] {
        let line = format!(
            "a.yaml:2:7: error: no matches for kind \"{kind}\" in version \"{api_version}\"{help}"
        );
        check(&object(api_version, kind), &[&line]);
    }
    check(
        "kind: Service",
        &["a.yaml:1:1: error: missing required field \"apiVersion\""],
    );
    check(
        "apiVersion: v1\nkind: 3",
        &["a.yaml:2:7: error: kind: expected string, got integer (quote it: \"3\")"],
    );
    check("- a", &["a.yaml:1:1: error: expected object, got array"]);
    check("hello", &["a.yaml:1:1: error: expected object, got string"]);
}

#[test]
fn others_are_counted() {
    let (resources, lines) = read(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: c}\n---\napiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n",
    );
    assert_eq!(lines, [""; 0]);
    let counts: Vec<(String, usize)> = resources.other_counts().into_iter().collect();
    assert_eq!(
        counts,
        [
            ("EnvoyFilter.networking.istio.io".into(), 1),
            ("Secret".into(), 2)
        ]
    );
    assert_eq!(resources.others[1].namespace.as_deref(), Some("c"));
}

#[test]
fn the_last_version_of_an_object_counts() {
    let object = |version: &str, namespace: &str, host: &str| {
        format!(
            "apiVersion: networking.istio.io/{version}\nkind: DestinationRule\nmetadata: {{name: x{namespace}}}\nspec: {{host: {host}}}\n---\n"
        )
    };
    let (resources, lines) = read(
        &[
            object("v1", "", "a"),
            object("v1", ", namespace: other", "b"),
            object("v1beta1", ", namespace: default", "c"),
            object("v1", "", "[]"),
        ]
        .concat(),
    );
    let hosts: Vec<&str> = resources
        .destination_rules
        .iter()
        .map(|rule| rule.spec.host.as_str())
        .collect();
    assert_eq!(hosts, ["c", "b"]);
    assert_eq!(
        lines,
        [
            "a.yaml:13:18: warning: DestinationRule default/x is given again and replaces its earlier version (first given at a.yaml:1:1)",
            "a.yaml:19:14: error: spec.host: expected string, got array",
        ]
    );
}

#[test]
fn metadata_is_checked() {
    let object = |metadata: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n{}spec: {{}}\n",
            indent(metadata, 2)
        )
    };
    check(
        &object(
            "name: X\nnamespace: a.b\nlabels: {app: on, v: 1, -x: a, ok: 'a b'}\nannotations: {k: true, Example.com/K: v}\nlabel: {}\ncreationTimestamp: now",
        ),
        &[
            "a.yaml:6:17: error: metadata.labels.app: expected string, got boolean (quote it: \"on\")",
            "a.yaml:6:24: error: metadata.labels.v: expected string, got integer (quote it: \"1\")",
            "a.yaml:7:20: error: metadata.annotations.k: expected string, got boolean (quote it: \"true\")",
            "a.yaml:8:3: error: unknown field \"metadata.label\" (did you mean `labels`?)",
            "a.yaml:9:22: error: metadata.creationTimestamp: expected a time such as `2026-01-31T12:00:00Z`",
        ],
    );
    check(
        &object(
            "name: X\nnamespace: a.b\nlabels: {-x: a, ok: 'a b'}\nannotations: {Example.com/K: v, a/b/c: d}",
        ),
        &[
            "a.yaml:4:9: error: metadata.name: `X` must consist of lower case letters, digits, `-` and `.`, and begin and end with a letter or digit",
            "a.yaml:5:14: error: metadata.namespace: `a.b` must consist of lower case letters, digits and `-`, and begin and end with a letter or digit",
            "a.yaml:6:16: error: metadata.labels.-x: the key must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit",
            "a.yaml:6:23: error: metadata.labels.ok: the value must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit",
            "a.yaml:7:42: error: metadata.annotations[a/b/c]: the key must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit",
        ],
    );
    check(
        &object("labels: {}"),
        &["a.yaml:4:3: error: missing required field \"metadata.name\""],
    );
    check(
        &object("generateName: x-"),
        &[
            "a.yaml:4:17: error: metadata.generateName: `kubectl apply` needs a `name` and takes no `generateName`",
        ],
    );
    check(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x}\nspce: {}\n",
        &["a.yaml:4:1: error: unknown field \"spce\" (did you mean `spec`?)"],
    );
}

#[test]
fn exported_objects_are_accepted() {
    let (resources, lines) = read(
        "apiVersion: v1
kind: Pod
metadata:
  creationTimestamp: \"2024-05-01T10:00:00Z\"
  generateName: app-
  name: app-x1
  generation: 1
  finalizers: [a/b]
  uid: 5a2b
  resourceVersion: \"12\"
  selfLink: /x
  deletionTimestamp: null
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: app, uid: x, controller: true, blockOwnerDeletion: true}
  managedFields:
  - apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1: {'f:metadata': {}}
    manager: kubectl
    operation: Update
    subresource: status
    time: \"2024-05-01T10:00:00Z\"
spec:
  containers: [{name: a, image: b, resources: {}}]
  nodeName: n1
status:
  podIP: 10.0.0.7
  podIPs: [{ip: 10.0.0.7}]
  phase: Running
  qosClass: BestEffort
  conditions:
  - {type: Ready, status: 'True', lastProbeTime: null}
",
    );
    assert_eq!(lines, [""; 0]);
    let pod = &resources.pods[0];
    assert_eq!(
        pod.meta.creation_timestamp.map(|time| time.unix_seconds()),
        Some(1_714_557_600)
    );
    assert_eq!(pod.status.pod_ip.as_deref(), Some("10.0.0.7"));
    assert_eq!(pod.status.conditions[0].status, "True");
}

#[test]
fn invalid_objects_are_kept_for_analysis() {
    let text = "apiVersion: v1
kind: Service
metadata: {name: X}
spec: {ports: [{port: 1}, {port: 2}], foo: 1}
---
apiVersion: v1
kind: Service
metadata: {name: x}
spec: {ports: [{port: a}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: z}
spec: {host: h, subset: []}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: w}
spec: {host: h, exportTo: [1, x]}
";
    let sources = [Source::new("a.yaml", text)];
    let (left, diagnostics) = parse(&sources, "default");
    assert_eq!((left.services.len(), left.destination_rules.len()), (0, 0));
    let (kept, same) = crate::parse_with(&sources, "default", crate::Invalid::Kept);
    assert_eq!(diagnostics, same);
    assert_eq!(diagnostics.len(), 7);
    assert_eq!(kept.services[0].spec.ports.len(), 2);
    assert_eq!((kept.services.len(), kept.destination_rules.len()), (1, 1));
}
