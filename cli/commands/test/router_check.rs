//! Test files of Envoy's router_check_tool: what the route table makes of a request's head.
//!
//! Chance is `random_value`, as in the tool. A test that gives or checks what is not known here is not judged, and says
//! why. Routes with a runtime fraction match in tests that name a `runtime`, whose key is not compared.
//!
//! Source: envoyproxy/envoy, test/tools/router_check/validation.proto, router.cc.

mod file;
mod found;

use manifest::{Diagnostic, Source, from_yaml};
use proxy::request::RequestHead;
use serde_json::{Value, json};
use xds::Json;

use super::routes::Routes;
use super::suite::{Case, Outcome, nothing_to_judge};
use file::{File, Test};
use found::Found;

/// The tests of a file, judged by routes; or what is wrong with the file.
pub(crate) fn judge(source: &Source, routes: &Routes) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let (file, diagnostics) = from_yaml::<File>(source);
    let file = file.ok_or(diagnostics)?;
    if file.tests.is_empty() {
        return Err(vec![nothing_to_judge("tests", &file.tests.at)]);
    }
    let tests = file.tests.iter();
    Ok(tests
        .map(|test| {
            Case::new(
                test.test_name.clone(),
                test.at.clone(),
                judge_test(test, routes),
            )
        })
        .collect())
}

fn judge_test(test: &Test, routes: &Routes) -> Outcome {
    if test.input.dynamic_metadata.is_some() {
        return Outcome::Skipped("`dynamic_metadata` is not known here".to_owned());
    }
    let found = match Found::new(&test.input, routes) {
        Ok(found) => found,
        Err(reason) => return Outcome::Skipped(reason),
    };
    let validate = &test.validate;
    let mut missed = Vec::new();
    let texts = [
        (
            "cluster_name",
            &validate.cluster_name,
            found.cluster.clone(),
        ),
        (
            "virtual_host_name",
            &validate.virtual_host_name,
            found.virtual_host.clone(),
        ),
        ("host_rewrite", &validate.host_rewrite, found.host()),
        ("path_rewrite", &validate.path_rewrite, found.path()),
        (
            "path_redirect",
            &validate.path_redirect,
            found.redirect.clone(),
        ),
    ];
    let mut checks = 0;
    for (name, wanted, got) in texts {
        if let Some(wanted) = wanted {
            checks += 1;
            if *wanted != got {
                missed.push((format!("{name} `{wanted}`"), format!("`{got}`")));
            }
        }
    }
    if let Some(wanted) = validate.code_redirect {
        checks += 1;
        if wanted != u32::from(found.code) {
            missed.push((format!("code_redirect {wanted}"), found.code.to_string()));
        }
    }
    let request = found.request_headers();
    let response = &found.response_headers;
    for (fields, headers) in [
        (&validate.request_header_fields, &request),
        (&validate.response_header_fields, response),
    ] {
        for field in fields {
            checks += 1;
            let got = value_of(headers, &field.key.to_ascii_lowercase());
            if got != field.value {
                missed.push((
                    format!("{}: {}", field.key, field.value),
                    format!("`{got}`"),
                ));
            }
        }
    }
    for (matchers, headers, what) in [
        (&validate.request_header_matches, &request, "request"),
        (&validate.response_header_matches, response, "response"),
    ] {
        for matcher in matchers {
            checks += 1;
            match matches(matcher, headers) {
                Ok(true) => {}
                Ok(false) => {
                    let name = matcher
                        .get("name")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    let got = value_of(headers, &name.to_ascii_lowercase());
                    missed.push((format!("{what} header {matcher}"), format!("`{got}`")));
                }
                Err(reason) => {
                    return Outcome::Skipped(format!("{what} header {matcher}: {reason}"));
                }
            }
        }
    }
    // What is not forwarded has no virtual cluster; others are not known.
    let virtual_cluster = validate.virtual_cluster_name.as_deref();
    let is_known =
        virtual_cluster.is_none_or(|wanted| wanted.is_empty() && found.upstream.is_none());
    checks += usize::from(virtual_cluster.is_some() && is_known);
    let unknown = "`virtual_cluster_name` is not known here: virtual clusters are statistics only";
    match missed.into_iter().next() {
        Some((want, got)) => Outcome::Failed { want, got },
        None if !is_known => Outcome::Skipped(unknown.to_owned()),
        None if checks == 0 => Outcome::Skipped("the test validates nothing".to_owned()),
        None => Outcome::Passed,
    }
}

/// The first value of a header; empty if there is none.
fn value_of<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

/// Whether headers are as Envoy's `HeaderMatcher` wants them: a route with this condition is asked.
fn matches(matcher: &Value, headers: &[(String, String)]) -> Result<bool, String> {
    let mut matcher = matcher.clone();
    let name = matcher
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let name = plain(&name.to_ascii_lowercase());
    if let Some(fields) = matcher.as_object_mut() {
        fields.insert("name".to_owned(), Value::from(name));
    }
    let asked = Routes::of_json(Json::new(
        "the matcher",
        &json!({
            "name": "asked",
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{
                "match": {"prefix": "/", "headers": [matcher]},
                "direct_response": {"status": 200},
            }]}],
        }),
    ))?;
    let mut head = RequestHead::get("all", "/");
    head.headers = headers
        .iter()
        .map(|(name, value)| (plain(name), value.clone()))
        .collect();
    let resolution = asked.table.resolve(asked.config, &head);
    Ok(resolution.route.is_some())
}

/// A header's name as one that means nothing to a proxy.
fn plain(name: &str) -> String {
    format!("asked-{}", name.replace(':', "pseudo-"))
}
