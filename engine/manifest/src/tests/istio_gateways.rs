//! Gateway, ServiceEntry, WorkloadEntry, WorkloadGroup and Sidecar as their schemas have them.

use super::*;
use crate::server_tls::{ServerTlsMode, TlsProtocol};
use crate::service_entry::{MeshLocation, Resolution};
use crate::sidecar::{CaptureMode, OutboundTrafficPolicyMode};

fn check_object(kind: &str, spec: &str, expected: &[&str]) {
    super::check_object(VERSION, kind, spec, expected);
}

fn read_valid(kind: &str, spec: &str) -> Resources {
    super::read_valid(VERSION, kind, spec)
}

const VERSION: &str = "networking.istio.io/v1";

#[test]
fn reads_every_part_of_a_gateway() {
    let resources = read_valid(
        "Gateway",
        "selector: {istio: ingressgateway}
servers:
- name: web
  port: {number: 443, protocol: HTTPS, name: https, targetPort: 8443}
  bind: 10.0.0.1
  hosts: ['shop/*.example.com']
  defaultEndpoint: 127.0.0.1:80
  tls:
    mode: OPTIONAL_MUTUAL
    httpsRedirect: true
    serverCertificate: a
    privateKey: b
    caCertificates: c
    caCrl: d
    credentialName: e
    caCertCredentialName: f
    subjectAltNames: [g]
    verifyCertificateSpki: [h]
    verifyCertificateHash: [i]
    minProtocolVersion: TLSV1_2
    maxProtocolVersion: TLS_AUTO
    cipherSuites: [j]
    ecdhCurves: [k]
    alpnProtocols: [h2]
    insecureSkipVerify: null
    tlsCertificates: [{serverCertificate: l, privateKey: m, caCertificates: ca}]",
    );
    let spec = &resources.gateways[0].spec;
    let server = &spec.servers[0];
    let (port, tls) = (&server.port, server.tls.as_ref().expect("it is given"));
    assert_eq!((*port.number, port.number.at.line), (443, 8));
    assert_eq!(tls.mode(), ServerTlsMode::OptionalMutual);
    assert_eq!(tls.min_protocol_version, TlsProtocol::V1_2);
    assert_eq!(tls.insecure_skip_verify, None);
    let labels = [("istio".to_owned(), "ingressgateway".to_owned())];
    assert!(spec.selects(&labels.into()));
    assert!(!spec.selects(&[].into()));
    let everyone = read_valid("Gateway", "servers: []");
    assert!(everyone.gateways[0].spec.selects(&[].into()));
}

#[test]
fn says_what_is_wrong_with_a_gateway() {
    check_object(
        "Gateway",
        "servers:\n- port: {number: 80}\n- hosts: [a]\n- port: {number: 80, protocol: HTTP, name: a}\n  hots: []",
        &[
            "6:11: error: missing required field \"spec.servers[0].port.protocol\"",
            "7:5: error: missing required field \"spec.servers[1].port\"",
            "8:5: error: missing required field \"spec.servers[2].hosts\"",
            "9:5: error: unknown field \"spec.servers[2].hots\" (did you mean `hosts`?)",
        ],
    );
    let tls = |fields: &str| {
        format!(
            "servers:\n- port: {{number: 443, protocol: TLS, name: a}}\n  hosts: ['*']\n  tls: {{{fields}}}"
        )
    };
    for (fields, lines) in [
        (
            "credentialName: a, credentialNames: [b]",
            &[
                "8:10: error: spec.servers[0].tls: `credentialName` and `credentialNames` exclude each other: give one",
            ] as &[&str],
        ),
        (
            "tlsCertificates: [], credentialNames: [a, b, c]",
            &[
                "8:10: error: spec.servers[0].tls: `tlsCertificates` and `credentialNames` exclude each other: give one",
                "8:28: error: spec.servers[0].tls.tlsCertificates: expected at least 1 elements, got 0",
                "8:49: error: spec.servers[0].tls.credentialNames: expected at most 2 elements, got 3",
            ],
        ),
        (
            "mode: SIMPEL",
            &[
                "8:17: error: spec.servers[0].tls.mode: unsupported value \"SIMPEL\": expected `PASSTHROUGH`, `SIMPLE`, `MUTUAL`, `AUTO_PASSTHROUGH`, `ISTIO_MUTUAL` or `OPTIONAL_MUTUAL` (did you mean `SIMPLE`?)",
            ],
        ),
    ] {
        check_object("Gateway", &tls(fields), lines);
    }
}

#[test]
fn reads_every_part_of_a_service_entry() {
    let resources = read_valid(
        "ServiceEntry",
        "hosts: [api.example.com]
addresses: [10.0.0.0/24]
ports: [{number: 443, name: https, protocol: HTTPS, targetPort: 8443}, {number: 80, name: http}]
location: MESH_INTERNAL
resolution: STATIC
endpoints:
- {address: 10.0.0.1, ports: {https: 9443}, labels: {app: a}, network: net, locality: r/z, weight: 3, serviceAccount: s}
exportTo: [.]
subjectAltNames: [spiffe://a]",
    );
    let spec = &resources.service_entries[0].spec;
    assert_eq!(spec.location(), MeshLocation::MeshInternal);
    assert_eq!(spec.resolution(), Resolution::Static);
    assert_eq!(
        (spec.ports[0].target_port(), spec.ports[1].target_port()),
        (8443, 80)
    );
    assert_eq!(
        (spec.ports[0].protocol(), spec.ports[1].protocol()),
        ("HTTPS", "")
    );
    let endpoint = &spec.endpoints[0];
    assert_eq!((endpoint.address(), endpoint.weight), ("10.0.0.1", 3));
    assert_eq!(*endpoint.ports["https"], 9443);
    let resources = read_valid(
        "ServiceEntry",
        "hosts: [a.b]\nworkloadSelector: {labels: {app: a}}",
    );
    let spec = &resources.service_entries[0].spec;
    assert_eq!(spec.resolution(), Resolution::None);
    assert!(spec.workload_selector.as_ref().is_some_and(|selector| {
        selector.selects(&[("app".to_owned(), "a".to_owned())].into())
            && !selector.selects(&[].into())
    }));
}

#[test]
fn says_what_is_wrong_with_a_service_entry() {
    for (spec, lines) in [
        (
            "hosts: []",
            &["5:10: error: spec.hosts: expected at least 1 elements, got 0"] as &[&str],
        ),
        (
            "hosts: ['*']",
            &[
                "5:11: error: spec.hosts[0]: the host `*` is not allowed: name a domain, such as `*.example.com`",
            ],
        ),
        (
            "hosts: [a.b]\nresolution: DNS\naddresses: [10.0.0.0/8]",
            &[
                "7:15: error: spec.addresses[0]: an address range needs the resolution `NONE` or `STATIC`",
            ],
        ),
        (
            "hosts: [a.b]\nports: [{number: 0, name: a}, {number: 80, name: a, targetPort: 70000}, {number: 80, name: b}]",
            &[
                "6:20: error: spec.ports[0].number: `0` is out of range: expected 1 to 65535",
                "6:52: error: spec.ports[1].name: `a` is the name of `spec.ports[0]` already",
                "6:67: error: spec.ports[1].targetPort: `70000` is out of range: expected 1 to 65535",
                "6:84: error: spec.ports[2].number: `80` is the number of `spec.ports[1]` already",
            ],
        ),
        (
            "hosts: [a.b]\nworkloadSelector: {labels: {a: '*'}}\nendpoints: []",
            &[
                "5:3: error: spec: `workloadSelector` and `endpoints` exclude each other: give one",
                "6:34: error: spec.workloadSelector.labels.a: a wildcard is not allowed in a selector",
                "7:14: error: spec.endpoints: the resolution `NONE` takes no endpoints",
            ],
        ),
        (
            "hosts: [a.b]\nresolution: DNS_ROUND_ROBIN\nendpoints: [{address: a.b}, {}]",
            &[
                "7:14: error: spec.endpoints: the resolution `DNS_ROUND_ROBIN` takes one endpoint",
                "7:31: error: spec.endpoints[1]: `address` or `network` must be given",
            ],
        ),
        (
            "hosts: [a.b]\nresolution: STATIC\nendpoints: [{address: 'unix://a/', ports: {a_b: 0}}]",
            &[
                "7:25: error: spec.endpoints[0].address: a Unix socket must be an absolute path or an abstract name (`@name`)",
                "7:25: error: spec.endpoints[0].address: a Unix socket must not be a folder",
                "7:45: error: spec.endpoints[0].ports: a Unix socket has no ports",
                "7:51: error: spec.endpoints[0].ports.a_b: the port's name must consist of letters, digits and `-`, and begin and end with a letter or digit",
                "7:51: error: spec.endpoints[0].ports.a_b: `0` is out of range: expected 1 to 65535",
            ],
        ),
    ] {
        check_object("ServiceEntry", spec, lines);
    }
    check_object(
        "WorkloadEntry",
        "weight: 1",
        &["5:3: error: spec: `address` or `network` must be given"],
    );
}

#[test]
fn reads_every_part_of_a_workload_group() {
    let resources = read_valid(
        "WorkloadGroup",
        "metadata: {labels: {app: a}, annotations: {b: c}}
template: {ports: {http: 80}, serviceAccount: s}
probe: {initialDelaySeconds: 1, timeoutSeconds: 2, periodSeconds: 3, successThreshold: 4, failureThreshold: 5, httpGet: {path: /, port: 80, host: h, scheme: HTTP, httpHeaders: [{name: a, value: b}]}}",
    );
    let spec = &resources.workload_groups[0].spec;
    assert_eq!(spec.template.service_account, "s");
    for (probe, line) in [
        (
            "{exec: {command: ['']}, grpc: {}}",
            "6:10: error: spec.probe: `exec` and `grpc` exclude each other: give one|6:28: error: spec.probe.exec.command[0]: must not be empty",
        ),
        (
            "{httpGet: {port: 0, scheme: FTP, httpHeaders: [{name: 'a b'}]}}",
            "6:27: error: spec.probe.httpGet.port: `0` is out of range: expected 1 to 65535|6:38: error: spec.probe.httpGet.scheme: expected `HTTP` or `HTTPS`|6:64: error: spec.probe.httpGet.httpHeaders[0].name: must consist of letters, digits, `-` and `_`",
        ),
    ] {
        let lines: Vec<&str> = line.split('|').collect();
        check_object(
            "WorkloadGroup",
            &format!("template: {{}}\nprobe: {probe}"),
            &lines,
        );
    }
}

#[test]
fn reads_every_part_of_a_sidecar() {
    let resources = read_valid(
        "Sidecar",
        "workloadSelector: {labels: {app: a}}
ingress:
- port: {number: 9080, protocol: HTTP, name: http, targetPort: 1}
  bind: 0.0.0.0
  captureMode: IPTABLES
  defaultEndpoint: 127.0.0.1:8080
  tls: {mode: SIMPLE}
  connectionPool: {http: {http2MaxRequests: 1}}
egress:
- port: {number: 80}
  bind: 127.0.0.1
  captureMode: NONE
  hosts: [./*]
- hosts: ['*/*']
inboundConnectionPool: {tcp: {maxConnections: 2}}
outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: e, subset: s, port: {number: 80}}}",
    );
    let spec = &resources.sidecars[0].spec;
    assert_eq!(spec.ingress[0].capture_mode, CaptureMode::Iptables);
    assert_eq!(
        spec.egress[0].port.as_ref().map(|port| port.number),
        Some(80)
    );
    assert_eq!(spec.egress[1].hosts[0].at.to_string(), "a.yaml:18:13");
    let policy = spec.outbound_traffic_policy.as_ref().expect("it is given");
    assert_eq!(policy.mode, OutboundTrafficPolicyMode::AllowAny);
    let empty = read_valid("Sidecar", "outboundTrafficPolicy: {}");
    let policy = empty.sidecars[0].spec.outbound_traffic_policy.as_ref();
    assert_eq!(
        policy.map(|policy| policy.mode),
        Some(OutboundTrafficPolicyMode::RegistryOnly)
    );
    check_object(
        "Sidecar",
        "ingress: [{}]\negress: [{port: {number: 1}}]\noutboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}",
        &[
            "5:13: error: missing required field \"spec.ingress[0].port\"",
            "6:12: error: missing required field \"spec.egress[0].hosts\"",
            "7:33: error: spec.outboundTrafficPolicy.mode: unsupported value \"ALLOW_ANY_DYNAMIC_DNS\": expected `REGISTRY_ONLY` or `ALLOW_ANY`",
        ],
    );
}
