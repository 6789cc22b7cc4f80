//! Responses that the proxy makes itself: what they say, and how.
//!
//! While a request is under way a local reply is no more than a status, a flag and details (`LocalReply`). What the
//! client receives of it follows from the record ([`Reply`]) when somebody wants to know: `response`.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/utility.cc (sendLocalReply), source/common/grpc/status.cc.

use crate::effect::Reply;
use crate::response::Response;
use crate::response_flag::{Details, ResponseFlag, ResponseFlags};
use crate::router::rewrite;

/// A response that the proxy makes itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalReply {
    pub(crate) status: u16,
    pub(crate) flags: ResponseFlags,
    pub(crate) details: Details,
    /// The gRPC status for gRPC clients, where it does not follow from `status`.
    pub(crate) grpc_status: Option<u8>,
}

impl LocalReply {
    pub(crate) const fn new(status: u16, flag: ResponseFlag, details: Details) -> Self {
        Self {
            flags: ResponseFlags::of(flag),
            ..Self::unflagged(status, details)
        }
    }

    pub(crate) const fn unflagged(status: u16, details: Details) -> Self {
        Self {
            status,
            flags: ResponseFlags::NONE,
            details,
            grpc_status: None,
        }
    }

    /// The gRPC status that a gRPC client is told.
    pub(crate) fn grpc_status(&self) -> u8 {
        self.grpc_status.unwrap_or_else(|| grpc_status(self.status))
    }
}

/// What the client receives of a local reply, before the route's changes.
pub fn response(reply: &Reply) -> Response {
    let mut headers = Vec::new();
    for (details, name) in TELLING {
        if reply.details == details {
            headers.push((name.to_owned(), "true".to_owned()));
        }
    }
    let response = Response {
        status: reply.status,
        headers,
        body: body(reply),
    };
    complete(response, reply)
}

/// The form of a local reply: its length and type; to gRPC clients a status and a message instead.
pub(crate) fn complete(mut response: Response, reply: &Reply) -> Response {
    let body = std::mem::take(&mut response.body);
    let headers = &mut response.headers;
    if let Some(status) = reply.grpc_status {
        rewrite::set(headers, "content-type", "application/grpc".to_owned());
        rewrite::set(headers, "grpc-status", status.to_string());
        if !body.is_empty() {
            rewrite::set(headers, "grpc-message", percent_encoded(&body));
        }
        response.status = reply.status;
        return response;
    }
    if !body.is_empty() {
        rewrite::set(headers, "content-length", body.len().to_string());
        // A route may have given it another one.
        if !headers.iter().any(|(name, _)| name == "content-type") {
            rewrite::set(headers, "content-type", "text/plain".to_owned());
        }
    }
    response.body = body;
    response
}

/// What the proxy says.
fn body(reply: &Reply) -> String {
    let text = match reply.details {
        Details::NoHealthyUpstream => "no healthy upstream",
        Details::DropOverload => "drop overload",
        Details::UnconditionalDropOverload => "unconditional drop overload",
        Details::FaultFilterAbort => "fault filter abort",
        // Who asks for 204 gets nothing else, a gRPC client its status alone.
        Details::ResponseTimeout
        | Details::UpstreamPerTryTimeout
        | Details::UpstreamPerTryIdleTimeout
            if reply.status == 204 || reply.grpc_status == Some(grpc_status(204)) =>
        {
            ""
        }
        Details::ResponseTimeout
        | Details::UpstreamPerTryTimeout
        | Details::UpstreamPerTryIdleTimeout => "upstream request timeout",
        Details::UpstreamMaxStreamDuration => "upstream max stream duration reached",
        Details::StreamIdleTimeout => "stream timeout",
        Details::RequestOverallTimeout => "request timeout",
        Details::MaxDurationTimeout => "downstream duration timeout",
        Details::Overflow => return before_headers(reply, "overflow"),
        Details::RemoteConnectionFailure => {
            return before_headers(reply, "remote connection failure");
        }
        Details::ConnectionTimeout => return before_headers(reply, "connection timeout"),
        Details::ConnectionTermination | Details::LateConnectionTermination => {
            return before_headers(reply, "connection termination");
        }
        Details::RemoteReset | Details::LateRemoteReset => {
            return before_headers(reply, "remote reset");
        }
        Details::RemoteRefusedStreamReset => {
            return before_headers(reply, "remote refused stream reset");
        }
        Details::ProtocolError | Details::LateProtocolError => {
            return before_headers(reply, "protocol error");
        }
        Details::ViaUpstream
        | Details::DirectResponse
        | Details::RouteNotFound
        | Details::ClusterNotFound
        | Details::UpgradeFailed
        | Details::DownstreamRemoteDisconnect
        | Details::CorsPreflight
        | Details::PathNormalizationFailed
        | Details::MissingHostHeader
        | Details::MissingPath
        | Details::AbsolutePath => "",
        Details::JwtAuthnAccessDenied(status) => status.message(),
        Details::InvalidUrl | Details::UnexpectedUnderscore | Details::CodecError => "Bad Request",
    };
    text.to_owned()
}

fn before_headers(reply: &Reply, reason: &str) -> String {
    let retried = if reply.attempts > 1 {
        "retried and the latest "
    } else {
        ""
    };
    format!(
        "upstream connect error or disconnect/reset before headers. {retried}reset reason: {reason}"
    )
}

/// `grpc-message`: what is not printable ASCII, and the per cent sign, as `%XX`.
///
/// Source: envoyproxy/envoy 1.40, source/common/http/utility.cc (PercentEncoding::encode).
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The gRPC status of a local reply with this HTTP status.
pub fn grpc_status(http: u16) -> u8 {
    match http {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

/// The reply where no host could be chosen.
pub(crate) const NO_HEALTHY_UPSTREAM: LocalReply = LocalReply::new(
    503,
    ResponseFlag::NoHealthyUpstream,
    Details::NoHealthyUpstream,
);

/// Headers by which a reply tells that it is one.
const TELLING: [(Details, &str); 3] = [
    (Details::Overflow, "x-envoy-overloaded"),
    (Details::DropOverload, "x-envoy-drop-overload"),
    (
        Details::UnconditionalDropOverload,
        "x-envoy-unconditional-drop-overload",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(details: Details, grpc_status: Option<u8>, attempts: u16) -> Reply {
        Reply {
            status: if grpc_status.is_some() { 200 } else { 503 },
            grpc_status,
            truncated: false,
            flags: ResponseFlags::NONE,
            details,
            attempts,
            route: None,
            cluster: None,
            endpoint: None,
        }
    }

    #[test]
    fn replies_say_what_happened() {
        let once = response(&reply(Details::ConnectionTermination, None, 1));
        assert_eq!(
            once.body,
            "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
        );
        let again = response(&reply(Details::Overflow, None, 2));
        assert_eq!(
            again.body,
            "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: overflow"
        );
        assert_eq!(again.headers[0].0, "x-envoy-overloaded");
        let silent = response(&reply(Details::RouteNotFound, None, 0));
        assert_eq!((silent.body.as_str(), silent.headers.len()), ("", 0));
    }

    #[test]
    fn grpc_clients_get_a_message() {
        let grpc = response(&reply(Details::NoHealthyUpstream, Some(14), 1));
        assert_eq!((grpc.status, grpc.body.as_str()), (200, ""));
        let message = ("grpc-message".to_owned(), "no healthy upstream".to_owned());
        assert!(grpc.headers.contains(&message));
        assert_eq!(percent_encoded("50 % übrig\n"), "50 %25 %C3%BCbrig%0A");
    }
}
