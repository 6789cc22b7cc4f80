//! Builders of small worlds, and a watcher that keeps sums.

use base::{Distribution, Seed, SimDuration, SimTime};
use proxy::listener::Layer;
use proxy::names::Names;
use proxy::request::{Protocol, RequestHead};
use sim::act::Accept;
use sim::application::{CallRules, Failure};
use sim::discipline::Discipline;
use sim::observation::{Attempt, Exchange, Journey, Observer, Station};
use sim::plan::{
    Abandonment, ApplicationRetries, Arrivals, Behaviour, Dial, Load, Network, Overflow, Plan, Pod,
    PodId, Server, Service, ServiceId, ServicePort, Site, SiteId, Step, Template, Traffic,
    TrafficId, Workload, WorkloadId,
};
use std::net::Ipv4Addr;

/// A server with so many workers whose only behaviour takes this long.
pub(crate) fn server(concurrency: Option<u32>, service_time: Distribution) -> Server {
    Server {
        concurrency,
        queue_limit: None,
        overflow: Overflow::Respond(503),
        discipline: Discipline::default(),
        abandonment: Abandonment::Continue,
        refuses: false,
        absent: false,
        accept: Accept::AT_ONCE,
        tls: None,
        keep_alive: None,
        behaviours: vec![Behaviour {
            service_time,
            ..Behaviour::default()
        }],
    }
}

/// A world of clients and servers without sidecars, links at no cost.
pub(crate) struct PlainWorld {
    /// The world so far.
    pub(crate) plan: Plan,
}

impl PlainWorld {
    /// An empty world that lasts so long.
    pub(crate) fn new(seed: u64, seconds: u64) -> Self {
        Self {
            plan: Plan {
                seed: Seed::new(seed),
                duration: SimDuration::from_secs(seconds),
                names: Names::default(),
                tables: Vec::new(),
                workloads: Vec::new(),
                pods: Vec::new(),
                services: Vec::new(),
                endpoints: Vec::new(),
                forwarded_ports: Default::default(),
                clusters: Vec::new(),
                sites: Vec::new(),
                traffic: Vec::new(),
                network: Network {
                    latency: Distribution::ZERO,
                    links: Vec::new(),
                    bandwidth: None,
                    sidecar_latency: Distribution::ZERO,
                    connect_trips: 0,
                    places: Vec::new(),
                    tiers: [const { None }; 4],
                    disturbances: Vec::new(),
                },
                timeline: Vec::new(),
                marks: vec![String::new()],
                cluster: None,
                progressive_delivery: None,
            },
        }
    }

    /// Adds a workload of `pods` pods and a Service before it, which is its own number.
    pub(crate) fn workload(&mut self, name: &str, pods: usize, server: Server) -> ServiceId {
        let workload = WorkloadId::new(self.plan.workloads.len());
        let ids: Vec<PodId> = (0..pods)
            .map(|n| {
                self.plan.pods.push(Pod {
                    name: format!("{name}-{n}"),
                    workload,
                    ip: Ipv4Addr::UNSPECIFIED.into(),
                    is_gateway: false,
                    table: None,
                    inbound: None,
                    workers: 1,
                    server: None,
                });
                PodId::new(self.plan.pods.len() - 1)
            })
            .collect();
        self.plan.workloads.push(Workload {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            app: name.to_owned(),
            version: "v1".to_owned(),
            server,
        });
        self.plan.services.push(Service {
            name: format!("default/{name}"),
            ports: vec![ServicePort {
                number: 80,
                endpoints: ids.into_iter().map(|pod| (pod, 80)).collect(),
            }],
        });
        ServiceId::new(self.plan.services.len() - 1)
    }

    /// Adds a place from which a service is called.
    pub(crate) fn site(&mut self, name: &str, service: ServiceId) -> SiteId {
        self.plan.sites.push(Site {
            name: name.to_owned(),
            head: RequestHead::get("server", "/"),
            layer: Layer::Http(Protocol::Http1),
            body_bytes: 0,
            upload: SimDuration::ZERO,
            dial: Dial {
                host: "server".to_owned(),
                port: 80,
                ip: None,
                service: Some(service),
                pod: None,
                listener: None,
            },
            timeout: None,
            retries: ApplicationRetries::NONE,
            propagate: Vec::new(),
            rules: CallRules {
                failure: Failure::Status(500),
                ..CallRules::default()
            },
        });
        SiteId::new(self.plan.sites.len() - 1)
    }

    /// Lets each request of a workload's only behaviour make a call after its own work.
    pub(crate) fn calls(&mut self, workload: usize, site: SiteId) {
        self.plan.workloads[workload].server.behaviours[0]
            .steps
            .push(Step {
                calls: vec![site],
                ..Step::default()
            });
    }

    /// Adds a load from the first pod of the world.
    pub(crate) fn load(&mut self, site: SiteId, load: Load) -> TrafficId {
        self.plan.traffic.push(Traffic {
            name: format!("load-{}", self.plan.traffic.len()),
            from: vec![PodId::new(0)],
            templates: vec![Template::of(1, site)],
            values: Vec::new(),
            sessions: None,
            load,
            start: SimTime::ZERO,
            stop: SimTime::MAX,
        });
        TrafficId::new(self.plan.traffic.len() - 1)
    }
}

/// So many Poisson arrivals a second.
pub(crate) fn poisson(rate: f64) -> Load {
    Load::Open {
        rate,
        arrivals: Arrivals::Poisson,
    }
}

/// Sums over a run, warm-up excluded.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// When counting begins.
    pub(crate) warm_up: SimTime,
    /// Journeys that ended.
    pub(crate) journeys: u64,
    /// Their times in the system, nanoseconds.
    pub(crate) time: u128,
    /// Exchanges that ended.
    pub(crate) exchanges: u64,
    /// Tries that ended.
    pub(crate) attempts: u64,
    /// By status.
    pub(crate) statuses: std::collections::BTreeMap<u16, u64>,
    /// Integral of requests at stations over time, nanoseconds.
    pub(crate) present: u128,
    pub(crate) occupancy: std::collections::BTreeMap<PodId, (SimTime, u32)>,
}

impl Sums {
    /// Mean time in the system, seconds.
    pub(crate) fn mean(&self) -> f64 {
        self.time as f64 / self.journeys as f64 / 1e9
    }
}

impl Observer for Sums {
    fn on_journey(&mut self, journey: &Journey) {
        if journey.started >= self.warm_up {
            self.journeys += 1;
            self.time += u128::from(journey.ended.since(journey.started).as_nanos());
            *self.statuses.entry(journey.reply.status).or_default() += 1;
        }
    }

    fn on_exchange(&mut self, _: &Exchange) {
        self.exchanges += 1;
    }

    fn on_attempt(&mut self, _: &Attempt) {
        self.attempts += 1;
    }

    fn on_station(&mut self, now: SimTime, pod: PodId, station: Station) {
        let (since, present) = self.occupancy.entry(pod).or_default();
        self.present += u128::from(now.since(*since).as_nanos()) * u128::from(*present);
        (*since, *present) = (now, station.in_service + station.queued);
    }
}
