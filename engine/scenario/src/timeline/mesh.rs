//! Manifests that are applied or deleted.

use crate::place::Placed;
use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Shape, field};
use manifest::Source;

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

/// `apply`
pub(super) const APPLY: Field = field(
    "apply",
    Shape::OneOrMore(&Shape::Text),
    "Manifest files or folders, relative to the scenario file: objects of the same kind, namespace and name are \
     replaced, as by `kubectl apply`.",
);
/// `delete`
pub(super) const DELETE: Field = field(
    "delete",
    Shape::OneOrMore(&Shape::Text),
    "Objects that are deleted, written `kind/namespace/name`, such as `virtualservice/default/reviews`.",
);

pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<MeshChange> {
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
