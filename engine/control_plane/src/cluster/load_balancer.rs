//! `loadBalancer`: how a host of a cluster is chosen.
//!
//! Source: istio/istio, pilot/pkg/networking/core/cluster_traffic_policy.go (applyLoadBalancer,
//! ApplyRingHashLoadBalancer, setWarmup).

use manifest::load_balancer::{
    ConsistentHashLb, HashAlgorithm, LoadBalancerPolicy, LoadBalancerSettings, SimpleLb,
};
use xds::{Cluster, ClusterType, LbPolicy, LeastRequest, Maglev, RingHash, SlowStart};

/// Writes the policy into a cluster; where the client dials its host itself, nothing is chosen.
pub(crate) fn apply(cluster: &mut Cluster, written: Option<&LoadBalancerSettings>) {
    let is_provided = matches!(
        cluster.type_,
        ClusterType::OriginalDst | ClusterType::DynamicForwardProxy
    );
    if is_provided {
        cluster.lb_policy = LbPolicy::ClusterProvided;
        return;
    }
    let policy = written.and_then(|settings| settings.policy.as_ref());
    cluster.lb_policy = match policy {
        Some(LoadBalancerPolicy::Simple(SimpleLb::Passthrough)) => {
            cluster.type_ = ClusterType::OriginalDst;
            LbPolicy::ClusterProvided
        }
        Some(LoadBalancerPolicy::Simple(SimpleLb::RoundRobin)) => LbPolicy::RoundRobin,
        Some(LoadBalancerPolicy::Simple(SimpleLb::Random)) => LbPolicy::Random,
        Some(LoadBalancerPolicy::ConsistentHash(hash)) => hashed(hash),
        Some(LoadBalancerPolicy::Simple(
            SimpleLb::Unspecified | SimpleLb::LeastConn | SimpleLb::LeastRequest,
        ))
        | None => LbPolicy::LeastRequest(LeastRequest::default()),
    };
    if matches!(
        cluster.lb_policy,
        LbPolicy::RoundRobin | LbPolicy::LeastRequest(_)
    ) {
        cluster.slow_start = written.and_then(slow_start);
    }
}

fn hashed(hash: &ConsistentHashLb) -> LbPolicy {
    let written = |size: u64| (size != 0).then_some(size);
    let ring = |minimum_ring_size| {
        LbPolicy::RingHash(RingHash {
            minimum_ring_size,
            ..RingHash::default()
        })
    };
    match hash.algorithm {
        Some(HashAlgorithm::Maglev { table_size }) => LbPolicy::Maglev(Maglev {
            table_size: written(table_size),
            ..Maglev::default()
        }),
        Some(HashAlgorithm::RingHash { minimum_ring_size }) => ring(written(minimum_ring_size)),
        None => ring(written(hash.minimum_ring_size).or(Some(1024))),
    }
}

fn slow_start(settings: &LoadBalancerSettings) -> Option<SlowStart> {
    if let Some(warmup) = &settings.warmup {
        return Some(SlowStart {
            window: warmup.duration,
            min_weight_percent: Some(warmup.minimum_percent.map_or(10.0, |share| share.value())),
            aggression: Some(warmup.aggression.unwrap_or(1.0)),
        });
    }
    settings.warmup_duration_secs.map(|window| SlowStart {
        window,
        min_weight_percent: None,
        aggression: None,
    })
}
