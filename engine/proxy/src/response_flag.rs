//! Envoy's response flags and response code details, and what each means.
//!
//! Source: envoyproxy/envoy 1.40, source/common/stream_info/utility.h; docs, access log usage.

pub use crate::jwt_authn::JwtStatus;
use std::fmt;

/// A reason that Envoy gives for a response of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ResponseFlag {
    /// `UH`: no healthy upstream host.
    NoHealthyUpstream = 1,
    /// `UF`: the upstream connection failed.
    UpstreamConnectionFailure,
    /// `UO`: a circuit breaker overflowed.
    UpstreamOverflow,
    /// `NR`: no route.
    NoRouteFound,
    /// `URX`: no retry left.
    UpstreamRetryLimitExceeded,
    /// `NC`: no such cluster.
    NoClusterFound,
    /// `DC`: the client went away.
    DownstreamConnectionTermination,
    /// `UT`: a timeout.
    UpstreamRequestTimeout,
    /// `LR`: the try was reset here.
    LocalReset,
    /// `UR`: the try was reset by the server.
    UpstreamRemoteReset,
    /// `UC`: the connection ended before the response.
    UpstreamConnectionTermination,
    /// `UPE`: the server did not speak HTTP.
    UpstreamProtocolError,
    /// `DI`: a delay was injected.
    DelayInjected,
    /// `FI`: an abort was injected.
    FaultInjected,
    /// `SI`: the stream was silent for too long.
    StreamIdleTimeout,
    /// `UMSDR`: the try lasted longer than its cluster allows.
    UpstreamMaxStreamDurationReached,
    /// `DT`: a TCP connection lasted too long.
    DurationTimeout,
    /// `DO`: the policy of the endpoints drops a share of the requests, and this is one.
    DropOverload,
    /// `UDO`: the policy of the endpoints drops all requests.
    UnconditionalDropOverload,
}

impl ResponseFlag {
    /// Envoy's short name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoHealthyUpstream => "UH",
            Self::UpstreamConnectionFailure => "UF",
            Self::UpstreamOverflow => "UO",
            Self::NoRouteFound => "NR",
            Self::UpstreamRetryLimitExceeded => "URX",
            Self::NoClusterFound => "NC",
            Self::DownstreamConnectionTermination => "DC",
            Self::UpstreamRequestTimeout => "UT",
            Self::LocalReset => "LR",
            Self::UpstreamRemoteReset => "UR",
            Self::UpstreamConnectionTermination => "UC",
            Self::UpstreamProtocolError => "UPE",
            Self::DelayInjected => "DI",
            Self::FaultInjected => "FI",
            Self::StreamIdleTimeout => "SI",
            Self::UpstreamMaxStreamDurationReached => "UMSDR",
            Self::DurationTimeout => "DT",
            Self::DropOverload => "DO",
            Self::UnconditionalDropOverload => "UDO",
        }
    }

    /// All flags.
    pub const ALL: [Self; 19] = [
        Self::NoHealthyUpstream,
        Self::UpstreamConnectionFailure,
        Self::UpstreamOverflow,
        Self::NoRouteFound,
        Self::UpstreamRetryLimitExceeded,
        Self::NoClusterFound,
        Self::DownstreamConnectionTermination,
        Self::UpstreamRequestTimeout,
        Self::LocalReset,
        Self::UpstreamRemoteReset,
        Self::UpstreamConnectionTermination,
        Self::UpstreamProtocolError,
        Self::DelayInjected,
        Self::FaultInjected,
        Self::StreamIdleTimeout,
        Self::UpstreamMaxStreamDurationReached,
        Self::DurationTimeout,
        Self::DropOverload,
        Self::UnconditionalDropOverload,
    ];
}

/// Up to four flags in the order in which they were set, packed into four bytes; `-` in text if there are none.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseFlags(u32);

impl ResponseFlags {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// One flag.
    pub const fn of(flag: ResponseFlag) -> Self {
        Self(flag as u32)
    }

    /// These flags and one more; a flag that is there already stays where it is.
    ///
    /// # Panics
    /// With a fifth flag: no path sets that many.
    #[must_use]
    pub fn with(self, flag: ResponseFlag) -> Self {
        if self.contains(flag) {
            return self;
        }
        let used = self.iter().count() as u32;
        assert!(used < 4, "at most four response flags");
        Self(self.0 | (flag as u32) << (8 * used))
    }

    /// Whether the flag is set.
    pub fn contains(self, flag: ResponseFlag) -> bool {
        self.iter().any(|f| f == flag)
    }

    /// The flags in the order in which they were set.
    pub fn iter(self) -> impl Iterator<Item = ResponseFlag> {
        self.0
            .to_le_bytes()
            .into_iter()
            .take_while(|byte| *byte != 0)
            .map(|byte| ResponseFlag::ALL[usize::from(byte) - 1])
    }

    /// The packed form, as a key for counting.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ResponseFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("-");
        }
        for (index, flag) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(flag.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for ResponseFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Envoy's `response_code_details`: who answered, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Details {
    /// The server answered.
    ViaUpstream,
    /// A redirect or a direct response.
    DirectResponse,
    /// No virtual host, or no route in it.
    RouteNotFound,
    /// The route's cluster does not exist.
    ClusterNotFound,
    /// No host could be chosen.
    NoHealthyUpstream,
    /// An injected abort.
    FaultFilterAbort,
    /// The route's timeout.
    ResponseTimeout,
    /// The per-try timeout.
    UpstreamPerTryTimeout,
    /// The per-try idle timeout.
    UpstreamPerTryIdleTimeout,
    /// The cluster's limit on streams.
    UpstreamMaxStreamDuration,
    /// The stream was silent for too long.
    StreamIdleTimeout,
    /// The request took too long to arrive.
    RequestOverallTimeout,
    /// The stream lasted too long.
    MaxDurationTimeout,
    /// A circuit breaker overflowed.
    Overflow,
    /// The connection was refused.
    RemoteConnectionFailure,
    /// The connection attempt took too long.
    ConnectionTimeout,
    /// The connection ended before the response.
    ConnectionTermination,
    /// The server reset the stream.
    RemoteReset,
    /// The server refused the stream.
    RemoteRefusedStreamReset,
    /// The server did not speak HTTP.
    ProtocolError,
    /// The connection ended within the response.
    LateConnectionTermination,
    /// The server reset the stream within the response.
    LateRemoteReset,
    /// The server broke the rules of HTTP within the response.
    LateProtocolError,
    /// The client went away.
    DownstreamRemoteDisconnect,
    /// A preflight request was answered here.
    CorsPreflight,
    /// The request was malformed, such as one whose path cannot be normalised.
    PathNormalizationFailed,
    /// The request was for no host.
    MissingHostHeader,
    /// The request had no path.
    MissingPath,
    /// The request's path did not begin with a slash.
    AbsolutePath,
    /// The first line of an HTTP/1.1 request named no URL.
    InvalidUrl,
    /// A header had an underscore in its name.
    UnexpectedUnderscore,
    /// The request was no HTTP/1.1, such as one with a method that is unknown.
    CodecError,
    /// The request asked for another protocol.
    UpgradeFailed,
    /// The policy of the endpoints drops a share of the requests, and this is one.
    DropOverload,
    /// The policy of the endpoints drops all requests.
    UnconditionalDropOverload,
    /// A token was not good.
    JwtAuthnAccessDenied(JwtStatus),
}

impl Details {
    /// Whether the route had its say about the response: the router answered, or the fault filter in its place.
    pub(crate) const fn is_of_route(self) -> bool {
        self.is_of_router() || matches!(self, Self::FaultFilterAbort)
    }

    /// Whether the router filter answered itself.
    pub(crate) const fn is_of_router(self) -> bool {
        match self {
            Self::ClusterNotFound
            | Self::NoHealthyUpstream
            | Self::ResponseTimeout
            | Self::UpstreamPerTryTimeout
            | Self::UpstreamPerTryIdleTimeout
            | Self::UpstreamMaxStreamDuration
            | Self::Overflow
            | Self::RemoteConnectionFailure
            | Self::ConnectionTimeout
            | Self::ConnectionTermination
            | Self::RemoteReset
            | Self::RemoteRefusedStreamReset
            | Self::ProtocolError
            | Self::LateConnectionTermination
            | Self::LateRemoteReset
            | Self::LateProtocolError
            | Self::DropOverload
            | Self::UnconditionalDropOverload => true,
            Self::ViaUpstream
            | Self::DirectResponse
            | Self::RouteNotFound
            | Self::FaultFilterAbort
            | Self::StreamIdleTimeout
            | Self::RequestOverallTimeout
            | Self::MaxDurationTimeout
            | Self::DownstreamRemoteDisconnect
            | Self::CorsPreflight
            | Self::PathNormalizationFailed
            | Self::MissingHostHeader
            | Self::MissingPath
            | Self::AbsolutePath
            | Self::InvalidUrl
            | Self::UnexpectedUnderscore
            | Self::CodecError
            | Self::UpgradeFailed
            | Self::JwtAuthnAccessDenied(_) => false,
        }
    }

    /// Whether the codec refused the request: Envoy logs it without anything that it has read of it.
    pub const fn is_of_codec(self) -> bool {
        matches!(
            self,
            Self::InvalidUrl | Self::UnexpectedUnderscore | Self::CodecError
        )
    }

    /// Envoy's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ViaUpstream => "via_upstream",
            Self::DirectResponse => "direct_response",
            Self::RouteNotFound => "route_not_found",
            Self::ClusterNotFound => "cluster_not_found",
            Self::NoHealthyUpstream => "no_healthy_upstream",
            Self::FaultFilterAbort => "fault_filter_abort",
            Self::ResponseTimeout => "response_timeout",
            Self::UpstreamPerTryTimeout => "upstream_per_try_timeout",
            Self::UpstreamPerTryIdleTimeout => "upstream_per_try_idle_timeout",
            Self::UpstreamMaxStreamDuration => "upstream_max_stream_duration_reached",
            Self::StreamIdleTimeout => "stream_idle_timeout",
            Self::RequestOverallTimeout => "request_overall_timeout",
            Self::MaxDurationTimeout => "max_duration_timeout",
            Self::LateConnectionTermination => {
                "upstream_reset_after_response_started{connection_termination}"
            }
            Self::LateRemoteReset => "upstream_reset_after_response_started{remote_reset}",
            Self::LateProtocolError => "upstream_reset_after_response_started{protocol_error}",
            Self::Overflow => "upstream_reset_before_response_started{overflow}",
            Self::RemoteConnectionFailure => {
                "upstream_reset_before_response_started{remote_connection_failure}"
            }
            Self::ConnectionTimeout => "upstream_reset_before_response_started{connection_timeout}",
            Self::ConnectionTermination => {
                "upstream_reset_before_response_started{connection_termination}"
            }
            Self::RemoteReset => "upstream_reset_before_response_started{remote_reset}",
            Self::RemoteRefusedStreamReset => {
                "upstream_reset_before_response_started{remote_refused_stream_reset}"
            }
            Self::ProtocolError => "upstream_reset_before_response_started{protocol_error}",
            Self::DownstreamRemoteDisconnect => "downstream_remote_disconnect",
            Self::CorsPreflight => "cors_response",
            Self::PathNormalizationFailed => "path_normalization_failed",
            Self::MissingHostHeader => "missing_host_header",
            Self::MissingPath => "missing_path_rejected",
            Self::AbsolutePath => "absolute_path_rejected",
            Self::InvalidUrl => "http1.invalid_url",
            Self::UnexpectedUnderscore => "http1.unexpected_underscore",
            Self::CodecError => "http1.codec_error",
            Self::UpgradeFailed => "upgrade_failed",
            Self::DropOverload => "drop_overload",
            Self::UnconditionalDropOverload => "unconditional_drop_overload",
            Self::JwtAuthnAccessDenied(status) => status.details(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_keep_the_order_in_which_they_were_set() {
        let flags = ResponseFlags::of(ResponseFlag::UpstreamRetryLimitExceeded)
            .with(ResponseFlag::UpstreamConnectionFailure)
            .with(ResponseFlag::UpstreamRetryLimitExceeded);
        assert_eq!(flags.to_string(), "URX,UF");
        assert_eq!(ResponseFlags::NONE.to_string(), "-");
        for flag in ResponseFlag::ALL {
            assert!(ResponseFlags::of(flag).contains(flag), "{flag:?}");
        }
    }
}
