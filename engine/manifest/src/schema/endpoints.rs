//! The fields of EndpointSlice, Endpoints and Node.
//!
//! Source: k8s.io/api 0.37, discovery/v1 and core/v1.

use crate::schema::Field::{self, Optional};
use crate::schema::PORT;
use crate::schema::Schema::{Any, Bool, List, Map, Object, OneOf, String};

pub(super) const ENDPOINT_SLICE: &[Field] = &[
    Optional("addressType", OneOf(&["IPv4", "IPv6", "FQDN"])),
    Optional("apiVersion", Any),
    Optional("endpoints", List(&Object(ENDPOINT))),
    Optional("kind", Any),
    Optional("metadata", Any),
    Optional("ports", List(&Object(ENDPOINT_PORT))),
];

pub(super) const ENDPOINT: &[Field] = &[
    Optional("addresses", List(&String)),
    Optional("conditions", Object(CONDITIONS)),
    Optional("deprecatedTopology", Map(&String)),
    Optional("hints", Any),
    Optional("hostname", String),
    Optional("nodeName", String),
    Optional("targetRef", Object(OBJECT_REFERENCE)),
    Optional("zone", String),
];

pub(super) const CONDITIONS: &[Field] = &[
    Optional("ready", Bool),
    Optional("serving", Bool),
    Optional("terminating", Bool),
];

pub(super) const ENDPOINT_PORT: &[Field] = &[
    Optional("appProtocol", String),
    Optional("name", String),
    Optional("port", PORT),
    Optional("protocol", OneOf(&["TCP", "UDP", "SCTP"])),
];

pub(super) const ENDPOINTS: &[Field] = &[
    Optional("apiVersion", Any),
    Optional("kind", Any),
    Optional("metadata", Any),
    Optional("subsets", List(&Object(SUBSET))),
];

pub(super) const SUBSET: &[Field] = &[
    Optional("addresses", List(&Object(ADDRESS))),
    Optional("notReadyAddresses", List(&Object(ADDRESS))),
    Optional("ports", List(&Object(ENDPOINT_PORT))),
];

pub(super) const ADDRESS: &[Field] = &[
    Optional("hostname", String),
    Optional("ip", String),
    Optional("nodeName", String),
    Optional("targetRef", Object(OBJECT_REFERENCE)),
];

pub(super) const OBJECT_REFERENCE: &[Field] = &[
    Optional("apiVersion", String),
    Optional("fieldPath", String),
    Optional("kind", String),
    Optional("name", String),
    Optional("namespace", String),
    Optional("resourceVersion", String),
    Optional("uid", String),
];

pub(super) const NODE_SPEC: &[Field] = &[
    Optional("configSource", Any),
    Optional("externalID", String),
    Optional("podCIDR", String),
    Optional("podCIDRs", List(&String)),
    Optional("providerID", String),
    Optional("taints", List(&Any)),
    Optional("unschedulable", Bool),
];
