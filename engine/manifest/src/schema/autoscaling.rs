//! The fields of HorizontalPodAutoscaler and PodDisruptionBudget.
//!
//! Source: k8s.io/api 0.37, autoscaling/v1, autoscaling/v2 and policy/v1.

use crate::schema::COUNT;
use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{Int, IntOrString, List, Object, OneOf, Quantity, String};
use crate::schema::metadata::LABEL_SELECTOR;

pub(super) const HORIZONTAL_POD_AUTOSCALER_SPEC: &[Field] = &[
    Optional("behavior", Object(BEHAVIOR)),
    Required("maxReplicas", Int(1, i32::MAX as i64)),
    Optional("metrics", List(&Object(METRIC))),
    Optional("minReplicas", COUNT),
    Required("scaleTargetRef", Object(OBJECT_REFERENCE)),
    Optional("targetCPUUtilizationPercentage", Int(1, i32::MAX as i64)),
];

const OBJECT_REFERENCE: &[Field] = &[
    Optional("apiVersion", String),
    Required("kind", String),
    Required("name", String),
];

const BEHAVIOR: &[Field] = &[
    Optional("scaleDown", Object(SCALING_RULES)),
    Optional("scaleUp", Object(SCALING_RULES)),
];

const SCALING_RULES: &[Field] = &[
    Optional("policies", List(&Object(SCALING_POLICY))),
    Optional("selectPolicy", OneOf(&["Disabled", "Max", "Min"])),
    Optional("stabilizationWindowSeconds", Int(0, 3600)),
    Optional("tolerance", Quantity),
];

const SCALING_POLICY: &[Field] = &[
    Required("periodSeconds", Int(1, 1800)),
    Required("type", OneOf(&["Percent", "Pods"])),
    Required("value", Int(1, i32::MAX as i64)),
];

const METRIC: &[Field] = &[
    Optional("containerResource", Object(CONTAINER_RESOURCE_METRIC)),
    Optional("external", Object(EXTERNAL_METRIC)),
    Optional("object", Object(OBJECT_METRIC)),
    Optional("pods", Object(PODS_METRIC)),
    Optional("resource", Object(RESOURCE_METRIC)),
    Required(
        "type",
        OneOf(&[
            "ContainerResource",
            "External",
            "Object",
            "Pods",
            "Resource",
        ]),
    ),
];

const RESOURCE_METRIC: &[Field] = &[Required("name", String), Required("target", Object(TARGET))];

const CONTAINER_RESOURCE_METRIC: &[Field] = &[
    Required("container", String),
    Required("name", String),
    Required("target", Object(TARGET)),
];

const PODS_METRIC: &[Field] = &[
    Required("metric", Object(IDENTIFIER)),
    Required("target", Object(TARGET)),
];

const EXTERNAL_METRIC: &[Field] = PODS_METRIC;

const OBJECT_METRIC: &[Field] = &[
    Required("describedObject", Object(OBJECT_REFERENCE)),
    Required("metric", Object(IDENTIFIER)),
    Required("target", Object(TARGET)),
];

const IDENTIFIER: &[Field] = &[
    Required("name", String),
    Optional("selector", Object(LABEL_SELECTOR)),
];

const TARGET: &[Field] = &[
    Optional("averageUtilization", Int(1, i32::MAX as i64)),
    Optional("averageValue", Quantity),
    Required("type", OneOf(&["AverageValue", "Utilization", "Value"])),
    Optional("value", Quantity),
];

pub(super) const POD_DISRUPTION_BUDGET_SPEC: &[Field] = &[
    Optional("maxUnavailable", IntOrString),
    Optional("minAvailable", IntOrString),
    Optional("selector", Object(LABEL_SELECTOR)),
    Optional(
        "unhealthyPodEvictionPolicy",
        OneOf(&["AlwaysAllow", "IfHealthyBudget"]),
    ),
];
