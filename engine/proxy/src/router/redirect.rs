//! Answers that a route gives without an upstream: redirects and direct responses.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/config_impl.cc (RouteEntryImplBase::newUri).

use super::matching::{PathMatcher, RequestView};
use super::rewrite::{PathRewriter, after_match};
use xds::{DirectResponse, PathRedirect, Redirect};

/// A local answer: status, body and headers.
pub(crate) struct LocalAnswer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// The answer of a redirect route.
pub(crate) fn redirect(
    redirect: &Redirect,
    matched: &PathMatcher,
    rewriter: Option<&PathRewriter>,
    view: &RequestView<'_>,
) -> LocalAnswer {
    LocalAnswer {
        status: redirect.response_code,
        body: String::new(),
        headers: location(new_url(redirect, matched, rewriter, view)),
    }
}

/// The answer of a direct response route; a 201 or 3xx names the request's own URL.
pub(crate) fn direct_response(response: &DirectResponse, view: &RequestView<'_>) -> LocalAnswer {
    let headers = if matches!(response.status, 201 | 300..=399) {
        let authority = &view.head.authority;
        location(format!("{}://{authority}{}", view.scheme, view.path))
    } else {
        Vec::new()
    };
    LocalAnswer {
        status: response.status,
        body: response.body.clone(),
        headers,
    }
}

/// The answer of a virtual host that requires TLS.
pub(crate) fn to_https(view: &RequestView<'_>) -> LocalAnswer {
    let https = Redirect {
        response_code: 301,
        scheme: Some("https".to_owned()),
        host: None,
        port: None,
        path: None,
        strip_query: false,
    };
    redirect(&https, &PathMatcher::Prefix("/".into()), None, view)
}

fn location(url: String) -> Vec<(String, String)> {
    vec![("location".to_owned(), url)]
}

fn new_url(
    redirect: &Redirect,
    matched: &PathMatcher,
    rewriter: Option<&PathRewriter>,
    view: &RequestView<'_>,
) -> String {
    let scheme = redirect.scheme.as_deref().unwrap_or(view.scheme);
    let host = match &redirect.host {
        Some(host) => host,
        None => request_host(
            &view.head.authority,
            view.scheme,
            scheme,
            redirect.port.is_some(),
        ),
    };
    let port = redirect.port.map(|port| format!(":{port}"));
    let query = if redirect.strip_query {
        ""
    } else {
        &view.path[view.path_only.len()..]
    };
    let path = match &redirect.path {
        Some(PathRedirect::Path(path)) if path.contains('?') => path.clone(),
        Some(PathRedirect::Path(path)) => format!("{path}{query}"),
        Some(PathRedirect::Prefix(prefix)) => {
            format!("{prefix}{}{query}", after_match(matched, view.path_only))
        }
        Some(PathRedirect::Regex(_)) => {
            let rewritten = rewriter.and_then(|by| by.rewrite(matched, view.path_only));
            rewritten.unwrap_or_else(|| view.path_only.to_owned()) + query
        }
        None => format!("{}{query}", view.path_only),
    };
    format!("{scheme}://{host}{}{path}", port.unwrap_or_default())
}

/// The request's host, without its port where another takes its place or it was the old scheme's own.
fn request_host<'a>(authority: &'a str, old: &str, new: &str, new_port: bool) -> &'a str {
    let colon = if authority.starts_with('[') {
        authority.rfind("]:").map(|at| at + 1)
    } else {
        authority.rfind(':')
    };
    let Some(colon) = colon else {
        return authority;
    };
    let own_port = match old {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    if new_port || (old != new && &authority[colon..] == own_port) {
        &authority[..colon]
    } else {
        authority
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RequestHead;

    #[track_caller]
    fn check(redirect_to: &Redirect, authority: &str, path: &str, url: &str) {
        let head = RequestHead::get(authority, path);
        let view = RequestView::new(&head);
        let answer = redirect(redirect_to, &PathMatcher::Prefix("/a".into()), None, &view);
        assert_eq!(answer.headers, location(url.to_owned()));
        assert_eq!((answer.status, answer.body.as_str()), (301, ""));
    }

    #[test]
    fn locations_are_absolute() {
        let none = Redirect {
            response_code: 301,
            scheme: None,
            host: None,
            port: None,
            path: None,
            strip_query: false,
        };
        check(&none, "h:81", "/a/b?q", "http://h:81/a/b?q");
        let https = Redirect {
            scheme: Some("https".to_owned()),
            ..none.clone()
        };
        check(&https, "h:80", "/a/b?q", "https://h/a/b?q");
        check(&https, "h:8080", "/a", "https://h:8080/a");
        check(&https, "[::1]:80", "/a", "https://[::1]/a");
        check(&https, "[::1]", "/a", "https://[::1]/a");
        let host = Redirect {
            host: Some("other".to_owned()),
            ..none.clone()
        };
        check(&host, "h:81", "/a", "http://other/a");
        let port = Redirect {
            port: Some(80),
            ..none.clone()
        };
        check(&port, "h:81", "/a", "http://h:80/a");
        let path = |path| Redirect {
            path: Some(path),
            ..none.clone()
        };
        let whole = path(PathRedirect::Path("/new".to_owned()));
        check(&whole, "h", "/a/b?q=1", "http://h/new?q=1");
        let with_query = path(PathRedirect::Path("/new?x".to_owned()));
        check(&with_query, "h", "/a/b?q=1", "http://h/new?x");
        let prefix = path(PathRedirect::Prefix("/new".to_owned()));
        check(&prefix, "h", "/a/b?q=1", "http://h/new/b?q=1");
        let stripped = |redirect: &Redirect| Redirect {
            strip_query: true,
            ..redirect.clone()
        };
        check(&stripped(&none), "h", "/a/b?q=1", "http://h/a/b");
        check(&stripped(&whole), "h", "/a/b?q=1", "http://h/new");
        check(&stripped(&with_query), "h", "/a?q=1", "http://h/new?x");
    }

    #[test]
    fn direct_responses_may_name_the_request() {
        let head = RequestHead::get("h", "/a");
        let view = RequestView::new(&head);
        for (status, headers) in [(200, vec![]), (302, location("http://h/a".to_owned()))] {
            let response = DirectResponse {
                status,
                body: "x".to_owned(),
            };
            let answer = direct_response(&response, &view);
            assert_eq!((answer.status, answer.headers), (status, headers));
        }
    }
}
