//! What routing can see of a request.

use std::net::SocketAddr;

/// A request's head. Header names are in lower case; several lines of one name stay several entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestHead {
    /// `GET`, `POST`, …
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The Host header or `:authority`, its port included if it was sent.
    pub authority: String,
    /// The path with its query.
    pub path: String,
    /// All other headers, in order.
    pub headers: Vec<(String, String)>,
    /// The HTTP version.
    pub protocol: Protocol,
    /// The connection that it comes on, where that is known.
    pub downstream: Option<Downstream>,
    /// A number that stands for that connection where its addresses are not known; not part of what is sent on.
    pub connection: Option<u64>,
}

/// A connection from downstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Downstream {
    /// The client's address.
    pub remote: SocketAddr,
    /// The address that the client dialled.
    pub local: SocketAddr,
}

/// An HTTP version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, gRPC's too.
    Http2,
}

impl RequestHead {
    /// A GET over HTTP/1.1 without further headers.
    pub fn get(authority: &str, path: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            authority: authority.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            protocol: Protocol::Http1,
            downstream: None,
            connection: None,
        }
    }

    /// The path without its query.
    pub fn path_only(&self) -> &str {
        self.path
            .split_once('?')
            .map_or(&self.path, |(path, _)| path)
    }

    /// Whether there is a header of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The values of a header, given in lower case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether some value of a header or pseudo header satisfies `test`; none if there is no such header.
    pub(crate) fn any_value(&self, name: &str, test: &mut dyn FnMut(&str) -> bool) -> Option<bool> {
        let pseudo = match name {
            ":method" => Some(&self.method),
            ":authority" => Some(&self.authority),
            ":path" => Some(&self.path),
            ":scheme" => Some(&self.scheme),
            _ => None,
        };
        if let Some(value) = pseudo {
            return Some(test(value));
        }
        let mut present = None;
        for value in self.values(name) {
            if test(value) {
                return Some(true);
            }
            present = Some(false);
        }
        present
    }

    /// Whether the request is gRPC: its content type is `application/grpc` or begins with `application/grpc+`.
    pub fn is_grpc(&self) -> bool {
        self.values("content-type")
            .any(|v| v == "application/grpc" || v.starts_with("application/grpc+"))
    }
}
