//! The rules for one match block of an HTTP rule.

use base::Location;
use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::HttpMatchRequest;

use super::http_route::Place;
use super::virtual_service::gateway_names;
use super::{names, port, regex};
use crate::finding::Findings;
use crate::route::claims::claim_path;

pub(super) fn validate(
    block: &Spanned<HttpMatchRequest>,
    field: &str,
    place: &Place,
    findings: &mut Findings<'_>,
) {
    let with = block.headers.iter().map(|entry| (entry, "headers"));
    let without = block
        .without_headers
        .iter()
        .map(|entry| (entry, "withoutHeaders"));
    for ((name, value), list) in with.chain(without) {
        let field = format!("{field}.{list}");
        header_name(name, &value.at, &field, place, findings);
        // `*` is none of RE2's expressions; it means presence, and only here may it be written.
        let is_presence = matches!(&value.value, StringMatch::Regex(text) if text == "*");
        if list == "headers" || !is_presence {
            string_match(value, list, &field, findings);
        }
    }
    if let Some(uri) = &block.uri
        && let StringMatch::Regex(text) = &uri.value
        && let Err(why) = regex::regex(text, "uri")
    {
        findings.refuse(&uri.at, &format!("{field}.uri"), why);
    }
    for (value, name) in [
        (&block.scheme, "scheme"),
        (&block.method, "method"),
        (&block.authority, "authority"),
    ] {
        if let Some(value) = value {
            string_match(value, name, &format!("{field}.{name}"), findings);
        }
    }
    for value in block.query_params.values() {
        string_match(
            value,
            "queryParams",
            &format!("{field}.queryParams"),
            findings,
        );
    }
    if block.port != 0
        && let Err(why) = port::number(i64::from(block.port))
    {
        findings.refuse(&block.at, &format!("{field}.port"), why);
    }
    for why in names::invalid_labels(&block.source_labels) {
        findings.refuse(&block.at, &format!("{field}.sourceLabels"), why);
    }
    findings.errors_only(|findings| {
        gateway_names(&block.gateways, &format!("{field}.gateways"), findings);
    });
    let namespace = &block.source_namespace;
    if !namespace.is_empty() && !names::is_dns_label(namespace) {
        let why = format!("sourceNamespace match {namespace} is invalid");
        findings.refuse(&block.at, &format!("{field}.sourceNamespace"), why);
    }
}

fn header_name(name: &str, at: &Location, field: &str, place: &Place, findings: &mut Findings<'_>) {
    if name.is_empty() {
        findings.refuse(at, field, "header name cannot be empty");
    } else if claim_path(name).is_some() {
        if !place.is_gateway {
            let why = format!(
                "JWT claim based routing (key: {name}) is only supported for gateway, found no gateways: [{}]",
                place.gateways
            );
            findings.refuse(at, field, why);
        }
    } else if !PSEUDO_HEADERS.contains(&name) && !names::is_header_name(name) {
        let why = format!("header name {name} is not a valid header name");
        findings.refuse(at, field, why);
    }
}

fn string_match(
    value: &Spanned<StringMatch>,
    place: &str,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let why = match &value.value {
        StringMatch::Prefix(prefix) if prefix.is_empty() => {
            format!("{place:?}: prefix string match should not be empty")
        }
        StringMatch::Regex(text) => match regex::regex(text, place) {
            Ok(()) => return,
            Err(why) => why,
        },
        StringMatch::Prefix(_) | StringMatch::Exact(_) | StringMatch::Present => return,
    };
    findings.refuse(&value.at, field, why);
}

const PSEUDO_HEADERS: [&str; 5] = [":method", ":scheme", ":authority", ":path", ":status"];
