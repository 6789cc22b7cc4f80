//! A pod while the world moves: its proxy, a state machine per side, and its server.

use crate::act::Accept;
use crate::cluster::Conduct;
use crate::delivery::Delivery;
use crate::plan::{Behaviour, ChangeEffect, Overflow, Plan, PodId, Server, Side, TableId};
use crate::server::{Occupancy, Served};
use base::{SimDuration, Sizes};
use kernel::TimerId;
use proxy::effect::TimerKind;
use proxy::proxy::Proxy;
use proxy::tcp_proxy::SessionId;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A side of a pod's proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seat {
    pub(crate) pod: PodId,
    pub(crate) side: Side,
}

/// A pod's proxy and server.
#[derive(Debug)]
pub(crate) struct PodState<'a> {
    outbound: Option<Box<ProxyState<'a>>>,
    inbound: Option<Box<ProxyState<'a>>>,
    /// It is no more than a proxy.
    pub(crate) is_gateway: bool,
    pub(crate) server: &'a Server,
    /// Tells servers with different behaviours apart: the workload's number, unless the pod's server is its own.
    pub(crate) server_number: u32,
    pub(crate) occupancy: Occupancy,
    pub(crate) served: Served,
    /// What its inbound proxy is told never changes.
    is_settled: bool,
    /// Whoever asks the server gets a response.
    responds: bool,
    /// Bodies take time on their way.
    has_bandwidth: bool,
    /// What it does about connections.
    pub(crate) conduct: Conduct,
    /// Its application does nothing.
    pub(crate) is_frozen: bool,
    /// Requests that would have been served while it is frozen.
    pub(crate) paused: Vec<u32>,
    /// How much longer everything takes, in thousandths.
    pub(crate) slowness: u32,
    /// Requests that have reached its application.
    pub(crate) arrived: u64,
    /// How long its workers have been or will be busy with what they began.
    pub(crate) busy_nanos: u64,
}

/// A side of a proxy and what the world remembers for it.
#[derive(Debug)]
pub(crate) struct ProxyState<'a> {
    pub(crate) table: TableId,
    pub(crate) proxy: Proxy,
    /// The kernel's name of each running timer, by kind and slot.
    pub(crate) timers: [Vec<TimerId>; TimerKind::COUNT],
    /// The delivery of each try, by the try's slot.
    pub(crate) deliveries: Vec<u32>,
    /// The delivery of each session whose upstream connection is made.
    pub(crate) sessions: FxHashMap<SessionId, u32>,
    /// Copies that wait for a connection, by their tries' slots.
    pub(crate) waiting: FxHashMap<u32, Delivery<'a>>,
}

impl<'a> PodState<'a> {
    pub(crate) fn new(plan: &'a Plan, id: PodId) -> Self {
        let pod = &plan.pods[id.index()];
        let (server, number) = match &pod.server {
            Some(own) => (own, plan.workloads.len() + id.index()),
            None => (&plan.workload_of(id).server, pod.workload.index()),
        };
        Self {
            outbound: pod
                .table
                .map(|table| Box::new(ProxyState::new(plan, id, table))),
            inbound: (pod.inbound).map(|table| Box::new(ProxyState::new(plan, id, table))),
            is_gateway: pod.is_gateway,
            server,
            server_number: number as u32,
            occupancy: Occupancy::of(server),
            served: Served::default(),
            is_settled: !is_pushed(plan, id),
            responds: responds(server, plan.network.has_bandwidth()),
            has_bandwidth: plan.network.has_bandwidth(),
            conduct: Conduct::SERVING,
            is_frozen: false,
            paused: Vec::new(),
            slowness: AS_PLANNED,
            arrived: 0,
            busy_nanos: 0,
        }
    }

    /// Its workers, and the room in its queue; none: no limit.
    #[inline]
    pub(crate) fn room(&self) -> (Option<u32>, Option<u32>) {
        if self.is_frozen {
            return (Some(0), None);
        }
        (self.server.concurrency, self.server.queue_limit)
    }

    /// How long something takes that was planned to take so long.
    #[inline]
    pub(crate) fn slowed(&self, time: SimDuration) -> SimDuration {
        if self.slowness == AS_PLANNED {
            return time;
        }
        let nanos =
            u128::from(time.as_nanos()) * u128::from(self.slowness) / u128::from(AS_PLANNED);
        SimDuration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The proxy's state on one side, if there is one.
    #[inline]
    pub(crate) fn proxy(&self, side: Side) -> Option<&ProxyState<'a>> {
        match side {
            Side::Outbound => self.outbound.as_deref(),
            Side::Inbound => self.inbound.as_deref(),
        }
    }

    /// The same, to be changed.
    #[inline]
    pub(crate) fn proxy_mut(&mut self, side: Side) -> Option<&mut ProxyState<'a>> {
        match side {
            Side::Outbound => self.outbound.as_deref_mut(),
            Side::Inbound => self.inbound.as_deref_mut(),
        }
    }

    /// Whether requests leave it through a proxy.
    #[inline]
    pub(crate) fn has_proxy(&self) -> bool {
        self.outbound.is_some()
    }

    /// The side at which requests enter its proxy; none: its application takes them itself.
    #[inline]
    pub(crate) fn entrance(&self) -> Option<Side> {
        if self.is_gateway {
            self.outbound.as_ref().map(|_| Side::Outbound)
        } else {
            self.inbound.as_ref().map(|_| Side::Inbound)
        }
    }

    /// Whether it takes connections: its proxy does, whatever the application does.
    #[inline]
    pub(crate) fn accepts_connections(&self) -> bool {
        if self.conduct.is_lost {
            // Nobody says that nobody is there.
            return true;
        }
        let listens = self.conduct.takes_new && !self.server.refuses;
        self.conduct.is_up && !self.server.absent && (listens || self.entrance().is_some())
    }

    /// Whether its application takes connections.
    #[inline]
    pub(crate) fn application_accepts(&self) -> bool {
        self.conduct.takes_new && !self.server.absent && !self.server.refuses
    }

    /// Whether what reaches a transparent inbound proxy is answered by the application, now and for as long as it lasts.
    #[inline]
    pub(crate) fn is_reached_for_certain(&self) -> bool {
        self.responds && self.is_settled && self.conduct.takes_new && !self.is_frozen
    }

    /// Its server behaves otherwise from now on.
    pub(crate) fn change_server(&mut self, server: &'a Server, number: u32) {
        self.server = server;
        self.served.clear();
        self.server_number = number;
        self.responds = responds(server, self.has_bandwidth);
    }
}

impl ProxyState<'_> {
    fn new(plan: &Plan, id: PodId, table: TableId) -> Self {
        let (pod, workload) = (&plan.pods[id.index()], plan.workload_of(id));
        // Keyed by workload: a request meets the same dice in each of its pods. Seeded by pod: not all of them begin their
        // rotations with the same host.
        let key = plan
            .seed
            .key(&format!("proxy/{}/{}", workload.namespace, workload.name));
        let seed = plan
            .seed
            .key(&format!("pod/{}/{}", workload.namespace, pod.name));
        let compiled = Arc::clone(&plan.tables[table.index()]);
        Self {
            table,
            proxy: Proxy::new(compiled, key)
                .seeded(seed)
                .with_concurrency(pod.workers),
            timers: std::array::from_fn(|_| Vec::new()),
            deliveries: Vec::new(),
            sessions: FxHashMap::default(),
            waiting: FxHashMap::default(),
        }
    }
}

/// A pod that is as slow as planned, in thousandths.
pub(crate) const AS_PLANNED: u32 = 1000;

/// Whether an inbound proxy is ever told something else.
fn is_pushed(plan: &Plan, id: PodId) -> bool {
    let deliveries = plan.progressive_delivery.iter();
    let mut told = deliveries.flat_map(|all| all.told.iter().flatten().flatten());
    let first = plan.pods[id.index()].inbound;
    if told.any(|told| told.pod == id && told.side == Side::Inbound && first != Some(told.table)) {
        return true;
    }
    let effects = plan.timeline.iter().flat_map(|change| &change.effects);
    effects.into_iter().any(|effect| match effect {
        ChangeEffect::Push { pod, side, .. } => *pod == id && *side == Side::Inbound,
        ChangeEffect::Stage(_)
        | ChangeEffect::Load { .. }
        | ChangeEffect::Server { .. }
        | ChangeEffect::Cluster(_) => false,
    })
}

/// Whether a server answers all that reaches it, at once and whole.
fn responds(server: &Server, has_bandwidth: bool) -> bool {
    let answers = |behaviour: &Behaviour| {
        let is_short = behaviour.requested.body.is_none() && behaviour.body_bytes == Sizes::ZERO;
        behaviour.script.is_none()
            && behaviour.body_time.constant() == Some(SimDuration::ZERO)
            && (is_short || !has_bandwidth)
    };
    !server.absent
        && !server.refuses
        && server.accept == Accept::AT_ONCE
        && server.keep_alive.is_none()
        && matches!(server.overflow, Overflow::Respond(_))
        && server.behaviours.iter().all(answers)
}
