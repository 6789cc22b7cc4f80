//! The kinds that are read, and which of their neighbours are known by name.
//!
//! A kind is added by a file with its type and its `impl Kind`, a field in [`Resources`] and a line in [`KINDS`].

use serde::de::DeserializeOwned;

use crate::analysis_template::{AnalysisTemplateSpec, ClusterAnalysisTemplateSpec};
use crate::canary::CanarySpec;
use crate::change;
use crate::check::Check;
use crate::cluster_node::ClusterNodeSpec;
use crate::config_map::ConfigMapData;
use crate::destination_rule::DestinationRuleSpec;
use crate::document::{self, Collector};
use crate::endpoint_slice::EndpointSliceData;
use crate::endpoints::EndpointsData;
use crate::fields;
use crate::gateway::GatewaySpec;
use crate::gateway_api;
use crate::horizontal_pod_autoscaler::HorizontalPodAutoscalerSpec;
use crate::names::NameRule;
use crate::namespace::NamespaceSpec;
use crate::object::Object;
use crate::peer_authentication::PeerAuthenticationSpec;
use crate::pod::PodSpec;
use crate::pod_disruption_budget::PodDisruptionBudgetSpec;
use crate::request_authentication::RequestAuthenticationSpec;
use crate::resource::{Resource, Resources};
use crate::rollout::RolloutSpec;
use crate::schema::Schema;
use crate::service::ServiceSpec;
use crate::service_entry::ServiceEntrySpec;
use crate::sidecar::SidecarSpec;
use crate::virtual_service::VirtualServiceSpec;
use crate::workload::{DeploymentSpec, ReplicaSetSpec, StatefulSetSpec};
use crate::workload_entry::WorkloadEntrySpec;
use crate::workload_group::WorkloadGroupSpec;
use crate::yaml::problem::suggestion;

/// The `spec` of a kind that is read.
pub(crate) trait Kind: DeserializeOwned {
    /// Its `status`, as far as it is read.
    type Status: DeserializeOwned + Default;
    /// The kind's name.
    const KIND: &'static str;
    /// The API versions that have it, the preferred one first.
    const API_VERSIONS: &'static [&'static str];
    /// Whether its objects live in a namespace.
    const NAMESPACED: bool = true;
    /// What its names must be.
    const NAME: NameRule = NameRule::Subdomain;
    /// Who knows its fields.
    const FORMAT: Format;

    /// Where its objects are kept.
    fn resources(all: &mut Resources) -> &mut Vec<Resource<Self, Self::Status>>;

    /// Notes what is wrong with an object whose fields are all right by themselves.
    fn check(_object: &Resource<Self, Self::Status>, _check: &mut Check<'_, '_>) {}
}

/// Who knows the fields of a kind.
pub(crate) enum Format {
    /// One of Kubernetes' own kinds: a list of all fields; the struct holds some of them.
    Native {
        /// The fields of `spec`.
        spec: &'static Schema,
        /// Whether `spec` must be given.
        required: bool,
    },
    /// One of Kubernetes' own kinds without `spec`: a list of all fields of the object.
    Flat {
        /// The fields of the object.
        object: &'static Schema,
    },
    /// A custom resource: the struct itself.
    Custom,
}

/// A row of the table of kinds.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) api_versions: &'static [&'static str],
    pub(crate) read: fn(&mut Collector<'_>, &Object<'_, '_>),
    pub(crate) apply: fn(&mut Resources, &mut Resources),
    pub(crate) delete: fn(&mut Resources, &str, &str) -> bool,
    pub(crate) fields: fn() -> fields::Objects,
}

const fn row<K: Kind>() -> Row {
    Row {
        kind: K::KIND,
        api_versions: K::API_VERSIONS,
        read: document::read::<K>,
        apply: change::apply::<K>,
        delete: change::delete::<K>,
        fields: fields::of::<K>,
    }
}

/// The kinds that are read.
pub(crate) static KINDS: &[Row] = &[
    row::<NamespaceSpec>(),
    row::<ConfigMapData>(),
    row::<PodSpec>(),
    row::<DeploymentSpec>(),
    row::<ReplicaSetSpec>(),
    row::<StatefulSetSpec>(),
    row::<ServiceSpec>(),
    row::<EndpointSliceData>(),
    row::<EndpointsData>(),
    row::<ClusterNodeSpec>(),
    row::<HorizontalPodAutoscalerSpec>(),
    row::<PodDisruptionBudgetSpec>(),
    row::<CanarySpec>(),
    row::<RolloutSpec>(),
    row::<AnalysisTemplateSpec>(),
    row::<ClusterAnalysisTemplateSpec>(),
    row::<VirtualServiceSpec>(),
    row::<DestinationRuleSpec>(),
    row::<GatewaySpec>(),
    row::<ServiceEntrySpec>(),
    row::<WorkloadEntrySpec>(),
    row::<WorkloadGroupSpec>(),
    row::<SidecarSpec>(),
    row::<PeerAuthenticationSpec>(),
    row::<RequestAuthenticationSpec>(),
    row::<gateway_api::gateway_class::GatewayClassSpec>(),
    row::<gateway_api::gateway::GatewaySpec>(),
    row::<gateway_api::http_route::HttpRouteSpec>(),
    row::<gateway_api::grpc_route::GrpcRouteSpec>(),
    row::<gateway_api::tls_route::TlsRouteSpec>(),
    row::<gateway_api::tcp_route::TcpRouteSpec>(),
    row::<gateway_api::reference_grant::ReferenceGrantSpec>(),
    row::<gateway_api::backend_tls_policy::BackendTlsPolicySpec>(),
];

/// The other kinds of the API groups above: a kind of these groups that stands in neither list is misspelt.
static NEIGHBOURS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "Binding",
            "ComponentStatus",
            "Event",
            "LimitRange",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "ServiceAccount",
        ],
    ),
    ("apps", &["ControllerRevision", "DaemonSet"]),
    ("policy", &["PodSecurityPolicy"]),
    ("networking.istio.io", &["EnvoyFilter", "ProxyConfig"]),
    ("security.istio.io", &["AuthorizationPolicy"]),
    ("gateway.networking.k8s.io", &["ListenerSet", "UDPRoute"]),
];

/// The versions of Istio's networking API; their schemas are the same.
pub(crate) const ISTIO_NETWORKING: &[&str] = &[
    "networking.istio.io/v1",
    "networking.istio.io/v1beta1",
    "networking.istio.io/v1alpha3",
];

/// The group of an API version: `apps` of `apps/v1`, empty for `v1`.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// What a kind and its version name.
pub(crate) enum Found {
    /// A kind that is read.
    Read(&'static Row),
    /// A kind that does not matter here.
    Other,
    /// Nothing that a cluster would know, and what may be meant.
    Nothing(Option<String>),
}

/// The kind that an object names.
pub(crate) fn find(api_version: &str, kind: &str) -> Found {
    let mut rows = KINDS.iter().filter(|row| row.kind == kind);
    if let Some(row) = rows
        .clone()
        .find(|row| row.api_versions.contains(&api_version))
    {
        return Found::Read(row);
    }
    let group = group_of(api_version);
    if let Some(row) = rows.find(|row| is_meant(row, group)) {
        return Found::Nothing(Some(format!("write `apiVersion: {}`", row.api_versions[0])));
    }
    let Some((_, neighbours)) = NEIGHBOURS.iter().find(|(name, _)| *name == group) else {
        return Found::Other;
    };
    if neighbours.contains(&kind) || kind == "List" {
        return Found::Other;
    }
    let read = KINDS
        .iter()
        .filter(|row| group_of(row.api_versions[0]) == group);
    let names = read.map(|row| row.kind).chain(neighbours.iter().copied());
    Found::Nothing(suggestion(kind, names))
}

/// Whether a version of `group` is a mistake for one of the row's. Other groups may have a kind of the same name, such
/// as Knative's Service.
fn is_meant(row: &Row, group: &str) -> bool {
    let own = group_of(row.api_versions[0]);
    own == group || !group.contains('.') || suggestion(group, [own].into_iter()).is_some()
}
