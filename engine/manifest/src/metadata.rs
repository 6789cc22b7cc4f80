//! What every object has in common: its name, its labels, its age.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::timestamp::Timestamp;

/// `metadata`, as far as anything here depends on it. All other fields of Kubernetes' ObjectMeta are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMeta {
    /// The object's name; empty if only `generateName` is given.
    #[serde(default)]
    pub name: String,
    /// The start of a name that the API server completes.
    pub generate_name: Option<String>,
    /// The namespace, the default one filled in; empty for objects of the whole cluster.
    #[serde(default)]
    pub namespace: String,
    /// Labels, by which selectors choose.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When the object was created; only exported objects say so.
    pub creation_timestamp: Option<Timestamp>,
    /// When the object's end was asked for; a pod that says so is terminating.
    pub deletion_timestamp: Option<Timestamp>,
    /// The objects that made it, such as the ReplicaSet of a pod.
    #[serde(default)]
    pub owner_references: Vec<OwnerReference>,
}

/// An object that made another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OwnerReference {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name, in the same namespace.
    pub name: String,
    /// Whether the owner manages the object; at most one does.
    #[serde(default)]
    pub controller: Option<bool>,
}

/// A label selector: all of `matchLabels` and all of `matchExpressions` must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that must have these values.
    #[serde(default)]
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions.
    #[serde(default)]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorRequirement {
    /// The label's key.
    pub key: String,
    /// How its value is compared.
    pub operator: LabelSelectorOperator,
    /// The values it is compared with; none for `Exists` and `DoesNotExist`.
    #[serde(default)]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum LabelSelectorOperator {
    /// The value is one of the list.
    In,
    /// The value is none of the list, or the label is absent.
    NotIn,
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether an object with these labels is selected. The empty selector selects everything.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.matches(labels))
    }
}

impl LabelSelectorRequirement {
    /// Whether the condition holds for these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            LabelSelectorOperator::In => value.is_some_and(|value| self.values.contains(value)),
            LabelSelectorOperator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            LabelSelectorOperator::Exists => value.is_some(),
            LabelSelectorOperator::DoesNotExist => value.is_none(),
        }
    }
}
