//! Listeners.

use super::ReadError;
use super::endpoint::socket_address;
use super::fields::Fields;
use super::filter::is_known_http_filter;
use super::metadata::IstioMetadata;
use super::tls;
use crate::{
    Filter, FilterChain, FilterChainMatch, ForwardClientCertDetails, HttpConnectionManager,
    Listener, ListenerFilter, RouteConfiguration, TcpProxy, TrafficDirection,
};

/// A listener, and the route configurations that are written into it.
pub(super) struct ListenerReading {
    pub(super) listener: Listener,
    /// Each with the position of its chain; the default chain comes after all others.
    pub(super) tables: Vec<(usize, RouteConfiguration)>,
}

impl ListenerReading {
    /// `envoy.config.listener.v3.Listener`; none where it listens on no socket.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        fields.without_effect(&WITHOUT_EFFECT);
        let Some(address) = fields.message("address", socket_address)?.flatten() else {
            fields.skip("is left out: it listens on no socket address");
            return Ok(None);
        };
        let directions = [
            ("UNSPECIFIED", TrafficDirection::Outbound),
            ("INBOUND", TrafficDirection::Inbound),
            ("OUTBOUND", TrafficDirection::Outbound),
        ];
        let direction = fields.choice("trafficDirection", &directions)?;
        let filters = fields.messages("listenerFilters", ListenerFilter::read)?;
        let chains = fields.messages("filterChains", ChainReading::read)?;
        let default = fields.message("defaultFilterChain", ChainReading::read)?;
        // Envoy numbers listeners without a name; their address says more.
        let name = fields.text("name")?;
        let mut reading = Self {
            listener: Listener {
                name: match name.as_str() {
                    "" => format!("{}_{}", address.address, address.port),
                    _ => name,
                },
                address,
                direction: direction.unwrap_or(TrafficDirection::Outbound),
                bind_to_port: fields.optional_flag("bindToPort")?.unwrap_or(true),
                use_original_dst: fields.flag("useOriginalDst")?,
                listener_filters: filters.into_iter().flatten().collect(),
                filter_chains: Vec::new(),
                default_filter_chain: None,
            },
            tables: Vec::new(),
        };
        for chain in chains.into_iter().flatten() {
            let chain = reading.keep_table(chain, reading.listener.filter_chains.len());
            reading.listener.filter_chains.push(chain);
        }
        if let Some(chain) = default.flatten() {
            let chain = reading.keep_table(chain, reading.listener.filter_chains.len());
            reading.listener.default_filter_chain = Some(chain);
        }
        Ok(Some(reading))
    }

    fn keep_table(&mut self, reading: ChainReading, position: usize) -> FilterChain {
        let ChainReading { chain, table } = reading;
        self.tables.extend(table.map(|table| (position, table)));
        chain
    }
}

const WITHOUT_EFFECT: [&str; 13] = [
    "@type",
    "accessLog",
    "metadata",
    "statPrefix",
    "perConnectionBufferLimitBytes",
    "continueOnListenerFiltersTimeout",
    "listenerFiltersTimeout",
    "maxConnectionsToAcceptPerSocketEvent",
    "enableReusePort",
    "reusePort",
    "tcpBacklogSize",
    "drainType",
    "socketOptions",
];

impl ListenerFilter {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        fields.without_effect(&["name"]);
        let filter = fields.any("typedConfig", |type_name, config| {
            let filter = match type_name.rsplit('.').next() {
                Some("OriginalDst") => Self::OriginalDst,
                Some("TlsInspector") => Self::TlsInspector,
                Some("HttpInspector") => Self::HttpInspector,
                Some("ProxyProtocol") => Self::ProxyProtocol,
                _ => {
                    config.skip("is not modelled");
                    return Ok(None);
                }
            };
            config.ignore_all();
            Ok(Some(filter))
        })?;
        // Where it is switched off for some ports, those are ports where nothing has to be found out.
        fields.without_effect(&["filterDisabled"]);
        Ok(filter.flatten())
    }
}

/// A chain, and the route configuration that is written into it.
struct ChainReading {
    chain: FilterChain,
    table: Option<RouteConfiguration>,
}

impl ChainReading {
    /// `envoy.config.listener.v3.FilterChain`; none where no filter at its end is modelled.
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        fields.without_effect(&["transportSocketConnectTimeout"]);
        let match_ = fields.message("filterChainMatch", FilterChainMatch::read)?;
        let tls = tls::downstream(fields)?;
        let name = fields.text("name")?;
        let origin = IstioMetadata::read(fields)?.origin;
        let filters = fields.messages("filters", FilterReading::read)?;
        let Some(last) = filters.into_iter().flatten().next_back() else {
            fields.skip(
                "is left out: none of its filters ends a connection in a way that is modelled",
            );
            return Ok(None);
        };
        Ok(Some(Self {
            chain: FilterChain {
                name,
                match_: match_.unwrap_or_default(),
                tls,
                filter: last.filter,
                origin,
            },
            table: last.table,
        }))
    }
}

impl FilterChainMatch {
    /// `envoy.config.listener.v3.FilterChainMatch`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let ranges = fields.messages("prefixRanges", |range| {
            let (address, length) = (range.text("addressPrefix")?, range.number("prefixLen")?);
            Ok(format!("{address}/{}", length.unwrap_or(0_u8)))
        })?;
        Ok(Self {
            destination_port: fields.number("destinationPort")?,
            server_names: fields.texts("serverNames")?,
            prefix_ranges: ranges,
            application_protocols: fields.texts("applicationProtocols")?,
            transport_protocol: fields.text("transportProtocol")?,
        })
    }
}

/// A network filter, and the route configuration that is written into it.
struct FilterReading {
    filter: Filter,
    table: Option<RouteConfiguration>,
}

impl FilterReading {
    /// `envoy.config.listener.v3.Filter`; none where it passes bytes on to the next one.
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let name = fields.text("name")?;
        let filter = fields.any("typedConfig", |type_name, config| {
            match type_name.rsplit('.').next() {
                Some("HttpConnectionManager") => manager(config).map(Some),
                Some("TcpProxy") => Ok(Some(Self {
                    filter: Filter::TcpProxy(TcpProxy::read(config)?),
                    table: None,
                })),
                // Istio's own filters measure.
                _ if name.starts_with("istio.") => {
                    config.ignore_all();
                    Ok(None)
                }
                _ => {
                    config.skip("is not modelled");
                    Ok(None)
                }
            }
        })?;
        Ok(filter.flatten())
    }
}

impl TcpProxy {
    /// `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["@type", "accessLog", "accessLogOptions"]);
        let weighted = fields.message("weightedClusters", |weighted| {
            weighted.messages("clusters", |cluster| {
                Ok((
                    cluster.text("name")?,
                    cluster.number("weight")?.unwrap_or(0),
                ))
            })
        })?;
        let only = fields.optional_text("cluster")?.map(|name| vec![(name, 1)]);
        let hashes = fields.messages("hashPolicy", |policy| policy.marker("sourceIp"))?;
        Ok(Self {
            stat_prefix: fields.text("statPrefix")?,
            clusters: only.or(weighted).unwrap_or_default(),
            idle_timeout: fields.duration("idleTimeout")?,
            max_downstream_connection_duration: fields
                .duration("maxDownstreamConnectionDuration")?,
            hashes_source_ip: hashes.contains(&true),
        })
    }
}

/// `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`.
fn manager(fields: &Fields<'_>) -> Result<FilterReading, ReadError> {
    fields.without_effect(&MANAGER_WITHOUT_EFFECT);
    fields.messages("httpFilters", |filter| {
        let is_optional = filter.flag("isOptional")?;
        let name = filter.text("name")?;
        let is_known = filter.any("typedConfig", |type_name, config| {
            is_known_http_filter(&name, type_name, config)
        })?;
        if is_known != Some(true) && !is_optional {
            filter.skip(&format!("(`{name}`) is not modelled"));
        }
        filter.ignore_all();
        Ok(())
    })?;
    if fields.optional_flag("normalizePath")? != Some(true) {
        fields.note("does not ask for `normalize_path`; here paths are normalised nonetheless");
    }
    let escaped = fields.optional_text("pathWithEscapedSlashesAction")?;
    if escaped.is_some_and(|action| !LEAVE_ESCAPED_SLASHES.contains(&action.as_str())) {
        fields.note("changes escaped slashes; here paths keep them");
    }
    let table = fields.message("routeConfig", RouteConfiguration::read)?;
    let rds = fields.message("rds", |rds| {
        rds.without_effect(&["configSource"]);
        rds.text("routeConfigName")
    })?;
    let details = [
        ("SANITIZE", ForwardClientCertDetails::Sanitize),
        ("FORWARD_ONLY", ForwardClientCertDetails::ForwardOnly),
        ("APPEND_FORWARD", ForwardClientCertDetails::AppendForward),
        ("SANITIZE_SET", ForwardClientCertDetails::SanitizeSet),
        (
            "ALWAYS_FORWARD_ONLY",
            ForwardClientCertDetails::AlwaysForwardOnly,
        ),
    ];
    let inline = table.as_ref().map(|table| table.name.clone());
    let manager = HttpConnectionManager {
        stat_prefix: fields.text("statPrefix")?,
        route_config_name: inline.or(rds).unwrap_or_default(),
        use_remote_address: fields.flag("useRemoteAddress")?,
        xff_num_trusted_hops: fields.number("xffNumTrustedHops")?.unwrap_or(0),
        forward_client_cert_details: fields
            .choice("forwardClientCertDetails", &details)?
            .unwrap_or_default(),
        server_name: fields.text("serverName")?,
    };
    Ok(FilterReading {
        filter: Filter::HttpConnectionManager(manager),
        table,
    })
}

/// The actions under which `%2F` stays as it is.
const LEAVE_ESCAPED_SLASHES: [&str; 2] = ["IMPLEMENTATION_SPECIFIC_DEFAULT", "KEEP_UNCHANGED"];

/// What concerns logs, traces, certificates that are passed on, and the codec.
const MANAGER_WITHOUT_EFFECT: [&str; 20] = [
    "@type",
    "accessLog",
    "accessLogOptions",
    "tracing",
    "generateRequestId",
    "requestIdExtension",
    "setCurrentClientCertDetails",
    "upgradeConfigs",
    "proxy100Continue",
    "codecType",
    "httpProtocolOptions",
    "http2ProtocolOptions",
    "commonHttpProtocolOptions",
    "internalAddressConfig",
    "alwaysSetRequestIdInResponse",
    "appendXForwardedPort",
    "appendLocalOverload",
    "serverHeaderTransformation",
    "via",
    "typedHeaderValidationConfig",
];
