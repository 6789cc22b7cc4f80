//! Answers from the proxy itself.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (ApplyDirectResponse).

use manifest::direct_response::{HttpBody, HttpDirectResponse};
use xds::DirectResponse;

/// The answer; bytes that are no text are kept as far as they can be.
pub(crate) fn direct_response(written: &HttpDirectResponse) -> DirectResponse {
    let body = written.body.as_ref().map_or(&[][..], HttpBody::as_bytes);
    DirectResponse {
        status: u16::try_from(written.status).unwrap_or(u16::MAX),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}
