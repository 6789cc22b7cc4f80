//! A world, described: all names resolved, all choices made but those of chance and load.

pub mod cluster;
pub mod network;

use crate::act::{Accept, Script};
use crate::application::{CallRules, Mark, RequestMatch, Requested};
use crate::discipline::Discipline;
use crate::plan::cluster::{Cluster, ControllerId, NodeId};
use crate::plan::network::{Disturbance, Place, Tier};
use crate::profile::Profile;
use base::{Distribution, Ratio, Seed, SimDuration, SimTime};
use proxy::listener::Layer;
use proxy::names::{ClusterId, EndpointId, Names};
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::Table;
use std::net::IpAddr;
use std::sync::Arc;

base::id! {
    /// A workload: a Deployment, StatefulSet, ReplicaSet or lone Pod.
    pub WorkloadId,
    /// A pod.
    pub PodId,
    /// A compiled configuration, shared by the proxies that are told the same.
    pub TableId,
    /// A Kubernetes Service.
    pub ServiceId,
    /// A source of requests from outside: an entry of the scenario's `traffic`.
    pub TrafficId,
    /// A place where requests are made: a template of a traffic source, or a call in a workload's behaviour.
    pub SiteId,
}

/// A whole world and its future.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where all randomness begins.
    pub seed: Seed,
    /// When the simulation ends.
    pub duration: SimDuration,
    /// The names behind cluster and endpoint ids.
    pub names: Names,
    /// Configurations, those of later pushes included.
    pub tables: Vec<Arc<Table>>,
    /// Workloads, by [`WorkloadId`].
    pub workloads: Vec<Workload>,
    /// Pods, by [`PodId`].
    pub pods: Vec<Pod>,
    /// Services, by [`ServiceId`].
    pub services: Vec<Service>,
    /// The pod behind each endpoint, by [`EndpointId`]; none: nobody answers there.
    pub endpoints: Vec<Option<PodId>>,
    /// What each cluster stands for, by [`ClusterId`].
    pub clusters: Vec<ClusterLabels>,
    /// Places where requests are made, by [`SiteId`].
    pub sites: Vec<Site>,
    /// Sources of requests, by [`TrafficId`].
    pub traffic: Vec<Traffic>,
    /// How long things take between pods.
    pub network: Network,
    /// Changes, in order of time.
    pub timeline: Vec<Change>,
    /// What degraded answers lack, by [`Mark`]; the first is empty.
    pub marks: Vec<String>,
    /// What makes pods and where they run; none: pods are there or not as their servers say.
    pub cluster: Option<Cluster>,
}

/// Pods that behave alike.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Label `app.kubernetes.io/name` or `app`.
    pub app: String,
    /// Label `app.kubernetes.io/version` or `version`.
    pub version: String,
    /// How each of its pods serves.
    pub server: Server,
}

/// One pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// What it is part of.
    pub workload: WorkloadId,
    /// Its address.
    pub ip: IpAddr,
    /// It is no more than a proxy: what reaches it leaves through its outbound side.
    pub is_gateway: bool,
    /// What its proxy is told about requests that leave it; none: it has no proxy.
    pub table: Option<TableId>,
    /// What its proxy is told about requests that reach it; none: its application takes them itself.
    pub inbound: Option<TableId>,
    /// The worker threads of its proxy.
    pub workers: u16,
    /// A server of its own, where it differs from its workload's.
    pub server: Option<Server>,
}

/// A Service, as clients without a sidecar use it.
#[derive(Clone, Debug)]
pub struct Service {
    /// `<namespace>/<name>`.
    pub name: String,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug)]
pub struct ServicePort {
    /// Its number.
    pub number: u16,
    /// The ready pods behind it, and at which of their own ports.
    pub endpoints: Vec<(PodId, u16)>,
}

/// A side of a pod's proxy. The two share nothing but the pod: no cluster, no connection, no listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// For requests that leave the pod, and all that pass a gateway.
    Outbound,
    /// For requests that reach the pod's application.
    Inbound,
}

/// The standard labels of a cluster's destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterLabels {
    /// The cluster's name.
    pub cluster: String,
    /// `<namespace>/<name>` of the Service, or the host where there is none.
    pub service: String,
    /// The subset, empty if none.
    pub subset: String,
    /// The port.
    pub port: u16,
}

/// How a pod serves requests: a queueing station.
#[derive(Clone, Debug)]
pub struct Server {
    /// Requests served at once; none: no limit.
    pub concurrency: Option<u32>,
    /// Requests that may wait; none: no limit.
    pub queue_limit: Option<u32>,
    /// What a request that finds the queue full meets.
    pub overflow: Overflow,
    /// How its workers share the work.
    pub discipline: Discipline,
    /// What becomes of work whose client has given up.
    pub abandonment: Abandonment,
    /// Connections are refused: nobody listens.
    pub refuses: bool,
    /// The pod is not there: nor is its proxy.
    pub absent: bool,
    /// How connections are taken.
    pub accept: Accept,
    /// How long a connection may be idle before the server closes it; none: for ever.
    pub keep_alive: Option<SimDuration>,
    /// Behaviours, the first that matches serves; the last matches all.
    pub behaviours: Vec<Behaviour>,
}

/// What a request that finds the queue full meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// An immediate response with this status.
    Respond(u16),
    /// A refused connection.
    Refuse,
}

/// What becomes of work whose client has given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandonment {
    /// The server is not told: it goes on, and its response meets nobody.
    Continue,
    /// The server is told: it stops and frees its worker.
    Stop,
}

/// How requests to some method and path are served.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Which requests.
    pub matches: RequestMatch,
    /// How long a worker is busy with its own work.
    pub service_time: Distribution,
    /// How long the request waits afterwards for something that needs no processor.
    pub delay: Distribution,
    /// What the request itself asks for.
    pub requested: Requested,
    /// How many requests fail, without making calls.
    pub error_rate: Ratio,
    /// The response of those that fail.
    pub error: ResponseHead,
    /// The response of those that do not.
    pub response: ResponseHead,
    /// What that response lacks.
    pub mark: Mark,
    /// From the response's head to the end of its body.
    pub body_time: Distribution,
    /// What is done about one request after the other, in place of all above but the delay and the calls.
    pub script: Option<Script>,
    /// Calls to others, made one step after the other once the own work is done.
    pub steps: Vec<Step>,
}

/// Calls made at the same time.
#[derive(Clone, Debug)]
pub struct Step {
    /// The calls.
    pub calls: Vec<SiteId>,
    /// A wait beside them; the next step waits for its end, too.
    pub wait: Distribution,
    /// Whether any of the calls has a condition.
    pub is_conditional: bool,
}

impl Default for Behaviour {
    /// Answers 200 at once.
    fn default() -> Self {
        Self {
            matches: RequestMatch::default(),
            service_time: Distribution::ZERO,
            delay: Distribution::ZERO,
            requested: Requested::default(),
            error_rate: Ratio::ZERO,
            error: ResponseHead::of(500),
            response: ResponseHead::of(200),
            mark: Mark::WHOLE,
            body_time: Distribution::ZERO,
            script: None,
            steps: Vec::new(),
        }
    }
}

impl Default for Step {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            wait: Distribution::ZERO,
            is_conditional: false,
        }
    }
}

/// A place where requests are made.
#[derive(Clone, Debug)]
pub struct Site {
    /// Who makes them: a traffic source's name, or a workload's `<namespace>/<name>`.
    pub name: String,
    /// The request; headers named in `propagate` are added from the request being served.
    pub head: RequestHead,
    /// What its connection carries.
    pub layer: Layer,
    /// The size of its body.
    pub body_bytes: u64,
    /// From its first byte to its last.
    pub upload: SimDuration,
    /// Where it is dialled.
    pub dial: Dial,
    /// How long the caller waits for one try.
    pub timeout: Option<SimDuration>,
    /// What the caller does about failures.
    pub retries: ApplicationRetries,
    /// Names of headers passed on from the request being served, in lower case.
    pub propagate: Vec<String>,
    /// What a serving caller makes of it: when it is made, and what its failure leads to.
    pub rules: CallRules,
}

/// Where a request is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The name in the URL.
    pub host: String,
    /// The port in the URL.
    pub port: u16,
    /// What the name resolves to, where it does.
    pub ip: Option<IpAddr>,
    /// The Service with that name or address.
    pub service: Option<ServiceId>,
    /// The pod with that address or name.
    pub pod: Option<PodId>,
    /// The place of the listener that takes it, among those of the sender's proxy; none: as its address decides.
    pub listener: Option<u32>,
}

/// Retries of an application, without its sidecar's knowledge.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplicationRetries {
    /// Retries after the first try; zero: none.
    pub attempts: u32,
    /// Statuses that are retried, beside timeouts and refused connections; empty: all 5xx.
    pub on_status: Vec<u16>,
    /// The pause before a retry.
    pub back_off: Distribution,
}

impl ApplicationRetries {
    /// None at all.
    pub const NONE: Self = Self {
        attempts: 0,
        on_status: Vec::new(),
        back_off: Distribution::ZERO,
    };
}

/// A source of requests.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Its name.
    pub name: String,
    /// The pods that send, in turn.
    pub from: Vec<PodId>,
    /// Request templates with their weights.
    pub templates: Vec<Template>,
    /// What is drawn for requests, beside their template.
    pub values: Vec<Values>,
    /// Whose requests they are: users who keep what is drawn for them; none: each is drawn anew.
    pub sessions: Option<Sessions>,
    /// How requests are paced.
    pub load: Load,
    /// When it starts.
    pub start: SimTime,
    /// When it stops.
    pub stop: SimTime,
}

/// A request template: a site for each combination of the values that it uses, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// How often it is drawn, relative to the others.
    pub weight: u32,
    /// The site of the first combination.
    pub site: SiteId,
    /// Which [`Values`] it uses, by their place; the last changes fastest from site to site.
    pub uses: Vec<u32>,
}

/// Values of which one is drawn, each as likely as its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// The sums of the weights up to each value, itself included; the last is 1.
    pub cumulative: Vec<f64>,
}

/// Users of an open load, or those of a closed one.
#[derive(Clone, Debug, PartialEq)]
pub enum Sessions {
    /// The users of a closed load.
    OfUsers,
    /// One of so many, drawn for each request.
    Drawn(Values),
}

/// How requests are paced.
#[derive(Clone, Debug)]
pub enum Load {
    /// Arrivals do not wait for responses.
    Open {
        /// Requests a second.
        rate: f64,
        /// Their spacing.
        arrivals: Arrivals,
    },
    /// The same at a rate that changes over time.
    Varying {
        /// The rate, from the source's start on.
        rate: Profile,
        /// Their spacing.
        arrivals: Arrivals,
    },
    /// Each user waits for its response and thinks before the next request.
    Closed {
        /// Users.
        users: u32,
        /// The pause between a response and the next request.
        think_time: Distribution,
        /// Requests of each user; none: no limit.
        each: Option<u32>,
        /// Requests of the first user beyond that.
        more: u32,
        /// The time from one request of a user to the next at least, counted from the source's start so that a user who
        /// fell behind catches up; none: it need not wait.
        pace: Option<SimDuration>,
    },
    /// Requests at given times, in order of time.
    Listed(Vec<Listed>),
}

/// A request at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// When.
    pub at: SimTime,
    /// The place of its template.
    pub template: u32,
    /// The client's connection, by number: requests of one wait for each other. None: one of its own.
    pub connection: Option<u32>,
    /// The worker that takes its connection; none: drawn.
    pub worker: Option<u16>,
}

/// The spacing of open arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly spaced.
    Constant,
    /// Exponentially distributed gaps.
    Poisson,
}

/// How long things take between pods.
#[derive(Clone, Debug)]
pub struct Network {
    /// One way between any two pods.
    pub latency: Distribution,
    /// One way between the pods of two workloads, where it differs; the first match counts, in both directions.
    pub links: Vec<Link>,
    /// Added by each sidecar that a request passes, once per request.
    pub sidecar_latency: Distribution,
    /// How many one-way latencies it takes to make a connection before a request can be sent.
    pub connect_trips: u32,
    /// Where pods are, by [`PodId`]; may be empty where neither of the next two is written.
    pub places: Vec<Place>,
    /// Links by their [`Distance`](network::Distance), where these differ.
    pub tiers: [Option<Tier>; 4],
    /// What happens to links, and when.
    pub disturbances: Vec<Disturbance>,
}

/// The latency between two workloads.
#[derive(Clone, Debug)]
pub struct Link {
    /// One of them.
    pub a: WorkloadId,
    /// The other.
    pub b: WorkloadId,
    /// One way.
    pub latency: Distribution,
}

/// A change at a time.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: SimTime,
    /// What a reader should see at this time in a plot, such as `canary at 50%`.
    pub label: String,
    /// What changes, in order.
    pub effects: Vec<ChangeEffect>,
}

/// One thing that changes.
#[derive(Clone, Debug)]
pub enum ChangeEffect {
    /// A pod's proxy is told another configuration.
    Push {
        /// The pod.
        pod: PodId,
        /// About which requests.
        side: Side,
        /// The configuration.
        table: TableId,
    },
    /// An open load's rate, requests a second.
    Rate {
        /// The source.
        traffic: TrafficId,
        /// The new rate.
        rate: f64,
    },
    /// A pod's server behaves otherwise from now on; requests in service keep their time.
    Server {
        /// The pod.
        pod: PodId,
        /// The new behaviour.
        server: Box<Server>,
    },
    /// Something happens to the cluster.
    Cluster(ClusterEffect),
}

/// Something that happens to the cluster.
#[derive(Clone, Debug)]
pub enum ClusterEffect {
    /// A controller is to have another number of pods.
    Scale {
        /// Which.
        controller: ControllerId,
        /// How many.
        replicas: u32,
    },
    /// A controller's pods are to be of another template.
    RollOut {
        /// Whose.
        controller: ControllerId,
        /// Which of its templates.
        revision: u32,
    },
    /// Pods are deleted.
    Kill {
        /// Of these, those that are there.
        pods: Vec<PodId>,
        /// So many of them, by chance; none: all.
        count: Option<u32>,
        /// As `kubectl delete` does it; else their processes end at once.
        gracefully: bool,
    },
    /// Applications crash now, and again after each start.
    Crash {
        /// Of these pods.
        pods: Vec<PodId>,
        /// So long after each start.
        after: SimDuration,
        /// Those that start before.
        until: SimTime,
    },
    /// Applications take connections and do nothing, or go on.
    Freeze {
        /// Of these pods.
        pods: Vec<PodId>,
        /// Whether they do nothing.
        is_frozen: bool,
    },
    /// Applications take longer, or as long as planned.
    Slow {
        /// Of these pods.
        pods: Vec<PodId>,
        /// So much longer, in thousandths.
        permille: u32,
    },
    /// Nodes take no further pods, and those that they have are evicted.
    Drain {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// Nodes take pods again.
    Uncordon {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// Nodes fail.
    Outage {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// Nodes are back.
    Recover {
        /// Which.
        nodes: Vec<NodeId>,
    },
}

impl Template {
    /// A template that uses no values.
    pub const fn of(weight: u32, site: SiteId) -> Self {
        Self {
            weight,
            site,
            uses: Vec::new(),
        }
    }
}

impl Values {
    /// Values as likely as their weights; none if there is none above zero.
    pub fn of_weights(weights: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = weights
            .into_iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        if sum <= 0.0 || !sum.is_finite() {
            return None;
        }
        for up_to in &mut cumulative {
            *up_to /= sum;
        }
        Some(Self { cumulative })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.cumulative.len()
    }

    /// The place of the value at `u` in (0, 1).
    pub fn at(&self, u: f64) -> usize {
        let place = self.cumulative.partition_point(|up_to| *up_to < u);
        place.min(self.cumulative.len() - 1)
    }
}

impl Plan {
    /// The standard labels of a cluster.
    pub fn cluster(&self, id: ClusterId) -> &ClusterLabels {
        &self.clusters[id.index()]
    }

    /// The pod that answers at an endpoint.
    pub fn pod_at(&self, id: EndpointId) -> Option<PodId> {
        self.endpoints.get(id.index()).copied().flatten()
    }

    /// The workload of a pod.
    pub fn workload_of(&self, pod: PodId) -> &Workload {
        &self.workloads[self.pods[pod.index()].workload.index()]
    }
}
