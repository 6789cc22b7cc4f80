//! The mesh's configuration with Istio's defaults.
//!
//! How it is read is decided in `read`; what each field does, where it is used.
//!
//! Source: istio/istio, pkg/config/mesh/mesh.go (DefaultMeshConfig); istio/api, mesh/v1alpha1/config.proto.

mod proxy_config;
mod read;

use std::collections::BTreeMap;

use base::SimDuration;
use manifest::connection_pool::{ConnectionPoolSettings, H2UpgradePolicy, TcpKeepalive};
use manifest::locality::{LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting};
use manifest::outlier_detection::OutlierDetection;
use manifest::retry::HttpRetry;
use serde::Deserialize;
use xds::jwt_authn::DEFAULT_CLOCK;

pub use proxy_config::ProxyConfig;
pub use read::{from_config_map, from_file};

/// The mesh's configuration, as far as it decides about traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshConfig {
    /// The end of every service's name.
    pub domain_suffix: String,
    /// The namespace whose objects hold for the whole mesh.
    pub root_namespace: String,
    /// The revision that is installed; empty is `default`.
    pub revision: String,
    /// What happens to traffic to unknown hosts.
    pub outbound_traffic_policy: OutboundTrafficPolicy,
    /// Retries where a VirtualService says nothing; none: Istio's own.
    pub default_http_retry_policy: Option<HttpRetry>,
    /// Retries of a server's sidecar to its own application; none: Istio's own.
    pub default_inbound_http_retry_policy: Option<HttpRetry>,
    /// What holds where a DestinationRule leaves a block out.
    pub default_traffic_policy: DefaultTrafficPolicy,
    /// Who sees a Service that does not say.
    pub default_service_export_to: Vec<String>,
    /// Who sees a VirtualService that does not say.
    pub default_virtual_service_export_to: Vec<String>,
    /// Who sees a DestinationRule that does not say.
    pub default_destination_rule_export_to: Vec<String>,
    /// How long connecting may take.
    pub connect_timeout: SimDuration,
    /// Whether HTTP/1.1 becomes HTTP/2 on the way up.
    pub h2_upgrade_policy: H2UpgradePolicy,
    /// Mutual TLS between sidecars without a word.
    pub enable_auto_mtls: bool,
    /// Probes of idle connections.
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// How long a proxy waits before it asks again for a name that could not be looked up.
    pub dns_refresh_rate: SimDuration,
    /// Whether pods look names up through their proxies, so that hosts of ServiceEntries get addresses of their own.
    pub dns_capture: bool,
    /// Preferences among localities; none: there are none.
    pub locality_lb_setting: Option<LocalityLoadBalancerSetting>,
    /// Preferences among zones, which win over those among localities.
    pub zone_aware_lb_setting: Option<ZoneAwareLoadBalancerSetting>,
    /// What paths become before they are matched and forwarded.
    pub path_normalization: PathNormalization,
    /// The networks of the mesh's own clients, in CIDR form (`fromCidr` of MeshNetworks), as gateways tell them apart.
    pub internal_networks: Vec<String>,
    /// The keys of tokens that istiod would fetch: sets of JSON Web Keys by their addresses, or by the issuer where a
    /// rule says no address.
    pub jwks: BTreeMap<String, String>,
    /// The time at which tokens are judged, in seconds since 1970.
    pub clock: u64,
    /// How proxies are set up where their pods say nothing.
    pub default_config: ProxyConfig,
    /// Where intercepted outbound traffic enters.
    pub proxy_listen_port: u16,
    /// Where intercepted inbound traffic enters.
    pub proxy_inbound_listen_port: u16,
    /// Whether pods get a sidecar unless they or their namespace say no.
    pub enable_namespaces_by_default: bool,
    /// Whether a pod that nothing is said about, in a namespace that is asked for, gets a sidecar.
    pub injection_policy: InjectionPolicy,
}

/// What happens to traffic to unknown hosts and ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutboundTrafficPolicy {
    /// It goes where it was dialled.
    #[default]
    AllowAny,
    /// It goes nowhere.
    RegistryOnly,
    /// Requests go to whatever host they are for, all else where it was dialled.
    AllowAnyDynamicDns,
}

/// What paths become before they are matched and forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PathNormalization {
    /// What they are.
    None,
    /// Dot segments are resolved, backslashes turned around and needless escapes decoded.
    #[default]
    #[serde(alias = "DEFAULT")]
    Base,
    /// Slashes in a row become one, too.
    MergeSlashes,
    /// Slashes that are written as escapes are decoded before.
    DecodeAndMergeSlashes,
}

/// What holds where a DestinationRule leaves a block out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DefaultTrafficPolicy {
    /// Limits.
    pub connection_pool: Option<ConnectionPoolSettings>,
    /// Ejection.
    pub outlier_detection: Option<OutlierDetection>,
}

/// The injector's policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InjectionPolicy {
    /// Pods are injected unless they say no.
    #[default]
    Enabled,
    /// Pods are injected if they say yes.
    Disabled,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            domain_suffix: "cluster.local".into(),
            root_namespace: "istio-system".into(),
            revision: String::new(),
            outbound_traffic_policy: OutboundTrafficPolicy::AllowAny,
            default_http_retry_policy: None,
            default_inbound_http_retry_policy: None,
            default_traffic_policy: DefaultTrafficPolicy::default(),
            default_service_export_to: vec!["*".into()],
            default_virtual_service_export_to: vec!["*".into()],
            default_destination_rule_export_to: vec!["*".into()],
            connect_timeout: SimDuration::from_secs(10),
            h2_upgrade_policy: H2UpgradePolicy::Default,
            enable_auto_mtls: true,
            tcp_keepalive: None,
            dns_refresh_rate: SimDuration::from_secs(60),
            dns_capture: false,
            locality_lb_setting: Some(LocalityLoadBalancerSetting::default()),
            zone_aware_lb_setting: None,
            path_normalization: PathNormalization::Base,
            internal_networks: Vec::new(),
            jwks: BTreeMap::new(),
            clock: DEFAULT_CLOCK,
            default_config: ProxyConfig::default(),
            proxy_listen_port: 15001,
            proxy_inbound_listen_port: 15006,
            enable_namespaces_by_default: false,
            injection_policy: InjectionPolicy::Enabled,
        }
    }
}
