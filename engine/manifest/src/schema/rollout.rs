//! The fields of a Rollout, whose pods are those of Kubernetes.
//!
//! Source: argoproj/argo-rollouts, pkg/apis/rollouts/v1alpha1/types.go; its CRD.

use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{Any, Bool, IntOrString, List, Map, Object, OneOf, String};
use crate::schema::metadata::LABEL_SELECTOR;
use crate::schema::pod::POD_TEMPLATE_SPEC;
use crate::schema::{COUNT, Schema};

pub(super) const ROLLOUT_SPEC: &[Field] = &[
    Optional("analysis", Any),
    Optional("minReadySeconds", COUNT),
    Optional("paused", Bool),
    Optional("progressDeadlineAbort", Bool),
    Optional("progressDeadlineSeconds", COUNT),
    Optional("replicas", COUNT),
    Optional("restartAt", String),
    Optional("revisionHistoryLimit", COUNT),
    Optional("rollbackWindow", Any),
    Optional("selector", Object(LABEL_SELECTOR)),
    Required("strategy", Object(STRATEGY)),
    Optional("template", Object(POD_TEMPLATE_SPEC)),
    Optional("workloadRef", Object(WORKLOAD_REFERENCE)),
];

const WORKLOAD_REFERENCE: &[Field] = &[
    Optional("apiVersion", String),
    Optional("kind", String),
    Optional("name", String),
    Optional("scaleDown", OneOf(&["never", "onsuccess", "progressively"])),
];

const STRATEGY: &[Field] = &[
    Optional("blueGreen", Object(BLUE_GREEN)),
    Optional("canary", Object(CANARY)),
];

const BLUE_GREEN: &[Field] = &[
    Optional("abortScaleDownDelaySeconds", COUNT),
    Optional("activeMetadata", Any),
    Required("activeService", String),
    Optional("antiAffinity", Any),
    Optional("autoPromotionEnabled", Bool),
    Optional("autoPromotionSeconds", COUNT),
    Optional("maxUnavailable", IntOrString),
    Optional("postPromotionAnalysis", Object(ANALYSIS)),
    Optional("prePromotionAnalysis", Object(ANALYSIS)),
    Optional("previewMetadata", Any),
    Optional("previewReplicaCount", COUNT),
    Optional("previewService", String),
    Optional("scaleDownDelayRevisionLimit", COUNT),
    Optional("scaleDownDelaySeconds", COUNT),
];

const CANARY: &[Field] = &[
    Optional("abortScaleDownDelaySeconds", COUNT),
    Optional("analysis", Object(BACKGROUND_ANALYSIS)),
    Optional("antiAffinity", Any),
    Optional("canaryMetadata", Any),
    Optional("canaryService", String),
    Optional("dynamicStableScale", Bool),
    Optional("maxSurge", IntOrString),
    Optional("maxUnavailable", IntOrString),
    Optional("minPodsPerReplicaSet", COUNT),
    Optional("pingPong", Any),
    Optional("scaleDownDelayRevisionLimit", COUNT),
    Optional("scaleDownDelaySeconds", COUNT),
    Optional("stableMetadata", Any),
    Optional("stableService", String),
    Optional("steps", List(&Object(STEP))),
    Optional("trafficRouting", Object(TRAFFIC_ROUTING)),
];

const STEP: &[Field] = &[
    Optional("analysis", Object(ANALYSIS)),
    Optional("experiment", Any),
    Optional("pause", Object(&[Optional("duration", IntOrString)])),
    Optional("plugin", Any),
    Optional("setCanaryScale", Object(SET_CANARY_SCALE)),
    Optional("setHeaderRoute", Object(SET_HEADER_ROUTE)),
    Optional("setMirrorRoute", Object(SET_MIRROR_ROUTE)),
    Optional("setWeight", COUNT),
];

const SET_CANARY_SCALE: &[Field] = &[
    Optional("matchTrafficWeight", Bool),
    Optional("replicas", COUNT),
    Optional("weight", COUNT),
];

const SET_HEADER_ROUTE: &[Field] = &[
    Optional(
        "match",
        List(&Object(&[
            Required("headerName", String),
            Required("headerValue", STRING_MATCH),
        ])),
    ),
    Optional("name", String),
];

const SET_MIRROR_ROUTE: &[Field] = &[
    Optional(
        "match",
        List(&Object(&[
            Optional("headers", Map(&STRING_MATCH)),
            Optional("method", STRING_MATCH),
            Optional("path", STRING_MATCH),
        ])),
    ),
    Required("name", String),
    Optional("percentage", COUNT),
];

const STRING_MATCH: Schema = Object(&[
    Optional("exact", String),
    Optional("prefix", String),
    Optional("regex", String),
]);

const TRAFFIC_ROUTING: &[Field] = &[
    Optional("alb", Any),
    Optional("ambassador", Any),
    Optional("apisix", Any),
    Optional("appMesh", Any),
    Optional("istio", Object(ISTIO)),
    Optional("managedRoutes", List(&Object(&[Required("name", String)]))),
    Optional("maxTrafficWeight", COUNT),
    Optional("nginx", Any),
    Optional("plugins", Any),
    Optional("smi", Any),
    Optional("traefik", Any),
];

const ISTIO: &[Field] = &[
    Optional(
        "destinationRule",
        Object(&[
            Required("canarySubsetName", String),
            Required("name", String),
            Required("stableSubsetName", String),
        ]),
    ),
    Optional("virtualService", Object(VIRTUAL_SERVICE)),
    Optional("virtualServices", List(&Object(VIRTUAL_SERVICE))),
];

const VIRTUAL_SERVICE: &[Field] = &[
    Required("name", String),
    Optional("routes", List(&String)),
    Optional("tcpRoutes", Any),
    Optional("tlsRoutes", Any),
];

const ANALYSIS: &[Field] = &[
    Optional("analysisRunMetadata", Any),
    Optional("args", List(&Object(ARGUMENT))),
    Optional("dryRun", List(&Object(DRY_RUN))),
    Optional("measurementRetention", Any),
    Optional("templates", List(&Object(TEMPLATE_REFERENCE))),
];

const BACKGROUND_ANALYSIS: &[Field] = &[
    Optional("analysisRunMetadata", Any),
    Optional("args", List(&Object(ARGUMENT))),
    Optional("dryRun", List(&Object(DRY_RUN))),
    Optional("measurementRetention", Any),
    Optional("startingStep", COUNT),
    Optional("templates", List(&Object(TEMPLATE_REFERENCE))),
];

const ARGUMENT: &[Field] = &[
    Required("name", String),
    Optional("value", String),
    Optional(
        "valueFrom",
        Object(&[
            Optional("fieldRef", Object(&[Required("fieldPath", String)])),
            Optional("podTemplateHashValue", OneOf(&["Stable", "Latest"])),
            Optional("secretKeyRef", Any),
        ]),
    ),
];

const DRY_RUN: &[Field] = &[Required("metricName", String)];

const TEMPLATE_REFERENCE: &[Field] = &[
    Optional("clusterScope", Bool),
    Optional("templateName", String),
];
