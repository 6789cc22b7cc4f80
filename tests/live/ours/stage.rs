//! One experiment under way, in simulated time.

use super::Told;
use super::connections::Connections;
use crate::live::cluster::ClusterSpec;
use crate::live::counters;
use crate::live::deed::{Act, Deed, Response, Rest};
use crate::live::experiment::{Experiment, Step};
use crate::live::outcome::{Answer, Ejection, Outcome, Received};
use crate::live::suite::Config;
use base::{SimDuration, SimTime};
use proxy::effect::{AttemptId, Connect, ConnectionId, Effect, Reply, RequestId, Send, Timer};
use proxy::input::{Arrival, Input, ResetReason};
use proxy::names::{Endpoint, EndpointId};
use proxy::proxy::Proxy;
use proxy::request::{Downstream, RequestHead};
use proxy::response::ResponseHead;
use proxy::table::{Resolution, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

pub(super) struct Stage<'a, 'b> {
    told: &'a mut Told<'b>,
    experiment: &'a Experiment,
    config: Config,
    table: Arc<Table>,
    proxy: Proxy,
    now: SimTime,
    queue: BTreeMap<(SimTime, u64), Event>,
    sequence: u64,
    requests: Vec<Request<'a>>,
    connections: Connections,
    sent: Vec<Send>,
    /// Servers that listen no more.
    stopped: BTreeSet<String>,
    /// Requests that are waited for.
    unanswered: usize,
    /// All requests are waited for now.
    is_ending: bool,
    ejections: Vec<Ejection>,
}

/// A request, from its arrival on.
struct Request<'a> {
    step: &'a Step,
    head: RequestHead,
    resolution: Resolution,
    table: Arc<Table>,
    begin: SimTime,
    id: Option<RequestId>,
    received: Vec<Received>,
    copies: Vec<Received>,
    end: Option<(SimTime, Reply)>,
    /// The response of the try that was answered last.
    responded: Option<Response>,
}

#[derive(Clone)]
enum Event {
    Timer(Timer),
    Connected(ConnectionId),
    /// Refused, or closed by the server.
    Closed(ConnectionId),
    GoAway(ConnectionId),
    Settings(ConnectionId, u32),
    Arrives(AttemptId),
    /// A server's response, or its headers where they come first.
    Response(AttemptId, ResponseHead, bool),
    ResponseComplete(AttemptId),
    /// A 103.
    Early(AttemptId),
    Reset(AttemptId, ResetReason),
    RequestComplete(usize),
    Leaves(usize),
}

impl<'a, 'b> Stage<'a, 'b> {
    pub(super) fn new(
        told: &'a mut Told<'b>,
        table: Arc<Table>,
        experiment: &'a Experiment,
    ) -> Self {
        let concurrency = told.suite.concurrency;
        Self {
            config: told.suite.config.clone(),
            told,
            experiment,
            proxy: Proxy::new(Arc::clone(&table), 7).with_concurrency(concurrency),
            table,
            now: SimTime::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            requests: Vec::new(),
            connections: Connections::default(),
            sent: Vec::new(),
            stopped: BTreeSet::new(),
            unanswered: 0,
            is_ending: false,
            ejections: Vec::new(),
        }
    }

    /// Plays all steps.
    pub(super) fn play(mut self) -> Outcome {
        for step in &self.experiment.steps {
            match step.at {
                Some(at) => self.run_until(SimTime::ZERO + SimDuration::from_millis(at)),
                None => self.run_until_answered(),
            }
            self.step(step);
        }
        self.run_until_answered();
        let ejections = std::mem::take(&mut self.ejections);
        // Copies may be under way.
        self.run_until(self.now + SimDuration::from_millis(100));
        self.wait_for_all();
        self.proxy.expire_connections(self.now, &mut Vec::new());
        let requests = std::mem::take(&mut self.requests);
        Outcome {
            answers: requests
                .into_iter()
                .map(|request| self.answer(request))
                .collect(),
            counters: counters::of_ours(self.experiment, &self.proxy, &self.told.names),
            ejections,
        }
    }

    /// Waits for those, too, that nobody waited for.
    fn wait_for_all(&mut self) {
        self.is_ending = true;
        let open = self.requests.iter().filter(|request| request.end.is_none());
        self.unanswered = open.count();
        self.run_until_answered();
    }

    fn step(&mut self, step: &'a Step) {
        if let Some(push) = &step.push {
            self.config = self.config.pushed(push);
            self.table = self.told.compile(&self.config);
            let mut effects = Vec::new();
            self.proxy
                .apply(self.now, Arc::clone(&self.table), &mut effects);
            self.follow(effects);
        }
        self.stopped.extend(step.stop.clone());
        self.run_until(self.now + SimDuration::from_millis(step.wait.unwrap_or(0)));
        let begin = self.now;
        for n in 0..step.count() {
            match step.pause() {
                Some(pause) => {
                    let after = SimDuration::from_millis(pause * n as u64);
                    self.run_until(begin + after);
                }
                None => self.run_until_answered(),
            }
            self.send(step, n);
        }
    }

    fn send(&mut self, step: &'a Step, number: usize) {
        let numbered = step.numbered(number);
        let (method, path) = numbered.method_and_path();
        let lines = numbered.header_lines();
        let head = RequestHead {
            method: method.to_owned(),
            headers: lines
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            downstream: Some(DOWNSTREAM),
            ..RequestHead::get(&step.host, path)
        };
        let config = self.table.route_config(&self.told.suite.name);
        let resolution = self
            .table
            .resolve(config.expect("each suite has one"), &head);
        let tag = self.requests.len();
        self.unanswered += usize::from(!step.aside);
        self.requests.push(Request {
            step,
            head,
            resolution: resolution.clone(),
            table: Arc::clone(&self.table),
            begin: self.now,
            id: None,
            received: Vec::new(),
            copies: Vec::new(),
            end: None,
            responded: None,
        });
        if let Some(span) = step.leaves {
            self.schedule(span, Event::Leaves(tag));
        }
        let input = Input::Request {
            tag: u32::try_from(tag).expect("few of them"),
            identity: tag as u64,
            resolution: &resolution,
            arrival: Arrival {
                // A connection that nobody else uses is any worker's.
                worker: step.connection.unwrap_or(tag as u16) % self.told.suite.concurrency,
                complete: step.upload == 0,
                body_bytes: step.body as u64,
            },
        };
        let id = self.input(input);
        self.requests[tag].id = id;
        if step.upload > 0 {
            self.schedule(step.upload, Event::RequestComplete(tag));
        }
    }

    fn run_until_answered(&mut self) {
        while self.unanswered > 0 {
            let Some(entry) = self.queue.first_entry() else {
                panic!("`{}`: a request is never answered", self.experiment.name);
            };
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
    }

    fn run_until(&mut self, end: SimTime) {
        while let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= end
        {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
        self.now = self.now.max(end);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Timer(timer) => {
                self.input(Input::Timer(timer));
            }
            Event::Connected(connection) => {
                self.input(Input::Connected { connection });
            }
            Event::Closed(connection) => {
                self.input(Input::Closed { connection });
            }
            Event::GoAway(connection) => {
                self.input(Input::GoAway { connection });
            }
            Event::Settings(connection, max_concurrent_streams) => {
                self.input(Input::Settings {
                    connection,
                    max_concurrent_streams,
                });
            }
            Event::Arrives(attempt) => self.arrive(attempt),
            Event::Response(attempt, response, complete) => {
                let input = Input::Response {
                    attempt,
                    response: &response,
                    complete,
                };
                self.input(input);
            }
            Event::Early(attempt) => {
                let status = 103;
                self.input(Input::Interim { attempt, status });
            }
            Event::ResponseComplete(attempt) => {
                self.input(Input::ResponseComplete { attempt });
            }
            Event::Reset(attempt, reason) => {
                self.input(Input::Reset { attempt, reason });
            }
            Event::RequestComplete(tag) => {
                if let Some(request) = self.open_request(tag) {
                    self.input(Input::RequestComplete { request });
                }
            }
            Event::Leaves(tag) => {
                if let Some(request) = self.open_request(tag) {
                    self.input(Input::Cancel(request));
                }
            }
        }
    }

    /// The id of a request that is not answered.
    fn open_request(&self, tag: usize) -> Option<RequestId> {
        let request = &self.requests[tag];
        request.id.filter(|_| request.end.is_none())
    }

    fn input(&mut self, input: Input<'_>) -> Option<RequestId> {
        let mut effects = Vec::new();
        let id = self.proxy.handle(self.now, input, &mut effects);
        self.follow(effects);
        id
    }

    fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect(connect) => self.connect(&connect),
                Effect::Send(send) => {
                    self.sent.push(send);
                    self.schedule(0, Event::Arrives(send.attempt));
                }
                Effect::Reply { tag, reply } | Effect::Cancelled { tag, record: reply } => {
                    let request = &mut self.requests[tag as usize];
                    request.end = Some((self.now, reply));
                    let is_awaited = self.is_ending || !request.step.aside;
                    self.unanswered -= usize::from(is_awaited);
                }
                Effect::SetTimer { timer, at } => {
                    self.cancel(timer);
                    self.schedule_at(at, Event::Timer(timer));
                }
                Effect::CancelTimer(timer) => self.cancel(timer),
                Effect::Abandon(attempt) => {
                    self.queue.retain(|_, event| !event.is_of(attempt));
                }
                Effect::Ejection {
                    endpoint, ejected, ..
                } => self.ejections.push(Ejection {
                    at: self.now.as_nanos() / 1_000_000,
                    host: self.host(endpoint),
                    ejected,
                }),
                Effect::Close(_)
                | Effect::Waits(_)
                | Effect::Unsent { .. }
                | Effect::ReplyStarted { .. }
                | Effect::Session(_) => {}
            }
        }
    }

    fn connect(&mut self, connect: &Connect) {
        let (id, host) = (connect.connection, self.host(connect.endpoint));
        if host.starts_with("dead") || self.stopped.contains(&host) {
            self.schedule(0, Event::Closed(id));
        } else if !host.starts_with("mute") {
            self.connections.accept(connect.endpoint, id);
            self.schedule(0, Event::Connected(id));
            let server = self.told.suite.servers.get(&host);
            if let Some(streams) = server.and_then(|server| server.streams) {
                self.schedule(1, Event::Settings(id, streams));
            }
        }
    }

    fn is_http2(&self, send: &Send) -> bool {
        let name = self.told.names.cluster_name(send.cluster);
        let mut clusters = self.config.clusters.iter();
        let cluster = clusters.find(|cluster| cluster.name == name);
        cluster.is_some_and(ClusterSpec::is_http2)
    }

    /// A server receives a try.
    fn arrive(&mut self, attempt: AttemptId) {
        let Some(send) = self
            .sent
            .iter()
            .rfind(|send| send.attempt == attempt)
            .copied()
        else {
            return;
        };
        let received = self.received(&send);
        let host = received.host.clone();
        let request = &mut self.requests[send.tag as usize];
        let list = match send.mirror {
            true => &mut request.copies,
            false => &mut request.received,
        };
        list.push(received);
        let number = if send.mirror {
            1
        } else {
            usize::from(send.number)
        };
        let deed = Deed::of_try(request.step.deeds.of_host(&host), number);
        if let (Act::Respond(response), false) = (&deed.act, send.mirror) {
            request.responded = Some(response.clone());
        }
        // Whatever it does, it reads the whole request first.
        let complete = request.begin + SimDuration::from_millis(request.step.upload);
        let wait = match deed.at_once {
            true => 0,
            false => complete.since(self.now.min(complete)).as_nanos() / 1_000_000,
        };
        self.serve(&send, deed, wait);
    }

    /// Does what the script says about a try, after so many milliseconds.
    fn serve(&mut self, send: &Send, deed: Deed, wait: u64) {
        let (attempt, mut at) = (send.attempt, wait + deed.after + 1);
        if deed.early {
            self.schedule(at, Event::Early(attempt));
            at += 50;
        }
        let connection = send.connection.expect("what is sent has a connection");
        let event = match deed.act {
            Act::Respond(response) => return self.respond(send, &response, at),
            Act::Close | Act::Reset => Event::Closed(connection),
            Act::Garbage => Event::Reset(attempt, ResetReason::ProtocolError),
            Act::RefuseStream => Event::Reset(attempt, ResetReason::RemoteRefusedStream),
            Act::CancelStream => Event::Reset(attempt, ResetReason::RemoteReset),
        };
        self.schedule(at, event);
    }

    fn respond(&mut self, send: &Send, response: &Response, at: u64) {
        let (attempt, is_http2) = (send.attempt, self.is_http2(send));
        let connection = send.connection.expect("what is sent has a connection");
        if response.closes && is_http2 {
            self.schedule(at, Event::GoAway(connection));
        }
        let mut head = response.head();
        // HTTP/2 has no such header.
        head.headers
            .retain(|(name, _)| !is_http2 || name != "connection");
        self.schedule(at, Event::Response(attempt, head, response.is_whole()));
        let mut end = at;
        if !response.is_whole() {
            let (span, rest) = match response.rest {
                Rest::After(span) => (span, Event::ResponseComplete(attempt)),
                Rest::Cut(span) => (span, Event::Closed(connection)),
            };
            end += span;
            self.schedule(end, rest);
        }
        if response.closes {
            self.schedule(end, Event::Closed(connection));
        }
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.schedule_at(self.now + SimDuration::from_millis(after), event);
    }

    fn schedule_at(&mut self, at: SimTime, event: Event) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    fn cancel(&mut self, timer: Timer) {
        self.queue
            .retain(|_, event| !matches!(event, Event::Timer(other) if *other == timer));
    }

    fn host(&self, endpoint: EndpointId) -> String {
        let at = match self.told.names.endpoint_address(endpoint) {
            Endpoint::Socket(address) => *address,
            Endpoint::Name(name, port) => panic!("{name}:{port} is no address"),
        };
        let mut hosts = self.told.addresses.iter();
        let host = hosts.find(|(_, address)| **address == at);
        host.map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn received(&self, send: &Send) -> Received {
        let request = &self.requests[send.tag as usize];
        let head = send.head(&request.resolution);
        Received {
            host: self.host(send.endpoint),
            connection: self.connections.number(send),
            is_copy: send.mirror,
            method: head.method,
            authority: head.authority,
            path: head.path,
            headers: head.headers,
        }
    }

    fn answer(&self, request: Request<'_>) -> Answer {
        let (end, reply) = request.end.expect("all are answered");
        let resolution = &request.resolution;
        let responded = request.responded.as_ref();
        let responded = responded.filter(|_| reply.truncated || is_from_upstream(&reply));
        let head = responded.map(Response::head);
        let told = request
            .table
            .response(resolution, &request.head, &reply, head.as_ref());
        let mut headers = told.headers;
        // Trailers pass.
        let trailer = responded.and_then(|response| response.trailer);
        headers
            .extend(trailer.map(|status| ("trailer grpc-status".to_owned(), status.to_string())));
        let body = match responded {
            Some(response) if reply.truncated => "x".repeat(response.body_at_first()),
            Some(response) => "x".repeat(response.body),
            None => told.body,
        };
        Answer {
            status: reply.status,
            flags: reply.flags.to_string(),
            details: match reply.details.is_of_codec() {
                true => "not logged".to_owned(),
                false => reply.details.as_str().to_owned(),
            },
            tries: u32::from(reply.attempts),
            host: reply.endpoint.map(|endpoint| self.host(endpoint)),
            lasted: end.since(request.begin).as_nanos() / 1_000_000,
            received: request.received,
            copies: request.copies,
            headers,
            body,
            truncated: reply.truncated,
        }
    }
}

fn is_from_upstream(reply: &Reply) -> bool {
    reply.details.as_str() == "via_upstream"
}

/// Where clients are, and what they dial.
const DOWNSTREAM: Downstream = Downstream {
    remote: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000),
    local: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 80),
};

impl Event {
    fn is_of(&self, attempt: AttemptId) -> bool {
        match self {
            Self::Arrives(of)
            | Self::Response(of, ..)
            | Self::ResponseComplete(of)
            | Self::Early(of)
            | Self::Reset(of, _) => *of == attempt,
            Self::Timer(_)
            | Self::Connected(_)
            | Self::Closed(_)
            | Self::GoAway(_)
            | Self::Settings(..)
            | Self::RequestComplete(_)
            | Self::Leaves(_) => false,
        }
    }
}
