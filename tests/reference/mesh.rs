//! Random meshes of few names, and requests that are likely to hit them.

use proptest::prelude::*;
use proptest::sample::select;
use proxy::listener::Preface;
use proxy::request::{Protocol, RequestHead};

/// A request from the client's pod.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// The address that is dialled.
    pub(super) ip: String,
    pub(super) port: u16,
    /// Else it is bytes of any other kind.
    pub(super) is_http: bool,
    pub(super) head: RequestHead,
}

impl Request {
    pub(super) fn preface(&self) -> Preface<'_> {
        if self.is_http {
            Preface::Http1
        } else {
            Preface::Other
        }
    }
}

/// Hosts as clients write them.
const HOSTS: [&str; 11] = [
    "one",
    "One:9080",
    "one.here",
    "two.here.svc",
    "two.here.svc.cluster.local:80",
    "three.there",
    "three.there.svc.cluster.local.",
    "10.1.0.2",
    "api.example.com",
    "a.b.example.com:80",
    "unknown",
];

const PATHS: [&str; 10] = [
    "/",
    "/a",
    "/a/",
    "/a/b?v=1",
    "/ab",
    "/A/b",
    "/b?v=2&w",
    "/c/1",
    "/c/x?v=1&v=2",
    "/a?w=",
];

const HEADERS: [&str; 4] = ["x-a", "x-b", "end-user", "x-user-agent"];
const VALUES: [&str; 4] = ["", "a", "ab", "jason"];
const PORTS: [u16; 5] = [80, 8080, 9080, 9000, 7000];
const ADDRESSES: [&str; 6] = [
    "10.1.0.1",
    "10.1.0.2",
    "10.1.0.3",
    "10.1.0.4",
    "10.9.9.9",
    "240.1.1.1",
];

/// A random request.
pub(super) fn request() -> impl Strategy<Value = Request> {
    let headers = prop::collection::btree_map(select(&HEADERS[..]), select(&VALUES[..]), 0..3);
    (
        (
            select(&ADDRESSES[..]),
            select(&PORTS[..]),
            prop::bool::weighted(0.9),
        ),
        (
            select(&HOSTS[..]),
            select(&PATHS[..]),
            select(&["GET", "POST", "OPTIONS"][..]),
            headers,
        ),
    )
        .prop_map(
            |((ip, port, is_http), (host, path, method, headers))| Request {
                ip: ip.to_owned(),
                port,
                is_http,
                head: RequestHead {
                    method: method.to_owned(),
                    scheme: "http".to_owned(),
                    authority: host.to_owned(),
                    path: path.to_owned(),
                    headers: headers
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                    protocol: Protocol::Http1,
                    downstream: None,
                    connection: None,
                },
            },
        )
}

/// A random mesh in YAML: three services, a client in `here`, and rules.
pub(super) fn manifests() -> impl Strategy<Value = String> {
    let ports = prop::collection::vec(port(), 3);
    let rules = prop::collection::vec(virtual_service(), 0..4);
    let others = prop::collection::vec(
        prop_oneof![3 => destination_rule(), 1 => service_entry(), 1 => sidecar()],
        0..4,
    );
    (ports, rules, others).prop_map(|(ports, rules, others)| {
        let mut text = MESH.to_owned();
        let services = [("one", "here"), ("two", "here"), ("three", "there")];
        for (index, ((name, namespace), ports)) in services.into_iter().zip(ports).enumerate() {
            text += &format!(
                "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
                 spec: {{clusterIP: 10.1.0.{}, selector: {{app: server}}, ports: [{ports}]}}\n",
                index + 1
            );
        }
        for (index, object) in rules.iter().chain(&others).enumerate() {
            text += "---\n";
            text += &object.replace("NAME", &format!("object-{index}"));
        }
        text
    })
}

const MESH: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: here, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: here, labels: {app: client}}
spec: {containers: [{name: a, image: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: here, labels: {app: server, version: v1}}
spec: {containers: [{name: a, image: a}]}
";

/// The ports of services.
const SERVICE_PORTS: [&str; 6] = [
    "{name: http, port: 80}, {name: http-b, port: 9080}",
    "{name: http, port: 9080}",
    "{name: any, port: 80}, {name: tcp, port: 9000}",
    "{name: grpc, port: 8080}, {name: http, port: 80}",
    "{name: x, port: 9080}, {name: https, port: 9000}",
    "{name: tcp-a, port: 9080}, {name: http2, port: 8080}",
];

fn port() -> impl Strategy<Value = String> {
    select(&SERVICE_PORTS[..]).prop_map(str::to_owned)
}

fn string_match() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(&VALUES[..]).prop_map(|value| format!("{{exact: \"{value}\"}}")),
        1 => select(&["a", "j"][..]).prop_map(|value| format!("{{prefix: {value}}}")),
        1 => select(&["a.*", "j[a-z]+", ".*", "a|b"][..]).prop_map(|value| format!("{{regex: \"{value}\"}}")),
        1 => Just("{}".to_owned()),
    ]
}

fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&["/", "/a", "/a/", "/b", "/c/"][..]).prop_map(|path| format!("{{prefix: {path}}}")),
        3 => select(&["/a", "/a/b", "/b", "/"][..]).prop_map(|path| format!("{{exact: {path}}}")),
        2 => select(&["/c/[0-9]+", "/a.*", "/.*b", ".*"][..]).prop_map(|path| format!("{{regex: \"{path}\"}}")),
    ]
}

/// One entry of `match`.
fn match_block() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        6 => uri().prop_map(|uri| format!("uri: {uri}")),
        2 => (select(&HEADERS[..]), string_match()).prop_map(|(name, value)| format!("headers: {{{name}: {value}}}")),
        2 => (select(&HEADERS[..]), string_match())
            .prop_map(|(name, value)| format!("withoutHeaders: {{{name}: {value}}}")),
        2 => (select(&["v", "w"][..]), select(&["{exact: \"1\"}", "{exact: \"\"}", "{regex: \"[0-9]\"}", "{}"][..]))
            .prop_map(|(name, value)| format!("queryParams: {{{name}: {value}}}")),
        1 => select(&["GET", "POST"][..]).prop_map(|method| format!("method: {{exact: {method}}}")),
        1 => Just("authority: {prefix: one}".to_owned()),
        1 => Just("ignoreUriCase: true".to_owned()),
        1 => select(&[80, 9080][..]).prop_map(|port| format!("port: {port}")),
        1 => select(&["client", "server"][..]).prop_map(|app| format!("sourceLabels: {{app: {app}}}")),
        1 => select(&["here", "there"][..]).prop_map(|namespace| format!("sourceNamespace: {namespace}")),
    ];
    prop::collection::vec(one, 1..4).prop_map(|mut parts| {
        parts.sort();
        parts.dedup_by_key(|part| part.split(':').next().unwrap_or_default().to_owned());
        format!("{{{}}}", parts.join(", "))
    })
}

fn header_operations() -> impl Strategy<Value = String> {
    let operation = prop_oneof![
        (select(&HEADERS[..]), select(&["s", "t"][..]))
            .prop_map(|(name, value)| format!("set: {{{name}: {value}}}")),
        (select(&HEADERS[..]), select(&["p", "q"][..]))
            .prop_map(|(name, value)| format!("add: {{{name}: {value}}}")),
        select(&HEADERS[..]).prop_map(|name| format!("remove: [{name}]")),
        select(&["b.example.com", "c"][..]).prop_map(|host| format!("set: {{Host: {host}}}")),
    ];
    prop::collection::vec(operation, 1..3).prop_map(|mut parts| {
        parts.sort();
        parts.dedup_by_key(|part| part.split(':').next().unwrap_or_default().to_owned());
        format!("{{request: {{{}}}}}", parts.join(", "))
    })
}

fn destination() -> impl Strategy<Value = String> {
    (
        select(
            &[
                "one",
                "two",
                "three.there.svc.cluster.local",
                "nowhere",
                "api.example.com",
            ][..],
        ),
        prop::option::of(select(&["v1", "v2"][..])),
        prop::option::of(select(&[80, 9080][..])),
        prop::option::weighted(0.3, header_operations()),
        1..5_u32,
    )
        .prop_map(|(host, subset, port, headers, weight)| {
            let subset = subset
                .map(|subset| format!(", subset: {subset}"))
                .unwrap_or_default();
            let port = port
                .map(|port| format!(", port: {{number: {port}}}"))
                .unwrap_or_default();
            let headers = headers
                .map(|headers| format!(", headers: {headers}"))
                .unwrap_or_default();
            format!("{{destination: {{host: {host}{subset}{port}}}, weight: {weight}{headers}}}")
        })
}

/// What a rule does.
fn action() -> impl Strategy<Value = String> {
    let extras = prop_oneof![
        3 => Just(String::new()),
        1 => select(&["/", "/new", "/new/"][..]).prop_map(|uri| format!(", rewrite: {{uri: {uri}}}")),
        1 => Just(", rewrite: {authority: b.example.com}".to_owned()),
        1 => Just(", rewrite: {uriRegexRewrite: {match: b, rewrite: zz}}".to_owned()),
        1 => header_operations().prop_map(|headers| format!(", headers: {headers}")),
        1 => Just(", headers: {response: {set: {x-a: r}}}".to_owned()),
        1 => Just(", timeout: 2s".to_owned()),
    ];
    prop_oneof![
        5 => (prop::collection::vec(destination(), 1..4), extras)
            .prop_map(|(destinations, extras)| format!("route: [{}]{extras}", destinations.join(", "))),
        1 => select(&[
            "{uri: /new}", "{scheme: https}", "{authority: new.com, redirectCode: 302}", "{port: 81}",
            "{uri: \"/new?x=1\", scheme: https}",
        ][..]).prop_map(|redirect| format!("redirect: {redirect}")),
        1 => select(&["{status: 418, body: {string: tea}}", "{status: 302}", "{status: 200}"][..])
            .prop_map(|response| format!("directResponse: {response}, headers: {{response: {{add: {{x-b: d}}}}}}")),
    ]
}

fn virtual_service() -> impl Strategy<Value = String> {
    let hosts = prop::collection::btree_set(
        select(
            &[
                "one",
                "two",
                "three.there.svc.cluster.local",
                "\"*.here.svc.cluster.local\"",
                "api.example.com",
                "\"*.example.com\"",
                "canary.local",
            ][..],
        ),
        1..3,
    );
    let rule =
        (prop::collection::vec(match_block(), 0..3), action()).prop_map(|(blocks, action)| {
            if blocks.is_empty() {
                format!("  - {{{action}}}\n")
            } else {
                format!("  - {{match: [{}], {action}}}\n", blocks.join(", "))
            }
        });
    (hosts, prop::collection::vec(rule, 1..4)).prop_map(|(hosts, rules)| {
        let hosts: Vec<&str> = hosts.into_iter().collect();
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: NAME, namespace: here}}\n\
             spec:\n  hosts: [{}]\n  http:\n{}",
            hosts.join(", "),
            rules.concat()
        )
    })
}

fn destination_rule() -> impl Strategy<Value = String> {
    select(&["one", "two", "three.there.svc.cluster.local", "\"*.local\""][..]).prop_map(|host| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: NAME, namespace: here}}\n\
             spec: {{host: {host}, subsets: [{{name: v1, labels: {{version: v1}}}}, {{name: v2}}]}}\n"
        )
    })
}

fn service_entry() -> impl Strategy<Value = String> {
    (
        select(&["api.example.com", "\"*.example.com\""][..]),
        select(&["", "addresses: [240.1.1.1], "][..]),
        select(&["{number: 80, name: http, protocol: HTTP}", "{number: 7000, name: tcp, protocol: TCP}"][..]),
    )
        .prop_map(|(host, addresses, port)| {
            format!(
                "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: NAME, namespace: here}}\n\
                 spec: {{hosts: [{host}], {addresses}resolution: STATIC, ports: [{port}], endpoints: [{{address: 10.5.0.1}}]}}\n"
            )
        })
}

fn sidecar() -> impl Strategy<Value = String> {
    (
        select(&["./*", "*/*", "there/*", "*/one.here.svc.cluster.local"][..]),
        select(&["", ", outboundTrafficPolicy: {mode: REGISTRY_ONLY}"][..]),
    )
        .prop_map(|(hosts, policy)| {
            format!(
                "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{name: NAME, namespace: here}}\n\
                 spec: {{egress: [{{hosts: [\"{hosts}\"]}}]{policy}}}\n"
            )
        })
}
