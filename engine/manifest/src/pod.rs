//! Pod: its containers, and what decides where it runs and whether it gets a sidecar.
//!
//! Here stands what matters to traffic. All other fields of core/v1 are accepted and checked (see `schema`), and not
//! kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::check::Check;
use crate::container::{Container, SecurityContext};
use crate::kind::{Format, Kind};
use crate::metadata::ObjectMeta;
use crate::names;
use crate::resource::{Resource, Resources};
use crate::schema;
use crate::span::Spanned;
use crate::unread::Unread;
use crate::yaml::path::Path;

/// A Pod.
pub type Pod = Resource<PodSpec, PodStatus>;

/// `spec` of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec {
    /// Its containers.
    pub containers: Vec<Spanned<Container>>,
    /// Containers that run before, or (with `restartPolicy: Always`) beside, the others.
    #[serde(default)]
    pub init_containers: Vec<Spanned<Container>>,
    /// Whether it shares the node's network; such pods get no sidecar.
    #[serde(default)]
    pub host_network: bool,
    /// The node it runs on, if that is decided.
    pub node_name: Option<String>,
    /// Wishes about its node and its neighbours there; they have no effect.
    pub affinity: Unread,
    /// How its like are to be spread; they have no effect.
    pub topology_spread_constraints: Unread,
    /// Labels that its node must have.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// The account it acts as.
    #[serde(default)]
    pub service_account_name: String,
    /// Its host name, if not its name.
    pub hostname: Option<String>,
    /// The headless service under which it has a DNS name.
    pub subdomain: Option<String>,
    /// Whether its containers are restarted: `Always` (if not written), `OnFailure` or `Never`.
    pub restart_policy: Option<String>,
    /// How long it may take to stop; 30 seconds if not written.
    pub termination_grace_period_seconds: Option<u64>,
    /// Whom its containers run as.
    pub security_context: Option<SecurityContext>,
}

/// `spec.template` of a workload: the pods it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PodTemplateSpec {
    /// Their labels and annotations.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// Their content.
    pub spec: PodSpec,
}

/// `status` of an exported Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    /// Where it is in its life: `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Option<String>,
    /// Its address.
    #[serde(rename = "podIP")]
    pub pod_ip: Option<String>,
    /// Its addresses.
    #[serde(rename = "podIPs", default)]
    pub pod_ips: Vec<PodIp>,
    /// Its node's address.
    #[serde(rename = "hostIP")]
    pub host_ip: Option<String>,
    /// What is true of it, such as `Ready`.
    #[serde(default)]
    pub conditions: Vec<PodCondition>,
}

/// One of a pod's addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PodIp {
    /// The address.
    #[serde(default)]
    pub ip: String,
}

/// Something that is true of a pod, or not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PodCondition {
    /// What: `Ready`, `PodScheduled` and others.
    #[serde(rename = "type")]
    pub condition_type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

impl Kind for PodSpec {
    type Status = PodStatus;
    const KIND: &'static str = "Pod";
    const API_VERSIONS: &'static [&'static str] = &["v1"];
    const FORMAT: Format = Format::Native {
        spec: &schema::POD,
        required: true,
    };

    fn resources(all: &mut Resources) -> &mut Vec<Pod> {
        &mut all.pods
    }

    fn check(pod: &Pod, check: &mut Check<'_, '_>) {
        pod.spec.check(&Path::Root.key("spec"), check);
    }
}

impl PodTemplateSpec {
    /// Notes what is wrong with the pods that a workload would make.
    pub(crate) fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.metadata(&path.key("metadata"), &self.metadata);
        self.spec.check(&path.key("spec"), check);
    }
}

impl PodSpec {
    /// Source: kubernetes/kubernetes, pkg/apis/core/validation/validation.go (ValidatePodSpec, validateContainers).
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        if self.containers.is_empty() {
            check.missing(&path.key("containers"));
        }
        let mut taken = BTreeSet::new();
        for (field, containers) in [
            ("containers", &self.containers),
            ("initContainers", &self.init_containers),
        ] {
            let path = path.key(field);
            for (index, container) in containers.iter().enumerate() {
                let path = Path::Index(&path, index);
                check.name(
                    &path.key("name"),
                    &container.name,
                    names::check_dns_label(&container.name),
                );
                if !taken.insert(container.name.as_str()) {
                    let message =
                        format!("another container is called `{}` already", container.name);
                    check.invalid(&path.key("name"), message);
                }
                check_ports(container, &path.key("ports"), check);
                check_resources(container, &path.key("resources"), check);
            }
        }
    }
}

/// Source: kubernetes/kubernetes, pkg/apis/core/validation/validation.go (ValidateContainerResourceRequirements).
fn check_resources(container: &Container, path: &Path<'_>, check: &mut Check<'_, '_>) {
    let resources = &container.resources;
    for (field, amounts) in [
        ("limits", &resources.limits),
        ("requests", &resources.requests),
    ] {
        let path = path.key(field);
        for (name, amount) in amounts {
            if amount.value() < 0.0 {
                let message = format!("`{amount}` must be greater than or equal to 0");
                check.invalid(&path.key(name), message);
            }
        }
    }
    let requests = path.key("requests");
    for (name, amount) in &resources.requests {
        let limit = resources
            .limits
            .get(name)
            .filter(|limit| limit.value() < amount.value());
        if let Some(limit) = limit {
            let message =
                format!("`{amount}` must be less than or equal to the limit, which is `{limit}`");
            check.invalid(&requests.key(name), message);
        }
    }
}

fn check_ports(container: &Container, path: &Path<'_>, check: &mut Check<'_, '_>) {
    let mut taken = BTreeSet::new();
    for (index, port) in container.ports.iter().enumerate() {
        if port.name.is_empty() {
            continue;
        }
        let path = Path::Index(path, index);
        check.name(
            &path.key("name"),
            &port.name,
            names::check_port_name(&port.name),
        );
        if !taken.insert(port.name.as_str()) {
            let message = format!(
                "another port of the container is called `{}` already",
                port.name
            );
            check.invalid(&path.key("name"), message);
        }
    }
}
