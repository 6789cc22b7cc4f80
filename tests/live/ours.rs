//! Our proxy among the same servers, in simulated time.

use super::experiment::{Deed, Experiment, Suite};
use super::outcome::{Answer, Received};
use super::world::World;
use base::{SimDuration, SimTime};
use proxy::effect::{AttemptId, Effect, Reply, Send, Timer};
use proxy::input::{Arrival, Input, ResetReason};
use proxy::names::{Endpoint, EndpointId, Names};
use proxy::problem::ProblemKind;
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::{Outcome, Resolution, Table};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Our proxy's answers, by suite and experiment. Each experiment meets a new proxy.
pub(super) fn play(world: &World, suites: &[Suite]) -> BTreeMap<(usize, usize), Vec<Answer>> {
    let mut names = Names::default();
    let (table, mut problems) = Table::compile(&world.snapshot, &mut names);
    // Experiments show what is not simulated.
    problems.retain(|problem| problem.kind != ProblemKind::NotSimulated);
    assert!(problems.is_empty(), "{problems:?}");
    let table = Arc::new(table);
    let mut answers = BTreeMap::new();
    for (s, suite) in suites.iter().enumerate() {
        for (e, experiment) in suite.experiments.iter().enumerate() {
            let stage = Stage::new(world, &names, &table, &suite.name, experiment);
            answers.insert((s, e), stage.play());
        }
    }
    answers
}

/// One experiment under way.
struct Stage<'a> {
    world: &'a World,
    names: &'a Names,
    table: &'a Table,
    experiment: &'a Experiment,
    head: RequestHead,
    resolution: Resolution,
    proxy: Proxy,
    now: SimTime,
    queue: BTreeMap<(SimTime, u64), Event>,
    sequence: u64,
    sent: Vec<Send>,
    replies: BTreeMap<u32, Reply>,
}

enum Event {
    Request(u32),
    Timer(Timer),
    Connected(AttemptId),
    Response(AttemptId, ResponseHead),
    Reset(AttemptId, ResetReason),
}

impl<'a> Stage<'a> {
    fn new(
        world: &'a World,
        names: &'a Names,
        table: &'a Arc<Table>,
        config: &str,
        experiment: &'a Experiment,
    ) -> Self {
        let (method, path) = experiment.method_and_path();
        let lines = experiment.header_lines();
        let head = RequestHead {
            method: method.to_owned(),
            headers: lines
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            ..RequestHead::get(&experiment.host, path)
        };
        let config = table.route_config(config).expect("each suite has one");
        Self {
            world,
            names,
            table,
            experiment,
            resolution: table.resolve(config, &head),
            head,
            proxy: Proxy::new(Arc::clone(table), 7),
            now: SimTime::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            sent: Vec::new(),
            replies: BTreeMap::new(),
        }
    }

    fn play(mut self) -> Vec<Answer> {
        let count = u32::try_from(self.experiment.count()).expect("few of them");
        for tag in 0..count {
            let pause = self.experiment.every.unwrap_or_default();
            let at = SimTime::ZERO + SimDuration::from_millis(pause * u64::from(tag));
            self.schedule(at.max(self.now), Event::Request(tag));
            if self.experiment.every.is_none() {
                self.run();
            }
        }
        self.run();
        (0..count).map(|tag| self.answer(tag)).collect()
    }

    fn run(&mut self) {
        // Outlier detection sweeps for ever: no experiment lasts so long.
        let end = self.now + SimDuration::from_millis(20_000);
        while let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= end
        {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        let was_connected = matches!(event, Event::Connected(_));
        let input = match &event {
            &Event::Request(tag) => Input::Request {
                tag,
                identity: u64::from(tag),
                resolution: &self.resolution,
                arrival: Arrival::WHOLE,
            },
            &Event::Timer(timer) => Input::Timer(timer),
            &Event::Connected(attempt) => Input::Connected { attempt },
            Event::Response(attempt, response) => Input::Response {
                attempt: *attempt,
                response,
                complete: true,
            },
            &Event::Reset(attempt, reason) => Input::Reset { attempt, reason },
        };
        let mut effects = Vec::new();
        self.proxy.handle(self.now, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(send) => self.serve(send),
                Effect::Reply { tag, reply } => {
                    self.replies.insert(tag, reply);
                }
                Effect::SetTimer { timer, at } => {
                    self.cancel(timer);
                    self.schedule(at, Event::Timer(timer));
                }
                Effect::CancelTimer(timer) => self.cancel(timer),
                // Refused once it had its connection: the server never sees it.
                Effect::Abandon(attempt) if was_connected => {
                    self.sent.retain(|send| send.attempt != attempt);
                }
                // What comes of it later is ignored.
                Effect::ReplyStarted { .. }
                | Effect::Abandon(_)
                | Effect::Cancelled { .. }
                | Effect::Ejection { .. } => {}
            }
        }
    }

    fn serve(&mut self, send: Send) {
        self.sent.push(send);
        let id = send.attempt;
        if self.host(send.endpoint).as_deref() == Some("dead") {
            let refused = Event::Reset(id, ResetReason::ConnectionFailure);
            self.schedule(self.now, refused);
            return;
        }
        if send.new_connection {
            self.schedule(self.now, Event::Connected(id));
        }
        let deeds: Vec<&str> = self.experiment.deeds.iter().map(String::as_str).collect();
        let number = if send.mirror {
            1
        } else {
            usize::from(send.number)
        };
        let (after, event) = match Deed::of_try(&deeds, number) {
            Deed::Respond(status) => (1, Event::Response(id, ResponseHead::of(status))),
            Deed::Grpc(status) => (1, Event::Response(id, ResponseHead::grpc(status))),
            Deed::Slow(span) => (span, Event::Response(id, ResponseHead::of(200))),
            Deed::Reset => (1, Event::Reset(id, ResetReason::ConnectionTermination)),
            Deed::Cut => (1, Event::Response(id, ResponseHead::of(200))),
            Deed::Garbage => (1, Event::Reset(id, ResetReason::ProtocolError)),
            Deed::Hang => (3000, Event::Reset(id, ResetReason::ConnectionTermination)),
        };
        self.schedule(self.now + SimDuration::from_millis(after), event);
    }

    fn schedule(&mut self, at: SimTime, event: Event) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    fn cancel(&mut self, timer: Timer) {
        self.queue
            .retain(|_, event| !matches!(event, Event::Timer(other) if *other == timer));
    }

    fn host(&self, endpoint: EndpointId) -> Option<String> {
        match self.names.endpoint_address(endpoint) {
            Endpoint::Socket(address) => self.world.host_at(&address.to_string()),
            Endpoint::Name(..) => None,
        }
    }

    fn answer(&self, tag: u32) -> Answer {
        let reply = self.replies[&tag];
        let of_request = || self.sent.iter().filter(move |send| send.tag == tag);
        let arrived = of_request().filter(|s| self.host(s.endpoint).as_deref() != Some("dead"));
        let (copies, tries): (Vec<&Send>, Vec<&Send>) = arrived.partition(|send| send.mirror);
        let first = tries.first();
        let (headers, body) = match (&self.resolution.outcome, self.resolution.route) {
            // A fault may have come first.
            (
                Outcome::Reply {
                    details,
                    headers,
                    body,
                    ..
                },
                _,
            ) if *details == reply.details => (headers.clone(), body.clone()),
            (Outcome::Forward, Some(route)) => {
                let position = first.map_or(0, |send| usize::from(send.head));
                let headers = self.table.response_headers(route, position, &self.head);
                (headers, String::new())
            }
            (Outcome::Reply { .. } | Outcome::Forward | Outcome::Passthrough(_), _) => {
                (Vec::new(), String::new())
            }
        };
        Answer {
            status: reply.status,
            flags: reply.flags.to_string(),
            details: reply.details.as_str().to_owned(),
            tries: u32::from(reply.attempts),
            host: reply.endpoint.and_then(|endpoint| self.host(endpoint)),
            received: first.map(|send| self.received(send)),
            copies: copies.into_iter().map(|send| self.received(send)).collect(),
            headers,
            body,
        }
    }

    fn received(&self, send: &Send) -> Received {
        let head = &self.resolution.upstream_heads[usize::from(send.head)];
        Received {
            host: self.host(send.endpoint).unwrap_or_default(),
            method: head.method.clone(),
            authority: head.authority.clone(),
            path: head.path.clone(),
            headers: head.headers.clone(),
        }
    }
}
