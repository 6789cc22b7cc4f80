//! Configurations as short, stable text.

use std::fmt::Write as _;

use manifest::Diagnostic;
use meshsim_control_plane::Mesh;
use xds::{
    AbortStatus, Cluster, DownstreamTlsContext, Filter, FilterChain, HashSource, HeaderAppend,
    HeaderMatch, HeaderMutations, HostRewrite, LbPolicy, PathMatch, PathRedirect, PathRewrite,
    QueryMatch, RetryOn, RetryPolicy, Route, RouteAction, RouteMatch, RouteTarget, Snapshot,
    StringMatch,
};

/// The virtual hosts of a table whose names contain a word.
pub(crate) fn routes(out: &mut String, snapshot: &Snapshot, table: &str, word: &str) {
    let Some(table) = snapshot.routes.iter().find(|config| config.name == table) else {
        writeln!(out, "no table {table}").expect("text");
        return;
    };
    let ports = if table.ignore_port_in_host_matching {
        ""
    } else {
        " (port counts)"
    };
    writeln!(out, "table {}{ports}", table.name).expect("text");
    for host in &table.virtual_hosts {
        if host.name.contains(word) {
            writeln!(out, "  host {} [{}]", host.name, host.domains.join(" ")).expect("text");
            for route in &host.routes {
                self::route(out, route);
            }
        }
    }
}

/// Clusters whose names contain a word.
pub(crate) fn clusters(out: &mut String, snapshot: &Snapshot, word: &str) {
    for cluster in &snapshot.clusters {
        if cluster.name.contains(word) {
            self::cluster(out, cluster);
        }
    }
}

/// Endpoints of clusters whose names contain a word.
pub(crate) fn endpoints(out: &mut String, snapshot: &Snapshot, word: &str) {
    for assignment in snapshot.load_assignments() {
        if !assignment.cluster_name.contains(word) {
            continue;
        }
        writeln!(out, "endpoints {}", assignment.cluster_name).expect("text");
        for locality in &assignment.endpoints {
            let xds::Locality {
                region,
                zone,
                sub_zone,
            } = &locality.locality;
            if locality.priority > 0 || !region.is_empty() {
                writeln!(
                    out,
                    "  {region}/{zone}/{sub_zone} priority {} weight {}",
                    locality.priority, locality.load_balancing_weight
                )
                .expect("text");
            }
            for endpoint in &locality.lb_endpoints {
                let name = match &endpoint.workload {
                    Some(pod) => format!("{}/{}", pod.namespace, pod.pod),
                    None => endpoint.address.clone(),
                };
                writeln!(
                    out,
                    "  {name} port {} {:?}{}{}",
                    endpoint.port,
                    endpoint.health_status,
                    if endpoint.load_balancing_weight == 1 {
                        String::new()
                    } else {
                        format!(" weight {}", endpoint.load_balancing_weight)
                    },
                    if endpoint.is_mutual_tls {
                        ""
                    } else {
                        " without sidecar"
                    },
                )
                .expect("text");
            }
        }
    }
}

/// Listeners whose names contain a word.
pub(crate) fn listeners(out: &mut String, snapshot: &Snapshot, word: &str) {
    for listener in &snapshot.listeners {
        if listener.name.contains(word) {
            writeln!(out, "listener {}", listener.name).expect("text");
            for chain in &listener.filter_chains {
                self::chain(out, "chain", chain);
            }
            if let Some(chain) = &listener.default_filter_chain {
                self::chain(out, "default", chain);
            }
        }
    }
}

/// All pods with their workloads and sidecars.
pub(crate) fn pods(out: &mut String, mesh: &Mesh) {
    for pod in mesh.pods() {
        let sidecar = if pod.has_sidecar() {
            "sidecar"
        } else {
            "no sidecar"
        };
        writeln!(
            out,
            "pod {}/{} of {} {}: {sidecar}, since {}{}",
            pod.namespace,
            pod.name,
            pod.workload.kind,
            pod.workload.name,
            pod.template.injection,
            if pod.is_ready { "" } else { "; not ready" },
        )
        .expect("text");
    }
}

/// Findings, in the order in which they were found.
pub(crate) fn diagnostics<'a>(out: &mut String, findings: impl Iterator<Item = &'a Diagnostic>) {
    for finding in findings {
        let object = finding.object.as_ref().expect("an object");
        writeln!(
            out,
            "{} {} {object} line {}: {}",
            finding.level, finding.code, finding.location.line, finding.message
        )
        .expect("text");
        if let Some(help) = &finding.help {
            writeln!(out, "  help: {help}").expect("text");
        }
    }
}

fn route(out: &mut String, route: &Route) {
    let name = if route.name.is_empty() {
        "-"
    } else {
        &route.name
    };
    let origin = route.origin.as_ref().map_or(String::new(), |origin| {
        let block = origin
            .match_block
            .map_or("*".to_owned(), |block| block.to_string());
        let rule = origin.rule.map_or("-".to_owned(), |rule| rule.to_string());
        format!(
            " <{} {rule}.{block} line {}>",
            origin.object, origin.location.line
        )
    });
    writeln!(
        out,
        "    route {name}: {}{origin}",
        route_match(&route.match_)
    )
    .expect("text");
    let mut line = |text: String| writeln!(out, "      {text}").expect("text");
    match &route.action {
        RouteAction::Route(target) => self::target(&mut line, target),
        RouteAction::Redirect(redirect) => {
            let path = match &redirect.path {
                None => "kept".to_owned(),
                Some(PathRedirect::Path(path)) => format!("= {path}"),
                Some(PathRedirect::Prefix(prefix)) => format!("prefix = {prefix}"),
                Some(PathRedirect::Regex(regex)) => {
                    format!("s|{}|{}|", regex.pattern, regex.substitution)
                }
            };
            line(format!(
                "redirect {} scheme {} host {} port {} path {path}",
                redirect.response_code,
                redirect.scheme.as_deref().unwrap_or("kept"),
                redirect.host.as_deref().unwrap_or("kept"),
                redirect
                    .port
                    .map_or("default".to_owned(), |port| port.to_string()),
            ));
        }
        RouteAction::DirectResponse(response) => {
            line(format!("respond {} {:?}", response.status, response.body));
        }
    }
    mutations(&mut line, "request", &route.request_headers);
    mutations(&mut line, "response", &route.response_headers);
    if let Some(fault) = &route.fault {
        if let Some(delay) = &fault.delay {
            line(format!(
                "fault delay {} for {}",
                delay.fixed_delay, delay.percentage
            ));
        }
        if let Some(abort) = &fault.abort {
            let status = match abort.status {
                AbortStatus::Http(status) => status.to_string(),
                AbortStatus::Grpc(status) => format!("grpc {status}"),
            };
            line(format!("fault abort {status} for {}", abort.percentage));
        }
    }
    if let Some(cors) = &route.cors {
        let origins: Vec<_> = cors.allow_origin.iter().map(string_match).collect();
        line(format!(
            "cors origins [{}] methods {:?} headers {:?} max-age {:?} credentials {:?} forward unmatched {}",
            origins.join(" "),
            cors.allow_methods,
            cors.allow_headers,
            cors.max_age,
            cors.allow_credentials,
            cors.forward_not_matching_preflights,
        ));
    }
}

fn target(line: &mut impl FnMut(String), target: &RouteTarget) {
    if let [only] = target.clusters.as_slice() {
        line(format!("to {}", only.name));
    } else {
        for cluster in &target.clusters {
            line(format!("to {} weight {}", cluster.name, cluster.weight));
            mutations(line, "  request", &cluster.request_headers);
            mutations(line, "  response", &cluster.response_headers);
            if let Some(host) = &cluster.host_rewrite_literal {
                line(format!("  host = {host}"));
            }
        }
    }
    match &target.path_rewrite {
        None => {}
        Some(PathRewrite::Prefix(path)) => line(format!("prefix = {path}")),
        Some(PathRewrite::Regex(regex)) => {
            line(format!("path s|{}|{}|", regex.pattern, regex.substitution));
        }
    }
    match &target.host_rewrite {
        None => {}
        Some(HostRewrite::Literal(host)) => line(format!("host = {host}")),
        Some(HostRewrite::Header(name)) => line(format!("host = the header {name}")),
        Some(HostRewrite::PathRegex(regex)) => {
            line(format!(
                "host = path s|{}|{}|",
                regex.pattern, regex.substitution
            ));
        }
        Some(HostRewrite::Auto) => line("host = upstream's".to_owned()),
    }
    line(format!(
        "timeout {}, {}",
        if target.timeout.is_zero() {
            "none".to_owned()
        } else {
            target.timeout.to_string()
        },
        retries(target.retry_policy.as_ref()),
    ));
    for mirror in &target.mirrors {
        line(format!(
            "mirror {} of requests to {}",
            mirror.fraction, mirror.cluster
        ));
    }
    for policy in &target.hash_policy {
        line(match &policy.source {
            HashSource::Header { name, .. } => format!("hash header {name}"),
            HashSource::Cookie {
                name, path, ttl, ..
            } => {
                format!("hash cookie {name} path {path:?} ttl {ttl:?}")
            }
            HashSource::SourceIp => "hash source address".to_owned(),
            HashSource::QueryParameter { name } => format!("hash query parameter {name}"),
        });
    }
}

fn retries(policy: Option<&RetryPolicy>) -> String {
    let Some(policy) = policy else {
        return "no retries".to_owned();
    };
    let conditions: Vec<_> = policy.retry_on.iter().map(RetryOn::as_str).collect();
    let conditions = match conditions.join(",") {
        default if default == DEFAULT_RETRY_ON => "default conditions".to_owned(),
        other => other,
    };
    let mut text = format!("{} retries on {conditions}", policy.num_retries);
    if !policy.retriable_status_codes.is_empty() {
        write!(text, " codes {:?}", policy.retriable_status_codes).expect("text");
    }
    if let Some(timeout) = policy.per_try_timeout {
        write!(text, " each {timeout}").expect("text");
    }
    if let Some(base) = policy.back_off_base {
        write!(text, " back-off {base}").expect("text");
    }
    if !policy.previous_hosts {
        text.push_str(" even on previous hosts");
    }
    if policy.previous_priorities.is_some() {
        text.push_str(" elsewhere");
    }
    text
}

fn mutations(line: &mut impl FnMut(String), what: &str, mutations: &HeaderMutations) {
    for name in &mutations.remove {
        line(format!("{what} remove {name}"));
    }
    for header in &mutations.add {
        let verb = match header.append {
            HeaderAppend::AppendIfExistsOrAdd => "add",
            HeaderAppend::OverwriteIfExistsOrAdd => "set",
            HeaderAppend::AddIfAbsent => "add if absent",
            HeaderAppend::OverwriteIfExists => "set if there",
        };
        line(format!("{what} {verb} {}: {}", header.name, header.value));
    }
}

fn route_match(match_: &RouteMatch) -> String {
    let mut text = match &match_.path {
        PathMatch::Prefix(prefix) => format!("prefix {prefix}"),
        PathMatch::Path(path) => format!("path {path}"),
        PathMatch::SafeRegex(regex) => format!("regex {regex}"),
        PathMatch::PathSeparatedPrefix(prefix) => format!("segments {prefix}"),
    };
    if !match_.case_sensitive {
        text.push_str(" (any case)");
    }
    for header in &match_.headers {
        let not = if header.invert_match { "not " } else { "" };
        let value = match &header.match_ {
            HeaderMatch::Present(present) => format!("present {present}"),
            HeaderMatch::Value(value) => string_match(value),
            HeaderMatch::Range { start, end } => format!("range {start}..{end}"),
        };
        let missing = if header.treat_missing_header_as_empty {
            " (missing is empty)"
        } else {
            ""
        };
        write!(text, "; {not}{} {value}{missing}", header.name).expect("text");
    }
    for query in &match_.query_parameters {
        let value = match &query.match_ {
            QueryMatch::Present(true) => "present".to_owned(),
            QueryMatch::Present(false) => "absent".to_owned(),
            QueryMatch::Value(value) => string_match(value),
        };
        write!(text, "; ?{} {value}", query.name).expect("text");
    }
    text
}

fn string_match(match_: &StringMatch) -> String {
    match match_ {
        StringMatch::Exact(text) => format!("exact {text:?}"),
        StringMatch::Prefix(text) => format!("prefix {text:?}"),
        StringMatch::Suffix(text) => format!("suffix {text:?}"),
        StringMatch::Contains(text) => format!("contains {text:?}"),
        StringMatch::SafeRegex(text) => format!("regex {text:?}"),
        StringMatch::IgnoreCase(match_) => format!("{} (any case)", string_match(match_)),
    }
}

/// The policy, and the size that Pilot writes for it.
fn lb_policy(policy: &LbPolicy) -> String {
    match policy {
        LbPolicy::RoundRobin => "RoundRobin".to_owned(),
        LbPolicy::LeastRequest(_) => "LeastRequest".to_owned(),
        LbPolicy::Random => "Random".to_owned(),
        LbPolicy::RingHash(ring) => {
            let size = ring.minimum_ring_size;
            format!("RingHash {{ minimum_ring_size: {size:?} }}")
        }
        LbPolicy::Maglev(maglev) => format!("Maglev {{ table_size: {:?} }}", maglev.table_size),
        LbPolicy::ClusterProvided => "ClusterProvided".to_owned(),
    }
}

fn cluster(out: &mut String, cluster: &Cluster) {
    write!(
        out,
        "cluster {} {:?} {} {:?} tls {:?} connect {}",
        cluster.name,
        cluster.type_,
        lb_policy(&cluster.lb_policy),
        cluster.protocol,
        cluster.tls,
        cluster.connect_timeout
    )
    .expect("text");
    if let Some(origin) = &cluster.origin {
        write!(out, " <{} line {}>", origin.object, origin.location.line).expect("text");
    }
    out.push('\n');
    let limits = &cluster.circuit_breakers;
    for (name, limit) in [
        ("connections", limits.max_connections),
        ("pending requests", limits.max_pending_requests),
        ("requests", limits.max_requests),
        ("retries", limits.max_retries),
    ] {
        if limit != u32::MAX {
            writeln!(out, "  at most {limit} {name}").expect("text");
        }
    }
    if let Some(budget) = &limits.retry_budget {
        writeln!(
            out,
            "  retry budget {}%, at least {}",
            budget.budget_percent, budget.min_retry_concurrency
        )
        .expect("text");
    }
    for (name, value) in [
        (
            "requests per connection",
            cluster.max_requests_per_connection,
        ),
        ("streams per connection", cluster.max_concurrent_streams),
    ] {
        if let Some(value) = value {
            writeln!(out, "  {value} {name}").expect("text");
        }
    }
    if let Some(idle) = cluster.idle_timeout {
        writeln!(out, "  idle {idle}").expect("text");
    }
    if cluster.locality_lb != xds::LocalityLb::None {
        writeln!(out, "  localities {:?}", cluster.locality_lb).expect("text");
    }
    if let Some(port) = cluster.upstream_port_override {
        writeln!(out, "  port {port} instead of the dialled one").expect("text");
    }
    if let Some(slow) = &cluster.slow_start {
        writeln!(
            out,
            "  slow start {} from {:?}% aggression {:?}",
            slow.window, slow.min_weight_percent, slow.aggression
        )
        .expect("text");
    }
    if let Some(outlier) = &cluster.outlier_detection {
        let count = |count: Option<u32>, enforcing: Option<u32>| match (count, enforcing) {
            (None, _) => "default".to_owned(),
            (Some(_), Some(0)) => "off".to_owned(),
            (Some(count), _) => count.to_string(),
        };
        writeln!(
            out,
            "  ejects after 5xx {}, gateway {}; interval {:?} base {:?} at most {:?}%; panic below {}%",
            count(outlier.consecutive_5xx, outlier.enforcing_consecutive_5xx),
            count(
                outlier.consecutive_gateway_failure,
                outlier.enforcing_consecutive_gateway_failure
            ),
            outlier.interval,
            outlier.base_ejection_time,
            outlier.max_ejection_percent,
            cluster.healthy_panic_threshold,
        )
        .expect("text");
    }
}

fn chain(out: &mut String, what: &str, chain: &FilterChain) {
    let match_ = &chain.match_;
    let mut conditions = Vec::new();
    if let Some(port) = match_.destination_port {
        conditions.push(format!("port {port}"));
    }
    for (name, list) in [
        ("sni", &match_.server_names),
        ("to", &match_.prefix_ranges),
        ("protocols", &match_.application_protocols),
    ] {
        if !list.is_empty() {
            conditions.push(format!("{name} {}", list.join(" ")));
        }
    }
    if !match_.transport_protocol.is_empty() {
        conditions.push(match_.transport_protocol.clone());
    }
    let name = if chain.name.is_empty() {
        String::new()
    } else {
        format!(" {}", chain.name)
    };
    let tls = chain.tls.as_deref().filter(|_| chain.name.is_empty());
    let name = tls.map_or(name.clone(), |tls| format!("{name} {}", self::tls(tls)));
    let target = match &chain.filter {
        Filter::HttpConnectionManager(manager) => format!("table {}", manager.route_config_name),
        Filter::TcpProxy(proxy) => proxy
            .clusters
            .iter()
            .map(|(name, weight)| format!("{name} weight {weight}"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    writeln!(out, "  {what}{name} [{}] {target}", conditions.join("; ")).expect("text");
}

/// TLS that ends at a chain.
fn tls(context: &DownstreamTlsContext) -> String {
    let mut words = vec![format!("tls {}", context.certificates.join(" "))];
    if let Some(validation) = &context.validation {
        let must = if context.require_client_certificate {
            "requires"
        } else {
            "allows"
        };
        let authorities = validation.authorities.as_deref().unwrap_or("any");
        words.push(format!("{must} clients of {authorities}"));
        words.extend(validation.subject_alt_names.iter().cloned());
    }
    if !context.params.minimum_protocol_version.is_empty() {
        words.push(format!("from {}", context.params.minimum_protocol_version));
    }
    words.extend(context.params.cipher_suites.iter().cloned());
    words.join(" ")
}

const DEFAULT_RETRY_ON: &str =
    "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/// Conditions of objects of the Gateway API, a line each.
pub(crate) fn conditions(out: &mut String, mesh: &Mesh) {
    for condition in mesh.conditions() {
        let part = |text: &Option<String>, of: &str| match text {
            Some(text) => format!(" {of} {text}"),
            None => String::new(),
        };
        let message = match condition.message.as_str() {
            "" => String::new(),
            message => format!(": {message}"),
        };
        let _ = writeln!(
            out,
            "{} {}/{}{}{}: {}={} {}{message}",
            condition.kind,
            condition.namespace,
            condition.name,
            part(&condition.parent, "at"),
            part(&condition.listener, "listener"),
            condition.condition_type,
            condition.status,
            condition.reason,
        );
    }
}
