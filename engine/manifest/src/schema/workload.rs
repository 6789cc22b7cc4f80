//! The fields of Namespace, Deployment, ReplicaSet and StatefulSet.
//!
//! Source: k8s.io/api 0.37, core/v1 and apps/v1.

use crate::schema::COUNT;
use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{Bool, IntOrString, List, Object, OneOf, String};
use crate::schema::container::PERSISTENT_VOLUME_CLAIM;
use crate::schema::metadata::LABEL_SELECTOR;
use crate::schema::pod::POD_TEMPLATE_SPEC;

pub(super) const DEPLOYMENT_SPEC: &[Field] = &[
    Optional("minReadySeconds", COUNT),
    Optional("paused", Bool),
    Optional("progressDeadlineSeconds", COUNT),
    Optional("replicas", COUNT),
    Optional("revisionHistoryLimit", COUNT),
    Required("selector", Object(LABEL_SELECTOR)),
    Optional("strategy", Object(DEPLOYMENT_STRATEGY)),
    Required("template", Object(POD_TEMPLATE_SPEC)),
];

pub(super) const DEPLOYMENT_STRATEGY: &[Field] = &[
    Optional("rollingUpdate", Object(ROLLING_UPDATE_DEPLOYMENT)),
    Optional("type", OneOf(&["Recreate", "RollingUpdate"])),
];

pub(super) const ROLLING_UPDATE_DEPLOYMENT: &[Field] = &[
    Optional("maxSurge", IntOrString),
    Optional("maxUnavailable", IntOrString),
];

pub(super) const REPLICA_SET_SPEC: &[Field] = &[
    Optional("minReadySeconds", COUNT),
    Optional("replicas", COUNT),
    Required("selector", Object(LABEL_SELECTOR)),
    Optional("template", Object(POD_TEMPLATE_SPEC)),
];

pub(super) const STATEFUL_SET_SPEC: &[Field] = &[
    Optional("minReadySeconds", COUNT),
    Optional("ordinals", Object(STATEFUL_SET_ORDINALS)),
    Optional(
        "persistentVolumeClaimRetentionPolicy",
        Object(STATEFUL_SET_PERSISTENT_VOLUME_CLAIM_RETENTION_POLICY),
    ),
    Optional("podManagementPolicy", OneOf(&["OrderedReady", "Parallel"])),
    Optional("replicas", COUNT),
    Optional("revisionHistoryLimit", COUNT),
    Required("selector", Object(LABEL_SELECTOR)),
    Optional("serviceName", String),
    Required("template", Object(POD_TEMPLATE_SPEC)),
    Optional("updateStrategy", Object(STATEFUL_SET_UPDATE_STRATEGY)),
    Optional(
        "volumeClaimTemplates",
        List(&Object(PERSISTENT_VOLUME_CLAIM)),
    ),
];

pub(super) const STATEFUL_SET_UPDATE_STRATEGY: &[Field] = &[
    Optional(
        "rollingUpdate",
        Object(ROLLING_UPDATE_STATEFUL_SET_STRATEGY),
    ),
    Optional("type", OneOf(&["RollingUpdate", "OnDelete"])),
];

pub(super) const ROLLING_UPDATE_STATEFUL_SET_STRATEGY: &[Field] = &[
    Optional("maxUnavailable", IntOrString),
    Optional("partition", COUNT),
];

pub(super) const STATEFUL_SET_PERSISTENT_VOLUME_CLAIM_RETENTION_POLICY: &[Field] = &[
    Optional("whenDeleted", OneOf(&["Retain", "Delete"])),
    Optional("whenScaled", OneOf(&["Retain", "Delete"])),
];

pub(super) const STATEFUL_SET_ORDINALS: &[Field] = &[Optional("start", COUNT)];

pub(super) const NAMESPACE_SPEC: &[Field] = &[Optional("finalizers", List(&String))];
