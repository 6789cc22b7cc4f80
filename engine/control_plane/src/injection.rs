//! Whether a pod gets a sidecar, and why.
//!
//! Two things must agree: the webhook's selectors (labels of namespace and pod) must send the pod to the injector, and
//! the injector must not decline it. A pod that carries a container `istio-proxy` was injected by hand.
//!
//! Source: istio/istio, pkg/kube/inject/inject.go (injectRequired),
//! manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml.

use std::collections::BTreeMap;
use std::fmt;

use manifest::pod::PodSpec;

use crate::mesh_config::{InjectionPolicy, MeshConfig};

/// Whether a pod has a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injection {
    /// It has.
    Injected(InjectedBecause),
    /// It has not.
    NotInjected(NotInjectedBecause),
}

/// Why a pod has a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InjectedBecause {
    /// It has a container `istio-proxy` already.
    Container,
    /// Its namespace is labelled `istio-injection: enabled`.
    NamespaceLabel,
    /// Its namespace is labelled with the installed revision.
    NamespaceRevision(String),
    /// It is labelled `sidecar.istio.io/inject: "true"`.
    PodLabel,
    /// It is labelled with the installed revision.
    PodRevision(String),
    /// The mesh injects wherever nothing is said (`enableNamespacesByDefault`).
    MeshDefault,
}

/// Why a pod has no sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotInjectedBecause {
    /// Neither namespace nor pod asks for one.
    NothingSaid,
    /// Its namespace is labelled `istio-injection` with this value, other than `enabled`.
    NamespaceLabel(String),
    /// Its namespace or pod belongs to this revision, which is not the installed one.
    OtherRevision(String),
    /// It is labelled `sidecar.istio.io/inject: "false"`.
    PodLabel,
    /// It is annotated `sidecar.istio.io/inject: "false"`.
    PodAnnotation,
    /// It shares its node's network.
    HostNetwork,
    /// Its namespace belongs to Kubernetes.
    SystemNamespace,
    /// Its namespace or pod is in ambient mode.
    Ambient,
    /// The injector's policy is `disabled`, and the pod does not ask.
    PolicyDisabled,
}

impl Injection {
    /// Whether there is a sidecar.
    pub const fn is_injected(&self) -> bool {
        matches!(self, Self::Injected(_))
    }
}

/// What decides about a pod's injection.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The namespace's labels.
    pub namespace_labels: &'a BTreeMap<String, String>,
    /// The pod's labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The pod's annotations.
    pub annotations: &'a BTreeMap<String, String>,
    /// The pod's containers and network.
    pub spec: &'a PodSpec,
}

/// Whether the pod gets a sidecar.
pub fn injection(pod: Candidate<'_>, mesh: &MeshConfig) -> Injection {
    let mut containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
    if containers.any(|container| container.name == "istio-proxy") {
        return Injection::Injected(InjectedBecause::Container);
    }
    let because = match webhook(pod, mesh) {
        Ok(because) => because,
        Err(because) => return Injection::NotInjected(because),
    };
    match injector(pod, mesh) {
        Some(because) => Injection::NotInjected(because),
        None => Injection::Injected(because),
    }
}

/// Whether the API server asks the injector about the pod.
fn webhook(pod: Candidate<'_>, mesh: &MeshConfig) -> Result<InjectedBecause, NotInjectedBecause> {
    let namespace = pod.namespace_labels;
    let pod_says_no = pod.labels.get(INJECT).is_some_and(|value| value == "false");
    match namespace.get(NAMESPACE_INJECTION).map(String::as_str) {
        Some("enabled") if pod_says_no => return Err(NotInjectedBecause::PodLabel),
        Some("enabled") => return Ok(InjectedBecause::NamespaceLabel),
        Some(other) => return Err(NotInjectedBecause::NamespaceLabel(other.to_owned())),
        None => {}
    }
    if let Some(revision) = namespace.get(REVISION) {
        return if !is_installed(revision, mesh) {
            Err(NotInjectedBecause::OtherRevision(revision.clone()))
        } else if pod_says_no {
            Err(NotInjectedBecause::PodLabel)
        } else {
            Ok(InjectedBecause::NamespaceRevision(revision.clone()))
        };
    }
    if pod_says_no {
        return Err(NotInjectedBecause::PodLabel);
    }
    if let Some(revision) = pod.labels.get(REVISION) {
        return if is_installed(revision, mesh) {
            Ok(InjectedBecause::PodRevision(revision.clone()))
        } else {
            Err(NotInjectedBecause::OtherRevision(revision.clone()))
        };
    }
    if pod.labels.get(INJECT).is_some_and(|value| value == "true") {
        return Ok(InjectedBecause::PodLabel);
    }
    let is_ambient =
        |labels: &BTreeMap<String, String>| labels.get(DATAPLANE).is_some_and(|v| v == "ambient");
    if is_ambient(namespace) || is_ambient(pod.labels) {
        return Err(NotInjectedBecause::Ambient);
    }
    if mesh.enable_namespaces_by_default && !pod.labels.contains_key(INJECT) {
        return if SYSTEM_NAMESPACES.contains(&pod.namespace) {
            Err(NotInjectedBecause::SystemNamespace)
        } else {
            Ok(InjectedBecause::MeshDefault)
        };
    }
    Err(NotInjectedBecause::NothingSaid)
}

/// Why the injector declines a pod that it is asked about.
fn injector(pod: Candidate<'_>, mesh: &MeshConfig) -> Option<NotInjectedBecause> {
    if pod.spec.host_network {
        return Some(NotInjectedBecause::HostNetwork);
    }
    if SYSTEM_NAMESPACES.contains(&pod.namespace) {
        return Some(NotInjectedBecause::SystemNamespace);
    }
    let (said, declined) = match (pod.labels.get(INJECT), pod.annotations.get(INJECT)) {
        (Some(label), _) => (label.as_str(), NotInjectedBecause::PodLabel),
        (None, Some(annotation)) => (annotation.as_str(), NotInjectedBecause::PodAnnotation),
        (None, None) => ("", NotInjectedBecause::PolicyDisabled),
    };
    match said {
        "true" => None,
        "false" => Some(declined),
        _ => (mesh.injection_policy == InjectionPolicy::Disabled)
            .then_some(NotInjectedBecause::PolicyDisabled),
    }
}

fn is_installed(revision: &str, mesh: &MeshConfig) -> bool {
    revision == "default" || revision == mesh.revision
}

impl fmt::Display for Injection {
    /// The reason as a clause: `its namespace is labelled ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Injected(because) => because.fmt(f),
            Self::NotInjected(because) => because.fmt(f),
        }
    }
}

impl fmt::Display for InjectedBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container => f.write_str("it has a container `istio-proxy`"),
            Self::NamespaceLabel => {
                f.write_str("its namespace is labelled `istio-injection: enabled`")
            }
            Self::NamespaceRevision(revision) => {
                write!(f, "its namespace is labelled `istio.io/rev: {revision}`")
            }
            Self::PodLabel => f.write_str("it is labelled `sidecar.istio.io/inject: \"true\"`"),
            Self::PodRevision(revision) => write!(f, "it is labelled `istio.io/rev: {revision}`"),
            Self::MeshDefault => f.write_str("the mesh sets `enableNamespacesByDefault`"),
        }
    }
}

impl fmt::Display for NotInjectedBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingSaid => {
                f.write_str("neither its namespace nor its pod template asks for one")
            }
            Self::NamespaceLabel(value) => {
                write!(f, "its namespace is labelled `istio-injection: {value}`")
            }
            Self::OtherRevision(revision) => write!(
                f,
                "`istio.io/rev: {revision}` is not the installed revision"
            ),
            Self::PodLabel => f.write_str("it is labelled `sidecar.istio.io/inject: \"false\"`"),
            Self::PodAnnotation => {
                f.write_str("it is annotated `sidecar.istio.io/inject: \"false\"`")
            }
            Self::HostNetwork => f.write_str("it shares its node's network (`hostNetwork: true`)"),
            Self::SystemNamespace => f.write_str("its namespace belongs to Kubernetes"),
            Self::Ambient => f.write_str("`istio.io/dataplane-mode: ambient` uses no sidecars"),
            Self::PolicyDisabled => f.write_str("the injector's policy is `disabled`"),
        }
    }
}

/// The namespace's label.
pub(crate) const NAMESPACE_INJECTION: &str = "istio-injection";
/// The label of a revision, on namespaces and pods.
pub(crate) const REVISION: &str = "istio.io/rev";
/// The pod's label and annotation.
pub(crate) const INJECT: &str = "sidecar.istio.io/inject";
/// The label of ambient mode.
pub(crate) const DATAPLANE: &str = "istio.io/dataplane-mode";

const SYSTEM_NAMESPACES: [&str; 4] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "local-path-storage",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> BTreeMap<String, String> {
        text.split_whitespace()
            .map(|pair| {
                let (key, value) = pair.split_once('=').expect("key=value");
                (key.to_owned(), value.to_owned())
            })
            .collect()
    }

    fn check(namespace: &str, pod: &str, annotations: &str, expected: Injection) {
        check_in("default", namespace, pod, annotations, false, expected);
    }

    fn check_in(
        name: &str,
        namespace: &str,
        pod: &str,
        annotations: &str,
        host_network: bool,
        expected: Injection,
    ) {
        let spec = PodSpec {
            host_network,
            ..PodSpec::default()
        };
        let verdict = injection(
            Candidate {
                namespace: name,
                namespace_labels: &labels(namespace),
                labels: &labels(pod),
                annotations: &labels(annotations),
                spec: &spec,
            },
            &MeshConfig {
                revision: "stable".into(),
                ..MeshConfig::default()
            },
        );
        assert_eq!(
            verdict, expected,
            "{name} [{namespace}] [{pod}] [{annotations}]"
        );
    }

    #[test]
    fn namespace_and_pod_must_agree() {
        use InjectedBecause as Yes;
        use Injection::{Injected, NotInjected};
        use NotInjectedBecause as No;
        let (enabled, inject) = ("istio-injection=enabled", "sidecar.istio.io/inject");
        let no = format!("{inject}=false");
        let yes = format!("{inject}=true");
        check(enabled, "", "", Injected(Yes::NamespaceLabel));
        check(enabled, &no, "", NotInjected(No::PodLabel));
        check(enabled, "", &no, NotInjected(No::PodAnnotation));
        check(enabled, &yes, &no, Injected(Yes::NamespaceLabel));
        check("", "", "", NotInjected(No::NothingSaid));
        check("", &yes, "", Injected(Yes::PodLabel));
        check("", "", &yes, NotInjected(No::NothingSaid));
        check("", &no, "", NotInjected(No::PodLabel));
        check(
            "istio.io/rev=stable",
            "",
            "",
            Injected(Yes::NamespaceRevision("stable".into())),
        );
        check(
            "istio.io/rev=canary",
            &yes,
            "",
            NotInjected(No::OtherRevision("canary".into())),
        );
        check(
            "",
            "istio.io/rev=default",
            "",
            Injected(Yes::PodRevision("default".into())),
        );
        check(
            "istio.io/dataplane-mode=ambient",
            "",
            "",
            NotInjected(No::Ambient),
        );
        check_in(
            "default",
            enabled,
            "",
            "",
            true,
            NotInjected(No::HostNetwork),
        );
        check_in(
            "kube-system",
            enabled,
            "",
            "",
            false,
            NotInjected(No::SystemNamespace),
        );
    }

    #[test]
    fn gotcha_110_a_pod_label_does_not_help_in_a_disabled_namespace() {
        check(
            "istio-injection=disabled",
            "sidecar.istio.io/inject=true",
            "",
            Injection::NotInjected(NotInjectedBecause::NamespaceLabel("disabled".into())),
        );
    }

    #[test]
    fn gotcha_111_the_namespace_label_wins_over_a_revision() {
        check(
            "istio-injection=enabled istio.io/rev=canary",
            "",
            "",
            Injection::Injected(InjectedBecause::NamespaceLabel),
        );
    }
}
