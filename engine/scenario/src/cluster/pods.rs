//! How pods come and go, beyond what their manifests say.

use crate::cluster::delay;
use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Object, Shape, field};
use crate::target::{IMAGE, NAMESPACE, POD, SELECTOR, Target, WORKLOAD};
use base::Distribution;
use sim::plan::cluster::OnTerminate;

/// How pods come and go.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// From being made until the container runs.
    pub start: Distribution,
    /// From then on until the application listens.
    pub boot: Distribution,
    /// What the application does when asked to stop.
    pub on_terminate: OnTerminate,
}

/// How some pods come and go.
#[derive(Clone, Debug, PartialEq)]
pub struct PodLife {
    /// Which.
    pub target: Target,
    /// How.
    pub lifecycle: Lifecycle,
}

pub(super) const LIFE_FIELDS: [Field; 3] = [
    field(
        "start",
        Shape::Distribution,
        "From being made until the container runs (scheduling, image, start); `0s` if not written.",
    ),
    field(
        "boot",
        Shape::Distribution,
        "From the container's start until its application listens and would answer a probe; `0s` if not written.",
    ),
    field(
        "onTerminate",
        Shape::Word(&["drain", "exit", "ignore"]),
        "What the application does about SIGTERM: `drain` (it takes no new connection, finishes what it has and ends; if \
         not written), `exit` (it ends at once), `ignore` (it goes on until SIGKILL).",
    ),
];

pub(super) static POD_LIFE: Object = Object {
    name: "podLife",
    about: "How some pods come and go.",
    fields: &POD_LIFE_FIELDS,
    required: &[],
    one_of: &[],
};

const POD_LIFE_FIELDS: [Field; 8] = {
    let [start, boot, on_terminate] = LIFE_FIELDS;
    [
        WORKLOAD,
        POD,
        SELECTOR,
        NAMESPACE,
        IMAGE,
        start,
        boot,
        on_terminate,
    ]
};

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            start: Distribution::ZERO,
            boot: Distribution::ZERO,
            on_terminate: OnTerminate::Drain,
        }
    }
}

impl Lifecycle {
    pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        let on_terminate = fields
            .get("onTerminate")
            .and_then(|node| reader.word(&node, &["drain", "exit", "ignore"]));
        Self {
            start: delay(reader, fields, "start"),
            boot: delay(reader, fields, "boot"),
            on_terminate: match on_terminate {
                Some("exit") => OnTerminate::Exit,
                Some("ignore") => OnTerminate::Ignore,
                Some(_) | None => OnTerminate::Drain,
            },
        }
    }
}

impl PodLife {
    pub(super) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &POD_LIFE)?;
        let lifecycle = Lifecycle::read(reader, &fields);
        Some(Self {
            target: Target::read(reader, &fields)?,
            lifecycle,
        })
    }
}
