//! What routing can see of a response.

/// A response's head, as a server sent it. Header names are in lower case; several lines of one name stay several
/// entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// `grpc-status` among the headers, as in a response that consists of trailers only.
    pub grpc_status: Option<u8>,
    /// All other headers, in order.
    pub headers: Vec<(String, String)>,
}

impl ResponseHead {
    /// A head without headers; allocates nothing.
    pub const fn of(status: u16) -> Self {
        Self {
            status,
            grpc_status: None,
            headers: Vec::new(),
        }
    }

    /// The head of a gRPC response without messages: 200 with this `grpc-status`. Allocates nothing.
    pub const fn grpc(grpc_status: u8) -> Self {
        Self {
            status: 200,
            grpc_status: Some(grpc_status),
            headers: Vec::new(),
        }
    }

    /// The values of a header, given in lower case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether an HTTP/1 server closes the connection after this response.
    #[inline]
    pub(crate) fn closes_connection(&self) -> bool {
        let mut values = self.values("connection");
        values.any(|value| {
            value
                .split(',')
                .any(|token| token.trim().eq_ignore_ascii_case("close"))
        })
    }

    /// Whether some value of a header satisfies `test`; none if there is no such header. `:status` and `grpc-status`
    /// are headers too.
    pub(crate) fn any_value(&self, name: &str, test: &mut dyn FnMut(&str) -> bool) -> Option<bool> {
        if name == ":status" {
            return Some(test(&self.status.to_string()));
        }
        if let ("grpc-status", Some(status)) = (name, self.grpc_status) {
            return Some(test(&status.to_string()));
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

    /// Whether there is such a header, given in lower case.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other == name)
    }
}

/// What a client receives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers in order, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, where the proxy answers itself.
    pub body: String,
}
