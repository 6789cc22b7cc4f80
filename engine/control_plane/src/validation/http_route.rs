//! The rules for one HTTP rule of a VirtualService.

use base::Location;
use manifest::destination::Destination;
use manifest::header_operations::{HeaderOperations, Headers};
use manifest::redirect::RedirectPort;
use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::HttpRoute;

use super::{duration, fault, header_value, http_match, names, port, regex};
use crate::finding::Findings;
use crate::route::retry::is_known_status;

/// Where a rule stands.
pub(super) struct Place {
    /// Its path, such as `spec.http[0]`.
    pub(super) path: String,
    /// The object has no hosts.
    pub(super) is_delegate: bool,
    /// The object is for gateways only.
    pub(super) is_gateway: bool,
    /// The object's gateways, for messages.
    pub(super) gateways: String,
}

impl Place {
    /// The path of a field.
    pub(super) fn field(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}

pub(super) fn validate(rule: &Spanned<HttpRoute>, place: &Place, findings: &mut Findings<'_>) {
    exclusive_actions(rule, place, findings);
    for (index, block) in rule.matches.iter().enumerate() {
        http_match::validate(
            block,
            &place.field(&format!("match[{index}]")),
            place,
            findings,
        );
    }
    headers(rule.headers.as_ref(), &place.field("headers"), findings);
    cors(rule, place, findings);
    if let Some(written) = &rule.fault {
        findings.errors_only(|findings| fault::validate(written, &place.field("fault"), findings));
    }
    mirrors(rule, place, findings);
    redirect(rule, place, findings);
    direct_response(rule, place, findings);
    retries(rule, place, findings);
    rewrite(rule, place, findings);
    destinations(rule, place, findings);
    if let Some(timeout) = &rule.timeout {
        duration(
            Some(timeout.value),
            &timeout.at,
            &place.field("timeout"),
            findings,
        );
    }
}

/// The rules for a destination.
pub(super) fn destination(
    destination: &Spanned<Destination>,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let host = &destination.host;
    let host_field = format!("{field}.host");
    if host.value == "*" {
        findings.refuse(&host.at, &host_field, "invalid destination host *");
    } else if let Err(why) = names::wildcard_domain(host) {
        findings.refuse(&host.at, &host_field, why);
    }
    if let Some(subset) = destination
        .subset
        .as_ref()
        .filter(|subset| !subset.is_empty())
        && !names::is_dns_label(subset)
    {
        let why = format!("subset name is invalid: {}", subset.value);
        findings.refuse(&subset.at, &format!("{field}.subset"), why);
    }
    if let Some(selector) = &destination.port
        && let Err(why) = port::number(i64::from(selector.number))
    {
        findings.refuse(&selector.at, &format!("{field}.port"), why);
    }
}

fn exclusive_actions(rule: &Spanned<HttpRoute>, place: &Place, findings: &mut Findings<'_>) {
    let mut refuse = |why: &str| findings.refuse(&rule.at, &place.path, why);
    let has_route = !rule.route.is_empty();
    if rule.delegate.is_some() && !place.is_delegate {
        if rule.redirect.is_some() {
            refuse(&format!(
                "root HTTP route {} must not specify redirect",
                rule.name
            ));
        }
        if has_route {
            refuse(&format!(
                "root HTTP route {} must not specify route",
                rule.name
            ));
        }
        return;
    }
    if rule.delegate.is_some() {
        refuse("delegate HTTP route cannot contain delegate");
    }
    let others = [
        (has_route, "HTTP route cannot contain both route and"),
        (
            rule.fault.is_some(),
            "HTTP route cannot contain both fault and",
        ),
        (
            rule.rewrite.is_some(),
            "HTTP route rule cannot contain both rewrite and",
        ),
    ];
    if rule.redirect.is_some() {
        for (is_written, why) in others {
            if is_written {
                refuse(&format!("{why} redirect"));
            }
        }
        if rule.direct_response.is_some() {
            refuse("HTTP route rule cannot contain both direct_response and redirect");
        }
    } else if rule.direct_response.is_some() {
        for (is_written, why) in others {
            if is_written {
                refuse(&format!("{why} direct_response"));
            }
        }
    } else if !has_route {
        refuse("HTTP route, redirect or direct_response is required");
    }
    if rule.mirror.is_some() && !rule.mirrors.is_empty() {
        refuse("HTTP route cannot contain both mirror and mirrors");
    }
}

fn headers(written: Option<&Spanned<Headers>>, field: &str, findings: &mut Findings<'_>) {
    let Some(written) = written else {
        return;
    };
    for (operations, name, is_request) in [
        (&written.request, "request", true),
        (&written.response, "response", false),
    ] {
        if let Some(operations) = operations {
            let field = format!("{field}.{name}");
            header_operations(operations, &written.at, &field, is_request, findings);
        }
    }
}

fn header_operations(
    operations: &HeaderOperations,
    at: &Location,
    field: &str,
    is_request: bool,
    findings: &mut Findings<'_>,
) {
    for (name, value) in operations.add.iter().chain(&operations.set) {
        if let Err(why) = header_name(name, is_request) {
            findings.refuse(at, field, why);
        }
        if let Err(why) = header_value::header_value(value) {
            findings.refuse(at, field, why);
        }
    }
    for name in &operations.remove {
        if let Err(why) = header_name(name, false) {
            findings.refuse(at, field, why);
        }
    }
}

/// Whether a header may be changed; the authority of a request may be set.
fn header_name(name: &str, allows_authority: bool) -> Result<(), String> {
    let is_host = name.eq_ignore_ascii_case("host");
    if name.is_empty() {
        Err("header name cannot be empty".to_owned())
    } else if allows_authority && (is_host || name.eq_ignore_ascii_case(":authority")) {
        Ok(())
    } else if is_host {
        Err(format!("invalid header {name:?}: cannot set Host header"))
    } else if name.starts_with(':') {
        Err(format!(
            "invalid header {name:?}: header cannot have \":\" prefix"
        ))
    } else {
        Ok(())
    }
}

fn cors(rule: &HttpRoute, place: &Place, findings: &mut Findings<'_>) {
    let Some(policy) = &rule.cors_policy else {
        return;
    };
    let field = place.field("corsPolicy");
    for origin in &policy.allow_origins {
        let (StringMatch::Exact(text) | StringMatch::Prefix(text) | StringMatch::Regex(text)) =
            &origin.value
        else {
            let why = "'' is not a valid match type for CORS allow origins";
            findings.refuse(&origin.at, &field, why);
            continue;
        };
        if text.is_empty() {
            let why = "'' is not a valid match type for CORS allow origins";
            findings.refuse(&origin.at, &field, why);
        } else if matches!(origin.value, StringMatch::Regex(_))
            && let Err(why) = regex::regex(text, "corsPolicy.allowOrigins")
        {
            findings.refuse(&origin.at, &field, why);
        }
    }
    for method in &policy.allow_methods {
        if !CORS_METHODS.contains(&method.as_str()) {
            let why = format!("{method:?} is not a supported HTTP method");
            findings.refuse(&policy.at, &field, why);
        }
    }
    for name in policy.allow_headers.iter().chain(&policy.expose_headers) {
        if name.is_empty() {
            findings.refuse(&policy.at, &field, "header name cannot be empty");
        } else if !names::is_header_name(name) {
            let why = format!("header name {name} is not a valid header name");
            findings.refuse(&policy.at, &field, why);
        }
    }
    duration(policy.max_age, &policy.at, &field, findings);
    if policy
        .max_age
        .is_some_and(|age| !age.as_nanos().is_multiple_of(1_000_000_000))
    {
        let why = "max_age duration is accurate only to seconds precision";
        findings.refuse(&policy.at, &field, why);
    }
}

fn mirrors(rule: &Spanned<HttpRoute>, place: &Place, findings: &mut Findings<'_>) {
    if let Some(percent) = rule.mirror_percent.or(rule.mirror_percent_snake_case) {
        let field = place.field("mirrorPercent");
        if percent > 100 {
            let why = format!("mirror_percent must have a max value of 100 (it has {percent})");
            findings.refuse(&rule.at, &field, why);
        }
        let why = "using deprecated setting \"mirrorPercent\", use \"mirrorPercentage\" instead";
        findings.warn(&rule.at, &field, why);
    }
    let shares = rule
        .mirror_percentage
        .map(|share| (share, "mirror_percentage", &rule.at));
    let listed = rule
        .mirrors
        .iter()
        .filter_map(|mirror| Some((mirror.percentage?, "mirror percentage", &mirror.at)));
    for (share, name, at) in shares.into_iter().chain(listed) {
        let (bound, limit) = if share.value > 100.0 {
            ("max", 100)
        } else if share.value < 0.0 {
            ("min", 0)
        } else {
            continue;
        };
        let why = format!(
            "{name} must have a {bound} value of {limit} (it has {:.6})",
            share.value
        );
        findings.refuse(at, &place.field("mirrors"), why);
    }
    if let Some(mirror) = &rule.mirror {
        destination(mirror, &place.field("mirror"), findings);
    }
    for (index, mirror) in rule.mirrors.iter().enumerate() {
        let field = place.field(&format!("mirrors[{index}].destination"));
        destination(&mirror.destination, &field, findings);
    }
}

fn redirect(rule: &HttpRoute, place: &Place, findings: &mut Findings<'_>) {
    let Some(redirect) = &rule.redirect else {
        return;
    };
    let is_not_prefix = |uri: &Option<Spanned<StringMatch>>| {
        uri.as_ref()
            .is_some_and(|uri| !matches!(uri.value, StringMatch::Prefix(_)))
    };
    let port = match redirect.port {
        Some(RedirectPort::Number(number)) if number > 0 => Some(number),
        _ => None,
    };
    // The webhook stops at the first.
    let why = if !redirect.uri.is_empty() && !redirect.prefix_rewrite.is_empty() {
        "redirect may only specify one of uri or prefix_rewrite".to_owned()
    } else if !redirect.prefix_rewrite.is_empty()
        && rule.matches.iter().any(|block| is_not_prefix(&block.uri))
    {
        "redirect prefix_rewrite requires all URI matches to use prefix match type".to_owned()
    } else if redirect.uri.is_empty()
        && redirect.prefix_rewrite.is_empty()
        && redirect.authority.is_empty()
        && redirect.port.is_none()
        && redirect.scheme.is_empty()
    {
        "redirect must specify URI, authority, scheme, or port".to_owned()
    } else if redirect.redirect_code != 0 && !(300..=399).contains(&redirect.redirect_code) {
        format!(
            "{} is not a valid redirect code, must be 3xx",
            redirect.redirect_code
        )
    } else if !["", "http", "https"].contains(&redirect.scheme.as_str()) {
        "invalid redirect scheme, must be \"http\" or \"https\"".to_owned()
    } else if let Some(number) = port.filter(|number| *number > 65535) {
        format!("port number {number} must be in the range 1..65535")
    } else {
        return;
    };
    findings.refuse(&redirect.at, &place.field("redirect"), why);
}

fn direct_response(rule: &HttpRoute, place: &Place, findings: &mut Findings<'_>) {
    let Some(response) = &rule.direct_response else {
        return;
    };
    let field = place.field("directResponse");
    let size = response
        .body
        .as_ref()
        .map_or(0, |body| body.as_bytes().len());
    if size > 1024 * 1024 {
        let why =
            "large direct_responses may impact control plane performance, must be less than 1MB";
        findings.refuse(&response.at, &field, why);
    } else if size > 100 * 1024 {
        let why = "large direct_responses may impact control plane performance";
        findings.warn(&response.at, &field, why);
    }
    if !(200..=600).contains(&response.status) {
        let why = format!("HTTP status {} is not in range 200-599", response.status);
        findings.refuse(&response.at, &field, why);
    }
}

fn retries(rule: &HttpRoute, place: &Place, findings: &mut Findings<'_>) {
    let Some(retries) = &rule.retries else {
        return;
    };
    let field = place.field("retries");
    if retries.attempts < 0 {
        findings.refuse(&retries.at, &field, "attempts cannot be negative");
    }
    let says_more = retries.per_try_timeout.is_some()
        || !retries.retry_on.is_empty()
        || retries.retry_remote_localities.is_some();
    if retries.attempts == 0 && says_more {
        let why = "http retry policy configured when attempts are set to 0 (disabled)";
        findings.refuse(&retries.at, &field, why);
    }
    duration(retries.per_try_timeout, &retries.at, &field, findings);
    duration(retries.backoff, &retries.at, &field, findings);
    if retries.retry_on.is_empty() {
        return;
    }
    for condition in retries.retry_on.split(',') {
        let is_status = condition.parse().is_ok_and(is_known_status);
        if !is_status && !RETRY_CONDITIONS.contains(&condition) {
            let why = format!("{condition:?} is not a valid retryOn policy");
            findings.refuse(&retries.at, &field, why);
            if RETRY_CONDITIONS.contains(&condition.trim()) {
                findings.help("write the conditions without spaces");
            }
        }
    }
}

fn rewrite(rule: &HttpRoute, place: &Place, findings: &mut Findings<'_>) {
    if let Some(rewrite) = &rule.rewrite {
        let why = match &rewrite.uri_regex_rewrite {
            Some(_) if !rewrite.uri.is_empty() => {
                Some("rewrite may only contain one of URI or UriRegexRewrite".to_owned())
            }
            None if rewrite.uri.is_empty() && rewrite.authority.is_empty() => Some(
                "rewrite must specify at least one of URI, UriRegexRewrite, or authority. Only one of URI or \
                 UriRegexRewrite may be specified"
                    .to_owned(),
            ),
            Some(regex) if regex.pattern.is_empty() || regex.rewrite.is_empty() => Some(
                "UriRegexRewrite has errors; UriRegexRewrite requires both Rewrite and Match fields to be specified"
                    .to_owned(),
            ),

            Some(regex) => regex::pattern(&regex.pattern, "HTTPRewrite.UriRegexRewrite.Match")
                .err()
                .map(|why| format!("UriRegexRewrite has errors; {why}")),
            None => None,
        };
        if let Some(why) = why {
            findings.refuse(&rewrite.at, &place.field("rewrite"), why);
        }
    }
    let mut authority = rule
        .rewrite
        .as_ref()
        .map_or("", |rewrite| rewrite.authority.as_str());
    let Some(headers) = &rule.headers else {
        return;
    };
    let request = headers.request.iter();
    for (name, value) in request.flat_map(|request| request.set.iter().chain(&request.add)) {
        if name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case(":authority") {
            if !authority.is_empty() {
                let why = format!(
                    "authority header cannot be set multiple times: have {authority:?}, attempting to set {value:?}"
                );
                findings.refuse(&headers.at, &place.field("headers.request"), why);
                return;
            }
            authority = value;
        }
    }
}

fn destinations(rule: &Spanned<HttpRoute>, place: &Place, findings: &mut Findings<'_>) {
    let mut total = 0_i64;
    for (index, entry) in rule.route.iter().enumerate() {
        let field = place.field(&format!("route[{index}]"));
        headers(
            entry.headers.as_ref(),
            &format!("{field}.headers"),
            findings,
        );
        destination(
            &entry.destination,
            &format!("{field}.destination"),
            findings,
        );
        if entry.weight < 0 {
            let why = format!("weight {} < 0", entry.weight);
            findings.refuse(&entry.at, &format!("{field}.weight"), why);
        }
        total += i64::from(entry.weight);
    }
    if rule.route.len() > 1 && total == 0 {
        findings.refuse(
            &rule.at,
            &place.field("route"),
            "total destination weight = 0",
        );
    }
}

const CORS_METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*",
];

const RETRY_CONDITIONS: [&str; 16] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];
