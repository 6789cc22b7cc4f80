//! A node of the cluster.

use crate::reader::{Cursor, Reader};
use crate::shape::{Object, Shape, field};
use std::collections::BTreeMap;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels, those of its region and zone among them.
    pub labels: BTreeMap<String, String>,
    /// Pods that it can hold; none: no limit.
    pub capacity: Option<u32>,
}

pub(super) static NODE: Object = Object {
    name: "node",
    about: "A node, or several that are alike.",
    fields: &[
        field("name", Shape::Text, "Its name."),
        field(
            "count",
            Shape::Whole(1),
            "So many such nodes, named `<name>-0`, `<name>-1`, …",
        ),
        field(
            "region",
            Shape::Text,
            "Label topology.kubernetes.io/region.",
        ),
        field("zone", Shape::Text, "Label topology.kubernetes.io/zone."),
        field("subzone", Shape::Text, "Label topology.istio.io/subzone."),
        field(
            "labels",
            Shape::Texts,
            "Further labels, for `nodeSelector`.",
        ),
        field(
            "capacity",
            Shape::Limit(1),
            "Pods that it can hold; `unlimited` if not written.",
        ),
    ],
    required: &["name"],
    one_of: &[],
};

/// Reads `nodes`: each name is one node's.
pub(super) fn read_all(reader: &mut Reader, node: &Cursor<'_>) -> Vec<Node> {
    let mut lines = BTreeMap::new();
    let entries = reader.list(node, |reader, item| {
        let nodes = Node::read(reader, item)?;
        let line = item.place().location.line;
        for node in &nodes {
            let Some(twin) = lines.insert(node.name.clone(), line) else {
                continue;
            };
            let message = format!("two nodes are named `{}`", node.name);
            reader.invalid(item, message, format!("the other one is in line {twin}"));
            return None;
        }
        Some(nodes)
    });
    entries.concat()
}

impl Node {
    /// Reads an entry of `nodes`: one node, or several that are alike.
    fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Vec<Self>> {
        let fields = reader.object(node, &NODE)?;
        let name = fields.get("name").and_then(|node| reader.text(&node));
        let count = fields
            .get("count")
            .and_then(|node| reader.whole_within(&node, 1, MAX_NODES));
        let mut labels: BTreeMap<String, String> = fields
            .get("labels")
            .map(|node| reader.texts(&node).into_iter().collect())
            .unwrap_or_default();
        for (field, label) in [
            ("region", "topology.kubernetes.io/region"),
            ("zone", "topology.kubernetes.io/zone"),
            ("subzone", "topology.istio.io/subzone"),
        ] {
            if let Some(value) = fields.get(field).and_then(|node| reader.text(&node)) {
                labels.insert(label.to_owned(), value);
            }
        }
        let capacity = fields
            .get("capacity")
            .and_then(|node| reader.limit(&node, 1))
            .flatten();
        let name = name?;
        let names = match count {
            None => vec![name],
            Some(count) => (0..count)
                .map(|number| format!("{name}-{number}"))
                .collect(),
        };
        let named = names.into_iter().map(|name| Self {
            name,
            labels: labels.clone(),
            capacity,
        });
        Some(named.collect())
    }
}

/// As many as Kubernetes has been tried with, and again as many.
const MAX_NODES: u32 = 10_000;
