//! The fields of containers, their probes and their security.
//!
//! Source: k8s.io/api 0.37, core/v1 and apps/v1.

use crate::schema::Field::{self, Optional, Required};
use crate::schema::Schema::{Any, Bool, IntOrString, List, Map, Object, OneOf, Quantity, String};
use crate::schema::metadata::OBJECT_META;
use crate::schema::volume::{
    OBJECT_FIELD_SELECTOR, PERSISTENT_VOLUME_CLAIM_SPEC, RESOURCE_FIELD_SELECTOR,
};
use crate::schema::{COUNT, INT32, INT64, LONG_COUNT, PORT, PORT_OR_NONE};

pub(super) const CONTAINER: &[Field] = &[
    Optional("args", List(&String)),
    Optional("command", List(&String)),
    Optional("env", List(&Object(ENV_VAR))),
    Optional("envFrom", List(&Object(ENV_FROM_SOURCE))),
    Required("image", String),
    Optional(
        "imagePullPolicy",
        OneOf(&["Always", "Never", "IfNotPresent"]),
    ),
    Optional("lifecycle", Object(LIFECYCLE)),
    Optional("livenessProbe", Object(PROBE)),
    Required("name", String),
    Optional("ports", List(&Object(CONTAINER_PORT))),
    Optional("readinessProbe", Object(PROBE)),
    Optional("resizePolicy", List(&Object(CONTAINER_RESIZE_POLICY))),
    Optional("resources", Object(RESOURCE_REQUIREMENTS)),
    Optional("restartPolicy", OneOf(&["Always", "OnFailure", "Never"])),
    Optional("restartPolicyRules", List(&Object(CONTAINER_RESTART_RULE))),
    Optional("securityContext", Object(SECURITY_CONTEXT)),
    Optional("startupProbe", Object(PROBE)),
    Optional("stdin", Bool),
    Optional("stdinOnce", Bool),
    Optional("terminationMessagePath", String),
    Optional(
        "terminationMessagePolicy",
        OneOf(&["File", "FallbackToLogsOnError"]),
    ),
    Optional("tty", Bool),
    Optional("volumeDevices", List(&Object(VOLUME_DEVICE))),
    Optional("volumeMounts", List(&Object(VOLUME_MOUNT))),
    Optional("workingDir", String),
];

pub(super) const EPHEMERAL_CONTAINER: &[Field] = &[
    Optional("args", List(&String)),
    Optional("command", List(&String)),
    Optional("env", List(&Object(ENV_VAR))),
    Optional("envFrom", List(&Object(ENV_FROM_SOURCE))),
    Optional("image", String),
    Optional(
        "imagePullPolicy",
        OneOf(&["Always", "Never", "IfNotPresent"]),
    ),
    Optional("lifecycle", Object(LIFECYCLE)),
    Optional("livenessProbe", Object(PROBE)),
    Required("name", String),
    Optional("ports", List(&Object(CONTAINER_PORT))),
    Optional("readinessProbe", Object(PROBE)),
    Optional("resizePolicy", List(&Object(CONTAINER_RESIZE_POLICY))),
    Optional("resources", Object(RESOURCE_REQUIREMENTS)),
    Optional("restartPolicy", OneOf(&["Always", "OnFailure", "Never"])),
    Optional("restartPolicyRules", List(&Object(CONTAINER_RESTART_RULE))),
    Optional("securityContext", Object(SECURITY_CONTEXT)),
    Optional("startupProbe", Object(PROBE)),
    Optional("stdin", Bool),
    Optional("stdinOnce", Bool),
    Optional("targetContainerName", String),
    Optional("terminationMessagePath", String),
    Optional(
        "terminationMessagePolicy",
        OneOf(&["File", "FallbackToLogsOnError"]),
    ),
    Optional("tty", Bool),
    Optional("volumeDevices", List(&Object(VOLUME_DEVICE))),
    Optional("volumeMounts", List(&Object(VOLUME_MOUNT))),
    Optional("workingDir", String),
];

pub(super) const RESOURCE_REQUIREMENTS: &[Field] = &[
    Optional("claims", List(&Object(RESOURCE_CLAIM))),
    Optional("limits", Map(&Quantity)),
    Optional("requests", Map(&Quantity)),
];

pub(super) const PERSISTENT_VOLUME_CLAIM: &[Field] = &[
    Optional("apiVersion", String),
    Optional("kind", String),
    Optional("metadata", Object(OBJECT_META)),
    Optional("spec", Object(PERSISTENT_VOLUME_CLAIM_SPEC)),
    Optional("status", Any),
];

pub(super) const CONTAINER_PORT: &[Field] = &[
    Required("containerPort", PORT),
    Optional("hostIP", String),
    Optional("hostPort", PORT_OR_NONE),
    Optional("name", String),
    Optional("protocol", OneOf(&["TCP", "UDP", "SCTP"])),
];

pub(super) const ENV_FROM_SOURCE: &[Field] = &[
    Optional("configMapRef", Object(CONFIG_MAP_ENV_SOURCE)),
    Optional("prefix", String),
    Optional("secretRef", Object(SECRET_ENV_SOURCE)),
];

pub(super) const ENV_VAR: &[Field] = &[
    Required("name", String),
    Optional("value", String),
    Optional("valueFrom", Object(ENV_VAR_SOURCE)),
];

pub(super) const CONTAINER_RESIZE_POLICY: &[Field] = &[
    Required("resourceName", String),
    Required("restartPolicy", OneOf(&["NotRequired", "RestartContainer"])),
];

pub(super) const CONTAINER_RESTART_RULE: &[Field] = &[
    Optional("action", String),
    Optional("exitCodes", Object(CONTAINER_RESTART_RULE_ON_EXIT_CODES)),
];

pub(super) const VOLUME_MOUNT: &[Field] = &[
    Optional("bindMountOptions", List(&String)),
    Required("mountPath", String),
    Optional(
        "mountPropagation",
        OneOf(&["None", "HostToContainer", "Bidirectional"]),
    ),
    Required("name", String),
    Optional("readOnly", Bool),
    Optional(
        "recursiveReadOnly",
        OneOf(&["Disabled", "IfPossible", "Enabled"]),
    ),
    Optional("subPath", String),
    Optional("subPathExpr", String),
];

pub(super) const VOLUME_DEVICE: &[Field] =
    &[Required("devicePath", String), Required("name", String)];

pub(super) const PROBE: &[Field] = &[
    Optional("exec", Object(EXEC_ACTION)),
    Optional("failureThreshold", COUNT),
    Optional("grpc", Object(GRPC_ACTION)),
    Optional("httpGet", Object(HTTP_GET_ACTION)),
    Optional("initialDelaySeconds", COUNT),
    Optional("periodSeconds", COUNT),
    Optional("successThreshold", COUNT),
    Optional("tcpSocket", Object(TCP_SOCKET_ACTION)),
    Optional("terminationGracePeriodSeconds", LONG_COUNT),
    Optional("timeoutSeconds", COUNT),
];

pub(super) const LIFECYCLE: &[Field] = &[
    Optional("postStart", Object(LIFECYCLE_HANDLER)),
    Optional("preStop", Object(LIFECYCLE_HANDLER)),
    Optional("stopSignal", String),
];

pub(super) const SECURITY_CONTEXT: &[Field] = &[
    Optional("allowPrivilegeEscalation", Bool),
    Optional("appArmorProfile", Object(APP_ARMOR_PROFILE)),
    Optional("capabilities", Object(CAPABILITIES)),
    Optional("privileged", Bool),
    Optional("procMount", OneOf(&["Default", "Unmasked"])),
    Optional("readOnlyRootFilesystem", Bool),
    Optional("runAsGroup", INT64),
    Optional("runAsNonRoot", Bool),
    Optional("runAsUser", INT64),
    Optional("seLinuxOptions", Object(SE_LINUX_OPTIONS)),
    Optional("seccompProfile", Object(SECCOMP_PROFILE)),
    Optional("windowsOptions", Object(WINDOWS_SECURITY_CONTEXT_OPTIONS)),
];

pub(super) const SE_LINUX_OPTIONS: &[Field] = &[
    Optional("level", String),
    Optional("role", String),
    Optional("type", String),
    Optional("user", String),
];

pub(super) const WINDOWS_SECURITY_CONTEXT_OPTIONS: &[Field] = &[
    Optional("gmsaCredentialSpec", String),
    Optional("gmsaCredentialSpecName", String),
    Optional("hostProcess", Bool),
    Optional("runAsUserName", String),
];

pub(super) const SECCOMP_PROFILE: &[Field] = &[
    Optional("localhostProfile", String),
    Required(
        "type",
        OneOf(&["Unconfined", "RuntimeDefault", "Localhost"]),
    ),
];

pub(super) const APP_ARMOR_PROFILE: &[Field] = &[
    Optional("localhostProfile", String),
    Required(
        "type",
        OneOf(&["Unconfined", "RuntimeDefault", "Localhost"]),
    ),
];

pub(super) const RESOURCE_CLAIM: &[Field] =
    &[Required("name", String), Optional("request", String)];

pub(super) const CONFIG_MAP_ENV_SOURCE: &[Field] =
    &[Optional("name", String), Optional("optional", Bool)];

pub(super) const SECRET_ENV_SOURCE: &[Field] =
    &[Optional("name", String), Optional("optional", Bool)];

pub(super) const ENV_VAR_SOURCE: &[Field] = &[
    Optional("configMapKeyRef", Object(CONFIG_MAP_KEY_SELECTOR)),
    Optional("fieldRef", Object(OBJECT_FIELD_SELECTOR)),
    Optional("fileKeyRef", Object(FILE_KEY_SELECTOR)),
    Optional("resourceFieldRef", Object(RESOURCE_FIELD_SELECTOR)),
    Optional("secretKeyRef", Object(SECRET_KEY_SELECTOR)),
];

pub(super) const CONTAINER_RESTART_RULE_ON_EXIT_CODES: &[Field] = &[
    Optional("operator", String),
    Optional("values", List(&INT32)),
];

pub(super) const EXEC_ACTION: &[Field] = &[Optional("command", List(&String))];

pub(super) const HTTP_GET_ACTION: &[Field] = &[
    Optional("host", String),
    Optional("httpHeaders", List(&Object(HTTP_HEADER))),
    Optional("path", String),
    Required("port", IntOrString),
    Optional("protocol", String),
    Optional("scheme", OneOf(&["HTTP", "HTTPS"])),
];

pub(super) const TCP_SOCKET_ACTION: &[Field] =
    &[Optional("host", String), Required("port", IntOrString)];

pub(super) const GRPC_ACTION: &[Field] = &[
    Optional("mode", String),
    Required("port", PORT),
    Optional("service", String),
];

pub(super) const LIFECYCLE_HANDLER: &[Field] = &[
    Optional("exec", Object(EXEC_ACTION)),
    Optional("httpGet", Object(HTTP_GET_ACTION)),
    Optional("sleep", Object(SLEEP_ACTION)),
    Optional("tcpSocket", Object(TCP_SOCKET_ACTION)),
];

pub(super) const CAPABILITIES: &[Field] = &[
    Optional("add", List(&String)),
    Optional("drop", List(&String)),
];

pub(super) const CONFIG_MAP_KEY_SELECTOR: &[Field] = &[
    Required("key", String),
    Optional("name", String),
    Optional("optional", Bool),
];

pub(super) const SECRET_KEY_SELECTOR: &[Field] = &[
    Required("key", String),
    Optional("name", String),
    Optional("optional", Bool),
];

pub(super) const FILE_KEY_SELECTOR: &[Field] = &[
    Required("key", String),
    Optional("optional", Bool),
    Required("path", String),
    Required("volumeName", String),
];

pub(super) const HTTP_HEADER: &[Field] = &[Required("name", String), Optional("value", String)];

pub(super) const SLEEP_ACTION: &[Field] = &[Required("seconds", LONG_COUNT)];
