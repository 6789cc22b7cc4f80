//! The rules for injected faults.

use base::Location;
use manifest::fault::{AbortError, DelayKind, HttpFaultInjection};
use manifest::percent::Percent;
use manifest::span::Spanned;

use super::duration;
use crate::finding::Findings;
use crate::route::fault::grpc_status;

pub(super) fn validate(
    fault: &Spanned<HttpFaultInjection>,
    field: &str,
    findings: &mut Findings<'_>,
) {
    if fault.abort.is_none() && fault.delay.is_none() {
        let why = "HTTP fault injection must have an abort and/or a delay";
        findings.refuse(&fault.at, field, why);
    }
    if let Some(abort) = &fault.abort {
        let field = format!("{field}.abort");
        share(abort.percentage, &abort.at, &field, findings);
        match &abort.error {
            None => findings.warn(
                &abort.at,
                &field,
                "abort configured, but error type not set",
            ),
            Some(AbortError::HttpStatus(status)) if !(200..=600).contains(status) => {
                let why = format!("HTTP status {status} is not in range 200-599");
                findings.refuse(&abort.at, &field, why);
            }
            Some(AbortError::GrpcStatus(name)) if grpc_status(name).is_none() => {
                let why = format!(
                    "gRPC status {name:?} is not supported. See \
                     https://github.com/grpc/grpc/blob/master/doc/statuscodes.md for a list of supported codes, for \
                     example 'NOT_FOUND'"
                );
                findings.refuse(&abort.at, &field, why);
            }
            Some(AbortError::Http2Error(_)) => {
                let why = "HTTP/2 abort fault injection not supported yet";
                findings.refuse(&abort.at, &field, why);
            }
            Some(AbortError::HttpStatus(_) | AbortError::GrpcStatus(_)) => {}
        }
    }
    if let Some(delay) = &fault.delay {
        let field = format!("{field}.delay");
        share(delay.percentage, &delay.at, &field, findings);
        match delay.kind {
            Some(DelayKind::Fixed(span)) => duration(Some(span), &delay.at, &field, findings),
            Some(DelayKind::Exponential(_)) => {
                findings.refuse(&delay.at, &field, "exponentialDelay not supported yet");
            }
            None => {}
        }
    }
}

fn share(share: Option<Percent>, at: &Location, field: &str, findings: &mut Findings<'_>) {
    if let Some(share) = share
        && share.value != 0.0
        && !(0.0001..=100.0).contains(&share.value)
    {
        let why = format!(
            "percentage {} is neither 0.0, nor in range [0.0001, 100.0]",
            share.value
        );
        findings.refuse(at, field, why);
    }
}
