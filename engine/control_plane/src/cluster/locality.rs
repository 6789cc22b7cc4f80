//! Preferences among endpoints by where they are: priorities and weights of localities.
//!
//! A DestinationRule's setting wins over the service's `trafficDistribution`, and that over the mesh's. Shares
//! (`distribute`) leave out what they do not list. Failover gives priorities, nearest first, and only where hosts are
//! ejected, since nothing else makes a nearer locality fail.
//!
//! Source: istio/istio, pilot/pkg/networking/core/loadbalancer/loadbalancer.go.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use manifest::Resources;
use manifest::load_balancer::LoadBalancerSettings;
use manifest::locality::{
    Distribute, Failover, LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting,
};
use manifest::span::Spanned;
use xds::{Locality, LocalityLb};

use crate::endpoint::Group;
use crate::mesh_config::MeshConfig;
use crate::proxy::Client;
use crate::registry::{HOSTNAME, NETWORK, REGION, SUBZONE, Service, TrafficDistribution, ZONE};

/// The preference that holds for a cluster.
pub(crate) enum Preference<'a> {
    /// None.
    None,
    /// By locality.
    Locality {
        setting: Cow<'a, LocalityLoadBalancerSetting>,
        /// Whether it holds although no hosts are ejected.
        is_forced: bool,
    },
    /// By zone.
    ZoneAware(&'a ZoneAwareLoadBalancerSetting),
}

impl<'a> Preference<'a> {
    /// The first that exists: the rule's, the service's, the mesh's.
    pub(crate) fn of(
        rule: Option<&'a LoadBalancerSettings>,
        service: &Service,
        mesh: &'a MeshConfig,
    ) -> Self {
        if let Some(setting) = rule.and_then(|rule| rule.zone_aware_lb_setting.as_ref()) {
            return Self::ZoneAware(&setting.value);
        }
        if let Some(setting) = rule.and_then(|rule| rule.locality_lb_setting.as_ref()) {
            return Self::of_setting(&setting.value);
        }
        let labels: &[&str] = match service.traffic_distribution {
            TrafficDistribution::PreferSameNode => &[NETWORK, REGION, ZONE, SUBZONE, HOSTNAME],
            TrafficDistribution::PreferSameZone => &[NETWORK, REGION, ZONE],
            TrafficDistribution::Any => &[],
        };
        if !labels.is_empty() {
            return Self::Locality {
                setting: Cow::Owned(LocalityLoadBalancerSetting {
                    failover_priority: labels.iter().map(|label| (*label).to_owned()).collect(),
                    ..LocalityLoadBalancerSetting::default()
                }),
                is_forced: true,
            };
        }
        if let Some(setting) = &mesh.zone_aware_lb_setting {
            return Self::ZoneAware(setting);
        }
        match &mesh.locality_lb_setting {
            Some(setting) => Self::of_setting(setting),
            None => Self::None,
        }
    }

    fn of_setting(setting: &'a LocalityLoadBalancerSetting) -> Self {
        if setting.enabled == Some(false) {
            return Self::None;
        }
        Self::Locality {
            setting: Cow::Borrowed(setting),
            is_forced: false,
        }
    }

    /// How localities of one priority are chosen.
    pub(crate) fn locality_lb(&self, ejects_hosts: bool) -> LocalityLb {
        match self {
            Self::None => LocalityLb::None,
            Self::Locality { setting, is_forced } => {
                let fails_over = (*is_forced || ejects_hosts)
                    && !(setting.failover.is_empty() && setting.failover_priority.is_empty());
                if fails_over || !setting.distribute.is_empty() {
                    LocalityLb::Weighted
                } else {
                    LocalityLb::None
                }
            }
            Self::ZoneAware(setting) => LocalityLb::ZoneAware {
                is_routing_enabled: setting.enabled != Some(false),
                min_cluster_size: setting.min_cluster_size.map(|size| u64::from(size.hosts())),
                fail_traffic_on_panic: false,
            },
        }
    }

    /// Gives endpoints their priorities and weights.
    pub(crate) fn apply(&self, groups: &mut Vec<Group>, client: &Client<'_>, ejects_hosts: bool) {
        match self {
            Self::None => {}
            Self::Locality { setting, is_forced } => {
                if !setting.distribute.is_empty() {
                    distribute(groups, client.locality, &setting.distribute);
                } else if *is_forced || ejects_hosts {
                    if !setting.failover_priority.is_empty() {
                        by_labels(groups, client, &setting.failover_priority);
                    }
                    if setting.failover_priority.is_empty() || !setting.failover.is_empty() {
                        by_region_and_zone(groups, client.locality, &setting.failover);
                    }
                }
            }
            Self::ZoneAware(setting) if setting.enabled == Some(false) => {}
            Self::ZoneAware(setting) => {
                if !setting.failover_priority.is_empty() {
                    by_labels(groups, client, &setting.failover_priority);
                }
                by_region(groups, client.locality, &setting.failover);
            }
        }
    }
}

/// The labels of clients and endpoints that decide about priorities.
pub(crate) fn labels(resources: &Resources, mesh: &MeshConfig) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    let mut add = |priority: &[String]| {
        let names = priority.iter().map(|label| label_of(label).0.to_owned());
        labels.extend(names);
    };
    for rule in &resources.destination_rules {
        let subsets = rule.spec.subsets.iter();
        let policies = subsets.filter_map(|subset| subset.traffic_policy.as_ref());
        for policy in rule.spec.traffic_policy.iter().chain(policies) {
            let ports = policy.port_level_settings.iter();
            let ports = ports.filter_map(|port| port.load_balancer.as_ref());
            for settings in policy.load_balancer.iter().chain(ports) {
                if let Some(setting) = &settings.locality_lb_setting {
                    add(&setting.failover_priority);
                }
                if let Some(setting) = &settings.zone_aware_lb_setting {
                    add(&setting.failover_priority);
                }
            }
        }
    }
    if let Some(setting) = &mesh.locality_lb_setting {
        add(&setting.failover_priority);
    }
    if let Some(setting) = &mesh.zone_aware_lb_setting {
        add(&setting.failover_priority);
    }
    labels
}

/// Shares the traffic of the client's locality as the first entry for it says; localities that it does not list get none.
fn distribute(groups: &mut [Group], own: &Locality, entries: &[Spanned<Distribute>]) {
    let Some(entry) = entries.iter().find(|entry| covers(&entry.from, own)) else {
        return;
    };
    let mut left: BTreeSet<usize> = (0..groups.len()).collect();
    for (to, share) in &entry.to {
        let matching: Vec<usize> = left
            .iter()
            .copied()
            .filter(|index| covers(to, &groups[*index].told.locality))
            .collect();
        let weights = matching
            .iter()
            .map(|index| u64::from(groups[*index].told.load_balancing_weight.max(1)));
        let weights: Vec<u64> = weights.collect();
        let total: u64 = weights.iter().sum();
        for (index, weight) in matching.into_iter().zip(weights) {
            left.remove(&index);
            let part = (weight * u64::from(*share)).div_ceil(total);
            if part > 0 {
                let part = u32::try_from(part).unwrap_or(u32::MAX);
                groups[index].told.load_balancing_weight = part;
            }
        }
    }
    for index in left {
        groups[index].clear();
    }
}

/// 0 for the own subzone, then zone, region, others; where the own region has a stand-in, that comes before the rest.
fn by_region_and_zone(groups: &mut [Group], own: &Locality, failover: &[Spanned<Failover>]) {
    let stand_in = stand_in(own, failover);
    prioritise(groups, 5, |there| {
        if there.region != own.region {
            let is_passed_over = stand_in.is_some_and(|region| region != there.region);
            return if is_passed_over { 4 } else { 3 };
        }
        if there.zone != own.zone {
            2
        } else {
            u32::from(there.sub_zone != own.sub_zone)
        }
    });
}

/// 0 for the own region, then its stand-in, then others.
fn by_region(groups: &mut [Group], own: &Locality, failover: &[Spanned<Failover>]) {
    let stand_in = stand_in(own, failover);
    prioritise(groups, 3, |there| {
        if there.region == own.region {
            0
        } else if stand_in == Some(there.region.as_str()) {
            1
        } else {
            2
        }
    });
}

/// The region that takes over from the client's own.
fn stand_in<'a>(own: &Locality, failover: &'a [Spanned<Failover>]) -> Option<&'a str> {
    let entry = failover.iter().find(|entry| entry.from == own.region)?;
    Some(&entry.to)
}

/// Refines the priorities that there are already by `steps` more.
fn prioritise(groups: &mut [Group], steps: u32, priority: impl Fn(&Locality) -> u32) {
    for group in &mut *groups {
        let told = &mut group.told;
        told.priority = told.priority * steps + priority(&told.locality);
    }
    compact(groups);
}

/// By how many labels client and endpoint agree in, the first ones first; a locality falls apart by that.
fn by_labels(groups: &mut Vec<Group>, client: &Client<'_>, labels: &[String]) {
    let lowest = u32::try_from(labels.len()).unwrap_or(u32::MAX);
    // The network is passed over: an endpoint in another one is merely worse than all in the own one.
    let begins_with_network = labels.first().is_some_and(|label| label == NETWORK);
    let wanted: Vec<_> = labels
        .iter()
        .map(|label| match label_of(label) {
            (name, Some(value)) => (name, value),
            (name, None) => (name, client.label(name).unwrap_or_default()),
        })
        .collect();
    let mut split = Vec::new();
    for group in groups.drain(..) {
        let parts = group.split_by(|endpoint| {
            let mut penalty = 0;
            for ((name, value), position) in wanted.iter().zip(0..) {
                let own = client.registry.label(endpoint, name).unwrap_or_default();
                if own == *value {
                    continue;
                }
                if position == 0 && begins_with_network {
                    penalty = lowest;
                    continue;
                }
                return penalty + lowest - position;
            }
            penalty
        });
        split.extend(parts);
    }
    *groups = split;
    compact(groups);
}

/// A label that must agree, and the value that is written instead of the client's: `name=value`.
fn label_of(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        Some((name, value)) if !value.contains('=') => (name, Some(value)),
        Some((name, _)) => (name, None),
        None => (text, None),
    }
}

/// Renumbers priorities without gaps, as Envoy wants them.
fn compact(groups: &mut [Group]) {
    let used: BTreeSet<u32> = groups.iter().map(|group| group.told.priority).collect();
    let numbers: BTreeMap<u32, u32> = used.into_iter().zip(0..).collect();
    for group in groups {
        group.told.priority = numbers[&group.told.priority];
    }
}

/// Whether a locality as it is written (`region/zone/subzone`, `*` for any) covers one.
fn covers(written: &str, locality: &Locality) -> bool {
    let mut parts = written.split('/');
    let mut covers = |own: &str, is_region: bool| match parts.next() {
        Some("*") => true,
        Some("") | None => !is_region || own.is_empty(),
        Some(part) => part == own,
    };
    covers(&locality.region, true)
        && covers(&locality.zone, false)
        && covers(&locality.sub_zone, false)
}
