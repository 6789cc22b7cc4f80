//! The CORS filter: preflight requests that are answered by the proxy, and what other answers carry.
//!
//! A preflight has to match its route like any other request. Requests that are not preflights are never refused: it is
//! the browser that keeps an answer from a page whose origin it does not name.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/filters/http/cors/cors_filter.cc.

use crate::re2::Re2Error;
use crate::request::RequestHead;
use crate::router::matching::{RequestView, StringMatcher};
use xds::CorsPolicy;

/// A compiled policy.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    allow_origin: Vec<StringMatcher>,
    policy: CorsPolicy,
}

impl Cors {
    pub(crate) fn new(policy: &CorsPolicy, refused: &mut dyn FnMut(&str, Re2Error)) -> Self {
        let origins = policy.allow_origin.iter();
        Self {
            allow_origin: origins
                .map(|origin| StringMatcher::new(origin, refused))
                .collect(),
            policy: policy.clone(),
        }
    }

    /// The headers of the answer (status 200) to a preflight; none if the request goes on.
    pub(crate) fn preflight(&self, view: &RequestView<'_>) -> Option<Vec<(String, String)>> {
        let non_empty = |name| view.head.values(name).find(|value| !value.is_empty());
        let origin = non_empty("origin")?;
        if view.head.method != "OPTIONS" {
            return None;
        }
        non_empty("access-control-request-method")?;
        if !self.allows(origin) {
            return (!self.policy.forward_not_matching_preflights).then(Vec::new);
        }
        let mut headers = vec![("access-control-allow-origin".to_owned(), origin.to_owned())];
        if self.policy.allow_credentials == Some(true) {
            headers.push((
                "access-control-allow-credentials".to_owned(),
                "true".to_owned(),
            ));
        }
        for (name, value) in [
            ("access-control-allow-methods", &self.policy.allow_methods),
            ("access-control-allow-headers", &self.policy.allow_headers),
            ("access-control-max-age", &self.policy.max_age),
        ] {
            if !value.is_empty() {
                headers.push((name.to_owned(), value.clone()));
            }
        }
        Some(headers)
    }

    /// The headers that other answers carry to a page of an allowed origin.
    pub(crate) fn allowed(&self, request: &RequestHead) -> Vec<(&'static str, String)> {
        let origin = request.values("origin").find(|value| !value.is_empty());
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else {
            return Vec::new();
        };
        let mut headers = vec![("access-control-allow-origin", origin.to_owned())];
        if self.policy.allow_credentials == Some(true) {
            headers.push(("access-control-allow-credentials", "true".to_owned()));
        }
        if !self.policy.expose_headers.is_empty() {
            let exposed = self.policy.expose_headers.clone();
            headers.push(("access-control-expose-headers", exposed));
        }
        headers
    }

    fn allows(&self, origin: &str) -> bool {
        self.allow_origin.iter().any(|allowed| {
            matches!(allowed, StringMatcher::Exact(any) if &**any == "*") || allowed.matches(origin)
        })
    }
}
