//! HTTP over a connection: how a request is cleaned, who its client is taken for, and how long it may last
//! (extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto).
//!
//! The default is an empty message: Envoy's own choices.

use base::SimDuration;

use crate::JwtAuthn;

/// HTTP over a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpConnectionManager {
    /// How its statistics are named.
    pub stat_prefix: String,
    /// The route configuration.
    pub route_config_name: String,
    /// What a path becomes before it is matched and forwarded.
    pub path: PathNormalization,
    /// Whether the authority loses its port before it is matched and forwarded.
    pub strip_port: PortStripping,
    /// The authority loses a dot at its end.
    pub strip_trailing_host_dot: bool,
    /// What becomes of headers with underscores in their names.
    pub headers_with_underscores: HeadersWithUnderscores,
    /// The client's address is the connection's, as at an edge, and not what `x-forwarded-for` says.
    pub use_remote_address: bool,
    /// How many proxies before this one are trusted to add to `x-forwarded-for`.
    pub xff_num_trusted_hops: u32,
    /// The connection's address is not added to `x-forwarded-for`.
    pub skip_xff_append: bool,
    /// The listener's port is told upstream as `x-forwarded-port`.
    pub append_x_forwarded_port: bool,
    /// The clients whose requests are internal, in CIDR form; empty: none is.
    pub internal_addresses: Vec<String>,
    /// The protocols that a request of HTTP/1.1 may ask for, such as `websocket`.
    pub upgrade_types: Vec<String>,
    /// What becomes of `x-forwarded-client-cert`.
    pub forward_client_cert_details: ForwardClientCertDetails,
    /// The `server` header of responses; empty: Envoy's own, `envoy`.
    pub server_name: String,
    /// What becomes of an upstream's `server` header.
    pub server_header: ServerHeader,
    /// How long requests and connections may last.
    pub timeouts: HttpTimeouts,
    /// Checks of tokens, before a route is looked for.
    pub jwt_authn: Option<Box<JwtAuthn>>,
}

/// What a path becomes before it is matched and forwarded; its query stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathNormalization {
    /// A request with a fragment is refused, as Envoy's runtime value `http_reject_path_with_fragment` says unless it is
    /// switched off; Istio does so, and fragments are cut off together with a query behind them.
    pub rejects_fragments: bool,
    /// `%2F`, `%5C` and the same in lower case.
    pub escaped_slashes: EscapedSlashes,
    /// Dot segments are resolved, backslashes turned around and needless escapes decoded.
    pub normalize: bool,
    /// Slashes in a row become one.
    pub merge_slashes: bool,
}

/// What becomes of slashes that are written as escapes (`path_with_escaped_slashes_action`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EscapedSlashes {
    /// They stay.
    #[default]
    Keep,
    /// The request is refused: 400.
    Reject,
    /// They are decoded, and the client is sent to the path that results: 307; a gRPC request is refused.
    UnescapeAndRedirect,
    /// They are decoded.
    UnescapeAndForward,
}

/// Whether the authority loses its port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortStripping {
    /// It keeps it.
    #[default]
    Never,
    /// It loses the listener's own (`strip_matching_host_port`).
    Matching,
    /// It loses any (`strip_any_host_port`).
    Any,
}

/// What becomes of headers with underscores in their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeadersWithUnderscores {
    /// They are headers like all others.
    #[default]
    Allow,
    /// The request is refused: 400, or a reset stream of HTTP/2.
    RejectRequest,
    /// They are dropped.
    DropHeader,
}

/// What becomes of an upstream's `server` header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerHeader {
    /// It is replaced.
    #[default]
    Overwrite,
    /// It stays; where there is none, ours is set.
    AppendIfAbsent,
    /// It stays, and none is set.
    PassThrough,
}

/// How long requests and connections of clients may last; zero: without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpTimeouts {
    /// How long a stream may be silent in both directions; none: five minutes.
    pub stream_idle: Option<SimDuration>,
    /// How long the whole request may take to arrive; none: without limit.
    pub request: Option<SimDuration>,
    /// How long its headers may take; none: without limit.
    pub request_headers: Option<SimDuration>,
    /// How long a stream may last, from its headers to the end of the response; none: without limit.
    pub max_stream_duration: Option<SimDuration>,
    /// How long a connection may be without a stream; none: an hour.
    pub idle: Option<SimDuration>,
    /// How long a connection may last before it is drained; none: without limit.
    pub max_connection_duration: Option<SimDuration>,
    /// How long a connection that is drained takes new streams; none: five seconds.
    pub drain: Option<SimDuration>,
}

/// What becomes of `x-forwarded-client-cert`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardClientCertDetails {
    /// It is removed.
    #[default]
    Sanitize,
    /// It is passed on over mutual TLS.
    ForwardOnly,
    /// The client's certificate is added to it over mutual TLS.
    AppendForward,
    /// It is replaced by the client's certificate.
    SanitizeSet,
    /// It is passed on.
    AlwaysForwardOnly,
}
