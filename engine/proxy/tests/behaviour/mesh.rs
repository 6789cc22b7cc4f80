//! A proxy among servers that act by a script: effects go to servers, inputs come back in time order.

use crate::config::ms;
use base::{SimDuration, SimTime};
use proxy::effect::{AttemptId, Connect, ConnectionId, Effect, Reply, RequestId, Send, Timer};
use proxy::input::{Arrival, Input, ResetReason};
use proxy::names::{ClusterId, Endpoint, EndpointId, Names};
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::stats::ClusterStats;
use proxy::table::{Resolution, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xds::Snapshot;

/// What a server does about a try: after how long, with what.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Respond(u64, u16),
    Grpc(u64, u8),
    Reset(u64, ResetReason),
    Hang,
}

/// What a server does about a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Link {
    Made,
    Refused,
    /// No answer.
    Silent,
}

type Script = Box<dyn FnMut(&Send) -> Deed>;
type LinkScript = Box<dyn FnMut(&Connect) -> Link>;

pub(crate) struct Mesh {
    pub(crate) proxy: Proxy,
    pub(crate) names: Names,
    pub(crate) now: SimTime,
    /// Each try that was sent, or could not be for want of a connection, with the time.
    pub(crate) sent: Vec<(SimTime, Send)>,
    pub(crate) replies: BTreeMap<u32, (SimTime, Reply)>,
    /// What was recorded of requests whose clients went away.
    pub(crate) cancelled: BTreeMap<u32, Reply>,
    pub(crate) abandoned: BTreeSet<u32>,
    /// The connections that are being made or open.
    pub(crate) connections: BTreeSet<(u32, u32)>,
    pub(crate) ejections: Vec<(SimTime, u8, bool)>,
    /// How long it takes to make a connection.
    pub(crate) connect: SimDuration,
    script: Script,
    links: LinkScript,
    queue: BTreeMap<(SimTime, u64), Event>,
    sequence: u64,
    timers: BTreeMap<(u8, u32), (SimTime, u64)>,
    alive: BTreeSet<(u32, u32)>,
    effects: Vec<Effect>,
    identities: u64,
    is_cancelled: bool,
    ids: BTreeMap<u32, RequestId>,
}

enum Event {
    Input(Owned),
    Timer(Timer),
    Request(u32, u64, Resolution),
}

enum Owned {
    Connected(ConnectionId),
    Refused(ConnectionId),
    Response(AttemptId, ResponseHead),
    Reset(AttemptId, ResetReason),
}

impl Mesh {
    /// A proxy with this configuration, its servers answering 200 after 10 ms.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let mut names = Names::default();
        let (table, _) = Table::compile(snapshot, &mut names);
        Self {
            proxy: Proxy::new(Arc::new(table), 7),
            names,
            now: SimTime::ZERO,
            sent: vec![],
            replies: BTreeMap::new(),
            cancelled: BTreeMap::new(),
            abandoned: BTreeSet::new(),
            connections: BTreeSet::new(),
            ejections: vec![],
            connect: ms(0),
            script: Box::new(|_| Deed::Respond(10, 200)),
            links: Box::new(|_| Link::Made),
            queue: BTreeMap::new(),
            sequence: 0,
            timers: BTreeMap::new(),
            alive: BTreeSet::new(),
            effects: vec![],
            identities: 0,
            is_cancelled: false,
            ids: BTreeMap::new(),
        }
    }

    /// Servers act so.
    pub(crate) fn serving(mut self, script: impl FnMut(&Send) -> Deed + 'static) -> Self {
        self.script = Box::new(script);
        self
    }

    /// Servers accept connections so.
    pub(crate) fn linking(mut self, script: impl FnMut(&Connect) -> Link + 'static) -> Self {
        self.links = Box::new(script);
        self
    }

    /// Connections take so long.
    pub(crate) fn connecting(mut self, milliseconds: u64) -> Self {
        self.connect = ms(milliseconds);
        self
    }

    /// The last number of a host's address.
    pub(crate) fn host(&self, endpoint: EndpointId) -> u8 {
        match self.names.endpoint_address(endpoint) {
            Endpoint::Socket(address) => match address.ip() {
                std::net::IpAddr::V4(ip) => ip.octets()[3],
                std::net::IpAddr::V6(_) => 0,
            },
            Endpoint::Name(..) => 0,
        }
    }

    pub(crate) fn endpoint(&mut self, number: u8) -> EndpointId {
        let address = format!("10.0.0.{number}");
        self.names.endpoint(Endpoint::new(&address, 8080))
    }

    pub(crate) fn cluster(&mut self, name: &str) -> ClusterId {
        self.names.cluster(name)
    }

    pub(crate) fn stats(&mut self, name: &str) -> ClusterStats {
        let id = self.cluster(name);
        let mut all = self.proxy.stats();
        all.find(|(other, _)| *other == id)
            .map(|(_, stats)| stats.clone())
            .unwrap_or_default()
    }

    /// A GET of `/` arrives after so many milliseconds; its tag counts up from zero.
    pub(crate) fn request_at(&mut self, milliseconds: u64) -> u32 {
        self.send_at(milliseconds, &RequestHead::get("a", "/"))
    }

    /// A request with this head, resolved by the table of now.
    pub(crate) fn send_at(&mut self, milliseconds: u64, head: &RequestHead) -> u32 {
        let table = self.proxy.table();
        let config = table.route_config("80").expect("it is configured");
        let resolution = table.resolve(config, head);
        let identity = self.identities;
        self.identities += 1;
        let tag = identity as u32;
        let at = SimTime::ZERO + ms(milliseconds);
        self.schedule(at, Event::Request(tag, identity, resolution));
        tag
    }

    /// A GET of `/` now, played to its end.
    pub(crate) fn request(&mut self) -> Reply {
        let tag = self.request_at(self.now.as_nanos() / 1_000_000);
        self.run();
        self.replies[&tag].1
    }

    pub(crate) fn reply(&self, tag: u32) -> Reply {
        self.replies[&tag].1
    }

    /// Status, flags and tries of a reply.
    pub(crate) fn outcome(&self, tag: u32) -> (u16, String, u16) {
        let reply = self.reply(tag);
        (reply.status, reply.flags.to_string(), reply.attempts)
    }

    /// When a reply came, in milliseconds.
    pub(crate) fn replied_at(&self, tag: u32) -> u64 {
        self.replies[&tag].0.as_nanos() / 1_000_000
    }

    /// The hosts of all tries, in order.
    pub(crate) fn hosts_tried(&self) -> Vec<u8> {
        let sent = self.sent.iter().filter(|(_, send)| !send.mirror);
        sent.map(|(_, send)| self.host(send.endpoint)).collect()
    }

    /// Another configuration.
    pub(crate) fn push(&mut self, snapshot: &Snapshot) {
        let (table, _) = Table::compile(snapshot, &mut self.names);
        let mut effects = std::mem::take(&mut self.effects);
        self.proxy.apply(self.now, Arc::new(table), &mut effects);
        self.obey(&mut effects);
    }

    pub(crate) fn cancel(&mut self, tag: u32) {
        self.is_cancelled = true;
        let request = self.ids[&tag];
        self.input(Input::Cancel(request));
    }

    pub(crate) fn disconnect(&mut self, number: u8) {
        let endpoint = self.endpoint(number);
        self.input(Input::Disconnected { endpoint });
    }

    /// Plays until nothing happens any more.
    pub(crate) fn run(&mut self) {
        self.run_until(u64::MAX / 1_000_000);
    }

    /// Plays up to and including this time.
    pub(crate) fn run_until(&mut self, milliseconds: u64) {
        let end = SimTime::ZERO + ms(milliseconds);
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((at, sequence), event) = entry.remove_entry();
            self.now = at;
            match event {
                Event::Request(tag, identity, resolution) => {
                    let id = self.input(Input::Request {
                        tag,
                        identity,
                        resolution: &resolution,
                        arrival: Arrival::WHOLE,
                    });
                    self.ids.insert(tag, id.expect("a request begins"));
                }
                Event::Timer(timer) => {
                    let running = self.timers.remove(&(timer.kind as u8, timer.slot));
                    assert_eq!(running, Some((at, sequence)), "{timer:?}");
                    self.input(Input::Timer(timer));
                }
                Event::Input(owned) => self.deliver(&owned),
            }
        }
        if milliseconds < u64::MAX / 1_000_000 {
            self.now = self.now.max(end);
        }
    }

    fn deliver(&mut self, owned: &Owned) {
        let (attempt, input) = match owned {
            &Owned::Connected(connection) => {
                self.input(Input::Connected { connection });
                return;
            }
            &Owned::Refused(connection) => {
                self.connections
                    .remove(&(connection.slot, connection.generation));
                self.input(Input::Closed { connection });
                return;
            }
            Owned::Response(attempt, response) => {
                let input = Input::Response {
                    attempt: *attempt,
                    response,
                    complete: true,
                };
                (*attempt, input)
            }
            &Owned::Reset(attempt, reason) => (attempt, Input::Reset { attempt, reason }),
        };
        if self.alive.remove(&(attempt.slot, attempt.generation)) {
            self.input(input);
        }
    }

    fn input(&mut self, input: Input<'_>) -> Option<RequestId> {
        let mut effects = std::mem::take(&mut self.effects);
        let id = self.proxy.handle(self.now, input, &mut effects);
        self.obey(&mut effects);
        id
    }

    fn obey(&mut self, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Connect(connect) => self.link(&connect),
                Effect::Close(id) => {
                    self.connections.remove(&(id.slot, id.generation));
                }
                Effect::Send(send) => self.serve(send),
                Effect::Unsent {
                    send,
                    reason: Some(_),
                } => self.sent.push((self.now, send)),
                Effect::Waits(_) | Effect::Unsent { reason: None, .. } => {}
                Effect::ReplyStarted { .. } | Effect::Session(_) => {}
                Effect::Reply { tag, reply } => {
                    let before = self.replies.insert(tag, (self.now, reply));
                    assert_eq!(before, None, "one reply to {tag}");
                }
                Effect::Cancelled { tag, record } => {
                    let before = self.cancelled.insert(tag, record);
                    assert_eq!(before, None, "one end of {tag}");
                }
                Effect::SetTimer { timer, at } => {
                    self.cancel_timer(timer);
                    let sequence = self.schedule(at, Event::Timer(timer));
                    self.timers
                        .insert((timer.kind as u8, timer.slot), (at, sequence));
                }
                Effect::CancelTimer(timer) => {
                    assert!(self.cancel_timer(timer), "{timer:?} runs");
                }
                Effect::Abandon(attempt) => {
                    let known = self.alive.remove(&(attempt.slot, attempt.generation));
                    assert!(known, "{attempt:?} is under way");
                    self.abandoned.insert(attempt.slot);
                }
                Effect::Ejection {
                    endpoint, ejected, ..
                } => self
                    .ejections
                    .push((self.now, self.host(endpoint), ejected)),
            }
        }
        self.effects = std::mem::take(effects);
    }

    fn cancel_timer(&mut self, timer: Timer) -> bool {
        match self.timers.remove(&(timer.kind as u8, timer.slot)) {
            Some(key) => self.queue.remove(&key).is_some(),
            None => false,
        }
    }

    fn link(&mut self, connect: &Connect) {
        let id = connect.connection;
        let new = self.connections.insert((id.slot, id.generation));
        assert!(new, "a connection is made once");
        match (self.links)(connect) {
            Link::Made => {
                let at = self.now + self.connect;
                self.schedule(at, Event::Input(Owned::Connected(id)));
            }
            Link::Refused => {
                self.schedule(self.now, Event::Input(Owned::Refused(id)));
            }
            Link::Silent => {}
        }
    }

    fn serve(&mut self, send: Send) {
        let new = self
            .alive
            .insert((send.attempt.slot, send.attempt.generation));
        assert!(new, "a try is sent once");
        self.sent.push((self.now, send));
        let deed = (self.script)(&send);
        let id = send.attempt;
        let (span, last) = match deed {
            Deed::Respond(span, status) => (span, Owned::Response(id, ResponseHead::of(status))),
            Deed::Grpc(span, code) => (span, Owned::Response(id, ResponseHead::grpc(code))),
            Deed::Reset(span, reason) => (span, Owned::Reset(id, reason)),
            Deed::Hang => return,
        };
        self.schedule(self.now + ms(span), Event::Input(last));
    }

    fn schedule(&mut self, at: SimTime, event: Event) -> u64 {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
        self.sequence
    }

    /// Nothing is under way: no request, try, timer or use of a limit is left.
    #[track_caller]
    pub(crate) fn assert_idle(&mut self) {
        assert_eq!(self.proxy.active_requests(), 0);
        assert_eq!(self.proxy.active_attempts(), 0);
        let ids: Vec<ClusterId> = self.proxy.stats().map(|(id, _)| id).collect();
        for id in ids {
            let Some(view) = self.proxy.cluster(id) else {
                continue;
            };
            assert_eq!(view.active_requests(), 0);
            assert_eq!(view.pending_requests(), 0);
            assert_eq!(view.retries(), 0);
            let connections: u32 = view.hosts().map(|host| host.connections).sum();
            assert_eq!(
                connections,
                view.connections(),
                "none to hosts that have gone"
            );
            assert!(view.hosts().all(|host| host.active_requests == 0));
            self.assert_accounts(id, view.stats());
        }
    }

    /// Envoy's accounting identity: each try got a connection, or one of the other ends that are counted.
    #[track_caller]
    fn assert_accounts(&self, id: ClusterId, stats: &ClusterStats) {
        if self.is_cancelled || self.sent.iter().any(|(_, send)| send.mirror) {
            return;
        }
        let replies = self.replies.values().map(|(_, reply)| reply);
        let replies = replies.filter(|reply| reply.cluster == Some(id));
        let tries: u64 = replies.map(|reply| u64::from(reply.attempts)).sum();
        let counted = stats.upstream_rq_total
            + stats.upstream_rq_pending_overflow
            + stats.upstream_rq_active_overflow
            + stats.upstream_rq_pending_failure_eject
            + stats.upstream_rq_cancelled
            + stats.upstream_cx_none_healthy;
        assert_eq!(tries, counted, "{stats:?}");
    }
}
