//! How a cluster's hosts are chosen.

use super::ReadError;
use super::fields::Fields;
use crate::{LbPolicy, LocalityLb, SlowStart};

/// The fields of a cluster that say how its hosts are chosen.
pub(super) struct Balancing {
    pub(super) policy: LbPolicy,
    pub(super) slow_start: Option<SlowStart>,
    pub(super) healthy_panic_threshold: f64,
    pub(super) locality_lb: LocalityLb,
    pub(super) upstream_port_override: Option<u16>,
}

impl Balancing {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let minimum_ring_size =
            fields.message("ringHashLbConfig", |ring| ring.number("minimumRingSize"))?;
        let table_size = fields.message("maglevLbConfig", |maglev| maglev.number("tableSize"))?;
        let slow_start = |name| {
            let config = |config: &Fields<'_>| config.message("slowStartConfig", SlowStart::read);
            Ok(fields.message(name, config)?.flatten())
        };
        let (round_robin, least_request) = (
            slow_start("roundRobinLbConfig")?,
            slow_start("leastRequestLbConfig")?,
        );
        let port = fields.message("originalDstLbConfig", |original| {
            original.number("upstreamPortOverride")
        })?;
        let policies = [
            ("ROUND_ROBIN", LbPolicy::RoundRobin),
            ("LEAST_REQUEST", LbPolicy::LeastRequest),
            ("RANDOM", LbPolicy::Random),
            (
                "RING_HASH",
                LbPolicy::RingHash {
                    minimum_ring_size: minimum_ring_size.flatten(),
                },
            ),
            (
                "MAGLEV",
                LbPolicy::Maglev {
                    table_size: table_size.flatten(),
                },
            ),
            ("CLUSTER_PROVIDED", LbPolicy::ClusterProvided),
            ("LOAD_BALANCING_POLICY_CONFIG", LbPolicy::RoundRobin),
        ];
        let named = fields.choice("lbPolicy", &policies)?;
        let newer = fields.message("loadBalancingPolicy", extension)?.flatten();
        let (newer_policy, newer_start) = newer.unzip();
        let (healthy_panic_threshold, locality_lb) = fields
            .message("commonLbConfig", common)?
            .unwrap_or((50.0, LocalityLb::None));
        Ok(Self {
            policy: newer_policy.or(named).unwrap_or(LbPolicy::RoundRobin),
            slow_start: newer_start.flatten().or(round_robin).or(least_request),
            healthy_panic_threshold,
            locality_lb,
            upstream_port_override: port.flatten(),
        })
    }
}

/// `envoy.config.cluster.v3.Cluster.CommonLbConfig`.
fn common(fields: &Fields<'_>) -> Result<(f64, LocalityLb), ReadError> {
    fields.without_effect(&["updateMergeWindow", "ignoreNewHostsUntilFirstHc"]);
    let threshold = fields.percent("healthyPanicThreshold")?.unwrap_or(50.0);
    let weighted = fields.marker("localityWeightedLbConfig")?;
    let zones = fields.message("zoneAwareLbConfig", |zones| {
        let enabled = zones.percent("routingEnabled")?.unwrap_or(100.0);
        if enabled > 0.0 && enabled < 100.0 {
            zones.unmodelled("routingEnabled", "is not modelled: all requests obey zones");
        }
        Ok(LocalityLb::ZoneAware {
            is_routing_enabled: enabled > 0.0,
            min_cluster_size: zones.number("minClusterSize")?,
        })
    })?;
    let locality_lb = match (zones, weighted) {
        (Some(zones), _) => zones,
        (None, true) => LocalityLb::Weighted,
        (None, false) => LocalityLb::None,
    };
    Ok((threshold, locality_lb))
}

/// `envoy.config.cluster.v3.LoadBalancingPolicy`: the first policy that is known, as Envoy takes it.
fn extension(fields: &Fields<'_>) -> Result<Option<(LbPolicy, Option<SlowStart>)>, ReadError> {
    let policies = fields.messages("policies", |policy| {
        let known = policy.message("typedExtensionConfig", |extension| {
            extension.without_effect(&["name"]);
            extension.any("typedConfig", typed_policy)
        })?;
        Ok(known.flatten().flatten())
    })?;
    Ok(policies.into_iter().flatten().next())
}

fn typed_policy(
    type_name: &str,
    fields: &Fields<'_>,
) -> Result<Option<(LbPolicy, Option<SlowStart>)>, ReadError> {
    let name = type_name.rsplit('.').next().unwrap_or_default();
    let policy = match name {
        "RoundRobin" => LbPolicy::RoundRobin,
        "LeastRequest" => LbPolicy::LeastRequest,
        "Random" => LbPolicy::Random,
        "RingHash" => LbPolicy::RingHash {
            minimum_ring_size: fields.number("minimumRingSize")?,
        },
        "Maglev" => LbPolicy::Maglev {
            table_size: fields.number("tableSize")?,
        },
        "ClusterProvided" => LbPolicy::ClusterProvided,
        _ => {
            fields.skip("is not modelled");
            return Ok(None);
        }
    };
    fields.without_effect(&["@type"]);
    let slow_start = fields.message("slowStartConfig", SlowStart::read)?;
    Ok(Some((policy, slow_start)))
}

impl SlowStart {
    /// `envoy.config.cluster.v3.Cluster.SlowStartConfig`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let window = fields.duration("slowStartWindow")?;
        let aggression = fields.message("aggression", |aggression| {
            aggression.without_effect(&["runtimeKey"]);
            aggression.double("defaultValue")
        })?;
        Ok(Self {
            window: fields.required("slowStartWindow", window)?,
            aggression: aggression.flatten(),
            min_weight_percent: fields.percent("minWeightPercent")?,
        })
    }
}
