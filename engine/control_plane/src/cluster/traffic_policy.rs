//! Which traffic policy holds for a cluster: the DestinationRule's, its port's, its subset's.
//!
//! Inheritance goes by whole blocks. An entry of `portLevelSettings` replaces all blocks at once, those it leaves out
//! included; a subset's block replaces the inherited block of its kind.
//!
//! Source: istio/istio, pilot/pkg/networking/util/util.go (GetPortLevelTrafficPolicy, MergeSubsetTrafficPolicy),
//! pilot/pkg/networking/core/cluster_traffic_policy.go (applyDefaultTrafficPolicy).

use manifest::connection_pool::ConnectionPoolSettings;
use manifest::destination_rule::Subset;
use manifest::load_balancer::LoadBalancerSettings;
use manifest::outlier_detection::OutlierDetection;
use manifest::span::Spanned;
use manifest::tls::{ClientTlsSettings, TlsMode as Written};
use manifest::traffic_policy::{PortTrafficPolicy, RetryBudget, TrafficPolicy};
use xds::TlsMode;

use crate::destination_rule::DestinationRule;
use crate::mesh_config::{DefaultTrafficPolicy, MeshConfig};

/// The blocks that hold for one cluster.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EffectivePolicy<'a> {
    pub(crate) connection_pool: Option<&'a ConnectionPoolSettings>,
    pub(crate) outlier_detection: Option<&'a OutlierDetection>,
    pub(crate) load_balancer: Option<&'a LoadBalancerSettings>,
    pub(crate) tls: Option<&'a ClientTlsSettings>,
    pub(crate) retry_budget: Option<&'a RetryBudget>,
}

impl<'a> EffectivePolicy<'a> {
    /// The policy of a service's port.
    pub(crate) fn of_port(
        top: Option<&'a TrafficPolicy>,
        port: u16,
        mesh_default: &'a DefaultTrafficPolicy,
    ) -> Self {
        let mut policy = match top {
            None => Self::default(),
            Some(top) => match port_entry(top, port) {
                Some(entry) => Self::of_entry(entry),
                None => Self::of_policy(top),
            },
        };
        if policy.connection_pool.is_none() {
            policy.connection_pool = mesh_default.connection_pool.as_ref();
        }
        if policy.outlier_detection.is_none() {
            policy.outlier_detection = mesh_default.outlier_detection.as_ref();
        }
        policy
    }

    /// The policy of a subset of it.
    pub(crate) fn with_subset(self, subset: Option<&'a TrafficPolicy>, port: u16) -> Self {
        let Some(subset) = subset else {
            return self;
        };
        if let Some(entry) = port_entry(subset, port) {
            return Self {
                retry_budget: self.retry_budget,
                ..Self::of_entry(entry)
            };
        }
        let own = Self::of_policy(subset);
        Self {
            connection_pool: own.connection_pool.or(self.connection_pool),
            outlier_detection: own.outlier_detection.or(self.outlier_detection),
            load_balancer: own.load_balancer.or(self.load_balancer),
            tls: own.tls.or(self.tls),
            retry_budget: own.retry_budget.or(self.retry_budget),
        }
    }

    fn of_policy(policy: &'a TrafficPolicy) -> Self {
        Self {
            connection_pool: value(&policy.connection_pool),
            outlier_detection: value(&policy.outlier_detection),
            load_balancer: value(&policy.load_balancer),
            tls: value(&policy.tls),
            retry_budget: value(&policy.retry_budget),
        }
    }

    fn of_entry(entry: &'a PortTrafficPolicy) -> Self {
        Self {
            connection_pool: value(&entry.connection_pool),
            outlier_detection: value(&entry.outlier_detection),
            load_balancer: value(&entry.load_balancer),
            tls: value(&entry.tls),
            retry_budget: None,
        }
    }
}

/// How connections are secured; without a word mutual TLS is used with whoever has a sidecar.
pub(crate) fn tls_mode(written: Option<&ClientTlsSettings>, mesh: &MeshConfig) -> TlsMode {
    match written.map(|tls| tls.mode) {
        Some(Written::Disable) => TlsMode::Disable,
        Some(Written::Simple) => TlsMode::Simple,
        Some(Written::Mutual) => TlsMode::Mutual,
        Some(Written::IstioMutual) => TlsMode::IstioMutual,
        None if mesh.enable_auto_mtls => TlsMode::Auto,
        None => TlsMode::Disable,
    }
}

/// The mode that is written for a cluster. Unlike elsewhere, an entry for a port without one leaves the rest as it is.
///
/// Source: istio/istio, pilot/pkg/xds/endpoints/mtls_checker.go (tlsModeForDestinationRule).
pub(crate) fn written_tls_mode(
    rule: Option<&DestinationRule>,
    subset: Option<&Spanned<Subset>>,
    port: u16,
) -> Option<Written> {
    let of = |policy: &TrafficPolicy| {
        let own = port_entry(policy, port).and_then(|entry| entry.tls.as_ref());
        own.or(policy.tls.as_ref()).map(|tls| tls.mode)
    };
    let of_subset = subset.and_then(|subset| of(subset.traffic_policy.as_ref()?));
    of_subset.or_else(|| of(rule?.traffic_policy.as_ref()?))
}

/// The first entry for a port.
fn port_entry(policy: &TrafficPolicy, port: u16) -> Option<&PortTrafficPolicy> {
    let mut entries = policy.port_level_settings.iter().map(|entry| &entry.value);
    entries.find(|entry| {
        entry
            .port
            .is_some_and(|selector| selector.number == u32::from(port))
    })
}

fn value<T>(block: &Option<Spanned<T>>) -> Option<&T> {
    block.as_ref().map(|block| &block.value)
}
