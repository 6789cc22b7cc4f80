//! A compiled route: what matching and rewriting need, and apart from it what the event loop needs.

use super::FaultHeaders;
use crate::cors::Cors;
use crate::fault::AskedFault;
use crate::names::ClusterId;
use crate::re2::Substitution;
use crate::router::asked::Asked;
use crate::router::hash_policy::HashPolicies;
use crate::router::header_condition::HeaderCondition;
use crate::router::matching::{RequestView, RouteMatcher};
use crate::router::retry::RetryPolicy;
use crate::router::rewrite::PathRewriter;
use base::Ratio;
use smallvec::SmallVec;
use std::sync::Arc;
use xds::{HttpFault, RouteAction, RouteTarget};

/// What is needed once per request head.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) matcher: RouteMatcher,
    pub(crate) virtual_host: usize,
    /// What a forwarding or redirecting route does to the path.
    pub(crate) rewriter: Option<PathRewriter>,
    /// `host_rewrite_path_regex`.
    pub(crate) host_from_path: Option<Substitution>,
    pub(crate) cors: Option<Cors>,
    pub(crate) hash_policies: HashPolicies,
    /// The conditions of the faults of each destination, where headers play a part in any.
    pub(crate) fault_conditions: Vec<Vec<HeaderCondition>>,
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

    /// What a request's headers mean for the faults, where these depend on headers.
    pub(crate) fn fault_headers(&self, view: &RequestView<'_>) -> Option<Arc<FaultHeaders>> {
        if self.fault_conditions.is_empty() {
            return None;
        }
        let conditions = self.fault_conditions.iter().zip(0_u16..);
        let exempt = conditions.filter(|(conditions, _)| {
            let mut conditions = conditions.iter();
            !conditions.all(|condition| condition.holds(|name, test| view.any_value(name, test)))
        });
        Some(Arc::new(FaultHeaders {
            exempt: exempt.map(|(_, position)| position).collect(),
            asked: AskedFault::new(view.head),
        }))
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
    /// The faults of each destination, where they differ.
    pub(crate) destination_faults: Vec<Option<HttpFault>>,
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
    /// The copy's host keeps its name.
    pub(crate) keeps_host: bool,
}

impl Plan {
    /// The faults of a request for the destination at `position`.
    #[inline]
    pub(crate) fn fault(&self, position: usize) -> Option<&HttpFault> {
        if self.destination_faults.is_empty() {
            return self.fault.as_ref();
        }
        self.destination_faults.get(position)?.as_ref()
    }

    /// The retry policy of a request for the destination at `position`: the route's, or what is asked for instead.
    #[inline]
    pub(crate) fn retry<'a>(
        &'a self,
        asked: Option<&'a Asked>,
        position: u16,
    ) -> Option<&'a RetryPolicy> {
        match asked {
            Some(asked) => asked.retry(position),
            None => self.retry.as_ref(),
        }
    }

    /// The position of the cluster that the request's random value chooses.
    ///
    /// Source: envoyproxy/envoy 1.40, source/common/router/weighted_cluster_specifier.cc.
    pub(crate) fn choose(&self, stream: u64) -> usize {
        choose(&self.destinations, self.total_weight, stream)
    }
}

/// The position of the destination that a random value chooses among those of this total weight; the first, where there is
/// no choice.
#[inline]
pub(crate) fn choose(destinations: &[Destination], total_weight: u64, stream: u64) -> usize {
    if destinations.len() < 2 || total_weight == 0 {
        return 0;
    }
    let mut rest = stream % total_weight;
    for (position, destination) in destinations.iter().enumerate() {
        let weight = u64::from(destination.weight);
        if rest < weight {
            return position;
        }
        rest -= weight;
    }
    unreachable!("the weights sum to the total")
}
