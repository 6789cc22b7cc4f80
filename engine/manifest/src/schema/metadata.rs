//! What every Kubernetes object has in common: ObjectMeta and selectors.
//!
//! Source: k8s.io/api 0.37, core/v1 and apps/v1.

use crate::schema::Field::{self, Optional, Required};
use crate::schema::INT64;
use crate::schema::Schema::{Any, Bool, List, Map, Object, OneOf, String, Time};

pub(super) const OBJECT_META: &[Field] = &[
    Optional("annotations", Map(&String)),
    Optional("creationTimestamp", Time),
    Optional("deletionGracePeriodSeconds", INT64),
    Optional("deletionTimestamp", Time),
    Optional("finalizers", List(&String)),
    Optional("generateName", String),
    Optional("generation", INT64),
    Optional("labels", Map(&String)),
    Optional("managedFields", List(&Object(MANAGED_FIELDS_ENTRY))),
    Optional("name", String),
    Optional("namespace", String),
    Optional("ownerReferences", List(&Object(OWNER_REFERENCE))),
    Optional("resourceVersion", String),
    Optional("selfLink", String),
    Optional("uid", String),
];

pub(super) const OWNER_REFERENCE: &[Field] = &[
    Required("apiVersion", String),
    Optional("blockOwnerDeletion", Bool),
    Optional("controller", Bool),
    Required("kind", String),
    Required("name", String),
    Required("uid", String),
];

pub(super) const MANAGED_FIELDS_ENTRY: &[Field] = &[
    Optional("apiVersion", String),
    Optional("fieldsType", String),
    Optional("fieldsV1", Any),
    Optional("manager", String),
    Optional("operation", String),
    Optional("subresource", String),
    Optional("time", Time),
];

pub(super) const LABEL_SELECTOR: &[Field] = &[
    Optional(
        "matchExpressions",
        List(&Object(LABEL_SELECTOR_REQUIREMENT)),
    ),
    Optional("matchLabels", Map(&String)),
];

pub(super) const LABEL_SELECTOR_REQUIREMENT: &[Field] = &[
    Required("key", String),
    Required(
        "operator",
        OneOf(&["In", "NotIn", "Exists", "DoesNotExist"]),
    ),
    Optional("values", List(&String)),
];
