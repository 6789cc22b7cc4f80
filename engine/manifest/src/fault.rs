//! `fault` of a VirtualService's HTTP rule: delays and aborts that the client's proxy injects.

use base::SimDuration;
use serde::Deserialize;

use crate::one_of::{OneOfError, at_most_one};
use crate::percent::Percent;
use crate::span::Spanned;
use crate::timeout;

/// Istio's HTTPFaultInjection.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct HttpFaultInjection {
    /// Requests that wait before they are forwarded.
    pub delay: Option<Spanned<Delay>>,
    /// Requests that are answered with an error.
    pub abort: Option<Spanned<Abort>>,
}

/// A delay and its share of requests.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "DelayFields")]
pub struct Delay {
    /// How long.
    pub kind: Option<DelayKind>,
    /// The share of requests; none means no request.
    pub percentage: Option<Percent>,
    /// The share in whole per cent (deprecated).
    pub percent: i32,
}

/// How a delay is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelayKind {
    /// `fixedDelay`: always as long.
    Fixed(SimDuration),
    /// `exponentialDelay`: Istio's webhook refuses it.
    Exponential(SimDuration),
}

/// An error and its share of requests.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "AbortFields")]
pub struct Abort {
    /// What the client receives.
    pub error: Option<AbortError>,
    /// The share of requests; none means no request.
    pub percentage: Option<Percent>,
}

/// What an aborted request receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbortError {
    /// `httpStatus`: a response with this status.
    HttpStatus(i32),
    /// `grpcStatus`: a gRPC response with the status of this name.
    GrpcStatus(String),
    /// `http2Error`: Istio's webhook refuses it.
    Http2Error(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DelayFields {
    #[serde(default)]
    percent: i32,
    #[serde(default, deserialize_with = "timeout::optional")]
    fixed_delay: Option<SimDuration>,
    #[serde(default, deserialize_with = "timeout::optional")]
    exponential_delay: Option<SimDuration>,
    percentage: Option<Percent>,
}

impl TryFrom<DelayFields> for Delay {
    type Error = OneOfError;
    fn try_from(fields: DelayFields) -> Result<Self, OneOfError> {
        let kind = at_most_one([
            ("fixedDelay", fields.fixed_delay.map(DelayKind::Fixed)),
            (
                "exponentialDelay",
                fields.exponential_delay.map(DelayKind::Exponential),
            ),
        ])?;
        Ok(Self {
            kind,
            percentage: fields.percentage,
            percent: fields.percent,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AbortFields {
    http_status: Option<i32>,
    grpc_status: Option<String>,
    #[serde(rename = "http2Error")]
    http2_error: Option<String>,
    percentage: Option<Percent>,
}

impl TryFrom<AbortFields> for Abort {
    type Error = OneOfError;
    fn try_from(fields: AbortFields) -> Result<Self, OneOfError> {
        let error = at_most_one([
            ("httpStatus", fields.http_status.map(AbortError::HttpStatus)),
            ("grpcStatus", fields.grpc_status.map(AbortError::GrpcStatus)),
            ("http2Error", fields.http2_error.map(AbortError::Http2Error)),
        ])?;
        Ok(Self {
            error,
            percentage: fields.percentage,
        })
    }
}
