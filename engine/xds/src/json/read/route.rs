//! Route configurations.

use super::ReadError;
use super::fields::{Fields, runtime_fraction};
use super::filter::PerFilterConfig;
use super::metadata::IstioMetadata;
use super::string_match::safe_regex;
use crate::{
    ClusterChoice, DirectResponse, HashPolicy, HashSource, HeaderMatcher, HeaderMutations,
    HostRewrite, MaxStreamDuration, MetadataMatcher, PathMatch, PathRedirect, PathRewrite,
    QueryMatcher, Redirect, RegexRewrite, RequestMirror, RetryPolicy, Route, RouteAction,
    RouteConfiguration, RouteMatch, RouteTarget, VirtualHost, WeightedCluster,
};
use base::{Ratio, SimDuration};

impl RouteConfiguration {
    /// `envoy.config.route.v3.RouteConfiguration`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&[
            "@type",
            "validateClusters",
            "maxDirectResponseBodySizeBytes",
        ]);
        Ok(Self {
            name: fields.text("name")?,
            virtual_hosts: fields.messages("virtualHosts", VirtualHost::read)?,
            ignore_port_in_host_matching: fields.flag("ignorePortInHostMatching")?,
            request_headers: HeaderMutations::read(fields, "request")?,
            response_headers: HeaderMutations::read(fields, "response")?,
            most_specific_header_mutations_wins: fields.flag("mostSpecificHeaderMutationsWins")?,
        })
    }
}

impl VirtualHost {
    /// `envoy.config.route.v3.VirtualHost`; what it says for all of its routes is written into them.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["virtualClusters", "metadata", "includeIsTimeoutRetryHeader"]);
        let defaults = RouteDefaults {
            filters: PerFilterConfig::read(fields)?,
            retry_policy: fields.message("retryPolicy", RetryPolicy::read)?,
            request_body_buffer_limit: buffer_limit(fields)?,
        };
        let routes = fields.messages("routes", |route| Route::read(route, &defaults))?;
        let domains = fields.texts("domains")?;
        let tls = [("NONE", false), ("EXTERNAL_ONLY", true), ("ALL", true)];
        Ok(Self {
            name: fields.text("name")?,
            domains: domains
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            routes: routes.into_iter().flatten().collect(),
            include_request_attempt_count: fields.flag("includeRequestAttemptCount")?,
            include_attempt_count_in_response: fields.flag("includeAttemptCountInResponse")?,
            request_headers: HeaderMutations::read(fields, "request")?,
            response_headers: HeaderMutations::read(fields, "response")?,
            require_tls: fields.choice("requireTls", &tls)?.unwrap_or(false),
        })
    }
}

/// What a virtual host says for those of its routes that do not say it themselves.
struct RouteDefaults {
    filters: PerFilterConfig,
    retry_policy: Option<RetryPolicy>,
    request_body_buffer_limit: Option<u64>,
}

/// What a virtual host or a route says about how much of a request is kept: the newer field, else the older.
fn buffer_limit(fields: &Fields<'_>) -> Result<Option<u64>, ReadError> {
    let older = fields.number("perRequestBufferLimitBytes")?;
    Ok(fields.number("requestBodyBufferLimit")?.or(older))
}

impl Route {
    /// `envoy.config.route.v3.Route`; none where its condition cannot be told.
    fn read(fields: &Fields<'_>, defaults: &RouteDefaults) -> Result<Option<Self>, ReadError> {
        fields.without_effect(&["decorator", "tracing"]);
        let match_ = fields.message("match", RouteMatch::read)?;
        let match_ = fields.required("match", match_)?;
        let own_limit = buffer_limit(fields)?;
        let limit = own_limit.or(defaults.request_body_buffer_limit);
        let Some(action) = RouteAction::read(fields, defaults, limit)? else {
            fields.skip("is left out: what it does is not modelled");
            return Ok(None);
        };
        let filters = PerFilterConfig::read(fields)?;
        let name = fields.text("name")?;
        let stat_prefix = fields.text("statPrefix")?;
        let origin = IstioMetadata::read(fields)?.origin;
        let request_headers = HeaderMutations::read(fields, "request")?;
        let response_headers = HeaderMutations::read(fields, "response")?;
        Ok(match_.map(|match_| Self {
            name,
            stat_prefix,
            match_,
            action,
            request_headers,
            response_headers,
            fault: filters.fault.or_else(|| defaults.filters.fault.clone()),
            cors: filters.cors.or_else(|| defaults.filters.cors.clone()),
            origin,
        }))
    }
}

impl RouteMatch {
    /// `envoy.config.route.v3.RouteMatch`; none where its path cannot be told.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let Some(path) = PathMatch::read(fields)? else {
            fields.skip("is not modelled: the route is left out");
            return Ok(None);
        };
        Ok(Some(Self {
            path,
            case_sensitive: fields.optional_flag("caseSensitive")?.unwrap_or(true),
            headers: fields.messages("headers", HeaderMatcher::read)?,
            query_parameters: fields.messages("queryParameters", QueryMatcher::read)?,
            dynamic_metadata: fields.messages("dynamicMetadata", MetadataMatcher::read)?,
            grpc: fields.marker("grpc")?,
            runtime_fraction: fields.message("runtimeFraction", runtime_fraction)?,
        }))
    }
}

impl PathMatch {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let known = [
            ("prefix", Self::Prefix as fn(String) -> Self),
            ("path", Self::Path),
            ("pathSeparatedPrefix", Self::PathSeparatedPrefix),
        ];
        for (name, make) in known {
            if let Some(path) = fields.optional_text(name)? {
                return Ok(Some(make(path)));
            }
        }
        Ok(fields
            .message("safeRegex", safe_regex)?
            .map(Self::SafeRegex))
    }
}

impl RouteAction {
    fn read(
        fields: &Fields<'_>,
        defaults: &RouteDefaults,
        request_body_buffer_limit: Option<u64>,
    ) -> Result<Option<Self>, ReadError> {
        if let Some(target) = fields.message("route", |f| RouteTarget::read(f, defaults))? {
            return Ok(Some(Self::Route(Box::new(RouteTarget {
                request_body_buffer_limit,
                ..target
            }))));
        }
        if let Some(redirect) = fields.message("redirect", Redirect::read)? {
            return Ok(Some(Self::Redirect(redirect)));
        }
        let response = fields.message("directResponse", DirectResponse::read)?;
        Ok(response.map(Self::DirectResponse))
    }
}

impl RouteTarget {
    /// `envoy.config.route.v3.RouteAction`.
    fn read(fields: &Fields<'_>, defaults: &RouteDefaults) -> Result<Self, ReadError> {
        fields.without_effect(&["upgradeConfigs", "includeVhRateLimits"]);
        let weighted = fields.message("weightedClusters", weighted_clusters)?;
        let is_weighted = weighted.is_some();
        let (clusters, cluster_choice) = match weighted {
            Some(weighted) => weighted,
            None => match fields.optional_text("clusterHeader")? {
                Some(header) => (Vec::new(), ClusterChoice::Name(header.to_ascii_lowercase())),
                None => {
                    let only = WeightedCluster::only(only_cluster(fields)?);
                    (vec![only], ClusterChoice::Random)
                }
            },
        };
        let retry_policy = fields.message("retryPolicy", RetryPolicy::read)?;
        Ok(Self {
            clusters,
            is_weighted,
            cluster_choice,
            path_rewrite: PathRewrite::read(fields)?,
            host_rewrite: HostRewrite::read(fields)?,
            append_x_forwarded_host: fields.flag("appendXForwardedHost")?,
            timeout: fields.duration("timeout")?.unwrap_or(DEFAULT_TIMEOUT),
            max_grpc_timeout: fields.duration("maxGrpcTimeout")?,
            idle_timeout: fields.duration("idleTimeout")?,
            max_stream_duration: fields.message("maxStreamDuration", MaxStreamDuration::read)?,
            request_body_buffer_limit: None,
            retry_policy: retry_policy.or_else(|| defaults.retry_policy.clone()),
            mirrors: fields.messages("requestMirrorPolicies", RequestMirror::read)?,
            hash_policy: fields
                .messages("hashPolicy", HashPolicy::read)?
                .into_iter()
                .flatten()
                .collect(),
            cluster_not_found_response_code: fields
                .choice("clusterNotFoundResponseCode", &NOT_FOUND_CODES)?
                .unwrap_or(503),
        })
    }
}

impl MaxStreamDuration {
    /// `envoy.config.route.v3.RouteAction.MaxStreamDuration`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            max: fields.duration("maxStreamDuration")?,
            grpc_timeout_header_max: fields.duration("grpcTimeoutHeaderMax")?,
        })
    }
}

/// The statuses of requests whose cluster does not exist.
const NOT_FOUND_CODES: [(&str, u16); 3] = [
    ("SERVICE_UNAVAILABLE", 503),
    ("NOT_FOUND", 404),
    ("INTERNAL_SERVER_ERROR", 500),
];

/// Envoy's default of a route's timeout.
const DEFAULT_TIMEOUT: SimDuration = SimDuration::from_secs(15);

/// The only cluster of a route, or a name that no cluster has.
fn only_cluster(fields: &Fields<'_>) -> Result<String, ReadError> {
    if let Some(cluster) = fields.optional_text("cluster")? {
        return Ok(cluster);
    }
    fields.skip("names no cluster that is modelled: none is found");
    Ok("a cluster that is not modelled".to_owned())
}

fn weighted_clusters(
    fields: &Fields<'_>,
) -> Result<(Vec<WeightedCluster>, ClusterChoice), ReadError> {
    fields.without_effect(&["runtimeKeyPrefix", "totalWeight"]);
    let header = fields.text("headerName")?.to_ascii_lowercase();
    let choice = if !header.is_empty() {
        ClusterChoice::Header(header)
    } else if fields.flag("useHashPolicy")? {
        ClusterChoice::Hash
    } else {
        ClusterChoice::Random
    };
    Ok((fields.messages("clusters", WeightedCluster::read)?, choice))
}

impl WeightedCluster {
    /// `envoy.config.route.v3.WeightedCluster.ClusterWeight`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let filters = PerFilterConfig::read(fields)?;
        if filters.cors.is_some() {
            fields.note("has a CORS policy of its own: not modelled");
        }
        Ok(Self {
            name: fields.text("name")?,
            weight: fields.number("weight")?.unwrap_or(0),
            request_headers: HeaderMutations::read(fields, "request")?,
            response_headers: HeaderMutations::read(fields, "response")?,
            host_rewrite_literal: fields.optional_text("hostRewriteLiteral")?,
            fault: filters.fault,
            origin: None,
        })
    }

    fn only(name: String) -> Self {
        Self {
            name,
            weight: 100,
            ..Self::default()
        }
    }
}

impl PathRewrite {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let regex = fields
            .message("regexRewrite", RegexRewrite::read)?
            .map(Self::Regex);
        // In protobuf's eyes an empty prefix is none.
        let prefix = fields.text("prefixRewrite")?;
        Ok(regex.or_else(|| (!prefix.is_empty()).then_some(Self::Prefix(prefix))))
    }
}

impl RegexRewrite {
    /// `envoy.type.matcher.v3.RegexMatchAndSubstitute`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let pattern = fields.message("pattern", safe_regex)?;
        Ok(Self {
            pattern: fields.required("pattern", pattern)?,
            substitution: fields.text("substitution")?,
        })
    }
}

impl HostRewrite {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        if let Some(host) = fields.optional_text("hostRewriteLiteral")? {
            return Ok(Some(Self::Literal(host)));
        }
        if let Some(name) = fields.optional_text("hostRewriteHeader")? {
            return Ok(Some(Self::Header(name.to_ascii_lowercase())));
        }
        if let Some(regex) = fields.message("hostRewritePathRegex", RegexRewrite::read)? {
            return Ok(Some(Self::PathRegex(regex)));
        }
        let is_auto = fields.flag("autoHostRewrite")?;
        Ok(is_auto.then_some(Self::Auto))
    }
}

impl RequestMirror {
    /// `envoy.config.route.v3.RouteAction.RequestMirrorPolicy`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["traceSampled"]);
        let fraction = fields.message("runtimeFraction", runtime_fraction)?;
        Ok(Self {
            cluster: fields.text("cluster")?,
            fraction: fraction.unwrap_or(Ratio::ONE),
            disable_shadow_host_suffix_append: fields.flag("disableShadowHostSuffixAppend")?,
            origin: None,
        })
    }
}

impl HashPolicy {
    /// `envoy.config.route.v3.RouteAction.HashPolicy`; none where it is not modelled.
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let is_terminal = fields.flag("terminal")?;
        Ok(HashSource::read(fields)?.map(|source| Self {
            source,
            is_terminal,
        }))
    }
}

impl HashSource {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let header = fields.message("header", |header| {
            Ok(Self::Header {
                name: header.text("headerName")?,
                rewrite: header.message("regexRewrite", RegexRewrite::read)?,
            })
        })?;
        let cookie = fields.message("cookie", Self::read_cookie)?;
        let query = fields.message("queryParameter", |query| {
            Ok(Self::QueryParameter {
                name: query.text("name")?,
            })
        })?;
        let source = fields.message("connectionProperties", |source| source.flag("sourceIp"))?;
        let source = source.unwrap_or(false).then_some(Self::SourceIp);
        Ok(header.or(cookie).or(query).or(source))
    }

    fn read_cookie(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let path = fields.text("path")?;
        Ok(Self::Cookie {
            name: fields.text("name")?,
            path: (!path.is_empty()).then_some(path),
            ttl: fields.duration("ttl")?,
            attributes: fields.messages("attributes", |attribute| {
                Ok((attribute.text("name")?, attribute.text("value")?))
            })?,
        })
    }
}

impl Redirect {
    /// `envoy.config.route.v3.RedirectAction`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let codes = [
            ("MOVED_PERMANENTLY", 301),
            ("FOUND", 302),
            ("SEE_OTHER", 303),
            ("TEMPORARY_REDIRECT", 307),
            ("PERMANENT_REDIRECT", 308),
        ];
        let https = fields.flag("httpsRedirect")?.then(|| "https".to_owned());
        let filled = |text: String| (!text.is_empty()).then_some(text);
        let path = filled(fields.text("pathRedirect")?).map(PathRedirect::Path);
        let prefix = filled(fields.text("prefixRewrite")?).map(PathRedirect::Prefix);
        let regex = fields
            .message("regexRewrite", RegexRewrite::read)?
            .map(PathRedirect::Regex);
        Ok(Self {
            response_code: fields.choice("responseCode", &codes)?.unwrap_or(301),
            scheme: https.or(fields.optional_text("schemeRedirect")?),
            host: filled(fields.text("hostRedirect")?),
            port: fields.number("portRedirect")?.filter(|port| *port != 0),
            path: path.or(prefix).or(regex),
            strip_query: fields.flag("stripQuery")?,
        })
    }
}

impl DirectResponse {
    /// `envoy.config.route.v3.DirectResponseAction`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let body = fields.message("body", |body| body.text("inlineString"))?;
        Ok(Self {
            status: fields.number("status")?.unwrap_or(0),
            body: body.unwrap_or_default(),
        })
    }
}
