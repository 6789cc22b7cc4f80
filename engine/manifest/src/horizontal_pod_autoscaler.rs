//! HorizontalPodAutoscaler: how many pods a workload gets by what is measured of them.

use serde::Deserialize;

use crate::check::Check;
use crate::kind::{Format, Kind};
use crate::quantity::Quantity;
use crate::resource::{Resource, Resources};
use crate::schema;
use crate::yaml::path::Path;

/// A HorizontalPodAutoscaler.
pub type HorizontalPodAutoscaler = Resource<HorizontalPodAutoscalerSpec>;

/// `spec` of a HorizontalPodAutoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HorizontalPodAutoscalerSpec {
    /// What it scales.
    pub scale_target_ref: ScaleTarget,
    /// No fewer pods; 1 if not written.
    pub min_replicas: Option<u32>,
    /// No more.
    pub max_replicas: u32,
    /// What it looks at; 80 % of the CPU that pods ask for if nothing is written.
    #[serde(default)]
    pub metrics: Vec<MetricSpec>,
    /// How it moves.
    #[serde(default)]
    pub behavior: Behavior,
    /// Per cent of the CPU that pods ask for, in version 1.
    #[serde(rename = "targetCPUUtilizationPercentage")]
    pub target_cpu_utilization_percentage: Option<u32>,
}

/// What an autoscaler scales.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ScaleTarget {
    /// `Deployment`, `StatefulSet` or `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// What an autoscaler looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct MetricSpec {
    /// `Resource`, `ContainerResource`, `Pods`, `Object` or `External`.
    #[serde(rename = "type")]
    pub metric_type: String,
    /// A resource that pods ask for.
    pub resource: Option<ResourceMetric>,
    /// A figure of each pod.
    pub pods: Option<PodsMetric>,
}

/// A resource that pods ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ResourceMetric {
    /// Its name, such as `cpu`.
    pub name: String,
    /// How much of it.
    pub target: MetricTarget,
}

/// A figure of each pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PodsMetric {
    /// Which.
    pub metric: MetricIdentifier,
    /// How much of it.
    pub target: MetricTarget,
}

/// A figure, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct MetricIdentifier {
    /// Its name.
    pub name: String,
}

/// How much there is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricTarget {
    /// Per cent of what pods ask for.
    pub average_utilization: Option<u32>,
    /// On average over pods.
    pub average_value: Option<Quantity>,
}

/// How an autoscaler moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// When it adds pods.
    pub scale_up: Option<HpaScalingRules>,
    /// When it removes pods.
    pub scale_down: Option<HpaScalingRules>,
}

/// How an autoscaler moves in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaScalingRules {
    /// Seconds of which the most cautious wish counts.
    pub stabilization_window_seconds: Option<u32>,
    /// `Max`, `Min` or `Disabled`.
    pub select_policy: Option<String>,
    /// Limits of its pace.
    #[serde(default)]
    pub policies: Vec<HpaScalingPolicy>,
    /// How far from its target a metric may be.
    pub tolerance: Option<Quantity>,
}

/// A limit of an autoscaler's pace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaScalingPolicy {
    /// `Pods` or `Percent`.
    #[serde(rename = "type")]
    pub policy_type: String,
    /// How many.
    pub value: u32,
    /// In how many seconds.
    pub period_seconds: u32,
}

impl Kind for HorizontalPodAutoscalerSpec {
    type Status = ();
    const KIND: &'static str = "HorizontalPodAutoscaler";
    const API_VERSIONS: &'static [&'static str] = &["autoscaling/v2", "autoscaling/v1"];
    const FORMAT: Format = Format::Native {
        spec: &schema::HORIZONTAL_POD_AUTOSCALER,
        required: true,
    };

    fn resources(all: &mut Resources) -> &mut Vec<HorizontalPodAutoscaler> {
        &mut all.horizontal_pod_autoscalers
    }

    /// Source: kubernetes/kubernetes, pkg/apis/autoscaling/validation/validation.go.
    fn check(object: &HorizontalPodAutoscaler, check: &mut Check<'_, '_>) {
        let path = Path::Root.key("spec");
        let most = object.spec.max_replicas;
        if let Some(least) = object.spec.min_replicas.filter(|least| *least > most) {
            let message = format!("must be at least `minReplicas`, which is {least}");
            check.invalid(&path.key("maxReplicas"), message);
        }
    }
}
