//! MS0106: outlier detection that can eject no host, since one host is already more than `maxEjectionPercent`.
//!
//! Source: envoyproxy/envoy 1.31 and later, source/common/upstream/outlier_detection_impl.cc: a host is ejected only if
//! the share of ejected hosts stays within the limit with it.

use manifest::outlier_detection::OutlierDetection;
use manifest::span::Spanned;
use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.destination_rules {
        let Some(service) = context.service(&object.spec.host, &object.meta.namespace) else {
            continue;
        };
        let hosts = service.endpoints.len() + service.listed.len();
        let mut findings = Findings::new("DestinationRule", &object.meta, out);
        let policy = object.spec.traffic_policy.as_ref();
        if let Some(outlier) = policy.and_then(|policy| policy.outlier_detection.as_ref()) {
            check(outlier, hosts, "spec.trafficPolicy", &mut findings);
        }
    }
}

fn check(
    outlier: &Spanned<OutlierDetection>,
    hosts: usize,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let limit = match usize::try_from(outlier.max_ejection_percent) {
        Ok(0) | Err(_) => DEFAULT_MAX_EJECTION_PERCENT,
        Ok(limit) => limit,
    };
    if hosts == 0 || 100 <= limit * hosts {
        return;
    }
    let hosts_text = if hosts == 1 {
        "host is".to_owned()
    } else {
        format!("of {hosts} hosts is")
    };
    let message = format!(
        "No host is ever ejected: one {hosts_text} more than `maxEjectionPercent`: {limit}"
    );
    let field = format!("{field}.outlierDetection.maxEjectionPercent");
    findings.add("MS0106", Level::Warning, &outlier.at, &field, message);
    findings.help(format!("set it to {} or more", 100_usize.div_ceil(hosts)));
}

/// Envoy's, which Istio leaves as it is.
const DEFAULT_MAX_EJECTION_PERCENT: usize = 10;
