//! The fields that decide which node a pod runs on.
//!
//! Source: k8s.io/api 0.37, core/v1 and apps/v1.

use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{List, Object, OneOf, String};
use crate::schema::metadata::LABEL_SELECTOR;
use crate::schema::{COUNT, INT32, INT64};

pub(super) const AFFINITY: &[Field] = &[
    Optional("nodeAffinity", Object(NODE_AFFINITY)),
    Optional("podAffinity", Object(POD_AFFINITY)),
    Optional("podAntiAffinity", Object(POD_ANTI_AFFINITY)),
];

pub(super) const NODE_AFFINITY: &[Field] = &[
    Optional(
        "preferredDuringSchedulingIgnoredDuringExecution",
        List(&Object(PREFERRED_SCHEDULING_TERM)),
    ),
    Optional(
        "requiredDuringSchedulingIgnoredDuringExecution",
        Object(NODE_SELECTOR),
    ),
];

pub(super) const POD_AFFINITY: &[Field] = &[
    Optional(
        "preferredDuringSchedulingIgnoredDuringExecution",
        List(&Object(WEIGHTED_POD_AFFINITY_TERM)),
    ),
    Optional(
        "requiredDuringSchedulingIgnoredDuringExecution",
        List(&Object(POD_AFFINITY_TERM)),
    ),
];

pub(super) const POD_ANTI_AFFINITY: &[Field] = &[
    Optional(
        "preferredDuringSchedulingIgnoredDuringExecution",
        List(&Object(WEIGHTED_POD_AFFINITY_TERM)),
    ),
    Optional(
        "requiredDuringSchedulingIgnoredDuringExecution",
        List(&Object(POD_AFFINITY_TERM)),
    ),
];

pub(super) const NODE_SELECTOR: &[Field] = &[Required(
    "nodeSelectorTerms",
    List(&Object(NODE_SELECTOR_TERM)),
)];

pub(super) const NODE_SELECTOR_TERM: &[Field] = &[
    Optional("matchExpressions", List(&Object(NODE_SELECTOR_REQUIREMENT))),
    Optional("matchFields", List(&Object(NODE_SELECTOR_REQUIREMENT))),
];

pub(super) const NODE_SELECTOR_REQUIREMENT: &[Field] = &[
    Required("key", String),
    Required(
        "operator",
        OneOf(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]),
    ),
    Optional("values", List(&String)),
];

pub(super) const PREFERRED_SCHEDULING_TERM: &[Field] = &[
    Required("preference", Object(NODE_SELECTOR_TERM)),
    Required("weight", INT32),
];

pub(super) const POD_AFFINITY_TERM: &[Field] = &[
    Optional("labelSelector", Object(LABEL_SELECTOR)),
    Optional("matchLabelKeys", List(&String)),
    Optional("mismatchLabelKeys", List(&String)),
    Optional("namespaceSelector", Object(LABEL_SELECTOR)),
    Optional("namespaces", List(&String)),
    Required("topologyKey", String),
];

pub(super) const WEIGHTED_POD_AFFINITY_TERM: &[Field] = &[
    Required("podAffinityTerm", Object(POD_AFFINITY_TERM)),
    Required("weight", INT32),
];

pub(super) const TOLERATION: &[Field] = &[
    Optional(
        "effect",
        OneOf(&["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    ),
    Optional("key", String),
    Optional("operator", OneOf(&["Exists", "Equal", "Lt", "Gt"])),
    Optional("tolerationSeconds", INT64),
    Optional("value", String),
];

pub(super) const TOPOLOGY_SPREAD_CONSTRAINT: &[Field] = &[
    Optional("labelSelector", Object(LABEL_SELECTOR)),
    Optional("matchLabelKeys", List(&String)),
    Required("maxSkew", COUNT),
    Optional("minDomains", COUNT),
    Optional("nodeAffinityPolicy", OneOf(&["Ignore", "Honor"])),
    Optional("nodeTaintsPolicy", OneOf(&["Ignore", "Honor"])),
    Required("topologyKey", String),
    Required(
        "whenUnsatisfiable",
        OneOf(&["DoNotSchedule", "ScheduleAnyway"]),
    ),
];

pub(super) const POD_SCHEDULING_GATE: &[Field] = &[Required("name", String)];

pub(super) const POD_SCHEDULING_GROUP: &[Field] = &[Optional("podGroupName", String)];
