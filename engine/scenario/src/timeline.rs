//! What changes during a run: manifests, rates, servers, pods, nodes, links. One file for each sort of act.

mod crash;
mod drain;
mod freeze;
mod kill;
mod link;
mod mesh;
mod nodes;
mod outage;
mod promote;
mod rate;
mod repeat;
mod roll_out;
mod scale;
mod server;
mod slow;

use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader};
use crate::server_patch::PATCH_FIELDS;
use crate::shape::{Field, Object, Shape, field};
use crate::target::{ADDRESS, IMAGE, NAMESPACE, POD, SELECTOR, Target, WORKLOAD};
use crate::timeline::repeat::Repeat;
use base::{SimDuration, SimTime};

pub use kill::Kill;
pub use link::{End, LinkChange};
pub use mesh::{DeletedObject, MeshChange};
pub use nodes::NodeTarget;
pub use rate::RateChange;
pub use roll_out::TemplateChange;
pub use server::ServerChange;

/// Changes at one time.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: SimTime,
    /// What a reader should see at this time in a plot.
    pub label: String,
    /// Manifests that are applied or deleted.
    pub mesh: Option<MeshChange>,
    /// More or less load from a traffic source.
    pub rate: Option<RateChange>,
    /// Servers that behave otherwise.
    pub server: Option<ServerChange>,
    /// What happens to pods, nodes and links.
    pub acts: Vec<Act>,
    /// How long that lasts; none: from now on.
    pub lasts: Option<SimDuration>,
    /// Where it is written.
    pub place: Place,
}

/// Something that happens to pods, nodes or links.
#[derive(Clone, Debug)]
pub enum Act {
    /// A workload is to have another number of pods.
    Scale {
        /// Which.
        workload: Placed<ObjectName>,
        /// How many.
        replicas: Placed<u32>,
    },
    /// The pods of a Deployment are replaced by those of another template.
    RollOut {
        /// Which.
        workload: Placed<ObjectName>,
        /// What is other about it.
        template: TemplateChange,
    },
    /// A Rollout goes on.
    Promote {
        /// Which.
        workload: Placed<ObjectName>,
        /// To its end.
        in_full: bool,
    },
    /// A Rollout gives its new template up.
    Abort {
        /// Which.
        workload: Placed<ObjectName>,
    },
    /// Pods are deleted.
    Kill {
        /// Of these.
        target: Target,
        /// How many, and how.
        kill: Kill,
    },
    /// Containers crash now, and after each start.
    Crash {
        /// Of these pods.
        target: Target,
        /// So long after each start.
        after: SimDuration,
    },
    /// Applications take connections and do nothing, or go on.
    Freeze {
        /// Of these pods.
        target: Target,
        /// Whether they do nothing.
        is_frozen: bool,
    },
    /// Applications take longer.
    Slow {
        /// Of these pods.
        target: Target,
        /// How many times, in thousandths.
        permille: u32,
    },
    /// Pods are evicted from nodes.
    Drain(NodeTarget),
    /// Nodes fail.
    Outage(NodeTarget),
    /// Links are slower, lose packets, or are cut.
    Link(LinkChange),
}

impl Act {
    /// Whether pods have to come and go for it.
    pub(crate) const fn needs_cluster(&self) -> bool {
        match self {
            Self::Scale { .. }
            | Self::RollOut { .. }
            | Self::Promote { .. }
            | Self::Abort { .. }
            | Self::Kill { .. }
            | Self::Crash { .. }
            | Self::Drain(_)
            | Self::Outage(_) => true,
            Self::Freeze { .. } | Self::Slow { .. } | Self::Link(_) => false,
        }
    }
}

/// An entry of `timeline`.
pub(crate) static CHANGE: Object = Object {
    name: "change",
    about: "Changes at one time: manifests that are applied or deleted, more or less load from a traffic source, servers that \
            behave otherwise, or what happens to pods, nodes and links.",
    fields: &CHANGE_FIELDS,
    required: &["at"],
    one_of: &[],
};

const CHANGE_FIELDS: [Field; 39] = {
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
        mesh::APPLY,
        mesh::DELETE,
        rate::TRAFFIC,
        rate::RATE,
        rate::FACTOR,
        rate::USERS,
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
        scale::SCALE,
        roll_out::ROLL_OUT,
        promote::PROMOTE,
        promote::ABORT,
        kill::KILL,
        crash::CRASH,
        freeze::FREEZE,
        slow::SLOW,
        drain::DRAIN,
        outage::OUTAGE,
        link::LINK,
        field(
            "for",
            Shape::Duration,
            "How long it lasts, where it can end: servers that behave otherwise, `crash`, `freeze`, `slow`, `drain`, \
             `outage`, `link`, and more or less `traffic`. To the end of the run if not written.",
        ),
        repeat::REPEAT,
    ]
};

/// What is done to the pods that an entry is about.
const POD_ACTS: [&str; 8] = [
    "scale", "rollOut", "promote", "abort", "kill", "crash", "freeze", "slow",
];

impl Change {
    /// Reads an entry of `timeline`: one change, or as many as it is repeated.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Vec<Self>> {
        let fields = reader.object(node, &CHANGE)?;
        let at = fields.get("at").and_then(|node| reader.time(&node));
        let label = fields.get("label").and_then(|node| reader.text(&node));
        let lasts = fields
            .get("for")
            .and_then(|node| reader.positive_duration(&node));
        if let Some(node) = fields.get("for") {
            check_lasting(reader, &fields, &node);
        }
        let repeat = fields.get("repeat").map(|node| Repeat::read(reader, &node));
        let mesh = mesh::read(reader, &fields);
        let rate = rate::read(reader, &fields);
        let is_about_pods = pod_fields(&fields).next().is_some();
        let target = if is_about_pods {
            Target::read(reader, &fields)
        } else {
            None
        };
        let server = server::read(reader, &fields, target.as_ref(), lasts);
        let acts = read_acts(reader, &fields, target.as_ref());
        let is_written = |name: &&str| fields.get(name).is_some();
        let others = [
            "apply", "delete", "traffic", "rate", "factor", "users", "drain", "outage", "link",
        ];
        let does = |name: &&str| {
            PATCH_FIELDS.iter().any(|field| field.name == *name) || POD_ACTS.contains(name)
        };
        if is_about_pods {
            if target.is_some() && !fields.iter().any(|field| does(&field.name())) {
                reader.missing(
                    &fields,
                    "what changes, such as `serviceTime`, `script` or `refuse`",
                );
            }
        } else if !others.iter().any(is_written) {
            reader.missing(
                &fields,
                "what happens: `apply`, `delete`, `traffic`, `drain`, `outage`, `link`, or `workload` and what becomes \
                 of it",
            );
            return None;
        }
        let label = label.unwrap_or_else(|| describe(mesh.as_ref(), rate.as_ref(), &fields));
        let change = Self {
            at: at?,
            label,
            mesh,
            rate,
            server,
            acts,
            lasts,
            place: node.place(),
        };
        let Some(repeat) = repeat else {
            return Some(vec![change]);
        };
        let end = SimTime::ZERO + reader.times().duration;
        let times = repeat?.times_from(change.at, end).into_iter();
        Some(
            times
                .map(|at| Self {
                    at,
                    ..change.clone()
                })
                .collect(),
        )
    }
}

fn read_acts(reader: &mut Reader, fields: &Fields<'_>, target: Option<&Target>) -> Vec<Act> {
    let mut acts = Vec::new();
    for field in fields.iter() {
        let act = match field.name() {
            "scale" => reader.whole(&field, 0).and_then(|replicas| {
                let workload = workload(reader, &field, target)?;
                let replicas = Placed::new(replicas, field.place());
                Some(Act::Scale { workload, replicas })
            }),
            "rollOut" => TemplateChange::read(reader, &field).and_then(|template| {
                let workload = workload(reader, &field, target)?;
                Some(Act::RollOut { workload, template })
            }),
            "promote" => reader.word(&field, &["next", "full"]).and_then(|word| {
                let workload = workload(reader, &field, target)?;
                let in_full = word == "full";
                Some(Act::Promote { workload, in_full })
            }),
            "abort" => reader.word(&field, &["rollout"]).and_then(|_| {
                let workload = workload(reader, &field, target)?;
                Some(Act::Abort { workload })
            }),
            "kill" => Kill::read(reader, &field).and_then(|kill| {
                let target = target?.clone();
                Some(Act::Kill { target, kill })
            }),
            "crash" => reader.duration(&field).and_then(|after| {
                let target = target?.clone();
                Some(Act::Crash { target, after })
            }),
            "freeze" => reader.boolean(&field).and_then(|is_frozen| {
                let target = target?.clone();
                Some(Act::Freeze { target, is_frozen })
            }),
            "slow" => slow::read(reader, &field).and_then(|permille| {
                let target = target?.clone();
                Some(Act::Slow { target, permille })
            }),
            "drain" => NodeTarget::read(reader, &field).map(Act::Drain),
            "outage" => NodeTarget::read(reader, &field).map(Act::Outage),
            "link" => LinkChange::read(reader, &field).map(Act::Link),
            _ => None,
        };
        acts.extend(act);
    }
    acts
}

/// The workload that a target names, for what is done to workloads.
fn workload(
    reader: &mut Reader,
    field: &Cursor<'_>,
    target: Option<&Target>,
) -> Option<Placed<ObjectName>> {
    let workload = target?.workload.clone();
    if workload.is_none() {
        let message = format!("`{}` is about a workload", field.name());
        reader.invalid(field, message, "write `workload: namespace/name` beside it");
    }
    workload
}

/// What has no end does not go with `for`.
fn check_lasting(reader: &mut Reader, fields: &Fields<'_>, lasts: &Cursor<'_>) {
    for field in fields.iter() {
        let name = field.name();
        let is_thawed = name == "freeze" && field.source_text() == "false";
        if ENDLESS.contains(&name) || is_thawed {
            let name = if is_thawed { "freeze: false" } else { name };
            let message = format!("`for` does not go with `{name}`");
            let help = "write what is to happen then as an entry of its own, with its own `at`";
            reader.invalid(lasts, message, help);
        }
    }
}

/// What is done once and for all.
const ENDLESS: [&str; 7] = [
    "apply", "delete", "scale", "rollOut", "promote", "abort", "kill",
];

/// The fields of an entry that speak about pods.
fn pod_fields<'f, 'n>(fields: &'f Fields<'n>) -> impl Iterator<Item = Cursor<'n>> + 'f {
    fields
        .iter()
        .filter(|field| !NOT_ABOUT_PODS.contains(&field.name()))
}

const NOT_ABOUT_PODS: [&str; 13] = [
    "at", "label", "apply", "delete", "traffic", "rate", "factor", "users", "drain", "outage",
    "link", "repeat", "for",
];

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
        parts.push(rate.label());
    }
    for name in ["drain", "outage", "link"] {
        if let Some(field) = fields.get(name) {
            parts.push(format!("{name} {}", field.source_text()));
        }
    }
    let mut pods: Vec<String> = Vec::new();
    let is_about_pods = pod_fields(fields).next().is_some();
    let is_shown =
        |field: &Cursor<'_>| !NOT_ABOUT_PODS.contains(&field.name()) || field.name() == "for";
    for field in fields
        .iter()
        .filter(|field| is_about_pods && is_shown(field))
    {
        match field.name() {
            "workload" | "pod" | "image" | "namespace" | "address" => {
                pods.insert(0, field.source_text())
            }
            "selector" => pods.insert(0, "selected pods".to_owned()),
            name => pods.push(format!("{name} {}", field.source_text())),
        }
    }
    if !pods.is_empty() {
        parts.push(pods.join(" "));
    }
    parts.join(", ")
}
