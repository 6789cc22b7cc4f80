//! Deployment, ReplicaSet and StatefulSet: what makes pods.

use serde::Deserialize;

use crate::int_or_string::IntOrString;
use crate::metadata::LabelSelector;
use crate::pod::PodTemplateSpec;
use crate::resource::Resource;
use crate::span::Spanned;

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

fn replica_count(replicas: Option<&Spanned<u32>>) -> u32 {
    replicas.map_or(1, |replicas| replicas.value)
}
