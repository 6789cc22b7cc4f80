//! The rules for DestinationRules.

use base::Location;
use manifest::DestinationRule;
use manifest::outlier_detection::OutlierDetection;
use manifest::span::Spanned;
use manifest::traffic_policy::{PortTrafficPolicy, TrafficPolicy, TunnelSettings};

use super::export_to::{self, Exporter};
use super::{connection_pool, duration, load_balancer, names, port, tls};
use crate::finding::Findings;
use crate::host::is_ip;

pub(super) fn validate(object: &DestinationRule, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    if let Err(why) = names::wildcard_domain(&spec.host) {
        findings.refuse(&spec.host.at, "spec.host", why);
    }
    if let Some(policy) = &spec.traffic_policy {
        traffic_policy(policy, "spec.trafficPolicy", object, findings);
    }
    for (index, subset) in spec.subsets.iter().enumerate() {
        let field = format!("spec.subsets[{index}]");
        let name = &subset.name;
        if spec.subsets[..index]
            .iter()
            .any(|other| other.name == *name)
        {
            let why = format!("duplicate subset names: {}", name.value);
            findings.refuse(&name.at, &field, why);
        }
        if name.is_empty() {
            findings.refuse(&name.at, &field, "subset name cannot be empty");
        } else if !names::is_dns_label(name) {
            let why = format!("subset name is invalid: {}", name.value);
            findings.refuse(&name.at, &field, why);
        }
        for why in names::invalid_labels(&subset.labels) {
            findings.refuse(&subset.at, &format!("{field}.labels"), why);
        }
        if let Some(policy) = &subset.traffic_policy {
            findings.errors_only(|findings| {
                traffic_policy(policy, &format!("{field}.trafficPolicy"), object, findings);
            });
        }
    }
    let selector = spec.workload_selector.as_ref();
    let exporter = if selector.is_some() {
        Exporter::PolicyForWorkloads
    } else {
        Exporter::Policy
    };
    export_to::validate(&spec.export_to, &object.meta.namespace, exporter, findings);
    if let Some(selector) = selector.filter(|selector| selector.match_labels.is_empty()) {
        let why = "workload selector specified without labels";
        findings.warn(&selector.at, "spec.workloadSelector", why);
    }
}

fn traffic_policy(
    policy: &Spanned<TrafficPolicy>,
    field: &str,
    object: &DestinationRule,
    findings: &mut Findings<'_>,
) {
    let is_empty = policy.load_balancer.is_none()
        && policy.connection_pool.is_none()
        && policy.outlier_detection.is_none()
        && policy.tls.is_none()
        && policy.port_level_settings.is_empty()
        && policy.tunnel.is_none()
        && policy.proxy_protocol.is_none()
        && policy.retry_budget.is_none();
    if is_empty {
        findings.refuse(
            &policy.at,
            field,
            "traffic policy must have at least one field",
        );
        return;
    }
    if policy.tunnel.is_some() && policy.proxy_protocol.is_some() {
        let why = "tunnel and proxyProtocol must not be set together";
        findings.refuse(&policy.at, field, why);
        return;
    }
    let outlier = policy.outlier_detection.as_ref();
    if let Some(outlier) = outlier {
        outlier_detection(outlier, &format!("{field}.outlierDetection"), findings);
    }
    if let Some(pool) = &policy.connection_pool {
        connection_pool::validate(pool, &format!("{field}.connectionPool"), findings);
    }
    if let Some(settings) = &policy.load_balancer {
        let field = format!("{field}.loadBalancer");
        load_balancer::validate(settings, outlier.is_some(), &field, findings);
    }
    if let Some(settings) = &policy.tls {
        tls::validate(
            settings,
            &format!("{field}.tls"),
            &object.meta.namespace,
            findings,
        );
    }
    for (index, entry) in policy.port_level_settings.iter().enumerate() {
        let field = format!("{field}.portLevelSettings[{index}]");
        findings.errors_only(|findings| port_policy(entry, &field, object, findings));
    }
    if let Some(settings) = &policy.tunnel {
        tunnel(settings, &format!("{field}.tunnel"), findings);
    }
}

fn port_policy(
    entry: &Spanned<PortTrafficPolicy>,
    field: &str,
    object: &DestinationRule,
    findings: &mut Findings<'_>,
) {
    if entry.port.is_none() {
        findings.refuse(&entry.at, field, "portTrafficPolicy must have valid port");
    }
    let is_empty = entry.load_balancer.is_none()
        && entry.connection_pool.is_none()
        && entry.outlier_detection.is_none()
        && entry.tls.is_none();
    if is_empty {
        let why = "port traffic policy must have at least one field";
        findings.refuse(&entry.at, field, why);
    }
    if let Some(outlier) = &entry.outlier_detection {
        outlier_detection(outlier, &format!("{field}.outlierDetection"), findings);
    }
    if let Some(pool) = &entry.connection_pool {
        connection_pool::validate(pool, &format!("{field}.connectionPool"), findings);
    }
    if let Some(settings) = &entry.load_balancer {
        let has_outlier_detection = entry.outlier_detection.is_some();
        let field = format!("{field}.loadBalancer");
        load_balancer::validate(settings, has_outlier_detection, &field, findings);
    }
    if let Some(settings) = &entry.tls {
        tls::validate(
            settings,
            &format!("{field}.tls"),
            &object.meta.namespace,
            findings,
        );
    }
}

fn outlier_detection(
    outlier: &Spanned<OutlierDetection>,
    field: &str,
    findings: &mut Findings<'_>,
) {
    duration(outlier.base_ejection_time, &outlier.at, field, findings);
    duration(outlier.interval, &outlier.at, field, findings);
    if outlier.consecutive_errors != 0 {
        let why = "outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or \
                   consecutive5xxErrors instead";
        findings.warn(&outlier.at, field, why);
    }
    let counts_local = outlier.consecutive_local_origin_failures.unwrap_or(0) > 0;
    if counts_local && !outlier.split_external_local_origin_errors {
        let why = "outlier detection consecutive local origin failures is specified, but split external local origin \
                   errors is set to false";
        findings.refuse(&outlier.at, field, why);
    }
    percentage(outlier.max_ejection_percent, &outlier.at, field, findings);
    percentage(outlier.min_health_percent, &outlier.at, field, findings);
}

fn percentage(value: i32, at: &Location, field: &str, findings: &mut Findings<'_>) {
    if !(0..=100).contains(&value) {
        let why = format!("percentage {value} is not in range 0..100");
        findings.refuse(at, field, why);
    }
}

fn tunnel(settings: &Spanned<TunnelSettings>, field: &str, findings: &mut Findings<'_>) {
    if !["", "CONNECT", "POST"].contains(&settings.protocol.as_str()) {
        let why = "tunnel protocol must be \"CONNECT\" or \"POST\"";
        findings.refuse(&settings.at, field, why);
    }
    let host = &settings.target_host;
    if !is_ip(host)
        && let Err(why) = names::fqdn(host)
    {
        let why = format!(
            "tunnel target host must be valid FQDN or IP address: {why}; {host} is not a valid IP"
        );
        findings.refuse(&settings.at, field, why);
    }
    if let Err(why) = port::number(i64::from(settings.target_port)) {
        let why = format!("tunnel target port is invalid: {why}");
        findings.refuse(&settings.at, field, why);
    }
}
