//! How a cluster's hosts are chosen.

use super::ReadError;
use super::fields::Fields;
use crate::{
    ConsistentHashing, HashFunction, LbPolicy, LeastRequest, LocalityLb, Maglev, RingHash,
    SlowStart,
};
use base::SimDuration;

/// The fields of a cluster that say how its hosts are chosen.
pub(super) struct Balancing {
    pub(super) policy: LbPolicy,
    pub(super) slow_start: Option<SlowStart>,
    pub(super) healthy_panic_threshold: f64,
    pub(super) locality_lb: LocalityLb,
    pub(super) update_merge_window: Option<SimDuration>,
    pub(super) upstream_port_override: Option<u16>,
}

impl Balancing {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let common = fields.message("commonLbConfig", Common::read)?;
        let common = common.unwrap_or_default();
        let mut ring = fields
            .message("ringHashLbConfig", RingHash::read)?
            .unwrap_or_default();
        let mut maglev = fields
            .message("maglevLbConfig", Maglev::read)?
            .unwrap_or_default();
        (ring.hashing, maglev.hashing) = (common.hashing, common.hashing);
        let slow_start = |config: &Fields<'_>| config.message("slowStartConfig", SlowStart::read);
        let round_robin_start = fields.message("roundRobinLbConfig", slow_start)?.flatten();
        let least_request = fields.message("leastRequestLbConfig", |config| {
            Ok((LeastRequest::read(config)?, slow_start(config)?))
        })?;
        let (least_request, least_request_start) = least_request.unwrap_or_default();
        let port = fields.message("originalDstLbConfig", |original| {
            original.number("upstreamPortOverride")
        })?;
        let policies = [
            ("ROUND_ROBIN", LbPolicy::RoundRobin),
            ("LEAST_REQUEST", LbPolicy::LeastRequest(least_request)),
            ("RANDOM", LbPolicy::Random),
            ("RING_HASH", LbPolicy::RingHash(ring)),
            ("MAGLEV", LbPolicy::Maglev(maglev)),
            ("CLUSTER_PROVIDED", LbPolicy::ClusterProvided),
            ("LOAD_BALANCING_POLICY_CONFIG", LbPolicy::RoundRobin),
        ];
        let named = fields.choice("lbPolicy", &policies)?;
        let newer = fields.message("loadBalancingPolicy", extension)?.flatten();
        let policy = newer
            .as_ref()
            .map(|newer| newer.policy)
            .or(named)
            .unwrap_or(LbPolicy::RoundRobin);
        Ok(Self {
            policy,
            slow_start: match (newer.as_ref(), policy) {
                (Some(newer), _) => newer.slow_start.clone(),
                (None, LbPolicy::LeastRequest(_)) => least_request_start,
                (None, _) => round_robin_start,
            },
            healthy_panic_threshold: common.healthy_panic_threshold,
            // Where there is an extension it says all.
            locality_lb: newer.map_or(common.locality_lb, |newer| newer.locality_lb),
            update_merge_window: common.update_merge_window,
            upstream_port_override: port.flatten(),
        })
    }
}

/// `envoy.config.cluster.v3.Cluster.CommonLbConfig`.
struct Common {
    healthy_panic_threshold: f64,
    locality_lb: LocalityLb,
    update_merge_window: Option<SimDuration>,
    hashing: ConsistentHashing,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            healthy_panic_threshold: 50.0,
            locality_lb: LocalityLb::None,
            update_merge_window: None,
            hashing: ConsistentHashing::default(),
        }
    }
}

impl Common {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["ignoreNewHostsUntilFirstHc"]);
        let default = Self::default();
        Ok(Self {
            healthy_panic_threshold: fields
                .percent("healthyPanicThreshold")?
                .unwrap_or(default.healthy_panic_threshold),
            locality_lb: LocalityLb::read(fields)?,
            update_merge_window: fields.duration("updateMergeWindow")?,
            hashing: fields
                .message("consistentHashingLbConfig", ConsistentHashing::read)?
                .unwrap_or_default(),
        })
    }
}

impl LocalityLb {
    /// `localityWeightedLbConfig` or `zoneAwareLbConfig`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let weighted = fields.marker("localityWeightedLbConfig")?;
        let zones = fields.message("zoneAwareLbConfig", |zones| {
            let enabled = zones.percent("routingEnabled")?.unwrap_or(100.0);
            if enabled > 0.0 && enabled < 100.0 {
                zones.unmodelled("routingEnabled", "is not modelled: all requests obey zones");
            }
            Ok(Self::ZoneAware {
                is_routing_enabled: enabled > 0.0,
                min_cluster_size: zones.number("minClusterSize")?,
                fail_traffic_on_panic: zones.flag("failTrafficOnPanic")?,
            })
        })?;
        Ok(match (zones, weighted) {
            (Some(zones), _) => zones,
            (None, true) => Self::Weighted,
            (None, false) => Self::None,
        })
    }
}

impl LeastRequest {
    /// `LeastRequestLbConfig`, or the extension of this name.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let methods = [("N_CHOICES", false), ("FULL_SCAN", true)];
        Ok(Self {
            choice_count: fields.number("choiceCount")?,
            active_request_bias: fields
                .message("activeRequestBias", runtime_double)?
                .flatten(),
            is_full_scan: fields.choice("selectionMethod", &methods)?.unwrap_or(false),
        })
    }
}

impl RingHash {
    /// `RingHashLbConfig`, or the extension of this name.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let functions = [
            ("DEFAULT_HASH", HashFunction::XxHash),
            ("XX_HASH", HashFunction::XxHash),
            ("MURMUR_HASH_2", HashFunction::MurmurHash2),
        ];
        Ok(Self {
            minimum_ring_size: fields.number("minimumRingSize")?,
            maximum_ring_size: fields.number("maximumRingSize")?,
            hash_function: fields
                .choice("hashFunction", &functions)?
                .unwrap_or_default(),
            hashing: ConsistentHashing::default(),
        })
    }
}

impl Maglev {
    /// `MaglevLbConfig`, or the extension of this name.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            table_size: fields.number("tableSize")?,
            hashing: ConsistentHashing::default(),
        })
    }
}

impl ConsistentHashing {
    /// `ConsistentHashingLbConfig`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            use_hostname_for_hashing: fields.flag("useHostnameForHashing")?,
            hash_balance_factor: fields.number("hashBalanceFactor")?,
        })
    }
}

/// What an extension says.
struct Extension {
    policy: LbPolicy,
    slow_start: Option<SlowStart>,
    locality_lb: LocalityLb,
}

/// `envoy.config.cluster.v3.LoadBalancingPolicy`: the first policy that is known, as Envoy takes it.
fn extension(fields: &Fields<'_>) -> Result<Option<Extension>, ReadError> {
    let policies = fields.messages("policies", |policy| {
        let known = policy.message("typedExtensionConfig", |extension| {
            extension.without_effect(&["name"]);
            extension.any("typedConfig", Extension::read)
        })?;
        Ok(known.flatten().flatten())
    })?;
    Ok(policies.into_iter().flatten().next())
}

impl Extension {
    fn read(type_name: &str, fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let hashing = || {
            let common = fields.message("consistentHashingLbConfig", ConsistentHashing::read)?;
            // Fields that the message replaced.
            let older = ConsistentHashing::read(fields)?;
            Ok::<_, ReadError>(common.unwrap_or(older))
        };
        let name = type_name.rsplit('.').next().unwrap_or_default();
        let policy = match name {
            "RoundRobin" => LbPolicy::RoundRobin,
            "LeastRequest" => LbPolicy::LeastRequest(LeastRequest::read(fields)?),
            "Random" => LbPolicy::Random,
            "RingHash" => LbPolicy::RingHash(RingHash {
                hashing: hashing()?,
                ..RingHash::read(fields)?
            }),
            "Maglev" => LbPolicy::Maglev(Maglev {
                hashing: hashing()?,
                ..Maglev::read(fields)?
            }),
            "ClusterProvided" => LbPolicy::ClusterProvided,
            _ => {
                fields.skip("is not modelled");
                return Ok(None);
            }
        };
        fields.without_effect(&["@type"]);
        let nested = fields.message("localityLbConfig", LocalityLb::read)?;
        Ok(Some(Self {
            policy,
            slow_start: fields.message("slowStartConfig", SlowStart::read)?,
            locality_lb: match nested {
                Some(nested) => nested,
                None => LocalityLb::read(fields)?,
            },
        }))
    }
}

/// A `RuntimeDouble`: its default, since nothing here changes at run time.
fn runtime_double(fields: &Fields<'_>) -> Result<Option<f64>, ReadError> {
    fields.without_effect(&["runtimeKey"]);
    fields.double("defaultValue")
}

impl SlowStart {
    /// `envoy.config.cluster.v3.Cluster.SlowStartConfig`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let window = fields.duration("slowStartWindow")?;
        let aggression = fields.message("aggression", runtime_double)?;
        Ok(Self {
            window: fields.required("slowStartWindow", window)?,
            aggression: aggression.flatten(),
            min_weight_percent: fields.percent("minWeightPercent")?,
        })
    }
}
