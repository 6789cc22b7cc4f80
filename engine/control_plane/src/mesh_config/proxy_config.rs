//! How a proxy itself is set up: `MeshConfig.defaultConfig`, and what a pod says over it in `proxy.istio.io/config`.
//!
//! Source: istio/api, mesh/v1alpha1/proxy.proto; istio/istio, pilot/pkg/networking/core/connection_settings.go,
//! pilot/pkg/networking/util/proxy_headers.go, pkg/kube/inject/inject.go (the annotation), pilot/cmd/pilot-agent/app/cmd.go
//! (determineConcurrencyOption).

use base::SimDuration;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;
use xds::{EscapedSlashes, ForwardClientCertDetails, HeadersWithUnderscores, NodeType};

/// How a proxy is set up, as far as it decides about traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyConfig {
    /// What it was read from, for what is said over it.
    written: Value,
    /// What is read of it.
    fields: Fields,
}

impl ProxyConfig {
    /// Reads what is written, which is called `ProxyConfig` in Istio's API.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(written: Value) -> Result<Self, String> {
        let fields = serde_json::from_value(written.clone()).map_err(|error| error.to_string())?;
        Ok(Self { written, fields })
    }

    /// This one with what is written over it: each block as a whole, but for `proxyHeaders`, whose older switches stay.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn overridden(&self, by: &Value) -> Result<Self, String> {
        let mut written = self.written.clone();
        let headers = written.get(PROXY_HEADERS).cloned();
        lay_over(&mut written, by);
        if let (Some(before), Some(after)) = (headers, written.get_mut(PROXY_HEADERS)) {
            keep_headers(&before, after);
        }
        Self::new(written)
    }

    /// How many worker threads it has; where nothing is said, as many as the CPUs that Istio's injector and charts allow it.
    pub fn worker_threads(&self) -> u16 {
        match self.fields.concurrency {
            // Zero is as many as its node has cores, which is not known.
            None | Some(0) => ALLOWED_CPUS,
            Some(count) => count,
        }
    }

    /// How many proxies before a gateway are trusted to add to `x-forwarded-for`.
    pub fn num_trusted_proxies(&self) -> u32 {
        self.fields.gateway_topology.num_trusted_proxies
    }

    /// What becomes of `x-forwarded-client-cert` at a gateway.
    pub(crate) fn client_cert_at_gateway(&self) -> ForwardClientCertDetails {
        let written = self.fields.gateway_topology.forward_client_cert_details;
        written
            .xds()
            .unwrap_or(ForwardClientCertDetails::SanitizeSet)
    }

    /// What becomes of `x-forwarded-client-cert` at a server's sidecar.
    pub(crate) fn client_cert_at_server(&self) -> ForwardClientCertDetails {
        let written = self.fields.proxy_headers.forwarded_client_cert;
        written
            .xds()
            .unwrap_or(ForwardClientCertDetails::AppendForward)
    }

    /// The headers that proxies add.
    pub(crate) fn headers(&self) -> &ProxyHeaders {
        &self.fields.proxy_headers
    }

    /// Limits of connections and requests; an edge has some of its own.
    pub(crate) fn connection_settings(&self, node_type: NodeType) -> ConnectionSettings {
        let written = self.fields.connection_settings;
        match (written.profile, node_type) {
            (Profile::Edge, NodeType::Router) => written.over(EDGE),
            (Profile::Sidecar | Profile::Edge, _) => written,
        }
    }
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            written: Value::Object(serde_json::Map::new()),
            fields: Fields::default(),
        }
    }
}

/// Puts the fields of `over` into `base`.
fn lay_over(base: &mut Value, over: &Value) {
    if let (Value::Object(base), Value::Object(over)) = (base, over) {
        for (name, value) in over {
            base.insert(name.clone(), value.clone());
        }
    }
}

/// Keeps those of the headers' switches that Istio carries over.
fn keep_headers(before: &Value, after: &mut Value) {
    if let Value::Object(after) = after {
        for name in KEPT_HEADERS {
            if let (false, Some(value)) = (after.contains_key(name), before.get(name)) {
                after.insert(name.to_owned(), value.clone());
            }
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    concurrency: Option<u16>,
    gateway_topology: Topology,
    proxy_headers: ProxyHeaders,
    connection_settings: ConnectionSettings,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Topology {
    num_trusted_proxies: u32,
    forward_client_cert_details: ClientCert,
}

/// The headers that proxies add.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProxyHeaders {
    forwarded_client_cert: ClientCert,
    attempt_count: Switch,
    /// `server`.
    pub(crate) server: Server,
    x_forwarded_port: Switch,
}

impl ProxyHeaders {
    /// Whether tries are counted in `x-envoy-attempt-count`.
    pub(crate) fn counts_attempts(&self) -> bool {
        !self.attempt_count.disabled
    }

    /// Whether the listener's port is told upstream.
    pub(crate) fn tells_port(&self) -> bool {
        self.x_forwarded_port.enabled
    }
}

/// `server` of responses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Server {
    /// It stays as the upstream writes it.
    pub(crate) disabled: bool,
    /// What it is; empty: Istio's own.
    pub(crate) value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Switch {
    disabled: bool,
    enabled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ClientCert {
    #[default]
    Undefined,
    Sanitize,
    ForwardOnly,
    AppendForward,
    SanitizeSet,
    AlwaysForwardOnly,
}

impl ClientCert {
    const fn xds(self) -> Option<ForwardClientCertDetails> {
        Some(match self {
            Self::Undefined => return None,
            Self::Sanitize => ForwardClientCertDetails::Sanitize,
            Self::ForwardOnly => ForwardClientCertDetails::ForwardOnly,
            Self::AppendForward => ForwardClientCertDetails::AppendForward,
            Self::SanitizeSet => ForwardClientCertDetails::SanitizeSet,
            Self::AlwaysForwardOnly => ForwardClientCertDetails::AlwaysForwardOnly,
        })
    }
}

/// Limits of clients' connections and requests; none: Istio's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ConnectionSettings {
    profile: Profile,
    /// Bytes that a listener buffers; a negative number is none.
    listener_per_connection_buffer_limit_bytes: Option<i64>,
    #[serde(deserialize_with = "duration")]
    pub(crate) http_idle_timeout: Option<SimDuration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) http_max_connection_duration: Option<SimDuration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) http_drain_timeout: Option<SimDuration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) http_request_timeout: Option<SimDuration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) http_request_headers_timeout: Option<SimDuration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) http_stream_idle_timeout: Option<SimDuration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) http_max_stream_duration: Option<SimDuration>,
    http_headers_with_underscores_action: UnderscoresAction,
    pub(crate) http_merge_slashes: Option<bool>,
    http_path_with_escaped_slashes_action: EscapedSlashesAction,
}

impl ConnectionSettings {
    /// Bytes that a listener buffers.
    pub(crate) fn listener_buffer(&self) -> Option<u32> {
        u32::try_from(self.listener_per_connection_buffer_limit_bytes?).ok()
    }

    /// What becomes of headers with underscores.
    pub(crate) const fn headers_with_underscores(&self) -> Option<HeadersWithUnderscores> {
        match self.http_headers_with_underscores_action {
            UnderscoresAction::Unspecified => None,
            UnderscoresAction::Allow => Some(HeadersWithUnderscores::Allow),
            UnderscoresAction::RejectRequest => Some(HeadersWithUnderscores::RejectRequest),
            UnderscoresAction::DropHeader => Some(HeadersWithUnderscores::DropHeader),
        }
    }

    /// What becomes of slashes that are written as escapes.
    pub(crate) const fn escaped_slashes(&self) -> Option<EscapedSlashes> {
        match self.http_path_with_escaped_slashes_action {
            EscapedSlashesAction::Unspecified => None,
            EscapedSlashesAction::KeepUnchanged => Some(EscapedSlashes::Keep),
            EscapedSlashesAction::RejectRequest => Some(EscapedSlashes::Reject),
            EscapedSlashesAction::UnescapeAndRedirect => Some(EscapedSlashes::UnescapeAndRedirect),
            EscapedSlashesAction::UnescapeAndForward => Some(EscapedSlashes::UnescapeAndForward),
        }
    }

    /// These, and others where nothing is said.
    fn over(self, others: Self) -> Self {
        let limit = self.listener_per_connection_buffer_limit_bytes;
        Self {
            profile: self.profile,
            listener_per_connection_buffer_limit_bytes: limit
                .or(others.listener_per_connection_buffer_limit_bytes),
            http_idle_timeout: self.http_idle_timeout.or(others.http_idle_timeout),
            http_max_connection_duration: self
                .http_max_connection_duration
                .or(others.http_max_connection_duration),
            http_drain_timeout: self.http_drain_timeout.or(others.http_drain_timeout),
            http_request_timeout: self.http_request_timeout.or(others.http_request_timeout),
            http_request_headers_timeout: self
                .http_request_headers_timeout
                .or(others.http_request_headers_timeout),
            http_stream_idle_timeout: self
                .http_stream_idle_timeout
                .or(others.http_stream_idle_timeout),
            http_max_stream_duration: self
                .http_max_stream_duration
                .or(others.http_max_stream_duration),
            http_headers_with_underscores_action: match self.http_headers_with_underscores_action {
                UnderscoresAction::Unspecified => others.http_headers_with_underscores_action,
                said => said,
            },
            http_merge_slashes: self.http_merge_slashes.or(others.http_merge_slashes),
            http_path_with_escaped_slashes_action: match self.http_path_with_escaped_slashes_action
            {
                EscapedSlashesAction::Unspecified => others.http_path_with_escaped_slashes_action,
                said => said,
            },
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Profile {
    #[default]
    Sidecar,
    Edge,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum UnderscoresAction {
    #[default]
    #[serde(rename = "HEADERS_WITH_UNDERSCORES_UNSPECIFIED")]
    Unspecified,
    #[serde(rename = "HEADERS_WITH_UNDERSCORES_ALLOW")]
    Allow,
    #[serde(rename = "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST")]
    RejectRequest,
    #[serde(rename = "HEADERS_WITH_UNDERSCORES_DROP_HEADER")]
    DropHeader,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum EscapedSlashesAction {
    #[default]
    #[serde(rename = "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED")]
    Unspecified,
    KeepUnchanged,
    RejectRequest,
    UnescapeAndRedirect,
    UnescapeAndForward,
}

/// The block about headers that proxies add.
const PROXY_HEADERS: &str = "proxyHeaders";
/// Those of its switches that hold where a pod's own block leaves them out.
const KEPT_HEADERS: [&str; 5] = [
    "forwardedClientCert",
    "requestId",
    "attemptCount",
    "server",
    "envoyDebugHeaders",
];
/// What the profile `EDGE` means at a gateway.
const EDGE: ConnectionSettings = ConnectionSettings {
    profile: Profile::Edge,
    listener_per_connection_buffer_limit_bytes: Some(32 * 1024),
    http_idle_timeout: Some(SimDuration::from_secs(3600)),
    http_max_connection_duration: None,
    http_drain_timeout: None,
    http_request_timeout: Some(SimDuration::from_secs(300)),
    http_request_headers_timeout: Some(SimDuration::from_secs(60)),
    http_stream_idle_timeout: Some(SimDuration::from_secs(300)),
    http_max_stream_duration: None,
    http_headers_with_underscores_action: UnderscoresAction::RejectRequest,
    http_merge_slashes: Some(true),
    http_path_with_escaped_slashes_action: EscapedSlashesAction::UnescapeAndRedirect,
};
/// The CPUs that a proxy is allowed where nothing is said: `global.proxy.resources.limits.cpu` of Istio's charts.
const ALLOWED_CPUS: u16 = 2;

/// Reads a duration into an optional field.
pub(super) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SimDuration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        D::Error::custom(format_args!(
            "`{text}` is no duration: write it as in `10s`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_pod_says_is_laid_over_the_meshs() {
        let mesh = ProxyConfig::new(json!({
            "concurrency": 4,
            "gatewayTopology": {"numTrustedProxies": 1, "forwardClientCertDetails": "SANITIZE"},
            "proxyHeaders": {"server": {"value": "shop"}, "xForwardedPort": {"enabled": true}},
            "tracing": {},
        }))
        .expect("it is valid");
        let pod = mesh
            .overridden(&json!({
                "gatewayTopology": {"numTrustedProxies": 2},
                "proxyHeaders": {"attemptCount": {"disabled": true}},
            }))
            .expect("it is valid");
        assert_eq!((pod.worker_threads(), pod.num_trusted_proxies()), (4, 2));
        assert_eq!(
            pod.client_cert_at_gateway(),
            ForwardClientCertDetails::SanitizeSet
        );
        assert_eq!(pod.headers().server.value, "shop");
        assert!(!pod.headers().counts_attempts() && !pod.headers().tells_port());
        assert!(mesh.overridden(&json!({"concurrency": "many"})).is_err());
    }

    #[test]
    fn the_profile_of_an_edge_counts_at_gateways_alone() {
        let config = ProxyConfig::new(json!({
            "connectionSettings": {"profile": "EDGE", "httpRequestTimeout": "7s"},
        }))
        .expect("it is valid");
        let edge = config.connection_settings(NodeType::Router);
        assert_eq!(edge.http_request_timeout, Some(SimDuration::from_secs(7)));
        assert_eq!(edge.http_idle_timeout, Some(SimDuration::from_secs(3600)));
        assert_eq!(
            edge.escaped_slashes(),
            Some(EscapedSlashes::UnescapeAndRedirect)
        );
        let sidecar = config.connection_settings(NodeType::Sidecar);
        assert_eq!(sidecar.http_idle_timeout, None);
        assert_eq!(
            sidecar.http_request_timeout,
            Some(SimDuration::from_secs(7))
        );
    }
}
