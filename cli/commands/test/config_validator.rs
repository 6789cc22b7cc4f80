//! Test files of istio-config-validator: which rule takes a request, and what the rule says.
//!
//! A case asks about each combination of its authorities, methods and paths, and compares what it names (`route`,
//! `redirect`, `rewrite`, `fault`, `headers`, `delegate`) with what the matching rule says, field by field; with
//! `wantMatch: false` none may be equal. Which rule matches is for the proxy's own matcher to say.
//!
//! Source: getyourguide/istio-config-validator, docs/test-cases.md, internal/pkg/unit/unit.go.

mod rule;

use std::collections::BTreeMap;

use manifest::destination::Destination;
use manifest::fault::HttpFaultInjection;
use manifest::header_operations::Headers;
use manifest::redirect::HttpRedirect;
use manifest::rewrite::HttpRewrite;
use manifest::virtual_service::{Delegate, HttpRouteDestination};
use manifest::{Diagnostic, Source, Spanned, from_yaml};
use proxy::request::RequestHead;
use serde::Deserialize;
use xds::Origin;

use super::routes::Routes;
use super::suite::{Case, Outcome, nothing_to_judge};
use crate::documents::documents;

/// A file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    test_cases: Spanned<Vec<Spanned<TestCase>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestCase {
    #[serde(default)]
    description: String,
    #[serde(default)]
    want_match: bool,
    request: Request,
    #[serde(default)]
    route: Vec<Spanned<HttpRouteDestination>>,
    redirect: Option<Spanned<HttpRedirect>>,
    rewrite: Option<Spanned<HttpRewrite>>,
    fault: Option<Spanned<HttpFaultInjection>>,
    headers: Option<Spanned<Headers>>,
    delegate: Option<Spanned<Delegate>>,
}

#[derive(Debug, Deserialize)]
struct Request {
    authority: Spanned<Vec<String>>,
    method: Spanned<Vec<String>>,
    uri: Spanned<Vec<String>>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// The cases of a file, judged by routes; or what is wrong with the file.
pub(crate) fn judge(source: &Source, routes: &Routes) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let mut cases = Vec::new();
    for document in documents(source) {
        let (file, diagnostics) = from_yaml::<File>(&document);
        let file = file.ok_or(diagnostics)?;
        if file.test_cases.is_empty() {
            return Err(vec![nothing_to_judge("testCases", &file.test_cases.at)]);
        }
        cases.extend(file.test_cases.iter().map(|case| judge_case(case, routes)));
    }
    Ok(cases)
}

fn judge_case(case: &Spanned<TestCase>, routes: &Routes) -> Case {
    let name = match case.description.as_str() {
        "" => format!("case in line {}", case.at.line),
        description => description.to_owned(),
    };
    let outcome = outcome(case, routes);
    Case::new(name, case.at.clone(), outcome)
}

fn outcome(case: &TestCase, routes: &Routes) -> Outcome {
    let request = &case.request;
    for (list, name) in [
        (&request.authority, "authority"),
        (&request.method, "method"),
        (&request.uri, "uri"),
    ] {
        if list.is_empty() {
            return Outcome::Failed {
                want: format!("requests with some `{name}`"),
                got: "an empty list".to_owned(),
            };
        }
    }
    if !case.asserts_something() {
        return Outcome::Skipped("the case names nothing to compare, such as `route`".to_owned());
    }
    let mut missed: Vec<(String, String)> = Vec::new();
    let mut count = 0;
    for uri in request.uri.iter() {
        for authority in request.authority.iter() {
            for method in request.method.iter() {
                count += 1;
                let mut head = RequestHead::get(authority, path_of(uri));
                head.method.clone_from(method);
                let headers = request.headers.iter();
                head.headers = headers
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                    .collect();
                if let Err((want, got)) = judge_request(case, &head, routes) {
                    missed.push((want, format!("{got} for {method} {authority}{uri}")));
                }
            }
        }
    }
    let others = match missed.len() {
        0 | 1 => String::new(),
        more => format!(", and {} more of {count} requests miss it", more - 1),
    };
    match missed.into_iter().next() {
        None => Outcome::Passed,
        Some((want, got)) => Outcome::Failed {
            want,
            got: got + &others,
        },
    }
}

/// The path and query of a URL that may be absolute.
fn path_of(uri: &str) -> &str {
    let Some((_, rest)) = uri.split_once("://") else {
        return uri;
    };
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// Whether a request is as the case wants it; if not, what was wanted and what came of it.
fn judge_request(
    case: &TestCase,
    head: &RequestHead,
    routes: &Routes,
) -> Result<(), (String, String)> {
    let rules = routes.rules.as_ref().expect("these routes are Istio's");
    let origin = rule::that_takes(routes, head);
    let root = rule::that_takes(&rules.roots, head);
    let all = &rules.virtual_services;
    let rule = origin.as_ref().map(|origin| rule::behind(origin, all));
    let rule = rule.unwrap_or_default();
    let delegate = root.as_ref().and_then(|root| rule::delegate_of(root, all));
    let is_of =
        |root: &Origin, origin: &Origin| root.object == origin.object && root.rule == origin.rule;
    let place = match (&origin, &root) {
        (Some(origin), Some(root)) if is_of(root, origin) => {
            format!("by the rule at {}", origin.location)
        }
        (_, Some(root)) if delegate.is_some() => {
            format!(
                "as no rule of the delegate holds together with that at {}",
                root.location
            )
        }
        (Some(origin), _) => format!("by the rule at {}", origin.location),
        (None, _) => "as no rule matches".to_owned(),
    };
    let not = if case.want_match { "" } else { "not " };
    let equal = |what: &str, wanted: String, got: String, is_equal: bool| {
        if is_equal == case.want_match {
            return Ok(());
        }
        Err((format!("{not}{what} {wanted}"), format!("{got} {place}")))
    };
    let said = |is_said: bool, what: &str, is_equal: bool| match (is_equal, is_said) {
        (true, _) => "the same".to_owned(),
        (false, true) => format!("another {what}"),
        (false, false) => format!("no {what}"),
    };
    if let Some(wanted) = &case.delegate {
        let is_equal = delegate == Some(wanted);
        let got = delegate.map_or("none".to_owned(), |delegate| show_delegate(delegate));
        equal("delegate", show_delegate(wanted), got, is_equal)?;
    }
    if !case.route.is_empty() {
        let is_equal = rule.route == case.route;
        equal(
            "route",
            show_route(&case.route),
            show_route(&rule.route),
            is_equal,
        )?;
    }
    let route = &rule;
    for (what, is_wanted, is_said, is_equal) in [
        (
            "redirect",
            case.redirect.is_some(),
            route.redirect.is_some(),
            route.redirect == case.redirect,
        ),
        (
            "rewrite",
            case.rewrite.is_some(),
            route.rewrite.is_some(),
            route.rewrite == case.rewrite,
        ),
        (
            "fault",
            case.fault.is_some(),
            route.fault.is_some(),
            route.fault == case.fault,
        ),
        (
            "headers",
            case.headers.is_some(),
            route.headers.is_some(),
            route.headers == case.headers,
        ),
    ] {
        if is_wanted {
            equal(
                "the",
                format!("`{what}` of the case"),
                said(is_said, &format!("`{what}`"), is_equal),
                is_equal,
            )?;
        }
    }
    Ok(())
}

impl TestCase {
    fn asserts_something(&self) -> bool {
        !self.route.is_empty()
            || self.redirect.is_some()
            || self.rewrite.is_some()
            || self.fault.is_some()
            || self.headers.is_some()
            || self.delegate.is_some()
    }
}

fn show_delegate(delegate: &Delegate) -> String {
    match delegate.namespace.as_str() {
        "" => format!("`{}`", delegate.name),
        namespace => format!("`{namespace}/{}`", delegate.name),
    }
}

fn show_route(route: &[Spanned<HttpRouteDestination>]) -> String {
    let all: Vec<String> = route
        .iter()
        .map(|one| match one.weight {
            0 => show_destination(&one.destination),
            weight => format!("{} {weight}", show_destination(&one.destination)),
        })
        .collect();
    if all.is_empty() {
        return "none".to_owned();
    }
    format!("`{}`", all.join(", "))
}

fn show_destination(destination: &Destination) -> String {
    let mut text = destination.host.value.clone();
    if let Some(port) = destination.port_number() {
        text += &format!(":{port}");
    }
    match destination.subset_name() {
        "" => {}
        subset => text += &format!(" subset {subset}"),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_absolute_url_the_path_counts() {
        assert_eq!(path_of("/a?b=c"), "/a?b=c");
        assert_eq!(path_of("https://example.com/a"), "/a");
        assert_eq!(path_of("https://example.com"), "/");
    }
}
