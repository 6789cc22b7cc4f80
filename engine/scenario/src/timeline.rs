//! What changes during a run: manifests, rates, servers.

use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader};
use crate::server_patch::{PATCH_FIELDS, ServerPatch};
use crate::shape::{Field, Object, Shape, field};
use crate::target::{ADDRESS, IMAGE, NAMESPACE, POD, SELECTOR, Target, WORKLOAD};
use base::{SimDuration, SimTime};
use manifest::Source;

/// Changes at one time.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: SimTime,
    /// What a reader should see at this time in a plot.
    pub label: String,
    /// Manifests that are applied or deleted.
    pub mesh: Option<MeshChange>,
    /// A new rate of a traffic source.
    pub rate: Option<RateChange>,
    /// Servers that behave otherwise.
    pub server: Option<ServerChange>,
    /// Where it is written.
    pub place: Place,
}

/// Manifests that are applied or deleted, as kubectl would.
#[derive(Clone, Debug, Default)]
pub struct MeshChange {
    /// Files and folders as written.
    pub apply: Vec<Placed<String>>,
    /// What they hold: objects that replace those of the same kind, namespace and name.
    pub sources: Vec<Source>,
    /// Objects that go.
    pub delete: Vec<Placed<DeletedObject>>,
}

/// An object that is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedObject {
    /// Its kind as written, such as `VirtualService` or `virtualservice`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A new rate.
#[derive(Clone, Debug)]
pub struct RateChange {
    /// The traffic source's name.
    pub traffic: Placed<String>,
    /// Requests a second.
    pub rate: f64,
}

/// Servers that behave otherwise.
#[derive(Clone, Debug)]
pub struct ServerChange {
    /// Which pods.
    pub target: Target,
    /// What changes.
    pub patch: ServerPatch,
    /// For how long; none: from now on.
    pub lasts: Option<SimDuration>,
}

/// An entry of `timeline`.
pub(crate) static CHANGE: Object = Object {
    name: "change",
    about: "Changes at one time: manifests that are applied or deleted, a new rate of a traffic source, or servers that \
            behave otherwise.",
    fields: &CHANGE_FIELDS,
    required: &["at"],
    one_of: &[],
};

const CHANGE_FIELDS: [Field; 25] = {
    let [
        concurrency,
        queue,
        refuse,
        accept,
        keep_alive,
        service_time,
        body_time,
        error_rate,
        error_status,
        status,
        response_headers,
        script,
    ] = PATCH_FIELDS;
    [
        field("at", Shape::Duration, "When, from the start of the run."),
        field(
            "label",
            Shape::Text,
            "What readers see at this time in plots, such as `canary at 50%`.",
        ),
        field(
            "apply",
            Shape::OneOrMore(&Shape::Text),
            "Manifest files or folders, relative to the scenario file: objects of the same kind, namespace and name are \
             replaced, as by `kubectl apply`.",
        ),
        field(
            "delete",
            Shape::OneOrMore(&Shape::Text),
            "Objects that are deleted, written `kind/namespace/name`, such as `virtualservice/default/reviews`.",
        ),
        field(
            "traffic",
            Shape::Text,
            "The traffic source whose rate changes.",
        ),
        field(
            "rate",
            Shape::Rate,
            "Its new rate, such as `400/s`; `0/s` for a pause.",
        ),
        WORKLOAD,
        POD,
        SELECTOR,
        NAMESPACE,
        IMAGE,
        ADDRESS,
        concurrency,
        queue,
        refuse,
        accept,
        keep_alive,
        service_time,
        body_time,
        error_rate,
        error_status,
        status,
        response_headers,
        script,
        field(
            "for",
            Shape::Duration,
            "How long the servers behave otherwise; to the end of the run if not written.",
        ),
    ]
};

impl Change {
    /// Reads an entry of `timeline`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &CHANGE)?;
        let at = fields.get("at").and_then(|node| reader.time(&node));
        let label = fields.get("label").and_then(|node| reader.text(&node));
        let mesh = read_mesh(reader, &fields);
        let rate = read_rate(reader, &fields);
        let server = read_server(reader, &fields);
        let what = ["apply", "delete", "traffic", "rate"];
        let changes = mesh.is_some()
            || what.iter().any(|name| fields.get(name).is_some())
            || server_fields(&fields).next().is_some();
        if !changes {
            reader.missing(&fields, "`apply`, `delete`, `traffic` or `workload`");
            return None;
        }
        let label = label.unwrap_or_else(|| describe(mesh.as_ref(), rate.as_ref(), &fields));
        Some(Self {
            at: at?,
            label,
            mesh,
            rate,
            server,
            place: node.place(),
        })
    }
}

fn read_mesh(reader: &mut Reader, fields: &Fields<'_>) -> Option<MeshChange> {
    let apply = fields.get("apply");
    let delete = fields.get("delete");
    if apply.is_none() && delete.is_none() {
        return None;
    }
    Some(MeshChange {
        apply: apply
            .map(|node| reader.one_or_more(&node, Reader::placed_text))
            .unwrap_or_default(),
        sources: Vec::new(),
        delete: delete
            .map(|node| reader.one_or_more(&node, read_deleted))
            .unwrap_or_default(),
    })
}

fn read_deleted(reader: &mut Reader, node: &Cursor<'_>) -> Option<Placed<DeletedObject>> {
    let text = reader.text(node)?;
    let parts: Vec<&str> = text.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, name] => (kind, reader.namespace(), name),
        [kind, namespace, name] => (kind, namespace, name),
        _ => {
            reader.invalid(
                node,
                format!("`{text}` does not name an object"),
                "write `kind/namespace/name`, as in `virtualservice/default/reviews`",
            );
            return None;
        }
    };
    let object = DeletedObject {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    Some(Placed::new(object, node.place()))
}

fn read_rate(reader: &mut Reader, fields: &Fields<'_>) -> Option<RateChange> {
    let traffic = fields.get("traffic");
    let rate = fields.get("rate");
    if let (Some(_), None) | (None, Some(_)) = (&traffic, &rate) {
        reader.missing(
            fields,
            if rate.is_none() {
                "`rate`"
            } else {
                "`traffic`"
            },
        );
        return None;
    }
    let traffic = reader.placed_text(&traffic?);
    let rate = reader.rate_or_zero(&rate?);
    Some(RateChange {
        traffic: traffic?,
        rate: rate?,
    })
}

fn read_server(reader: &mut Reader, fields: &Fields<'_>) -> Option<ServerChange> {
    server_fields(fields).next()?;
    let patch = ServerPatch::read(reader, fields);
    let lasts = fields
        .get("for")
        .and_then(|node| reader.positive_duration(&node));
    let target = Target::read(reader, fields)?;
    if !PATCH_FIELDS
        .iter()
        .any(|field| fields.get(field.name).is_some())
    {
        reader.missing(
            fields,
            "what changes, such as `serviceTime`, `script` or `refuse`",
        );
        return None;
    }
    Some(ServerChange {
        target,
        patch,
        lasts,
    })
}

/// The fields of an entry that speak about servers.
fn server_fields<'f, 'n>(fields: &'f Fields<'n>) -> impl Iterator<Item = Cursor<'n>> + 'f {
    const OTHERS: [&str; 6] = ["at", "label", "apply", "delete", "traffic", "rate"];
    fields
        .iter()
        .filter(|field| !OTHERS.contains(&field.name()))
}

/// A label for a change that has none.
fn describe(mesh: Option<&MeshChange>, rate: Option<&RateChange>, fields: &Fields<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(mesh) = mesh {
        parts.extend(
            mesh.apply
                .iter()
                .map(|file| format!("apply {}", file.value)),
        );
        parts.extend(mesh.delete.iter().map(|object| {
            format!(
                "delete {}/{}/{}",
                object.kind, object.namespace, object.name
            )
        }));
    }
    if let Some(rate) = rate {
        parts.push(format!("{} at {}/s", rate.traffic.value, rate.rate));
    }
    let mut server: Vec<String> = Vec::new();
    for field in server_fields(fields) {
        match field.name() {
            "workload" | "pod" | "image" | "namespace" | "address" => {
                server.insert(0, field.source_text())
            }
            "selector" => server.insert(0, "selected pods".to_owned()),
            name => server.push(format!("{name} {}", field.source_text())),
        }
    }
    if !server.is_empty() {
        parts.push(server.join(" "));
    }
    parts.join(", ")
}
