//! Our TCP proxy among such servers, in simulated time.

use super::{Ended, Experiment, Experiments, Outcome};
use crate::live::cluster::Addresses;
use base::{SimDuration, SimTime};
use proxy::effect::{Effect, Timer};
use proxy::input::Input;
use proxy::names::{Endpoint, EndpointId, Names};
use proxy::proxy::Proxy;
use proxy::table::{Table, TcpProxyId};
use proxy::tcp_proxy::{SessionEffect, SessionEvent, SessionId};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use xds::{Filter, Json, RunningProxy};

/// What becomes of an experiment. It meets a new proxy.
pub(super) fn play(all: &Experiments, experiment: &Experiment) -> Outcome {
    let mut stage = Stage::new(all, experiment);
    for (tag, spec) in experiment.each().enumerate() {
        stage.schedule_at(spec.at, Event::Begins(tag));
    }
    // Outlier detection goes on for ever.
    while stage.ends.iter().any(Option::is_none)
        && let Some(entry) = stage.queue.first_entry()
    {
        let ((at, _), event) = entry.remove_entry();
        stage.now = at;
        stage.happen(event);
    }
    let began: Vec<u64> = experiment.each().map(|spec| spec.at).collect();
    let ends = stage.ends.into_iter().zip(began);
    let sessions = ends.map(|(end, began)| {
        let (at, mut ended) = end.expect("each connection ends");
        ended.lasted = at.as_nanos() / 1_000_000 - began;
        ended
    });
    let mut counters = BTreeMap::new();
    for (id, stats) in stage.proxy.stats() {
        let cluster = stage.names.cluster_name(id);
        let counted = stats.counters().filter(|(_, value)| *value > 0);
        counters.extend(counted.map(|(name, value)| (format!("{cluster}.{name}"), value)));
    }
    for (_, stats) in stage.proxy.tcp_stats() {
        let counted = stats.counters().filter(|(_, value)| *value > 0);
        counters.extend(counted.map(|(name, value)| (format!("tcp.{name}"), value)));
    }
    Outcome {
        sessions: sessions.collect(),
        counters,
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Begins(usize),
    /// The client sends some bytes.
    Says(usize),
    ClientCloses(usize),
    Session(SessionId, SessionEvent),
    Timer(Timer),
}

struct Stage<'a> {
    experiment: &'a Experiment,
    hosts: Addresses,
    proxy: Proxy,
    names: Names,
    filter: TcpProxyId,
    now: SimTime,
    queue: BTreeMap<(SimTime, u64), Event>,
    sequence: u64,
    /// By tag: those that are established, and to whom.
    passing: BTreeMap<usize, (SessionId, String)>,
    /// By tag.
    ends: Vec<Option<(SimTime, Ended)>>,
}

impl<'a> Stage<'a> {
    fn new(all: &Experiments, experiment: &'a Experiment) -> Self {
        let hosts = all.hosts().into_iter().zip(100..);
        let hosts: Addresses = hosts
            .map(|(host, port)| (host, SocketAddr::from(([127, 0, 0, 1], port))))
            .collect();
        let listener = SocketAddr::from(([127, 0, 0, 1], 1));
        let (listener, clusters) = experiment.told(all, "", listener, &hosts);
        let bootstrap = json!({
            "node": {"id": "sidecar~127.0.0.1~client-0.default~default.svc.cluster.local"},
            "staticResources": {"listeners": [listener], "clusters": clusters},
        });
        let read = match RunningProxy::from_bootstrap(&Json::new("tcp.yaml", &bootstrap)) {
            Ok(read) => read,
            Err(error) => panic!("{}: {error}", experiment.name),
        };
        assert!(read.unmodelled.is_empty(), "{:?}", read.unmodelled);
        let snapshot = read.value.snapshot;
        let Filter::TcpProxy(filter) = &snapshot.listeners[0].filter_chains[0].filter else {
            panic!("it is a TCP proxy");
        };
        let mut names = Names::default();
        let (table, problems) = Table::compile(&snapshot, &mut names);
        assert!(problems.is_empty(), "{problems:?}");
        let filter = table.tcp_proxy(filter).expect("a chain has it");
        Self {
            experiment,
            hosts,
            proxy: Proxy::new(Arc::new(table), 7),
            names,
            filter,
            now: SimTime::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            passing: BTreeMap::new(),
            ends: vec![None; experiment.each().count()],
        }
    }

    fn schedule_at(&mut self, milliseconds: u64, event: Event) {
        let at = SimTime::ZERO + SimDuration::from_millis(milliseconds);
        self.schedule(at, event);
    }

    fn schedule(&mut self, at: SimTime, event: Event) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Begins(tag) => {
                let spec = self.experiment.each().nth(tag).expect("one of them");
                let (began, says, closes) = (spec.at, spec.says.clone(), spec.closes);
                for after in says {
                    self.schedule_at(began + after, Event::Says(tag));
                }
                if let Some(after) = closes {
                    self.schedule_at(began + after, Event::ClientCloses(tag));
                }
                self.tell(Input::Accepted {
                    tag: tag as u32,
                    identity: tag as u64,
                    proxy: self.filter,
                    worker: 0,
                });
            }
            Event::Says(tag) => {
                if let Some((session, host)) = self.passing.get(&tag).cloned() {
                    self.session(session, SessionEvent::Data);
                    let answer = match host.starts_with("closes") {
                        true => SessionEvent::ServerCloses,
                        false => SessionEvent::Data,
                    };
                    self.session(session, answer);
                }
            }
            Event::ClientCloses(tag) => {
                if let Some((session, _)) = self.passing.get(&tag).cloned() {
                    self.session(session, SessionEvent::ClientCloses);
                }
            }
            Event::Session(session, event) => self.session(session, event),
            Event::Timer(timer) => self.tell(Input::Timer(timer)),
        }
    }

    fn session(&mut self, session: SessionId, event: SessionEvent) {
        self.tell(Input::Session { session, event });
    }

    fn tell(&mut self, input: Input<'_>) {
        let mut effects = Vec::new();
        self.proxy.handle(self.now, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::SetTimer { timer, at } => {
                    self.cancel(timer);
                    self.schedule(at, Event::Timer(timer));
                }
                Effect::CancelTimer(timer) => self.cancel(timer),
                Effect::Session(effect) => self.follow(effect),
                Effect::Ejection { .. } => {}
                other => panic!("{other:?} of a TCP proxy"),
            }
        }
    }

    fn follow(&mut self, effect: SessionEffect) {
        match effect {
            SessionEffect::Dial(dial) => {
                let host = self.host(dial.endpoint);
                let event = match host.as_str() {
                    mute if mute.starts_with("mute") => return,
                    dead if dead.starts_with("dead") => SessionEvent::Refused,
                    _ => SessionEvent::Connected,
                };
                self.schedule(self.now, Event::Session(dial.session, event));
            }
            SessionEffect::Established(dial) => {
                let host = self.host(dial.endpoint);
                self.passing.insert(dial.tag as usize, (dial.session, host));
            }
            SessionEffect::Unreached { .. } | SessionEffect::HangUp(_) => {}
            SessionEffect::Ended { tag, record } => {
                let tag = tag as usize;
                self.passing.remove(&tag);
                let ended = Ended {
                    flags: record.flags.to_string(),
                    host: record.endpoint.map(|endpoint| self.host(endpoint)),
                    lasted: 0,
                };
                self.ends[tag] = Some((self.now, ended));
            }
        }
    }

    fn cancel(&mut self, timer: Timer) {
        let is_it = |event: &Event| matches!(event, Event::Timer(other) if *other == timer);
        self.queue.retain(|_, event| !is_it(event));
    }

    fn host(&self, endpoint: EndpointId) -> String {
        let address = self.names.endpoint_address(endpoint);
        let mut hosts = self.hosts.iter();
        let host = hosts.find(|(_, at)| *address == Endpoint::Socket(**at));
        host.expect("one of the hosts").0.clone()
    }
}
