//! A compiled route: what matching and rewriting need, and apart from it what the event loop needs.

use crate::cors::Cors;
use crate::names::ClusterId;
use crate::router::hash_policy::HashPolicies;
use crate::router::matching::RouteMatcher;
use crate::router::retry::RetryPolicy;
use crate::router::rewrite::PathRewriter;
use base::Ratio;
use smallvec::SmallVec;
use xds::{HttpFault, RouteAction, RouteTarget};

/// What is needed once per request head.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) matcher: RouteMatcher,
    pub(crate) virtual_host: usize,
    pub(crate) rewriter: Option<PathRewriter>,
    pub(crate) cors: Option<Cors>,
    pub(crate) hash_policies: HashPolicies,
    pub(crate) source: xds::Route,
}

impl Route {
    /// Where the route forwards to, if it does.
    pub(crate) fn target(&self) -> Option<&RouteTarget> {
        match &self.source.action {
            RouteAction::Route(target) => Some(target),
            RouteAction::Redirect(_) | RouteAction::DirectResponse(_) => None,
        }
    }
}

/// What is needed for each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) destinations: SmallVec<[Destination; 1]>,
    pub(crate) total_weight: u64,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) fault: Option<HttpFault>,
    /// The status of requests whose cluster does not exist.
    pub(crate) no_cluster_status: u16,
}

/// A cluster with its share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination {
    pub(crate) cluster: ClusterId,
    pub(crate) weight: u32,
}

/// A copy for some requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mirror {
    pub(crate) cluster: ClusterId,
    pub(crate) fraction: Ratio,
}

impl Plan {
    /// The position of the cluster that the request's random value chooses.
    ///
    /// Source: envoyproxy/envoy 1.40, source/common/router/weighted_cluster_specifier.cc.
    pub(crate) fn choose(&self, stream: u64) -> usize {
        if self.destinations.len() < 2 || self.total_weight == 0 {
            return 0;
        }
        let mut rest = stream % self.total_weight;
        for (position, destination) in self.destinations.iter().enumerate() {
            let weight = u64::from(destination.weight);
            if rest < weight {
                return position;
            }
            rest -= weight;
        }
        unreachable!("the weights sum to the total")
    }

    /// Whether the request's random value matters: there is more than one way to go.
    pub(crate) fn needs_stream(&self) -> bool {
        let uncertain = |mirror: &Mirror| {
            !mirror.fraction.is_zero()
                && mirror.fraction.numerator < mirror.fraction.denominator.value()
        };
        self.destinations.len() > 1 || self.mirrors.iter().any(uncertain)
    }
}
