//! The rules for `loadBalancer`.

use manifest::load_balancer::{
    ConsistentHashLb, HashAlgorithm, HashKey, LoadBalancerPolicy, LoadBalancerSettings,
};
use manifest::locality::{Failover, LocalityLoadBalancerSetting};
use manifest::span::Spanned;

use super::duration;
use crate::finding::Findings;

pub(super) fn validate(
    settings: &Spanned<LoadBalancerSettings>,
    has_outlier_detection: bool,
    field: &str,
    findings: &mut Findings<'_>,
) {
    if let Some(LoadBalancerPolicy::ConsistentHash(hash)) = &settings.policy {
        consistent_hash(hash, &format!("{field}.consistentHash"), findings);
    }
    let (locality, zone_aware) = (
        &settings.locality_lb_setting,
        &settings.zone_aware_lb_setting,
    );
    if locality.is_some() && zone_aware.is_some() {
        let why = "only one of localityLbSetting and zoneAwareLbSetting can be set";
        findings.refuse(&settings.at, field, why);
    }
    if let Some(locality) = locality {
        let field = format!("{field}.localityLbSetting");
        locality_setting(locality, has_outlier_detection, &field, findings);
    }
    if let Some(zones) = zone_aware {
        let field = format!("{field}.zoneAwareLbSetting");
        for label in zones
            .failover_priority
            .iter()
            .filter(|label| is_topology(label))
        {
            let why = format!(
                "'failover_priority' for zone aware lb must not use topology label '{label}'; region- and zone-level \
                 routing are handled automatically"
            );
            findings.refuse(&zones.at, &field, why);
        }
        let fails_over = !zones.failover.is_empty() || !zones.failover_priority.is_empty();
        if fails_over && !has_outlier_detection {
            let why = "outlier detection policy must be provided for failover";
            findings.warn(&zones.at, &field, why);
        }
        let only = "only specifies region; zone and subzone failover are handled automatically";
        failovers(&zones.failover, ("zone aware lb", only), &field, findings);
    }
    if let Some(warmup) = &settings.warmup {
        let field = format!("{field}.warmup");
        duration(Some(warmup.duration), &settings.at, &field, findings);
        if warmup
            .aggression
            .is_some_and(|aggression| aggression <= 0.0)
        {
            findings.refuse(&settings.at, &field, "aggression should be greater than 0");
        }
    }
}

fn consistent_hash(hash: &Spanned<ConsistentHashLb>, field: &str, findings: &mut Findings<'_>) {
    if let Some(HashKey::HttpCookie(cookie)) = &hash.key {
        if cookie.name.is_empty() {
            findings.refuse(&hash.at, field, "name required for HttpCookie");
        }
        for (index, attribute) in cookie.attributes.iter().enumerate() {
            let name = &attribute.name;
            if name.is_empty() {
                findings.refuse(&hash.at, field, "cookie attribute name cannot be empty");
            } else if cookie.attributes[..index]
                .iter()
                .any(|other| other.name == *name)
            {
                let why = format!("duplicate cookie attribute name: {name}");
                findings.refuse(&hash.at, field, why);
            }
        }
    }
    if hash.minimum_ring_size != 0 {
        let why = "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead";
        findings.warn(&hash.at, field, why);
        if hash.algorithm.is_some() {
            let why = "only one of MinimumRingSize or Maglev/Ringhash can be specified";
            findings.refuse(&hash.at, field, why);
        }
    }
    if let Some(HashAlgorithm::Maglev { table_size }) = hash.algorithm {
        if table_size == 0 {
            findings.refuse(&hash.at, field, "tableSize must be set for maglev");
        }
        if table_size >= 5_000_011 {
            let why = "tableSize must be less than 5000011 for maglev";
            findings.refuse(&hash.at, field, why);
        } else if !is_prime(table_size) {
            let why = "tableSize must be a prime number for maglev";
            findings.refuse(&hash.at, field, why);
        }
    }
}

fn locality_setting(
    setting: &Spanned<LocalityLoadBalancerSetting>,
    has_outlier_detection: bool,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let at = &setting.at;
    if !setting.distribute.is_empty() && !setting.failover.is_empty() {
        let why = "can not simultaneously specify 'distribute' and 'failover'";
        findings.refuse(at, field, why);
        return;
    }
    let topology = setting
        .failover_priority
        .iter()
        .find(|label| is_topology(label));
    if let Some(label) = topology.filter(|_| !setting.failover.is_empty()) {
        let why = format!(
            "can not simultaneously set 'failover' and topology label '{label}' in 'failover_priority'"
        );
        findings.refuse(at, field, why);
        return;
    }
    for distribute in &setting.distribute {
        if distribute
            .to
            .values()
            .any(|weight| !(1..=100).contains(weight))
        {
            let why = "locality weight must be in range [1, 100]";
            findings.refuse(&distribute.at, field, why);
            return;
        }
        let total: u32 = distribute.to.values().sum();
        if total != 100 {
            let why = format!("total locality weight {total} != 100");
            findings.refuse(&distribute.at, field, why);
            return;
        }
        if let Err(why) = localities(distribute.to.keys().map(String::as_str)) {
            findings.refuse(&distribute.at, field, why);
        }
    }
    if let Err(why) = localities(setting.distribute.iter().map(|entry| entry.from.as_str())) {
        findings.refuse(at, field, why);
    }
    let fails_over = !setting.failover.is_empty() || !setting.failover_priority.is_empty();
    if fails_over && !has_outlier_detection {
        let why = "outlier detection policy must be provided for failover";
        findings.warn(at, field, why);
    }
    failovers(
        &setting.failover,
        ("locality lb", "only specify region"),
        field,
        findings,
    );
}

fn failovers(
    failovers: &[Spanned<Failover>],
    (what, only): (&str, &str),
    field: &str,
    findings: &mut Findings<'_>,
) {
    for failover in failovers {
        let has = |mark: char| failover.from.contains(mark) || failover.to.contains(mark);
        if failover.from == failover.to {
            let why = format!("{what} failover settings must specify different regions");
            findings.refuse(&failover.at, field, why);
        }
        if has('/') {
            let why = format!("{what} failover {only}");
            findings.refuse(&failover.at, field, why);
        }
        if has('*') {
            let why = format!("{what} failover region should not contain '*' wildcard");
            findings.refuse(&failover.at, field, why);
        }
    }
}

/// Localities of one list must not overlap.
fn localities<'a>(list: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen: Vec<Vec<&str>> = Vec::new();
    for locality in list {
        let stars = locality.matches('*').count();
        if stars > 1 || (stars == 1 && !locality.ends_with('*')) {
            return Err(format!(
                "locality {locality} wildcard '*' number can not exceed 1 and must be in the end"
            ));
        }
        let mut parts: Vec<_> = locality.split('/').collect();
        if parts.len() > 3 || parts.iter().any(|part| part.is_empty()) {
            return Err(format!(
                "locality {locality} must not contain empty region/zone/subzone info"
            ));
        }
        // What is left out, and a wildcard, cover everything below.
        if parts.last() == Some(&"*") {
            parts.pop();
        }
        let overlaps = |other: &Vec<&str>| other.iter().zip(&parts).all(|(a, b)| a == b);
        let is_covered = seen
            .iter()
            .any(|other| other.len() <= parts.len() && overlaps(other));
        if is_covered {
            return Err(format!(
                "locality {locality} overlap with previous specified ones"
            ));
        }
        seen.push(parts);
    }
    Ok(())
}

fn is_topology(label: &str) -> bool {
    [
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "topology.istio.io/subzone",
    ]
    .contains(&label)
}

/// Envoy's test, for which 1 is a prime.
fn is_prime(number: u64) -> bool {
    number >= 1
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}
