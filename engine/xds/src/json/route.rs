//! Route configurations.

use super::message::{Message, fractional_percent};
use super::string_match::safe_regex;
use super::{istio_metadata, metadata};
use crate::{
    ClusterChoice, DirectResponse, HashPolicy, HashSource, HeaderMatcher, HostRewrite,
    MetadataMatcher, PathMatch, PathRedirect, PathRewrite, QueryMatcher, Redirect, RegexRewrite,
    RequestMirror, Route, RouteAction, RouteConfiguration, RouteMatch, RouteTarget, VirtualHost,
    WeightedCluster,
};
use serde_json::Value;

impl RouteConfiguration {
    /// `envoy.config.route.v3.RouteConfiguration`.
    pub fn to_json(&self) -> Value {
        // Only outbound tables, which answer to many names, are made with larger direct responses.
        let max_body = self.ignore_port_in_host_matching.then_some(1_048_576);
        let message = Message::default().text("name", &self.name).list(
            "virtualHosts",
            self.virtual_hosts.iter().map(VirtualHost::to_json),
        );
        let message = self.request_headers.write(message, "request");
        self.response_headers
            .write(message, "response")
            .flag(
                "mostSpecificHeaderMutationsWins",
                self.most_specific_header_mutations_wins,
            )
            .field("validateClusters", false)
            .optional("maxDirectResponseBodySizeBytes", max_body)
            .flag(
                "ignorePortInHostMatching",
                self.ignore_port_in_host_matching,
            )
            .build()
    }
}

impl VirtualHost {
    /// `envoy.config.route.v3.VirtualHost`.
    pub fn to_json(&self) -> Value {
        // Istio names a virtual host after its host and port.
        let port = self.name.rsplit_once(':').map_or("", |(_, port)| port);
        let is_inbound = self.name.starts_with("inbound|");
        let message = Message::default()
            .text("name", &self.name)
            .list("domains", self.domains.iter().map(String::as_str))
            .list(
                "routes",
                self.routes.iter().map(|route| {
                    let (message, specifier) = route.message();
                    if is_inbound || port.is_empty() {
                        message
                    } else {
                        let operation = route.operation(specifier.as_deref(), port);
                        let decorator = Message::default().field("operation", operation);
                        message.field("decorator", decorator)
                    }
                }),
            )
            .text("requireTls", if self.require_tls { "ALL" } else { "" })
            .flag(
                "includeRequestAttemptCount",
                self.include_request_attempt_count,
            )
            .flag(
                "includeAttemptCountInResponse",
                self.include_attempt_count_in_response,
            );
        let message = self.request_headers.write(message, "request");
        self.response_headers.write(message, "response").build()
    }
}

impl Route {
    /// `envoy.config.route.v3.Route`, without its decorator, which needs the virtual host's port.
    pub fn to_json(&self) -> Value {
        self.message().0.build()
    }

    /// The message, and the only cluster that it forwards to.
    fn message(&self) -> (Message, Option<String>) {
        let is_match_written = self
            .origin
            .as_ref()
            .is_some_and(|origin| origin.match_block.is_some());
        let case =
            (is_match_written || !self.match_.case_sensitive).then_some(self.match_.case_sensitive);
        let message = Message::default()
            .text("name", &self.name)
            .text("statPrefix", &self.stat_prefix)
            .field(
                "match",
                self.match_.message().optional("caseSensitive", case),
            )
            .optional(
                "metadata",
                self.origin
                    .as_ref()
                    .map(|origin| metadata(istio_metadata(origin))),
            );
        let message = self.request_headers.write(message, "request");
        let message = self.response_headers.write(message, "response");
        let mut filters = Message::default();
        if let Some(fault) = &self.fault {
            filters = filters.field("envoy.filters.http.fault", fault.to_json());
        }
        if let Some(cors) = &self.cors {
            filters = filters.field("envoy.filters.http.cors", cors.to_json());
        }
        let message = if filters.is_empty() {
            message
        } else {
            message.field("typedPerFilterConfig", filters)
        };
        match &self.action {
            RouteAction::Route(target) => {
                let only = match target.clusters.as_slice() {
                    [only] if !target.is_weighted => Some(only.name.clone()),
                    _ => None,
                };
                let limit = target.request_body_buffer_limit;
                let message = message.optional("requestBodyBufferLimit", limit);
                (message.field("route", target.to_json()), only)
            }
            RouteAction::Redirect(redirect) => {
                (message.field("redirect", redirect.to_json()), None)
            }
            RouteAction::DirectResponse(response) => {
                (message.field("directResponse", response.to_json()), None)
            }
        }
    }

    /// What Istio calls the route in traces.
    ///
    /// Source: istio/istio, pilot/pkg/networking/core/route/route.go (GetRouteOperation).
    fn operation(&self, cluster: Option<&str>, port: &str) -> String {
        let path = match &self.match_.path {
            PathMatch::Prefix(prefix) => format!("{prefix}*"),
            PathMatch::Path(path) => path.clone(),
            PathMatch::SafeRegex(regex) => regex.clone(),
            PathMatch::PathSeparatedPrefix(_) => "/*".to_owned(),
        };
        let parts: Vec<_> = cluster.map_or_else(Vec::new, |name| name.split('|').collect());
        if let [_, cluster_port, _, host] = parts.as_slice() {
            return format!("{host}:{cluster_port}{path}");
        }
        let object = self.origin.as_ref().map_or("", |origin| &origin.object);
        let name = object.split_once('/').map_or(object, |(_, name)| name);
        format!("{name}:{port}{path}")
    }
}

impl RouteMatch {
    /// `envoy.config.route.v3.RouteMatch`.
    pub fn to_json(&self) -> Value {
        let case = (!self.case_sensitive).then_some(false);
        self.message().optional("caseSensitive", case).build()
    }

    fn message(&self) -> Message {
        let fraction = self
            .runtime_fraction
            .map(|share| Message::default().field("defaultValue", fractional_percent(share)));
        let (field, path) = match &self.path {
            PathMatch::Prefix(prefix) => ("prefix", Value::from(prefix.as_str())),
            PathMatch::Path(path) => ("path", path.as_str().into()),
            PathMatch::SafeRegex(regex) => ("safeRegex", safe_regex(regex).into()),
            PathMatch::PathSeparatedPrefix(prefix) => {
                ("pathSeparatedPrefix", prefix.as_str().into())
            }
        };
        Message::default()
            .field(field, path)
            .list("headers", self.headers.iter().map(HeaderMatcher::to_json))
            .list(
                "queryParameters",
                self.query_parameters.iter().map(QueryMatcher::to_json),
            )
            .list(
                "dynamicMetadata",
                self.dynamic_metadata.iter().map(MetadataMatcher::to_json),
            )
            .optional("grpc", self.grpc.then(Message::default))
            .optional("runtimeFraction", fraction)
    }
}

impl RouteTarget {
    /// `envoy.config.route.v3.RouteAction`.
    pub fn to_json(&self) -> Value {
        let message = match (self.clusters.as_slice(), &self.cluster_choice) {
            (_, ClusterChoice::Name(header)) => Message::default().text("clusterHeader", header),
            ([only], _) if !self.is_weighted => {
                Message::default().field("cluster", only.name.as_str())
            }
            (several, choice) => {
                let weighted = Message::default()
                    .list("clusters", several.iter().map(WeightedCluster::to_json));
                let weighted = match choice {
                    ClusterChoice::Random | ClusterChoice::Name(_) => weighted,
                    ClusterChoice::Header(name) => weighted.text("headerName", name),
                    ClusterChoice::Hash => weighted.field("useHashPolicy", true),
                };
                Message::default().field("weightedClusters", weighted)
            }
        };
        let message = match &self.path_rewrite {
            None => message,
            Some(PathRewrite::Prefix(path)) => message.field("prefixRewrite", path.as_str()),
            Some(PathRewrite::Regex(regex)) => message.field("regexRewrite", regex.write()),
        };
        let message = match &self.host_rewrite {
            None => message,
            Some(HostRewrite::Literal(host)) => message.field("hostRewriteLiteral", host.as_str()),
            Some(HostRewrite::Header(name)) => message.field("hostRewriteHeader", name.as_str()),
            Some(HostRewrite::PathRegex(regex)) => {
                message.field("hostRewritePathRegex", regex.write())
            }
            Some(HostRewrite::Auto) => message.field("autoHostRewrite", true),
        };
        let append = self.append_x_forwarded_host.then_some(true);
        let message = message.optional("appendXForwardedHost", append);
        let longest = self.max_stream_duration.map(|longest| {
            Message::default()
                .optional_duration("maxStreamDuration", longest.max)
                .optional_duration("grpcTimeoutHeaderMax", longest.grpc_timeout_header_max)
        });
        let message = message
            .optional("maxStreamDuration", longest)
            .optional_duration("maxGrpcTimeout", self.max_grpc_timeout)
            .optional_duration("idleTimeout", self.idle_timeout);
        let message = match self.cluster_not_found_response_code {
            500 => message.field("clusterNotFoundResponseCode", "INTERNAL_SERVER_ERROR"),
            404 => message.field("clusterNotFoundResponseCode", "NOT_FOUND"),
            _ => message,
        };
        message
            .duration("timeout", self.timeout)
            .optional(
                "retryPolicy",
                self.retry_policy.as_ref().map(crate::RetryPolicy::to_json),
            )
            .list(
                "requestMirrorPolicies",
                self.mirrors.iter().map(RequestMirror::to_json),
            )
            .list(
                "hashPolicy",
                self.hash_policy.iter().map(HashPolicy::to_json),
            )
            .build()
    }
}

impl RegexRewrite {
    /// `envoy.type.matcher.v3.RegexMatchAndSubstitute`.
    fn write(&self) -> Message {
        Message::default()
            .field("pattern", safe_regex(&self.pattern))
            .text("substitution", &self.substitution)
    }
}

impl WeightedCluster {
    /// `envoy.config.route.v3.WeightedCluster.ClusterWeight`.
    pub fn to_json(&self) -> Value {
        let message = Message::default()
            .text("name", &self.name)
            .field("weight", self.weight)
            .optional("hostRewriteLiteral", self.host_rewrite_literal.as_deref());
        let message = self.request_headers.write(message, "request");
        let message = self.response_headers.write(message, "response");
        let fault = self
            .fault
            .as_ref()
            .map(|fault| Message::default().field("envoy.filters.http.fault", fault.to_json()));
        message.optional("typedPerFilterConfig", fault).build()
    }
}

impl RequestMirror {
    /// `envoy.config.route.v3.RouteAction.RequestMirrorPolicy`.
    pub fn to_json(&self) -> Value {
        let fraction = Message::default().field("defaultValue", fractional_percent(self.fraction));
        Message::default()
            .text("cluster", &self.cluster)
            .field("runtimeFraction", fraction)
            .field("traceSampled", false)
            .flag(
                "disableShadowHostSuffixAppend",
                self.disable_shadow_host_suffix_append,
            )
            .build()
    }
}

impl HashPolicy {
    /// `envoy.config.route.v3.RouteAction.HashPolicy`.
    pub fn to_json(&self) -> Value {
        let message = Message::default();
        match &self.source {
            HashSource::Header { name, rewrite } => message.field(
                "header",
                Message::default()
                    .text("headerName", name)
                    .optional("regexRewrite", rewrite.as_ref().map(RegexRewrite::write)),
            ),
            HashSource::Cookie {
                name,
                path,
                ttl,
                attributes,
            } => message.field(
                "cookie",
                Message::default()
                    .text("name", name)
                    .text("path", path.as_deref().unwrap_or(""))
                    .optional_duration("ttl", *ttl)
                    .list(
                        "attributes",
                        attributes.iter().map(|(name, value)| {
                            Message::default().text("name", name).text("value", value)
                        }),
                    ),
            ),
            HashSource::SourceIp => message.field(
                "connectionProperties",
                Message::default().flag("sourceIp", true),
            ),
            HashSource::QueryParameter { name } => {
                message.field("queryParameter", Message::default().text("name", name))
            }
        }
        .flag("terminal", self.is_terminal)
        .build()
    }
}

impl Redirect {
    /// `envoy.config.route.v3.RedirectAction`.
    pub fn to_json(&self) -> Value {
        let code = match self.response_code {
            302 => "FOUND",
            303 => "SEE_OTHER",
            307 => "TEMPORARY_REDIRECT",
            308 => "PERMANENT_REDIRECT",
            _ => "",
        };
        let message = Message::default()
            .optional("schemeRedirect", self.scheme.as_deref())
            .text("hostRedirect", self.host.as_deref().unwrap_or(""))
            .number("portRedirect", u32::from(self.port.unwrap_or(0)));
        let message = match &self.path {
            // Pilot always names a path.
            None => message.field("pathRedirect", ""),
            Some(PathRedirect::Path(path)) => message.field("pathRedirect", path.as_str()),
            Some(PathRedirect::Prefix(prefix)) => message.field("prefixRewrite", prefix.as_str()),
            Some(PathRedirect::Regex(regex)) => message.field("regexRewrite", regex.write()),
        };
        message
            .optional("stripQuery", self.strip_query.then_some(true))
            .text("responseCode", code)
            .build()
    }
}

impl DirectResponse {
    /// `envoy.config.route.v3.DirectResponseAction`.
    pub fn to_json(&self) -> Value {
        let body = (!self.body.is_empty())
            .then(|| Message::default().field("inlineString", self.body.as_str()));
        Message::default()
            .number("status", u32::from(self.status))
            .optional("body", body)
            .build()
    }
}
