//! How a cluster's hosts are chosen.

use super::message::{Message, double, percent};
use crate::{
    Cluster, ClusterType, ConsistentHashing, HashFunction, LbPolicy, LeastRequest, LocalityLb,
    RingHash, SlowStart,
};

impl Cluster {
    /// Adds the fields of `Cluster` that say how its hosts are chosen.
    pub(super) fn lb_config(&self, message: Message) -> Message {
        let message = self.common_lb_config(message);
        let slow_start = self
            .slow_start
            .as_ref()
            .map(|warmup| Message::default().field("slowStartConfig", warmup.to_json()));
        match &self.lb_policy {
            LbPolicy::RoundRobin => message.optional("roundRobinLbConfig", slow_start),
            LbPolicy::LeastRequest(policy) if self.lb_policy.is_extension() => {
                message.field("loadBalancingPolicy", self.least_request_extension(policy))
            }
            LbPolicy::LeastRequest(policy) => {
                let config = policy.write(slow_start.unwrap_or_default());
                message.optional(
                    "leastRequestLbConfig",
                    (!config.is_empty()).then_some(config),
                )
            }
            LbPolicy::RingHash(policy) => {
                let config = policy.write();
                message.optional("ringHashLbConfig", (!config.is_empty()).then_some(config))
            }
            LbPolicy::Maglev(policy) => message.optional(
                "maglevLbConfig",
                policy
                    .table_size
                    .map(|size| Message::default().field("tableSize", size.to_string())),
            ),
            LbPolicy::ClusterProvided => message.optional(
                "originalDstLbConfig",
                self.upstream_port_override
                    .map(|port| Message::default().field("upstreamPortOverride", port)),
            ),
            LbPolicy::Random => message,
        }
    }

    /// `envoy.config.cluster.v3.Cluster.CommonLbConfig`; Pilot writes an empty one for its inbound clusters.
    fn common_lb_config(&self, message: Message) -> Message {
        let is_istios = self.name.contains('|') && self.type_ != ClusterType::DynamicForwardProxy;
        let threshold = (!self.is_inbound()
            && (is_istios || self.healthy_panic_threshold != ENVOYS_PANIC_THRESHOLD))
            .then(|| percent(self.healthy_panic_threshold));
        let is_extension = self.lb_policy.is_extension();
        let (weighted, zones) = match self.locality_lb {
            _ if self.is_inbound() || is_extension => (None, None),
            LocalityLb::None => (None, None),
            LocalityLb::Weighted => (Some(Message::default()), None),
            LocalityLb::ZoneAware { .. } => (None, Some(self.locality_lb.zones())),
        };
        let hashing = self
            .lb_policy
            .hashing()
            .filter(|hashing| **hashing != ConsistentHashing::default());
        let common = Message::default()
            .optional("healthyPanicThreshold", threshold)
            .optional("localityWeightedLbConfig", weighted)
            .optional("zoneAwareLbConfig", zones)
            .optional_duration("updateMergeWindow", self.update_merge_window)
            .optional(
                "consistentHashingLbConfig",
                hashing.map(ConsistentHashing::write),
            );
        if common.is_empty() && !is_istios {
            return message;
        }
        message.field("commonLbConfig", common)
    }

    /// What the older fields have no words for.
    fn least_request_extension(&self, policy: &LeastRequest) -> Message {
        let slow_start = self.slow_start.as_ref().map(SlowStart::to_json);
        let locality = match self.locality_lb {
            LocalityLb::None => None,
            LocalityLb::Weighted => {
                Some(Message::default().field("localityWeightedLbConfig", Message::default()))
            }
            LocalityLb::ZoneAware { .. } => {
                Some(Message::default().field("zoneAwareLbConfig", self.locality_lb.zones()))
            }
        };
        let config =
            Message::any("envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest")
                .field("selectionMethod", "FULL_SCAN")
                .optional("slowStartConfig", slow_start)
                .optional("localityLbConfig", locality);
        let extension = Message::default()
            .field("name", "envoy.load_balancing_policies.least_request")
            .field("typedConfig", policy.write(config));
        let policy = Message::default().field("typedExtensionConfig", extension);
        Message::default().list("policies", [policy])
    }
}

impl LocalityLb {
    /// `ZoneAwareLbConfig`; empty where zones do not matter.
    fn zones(&self) -> Message {
        let Self::ZoneAware {
            is_routing_enabled,
            min_cluster_size,
            fail_traffic_on_panic,
        } = self
        else {
            return Message::default();
        };
        let never = (!is_routing_enabled).then(|| percent(0.0));
        let size = min_cluster_size.map(|size| size.to_string());
        Message::default()
            .optional("routingEnabled", never)
            .optional("minClusterSize", size)
            .flag("failTrafficOnPanic", *fail_traffic_on_panic)
    }
}

impl LbPolicy {
    /// Envoy's name; empty for its default.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::RoundRobin => "",
            Self::LeastRequest(_) if self.is_extension() => "",
            Self::LeastRequest(_) => "LEAST_REQUEST",
            Self::Random => "RANDOM",
            Self::RingHash(_) => "RING_HASH",
            Self::Maglev(_) => "MAGLEV",
            Self::ClusterProvided => "CLUSTER_PROVIDED",
        }
    }

    /// Whether only an extension has words for it; then Envoy takes none of the older fields.
    const fn is_extension(&self) -> bool {
        matches!(
            self,
            Self::LeastRequest(LeastRequest {
                is_full_scan: true,
                ..
            })
        )
    }

    fn hashing(&self) -> Option<&ConsistentHashing> {
        match self {
            Self::RingHash(policy) => Some(&policy.hashing),
            Self::Maglev(policy) => Some(&policy.hashing),
            Self::RoundRobin | Self::LeastRequest(_) | Self::Random | Self::ClusterProvided => None,
        }
    }
}

impl LeastRequest {
    /// The fields that `LeastRequestLbConfig` and the extension have in common.
    fn write(&self, message: Message) -> Message {
        let bias = self.active_request_bias.map(runtime_double);
        message
            .optional("choiceCount", self.choice_count)
            .optional("activeRequestBias", bias)
    }
}

impl RingHash {
    fn write(&self) -> Message {
        let function = match self.hash_function {
            HashFunction::XxHash => None,
            HashFunction::MurmurHash2 => Some("MURMUR_HASH_2"),
        };
        let size = |size: Option<u64>| size.map(|size| size.to_string());
        Message::default()
            .optional("minimumRingSize", size(self.minimum_ring_size))
            .optional("maximumRingSize", size(self.maximum_ring_size))
            .optional("hashFunction", function)
    }
}

impl ConsistentHashing {
    fn write(&self) -> Message {
        Message::default()
            .flag("useHostnameForHashing", self.use_hostname_for_hashing)
            .optional("hashBalanceFactor", self.hash_balance_factor)
    }
}

impl SlowStart {
    /// `envoy.config.cluster.v3.Cluster.SlowStartConfig`.
    pub fn to_json(&self) -> serde_json::Value {
        Message::default()
            .duration("slowStartWindow", self.window)
            .optional("aggression", self.aggression.map(runtime_double))
            .optional("minWeightPercent", self.min_weight_percent.map(percent))
            .build()
    }
}

/// A `RuntimeDouble`, with Pilot's name for what it cannot leave unnamed.
fn runtime_double(value: f64) -> Message {
    Message::default()
        .field("defaultValue", double(value))
        .field("runtimeKey", "(")
}

/// Where fewer hosts are healthy, in percent, all are used, unless a cluster says otherwise.
const ENVOYS_PANIC_THRESHOLD: f64 = 50.0;
