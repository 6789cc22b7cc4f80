//! Kubernetes' own kinds, and the rules of the API server that matter to them.

use super::*;
use crate::int_or_string::IntOrString;
use crate::service::{ServiceType, TransportProtocol};

fn service(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: x}}\nspec:\n{}",
        indent(spec, 2)
    )
}

/// A Deployment whose container and pod have further fields.
fn deployment(container: &str, pod: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: x}}\nspec:\n  selector: {{matchLabels: {{app: a}}}}\n  template:\n    metadata: {{labels: {{app: a}}}}\n    spec:\n{}      containers:\n      - name: c\n        image: i\n{}",
        indent(pod, 6),
        indent(container, 8)
    )
}

#[test]
fn reads_every_part_of_a_service() {
    let (resources, lines) = read(&service(
        "type: LoadBalancer
clusterIP: 10.0.0.1
selector: {app: a}
sessionAffinity: ClientIP
sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}
externalTrafficPolicy: Local
trafficDistribution: PreferClose
ipFamilies: [IPv4]
allocateLoadBalancerNodePorts: null
ports:
- {name: web, port: 80, targetPort: http, appProtocol: kubernetes.io/h2c, nodePort: 30080}
- {name: dns, port: 53, protocol: UDP, targetPort: 5353}",
    ));
    assert_eq!(lines, [""; 0]);
    let spec = &resources.services[0].spec;
    assert_eq!(spec.service_type, ServiceType::LoadBalancer);
    assert_eq!(
        spec.ports[0].target_port,
        Some(IntOrString::String("http".into()))
    );
    assert_eq!(spec.ports[1].protocol, TransportProtocol::Udp);
    assert!(!spec.is_headless());
}

#[test]
fn services_are_checked() {
    for (text, expected) in [
        ("ports: [{port: 80}]", &[][..]),
        ("clusterIP: None", &[]),
        (
            "type: ''\nclusterIP: ''\nports: [{port: 80, protocol: '', name: ''}]",
            &[],
        ),
        ("type: ExternalName\nexternalName: example.com.", &[]),
        (
            "ports: [{port: 80, targetPort: 0.5}]",
            &["5:34: error: spec.ports[0].targetPort: expected integer or string, got number"],
        ),
        (
            "ports: [{port: '80'}]",
            &[
                "5:18: error: spec.ports[0].port: expected integer, got string (remove the quotes: 80)",
            ],
        ),
        (
            "ports: [{port: 0}, {port: 65536}]",
            &[
                "5:18: error: spec.ports[0].port: `0` is out of range: expected 1 to 65535",
                "5:29: error: spec.ports[1].port: `65536` is out of range: expected 1 to 65535",
            ],
        ),
        (
            "ports: [{port: 80}, {port: 81}]",
            &[
                "5:11: error: missing required field \"spec.ports[0].name\"",
                "5:23: error: missing required field \"spec.ports[1].name\"",
            ],
        ),
        (
            "ports: [{port: 80, name: a}, {port: 80, name: a}, {port: 80, name: B, protocol: UDP}]",
            &[
                "5:39: error: spec.ports[1].port: `80` is the number of `spec.ports[0]` already",
                "5:49: error: spec.ports[1].name: `a` is the name of `spec.ports[0]` already",
                "5:70: error: spec.ports[2].name: `B` must consist of lower case letters, digits and `-`, and begin and end with a letter or digit",
            ],
        ),
        (
            "ports: [{port: 80, targetPort: 70000}]",
            &[
                "5:34: error: spec.ports[0].targetPort: `70000` is out of range: expected 1 to 65535",
            ],
        ),
        (
            "ports: [{port: 80, protocol: tcp}]",
            &[
                "5:32: error: spec.ports[0].protocol: unsupported value \"tcp\": expected `TCP`, `UDP` or `SCTP` (did you mean `TCP`?)",
            ],
        ),
        (
            "selector: {app: x}",
            &["5:3: error: missing required field \"spec.ports\""],
        ),
        (
            "type: ExternalName",
            &["5:3: error: missing required field \"spec.externalName\""],
        ),
        (
            "type: NodePort\nclusterIP: None\nports: [{port: 1}]",
            &["6:14: error: spec.clusterIP: only a service of type `ClusterIP` may be headless"],
        ),
        (
            "clusterIP: 1.2.3\nports: [{port: 1}]",
            &["5:14: error: spec.clusterIP: `1.2.3` is neither an address nor `None`"],
        ),
        (
            "ports: [{prot: 80}]\nselectors: {}",
            &[
                "5:11: error: missing required field \"spec.ports[0].port\"",
                "5:12: error: unknown field \"spec.ports[0].prot\" (did you mean `port`?)",
                "6:3: error: unknown field \"spec.selectors\" (did you mean `selector`?)",
            ],
        ),
    ] {
        let expected: Vec<String> = expected
            .iter()
            .map(|line| format!("a.yaml:{line}"))
            .collect();
        check(
            &service(text),
            &expected.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
    check(
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n",
        &["a.yaml:1:1: error: missing required field \"spec\""],
    );
    check(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a.b}\nspec: {ports: [{port: 1}]}\n",
        &[
            "a.yaml:3:18: error: metadata.name: `a.b` must consist of lower case letters, digits and `-`, and begin and end with a letter or digit",
        ],
    );
}

#[test]
fn what_the_api_server_would_not_take_is_refused() {
    let rolling = |fields: &str| {
        let strategy = format!("  strategy: {{{fields}}}\n  selector");
        deployment("", "").replace("  selector", &strategy)
    };
    check(
        &rolling("rollingUpdate: {maxSurge: 0, maxUnavailable: 1}"),
        &[],
    );
    for zero in ["0", "0%"] {
        check(
            &rolling(&format!(
                "rollingUpdate: {{maxUnavailable: {zero}, maxSurge: 0}}"
            )),
            &[
                "a.yaml:5:46: error: spec.strategy.rollingUpdate.maxUnavailable: must not be 0 where `maxSurge` is 0: no pod \
                 could ever be replaced",
            ],
        );
    }
    check(
        &rolling("rollingUpdate: {maxUnavailable: 101%, maxSurge: -1}"),
        &[
            "a.yaml:5:46: error: spec.strategy.rollingUpdate.maxUnavailable: must be a number of pods, zero or more, or a \
             percentage up to `100%`, as in `25%`",
            "a.yaml:5:62: error: spec.strategy.rollingUpdate.maxSurge: must be a number of pods, zero or more, or a \
             percentage, as in `25%`",
        ],
    );
    check(
        &rolling("type: Recreate, rollingUpdate: {maxSurge: 1}"),
        &[
            "a.yaml:5:45: error: spec.strategy.rollingUpdate: must not be given where `type` is `Recreate`",
        ],
    );
    check(
        &deployment(
            "resources: {limits: {cpu: -1, memory: 1Gi}, requests: {memory: 2Gi}}",
            "",
        ),
        &[
            "a.yaml:12:35: error: spec.template.spec.containers[0].resources.limits.cpu: `-1` must be greater than or equal \
             to 0",
            "a.yaml:12:72: error: spec.template.spec.containers[0].resources.requests.memory: `2Gi` must be less than or \
             equal to the limit, which is `1Gi`",
        ],
    );
    let scaler = |limits: &str| {
        format!(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: a}}\nspec: \
             {{scaleTargetRef: {{kind: Deployment, name: a}}, {limits}}}\n"
        )
    };
    check(&scaler("minReplicas: 2, maxReplicas: 2"), &[]);
    check(
        &scaler("minReplicas: 3, maxReplicas: 2"),
        &["a.yaml:4:82: error: spec.maxReplicas: must be at least `minReplicas`, which is 3"],
    );
    check(
        &scaler("maxReplicas: 0"),
        &["a.yaml:4:66: error: spec.maxReplicas: `0` is out of range: expected 1 to 2147483647"],
    );
}

#[test]
fn workloads_are_checked() {
    check(&deployment("", ""), &[]);
    check(
        &deployment("", "").replace("labels: {app: a}", "labels: {app: b}"),
        &[
            "a.yaml:5:13: error: spec.selector: does not match `spec.template.metadata.labels`: the workload would not find its own pods",
        ],
    );
    check(
        &deployment("", "").replace("matchLabels: {app: a}", ""),
        &["a.yaml:5:13: error: spec.selector: an empty selector would select every pod"],
    );
    check(
        &deployment("", "").replace(
            "matchLabels: {app: a}",
            "matchExpressions: [{key: app, operator: In}, {key: b, operator: Exists, values: [c]}]",
        ),
        &[
            "a.yaml:5:13: error: spec.selector: does not match `spec.template.metadata.labels`: the workload would not find its own pods",
            "a.yaml:5:33: error: spec.selector.matchExpressions[0].values: must be given for the operators `In` and `NotIn`",
            "a.yaml:5:94: error: spec.selector.matchExpressions[1].values: must not be given for the operators `Exists` and `DoesNotExist`",
        ],
    );
    check(
        &deployment("", "restartPolicy: Never"),
        &[
            "a.yaml:9:22: error: spec.template.spec.restartPolicy: unsupported value \"Never\": the pods of a workload are always restarted",
        ],
    );
    check(
        &deployment("", "").replace("  selector", "  replicas: -1\n  selector"),
        &["a.yaml:5:13: error: spec.replicas: `-1` is out of range: expected 0 to 2147483647"],
    );
    check(
        &deployment("", "").replace("        image: i\n", ""),
        &["a.yaml:10:9: error: missing required field \"spec.template.spec.containers[0].image\""],
    );
    check(
        &deployment("- {name: c, image: d}\n", "")
            .replace("        - {name: c", "      - {name: c"),
        &[
            "a.yaml:12:16: error: spec.template.spec.containers[1].name: another container is called `c` already",
        ],
    );
    check(
        &deployment(
            "ports: [{containerPort: 80, name: web}, {containerPort: 81, name: web}, {containerPort: 0}]",
            "",
        )
        .replace("name: c\n", "name: C\n"),
        &[
            "a.yaml:10:15: error: spec.template.spec.containers[0].name: `C` must consist of lower case letters, digits and `-`, and begin and end with a letter or digit",
            "a.yaml:12:75: error: spec.template.spec.containers[0].ports[1].name: another port of the container is called `web` already",
            "a.yaml:12:97: error: spec.template.spec.containers[0].ports[2].containerPort: `0` is out of range: expected 1 to 65535",
        ],
    );
}

#[test]
fn strictness_reaches_down() {
    check(
        &deployment(
            "env:\n- {name: A, value: 1}\n- {name: B, valueFrom: {secretKeyRef: {name: s, kei: k}}}\nresources: {limits: {cpu: 500m, memory: 1GB}, requests: {cpu: 0.5}}\nreadinessProbe: {httpGet: {path: /, prt: 80}}\nsecurityContext: {runAsNonroot: true}\nimagePullPolicy: Sometimes",
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Inn}]}]}}}\nvolumes:\n- {name: v, emptyDir: {}}\n- {name: w, configMap: {nam: c}}\ntolerations: [{key: a, operater: Exists}]",
        ),
        &[
            "a.yaml:9:141: error: spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: unsupported value \"Inn\": expected `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt` (did you mean `In`?)",
            "a.yaml:12:31: error: unknown field \"spec.template.spec.volumes[1].configMap.nam\" (did you mean `name`?)",
            "a.yaml:13:30: error: unknown field \"spec.template.spec.tolerations[0].operater\" (did you mean `operator`?)",
            "a.yaml:18:28: error: spec.template.spec.containers[0].env[0].value: expected string, got integer (quote it: \"1\")",
            "a.yaml:19:47: error: missing required field \"spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.key\"",
            "a.yaml:19:57: error: unknown field \"spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.kei\" (did you mean `key`?)",
            "a.yaml:20:49: error: spec.template.spec.containers[0].resources.limits.memory: `1GB` is not a quantity: expected a number with a suffix such as `500m`, `1.5` or `64Mi`",
            "a.yaml:21:35: error: missing required field \"spec.template.spec.containers[0].readinessProbe.httpGet.port\"",
            "a.yaml:21:45: error: unknown field \"spec.template.spec.containers[0].readinessProbe.httpGet.prt\" (did you mean `port`?)",
            "a.yaml:22:27: error: unknown field \"spec.template.spec.containers[0].securityContext.runAsNonroot\" (did you mean `runAsNonRoot`?)",
            "a.yaml:23:26: error: spec.template.spec.containers[0].imagePullPolicy: unsupported value \"Sometimes\": expected `Always`, `Never` or `IfNotPresent`",
        ],
    );
}

#[test]
fn reads_what_matters_of_a_pod() {
    let (resources, lines) = read(&deployment(
        "ports: [{containerPort: 8080, name: http}]\nenv: [{name: A, value: b}, {name: C}]\nresources: {requests: {cpu: 500m, memory: 1}}\nreadinessProbe: {grpc: {port: 1}, periodSeconds: 5}\nlifecycle: {preStop: {sleep: {seconds: 5}}}",
        "hostNetwork: true\ninitContainers: [{name: istio-proxy, image: p, restartPolicy: Always}]\nnodeSelector:\n  a:\nsubdomain: s",
    ));
    assert_eq!(lines, [""; 0]);
    let pod = &resources.deployments[0].spec.template.spec;
    assert!(pod.host_network);
    assert_eq!(pod.node_selector["a"], "");
    assert_eq!(
        pod.init_containers[0].restart_policy.as_deref(),
        Some("Always")
    );
    let container = &pod.containers[0];
    assert_eq!((container.at.line, container.at.column), (15, 9));
    assert_eq!(container.ports[0].container_port, 8080);
    assert_eq!(container.env[1].value, "");
    assert!((container.resources.requests["cpu"].value() - 0.5).abs() < 1e-12);
    assert_eq!(
        container
            .readiness_probe
            .as_ref()
            .and_then(|probe| probe.period_seconds),
        Some(5)
    );
    let pre_stop = container
        .lifecycle
        .as_ref()
        .and_then(|lifecycle| lifecycle.pre_stop.as_ref());
    assert_eq!(
        pre_stop
            .and_then(|handler| handler.sleep)
            .map(|sleep| sleep.seconds),
        Some(5)
    );
}

#[test]
fn reads_the_other_workloads() {
    let (resources, lines) = read(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {app: db}}
  ordinals: {start: 1}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: a, image: b}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: r}
spec:
  selector: {matchExpressions: [{key: app, operator: In, values: [r, s]}]}
  template:
    metadata: {labels: {app: s}}
    spec: {containers: [{name: a, image: b}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {istio-injection: enabled}}
",
    );
    assert_eq!(lines, [""; 0]);
    let set = &resources.stateful_sets[0].spec;
    assert_eq!(
        (
            set.replica_count(),
            set.ordinals.start,
            set.service_name.as_str()
        ),
        (3, 1, "db")
    );
    assert_eq!(resources.replica_sets[0].spec.replica_count(), 1);
    let namespace = &resources.namespaces[0].meta;
    assert_eq!(
        (
            namespace.namespace.as_str(),
            namespace.labels["istio-injection"].as_str()
        ),
        ("", "enabled")
    );
}

#[test]
fn config_maps_hold_texts() {
    let (resources, lines) = read(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n    enableTracing: true\nimmutable: false\n",
    );
    assert_eq!(lines, [""; 0]);
    let mesh = &resources.config_maps[0].spec.data["mesh"];
    assert_eq!((mesh.as_str(), mesh.at.line), ("enableTracing: true\n", 6));
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {nam: x}\ndata: {a: 1}\nspec: {}\n",
        &[
            "a.yaml:3:11: error: missing required field \"metadata.name\"",
            "a.yaml:3:12: error: unknown field \"metadata.nam\" (did you mean `name`?)",
            "a.yaml:4:11: error: data.a: expected string, got integer (quote it: \"1\")",
            "a.yaml:5:1: error: unknown field \"spec\"",
        ],
    );
}
