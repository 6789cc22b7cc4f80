//! Argo's Rollout: a workload whose new pods take the place of old ones step by step.
//!
//! Source: argoproj/argo-rollouts, pkg/apis/rollouts/v1alpha1/types.go; docs/features/specification.md. What an object may
//! say and nothing here reads is kept with its place, so that whoever plays it can say so.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::int_or_string::IntOrString;
use crate::kind::{Format, Kind};
use crate::metadata::LabelSelector;
use crate::pod::PodTemplateSpec;
use crate::resource::{Resource, Resources};
use crate::schema;
use crate::span::Spanned;
use crate::string_match::StringMatch;
use crate::unread::Unread;
use crate::workload::{WorkloadStatus, check_pods};
use crate::yaml::path::Path;

/// A Rollout.
pub type Rollout = Resource<RolloutSpec, WorkloadStatus>;

/// `spec` of a Rollout.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutSpec {
    /// How many pods; one if not written.
    pub replicas: Option<Spanned<u32>>,
    /// Which pods are its own.
    pub selector: LabelSelector,
    /// The pods it makes.
    pub template: Option<PodTemplateSpec>,
    /// Another workload whose template it has.
    pub workload_ref: Option<Spanned<WorkloadReference>>,
    /// Seconds that a pod must be ready before it counts.
    pub min_ready_seconds: u32,
    /// Whether it stands still.
    pub paused: Option<Spanned<bool>>,
    /// For how long nothing may happen; 600 if not written.
    pub progress_deadline_seconds: Option<u32>,
    /// Whether it is aborted then.
    pub progress_deadline_abort: bool,
    /// When all pods are to be made anew.
    pub restart_at: Unread,
    /// How many templates back steps are skipped.
    pub rollback_window: Unread,
    /// How new pods take the place of old ones.
    pub strategy: RolloutStrategy,
}

/// A workload whose template another one has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadReference {
    /// Its API version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// When it loses its own pods: `never` (if not written), `onsuccess` or `progressively`.
    pub scale_down: String,
}

/// How new pods take the place of old ones: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStrategy {
    /// Step by step.
    pub canary: Option<Spanned<RolloutCanary>>,
    /// All at once.
    pub blue_green: Option<Spanned<RolloutBlueGreen>>,
}

/// Step by step.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutCanary {
    /// The Service that selects the new pods.
    pub canary_service: Option<Spanned<String>>,
    /// The Service that selects the stable pods.
    pub stable_service: Option<Spanned<String>>,
    /// One after the other.
    pub steps: Vec<Spanned<RolloutStep>>,
    /// Who shares traffic; none: the number of pods does.
    pub traffic_routing: Option<Spanned<RolloutTrafficRouting>>,
    /// What is analysed meanwhile.
    pub analysis: Option<Spanned<RolloutAnalysis>>,
    /// How many pods may be missing, as a number or per cent; 25 % if not written.
    pub max_unavailable: Option<IntOrString>,
    /// How many there may be in addition, as a number or per cent; 25 % if not written.
    pub max_surge: Option<IntOrString>,
    /// Seconds for which old pods stay; 30 if not written.
    pub scale_down_delay_seconds: Option<u32>,
    /// Of how many old templates pods may stay at once.
    pub scale_down_delay_revision_limit: Option<u32>,
    /// Seconds for which pods of an aborted one stay; 30 if not written, 0 for ever.
    pub abort_scale_down_delay_seconds: Option<u32>,
    /// Whether stable pods go as new ones come.
    pub dynamic_stable_scale: bool,
    /// The least number of pods of each template.
    pub min_pods_per_replica_set: Option<u32>,
    /// Labels of new pods while they are canaries.
    pub canary_metadata: Unread,
    /// Labels of stable pods.
    pub stable_metadata: Unread,
    /// Whether old and new pods may share nodes.
    pub anti_affinity: Unread,
    /// Two Services that change their parts.
    pub ping_pong: Unread,
}

/// All at once.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutBlueGreen {
    /// The Service that selects the pods that have the traffic.
    pub active_service: Option<Spanned<String>>,
    /// The Service that selects the newest pods.
    pub preview_service: Option<Spanned<String>>,
    /// How many new pods there are before the promotion.
    pub preview_replica_count: Option<u32>,
    /// Whether it is promoted by itself; so it is if not written.
    pub auto_promotion_enabled: Option<bool>,
    /// Seconds until it is promoted by itself.
    pub auto_promotion_seconds: u32,
    /// What is analysed before the promotion.
    pub pre_promotion_analysis: Option<Spanned<RolloutAnalysis>>,
    /// What is analysed after it.
    pub post_promotion_analysis: Option<Spanned<RolloutAnalysis>>,
    /// Seconds for which old pods stay; 30 if not written.
    pub scale_down_delay_seconds: Option<u32>,
    /// Of how many old templates pods may stay at once.
    pub scale_down_delay_revision_limit: Option<u32>,
    /// Seconds for which pods of an aborted one stay; 30 if not written, 0 for ever.
    pub abort_scale_down_delay_seconds: Option<u32>,
    /// How many pods may be missing while they are made anew.
    pub max_unavailable: Unread,
    /// Labels of pods that have the traffic.
    pub active_metadata: Unread,
    /// Labels of pods that have none yet.
    pub preview_metadata: Unread,
    /// Whether old and new pods may share nodes.
    pub anti_affinity: Unread,
}

/// A step: one of these.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStep {
    /// The canary gets a share of traffic, in per cent.
    pub set_weight: Option<u32>,
    /// It waits.
    pub pause: Option<RolloutPause>,
    /// The canary gets another number of pods.
    pub set_canary_scale: Option<Spanned<SetCanaryScale>>,
    /// It waits for an analysis.
    pub analysis: Option<Spanned<RolloutAnalysis>>,
    /// Requests with some headers go to the canary.
    pub set_header_route: Option<Spanned<SetHeaderRoute>>,
    /// The canary gets copies.
    pub set_mirror_route: Option<Spanned<SetMirrorRoute>>,
    /// It waits for an Experiment.
    pub experiment: Unread,
    /// It waits for a plugin.
    pub plugin: Unread,
}

/// For how long it waits.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RolloutPause {
    /// Seconds, or a duration; until it is promoted if not written.
    pub duration: Option<Spanned<IntOrString>>,
}

/// How many pods the canary gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetCanaryScale {
    /// So many.
    pub replicas: Option<u32>,
    /// As if it had this share of traffic, in per cent.
    pub weight: Option<u32>,
    /// As its share is.
    pub match_traffic_weight: bool,
}

/// Requests with some headers go to the canary.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SetHeaderRoute {
    /// The managed route that comes, or goes if it matches nothing.
    pub name: String,
    /// All of these headers.
    #[serde(rename = "match")]
    pub matches: Vec<HeaderRouteMatch>,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderRouteMatch {
    /// Its name.
    pub header_name: String,
    /// Its value.
    pub header_value: Option<StringMatch>,
}

/// The canary gets copies.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SetMirrorRoute {
    /// The managed route that comes, or goes if it matches nothing.
    pub name: String,
    /// Of any of these requests.
    #[serde(rename = "match")]
    pub matches: Vec<RouteMatch>,
    /// How many of them are copied, in per cent; all if not written.
    pub percentage: Option<u32>,
}

/// Requests that are alike.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RouteMatch {
    /// Their method.
    pub method: Option<StringMatch>,
    /// Their path.
    pub path: Option<StringMatch>,
    /// Their headers.
    pub headers: BTreeMap<String, StringMatch>,
}

/// Who shares traffic.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutTrafficRouting {
    /// Istio.
    pub istio: Option<IstioTrafficRouting>,
    /// The routes that steps make, in order.
    pub managed_routes: Vec<ManagedRoute>,
    /// What all shares make together.
    pub max_traffic_weight: Unread,
    /// NGINX.
    pub nginx: Unread,
    /// Load balancers of AWS.
    pub alb: Unread,
    /// The Service Mesh Interface.
    pub smi: Unread,
    /// Ambassador.
    pub ambassador: Unread,
    /// App Mesh.
    pub app_mesh: Unread,
    /// Traefik.
    pub traefik: Unread,
    /// Apache APISIX.
    pub apisix: Unread,
    /// Plugins, such as that of the Gateway API.
    pub plugins: Unread,
}

/// A route that steps make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ManagedRoute {
    /// Its name.
    pub name: String,
}

/// The objects of Istio that share traffic.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioTrafficRouting {
    /// A VirtualService.
    pub virtual_service: Option<Spanned<IstioVirtualService>>,
    /// VirtualServices.
    pub virtual_services: Vec<Spanned<IstioVirtualService>>,
    /// A DestinationRule with a subset for each template.
    pub destination_rule: Option<Spanned<IstioDestinationRule>>,
}

/// A VirtualService, and which of its routes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioVirtualService {
    /// Its name, possibly with its namespace behind a dot.
    pub name: String,
    /// Names of its HTTP routes; not needed if there is one.
    pub routes: Vec<Spanned<String>>,
    /// Its routes for TLS.
    pub tls_routes: Unread,
    /// Its routes for TCP.
    pub tcp_routes: Unread,
}

/// A DestinationRule with a subset for each template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioDestinationRule {
    /// Its name.
    pub name: String,
    /// The subset of new pods.
    pub canary_subset_name: String,
    /// The subset of stable pods.
    pub stable_subset_name: String,
}

/// What is analysed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutAnalysis {
    /// What is measured.
    pub templates: Vec<Spanned<AnalysisTemplateReference>>,
    /// What stands for the arguments of templates.
    pub args: Vec<Spanned<AnalysisArgument>>,
    /// The step from which on, of one that goes on in the background.
    pub starting_step: u32,
    /// Metrics that decide nothing.
    pub dry_run: Vec<Spanned<DryRun>>,
}

/// An AnalysisTemplate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisTemplateReference {
    /// Its name.
    pub template_name: String,
    /// Whether it is a ClusterAnalysisTemplate.
    pub cluster_scope: bool,
}

/// What stands for an argument.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisArgument {
    /// The argument.
    pub name: String,
    /// A text.
    pub value: Option<String>,
    /// Where the text is found.
    pub value_from: Option<AnalysisArgumentSource>,
}

/// Where the text for an argument is found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisArgumentSource {
    /// The hash of a template: `Stable` or `Latest`.
    pub pod_template_hash_value: Option<String>,
    /// A field of the Rollout.
    pub field_ref: Option<FieldReference>,
    /// A Secret.
    pub secret_key_ref: Unread,
}

/// A field of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldReference {
    /// Its path.
    pub field_path: String,
}

/// Metrics that decide nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DryRun {
    /// A regular expression that part of their name meets.
    pub metric_name: String,
}

impl RolloutSpec {
    /// How many pods it makes.
    pub fn replica_count(&self) -> u32 {
        self.replicas.as_ref().map_or(1, |replicas| replicas.value)
    }
}

impl Kind for RolloutSpec {
    type Status = WorkloadStatus;
    const KIND: &'static str = "Rollout";
    const API_VERSIONS: &'static [&'static str] = &["argoproj.io/v1alpha1"];
    const FORMAT: Format = Format::Native {
        spec: &schema::ROLLOUT,
        required: true,
    };

    fn resources(all: &mut Resources) -> &mut Vec<Rollout> {
        &mut all.rollouts
    }

    /// Source: argoproj/argo-rollouts, pkg/apis/rollouts/validation/validation.go.
    fn check(object: &Rollout, check: &mut Check<'_, '_>) {
        let path = Path::Root.key("spec");
        check.exclusive(&path, ["template", "workloadRef"]);
        match (&object.spec.template, &object.spec.workload_ref) {
            (Some(template), None) => check_pods(&object.spec.selector, template, check),
            (None, None) => check.missing(&path.key("template")),
            (_, Some(_)) => {}
        }
        let strategy = path.key("strategy");
        check.exclusive(&strategy, ["canary", "blueGreen"]);
        let written = &object.spec.strategy;
        let has_none = written.canary.is_none() && written.blue_green.is_none();
        if has_none && check.is_written(&strategy) {
            check.missing(&strategy.key("canary"));
        }
        let steps = strategy.key("canary");
        let steps = steps.key("steps");
        for (place, step) in written.canary.iter().flat_map(|one| &one.steps).enumerate() {
            check_step(step, &Path::Index(&steps, place), check);
        }
    }
}

fn check_step(step: &RolloutStep, path: &Path<'_>, check: &mut Check<'_, '_>) {
    let written = [
        step.set_weight.is_some(),
        step.pause.is_some(),
        step.set_canary_scale.is_some(),
        step.analysis.is_some(),
        step.set_header_route.is_some(),
        step.set_mirror_route.is_some(),
        step.experiment.is_some(),
        step.plugin.is_some(),
    ];
    if written.into_iter().filter(|is_written| *is_written).count() != 1 {
        let message = "a step has exactly one of `setWeight`, `pause`, `setCanaryScale`, `analysis`, `setHeaderRoute`, \
                       `setMirrorRoute`, `experiment` and `plugin`";
        check.invalid(path, message);
    }
    let is_beyond = |percentage: Option<u32>| percentage.is_some_and(|written| written > 100);
    let range = "must be between 0 and 100";
    if is_beyond(step.set_weight) {
        check.invalid(&path.key("setWeight"), range);
    }
    if step
        .set_canary_scale
        .as_ref()
        .is_some_and(|scale| is_beyond(scale.weight))
    {
        check.invalid(&path.key("setCanaryScale").key("weight"), range);
    }
    if step
        .set_mirror_route
        .as_ref()
        .is_some_and(|route| is_beyond(route.percentage))
    {
        check.invalid(&path.key("setMirrorRoute").key("percentage"), range);
    }
}
