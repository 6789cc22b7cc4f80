//! Clusters.

use super::message::{Message, percent};
use super::{istio_metadata, metadata, tls};
use crate::{
    CircuitBreakers, Cluster, ClusterService, ClusterType, HttpProtocol, KeepaliveSettings,
    OutlierDetection, TcpKeepalive, TlsMode,
};
use serde_json::Value;

impl Cluster {
    /// `envoy.config.cluster.v3.Cluster`.
    pub fn to_json(&self) -> Value {
        let stat_name = match self.name.as_str() {
            // Pilot's slip: it copies the outbound cluster and its name for statistics.
            "InboundPassthroughCluster" => "PassthroughCluster",
            name => name,
        };
        let message = Message::default().text("name", &self.name);
        let message = match self.type_ {
            ClusterType::DynamicForwardProxy => message.field("clusterType", self.forward_proxy()),
            other => message.field("type", other.name()),
        };
        let message = message
            .field("altStatName", format!("{stat_name};"))
            .duration("connectTimeout", self.connect_timeout);
        if self.type_ == ClusterType::Static && self.load_assignment.is_none() {
            return message.build();
        }
        let message = message
            .text("lbPolicy", self.lb_policy.name())
            .field(
                "circuitBreakers",
                Message::default().list("thresholds", [self.circuit_breakers.to_json()]),
            )
            .optional(
                "outlierDetection",
                self.outlier_detection
                    .as_ref()
                    .map(OutlierDetection::to_json),
            )
            .optional(
                "typedExtensionProtocolOptions",
                self.protocol_options()
                    .map(|options| Message::default().field(HTTP_PROTOCOL_OPTIONS, options)),
            )
            .optional(
                "upstreamConnectionOptions",
                self.tcp_keepalive
                    .as_ref()
                    .map(|probes| Message::default().field("tcpKeepalive", probes.to_json())),
            );
        let message = self.dns(self.lb_config(message));
        let message = self.source_and_sockets(message);
        let mut istio = self
            .origin
            .as_ref()
            .map_or_else(Message::default, istio_metadata);
        istio = istio.list(
            "services",
            self.services.iter().map(ClusterService::to_json),
        );
        if self.origin.is_some() {
            istio = istio.text("subset", self.name.split('|').nth(2).unwrap_or(""));
        }
        if istio.is_empty() {
            message.build()
        } else {
            message.field("metadata", metadata(istio)).build()
        }
    }

    pub(super) fn is_inbound(&self) -> bool {
        self.name.starts_with("inbound|") || self.name == "InboundPassthroughCluster"
    }

    /// How names are looked up, and the endpoints that are not told apart.
    fn dns(&self, message: Message) -> Message {
        let message = if self.type_.is_dns() {
            let resolver = Message::any(
                "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            )
            .field("udpMaxQueries", 100);
            let resolver = Message::default()
                .field("name", "envoy.network.dns_resolver.cares")
                .field("typedConfig", resolver);
            message
                .field("dnsLookupFamily", "V4_ONLY")
                .optional_duration("dnsRefreshRate", self.dns_refresh_rate)
                .field("dnsJitter", "0.100s")
                .field("respectDnsTtl", true)
                .field("typedDnsResolverConfig", resolver)
        } else {
            message
        };
        let assignment = self.load_assignment.as_ref();
        message.optional(
            "loadAssignment",
            assignment.map(crate::ClusterLoadAssignment::to_json),
        )
    }

    /// `envoy.clusters.dynamic_forward_proxy` with the cache of the names that it looks up.
    fn forward_proxy(&self) -> Message {
        let cache = match self.name.rsplit_once('|') {
            Some((_, host)) => Message::default()
                .field("name", format!("{host}_dfp_dns_cache"))
                .field("dnsLookupFamily", "V4_ONLY"),
            None => dns_cache_of_unknown_hosts(),
        };
        let config =
            Message::any("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig")
                .field("dnsCacheConfig", cache)
                // Nothing is known of these hosts, so their certificates are not checked.
                .flag("allowInsecureClusterOptions", !self.name.contains('|'));
        Message::default()
            .field("name", "envoy.clusters.dynamic_forward_proxy")
            .field("typedConfig", config)
    }

    fn source_and_sockets(&self, message: Message) -> Message {
        let message = if self.is_inbound() && self.type_ == ClusterType::OriginalDst {
            let source = Message::default()
                .field("address", "127.0.0.6")
                .field("portValue", 0);
            let message = message.field(
                "upstreamBindConfig",
                Message::default().field("sourceAddress", source),
            );
            // For ever, as far as a protobuf duration goes.
            let cleanup = self.name.starts_with("inbound|").then_some("9223372035s");
            message.optional("cleanupInterval", cleanup)
        } else {
            message
        };
        let message = self.eds(message);
        if !self.name.starts_with("outbound|") {
            return message;
        }
        let istio = || tls::upstream_istio_tls(&self.sni, self.protocol == HttpProtocol::Http2);
        match self.tls {
            TlsMode::Auto => {
                let matches = Message::default().field("tlsMode", "istio");
                message.list(
                    "transportSocketMatches",
                    [
                        socket_match("tlsMode-istio", matches, istio()),
                        socket_match("tlsMode-disabled", Message::default(), tls::raw_buffer()),
                    ],
                )
            }
            TlsMode::IstioMutual => message.field("transportSocket", istio()),
            TlsMode::Disable => message,
            // Files and secrets of the user's are not read.
            TlsMode::Simple | TlsMode::Mutual => {
                let protocols = (self.protocol == HttpProtocol::Http2).then_some("h2");
                let context =
                    Message::any("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")
                        .optional(
                            "commonTlsContext",
                            protocols.map(|protocol| {
                                Message::default().list("alpnProtocols", [protocol])
                            }),
                        )
                        .text("sni", &self.sni);
                let socket = Message::default()
                    .field("name", "envoy.transport_sockets.tls")
                    .field("typedConfig", context);
                message.field("transportSocket", socket)
            }
        }
    }

    fn eds(&self, message: Message) -> Message {
        if self.type_ != ClusterType::Eds {
            return message;
        }
        let source = Message::default()
            .field("ads", Message::default())
            .field("initialFetchTimeout", "0s")
            .field("resourceApiVersion", "V3");
        let eds = Message::default()
            .field("edsConfig", source)
            .text("serviceName", &self.name);
        message.field("edsClusterConfig", eds)
    }

    /// `envoy.extensions.upstreams.http.v3.HttpProtocolOptions`, unless all of it is Envoy's default.
    fn protocol_options(&self) -> Option<Message> {
        let common = Message::default()
            .optional_duration("idleTimeout", self.idle_timeout)
            .optional("maxRequestsPerConnection", self.max_requests_per_connection)
            .optional_duration("maxConnectionDuration", self.max_connection_duration)
            .optional_duration("maxStreamDuration", self.max_stream_duration);
        let is_written = !common.is_empty()
            || self.max_concurrent_streams.is_some()
            || self.connection_keepalive.is_some();
        if !is_written && self.protocol == HttpProtocol::Http1 {
            return None;
        }
        let common = is_written.then_some(common);
        let message =
            Message::any(HTTP_PROTOCOL_OPTIONS).optional("commonHttpProtocolOptions", common);
        let nothing = Message::default;
        Some(match self.protocol {
            HttpProtocol::Http1 => message.field(
                "explicitHttpConfig",
                nothing().field("httpProtocolOptions", nothing()),
            ),
            HttpProtocol::Http2 => {
                let keepalive = self.connection_keepalive.as_ref();
                let http2 = nothing()
                    .optional("maxConcurrentStreams", self.max_concurrent_streams)
                    .optional(
                        "connectionKeepalive",
                        keepalive.map(KeepaliveSettings::to_json),
                    );
                message.field(
                    "explicitHttpConfig",
                    nothing().field("http2ProtocolOptions", http2),
                )
            }
            HttpProtocol::Downstream => message.field(
                "useDownstreamProtocolConfig",
                nothing()
                    .field("httpProtocolOptions", nothing())
                    .field("http2ProtocolOptions", nothing()),
            ),
        })
    }
}

/// The cache of names that nobody knows; Envoy wants it to be told alike wherever it is used.
pub(super) fn dns_cache_of_unknown_hosts() -> Message {
    Message::default()
        .field("name", "allow_any_dfp_dns_cache")
        .field("dnsLookupFamily", "V4_ONLY")
        .field("maxHosts", 1024)
}

impl ClusterType {
    const fn name(self) -> &'static str {
        match self {
            Self::Eds => "EDS",
            Self::OriginalDst => "ORIGINAL_DST",
            Self::StrictDns => "STRICT_DNS",
            Self::LogicalDns => "LOGICAL_DNS",
            Self::Static => "STATIC",
            Self::DynamicForwardProxy => "",
        }
    }

    const fn is_dns(self) -> bool {
        matches!(self, Self::StrictDns | Self::LogicalDns)
    }
}

impl ClusterService {
    /// An entry of `filterMetadata.istio.services`.
    pub fn to_json(&self) -> Value {
        Message::default()
            .text("host", &self.host)
            .text("name", &self.name)
            .text("namespace", &self.namespace)
            .build()
    }
}

impl CircuitBreakers {
    /// `envoy.config.cluster.v3.CircuitBreakers.Thresholds`.
    pub fn to_json(&self) -> Value {
        let budget = self.retry_budget.as_ref().map(|budget| {
            let interval = budget.budget_interval;
            Message::default()
                .field("budgetPercent", percent(budget.budget_percent))
                .field("minRetryConcurrency", budget.min_retry_concurrency)
                .optional_duration("budgetInterval", (!interval.is_zero()).then_some(interval))
        });
        Message::default()
            .field("maxConnections", self.max_connections)
            .field("maxPendingRequests", self.max_pending_requests)
            .field("maxRequests", self.max_requests)
            .field("maxRetries", self.max_retries)
            .optional("retryBudget", budget)
            .build()
    }
}

impl TcpKeepalive {
    /// `envoy.config.core.v3.TcpKeepalive`, its times in seconds.
    pub fn to_json(&self) -> Value {
        let seconds = |span: base::SimDuration| span.as_millis() / 1000;
        Message::default()
            .optional("keepaliveProbes", self.keepalive_probes)
            .optional("keepaliveTime", self.keepalive_time.map(seconds))
            .optional("keepaliveInterval", self.keepalive_interval.map(seconds))
            .build()
    }
}

impl KeepaliveSettings {
    /// `envoy.config.core.v3.KeepaliveSettings`.
    pub fn to_json(&self) -> Value {
        Message::default()
            .optional_duration("interval", self.interval)
            .optional_duration("timeout", self.timeout)
            .build()
    }
}

fn socket_match(name: &str, matches: Message, socket: Value) -> Message {
    Message::default()
        .text("name", name)
        .field("match", matches)
        .field("transportSocket", socket)
}

const HTTP_PROTOCOL_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
