//! Endpoints of Services: which pods are among them, and what proxies and nodes know of that by now.
//!
//! Each change makes a version. A proxy learns of a version after a delay of its own; what it is then told is its
//! configuration with only the endpoints of that version, made once for all proxies that are told the same.

use crate::cluster::{PUSH, SERVED};
use crate::event::Event;
use crate::network::sample;
use crate::observation::Observer;
use crate::plan::{Plan, PodId, ServiceId, Side, TableId};
use crate::pod::Seat;
use crate::world::World;
use base::rng::mix;
use base::{Draws, SimTime};
use proxy::names::EndpointId;
use proxy::table::Table;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who is an endpoint, and who knows of it.
#[derive(Debug)]
pub(crate) struct Membership {
    /// Whether each pod is an endpoint now: always, if no controller makes it.
    members: Vec<bool>,
    version: u32,
    /// The versions that somebody may still be told.
    versions: BTreeMap<u32, Arc<[bool]>>,
    /// What proxies know, by pod.
    known: Vec<Known>,
    /// What nodes know.
    served: Vec<bool>,
    served_version: u32,
    /// The ready pods behind each port of each Service, as nodes know them.
    services: Vec<Vec<Vec<(PodId, u16)>>>,
    /// The endpoints of each table that may be missing, with their pods.
    endpoints: FxHashMap<TableId, Arc<[(EndpointId, PodId)]>>,
    /// Tables with the endpoints that are there.
    tables: FxHashMap<(TableId, Arc<[bool]>), Arc<Table>>,
    nothing: Arc<Table>,
}

/// What a proxy knows of endpoints.
#[derive(Clone, Debug, Default)]
struct Known {
    version: u32,
    /// The configuration that it was told last, and which of its endpoints are there.
    told: Option<(TableId, Arc<[bool]>)>,
}

impl Membership {
    pub(crate) fn new(plan: &Plan) -> Self {
        let pods = plan.pods.len();
        Self {
            members: vec![true; pods],
            version: 0,
            versions: BTreeMap::new(),
            known: vec![Known::default(); pods],
            served: vec![true; pods],
            served_version: 0,
            services: Vec::new(),
            endpoints: FxHashMap::default(),
            tables: FxHashMap::default(),
            nothing: Arc::new(Table::default()),
        }
    }

    /// Whether nodes, and load balancers outside, take a pod for an endpoint.
    pub(crate) fn is_served(&self, pod: PodId) -> bool {
        self.served[pod.index()]
    }

    /// The ready pods behind a port of a Service, by the port's place.
    pub(crate) fn served(&self, service: ServiceId, port: usize) -> &[(PodId, u16)] {
        &self.services[service.index()][port]
    }

    fn serve(&mut self, plan: &Plan, members: &[bool]) {
        self.served.copy_from_slice(members);
        let services = plan.services.iter().map(|service| {
            let ports = service.ports.iter().map(|port| {
                let endpoints = port.endpoints.iter();
                let there = endpoints.filter(|(pod, _)| members[pod.index()]);
                there.copied().collect()
            });
            ports.collect()
        });
        self.services = services.collect();
    }

    /// The endpoints of a table that may be missing.
    fn endpoints_of(&mut self, plan: &Plan, table: TableId) -> Arc<[(EndpointId, PodId)]> {
        let cluster = plan.cluster.as_ref().expect("the plan has a cluster");
        let found = self.endpoints.entry(table).or_insert_with(|| {
            let all = plan.tables[table.index()].all_endpoints().into_iter();
            let made = all.filter_map(|endpoint| {
                let pod = plan.pod_at(endpoint)?;
                cluster.slot(pod).map(|_| (endpoint, pod))
            });
            made.collect()
        });
        Arc::clone(found)
    }

    /// A configuration with the endpoints of a version; none: `pod` has been told the same.
    fn told(
        &mut self,
        plan: &Plan,
        pod: PodId,
        table: TableId,
        members: &[bool],
    ) -> Option<Arc<Table>> {
        let endpoints = self.endpoints_of(plan, table);
        let there: Arc<[bool]> = endpoints
            .iter()
            .map(|(_, pod)| members[pod.index()])
            .collect();
        let told = Some((table, Arc::clone(&there)));
        if self.known[pod.index()].told == told {
            return None;
        }
        self.known[pod.index()].told = told;
        if there.iter().all(|is_there| *is_there) {
            return Some(Arc::clone(&plan.tables[table.index()]));
        }
        if self.tables.len() >= MOST_TABLES {
            self.tables.clear();
        }
        let made = self
            .tables
            .entry((table, Arc::clone(&there)))
            .or_insert_with(|| {
                let is_there = |endpoint| {
                    let place = endpoints.binary_search_by_key(&endpoint, |(other, _)| *other);
                    place.map_or(true, |place| there[place])
                };
                Arc::new(plan.tables[table.index()].with_endpoints(is_there))
            });
        Some(Arc::clone(made))
    }
}

impl<O: Observer> World<'_, O> {
    /// Everybody knows the endpoints of the start.
    pub(crate) fn begin_membership(&mut self) {
        let plan = self.plan;
        let cluster = self.cluster();
        for pod in (0..plan.pods.len()).map(PodId::new) {
            let is_there =
                cluster.plan.slot(pod).is_none() || cluster.pod(pod).ready_since.is_some();
            cluster.membership.members[pod.index()] = is_there;
        }
        let members: Arc<[bool]> = cluster.membership.members.iter().copied().collect();
        cluster.membership.serve(plan, &members);
        cluster.membership.versions.insert(0, members);
        for pod in (0..plan.pods.len()).map(PodId::new) {
            self.tell_endpoints(SimTime::ZERO, pod);
        }
    }

    /// A pod is an endpoint from now on, or no longer.
    pub(crate) fn endpoints_changed(&mut self, now: SimTime, pod: PodId, is_member: bool) {
        let plan = self.plan;
        let membership = &mut self.cluster().membership;
        if std::mem::replace(&mut membership.members[pod.index()], is_member) == is_member {
            return;
        }
        membership.version += 1;
        let version = membership.version;
        let members: Arc<[bool]> = membership.members.iter().copied().collect();
        membership.versions.insert(version, members);
        let oldest = membership.known.iter().map(|known| known.version).min();
        let oldest = oldest.unwrap_or(0).min(membership.served_version);
        membership.versions = membership.versions.split_off(&oldest);
        let (push, serve) = {
            let cluster = &self.cluster().plan;
            (&cluster.push_delay, &cluster.endpoints_delay)
        };
        let key = self.key;
        let delay = sample(serve, || Draws::new(key, u64::from(version), SERVED));
        if delay.is_zero() {
            self.on_served_endpoints(version);
        } else {
            let event = Event::EndpointsServed { version };
            self.calendar.schedule(now + delay, event);
        }
        for pod in (0..plan.pods.len()).map(PodId::new) {
            if !self.pods[pod.index()].has_proxy() {
                continue;
            }
            let identity = mix(u64::from(version) << 32 | pod.index() as u64);
            let delay = sample(push, || Draws::new(key, identity, PUSH));
            if delay.is_zero() {
                self.on_told_endpoints(now, pod, version);
            } else {
                let pod = pod.index() as u32;
                let event = Event::EndpointsTold { pod, version };
                self.calendar.schedule(now + delay, event);
            }
        }
    }

    /// Nodes learn of endpoints.
    pub(crate) fn on_served_endpoints(&mut self, version: u32) {
        let plan = self.plan;
        let cluster = self.cluster();
        let membership = &mut cluster.membership;
        if version <= membership.served_version {
            return;
        }
        membership.served_version = version;
        cluster.senders_are_known = false;
        let members = membership.versions.get(&version).map(Arc::clone);
        membership.serve(plan, &members.expect("nodes have not been told it yet"));
    }

    /// A proxy learns of endpoints.
    pub(crate) fn on_told_endpoints(&mut self, now: SimTime, pod: PodId, version: u32) {
        let known = &mut self.cluster().membership.known[pod.index()];
        if version <= known.version {
            return;
        }
        known.version = version;
        if self.pods[pod.index()].conduct.is_up {
            self.tell_endpoints(now, pod);
        }
    }

    /// A proxy is told its configuration with the endpoints that it knows of, if that is news.
    fn tell_endpoints(&mut self, now: SimTime, pod: PodId) {
        let seat = Seat {
            pod,
            side: Side::Outbound,
        };
        let Some(state) = self.pods[pod.index()].proxy(seat.side) else {
            return;
        };
        if let Some(table) = self.told_table(pod, state.table) {
            self.apply(now, seat, table);
        }
    }

    /// What a pod's outbound proxy is told when it is to have a configuration; none: nothing new.
    pub(crate) fn told_table(&mut self, pod: PodId, table: TableId) -> Option<Arc<Table>> {
        let plan = self.plan;
        if self.cluster.is_none() {
            return Some(Arc::clone(&plan.tables[table.index()]));
        }
        let membership = &mut self.cluster().membership;
        let version = membership.known[pod.index()].version;
        let members = membership.versions.get(&version).map(Arc::clone);
        let members = members.expect("versions that a proxy knows are kept");
        membership.told(plan, pod, table, &members)
    }

    /// A pod's proxies begin anew, with what is known now.
    pub(crate) fn refresh_proxies(&mut self, now: SimTime, pod: PodId) {
        let plan = self.plan;
        let membership = &mut self.cluster().membership;
        let nothing = Arc::clone(&membership.nothing);
        membership.known[pod.index()] = Known {
            version: membership.version,
            told: None,
        };
        for side in [Side::Outbound, Side::Inbound] {
            let seat = Seat { pod, side };
            let Some(state) = self.pods[pod.index()].proxy(side) else {
                continue;
            };
            let table = state.table;
            self.apply(now, seat, Arc::clone(&nothing));
            match side {
                Side::Outbound => self.tell_endpoints(now, pod),
                Side::Inbound => self.apply(now, seat, Arc::clone(&plan.tables[table.index()])),
            }
        }
    }
}

/// Configurations that are kept for proxies that are told the same later.
const MOST_TABLES: usize = 256;
