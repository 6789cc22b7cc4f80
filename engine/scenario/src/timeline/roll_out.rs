//! Pods of another template: what `kubectl set image` and new labels in a Deployment lead to.

use crate::reader::{Cursor, Reader};
use crate::shape::{Field, Object, Shape, field};
use manifest::pod::PodTemplateSpec;
use std::collections::BTreeMap;

/// What changes about a Deployment's template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateChange {
    /// The image of its first container.
    pub image: Option<String>,
    /// Labels that its pods get.
    pub labels: BTreeMap<String, String>,
}

/// `rollOut`
pub(super) const ROLL_OUT: Field = field(
    "rollOut",
    Shape::Object(&TEMPLATE_CHANGE),
    "What changes about the template of the Deployment's pods: they are replaced as its `strategy` says.",
);

static TEMPLATE_CHANGE: Object = Object {
    name: "templateChange",
    about: "What changes about a Deployment's template.",
    fields: &[
        field(
            "image",
            Shape::Text,
            "The image of the first container, as by `kubectl set image`.",
        ),
        field(
            "version",
            Shape::Text,
            "The label `version` of the new pods.",
        ),
        field("labels", Shape::Texts, "Labels that the new pods have."),
    ],
    required: &[],
    one_of: &[],
};

impl TemplateChange {
    pub(super) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &TEMPLATE_CHANGE)?;
        let mut labels: BTreeMap<String, String> = fields
            .get("labels")
            .map(|node| reader.texts(&node).into_iter().collect())
            .unwrap_or_default();
        if let Some(version) = fields.get("version").and_then(|node| reader.text(&node)) {
            labels.insert("version".to_owned(), version);
        }
        let image = fields.get("image").and_then(|node| reader.text(&node));
        if image.is_none() && labels.is_empty() {
            reader.missing(&fields, "`image`, `version` or `labels`");
            return None;
        }
        Some(Self { image, labels })
    }

    /// Changes a template.
    pub(crate) fn apply(&self, template: &mut PodTemplateSpec) {
        if let (Some(image), Some(first)) = (&self.image, template.spec.containers.first_mut()) {
            first.value.image.clone_from(image);
        }
        template.metadata.labels.extend(self.labels.clone());
    }
}
