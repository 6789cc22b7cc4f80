//! Test files of istio-config-validator: which rule takes a request, and what the rule says.
//!
//! A case asks about each combination of its authorities, methods and paths, and compares what it names (`route`,
//! `redirect`, `rewrite`, `fault`, `headers`, `delegate`) with what the matching rule says, field by field; with
//! `wantMatch: false` none may be equal. Which rule matches is for the proxy's own matcher to say.
//!
//! Source: getyourguide/istio-config-validator, docs/test-cases.md, internal/pkg/unit/unit.go.

use std::collections::BTreeMap;

use manifest::destination::Destination;
use manifest::fault::HttpFaultInjection;
use manifest::header_operations::Headers;
use manifest::redirect::HttpRedirect;
use manifest::rewrite::HttpRewrite;
use manifest::virtual_service::{Delegate, HttpRoute, HttpRouteDestination};
use manifest::{Diagnostic, Source, Spanned, VirtualService, from_yaml};
use proxy::request::RequestHead;
use serde::Deserialize;
use xds::Origin;

use super::routes::Routes;
use super::suite::{Case, Outcome};
use crate::documents::documents;

/// A file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    test_cases: Vec<Spanned<TestCase>>,
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
    let (_, trace) = routes.table.explain(routes.config, head);
    let origin = trace.route.as_ref().and_then(|route| route.origin);
    let all = routes.virtual_services.as_deref().unwrap_or_default();
    let rule = origin
        .map(|origin| Rule::behind(origin, all))
        .unwrap_or_default();
    let place = match origin {
        Some(origin) => format!("by the rule at {}", origin.location),
        None => "as no rule matches".to_owned(),
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
        let is_equal = rule.delegate.as_ref() == Some(wanted);
        let got = rule
            .delegate
            .as_ref()
            .map_or("none".to_owned(), |delegate| show_delegate(delegate));
        equal("delegate", show_delegate(wanted), got, is_equal)?;
    }
    if !case.route.is_empty() {
        let is_equal = rule.route.route == case.route;
        equal(
            "route",
            show_route(&case.route),
            show_route(&rule.route.route),
            is_equal,
        )?;
    }
    let route = &rule.route;
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

/// What the matching rule says, that of its delegate included; empty where none matches.
#[derive(Debug, Default)]
struct Rule {
    route: HttpRoute,
    delegate: Option<Spanned<Delegate>>,
}

impl Rule {
    fn behind(origin: &Origin, all: &[VirtualService]) -> Self {
        let object = |object: &&VirtualService| {
            format!("{}/{}", object.meta.namespace, object.meta.name) == *origin.object
        };
        let Some(root) = all.iter().find(object) else {
            return Self::default();
        };
        let index = origin.rule.map(|index| index as usize);
        let Some(rule) = index.and_then(|index| root.spec.http.get(index)) else {
            return Self::default();
        };
        let Some(delegate) = &rule.delegate else {
            return Self {
                route: rule.value.clone(),
                delegate: None,
            };
        };
        let namespace = match delegate.namespace.as_str() {
            "" => &root.meta.namespace,
            namespace => namespace,
        };
        let owner = all
            .iter()
            .find(|object| object.meta.namespace == namespace && object.meta.name == delegate.name);
        let rules = owner
            .map(|owner| owner.spec.http.as_slice())
            .unwrap_or_default();
        // The place is that of the delegate's own condition, or of the root's where the delegate has none.
        let is_it = |own: &&Spanned<HttpRoute>| {
            own.at == origin.location
                || own.matches.iter().any(|block| block.at == origin.location)
                || (own.matches.is_empty()
                    && rule.matches.iter().any(|block| block.at == origin.location))
        };
        let own = rules
            .iter()
            .find(is_it)
            .map(|own| own.value.clone())
            .unwrap_or_default();
        Self {
            route: HttpRoute {
                rewrite: own.rewrite.or_else(|| rule.rewrite.clone()),
                fault: own.fault.or_else(|| rule.fault.clone()),
                headers: own.headers.or_else(|| rule.headers.clone()),
                ..own
            },
            delegate: Some(delegate.clone()),
        }
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
