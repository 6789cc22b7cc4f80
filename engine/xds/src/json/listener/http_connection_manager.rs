//! HTTP over a connection.

use super::super::cluster::dns_cache_of_unknown_hosts;
use super::super::message::Message;
use super::{NETWORK, cidr_range};
use crate::{
    EscapedSlashes, ForwardClientCertDetails, HeadersWithUnderscores, HttpConnectionManager,
    JwtAuthn, PortStripping, RouteConfiguration, ServerHeader,
};

impl HttpConnectionManager {
    /// `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`; the table is written into
    /// it where Pilot does so.
    pub(super) fn message(&self, table: Option<&RouteConfiguration>) -> Message {
        let upgrades = self.upgrade_types.iter();
        let upgrades = upgrades.map(|name| Message::default().text("upgradeType", name));
        let details = self.forward_client_cert_details;
        let names_certificates = matches!(
            details,
            ForwardClientCertDetails::AppendForward | ForwardClientCertDetails::SanitizeSet
        );
        let named = names_certificates.then(|| {
            Message::default()
                .field("subject", true)
                .flag("cert", self.use_remote_address)
                .flag("dns", true)
                .flag("uri", true)
        });
        let timeouts = &self.timeouts;
        let common = self.common_protocol_options();
        let common = (!common.is_empty()).then_some(common);
        let internal = (!self.internal_addresses.is_empty()).then(|| {
            let ranges = self.internal_addresses.iter();
            Message::default().list("cidrRanges", ranges.map(|range| cidr_range(range)))
        });
        let message = Message::any(&format!(
            "{NETWORK}.http_connection_manager.v3.HttpConnectionManager"
        ))
        .text("statPrefix", &self.stat_prefix)
        .list(
            "httpFilters",
            http_filters(
                self.jwt_authn.as_deref(),
                self.route_config_name == DYNAMIC_DNS_TABLE,
            ),
        )
        .field("normalizePath", self.path.normalize)
        .flag("mergeSlashes", self.path.merge_slashes)
        .field(
            "pathWithEscapedSlashesAction",
            self.path.escaped_slashes.name(),
        )
        .flag(
            "stripMatchingHostPort",
            self.strip_port == PortStripping::Matching,
        )
        .flag("stripAnyHostPort", self.strip_port == PortStripping::Any)
        .flag("stripTrailingHostDot", self.strip_trailing_host_dot)
        .optional("commonHttpProtocolOptions", common)
        .flag("proxy100Continue", true)
        .optional_duration("streamIdleTimeout", timeouts.stream_idle)
        .optional_duration("requestTimeout", timeouts.request)
        .optional_duration("requestHeadersTimeout", timeouts.request_headers)
        .optional_duration("drainTimeout", timeouts.drain)
        .list("upgradeConfigs", upgrades)
        .field("useRemoteAddress", self.use_remote_address)
        .number("xffNumTrustedHops", self.xff_num_trusted_hops)
        .flag("skipXffAppend", self.skip_xff_append)
        .flag("appendXForwardedPort", self.append_x_forwarded_port)
        .optional("internalAddressConfig", internal)
        .text("serverName", &self.server_name)
        .text("serverHeaderTransformation", self.server_header.name())
        .text("forwardClientCertDetails", details.name())
        .optional("setCurrentClientCertDetails", named);
        if let Some(table) = table {
            return message.field("routeConfig", table.to_json());
        }
        let source = Message::default()
            .field("ads", Message::default())
            .field("initialFetchTimeout", "0s")
            .field("resourceApiVersion", "V3");
        message.field(
            "rds",
            Message::default()
                .field("configSource", source)
                .text("routeConfigName", &self.route_config_name),
        )
    }

    /// `envoy.config.core.v3.HttpProtocolOptions`.
    fn common_protocol_options(&self) -> Message {
        Message::default()
            .optional_duration("idleTimeout", self.timeouts.idle)
            .optional_duration(
                "maxConnectionDuration",
                self.timeouts.max_connection_duration,
            )
            .optional_duration("maxStreamDuration", self.timeouts.max_stream_duration)
            .text(
                "headersWithUnderscoresAction",
                self.headers_with_underscores.name(),
            )
    }
}

impl EscapedSlashes {
    const fn name(self) -> &'static str {
        match self {
            Self::Keep => "KEEP_UNCHANGED",
            Self::Reject => "REJECT_REQUEST",
            Self::UnescapeAndRedirect => "UNESCAPE_AND_REDIRECT",
            Self::UnescapeAndForward => "UNESCAPE_AND_FORWARD",
        }
    }
}

impl HeadersWithUnderscores {
    /// Empty for the default.
    const fn name(self) -> &'static str {
        match self {
            Self::Allow => "",
            Self::RejectRequest => "REJECT_REQUEST",
            Self::DropHeader => "DROP_HEADER",
        }
    }
}

impl ServerHeader {
    /// Empty for the default.
    const fn name(self) -> &'static str {
        match self {
            Self::Overwrite => "",
            Self::AppendIfAbsent => "APPEND_IF_ABSENT",
            Self::PassThrough => "PASS_THROUGH",
        }
    }
}

impl ForwardClientCertDetails {
    /// Empty for the default.
    const fn name(self) -> &'static str {
        match self {
            Self::Sanitize => "",
            Self::ForwardOnly => "FORWARD_ONLY",
            Self::AppendForward => "APPEND_FORWARD",
            Self::SanitizeSet => "SANITIZE_SET",
            Self::AlwaysForwardOnly => "ALWAYS_FORWARD_ONLY",
        }
    }
}

/// The filters before and including the router, in their order; `asks_dns`: the request's host is asked for by name.
fn http_filters(jwt_authn: Option<&JwtAuthn>, asks_dns: bool) -> Vec<Message> {
    let filter = |name: &str, config: Message| {
        Message::default()
            .field("name", format!("envoy.filters.http.{name}"))
            .field("typedConfig", config)
    };
    let any = |name: &str, type_name: &str| {
        Message::any(&format!(
            "envoy.extensions.filters.http.{name}.v3.{type_name}"
        ))
    };
    let stats = any("grpc_stats", "FilterConfig")
        .flag("emitFilterState", true)
        .field("statsForAllMethods", false);
    let tokens = jwt_authn.map(|tokens| filter("jwt_authn", tokens.message()));
    let mut filters = Vec::from_iter(tokens);
    filters.extend([
        filter("grpc_stats", stats),
        filter("fault", any("fault", "HTTPFault")),
        filter("cors", any("cors", "Cors")),
    ]);
    if asks_dns {
        let cache = dns_cache_of_unknown_hosts();
        let config = any("dynamic_forward_proxy", "FilterConfig").field("dnsCacheConfig", cache);
        filters.push(filter("dynamic_forward_proxy", config));
    }
    filters.push(filter("router", any("router", "Router")));
    filters
}

/// The table of hosts that nobody knows, where DNS is asked for them; Pilot writes it into the listener.
pub(super) const DYNAMIC_DNS_TABLE: &str = "allow_any_dynamic_dns";
