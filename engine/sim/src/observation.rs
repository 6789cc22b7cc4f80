//! Typed events for whoever watches.

use crate::application::{Content, Mark};
use crate::plan::cluster::ControllerId;
use crate::plan::{PodId, ServiceId, SiteId, TableId, TrafficId};
use base::SimTime;
use proxy::effect::Reply;
use proxy::input::ResetReason;
use proxy::names::{ClusterId, EndpointId};
use proxy::proxy::Proxy;
use proxy::table::RouteId;
use proxy::usage::ClusterUse;

/// Someone who watches a world; each method does nothing unless it is written.
pub trait Observer {
    /// A request of a traffic source begins.
    fn on_arrival(&mut self, _now: SimTime, _traffic: TrafficId, _site: SiteId) {}
    /// A request of a traffic source ends, with all its application retries.
    fn on_journey(&mut self, _journey: &Journey) {}
    /// A request ends at its source: what Istio's metrics call `reporter="source"`.
    fn on_exchange(&mut self, _exchange: &Exchange) {}
    /// A request, or a mirrored copy, ends at the sidecar of the pod that it reached: what Istio's metrics call
    /// `reporter="destination"`.
    fn on_reception(&mut self, _reception: &Reception) {}
    /// A try, or a mirrored copy, ends at its source.
    fn on_attempt(&mut self, _attempt: &Attempt) {}
    /// A pod's station changes: requests in service and in its queue, from `now` on.
    fn on_station(&mut self, _now: SimTime, _pod: PodId, _station: Station) {}
    /// A host is ejected or unejected by the proxy of a pod.
    fn on_ejection(&mut self, _now: SimTime, _proxy: PodId, _ejection: Ejection) {}
    /// What a cluster had in use in the proxy of a pod until `now`, since this was last told; only where a world is asked
    /// to tell it, and not of what was idle.
    fn on_usage(&mut self, _now: SimTime, _proxy: PodId, _cluster: ClusterId, _used: &ClusterUse) {}
    /// The proxy of a pod at the end of the run, with all that it counted.
    fn on_proxy(&mut self, _pod: PodId, _proxy: &Proxy) {}
    /// A pod that a controller makes is in another phase of its life.
    fn on_pod(&mut self, _now: SimTime, _pod: PodId, _phase: PodPhase) {}
    /// A controller is to have so many pods.
    fn on_scale(&mut self, _now: SimTime, _controller: ControllerId, _replicas: u32) {}
    /// An entry of the timeline has taken effect.
    fn on_change(&mut self, _now: SimTime, _index: usize) {}
    /// A controller that delivers a version step by step has decided something; `text` says what, and why.
    fn on_decision(&mut self, _now: SimTime, _delivery: usize, _text: &str) {}
    /// From now on traffic is shared as the settings of all deliveries at this place say (see
    /// [`ProgressiveDelivery::told`](crate::plan::progressive_delivery::ProgressiveDelivery::told)).
    fn on_setting(&mut self, _now: SimTime, _place: usize) {}
}

/// Nobody watches.
impl Observer for () {}

/// Somebody may watch.
impl<A: Observer> Observer for Option<A> {
    #[inline]
    fn on_arrival(&mut self, now: SimTime, traffic: TrafficId, site: SiteId) {
        if let Some(watcher) = self {
            watcher.on_arrival(now, traffic, site);
        }
    }

    #[inline]
    fn on_journey(&mut self, journey: &Journey) {
        if let Some(watcher) = self {
            watcher.on_journey(journey);
        }
    }

    #[inline]
    fn on_exchange(&mut self, exchange: &Exchange) {
        if let Some(watcher) = self {
            watcher.on_exchange(exchange);
        }
    }

    #[inline]
    fn on_reception(&mut self, reception: &Reception) {
        if let Some(watcher) = self {
            watcher.on_reception(reception);
        }
    }

    #[inline]
    fn on_attempt(&mut self, attempt: &Attempt) {
        if let Some(watcher) = self {
            watcher.on_attempt(attempt);
        }
    }

    #[inline]
    fn on_station(&mut self, now: SimTime, pod: PodId, station: Station) {
        if let Some(watcher) = self {
            watcher.on_station(now, pod, station);
        }
    }

    #[inline]
    fn on_ejection(&mut self, now: SimTime, proxy: PodId, ejection: Ejection) {
        if let Some(watcher) = self {
            watcher.on_ejection(now, proxy, ejection);
        }
    }

    fn on_usage(&mut self, now: SimTime, proxy: PodId, cluster: ClusterId, used: &ClusterUse) {
        if let Some(watcher) = self {
            watcher.on_usage(now, proxy, cluster, used);
        }
    }

    fn on_proxy(&mut self, pod: PodId, proxy: &Proxy) {
        if let Some(watcher) = self {
            watcher.on_proxy(pod, proxy);
        }
    }

    #[inline]
    fn on_change(&mut self, now: SimTime, index: usize) {
        if let Some(watcher) = self {
            watcher.on_change(now, index);
        }
    }

    #[inline]
    fn on_decision(&mut self, now: SimTime, delivery: usize, text: &str) {
        if let Some(watcher) = self {
            watcher.on_decision(now, delivery, text);
        }
    }

    fn on_setting(&mut self, now: SimTime, place: usize) {
        if let Some(watcher) = self {
            watcher.on_setting(now, place);
        }
    }
}

/// Two watch; the first is told first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn on_arrival(&mut self, now: SimTime, traffic: TrafficId, site: SiteId) {
        self.0.on_arrival(now, traffic, site);
        self.1.on_arrival(now, traffic, site);
    }

    fn on_journey(&mut self, journey: &Journey) {
        self.0.on_journey(journey);
        self.1.on_journey(journey);
    }

    fn on_exchange(&mut self, exchange: &Exchange) {
        self.0.on_exchange(exchange);
        self.1.on_exchange(exchange);
    }

    fn on_reception(&mut self, reception: &Reception) {
        self.0.on_reception(reception);
        self.1.on_reception(reception);
    }

    fn on_attempt(&mut self, attempt: &Attempt) {
        self.0.on_attempt(attempt);
        self.1.on_attempt(attempt);
    }

    fn on_station(&mut self, now: SimTime, pod: PodId, station: Station) {
        self.0.on_station(now, pod, station);
        self.1.on_station(now, pod, station);
    }

    fn on_ejection(&mut self, now: SimTime, proxy: PodId, ejection: Ejection) {
        self.0.on_ejection(now, proxy, ejection);
        self.1.on_ejection(now, proxy, ejection);
    }

    fn on_usage(&mut self, now: SimTime, proxy: PodId, cluster: ClusterId, used: &ClusterUse) {
        self.0.on_usage(now, proxy, cluster, used);
        self.1.on_usage(now, proxy, cluster, used);
    }

    fn on_proxy(&mut self, pod: PodId, proxy: &Proxy) {
        self.0.on_proxy(pod, proxy);
        self.1.on_proxy(pod, proxy);
    }

    fn on_pod(&mut self, now: SimTime, pod: PodId, phase: PodPhase) {
        self.0.on_pod(now, pod, phase);
        self.1.on_pod(now, pod, phase);
    }

    fn on_scale(&mut self, now: SimTime, controller: ControllerId, replicas: u32) {
        self.0.on_scale(now, controller, replicas);
        self.1.on_scale(now, controller, replicas);
    }

    fn on_change(&mut self, now: SimTime, index: usize) {
        self.0.on_change(now, index);
        self.1.on_change(now, index);
    }

    fn on_decision(&mut self, now: SimTime, delivery: usize, text: &str) {
        self.0.on_decision(now, delivery, text);
        self.1.on_decision(now, delivery, text);
    }

    fn on_setting(&mut self, now: SimTime, place: usize) {
        self.0.on_setting(now, place);
        self.1.on_setting(now, place);
    }
}

/// Where a request belongs: to which journey, and to which exchange that is served meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The identity of the journey that led to it.
    pub journey: u64,
    /// The identity of the exchange that it is made for; of the journey itself where a traffic source makes it.
    pub parent: u64,
}

/// A traffic source's request, from its first try to its last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Journey {
    /// Tells it apart from all others; what it leads to carries the same.
    pub identity: u64,
    /// Whose.
    pub traffic: TrafficId,
    /// Which template.
    pub site: SiteId,
    /// The pod that sent it.
    pub source: PodId,
    /// When it began.
    pub started: SimTime,
    /// When it ended.
    pub ended: SimTime,
    /// The last answer; status 0 where there was none.
    pub reply: Reply,
    /// What that answer lacks.
    pub mark: Mark,
    /// Requests that it took: one and each application retry.
    pub requests: u32,
}

/// One request as its source sees it: a single request through the source's proxy, or a plain one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchange {
    /// Tells it apart from all others; its tries carry the same.
    pub identity: u64,
    /// Where it belongs.
    pub trace: Trace,
    /// The traffic source and which of its requests this is, counted from 1; none for calls of workloads.
    pub traffic: Option<(TrafficId, u32)>,
    /// Where it was made.
    pub site: SiteId,
    /// The pod that made it, or the gateway that passed it on.
    pub source: PodId,
    /// Its source passed it on for someone else.
    pub passed_on: bool,
    /// Its source has a sidecar.
    pub proxied: bool,
    /// When it began.
    pub started: SimTime,
    /// When the last of it was sent.
    pub completed: SimTime,
    /// When the response began to arrive.
    pub responded: Option<SimTime>,
    /// When it ended.
    pub ended: SimTime,
    /// The answer; status 0 where there was none, with flag DC where the caller gave up.
    pub reply: Reply,
    /// What the answer carries.
    pub content: Content,
    /// The pod of the last try, where one was chosen.
    pub target: Option<PodId>,
    /// The Service that was dialled, for plain requests.
    pub service: Option<ServiceId>,
    /// Its source's proxy passed on the bytes of its connection.
    pub is_tcp: bool,
    /// The route that its source's proxy took, and the configuration that the route is part of.
    pub route: Option<(TableId, RouteId)>,
}

/// One request as the sidecar of its destination sees it: each try, copy and plain request that reached it is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reception {
    /// Where the request was made.
    pub site: SiteId,
    /// The pod that sent it.
    pub source: PodId,
    /// Its source passed it on for someone else.
    pub passed_on: bool,
    /// The source's cluster, where there is a proxy.
    pub cluster: Option<ClusterId>,
    /// The Service that was dialled, for plain requests.
    pub service: Option<ServiceId>,
    /// The pod.
    pub target: PodId,
    /// It is a mirrored copy.
    pub mirror: bool,
    /// The sidecar passed on the bytes of its connection.
    pub is_tcp: bool,
    /// When it arrived.
    pub started: SimTime,
    /// When it ended.
    pub ended: SimTime,
    /// The answer, with the inbound cluster; status 0 and flag DC where the source gave up.
    pub reply: Reply,
}

/// One try or copy, from being sent to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempt {
    /// The exchange that it is part of.
    pub exchange: u64,
    /// The identity of the journey that led to it.
    pub journey: u64,
    /// Where the request was made.
    pub site: SiteId,
    /// The pod that sent it.
    pub source: PodId,
    /// Its source passed it on for someone else.
    pub passed_on: bool,
    /// The cluster, where there is a proxy.
    pub cluster: Option<ClusterId>,
    /// The Service that was dialled, for plain requests.
    pub service: Option<ServiceId>,
    /// The address that it was sent to, where there is a proxy.
    pub endpoint: Option<EndpointId>,
    /// The pod that it was sent to; none where nobody is at the address.
    pub target: Option<PodId>,
    /// 1 for the first try.
    pub number: u16,
    /// It is a mirrored copy.
    pub mirror: bool,
    /// When it was sent.
    pub sent: SimTime,
    /// When its connection was made, where one had to be.
    pub connected: Option<SimTime>,
    /// When the response began to arrive.
    pub responded: Option<SimTime>,
    /// When it ended.
    pub ended: SimTime,
    /// How it ended.
    pub outcome: AttemptOutcome,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// With a response of this status.
    Response(u16),
    /// Without a response.
    Reset(ResetReason),
    /// Its client gave up first.
    Abandoned,
}

/// A station's occupancy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Station {
    /// Requests that hold a worker.
    pub in_service: u32,
    /// Requests that wait for a worker.
    pub queued: u32,
    /// Requests that found the queue full, so far.
    pub overflowed: u64,
}

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodPhase {
    /// It does not exist.
    #[default]
    Absent,
    /// It is made, and its container does not run yet.
    Starting,
    /// Its container runs, and it is not ready.
    Running,
    /// It is ready: an endpoint of its Services.
    Ready,
    /// It is deleted, and its container still runs.
    Terminating,
    /// Its container has ended, and is to be started again.
    BackOff,
    /// Its node has failed.
    Lost,
}

/// A host left or re-entered a cluster's load balancing in one proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// The cluster.
    pub cluster: ClusterId,
    /// The host.
    pub endpoint: EndpointId,
    /// True when it is ejected, false when it is unejected.
    pub ejected: bool,
}

/// The upper bounds of the buckets of `istio_request_duration_milliseconds`: those of Envoy's histograms, which Istio's
/// sidecars expose.
pub const DURATION_BUCKETS_MS: [f64; 19] = [
    0.5,
    1.0,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    500.0,
    1000.0,
    2500.0,
    5000.0,
    10_000.0,
    30_000.0,
    60_000.0,
    300_000.0,
    600_000.0,
    1_800_000.0,
    3_600_000.0,
];
