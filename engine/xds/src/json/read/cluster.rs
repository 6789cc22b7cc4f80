//! Clusters.

use super::ReadError;
use super::fields::Fields;
use super::metadata::IstioMetadata;
use super::{load_balancer, tls};
use crate::{
    CircuitBreakers, Cluster, ClusterLoadAssignment, ClusterType, HttpProtocol, KeepaliveSettings,
    OutlierDetection, RetryBudget, TcpKeepalive,
};
use base::SimDuration;

/// A cluster, and the name by which it asks for its endpoints.
pub(super) struct ClusterReading {
    pub(super) cluster: Cluster,
    pub(super) service_name: Option<String>,
}

impl ClusterReading {
    /// `envoy.config.cluster.v3.Cluster`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let service_name = fields.message("edsClusterConfig", |eds| {
            eds.without_effect(&["edsConfig"]);
            eds.text("serviceName")
        })?;
        Ok(Self {
            cluster: Cluster::read(fields)?,
            service_name: service_name.filter(|name| !name.is_empty()),
        })
    }
}

impl Cluster {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&WITHOUT_EFFECT);
        let name = fields.text("name")?;
        let type_ = cluster_type(fields)?;
        let load_assignment = fields
            .message("loadAssignment", ClusterLoadAssignment::read)?
            .map(|assignment| ClusterLoadAssignment {
                cluster_name: name.clone(),
                ..assignment
            });
        let balancing = load_balancer::Balancing::read(fields)?;
        let protocol = ProtocolOptions::read(fields)?;
        let tls = tls::Upstream::read(fields)?;
        let metadata = IstioMetadata::read(fields)?;
        let keepalive = fields.message("upstreamConnectionOptions", |options| {
            options.without_effect(&["setLocalInterfaceNameOnUpstreamConnections"]);
            options.message("tcpKeepalive", TcpKeepalive::read)
        })?;
        Ok(Self {
            name,
            type_,
            load_assignment,
            dns_refresh_rate: fields.duration("dnsRefreshRate")?,
            upstream_port_override: balancing.upstream_port_override,
            connect_timeout: fields
                .duration("connectTimeout")?
                .unwrap_or(DEFAULT_CONNECT_TIMEOUT),
            lb_policy: balancing.policy,
            slow_start: balancing.slow_start,
            healthy_panic_threshold: balancing.healthy_panic_threshold,
            locality_lb: balancing.locality_lb,
            update_merge_window: balancing.update_merge_window,
            circuit_breakers: circuit_breakers(fields)?,
            outlier_detection: fields.message("outlierDetection", OutlierDetection::read)?,
            max_requests_per_connection: protocol.max_requests_per_connection,
            idle_timeout: protocol.idle_timeout,
            max_connection_duration: protocol.max_connection_duration,
            max_stream_duration: protocol.max_stream_duration,
            protocol: protocol.protocol,
            max_concurrent_streams: protocol.max_concurrent_streams,
            tcp_keepalive: keepalive.flatten(),
            connection_keepalive: protocol.connection_keepalive,
            tls: tls.mode,
            sni: tls.sni,
            services: metadata.services,
            origin: metadata.origin,
        })
    }
}

/// What concerns names in statistics, addresses of the proxy's own side, and how names are looked up.
const WITHOUT_EFFECT: [&str; 17] = [
    "@type",
    "altStatName",
    "cleanupInterval",
    "upstreamBindConfig",
    "dnsLookupFamily",
    "dnsJitter",
    "dnsFailureRefreshRate",
    "respectDnsTtl",
    "typedDnsResolverConfig",
    "dnsResolvers",
    "dnsResolutionConfig",
    "useTcpForDnsLookups",
    "perConnectionBufferLimitBytes",
    "trackClusterStats",
    "trackTimeoutBudgets",
    "waitForWarmOnInit",
    "filters",
];

/// Envoy's default.
const DEFAULT_CONNECT_TIMEOUT: SimDuration = SimDuration::from_secs(5);

fn cluster_type(fields: &Fields<'_>) -> Result<ClusterType, ReadError> {
    let types = [
        ("STATIC", ClusterType::Static),
        ("STRICT_DNS", ClusterType::StrictDns),
        ("LOGICAL_DNS", ClusterType::LogicalDns),
        ("EDS", ClusterType::Eds),
        ("ORIGINAL_DST", ClusterType::OriginalDst),
    ];
    let custom = fields.message("clusterType", |custom| {
        custom.without_effect(&["name"]);
        custom.any("typedConfig", |type_name, config| match type_name {
            "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig" => {
                config.without_effect(&["dnsCacheConfig", "allowInsecureClusterOptions"]);
                Ok(ClusterType::DynamicForwardProxy)
            }
            "envoy.extensions.clusters.dns.v3.DnsCluster" => {
                let is_logical = config.flag("allAddressesInSingleEndpoint")?;
                config.ignore_all();
                Ok(if is_logical {
                    ClusterType::LogicalDns
                } else {
                    ClusterType::StrictDns
                })
            }
            _ => {
                config.skip("is not modelled: the cluster has no endpoints");
                Ok(ClusterType::Static)
            }
        })
    })?;
    let type_ = fields.choice("type", &types)?;
    Ok(custom.flatten().or(type_).unwrap_or(ClusterType::Static))
}

/// Those of the DEFAULT priority.
fn circuit_breakers(fields: &Fields<'_>) -> Result<CircuitBreakers, ReadError> {
    let limits = fields.message("circuitBreakers", |breakers| {
        let per_host = breakers.messages("perHostThresholds", |threshold| {
            threshold.number("maxConnections")
        })?;
        let thresholds = breakers.messages("thresholds", |threshold| {
            let priorities = [("DEFAULT", true), ("HIGH", false)];
            let priority = threshold.choice("priority", &priorities)?;
            if priority == Some(false) {
                threshold.skip("is not modelled: no route has this priority");
                return Ok(None);
            }
            CircuitBreakers::read(threshold).map(Some)
        })?;
        let first = thresholds.into_iter().flatten().next();
        Ok((first, per_host.into_iter().flatten().next()))
    })?;
    let (default, per_host) = limits.unwrap_or_default();
    let mut limits = default.unwrap_or(CircuitBreakers {
        max_connections: 1024,
        max_pending_requests: 1024,
        max_requests: 1024,
        max_retries: 3,
        ..CircuitBreakers::default()
    });
    limits.max_connections_per_host = per_host.unwrap_or(u32::MAX);
    Ok(limits)
}

impl CircuitBreakers {
    /// `envoy.config.cluster.v3.CircuitBreakers.Thresholds`, with Envoy's defaults.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["trackRemaining"]);
        Ok(Self {
            max_connections: fields.number("maxConnections")?.unwrap_or(1024),
            max_pending_requests: fields.number("maxPendingRequests")?.unwrap_or(1024),
            max_requests: fields.number("maxRequests")?.unwrap_or(1024),
            max_retries: fields.number("maxRetries")?.unwrap_or(3),
            max_connection_pools: fields.number("maxConnectionPools")?.unwrap_or(u32::MAX),
            max_connections_per_host: u32::MAX,
            retry_budget: fields.message("retryBudget", |budget| {
                Ok(RetryBudget {
                    budget_percent: budget.percent("budgetPercent")?.unwrap_or(20.0),
                    min_retry_concurrency: budget.number("minRetryConcurrency")?.unwrap_or(3),
                    budget_interval: budget
                        .duration("budgetInterval")?
                        .unwrap_or(SimDuration::ZERO),
                })
            })?,
        })
    }
}

impl TcpKeepalive {
    /// `envoy.config.core.v3.TcpKeepalive`, its times in seconds.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let seconds = |name| Ok(fields.number(name)?.map(SimDuration::from_secs));
        Ok(Self {
            keepalive_probes: fields.number("keepaliveProbes")?,
            keepalive_time: seconds("keepaliveTime")?,
            keepalive_interval: seconds("keepaliveInterval")?,
        })
    }
}

impl KeepaliveSettings {
    /// `envoy.config.core.v3.KeepaliveSettings`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            interval: fields.duration("interval")?,
            timeout: fields.duration("timeout")?,
        })
    }
}

/// `envoy.extensions.upstreams.http.v3.HttpProtocolOptions`, and the older fields of clusters that it replaced.
struct ProtocolOptions {
    protocol: HttpProtocol,
    max_requests_per_connection: Option<u32>,
    idle_timeout: Option<SimDuration>,
    max_connection_duration: Option<SimDuration>,
    max_stream_duration: Option<SimDuration>,
    max_concurrent_streams: Option<u32>,
    connection_keepalive: Option<KeepaliveSettings>,
}

impl ProtocolOptions {
    const DEFAULT: Self = Self {
        protocol: HttpProtocol::Http1,
        max_requests_per_connection: None,
        idle_timeout: None,
        max_connection_duration: None,
        max_stream_duration: None,
        max_concurrent_streams: None,
        connection_keepalive: None,
    };

    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let mut options = Self::DEFAULT;
        options.max_requests_per_connection = fields.number("maxRequestsPerConnection")?;
        fields.message("httpProtocolOptions", |http1| {
            http1.ignore_all();
            Ok(())
        })?;
        fields.message("http2ProtocolOptions", |http2| options.http2(http2))?;
        fields.message("commonHttpProtocolOptions", |common| options.common(common))?;
        fields.map("typedExtensionProtocolOptions", |_, extension| {
            extension.of_type(|type_name, extension| match type_name {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions" => {
                    options.extension(extension)
                }
                _ => {
                    extension.skip("is not modelled");
                    Ok(())
                }
            })
        })?;
        Ok(options)
    }

    fn extension(&mut self, fields: &Fields<'_>) -> Result<(), ReadError> {
        // How names are told and checked in TLS handshakes.
        fields.without_effect(&["@type", "upstreamHttpProtocolOptions"]);
        fields.message("commonHttpProtocolOptions", |common| self.common(common))?;
        fields.message("explicitHttpConfig", |explicit| self.explicit(explicit))?;
        fields.message("useDownstreamProtocolConfig", |downstream| {
            self.explicit(downstream)?;
            self.protocol = HttpProtocol::Downstream;
            Ok(())
        })?;
        if fields.has("httpFilters") {
            fields.messages("httpFilters", |filter| {
                if filter.text("name")? != "envoy.filters.http.upstream_codec" {
                    filter.skip("is not modelled");
                }
                filter.ignore_all();
                Ok(())
            })?;
        }
        Ok(())
    }

    fn explicit(&mut self, fields: &Fields<'_>) -> Result<(), ReadError> {
        fields.message("httpProtocolOptions", |http1| {
            http1.ignore_all();
            Ok(())
        })?;
        fields.message("http2ProtocolOptions", |http2| self.http2(http2))?;
        Ok(())
    }

    fn http2(&mut self, fields: &Fields<'_>) -> Result<(), ReadError> {
        self.protocol = HttpProtocol::Http2;
        self.max_concurrent_streams = fields.number("maxConcurrentStreams")?;
        self.connection_keepalive =
            fields.message("connectionKeepalive", KeepaliveSettings::read)?;
        fields.ignore_all();
        Ok(())
    }

    fn common(&mut self, fields: &Fields<'_>) -> Result<(), ReadError> {
        fields.without_effect(&["maxHeadersCount", "headersWithUnderscoresAction"]);
        self.idle_timeout = fields.duration("idleTimeout")?;
        self.max_connection_duration = fields.duration("maxConnectionDuration")?;
        self.max_stream_duration = fields.duration("maxStreamDuration")?;
        let most = fields.number("maxRequestsPerConnection")?;
        self.max_requests_per_connection = most.or(self.max_requests_per_connection);
        Ok(())
    }
}
