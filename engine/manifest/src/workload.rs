//! Deployment, ReplicaSet and StatefulSet: what makes pods.

use serde::Deserialize;

use crate::check::Check;
use crate::int_or_string::{IntOrString, percent};
use crate::kind::{Format, Kind};
use crate::metadata::LabelSelector;
use crate::pod::PodTemplateSpec;
use crate::resource::{Resource, Resources};
use crate::schema;
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A Deployment.
pub type Deployment = Resource<DeploymentSpec, WorkloadStatus>;
/// A ReplicaSet.
pub type ReplicaSet = Resource<ReplicaSetSpec, WorkloadStatus>;
/// A StatefulSet.
pub type StatefulSet = Resource<StatefulSetSpec, WorkloadStatus>;

/// `spec` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentSpec {
    /// How many pods; one if not written.
    pub replicas: Option<Spanned<u32>>,
    /// Which pods are its own.
    pub selector: LabelSelector,
    /// The pods it makes.
    pub template: PodTemplateSpec,
    /// How pods are replaced.
    #[serde(default)]
    pub strategy: DeploymentStrategy,
    /// Seconds that a pod must be ready before it counts.
    #[serde(default)]
    pub min_ready_seconds: u32,
    /// Whether changes wait.
    #[serde(default)]
    pub paused: bool,
}

/// How a Deployment replaces its pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStrategy {
    /// All at once or some at a time.
    #[serde(rename = "type", default)]
    pub strategy_type: DeploymentStrategyType,
    /// How many at a time.
    pub rolling_update: Option<RollingUpdate>,
}

/// Whether pods are replaced all at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum DeploymentStrategyType {
    /// Some at a time.
    #[default]
    RollingUpdate,
    /// The old ones stop before new ones start.
    Recreate,
}

/// How many pods are replaced at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpdate {
    /// How many may be missing, as a number or per cent; 25 % if not written.
    pub max_unavailable: Option<IntOrString>,
    /// How many there may be in addition, as a number or per cent; 25 % if not written.
    pub max_surge: Option<IntOrString>,
}

/// `spec` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSetSpec {
    /// How many pods; one if not written.
    pub replicas: Option<Spanned<u32>>,
    /// Which pods are its own.
    pub selector: LabelSelector,
    /// The pods it makes.
    #[serde(default)]
    pub template: PodTemplateSpec,
    /// Seconds that a pod must be ready before it counts.
    #[serde(default)]
    pub min_ready_seconds: u32,
}

/// `spec` of a StatefulSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatefulSetSpec {
    /// How many pods; one if not written.
    pub replicas: Option<Spanned<u32>>,
    /// Which pods are its own.
    pub selector: LabelSelector,
    /// The pods it makes.
    pub template: PodTemplateSpec,
    /// The headless service that names its pods.
    #[serde(default)]
    pub service_name: String,
    /// Seconds that a pod must be ready before it counts.
    #[serde(default)]
    pub min_ready_seconds: u32,
    /// The first pod's number.
    #[serde(default)]
    pub ordinals: StatefulSetOrdinals,
}

/// How the pods of a StatefulSet are numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StatefulSetOrdinals {
    /// The first pod's number.
    #[serde(default)]
    pub start: u32,
}

/// `status` of an exported workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// How many of its pods are ready.
    pub ready_replicas: Option<u32>,
}

impl DeploymentSpec {
    /// How many pods it makes.
    pub fn replica_count(&self) -> u32 {
        replica_count(self.replicas.as_ref())
    }
}

impl ReplicaSetSpec {
    /// How many pods it makes.
    pub fn replica_count(&self) -> u32 {
        replica_count(self.replicas.as_ref())
    }
}

impl StatefulSetSpec {
    /// How many pods it makes.
    pub fn replica_count(&self) -> u32 {
        replica_count(self.replicas.as_ref())
    }
}

impl DeploymentStrategy {
    /// Source: kubernetes/kubernetes, pkg/apis/apps/validation/validation.go (ValidateDeploymentStrategy,
    /// ValidateRollingUpdateDeployment).
    fn check(&self, check: &mut Check<'_, '_>) {
        let Some(rolling) = &self.rolling_update else {
            return;
        };
        let path = Path::Root.key("spec");
        let path = path.key("strategy");
        let path = path.key("rollingUpdate");
        if self.strategy_type == DeploymentStrategyType::Recreate {
            check.invalid(&path, "must not be given where `type` is `Recreate`");
            return;
        }
        let unavailable = ("maxUnavailable", &rolling.max_unavailable, 100);
        let surge = ("maxSurge", &rolling.max_surge, u32::MAX);
        for (name, value, most) in [unavailable, surge] {
            let is_good = match value {
                None => true,
                Some(IntOrString::Int(number)) => *number >= 0,
                Some(IntOrString::String(text)) => percent(text).is_some_and(|share| share <= most),
            };
            if !is_good {
                let beyond = match most {
                    100 => " up to `100%`",
                    _ => "",
                };
                let message = format!(
                    "must be a number of pods, zero or more, or a percentage{beyond}, as in `25%`"
                );
                check.invalid(&path.key(name), message);
            }
        }
        let is_zero =
            |value: &Option<IntOrString>| value.as_ref().is_some_and(IntOrString::is_zero);
        if is_zero(&rolling.max_unavailable) && is_zero(&rolling.max_surge) {
            let message = "must not be 0 where `maxSurge` is 0: no pod could ever be replaced";
            check.invalid(&path.key("maxUnavailable"), message);
        }
    }
}

fn replica_count(replicas: Option<&Spanned<u32>>) -> u32 {
    replicas.map_or(1, |replicas| replicas.value)
}

impl Kind for DeploymentSpec {
    type Status = WorkloadStatus;
    const KIND: &'static str = "Deployment";
    const API_VERSIONS: &'static [&'static str] = &["apps/v1"];
    const FORMAT: Format = Format::Native {
        spec: &schema::DEPLOYMENT,
        required: true,
    };

    fn resources(all: &mut Resources) -> &mut Vec<Deployment> {
        &mut all.deployments
    }

    fn check(object: &Deployment, check: &mut Check<'_, '_>) {
        check_pods(&object.spec.selector, &object.spec.template, check);
        object.spec.strategy.check(check);
    }
}

impl Kind for ReplicaSetSpec {
    type Status = WorkloadStatus;
    const KIND: &'static str = "ReplicaSet";
    const API_VERSIONS: &'static [&'static str] = &["apps/v1"];
    const FORMAT: Format = Format::Native {
        spec: &schema::REPLICA_SET,
        required: true,
    };

    fn resources(all: &mut Resources) -> &mut Vec<ReplicaSet> {
        &mut all.replica_sets
    }

    fn check(object: &ReplicaSet, check: &mut Check<'_, '_>) {
        check_pods(&object.spec.selector, &object.spec.template, check);
    }
}

impl Kind for StatefulSetSpec {
    type Status = WorkloadStatus;
    const KIND: &'static str = "StatefulSet";
    const API_VERSIONS: &'static [&'static str] = &["apps/v1"];
    const FORMAT: Format = Format::Native {
        spec: &schema::STATEFUL_SET,
        required: true,
    };

    fn resources(all: &mut Resources) -> &mut Vec<StatefulSet> {
        &mut all.stateful_sets
    }

    fn check(object: &StatefulSet, check: &mut Check<'_, '_>) {
        check_pods(&object.spec.selector, &object.spec.template, check);
    }
}

/// Source: kubernetes/kubernetes, pkg/apis/apps/validation/validation.go.
pub(crate) fn check_pods(
    selector: &LabelSelector,
    template: &PodTemplateSpec,
    check: &mut Check<'_, '_>,
) {
    let path = Path::Root.key("spec");
    check.selector(&path.key("selector"), selector, &template.metadata.labels);
    let template_path = path.key("template");
    template.check(&template_path, check);
    let spec = template_path.key("spec");
    if let Some(policy) = template.spec.restart_policy.as_deref()
        && policy != "Always"
    {
        let message =
            format!("unsupported value \"{policy}\": the pods of a workload are always restarted");
        check.invalid(&spec.key("restartPolicy"), message);
    }
}
