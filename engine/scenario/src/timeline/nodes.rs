//! Nodes that an entry is about: by name, zone or region.

use crate::place::Placed;
use crate::reader::{Cursor, Reader};
use crate::shape::{Object, Shape, field};

/// Conditions on a node; all that are written must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTarget {
    /// Its name; `*` stands for any characters.
    pub node: Option<Placed<String>>,
    /// Its zone.
    pub zone: Option<Placed<String>>,
    /// Its region.
    pub region: Option<Placed<String>>,
}

pub(super) static NODE_TARGET: Object = Object {
    name: "nodes",
    about: "Nodes, by what is true of them: all that is written must hold.",
    fields: &[
        field(
            "node",
            Shape::Text,
            "Its name. `*` stands for any characters.",
        ),
        field("zone", Shape::Text, "Its zone."),
        field("region", Shape::Text, "Its region."),
    ],
    required: &[],
    one_of: &[],
};

impl NodeTarget {
    /// Reads a node's name, or conditions.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        if !node.is_map() {
            return Some(Self {
                node: Some(reader.placed_text(node)?),
                zone: None,
                region: None,
            });
        }
        let fields = reader.object(node, &NODE_TARGET)?;
        let mut text = |name| {
            let node = fields.get(name)?;
            reader.placed_text(&node)
        };
        let target = Self {
            node: text("node"),
            zone: text("zone"),
            region: text("region"),
        };
        if fields.iter().next().is_none() {
            reader.missing(&fields, "`node`, `zone` or `region`");
            return None;
        }
        Some(target)
    }
}
