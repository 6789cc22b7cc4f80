//! Flagger's Canary: how a workload's new version gets its traffic step by step, and what stops it.
//!
//! Source: fluxcd/flagger, artifacts/flagger/crd.yaml and pkg/apis/flagger/v1beta1/canary.go. What an object may say and
//! nothing here reads is kept with its place, so that whoever plays it can say so.

use std::collections::BTreeMap;

use base::SimDuration;
use serde::Deserialize;

use crate::cors::CorsPolicy;
use crate::header_operations::Headers;
use crate::int_or_string::IntOrString;
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::retry::HttpRetry;
use crate::rewrite::HttpRewrite;
use crate::span::Spanned;
use crate::timeout;
use crate::traffic_policy::TrafficPolicy;
use crate::unread::Unread;
use crate::virtual_service::HttpMatchRequest;

/// A Canary.
pub type Canary = Resource<CanarySpec>;

/// `spec` of a Canary.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanarySpec {
    /// `istio`, or another mesh or ingress; Flagger's own setting if not written.
    pub provider: Option<Spanned<String>>,
    /// Where Prometheus is.
    pub metrics_server: Option<String>,
    /// What is delivered.
    pub target_ref: Spanned<CrossReference>,
    /// What scales it.
    pub autoscaler_ref: Option<Spanned<CrossReference>>,
    /// The Ingress of NGINX.
    pub ingress_ref: Unread,
    /// The route of Apache APISIX or Traefik.
    pub route_ref: Unread,
    /// The upstream of Gloo.
    pub upstream_ref: Unread,
    /// The Services and routes that it makes.
    pub service: CanaryService,
    /// What is asked of each step; none: nothing.
    pub analysis: Option<CanaryAnalysis>,
    /// For how long the workload may fail to become ready; 600 if not written.
    pub progress_deadline_seconds: Option<u32>,
    /// Whether new versions are promoted at once.
    #[serde(default)]
    pub skip_analysis: bool,
    /// Whether its end undoes what it made.
    pub revert_on_deletion: Option<bool>,
    /// Whether it does nothing.
    #[serde(default)]
    pub suspend: bool,
}

/// An object, possibly of another namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrossReference {
    /// Its API version.
    #[serde(default)]
    pub api_version: String,
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    #[serde(default)]
    pub namespace: String,
    /// Queries of an autoscaler for the primary.
    pub primary_scaler_queries: Unread,
    /// Limits of an autoscaler for the primary.
    pub primary_scaler_replicas: Unread,
}

/// The Services and routes that a Canary makes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryService {
    /// The Service's name; that of the target if not written.
    pub name: Option<String>,
    /// Its port.
    pub port: u16,
    /// The port's name; `http` if not written.
    pub port_name: Option<String>,
    /// The container's port; the same number if not written.
    pub target_port: Option<IntOrString>,
    /// The port's protocol.
    pub app_protocol: Option<Spanned<String>>,
    /// Whether all other ports of containers become ports of the Services.
    pub port_discovery: Option<Spanned<bool>>,
    /// Whether the Services have no address.
    pub headless: Option<Spanned<bool>>,
    /// Gateways of the VirtualService.
    #[serde(default)]
    pub gateways: Vec<Spanned<String>>,
    /// Hosts of the VirtualService, beside the Service.
    #[serde(default)]
    pub hosts: Vec<Spanned<String>>,
    /// Whether the VirtualService is a delegate of another.
    #[serde(default)]
    pub delegation: bool,
    /// What holds for both versions.
    pub traffic_policy: Option<Spanned<TrafficPolicy>>,
    /// Which requests.
    #[serde(rename = "match", default)]
    pub matches: Vec<Spanned<HttpMatchRequest>>,
    /// Changes of path and host.
    pub rewrite: Option<Spanned<HttpRewrite>>,
    /// How long a request may take.
    #[serde(default, deserialize_with = "timeout::optional_spanned")]
    pub timeout: Option<Spanned<SimDuration>>,
    /// When and how often a request is tried again.
    pub retries: Option<Spanned<HttpRetry>>,
    /// Changes of headers.
    pub headers: Option<Spanned<Headers>>,
    /// Which scripts of other origins may ask.
    pub cors_policy: Option<Spanned<CorsPolicy>>,
    /// Labels of the Service.
    pub apex: Option<CustomMetadata>,
    /// Labels of the primary's Service.
    pub primary: Option<CustomMetadata>,
    /// Labels of the canary's Service.
    pub canary: Option<CustomMetadata>,
    /// Where it is published in the Gateway API.
    pub gateway_refs: Unread,
    /// Copies in the Gateway API.
    pub mirror: Unread,
    /// The mesh of App Mesh.
    pub mesh_name: Unread,
    /// Back ends of App Mesh.
    pub backends: Unread,
    /// Policies of Kuma and others.
    pub unmanaged_metadata: Unread,
}

/// Labels and annotations of what is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct CustomMetadata {
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// What is asked of each step.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryAnalysis {
    /// From one look to the next; a minute if not written, and never below ten seconds.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub interval: Option<SimDuration>,
    /// Checks before the whole traffic moves at once.
    #[serde(default)]
    pub iterations: u32,
    /// Whether the new version first gets copies.
    #[serde(default)]
    pub mirror: bool,
    /// The share of requests that is copied, in per cent.
    #[serde(default)]
    pub mirror_weight: u32,
    /// The largest share of the new version, in per cent.
    #[serde(default)]
    pub max_weight: u32,
    /// How much its share grows at a time.
    #[serde(default)]
    pub step_weight: u32,
    /// Its shares, one after the other.
    #[serde(default)]
    pub step_weights: Vec<u32>,
    /// How much the share of the promoted version grows at a time.
    #[serde(default)]
    pub step_weight_promotion: u32,
    /// Failed checks that end it; one if not written.
    #[serde(default)]
    pub threshold: u32,
    /// The share of pods of the old version that must be ready.
    pub primary_ready_threshold: Unread,
    /// The share of pods of the new version that must be ready.
    pub canary_ready_threshold: Unread,
    /// Who is told.
    pub alerts: Unread,
    /// What is measured.
    #[serde(default)]
    pub metrics: Vec<Spanned<CanaryMetric>>,
    /// Who else is asked.
    #[serde(default)]
    pub webhooks: Vec<Spanned<CanaryWebhook>>,
    /// Requests that the new version gets in an A/B test.
    #[serde(rename = "match", default)]
    pub matches: Vec<Spanned<HttpMatchRequest>>,
    /// Whether users stay with their version.
    pub session_affinity: Unread,
}

/// A figure that each step must keep.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryMetric {
    /// `request-success-rate`, `request-duration`, or a name of its own.
    pub name: String,
    /// Over how long; a minute if not written.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub interval: Option<SimDuration>,
    /// The least, or most, that is allowed (deprecated).
    pub threshold: Option<f64>,
    /// What is allowed.
    pub threshold_range: Option<ThresholdRange>,
    /// A query of its own (deprecated).
    pub query: Unread,
    /// A MetricTemplate.
    pub template_ref: Unread,
    /// Variables of a MetricTemplate.
    pub template_variables: Unread,
}

/// What is allowed of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct ThresholdRange {
    /// The least.
    pub min: Option<f64>,
    /// The most.
    pub max: Option<f64>,
}

/// Somebody else who is asked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryWebhook {
    /// When.
    #[serde(rename = "type", default)]
    pub hook_type: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Where.
    #[serde(default)]
    pub url: String,
    /// For how long it may think.
    pub timeout: Unread,
    /// What it is told.
    pub metadata: Unread,
    /// Whether it may fail without consequence.
    pub mute_alert: Unread,
    /// How often it is asked again.
    pub retries: Unread,
    /// Whether certificates count.
    #[serde(rename = "disableTLS")]
    pub disable_tls: Unread,
}

impl Kind for CanarySpec {
    type Status = ();
    const KIND: &'static str = "Canary";
    const API_VERSIONS: &'static [&'static str] = &["flagger.app/v1beta1"];
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<Canary> {
        &mut all.canaries
    }
}
