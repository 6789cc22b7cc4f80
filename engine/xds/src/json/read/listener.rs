//! Listeners.

mod http_connection_manager;

use super::ReadError;
use super::endpoint::socket_address;
use super::fields::Fields;
use super::metadata::IstioMetadata;
use super::tls;
use crate::{
    Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter, RouteConfiguration, TcpProxy,
    TrafficDirection,
};
use http_connection_manager::manager;

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
                per_connection_buffer_limit_bytes: fields
                    .number("perConnectionBufferLimitBytes")?,
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

const WITHOUT_EFFECT: [&str; 12] = [
    "@type",
    "accessLog",
    "metadata",
    "statPrefix",
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
        Ok(Self {
            destination_port: fields.number("destinationPort")?,
            server_names: fields.texts("serverNames")?,
            prefix_ranges: fields.messages("prefixRanges", cidr_range)?,
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

/// `envoy.config.core.v3.CidrRange`.
fn cidr_range(fields: &Fields<'_>) -> Result<String, ReadError> {
    let (address, length) = (fields.text("addressPrefix")?, fields.number("prefixLen")?);
    Ok(format!("{address}/{}", length.unwrap_or(0_u8)))
}
