//! The mesh's configuration as it is written: a file, or a ConfigMap that holds it under `mesh`.
//!
//! Fields that decide about traffic here are read, the others of Istio's are said not to be simulated, and unknown ones
//! are refused.
//!
//! Source: istio/api, mesh/v1alpha1/config.proto, mesh/v1alpha1/network.proto; istio/istio, pkg/config/mesh/mesh.go
//! (ApplyMeshConfig).

use std::collections::BTreeMap;
use std::net::IpAddr;

use base::{Location, SimDuration};
use manifest::connection_pool::{H2UpgradePolicy, TcpKeepalive};
use manifest::locality::{LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting};
use manifest::retry::HttpRetry;
use manifest::{ConfigMap, Diagnostic, Level, Resources, Source, Spanned, from_yaml};
use serde::Deserialize;
use serde_json::Value;

use super::proxy_config::{ProxyConfig, duration};
use super::{DefaultTrafficPolicy, MeshConfig, OutboundTrafficPolicy, PathNormalization};

/// The configuration of a file: a MeshConfig, or a ConfigMap with one; with what is to be known about it.
///
/// # Errors
/// All that is wrong with it.
pub fn from_file(file: &Source) -> Result<(MeshConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (resources, _) = manifest::parse(std::slice::from_ref(file), "istio-system");
    match resources.config_maps.first() {
        Some(map) if map.spec.data.contains_key(MESH) => of_config_map(map),
        Some(map) => Err(vec![problem(
            &map.location,
            "the ConfigMap has no text under `data.mesh`".to_owned(),
            None,
        )]),
        None => of_text(file),
    }
}

/// The configuration in the ConfigMap `istio` of `istio-system`, with what is to be known about it; Istio's defaults if
/// there is none.
///
/// # Errors
/// All that is wrong with it.
pub fn from_config_map(
    resources: &Resources,
) -> Result<(MeshConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut maps = resources.config_maps.iter();
    match maps.find(|map| map.meta.name == "istio" && map.meta.namespace == "istio-system") {
        Some(map) => of_config_map(map),
        None => Ok((MeshConfig::default(), Vec::new())),
    }
}

fn of_config_map(map: &ConfigMap) -> Result<(MeshConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (mut config, mut notes) = match map.spec.data.get(MESH) {
        Some(text) => of_text(&embedded(text, MESH))?,
        None => (MeshConfig::default(), Vec::new()),
    };
    if let Some(text) = map.spec.data.get(MESH_NETWORKS) {
        let source = embedded(text, MESH_NETWORKS);
        let (networks, problems) = from_yaml::<MeshNetworks>(&source);
        let networks = networks.ok_or(problems)?;
        config.internal_networks = networks.ranges();
        if let Some(first) = networks.networks.values().next() {
            let reason = "all endpoints are reached directly, whatever their network";
            notes.push(not_simulated(&first.at, "networks", reason));
        }
    }
    Ok((config, notes))
}

/// The text of a key of a ConfigMap; places in it count from its own first line.
fn embedded(text: &Spanned<String>, key: &str) -> Source {
    Source::new(format!("{}#{key}", text.at.file), text.value.as_str())
}

fn of_text(source: &Source) -> Result<(MeshConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    if source.text.trim().is_empty() {
        return Ok((MeshConfig::default(), Vec::new()));
    }
    let (fields, problems) = from_yaml::<Fields>(source);
    let fields = fields.ok_or(problems)?;
    let notes = fields.notes();
    let proxy_config = match &fields.default_config {
        Some(written) => ProxyConfig::new(written.value.clone()).map_err(|message| {
            vec![problem(
                &written.at,
                format!("`defaultConfig`: {message}"),
                None,
            )]
        })?,
        None => ProxyConfig::default(),
    };
    Ok((fields.into_config(proxy_config), notes))
}

/// MeshConfig, its fields in the order of its definition.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    proxy_listen_port: Option<u16>,
    proxy_inbound_listen_port: Option<u16>,
    proxy_http_port: Option<Spanned<Value>>,
    #[serde(default, deserialize_with = "duration")]
    connect_timeout: Option<SimDuration>,
    hbone_idle_timeout: Option<Spanned<Value>>,
    protocol_detection_timeout: Option<Spanned<Value>>,
    ingress_class: Option<Spanned<Value>>,
    ingress_service: Option<Spanned<Value>>,
    ingress_controller_mode: Option<Spanned<Value>>,
    ingress_selector: Option<Spanned<Value>>,
    enable_tracing: Option<Spanned<Value>>,
    access_log_file: Option<Spanned<Value>>,
    access_log_format: Option<Spanned<Value>>,
    access_log_encoding: Option<Spanned<Value>>,
    enable_envoy_access_log_service: Option<Spanned<Value>>,
    disable_envoy_listener_log: Option<Spanned<Value>>,
    default_config: Option<Spanned<Value>>,
    outbound_traffic_policy: Option<Policy>,
    inbound_traffic_policy: Option<Spanned<Value>>,
    config_sources: Option<Spanned<Value>>,
    enable_auto_mtls: Option<bool>,
    trust_domain: Option<Spanned<Value>>,
    trust_domain_aliases: Option<Spanned<Value>>,
    ca_certificates: Option<Spanned<Value>>,
    default_service_export_to: Option<Vec<String>>,
    default_virtual_service_export_to: Option<Vec<String>>,
    default_destination_rule_export_to: Option<Vec<String>>,
    root_namespace: Option<String>,
    locality_lb_setting: Option<LocalityLoadBalancerSetting>,
    zone_aware_lb_setting: Option<ZoneAwareLoadBalancerSetting>,
    #[serde(default, deserialize_with = "duration")]
    dns_refresh_rate: Option<SimDuration>,
    h2_upgrade_policy: Option<H2UpgradePolicy>,
    inbound_cluster_stat_name: Option<Spanned<Value>>,
    outbound_cluster_stat_name: Option<Spanned<Value>>,
    tcp_keepalive: Option<TcpKeepalive>,
    certificates: Option<Spanned<Value>>,
    service_settings: Option<Spanned<Value>>,
    service_scope_configs: Option<Spanned<Value>>,
    service_entry_visibility: Option<Spanned<Value>>,
    enable_prometheus_merge: Option<Spanned<Value>>,
    verify_certificate_at_client: Option<Spanned<Value>>,
    ca: Option<Spanned<Value>>,
    extension_providers: Option<Spanned<Value>>,
    default_providers: Option<Spanned<Value>>,
    discovery_selectors: Option<Spanned<Value>>,
    path_normalization: Option<Normalization>,
    default_http_retry_policy: Option<HttpRetry>,
    default_inbound_http_retry_policy: Option<HttpRetry>,
    #[serde(rename = "meshMTLS")]
    mesh_mtls: Option<Spanned<Value>>,
    tls_defaults: Option<Spanned<Value>>,
    default_traffic_policy: Option<DefaultTrafficPolicy>,
}

/// MeshConfig.ProxyPathNormalization.
#[derive(Deserialize)]
struct Normalization {
    #[serde(default)]
    normalization: PathNormalization,
}

/// MeshConfig.OutboundTrafficPolicy; the first value of the enum is what an empty message means.
#[derive(Deserialize)]
struct Policy {
    #[serde(default)]
    mode: Mode,
    #[serde(rename = "tls")]
    _tls: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Mode {
    #[default]
    RegistryOnly,
    AllowAny,
    AllowAnyDynamicDns,
}

/// MeshNetworks.
#[derive(Deserialize)]
struct MeshNetworks {
    #[serde(default)]
    networks: BTreeMap<String, Spanned<Value>>,
}

impl MeshNetworks {
    /// The ranges of all networks, sorted.
    fn ranges(&self) -> Vec<String> {
        let endpoints = self.networks.values().flat_map(|network| {
            let endpoints = network.value.get("endpoints").and_then(Value::as_array);
            endpoints.into_iter().flatten()
        });
        let mut ranges: Vec<_> = endpoints
            .filter_map(|endpoint| endpoint.get("fromCidr")?.as_str())
            .filter_map(|range| {
                let (address, length) = range.split_once('/')?;
                Some((address.parse::<IpAddr>().ok()?, length.parse::<u8>().ok()?))
            })
            .collect();
        ranges.sort_unstable();
        ranges
            .into_iter()
            .map(|(address, length)| format!("{address}/{length}"))
            .collect()
    }
}

impl Fields {
    /// What is written and decides nothing here.
    fn notes(&self) -> Vec<Diagnostic> {
        let unused = [
            ("proxyHttpPort", &self.proxy_http_port, NO_HTTP_PROXY),
            ("hboneIdleTimeout", &self.hbone_idle_timeout, NO_AMBIENT),
            (
                "protocolDetectionTimeout",
                &self.protocol_detection_timeout,
                "clients speak at once",
            ),
            ("ingressClass", &self.ingress_class, NO_INGRESS),
            ("ingressService", &self.ingress_service, NO_INGRESS),
            (
                "ingressControllerMode",
                &self.ingress_controller_mode,
                NO_INGRESS,
            ),
            ("ingressSelector", &self.ingress_selector, NO_INGRESS),
            ("enableTracing", &self.enable_tracing, TELEMETRY),
            ("accessLogFile", &self.access_log_file, TELEMETRY),
            ("accessLogFormat", &self.access_log_format, TELEMETRY),
            ("accessLogEncoding", &self.access_log_encoding, TELEMETRY),
            (
                "enableEnvoyAccessLogService",
                &self.enable_envoy_access_log_service,
                TELEMETRY,
            ),
            (
                "disableEnvoyListenerLog",
                &self.disable_envoy_listener_log,
                TELEMETRY,
            ),
            (
                "defaultConfig",
                &self.default_config,
                "of it only `concurrency`, `connectionSettings`, `gatewayTopology`, `proxyHeaders` and \
                 `proxyMetadata.ISTIO_META_DNS_CAPTURE` count",
            ),
            (
                "inboundTrafficPolicy",
                &self.inbound_traffic_policy,
                "servers listen at the pod's address",
            ),
            (
                "configSources",
                &self.config_sources,
                "manifests are the only source",
            ),
            ("trustDomain", &self.trust_domain, CERTIFICATES),
            (
                "trustDomainAliases",
                &self.trust_domain_aliases,
                CERTIFICATES,
            ),
            ("caCertificates", &self.ca_certificates, CERTIFICATES),
            (
                "inboundClusterStatName",
                &self.inbound_cluster_stat_name,
                TELEMETRY,
            ),
            (
                "outboundClusterStatName",
                &self.outbound_cluster_stat_name,
                TELEMETRY,
            ),
            ("certificates", &self.certificates, CERTIFICATES),
            ("serviceSettings", &self.service_settings, ONE_CLUSTER),
            (
                "serviceScopeConfigs",
                &self.service_scope_configs,
                NO_AMBIENT,
            ),
            (
                "serviceEntryVisibility",
                &self.service_entry_visibility,
                "`exportTo` alone says who sees a ServiceEntry",
            ),
            (
                "enablePrometheusMerge",
                &self.enable_prometheus_merge,
                TELEMETRY,
            ),
            (
                "verifyCertificateAtClient",
                &self.verify_certificate_at_client,
                CERTIFICATES,
            ),
            ("ca", &self.ca, CERTIFICATES),
            ("extensionProviders", &self.extension_providers, TELEMETRY),
            ("defaultProviders", &self.default_providers, TELEMETRY),
            (
                "discoverySelectors",
                &self.discovery_selectors,
                "all namespaces are looked at",
            ),
            ("meshMTLS", &self.mesh_mtls, CERTIFICATES),
            ("tlsDefaults", &self.tls_defaults, CERTIFICATES),
        ];
        unused
            .into_iter()
            .filter_map(|(name, value, reason)| {
                Some(not_simulated(&value.as_ref()?.at, name, reason))
            })
            .collect()
    }

    fn into_config(self, proxy_config: ProxyConfig) -> MeshConfig {
        let default = MeshConfig::default();
        let dns_capture = self.captures_dns();
        let outbound_traffic_policy =
            self.outbound_traffic_policy
                .map(|policy| match policy.mode {
                    Mode::RegistryOnly => OutboundTrafficPolicy::RegistryOnly,
                    Mode::AllowAny => OutboundTrafficPolicy::AllowAny,
                    Mode::AllowAnyDynamicDns => OutboundTrafficPolicy::AllowAnyDynamicDns,
                });
        MeshConfig {
            root_namespace: self.root_namespace.unwrap_or(default.root_namespace),
            outbound_traffic_policy: outbound_traffic_policy
                .unwrap_or(default.outbound_traffic_policy),
            default_http_retry_policy: self.default_http_retry_policy,
            default_inbound_http_retry_policy: self.default_inbound_http_retry_policy,
            default_traffic_policy: self
                .default_traffic_policy
                .unwrap_or(default.default_traffic_policy),
            default_service_export_to: self
                .default_service_export_to
                .unwrap_or(default.default_service_export_to),
            default_virtual_service_export_to: self
                .default_virtual_service_export_to
                .unwrap_or(default.default_virtual_service_export_to),
            default_destination_rule_export_to: self
                .default_destination_rule_export_to
                .unwrap_or(default.default_destination_rule_export_to),
            connect_timeout: self.connect_timeout.unwrap_or(default.connect_timeout),
            h2_upgrade_policy: self.h2_upgrade_policy.unwrap_or(default.h2_upgrade_policy),
            enable_auto_mtls: self.enable_auto_mtls.unwrap_or(default.enable_auto_mtls),
            tcp_keepalive: self.tcp_keepalive,
            dns_refresh_rate: self.dns_refresh_rate.unwrap_or(default.dns_refresh_rate),
            dns_capture,
            locality_lb_setting: self.locality_lb_setting.or(default.locality_lb_setting),
            zone_aware_lb_setting: self.zone_aware_lb_setting,
            path_normalization: self
                .path_normalization
                .map_or(default.path_normalization, |written| written.normalization),
            default_config: proxy_config,
            proxy_listen_port: self.proxy_listen_port.unwrap_or(default.proxy_listen_port),
            proxy_inbound_listen_port: self
                .proxy_inbound_listen_port
                .unwrap_or(default.proxy_inbound_listen_port),
            ..default
        }
    }

    fn captures_dns(&self) -> bool {
        let metadata = self
            .default_config
            .as_ref()
            .and_then(|config| config.value.get("proxyMetadata"));
        let capture = metadata.and_then(|metadata| metadata.get("ISTIO_META_DNS_CAPTURE"));
        match capture {
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true") || text == "1",
            Some(Value::Bool(value)) => *value,
            _ => false,
        }
    }
}

fn not_simulated(at: &Location, field: &str, reason: &str) -> Diagnostic {
    let message = format!("`{field}` of the mesh configuration is not simulated: {reason}");
    Diagnostic {
        code: "MS0001",
        level: Level::Info,
        field: field.to_owned(),
        ..problem(at, message, None)
    }
}

fn problem(at: &Location, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic {
        code: manifest::diagnostic::codes::INVALID_OBJECT,
        level: Level::Error,
        location: at.clone(),
        span: 0..0,
        object: None,
        field: String::new(),
        message,
        help,
    }
}

/// The key of the ConfigMap that holds MeshConfig.
const MESH: &str = "mesh";
/// The key of the ConfigMap that holds MeshNetworks.
const MESH_NETWORKS: &str = "meshNetworks";
const CERTIFICATES: &str = "certificates are neither made nor checked";
const NO_AMBIENT: &str = "there is no ambient mode here";
const NO_HTTP_PROXY: &str = "no port serves as an HTTP proxy";
const NO_INGRESS: &str = "Ingress objects are not read";
const ONE_CLUSTER: &str = "there is one cluster only";
const TELEMETRY: &str = "it decides about telemetry only";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(MeshConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
        from_file(&Source::new("mesh.yaml", text))
    }

    #[test]
    fn fields_that_decide_are_read_and_others_are_named() {
        let (config, notes) = read(
            "outboundTrafficPolicy: {mode: REGISTRY_ONLY}\nconnectTimeout: 1s\n\
             defaultHttpRetryPolicy: {attempts: 0}\ntrustDomain: td\n",
        )
        .expect("all of it is known");
        assert_eq!(
            config.outbound_traffic_policy,
            OutboundTrafficPolicy::RegistryOnly
        );
        assert_eq!(config.connect_timeout, SimDuration::from_secs(1));
        assert_eq!(
            config
                .default_http_retry_policy
                .map(|policy| policy.attempts),
            Some(0)
        );
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!(notes[0].location.line, 4);
    }

    #[test]
    fn a_policy_without_a_mode_lets_nothing_out() {
        let (config, _) = read("outboundTrafficPolicy: {}").expect("it is valid");
        assert_eq!(
            config.outbound_traffic_policy,
            OutboundTrafficPolicy::RegistryOnly
        );
        let (config, _) = read("rootNamespace: infra").expect("it is valid");
        assert_eq!(
            config.outbound_traffic_policy,
            OutboundTrafficPolicy::AllowAny
        );
    }

    #[test]
    fn a_config_map_holds_it_as_a_text() {
        let (config, notes) = read(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n\
             data:\n  mesh: |\n    enableAutoMtls: false\n    defaultConfig:\n      proxyMetadata:\n        \
             ISTIO_META_DNS_CAPTURE: \"true\"\n  meshNetworks: |\n    networks: {a: {}}\n",
        )
        .expect("all of it is known");
        assert!(!config.enable_auto_mtls);
        assert!(config.dns_capture);
        assert_eq!(notes.len(), 2, "{notes:?}");
    }

    #[test]
    fn what_is_unknown_or_wrong_is_refused() {
        for (text, want) in [
            (
                "outboundTraficPolicy: {}",
                "did you mean `outboundTrafficPolicy`?",
            ),
            ("outboundTrafficPolicy: {mode: NONE}", "mesh.yaml:1:31"),
            ("connectTimeout: soon", "`soon` is no duration"),
            ("enableAutoMtls: 3", "enableAutoMtls"),
            ("a: 1\na: 2", "already set"),
        ] {
            let problems = read(text).expect_err(text);
            assert!(problems[0].to_string().contains(want), "{}", problems[0]);
        }
    }
}
