//! HTTP over a connection.

use super::super::ReadError;
use super::super::fields::Fields;
use super::super::filter::{JWT_AUTHENTICATION, is_known_http_filter};
use super::{FilterReading, cidr_range};
use crate::{
    EscapedSlashes, Filter, ForwardClientCertDetails, HeadersWithUnderscores,
    HttpConnectionManager, HttpTimeouts, JwtAuthn, PathNormalization, PortStripping,
    RouteConfiguration, ServerHeader,
};

/// `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`.
pub(super) fn manager(fields: &Fields<'_>) -> Result<FilterReading, ReadError> {
    fields.without_effect(&MANAGER_WITHOUT_EFFECT);
    let mut jwt_authn = None;
    fields.messages("httpFilters", |filter| {
        let is_optional = filter.flag("isOptional")?;
        let name = filter.text("name")?;
        let is_known = filter.any("typedConfig", |type_name, config| {
            if type_name != JWT_AUTHENTICATION {
                return is_known_http_filter(&name, type_name, config);
            }
            if jwt_authn.is_some() {
                config.skip("is the second filter of its kind: not modelled");
                return Ok(true);
            }
            jwt_authn = Some(Box::new(JwtAuthn::read(config)?));
            Ok(true)
        })?;
        if is_known != Some(true) && !is_optional {
            filter.skip(&format!("(`{name}`) is not modelled"));
        }
        filter.ignore_all();
        Ok(())
    })?;
    let table = fields.message("routeConfig", RouteConfiguration::read)?;
    let rds = fields.message("rds", |rds| {
        rds.without_effect(&["configSource"]);
        rds.text("routeConfigName")
    })?;
    let common = fields.message("commonHttpProtocolOptions", CommonOptions::read)?;
    let common = common.unwrap_or_default();
    let internal_addresses = fields.message("internalAddressConfig", |internal| {
        internal.without_effect(&["unixSockets"]);
        internal.messages("cidrRanges", cidr_range)
    })?;
    let inline = table.as_ref().map(|table| table.name.clone());
    let manager = HttpConnectionManager {
        stat_prefix: fields.text("statPrefix")?,
        route_config_name: inline.or(rds).unwrap_or_default(),
        path: path_normalization(fields)?,
        strip_port: match (
            fields.flag("stripMatchingHostPort")?,
            fields.flag("stripAnyHostPort")?,
        ) {
            (_, true) => PortStripping::Any,
            (true, false) => PortStripping::Matching,
            (false, false) => PortStripping::Never,
        },
        strip_trailing_host_dot: fields.flag("stripTrailingHostDot")?,
        headers_with_underscores: common.headers_with_underscores,
        use_remote_address: fields.flag("useRemoteAddress")?,
        xff_num_trusted_hops: fields.number("xffNumTrustedHops")?.unwrap_or(0),
        skip_xff_append: fields.flag("skipXffAppend")?,
        append_x_forwarded_port: fields.flag("appendXForwardedPort")?,
        internal_addresses: internal_addresses.unwrap_or_default(),
        upgrade_types: fields.messages("upgradeConfigs", |upgrade| {
            upgrade.without_effect(&["filters"]);
            upgrade.text("upgradeType")
        })?,
        forward_client_cert_details: fields
            .choice("forwardClientCertDetails", &CLIENT_CERT_DETAILS)?
            .unwrap_or_default(),
        server_name: fields.text("serverName")?,
        server_header: fields
            .choice("serverHeaderTransformation", &SERVER_HEADERS)?
            .unwrap_or_default(),
        timeouts: HttpTimeouts {
            stream_idle: fields.duration("streamIdleTimeout")?,
            request: fields.duration("requestTimeout")?,
            request_headers: fields.duration("requestHeadersTimeout")?,
            drain: fields.duration("drainTimeout")?,
            ..common.timeouts
        },
        jwt_authn,
    };
    Ok(FilterReading {
        filter: Filter::HttpConnectionManager(manager),
        table,
    })
}

/// The parts of a path that are changed before it is matched.
fn path_normalization(fields: &Fields<'_>) -> Result<PathNormalization, ReadError> {
    Ok(PathNormalization {
        // Bootstraps say so, and not listeners.
        rejects_fragments: false,
        escaped_slashes: fields
            .choice("pathWithEscapedSlashesAction", &ESCAPED_SLASHES)?
            .unwrap_or_default(),
        normalize: fields.flag("normalizePath")?,
        merge_slashes: fields.flag("mergeSlashes")?,
    })
}

/// `envoy.config.core.v3.HttpProtocolOptions`, towards clients.
#[derive(Default)]
struct CommonOptions {
    timeouts: HttpTimeouts,
    headers_with_underscores: HeadersWithUnderscores,
}

impl CommonOptions {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            timeouts: HttpTimeouts {
                idle: fields.duration("idleTimeout")?,
                max_connection_duration: fields.duration("maxConnectionDuration")?,
                max_stream_duration: fields.duration("maxStreamDuration")?,
                ..HttpTimeouts::default()
            },
            headers_with_underscores: fields
                .choice("headersWithUnderscoresAction", &WITH_UNDERSCORES)?
                .unwrap_or_default(),
        })
    }
}

const ESCAPED_SLASHES: [(&str, EscapedSlashes); 5] = [
    ("IMPLEMENTATION_SPECIFIC_DEFAULT", EscapedSlashes::Keep),
    ("KEEP_UNCHANGED", EscapedSlashes::Keep),
    ("REJECT_REQUEST", EscapedSlashes::Reject),
    ("UNESCAPE_AND_REDIRECT", EscapedSlashes::UnescapeAndRedirect),
    ("UNESCAPE_AND_FORWARD", EscapedSlashes::UnescapeAndForward),
];
const WITH_UNDERSCORES: [(&str, HeadersWithUnderscores); 3] = [
    ("ALLOW", HeadersWithUnderscores::Allow),
    ("REJECT_REQUEST", HeadersWithUnderscores::RejectRequest),
    ("DROP_HEADER", HeadersWithUnderscores::DropHeader),
];
const SERVER_HEADERS: [(&str, ServerHeader); 3] = [
    ("OVERWRITE", ServerHeader::Overwrite),
    ("APPEND_IF_ABSENT", ServerHeader::AppendIfAbsent),
    ("PASS_THROUGH", ServerHeader::PassThrough),
];
const CLIENT_CERT_DETAILS: [(&str, ForwardClientCertDetails); 5] = [
    ("SANITIZE", ForwardClientCertDetails::Sanitize),
    ("FORWARD_ONLY", ForwardClientCertDetails::ForwardOnly),
    ("APPEND_FORWARD", ForwardClientCertDetails::AppendForward),
    ("SANITIZE_SET", ForwardClientCertDetails::SanitizeSet),
    (
        "ALWAYS_FORWARD_ONLY",
        ForwardClientCertDetails::AlwaysForwardOnly,
    ),
];

/// What concerns logs, traces, certificates that are passed on, and the codec.
const MANAGER_WITHOUT_EFFECT: [&str; 15] = [
    "@type",
    "accessLog",
    "accessLogOptions",
    "tracing",
    "generateRequestId",
    "requestIdExtension",
    "setCurrentClientCertDetails",
    "proxy100Continue",
    "codecType",
    "httpProtocolOptions",
    "http2ProtocolOptions",
    "alwaysSetRequestIdInResponse",
    "appendLocalOverload",
    "via",
    "typedHeaderValidationConfig",
];
