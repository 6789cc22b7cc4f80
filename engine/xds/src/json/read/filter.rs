//! What routes tell HTTP filters: faults and cross-origin policies.

use super::ReadError;
use super::fields::{Fields, fractional_percent, runtime_fraction};
use crate::{
    AbortStatus, CorsPolicy, FaultAbort, FaultDelay, HeaderMatcher, HttpFault, StringMatch,
};
use base::Ratio;

/// What one route, or one virtual host, tells the filters that we know.
#[derive(Clone, Default)]
pub(super) struct PerFilterConfig {
    pub(super) fault: Option<HttpFault>,
    pub(super) cors: Option<CorsPolicy>,
}

impl PerFilterConfig {
    /// `typedPerFilterConfig`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let mut config = Self::default();
        fields.map("typedPerFilterConfig", |_, fields| {
            fields.of_type(|type_name, fields| config.add(type_name, fields))
        })?;
        Ok(config)
    }

    fn add(&mut self, type_name: &str, fields: &Fields<'_>) -> Result<(), ReadError> {
        match type_name {
            "envoy.config.route.v3.FilterConfig" => {
                fields.without_effect(&["isOptional"]);
                let added = fields.any("config", |type_name, fields| self.add(type_name, fields));
                return added.map(Option::unwrap_or_default);
            }
            HTTP_FAULT => self.fault = HttpFault::read(fields)?,
            CORS_POLICY => self.cors = CorsPolicy::read(fields)?,
            _ => fields.skip("is not modelled"),
        }
        Ok(())
    }
}

impl HttpFault {
    /// `envoy.extensions.filters.http.fault.v3.HTTPFault`; none where it injects nothing.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        fields.without_effect(&[
            "abortHttpStatusRuntime",
            "abortGrpcStatusRuntime",
            "abortPercentRuntime",
            "delayDurationRuntime",
            "delayPercentRuntime",
            "disableDownstreamClusterStats",
        ]);
        let delay = fields.message("delay", |fields| {
            Ok((
                FaultDelay::read(fields)?,
                asked_share(fields, "headerDelay")?,
            ))
        })?;
        let abort = fields.message("abort", |fields| {
            Ok((
                FaultAbort::read(fields)?,
                asked_share(fields, "headerAbort")?,
            ))
        })?;
        let (delay, header_delay) = delay.unwrap_or_default();
        let (abort, header_abort) = abort.unwrap_or_default();
        let fault = Self {
            delay,
            abort,
            header_delay,
            header_abort,
            upstream_cluster: Some(fields.text("upstreamCluster")?).filter(|name| !name.is_empty()),
            max_active_faults: fields.number("maxActiveFaults")?,
            headers: fields.messages("headers", HeaderMatcher::read)?,
        };
        let injects = fault.delay.is_some()
            || fault.abort.is_some()
            || fault.header_delay.is_some()
            || fault.header_abort.is_some();
        Ok(injects.then_some(fault))
    }
}

impl FaultDelay {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let percentage = share(fields)?;
        let fixed_delay = fields.duration("fixedDelay")?;
        Ok(fixed_delay.map(|fixed_delay| Self {
            fixed_delay,
            percentage,
        }))
    }
}

impl FaultAbort {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let percentage = share(fields)?;
        let http = fields.number("httpStatus")?.map(AbortStatus::Http);
        let grpc = fields.number("grpcStatus")?.map(AbortStatus::Grpc);
        Ok(http.or(grpc).map(|status| Self { status, percentage }))
    }
}

/// The share of a fault that requests ask for, if it is one.
fn asked_share(fields: &Fields<'_>, marker: &str) -> Result<Option<Ratio>, ReadError> {
    Ok(if fields.marker(marker)? {
        Some(share(fields)?)
    } else {
        None
    })
}

/// Without a share, nothing is injected.
fn share(fields: &Fields<'_>) -> Result<Ratio, ReadError> {
    let share = fields.message("percentage", fractional_percent)?;
    Ok(share.unwrap_or(Ratio::ZERO))
}

impl CorsPolicy {
    /// `envoy.extensions.filters.http.cors.v3.CorsPolicy`; none where it is switched off.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let enabled = fields.message("filterEnabled", runtime_fraction)?;
        fields.without_effect(&["shadowEnabled"]);
        let policy = Self {
            allow_origin: fields.messages("allowOriginStringMatch", StringMatch::read)?,
            allow_methods: fields.text("allowMethods")?,
            allow_headers: fields.text("allowHeaders")?,
            expose_headers: fields.text("exposeHeaders")?,
            max_age: fields.text("maxAge")?,
            allow_credentials: fields.optional_flag("allowCredentials")?,
            forward_not_matching_preflights: fields
                .optional_flag("forwardNotMatchingPreflights")?
                .unwrap_or(true),
        };
        Ok((!enabled.is_some_and(Ratio::is_zero)).then_some(policy))
    }
}

const HTTP_FAULT: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";
pub(super) const JWT_AUTHENTICATION: &str =
    "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const CORS_POLICY: &str = "envoy.extensions.filters.http.cors.v3.CorsPolicy";

/// Whether an HTTP filter of a connection manager is modelled, or changes nothing about traffic.
pub(super) fn is_known_http_filter(
    name: &str,
    type_name: &str,
    config: &Fields<'_>,
) -> Result<bool, ReadError> {
    if type_name == HTTP_FAULT {
        // Routes say what is injected; what the filter itself says holds for those that say nothing.
        if HttpFault::read(config)?.is_some() {
            config.note("injects faults into routes that say nothing about them: not modelled");
        }
        return Ok(true);
    }
    config.ignore_all();
    let is_router_or_cors = [
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.http.cors.v3.Cors",
    ]
    .contains(&type_name);
    let measures = type_name.starts_with("envoy.extensions.filters.http.grpc_stats.");
    let is_istio = ["istio.", "istio_authn"]
        .iter()
        .any(|start| name.starts_with(start));
    Ok(is_router_or_cors || measures || is_istio)
}
