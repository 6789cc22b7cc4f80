//! The fields of a Service.
//!
//! Source: k8s.io/api 0.37, core/v1 and apps/v1.

use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{Bool, IntOrString, List, Map, Object, OneOf, String};
use crate::schema::{COUNT, PORT, PORT_OR_NONE};

pub(super) const SERVICE_SPEC: &[Field] = &[
    Optional("allocateLoadBalancerNodePorts", Bool),
    Optional("clusterIP", String),
    Optional("clusterIPs", List(&String)),
    Optional("externalIPs", List(&String)),
    Optional("externalName", String),
    Optional("externalTrafficPolicy", OneOf(&["Cluster", "Local"])),
    Optional("healthCheckNodePort", PORT_OR_NONE),
    Optional("internalTrafficPolicy", OneOf(&["Cluster", "Local"])),
    Optional("ipFamilies", List(&OneOf(&["IPv4", "IPv6"]))),
    Optional(
        "ipFamilyPolicy",
        OneOf(&["SingleStack", "PreferDualStack", "RequireDualStack"]),
    ),
    Optional("loadBalancerClass", String),
    Optional("loadBalancerIP", String),
    Optional("loadBalancerSourceRanges", List(&String)),
    Optional("ports", List(&Object(SERVICE_PORT))),
    Optional("publishNotReadyAddresses", Bool),
    Optional("selector", Map(&String)),
    Optional("sessionAffinity", OneOf(&["ClientIP", "None"])),
    Optional("sessionAffinityConfig", Object(SESSION_AFFINITY_CONFIG)),
    Optional("trafficDistribution", String),
    Optional(
        "type",
        OneOf(&["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
    ),
];

pub(super) const SERVICE_PORT: &[Field] = &[
    Optional("appProtocol", String),
    Optional("name", String),
    Optional("nodePort", PORT_OR_NONE),
    Required("port", PORT),
    Optional("protocol", OneOf(&["TCP", "UDP", "SCTP"])),
    Optional("targetPort", IntOrString),
];

pub(super) const SESSION_AFFINITY_CONFIG: &[Field] =
    &[Optional("clientIP", Object(CLIENT_IP_CONFIG))];

pub(super) const CLIENT_IP_CONFIG: &[Field] = &[Optional("timeoutSeconds", COUNT)];
