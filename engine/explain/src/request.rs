//! The request that is asked about.

use crate::model;
use proxy::request::RequestHead;

/// What is dialled, and what is sent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The URL's scheme.
    pub scheme: Scheme,
    /// The name or address that is dialled.
    pub host: String,
    /// The port that is dialled.
    pub port: u16,
    /// What is sent; of a `tcp` request only the authority means something.
    pub head: RequestHead,
}

/// A URL's scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP/1.1.
    Http,
    /// A client that does TLS itself, the host its server name.
    Https,
    /// gRPC over plain HTTP/2.
    Grpc,
    /// Bytes of any kind.
    Tcp,
}

impl Scheme {
    /// As in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
        }
    }
}

impl Request {
    /// As an explanation names it.
    pub(crate) fn described(&self) -> model::Request {
        let has_head = self.scheme != Scheme::Tcp;
        let head = &self.head;
        model::Request {
            method: has_head.then(|| head.method.clone()),
            scheme: self.scheme.as_str(),
            authority: head.authority.clone(),
            path: has_head.then(|| head.path.clone()),
            headers: head.headers.clone(),
        }
    }
}
