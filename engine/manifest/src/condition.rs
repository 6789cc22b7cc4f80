//! Conditions: what controllers say of an object in its status, as exported objects tell.

use base::Location;

use crate::diagnostic::ObjectRef;
use crate::kind::group_of;
use crate::object::Object;
use crate::yaml::path::Path;
use crate::yaml::tree::{Content, NodeId};

/// A condition in the status of an object of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The API group of the object, empty for Kubernetes' core.
    pub group: String,
    /// The object.
    pub object: ObjectRef,
    /// What it says something about, such as `Accepted`.
    pub condition_type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in a word.
    pub reason: String,
    /// Why, for people.
    pub message: String,
    /// Where the object begins.
    pub location: Location,
}

impl Condition {
    /// Whether both are about one object.
    pub(crate) fn is_of_same(&self, other: &Self) -> bool {
        self.is_of(&other.group, &other.object)
    }

    /// Whether it is about this object.
    pub(crate) fn is_of(&self, group: &str, object: &ObjectRef) -> bool {
        self.group == group && self.object == *object
    }
}

/// The conditions of an object, and those that its parents (a route's Gateways) give it.
pub(crate) fn read(object: &Object<'_, '_>, default_namespace: &str) -> Vec<Condition> {
    let mut found = Vec::new();
    let Some(status) = object.tree.get(object.node, "status") else {
        return found;
    };
    let parents = items(object, status, "parents").iter();
    for holder in std::iter::once(&status).chain(parents) {
        for condition in items(object, *holder, "conditions") {
            let text = |key| {
                let value = object.tree.get(*condition, key);
                let text = value.and_then(|value| object.tree.str(value));
                text.unwrap_or_default().to_owned()
            };
            let namespace = object.metadata("namespace").unwrap_or(default_namespace);
            found.push(Condition {
                group: group_of(object.api_version).to_owned(),
                object: object.reference(namespace),
                condition_type: text("type"),
                status: text("status"),
                reason: text("reason"),
                message: text("message"),
                location: object.location(),
            });
        }
    }
    found
}

/// The elements of a list, if there is one.
fn items<'o>(object: &'o Object<'_, '_>, holder: NodeId, key: &str) -> &'o [NodeId] {
    match object.tree.find(holder, &Path::Root.key(key)) {
        Ok(node) => match object.tree.content(node) {
            Content::Array(items) => items,
            Content::Scalar(_) | Content::Object(_) => &[],
        },
        Err(_) => &[],
    }
}
