//! Who is let in: whoever asks this machine by its own name, from the page itself, with the token of this start.
//!
//! A page of another site can make a browser send requests here, and a name of its own point here (DNS rebinding). Such
//! requests carry another `Host` or `Origin`; what reads or changes the learner's files needs the token as well, which
//! stands behind the `#` of the URL and so in no request of another page.

use tiny_http::Request;

use crate::refusal::Refusal;

/// Who is let in.
pub(super) struct Gate {
    hosts: [String; 2],
    token: String,
}

impl Gate {
    /// A gate with a token that nobody can guess.
    pub(super) fn new(port: u16) -> Result<Self, Refusal> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| Refusal::new(format!("no random numbers for a token: {error}")))?;
        Ok(Self {
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
            token: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Lets a request in, or says why not.
    pub(super) fn admit(&self, request: &Request) -> Result<(), String> {
        let hosts = values(request, "host");
        if hosts.len() != 1 || !self.hosts.iter().any(|known| known == hosts[0]) {
            return Err(format!("only requests to `{}` are answered", self.hosts[0]));
        }
        let is_own = |origin: &&str| {
            let host = origin.strip_prefix("http://");
            host.is_some_and(|host| self.hosts.iter().any(|known| known == host))
        };
        match values(request, "origin").iter().all(is_own) {
            true => Ok(()),
            false => Err("requests of other pages are not answered".to_owned()),
        }
    }

    /// Whether a request carries the token.
    pub(super) fn knows_token(&self, request: &Request) -> bool {
        let tokens = values(request, TOKEN);
        let is_equal = |token: &str| {
            // The time that this takes says nothing about where they differ.
            let pairs = token.bytes().zip(self.token.bytes());
            token.len() == self.token.len() && pairs.fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
        };
        tokens.len() == 1 && is_equal(tokens[0])
    }
}

fn values<'r>(request: &'r Request, name: &'static str) -> Vec<&'r str> {
    let headers = request.headers().iter();
    headers
        .filter(|header| header.field.equiv(name))
        .map(|header| header.value.as_str())
        .collect()
}

const TOKEN: &str = "x-meshsim-token";
