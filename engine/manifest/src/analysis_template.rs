//! Argo's AnalysisTemplate: what is measured of a new version, and what of it is good enough.
//!
//! Source: argoproj/argo-rollouts, pkg/apis/rollouts/v1alpha1/analysis_types.go; docs/features/analysis.md. Texts may hold
//! `{{args.<name>}}`, so they are kept as they stand.

use serde::Deserialize;

use crate::int_or_string::IntOrString;
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::rollout::{AnalysisArgument, AnalysisTemplateReference, DryRun};
use crate::span::Spanned;
use crate::unread::Unread;

/// An AnalysisTemplate.
pub type AnalysisTemplate = Resource<AnalysisTemplateSpec>;
/// A ClusterAnalysisTemplate, the same for all namespaces.
pub type ClusterAnalysisTemplate = Resource<ClusterAnalysisTemplateSpec>;

/// `spec` of an AnalysisTemplate.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisTemplateSpec {
    /// What is measured.
    pub metrics: Vec<Spanned<AnalysisMetric>>,
    /// Its arguments, possibly with what stands for them.
    pub args: Vec<Spanned<AnalysisArgument>>,
    /// Other templates that are part of it.
    pub templates: Vec<Spanned<AnalysisTemplateReference>>,
    /// Metrics that decide nothing.
    pub dry_run: Vec<Spanned<DryRun>>,
    /// How many measurements are kept.
    pub measurement_retention: Unread,
}

/// `spec` of a ClusterAnalysisTemplate.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct ClusterAnalysisTemplateSpec(pub AnalysisTemplateSpec);

/// Something that is measured.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisMetric {
    /// Its name.
    pub name: String,
    /// From one measurement to the next; there is one only if not written.
    pub interval: Option<Spanned<String>>,
    /// From the start to the first.
    pub initial_delay: Option<Spanned<String>>,
    /// How many measurements.
    pub count: Option<Spanned<IntOrString>>,
    /// What a good measurement meets.
    pub success_condition: Option<Spanned<String>>,
    /// What a bad one meets.
    pub failure_condition: Option<Spanned<String>>,
    /// How many bad ones are allowed; none if not written.
    pub failure_limit: Option<Spanned<IntOrString>>,
    /// How many that are neither good nor bad are allowed; none if not written.
    pub inconclusive_limit: Option<Spanned<IntOrString>>,
    /// How many may go wrong in a row; 4 if not written.
    pub consecutive_error_limit: Option<Spanned<IntOrString>>,
    /// How many good ones in a row are enough.
    pub consecutive_success_limit: Unread,
    /// Who is asked.
    pub provider: Spanned<MetricProvider>,
}

/// Who is asked: one of these.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricProvider {
    /// Prometheus.
    pub prometheus: Option<PrometheusMetric>,
    /// Kayenta.
    pub kayenta: Unread,
    /// A web service.
    pub web: Unread,
    /// Datadog.
    pub datadog: Unread,
    /// Wavefront.
    pub wavefront: Unread,
    /// New Relic.
    pub new_relic: Unread,
    /// A Job.
    pub job: Unread,
    /// CloudWatch.
    pub cloud_watch: Unread,
    /// Graphite.
    pub graphite: Unread,
    /// InfluxDB.
    pub influxdb: Unread,
    /// SkyWalking.
    pub skywalking: Unread,
    /// A plugin.
    pub plugin: Unread,
}

/// What Prometheus is asked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrometheusMetric {
    /// Where it is.
    pub address: Unread,
    /// The query.
    pub query: Option<Spanned<String>>,
    /// For how long it may think.
    pub timeout: Unread,
    /// Whether certificates count.
    pub insecure: Unread,
    /// What it is told.
    pub headers: Unread,
    /// Who asks.
    pub authentication: Unread,
    /// Values over a time, not at a time.
    pub range_query: Unread,
}

impl Default for Spanned<MetricProvider> {
    fn default() -> Self {
        Self::new(
            MetricProvider::default(),
            base::Location::start_of("(unknown)"),
        )
    }
}

impl Kind for AnalysisTemplateSpec {
    type Status = ();
    const KIND: &'static str = "AnalysisTemplate";
    const API_VERSIONS: &'static [&'static str] = &["argoproj.io/v1alpha1"];
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<AnalysisTemplate> {
        &mut all.analysis_templates
    }
}

impl Kind for ClusterAnalysisTemplateSpec {
    type Status = ();
    const KIND: &'static str = "ClusterAnalysisTemplate";
    const API_VERSIONS: &'static [&'static str] = &["argoproj.io/v1alpha1"];
    const NAMESPACED: bool = false;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<ClusterAnalysisTemplate> {
        &mut all.cluster_analysis_templates
    }
}
