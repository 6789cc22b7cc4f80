//! Links that are slow, lose packets, or are cut.

use crate::distribution;
use crate::object_name::ObjectName;
use crate::place::Placed;
use crate::reader::{Cursor, Reader};
use crate::shape::{Field, Object, Shape, field};
use base::Distribution;

/// What happens to the links between two groups of pods.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkChange {
    /// The groups.
    pub between: [End; 2],
    /// Added to each way.
    pub delay: Distribution,
    /// The share of packets that are lost; one: all.
    pub loss: f64,
}

/// Pods at an end of links.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Any.
    Any,
    /// Those of a workload.
    Workload(Placed<ObjectName>),
    /// Those in a zone.
    Zone(Placed<String>),
    /// Those in a region.
    Region(Placed<String>),
    /// Those on a node.
    Node(Placed<String>),
}

/// `link`
pub(super) const LINK: Field = field(
    "link",
    Shape::Object(&LINK_CHANGE),
    "Links between two groups of pods that are slower, lose packets or are cut.",
);

static LINK_CHANGE: Object = Object {
    name: "linkChange",
    about: "What happens to the links between two groups of pods, in both directions.",
    fields: &[
        field(
            "between",
            Shape::List(&Shape::TextOr(&END)),
            "Two groups: workloads, written `namespace/name`, or `{zone}`, `{region}`, `{node}`; `*` for all pods.",
        ),
        field("delay", Shape::Distribution, "Added to each way."),
        field(
            "loss",
            Shape::Percentage,
            "Packets that are lost: what they carry is sent again after 200 ms, 400 ms, and so on, as TCP does it.",
        ),
        field(
            "partition",
            Shape::Boolean,
            "All packets are lost. `false` if not written.",
        ),
    ],
    required: &["between"],
    one_of: &[],
};

static END: Object = Object {
    name: "linkEnd",
    about: "Pods at one end of links.",
    fields: &[
        field("zone", Shape::Text, "Those in this zone."),
        field("region", Shape::Text, "Those in this region."),
        field("node", Shape::Text, "Those on this node."),
    ],
    required: &[],
    one_of: &[&["zone", "region", "node"]],
};

impl LinkChange {
    pub(super) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &LINK_CHANGE)?;
        let between = fields.get("between").and_then(|node| {
            let ends = reader.list(&node, End::read);
            let ends = <[End; 2]>::try_from(ends).ok();
            if ends.is_none() {
                reader.invalid(
                    &node,
                    "`between` names two groups of pods".to_owned(),
                    "write `between: [default/a, default/b]` or `between: [{zone: a}, '*']`",
                );
            }
            ends
        });
        let delay = fields
            .get("delay")
            .and_then(|node| distribution::read(reader, &node));
        let loss = fields.get("loss").and_then(|node| reader.percentage(&node));
        let partition = fields
            .get("partition")
            .and_then(|node| reader.boolean(&node));
        let what = ["delay", "loss", "partition"];
        if what.iter().all(|name| fields.get(name).is_none()) {
            reader.missing(&fields, "`delay`, `loss` or `partition`");
            return None;
        }
        Some(Self {
            between: between?,
            delay: delay.unwrap_or(Distribution::ZERO),
            loss: if partition == Some(true) {
                1.0
            } else {
                loss.unwrap_or(0.0)
            },
        })
    }
}

impl End {
    fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        if node.is_word("*") {
            return Some(Self::Any);
        }
        if !node.is_map() {
            return reader.object_name(node).map(Self::Workload);
        }
        let fields = reader.object(node, &END)?;
        let field = fields.iter().next()?;
        let text = reader.placed_text(&field)?;
        Some(match field.name() {
            "zone" => Self::Zone(text),
            "region" => Self::Region(text),
            _ => Self::Node(text),
        })
    }
}
