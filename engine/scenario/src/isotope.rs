//! Service graphs of isotope, the generator of Istio's performance tests, in the place of manifests.
//!
//! Each service is a Deployment and a Service of namespace `service-graph`, and its script is what its container does; a
//! `client` is there to send. Source: istio/tools, isotope: README.md, convert/pkg/kubernetes/kubernetes.go and
//! service/pkg/srv/handler.go, read at commit 99a70817. Known differences: an error rate is a chance here, every n-th
//! request there; sizes of responses, RBAC policies and gRPC have no effect, which is reported where they are written.

use crate::call::{Call, Step};
use crate::compile::NOT_SIMULATED;
use crate::file;
use crate::object_name::{ObjectName, nearest};
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader};
use crate::request::{Request, read_url};
use crate::server::{Endpoint, Server};
use crate::shape::{Field, Object, Shape, field};
use crate::target::Target;
use crate::url::Url;
use crate::workload::Workload;
use base::{Distribution, Ratio, SimDuration};
use manifest::{Diagnostic, Level, Source, quantity, read_node};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A service graph as manifests and behaviours.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) manifests: Source,
    pub(crate) workloads: Vec<Workload>,
    /// What is read and has no effect.
    pub(crate) remarks: Vec<Diagnostic>,
}

/// A graph's file.
pub(crate) static GRAPH: Object = Object {
    name: "isotope",
    about: "A service graph of isotope: the file that `isotope` names.",
    fields: &[
        field("apiVersion", Shape::Text, "Read and not needed."),
        field("kind", Shape::Text, "Read and not needed."),
        field(
            "defaults",
            Shape::Object(&DEFAULTS),
            "What holds for services that do not say it themselves.",
        ),
        field(
            "services",
            Shape::List(&Shape::Object(&SERVICE)),
            "The services.",
        ),
    ],
    required: &["services"],
    one_of: &[],
};

static DEFAULTS: Object = Object {
    name: "isotopeDefaults",
    about: "What holds for services that do not say it themselves.",
    fields: &[
        TYPE,
        NUM_REPLICAS,
        ERROR_RATE,
        RESPONSE_SIZE,
        field(
            "requestSize",
            SIZE,
            "The size of the requests of calls that do not say it; 0 if not written.",
        ),
        NUM_RBAC_POLICIES,
        SCRIPT,
    ],
    required: &[],
    one_of: &[],
};

static SERVICE: Object = Object {
    name: "isotopeService",
    about: "A service.",
    fields: &[
        field("name", Shape::Text, "Its name."),
        field(
            "isEntrypoint",
            Shape::Boolean,
            "Whether requests enter the graph there: it says where a traffic source should send.",
        ),
        field(
            "namespace",
            Shape::Text,
            "Its namespace; `service-graph` if not written.",
        ),
        field(
            "cluster",
            Shape::Text,
            "Without effect, which is reported: all services are in one cluster.",
        ),
        field(
            "hostname",
            Shape::Text,
            "Without effect, which is reported: services are reached by their names.",
        ),
        TYPE,
        NUM_REPLICAS,
        ERROR_RATE,
        RESPONSE_SIZE,
        NUM_RBAC_POLICIES,
        SCRIPT,
    ],
    required: &["name"],
    one_of: &[],
};

const TYPE: Field = field(
    "type",
    Shape::Word(&["http", "grpc"]),
    "What it speaks: isotope's own server speaks HTTP, whatever is written; `grpc` is reported.",
);
const NUM_REPLICAS: Field = field(
    "numReplicas",
    Shape::Whole(1),
    "Its pods; 1 if not written.",
);
const ERROR_RATE: Field = field(
    "errorRate",
    Shape::Any(&[Shape::Number, Shape::Percentage]),
    "How many requests fail with 500 before anything is done for them: a part of one, or a percentage.",
);
const SIZE: Shape = Shape::Any(&[Shape::Whole(0), Shape::Text]);
const RESPONSE_SIZE: Field = field("responseSize", SIZE, "Without effect, which is reported.");
const NUM_RBAC_POLICIES: Field = field(
    "numRbacPolicies",
    Shape::Whole(0),
    "Without effect, which is reported: policies are not generated.",
);
static COMMAND_SHAPE: Shape = Shape::Object(&COMMAND);
static STEP_SHAPE: Shape = Shape::OneOrMore(&COMMAND_SHAPE);
const SCRIPT: Field = field(
    "script",
    Shape::List(&STEP_SHAPE),
    "What it does for a request, one after the other; commands in a list of their own at the same time.",
);

static COMMAND: Object = Object {
    name: "isotopeCommand",
    about: "A command of a script.",
    fields: &[
        field("sleep", Shape::Duration, "A pause."),
        field(
            "call",
            Shape::TextOr(&CALL),
            "A call: the name of a service, or a map that says more. Whatever is not 200 fails the caller with 500.",
        ),
    ],
    required: &[],
    one_of: &[&["sleep", "call"]],
};

static CALL: Object = Object {
    name: "isotopeCall",
    about: "A call.",
    fields: &[
        field("service", Shape::Text, "The name of a service."),
        field("size", SIZE, "The size of the request."),
        field(
            "call-override",
            Shape::Text,
            "The host and port that are called in the place of the service's own, such as \
             `b.shop.svc.cluster.local:8080`.",
        ),
    ],
    required: &["service"],
    one_of: &[],
};

/// What a service says, or leaves to the defaults.
#[derive(Clone, Default)]
struct Said<'n> {
    replicas: Option<u32>,
    error_rate: Option<Ratio>,
    request_size: u64,
    script: Option<Cursor<'n>>,
}

/// Reads a graph's file.
pub(crate) fn read(reader: &mut Reader, source: &Source) -> Option<Graph> {
    let root = match read_node(source) {
        Ok(root) => root,
        Err(found) => {
            found.into_iter().for_each(|one| reader.push(one));
            return None;
        }
    };
    let fields = reader.object(&Cursor::root(&root), &GRAPH)?;
    let mut defaults = Said::default();
    let mut idle = Idle::default();
    if let Some(node) = fields.get("defaults")
        && let Some(fields) = reader.object(&node, &DEFAULTS)
    {
        defaults = said(reader, &fields, &defaults, &mut idle);
        if let Some(node) = fields.get("requestSize") {
            defaults.request_size = read_size(reader, &node).unwrap_or_default();
        }
    }
    let node = fields.get("services")?;
    if node.is_empty_list() {
        let message = "there is no service".to_owned();
        reader.invalid(&node, message, "give at least one: `services: [{name: a}]`");
        return None;
    }
    let services = reader.list(&node, |reader, item| {
        let fields = reader.object(item, &SERVICE)?;
        let node = fields.get("name")?;
        let name = reader.placed_text(&node)?;
        if !is_name(&name) {
            let message = format!("`{}` cannot be the name of a Service", *name);
            reader.invalid(&node, message, "write small letters, digits and `-`");
        }
        let said = said(reader, &fields, &defaults, &mut idle);
        let namespace = fields
            .get("namespace")
            .and_then(|node| read_namespace(reader, &node));
        for (name, places) in [
            ("cluster", &mut idle.clusters),
            ("hostname", &mut idle.hostnames),
        ] {
            if let Some(node) = fields.get(name)
                && reader.text(&node).is_some()
            {
                places.push(node.place());
            }
        }
        let namespace = namespace.unwrap_or_else(|| NAMESPACE.to_owned());
        Some((name, namespace, said))
    });
    let mut names = BTreeMap::new();
    for (name, _, _) in &services {
        if let Some(twin) = names.insert(name.value.clone(), name.place.clone()) {
            let message = format!("two services are named `{}`", **name);
            let help = format!("the other one is in line {}", twin.location.line);
            let place = &name.place;
            let code = manifest::diagnostic::codes::INVALID_VALUE;
            reader.push(file::error(code, place, message, Some(help)));
        }
    }
    let is_spread = services
        .iter()
        .any(|(_, namespace, _)| namespace != NAMESPACE);
    let hosts = services.iter().map(|(name, namespace, _)| {
        // A name without a namespace is one of the caller's own.
        let host = match is_spread {
            true => format!("{}.{namespace}", name.value),
            false => name.value.clone(),
        };
        (name.value.clone(), host)
    });
    let names: BTreeMap<String, String> = hosts.collect();
    let mut manifests = String::from(HEAD);
    let namespaces: BTreeSet<&str> = services
        .iter()
        .map(|(_, namespace, _)| &**namespace)
        .collect();
    for namespace in namespaces
        .into_iter()
        .filter(|namespace| *namespace != NAMESPACE)
    {
        namespace_manifest(&mut manifests, namespace);
    }
    let mut workloads = Vec::new();
    for (name, namespace, said) in services {
        manifest(
            &mut manifests,
            &name,
            &namespace,
            said.replicas.unwrap_or(1),
        );
        let calls = match &said.script {
            Some(node) => read_script(reader, node, (&names, said.request_size)),
            None => Vec::new(),
        };
        workloads.push(workload(
            name,
            namespace,
            said.error_rate.unwrap_or(Ratio::ZERO),
            calls,
        ));
    }
    Some(Graph {
        manifests: Source::new(format!("{} as manifests", source.name), manifests),
        workloads,
        remarks: idle.remarks(),
    })
}

/// Where fields are written that have no effect.
#[derive(Default)]
struct Idle {
    grpc: Vec<Place>,
    rbac_policies: Vec<Place>,
    response_sizes: Vec<Place>,
    clusters: Vec<Place>,
    hostnames: Vec<Place>,
}

impl Idle {
    /// A remark for each field that is written anywhere, at its first place.
    fn remarks(self) -> Vec<Diagnostic> {
        let Self {
            grpc,
            rbac_policies,
            response_sizes,
            clusters,
            hostnames,
        } = self;
        let each = [
            (
                grpc,
                "`type: grpc`",
                "its servers speak HTTP, as isotope's own do",
            ),
            (
                rbac_policies,
                "`numRbacPolicies`",
                "no policies are made, and their checks take no time",
            ),
            (
                response_sizes,
                "`responseSize`",
                "a response takes as long whatever its size",
            ),
            (clusters, "`cluster`", "all services are in one cluster"),
            (
                hostnames,
                "`hostname`",
                "services are reached by their names",
            ),
        ];
        let remark = |(places, field, why): (Vec<Place>, &str, &str)| {
            let often = match places.len() {
                0 | 1 => String::new(),
                several => format!(", here and in {} more places", several - 1),
            };
            Some(Diagnostic {
                level: Level::Warning,
                ..file::error(
                    NOT_SIMULATED,
                    places.first()?,
                    format!("{field} has no effect{often}: {why}"),
                    None,
                )
            })
        };
        each.into_iter().filter_map(remark).collect()
    }
}

fn said<'n>(
    reader: &mut Reader,
    fields: &Fields<'n>,
    defaults: &Said<'n>,
    idle: &mut Idle,
) -> Said<'n> {
    if let Some(node) = fields.get("type")
        && reader.word(&node, &["http", "grpc"]) == Some("grpc")
    {
        idle.grpc.push(node.place());
    }
    if let Some(node) = fields.get("isEntrypoint") {
        reader.boolean(&node);
    }
    if let Some(node) = fields.get("numRbacPolicies")
        && reader.whole(&node, 0).is_some_and(|policies| policies > 0)
    {
        idle.rbac_policies.push(node.place());
    }
    if let Some(node) = fields.get("responseSize")
        && read_size(reader, &node).is_some_and(|bytes| bytes > 0)
    {
        idle.response_sizes.push(node.place());
    }
    let replicas = fields
        .get("numReplicas")
        .and_then(|node| reader.whole(&node, 1));
    let error_rate = fields
        .get("errorRate")
        .and_then(|node| read_error_rate(reader, &node));
    Said {
        replicas: replicas.or(defaults.replicas),
        error_rate: error_rate.or(defaults.error_rate),
        request_size: defaults.request_size,
        script: fields.get("script").or_else(|| defaults.script.clone()),
    }
}

fn read_error_rate(reader: &mut Reader, node: &Cursor<'_>) -> Option<Ratio> {
    if node.is_text() {
        return reader.ratio(node);
    }
    let part = reader.number(node)?;
    if part <= 1.0 {
        return Some(Ratio::from_percent(part * 100.0));
    }
    let message = format!("`{part}` is out of range: expected 0 to 1");
    reader.invalid(node, message, format!("write `{part}%`"));
    None
}

/// Reads a number of bytes, such as `128`, `16 KB` or `10K`.
fn read_size(reader: &mut Reader, node: &Cursor<'_>) -> Option<u64> {
    if !node.is_text() {
        return reader.whole_u64(node);
    }
    let text = reader.text(node)?;
    let short = text.replace(' ', "");
    let short = short
        .trim_end_matches('B')
        .replace('K', "k")
        .replace("ki", "Ki");
    match quantity::parse(&short) {
        Some(bytes) if (0.0..1e15).contains(&bytes) => Some(bytes as u64),
        Some(_) | None => {
            let message = format!("`{text}` is no size");
            reader.invalid(node, message, "write it as in `128`, `16 KB` or `1 MiB`");
            None
        }
    }
}

fn read_script(
    reader: &mut Reader,
    node: &Cursor<'_>,
    (names, size): (&BTreeMap<String, String>, u64),
) -> Vec<Step> {
    reader.list(node, |reader, item| {
        let mut step = Step::default();
        let mut longest = SimDuration::ZERO;
        reader.one_or_more(item, |reader, command| {
            let fields = reader.object(command, &COMMAND)?;
            if let Some(sleep) = fields.get("sleep") {
                longest = longest.max(reader.duration(&sleep)?);
            }
            let call = fields.get("call")?;
            step.calls.push(read_call(reader, &call, (names, size))?);
            Some(())
        });
        step.wait = (!longest.is_zero()).then_some(Distribution::Constant(longest));
        Some(step)
    })
}

fn read_call(
    reader: &mut Reader,
    node: &Cursor<'_>,
    (names, size): (&BTreeMap<String, String>, u64),
) -> Option<Call> {
    let (named, size, other) = if node.is_map() {
        let fields = reader.object(node, &CALL)?;
        let own = fields.get("size").and_then(|node| read_size(reader, &node));
        let other = fields.get("call-override");
        (fields.get("service")?, own.unwrap_or(size), other)
    } else {
        (node.clone(), size, None)
    };
    let name = reader.text(&named)?;
    let Some(host) = names.get(&name) else {
        let help = match nearest(&name, names.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => String::new(),
        };
        reader.invalid(&named, format!("there is no service `{name}`"), help);
        return None;
    };
    let url = match &other {
        Some(other) => read_url(reader, other)?,
        None => {
            // Names that no Service can have were reported.
            let url = Url::parse(&format!("http://{host}:{PORT}/")).ok()?;
            Placed::new(url, named.place())
        }
    };
    let request = Request::get(url);
    Some(Call {
        success: vec![200],
        ..Call::of(Request {
            body_bytes: size,
            ..request
        })
    })
}

fn read_namespace(reader: &mut Reader, node: &Cursor<'_>) -> Option<String> {
    let name = reader.text(node)?;
    if is_name(&name) {
        return Some(name);
    }
    let message = format!("`{name}` cannot be the name of a namespace");
    reader.invalid(node, message, "write small letters, digits and `-`");
    None
}

fn workload(
    name: Placed<String>,
    namespace: String,
    error_rate: Ratio,
    calls: Vec<Step>,
) -> Workload {
    let place = name.place.clone();
    let object = ObjectName {
        namespace,
        name: name.value,
    };
    Workload {
        target: Target {
            workload: Some(Placed::new(object, place.clone())),
            ..Target::of_all(place)
        },
        server: Server {
            endpoints: vec![Endpoint {
                error_rate,
                calls,
                ..Endpoint::default()
            }],
            ..Server::default()
        },
    }
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(is_part)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn namespace_manifest(text: &mut String, namespace: &str) {
    write!(
        text,
        "---
apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}, labels: {{istio-injection: enabled}}}}
"
    )
    .expect("a text takes all that is written to it");
}

fn manifest(text: &mut String, name: &str, namespace: &str, replicas: u32) {
    write!(
        text,
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}, labels: {{app: service-graph}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{name: {name}}}}}
  template:
    metadata: {{labels: {{name: {name}, role: service}}}}
    spec: {{containers: [{{name: mock-service, image: isotope, ports: [{{containerPort: {PORT}}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}, labels: {{app: service-graph}}}}
spec: {{selector: {{name: {name}}}, ports: [{{name: http-web, port: {PORT}}}]}}
"
    )
    .expect("a text takes all that is written to it");
}

const NAMESPACE: &str = "service-graph";
const PORT: u16 = 8080;

const HEAD: &str = "apiVersion: v1
kind: Namespace
metadata: {name: service-graph, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: client, namespace: service-graph, labels: {app: client}}
spec:
  selector: {matchLabels: {app: client}}
  template:
    metadata: {labels: {app: client}}
    spec: {containers: [{name: fortio-client, image: fortio/fortio}]}
";
