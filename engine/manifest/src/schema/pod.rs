//! The fields of a pod and of a pod template.
//!
//! Source: k8s.io/api 0.37, core/v1 and apps/v1.

use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{Bool, List, Map, Object, OneOf, Quantity, String};
use crate::schema::container::{
    APP_ARMOR_PROFILE, CONTAINER, EPHEMERAL_CONTAINER, RESOURCE_REQUIREMENTS, SE_LINUX_OPTIONS,
    SECCOMP_PROFILE, WINDOWS_SECURITY_CONTEXT_OPTIONS,
};
use crate::schema::metadata::OBJECT_META;
use crate::schema::scheduling::{
    AFFINITY, POD_SCHEDULING_GATE, POD_SCHEDULING_GROUP, TOLERATION, TOPOLOGY_SPREAD_CONSTRAINT,
};
use crate::schema::volume::VOLUME;
use crate::schema::{INT32, INT64, LONG_COUNT};

pub(super) const POD_TEMPLATE_SPEC: &[Field] = &[
    Optional("metadata", Object(OBJECT_META)),
    Required("spec", Object(POD_SPEC)),
];

pub(super) const POD_SPEC: &[Field] = &[
    Optional("activeDeadlineSeconds", LONG_COUNT),
    Optional("affinity", Object(AFFINITY)),
    Optional("automountServiceAccountToken", Bool),
    Required("containers", List(&Object(CONTAINER))),
    Optional("dnsConfig", Object(POD_DNS_CONFIG)),
    Optional(
        "dnsPolicy",
        OneOf(&["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]),
    ),
    Optional("enableServiceLinks", Bool),
    Optional("ephemeralContainers", List(&Object(EPHEMERAL_CONTAINER))),
    Optional("evictionResponders", List(&Object(EVICTION_RESPONDER))),
    Optional("hostAliases", List(&Object(HOST_ALIAS))),
    Optional("hostIPC", Bool),
    Optional("hostNetwork", Bool),
    Optional("hostPID", Bool),
    Optional("hostUsers", Bool),
    Optional("hostname", String),
    Optional("hostnameOverride", String),
    Optional("imagePullSecrets", List(&Object(LOCAL_OBJECT_REFERENCE))),
    Optional("initContainers", List(&Object(CONTAINER))),
    Optional("nodeName", String),
    Optional("nodeSelector", Map(&String)),
    Optional("os", Object(POD_OS)),
    Optional("overhead", Map(&Quantity)),
    Optional(
        "preemptionPolicy",
        OneOf(&["PreemptLowerPriority", "Never"]),
    ),
    Optional("priority", INT32),
    Optional("priorityClassName", String),
    Optional("readinessGates", List(&Object(POD_READINESS_GATE))),
    Optional("resourceClaims", List(&Object(POD_RESOURCE_CLAIM))),
    Optional("resources", Object(RESOURCE_REQUIREMENTS)),
    Optional("restartPolicy", OneOf(&["Always", "OnFailure", "Never"])),
    Optional("runtimeClassName", String),
    Optional("schedulerName", String),
    Optional("schedulingGates", List(&Object(POD_SCHEDULING_GATE))),
    Optional("schedulingGroup", Object(POD_SCHEDULING_GROUP)),
    Optional("securityContext", Object(POD_SECURITY_CONTEXT)),
    Optional("serviceAccount", String),
    Optional("serviceAccountName", String),
    Optional("setHostnameAsFQDN", Bool),
    Optional("shareProcessNamespace", Bool),
    Optional("subdomain", String),
    Optional("terminationGracePeriodSeconds", LONG_COUNT),
    Optional("tolerations", List(&Object(TOLERATION))),
    Optional(
        "topologySpreadConstraints",
        List(&Object(TOPOLOGY_SPREAD_CONSTRAINT)),
    ),
    Optional("volumes", List(&Object(VOLUME))),
];

pub(super) const POD_SECURITY_CONTEXT: &[Field] = &[
    Optional("appArmorProfile", Object(APP_ARMOR_PROFILE)),
    Optional("fsGroup", INT64),
    Optional("fsGroupChangePolicy", OneOf(&["OnRootMismatch", "Always"])),
    Optional("runAsGroup", INT64),
    Optional("runAsNonRoot", Bool),
    Optional("runAsUser", INT64),
    Optional("seLinuxChangePolicy", OneOf(&["Recursive", "MountOption"])),
    Optional("seLinuxOptions", Object(SE_LINUX_OPTIONS)),
    Optional("seccompProfile", Object(SECCOMP_PROFILE)),
    Optional("supplementalGroups", List(&INT64)),
    Optional("supplementalGroupsPolicy", OneOf(&["Merge", "Strict"])),
    Optional("sysctls", List(&Object(SYSCTL))),
    Optional("windowsOptions", Object(WINDOWS_SECURITY_CONTEXT_OPTIONS)),
];

pub(super) const SYSCTL: &[Field] = &[Required("name", String), Optional("value", String)];

pub(super) const HOST_ALIAS: &[Field] =
    &[Optional("hostnames", List(&String)), Required("ip", String)];

pub(super) const POD_DNS_CONFIG: &[Field] = &[
    Optional("nameservers", List(&String)),
    Optional("options", List(&Object(POD_DNS_CONFIG_OPTION))),
    Optional("searches", List(&String)),
];

pub(super) const POD_DNS_CONFIG_OPTION: &[Field] =
    &[Optional("name", String), Optional("value", String)];

pub(super) const POD_READINESS_GATE: &[Field] = &[Required("conditionType", String)];

pub(super) const POD_OS: &[Field] = &[Required("name", OneOf(&["linux", "windows"]))];

pub(super) const POD_RESOURCE_CLAIM: &[Field] = &[
    Required("name", String),
    Optional("resourceClaimName", String),
    Optional("resourceClaimTemplateName", String),
];

pub(super) const EVICTION_RESPONDER: &[Field] =
    &[Required("name", String), Optional("priority", INT32)];

pub(super) const LOCAL_OBJECT_REFERENCE: &[Field] = &[Optional("name", String)];
