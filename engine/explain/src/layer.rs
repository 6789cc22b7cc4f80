//! What connections carry, as requests and stories have it.

use proxy::listener::{Layer, Preface};

use crate::request::{Request, Scheme};

/// What the client itself sends.
pub(crate) fn of(request: &Request) -> Layer {
    let protocol = request.head.protocol;
    match request.scheme {
        Scheme::Http | Scheme::Grpc => Layer::Http(protocol),
        Scheme::Tcp => Layer::Bytes,
        Scheme::Https => Layer::Tls {
            server_name: request.host.clone(),
            inside: Box::new(Layer::Http(protocol)),
        },
    }
}

/// What first bytes show, in words.
pub(crate) const fn in_words(preface: Preface<'_>) -> &'static str {
    match preface {
        Preface::IstioMutualTls { .. } => "mutual TLS",
        Preface::Tls(_) => "TLS",
        Preface::TlsAroundTls(_) => "TLS inside of TLS",
        Preface::Http1 | Preface::Http2 | Preface::Other => "plain text",
    }
}
