//! Injected faults.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (TranslateFault), pkg/util/grpc.

use base::Ratio;
use manifest::fault::{AbortError, DelayKind, HttpFaultInjection};
use xds::{AbortStatus, FaultAbort, FaultDelay, HttpFault};

/// The faults of a rule; a share that is not written is none at all.
pub(crate) fn http_fault(written: &HttpFaultInjection) -> Option<HttpFault> {
    let delay = written.delay.as_ref().and_then(|delay| match delay.kind {
        Some(DelayKind::Fixed(fixed_delay)) => Some(FaultDelay {
            fixed_delay,
            percentage: match delay.percentage {
                Some(percentage) => percentage.ratio(),
                None => Ratio::hundred(u32::try_from(delay.percent).unwrap_or(0)),
            },
        }),
        Some(DelayKind::Exponential(_)) | None => None,
    });
    let abort = written.abort.as_ref().and_then(|abort| {
        let status = match abort.error.as_ref()? {
            AbortError::HttpStatus(status) => AbortStatus::Http(u16::try_from(*status).ok()?),
            AbortError::GrpcStatus(name) => AbortStatus::Grpc(grpc_status(name)?),
            AbortError::Http2Error(_) => return None,
        };
        Some(FaultAbort {
            status,
            percentage: abort.percentage.map_or(Ratio::ZERO, |share| share.ratio()),
        })
    });
    (delay.is_some() || abort.is_some()).then_some(HttpFault {
        delay,
        abort,
        ..HttpFault::default()
    })
}

/// The number of a gRPC status.
pub(crate) fn grpc_status(name: &str) -> Option<u8> {
    let number = GRPC_STATUSES.iter().position(|known| *known == name)?;
    u8::try_from(number).ok()
}

/// In the order of their numbers.
const GRPC_STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
