//! Calls: an application's request with its timeout and its own retries, whoever makes it.

mod end;

use crate::application::Content;
use crate::delivery::LEAVING;
use crate::event::Event;
use crate::network::sample;
use crate::observation::{Observer, Trace};
use crate::pass::Downstream;
use crate::plan::{Plan, PodId, Side, Site, SiteId, TrafficId};
use crate::pod::Seat;
use crate::shape::{HeadId, Shape, ShapeId};
use crate::world::{Culprit, MOST_AT_ONCE, World};
use base::rng::mix;
use base::{Draws, SimDuration, SimTime};
use kernel::TimerId;
use proxy::effect::{Reply, RequestId};
use proxy::input::{Arrival, Input};
use proxy::response_flag::{Details, ResponseFlag, ResponseFlags};
use proxy::tcp_proxy::{SessionEvent, SessionId};

/// An application's request under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    owner: Owner,
    pub(crate) request: Request,
    /// What the source's sidecar makes of the current try; meaningless without a sidecar.
    pub(crate) shape: ShapeId,
    /// Tries begun, application retries included.
    requests: u32,
    started: SimTime,
    exchange_started: SimTime,
    /// How long the client takes to send it.
    upload: SimDuration,
    /// When it has sent the last of the current try; none: at once, or it has.
    upload_timer: TimerId,
    /// When the response to the current try began to arrive.
    pub(crate) responded: Option<SimTime>,
    /// The timeout of the current try, or the pause before the next.
    timer: TimerId,
    pub(crate) via: Via,
    /// The current try has been sent on by the source's proxy, which has taken its time for it.
    pub(crate) has_left: bool,
    /// Tries in a row that took no time.
    idle_tries: u64,
    /// Over a connection whose bytes are passed on: the answer, once it has arrived.
    pub(crate) answer: Option<(u16, Option<u8>)>,
    /// When the caller has no more time for it, whatever its own timeout says.
    deadline: SimTime,
    /// What the last response carries.
    pub(crate) content: Content,
}

/// What is asked, from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) site: SiteId,
    pub(crate) source: PodId,
    pub(crate) head: HeadId,
    /// All its draws follow from this.
    pub(crate) identity: u64,
    /// Where it belongs.
    pub(crate) trace: Trace,
    /// How many requests deep it is nested: 0 for traffic.
    pub(crate) depth: u8,
    /// Which of its traffic source's requests it is, counted from 1; 0 for a nested one.
    pub(crate) number: u32,
    /// The user that makes it, or its client's named connection; [`NO_LINE`]: it has a connection of its own.
    pub(crate) line: u32,
    /// The worker of its source's proxy that takes its connection.
    pub(crate) worker: u16,
    /// The user whose values and cookies it has; [`NO_LINE`]: nobody keeps any.
    pub(crate) session: u32,
}

impl Request {
    /// The user whose cookies it has.
    pub(crate) fn user(&self) -> Option<u32> {
        (self.session != NO_LINE).then_some(self.session)
    }
}

/// No user and no named connection.
pub(crate) const NO_LINE: u32 = u32::MAX;

/// Who waits for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A traffic source.
    Traffic(TrafficId),
    /// A request in service, by its delivery.
    Job(u32),
}

/// What currently carries a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Via {
    /// Nothing: it pauses, or has just begun.
    Nothing,
    /// A request in the source's proxy.
    Proxy(RequestId),
    /// A session of the source's proxy.
    Session(SessionId),
    /// A delivery without a proxy's help.
    Plain(u32),
    /// What the source's proxy says by itself, on its way to the application: a slot of [`World::answers`].
    Answer(u32),
}

impl Call {
    #[inline]
    pub(crate) fn new(owner: Owner, request: Request, now: SimTime) -> Self {
        Self {
            owner,
            request,
            shape: ShapeId::new(0),
            requests: 0,
            started: now,
            exchange_started: now,
            upload: SimDuration::ZERO,
            upload_timer: TimerId::NONE,
            responded: None,
            timer: TimerId::NONE,
            via: Via::Nothing,
            has_left: false,
            idle_tries: 0,
            answer: None,
            deadline: SimTime::MAX,
            content: Content::EMPTY,
        }
    }

    /// The same, which must have ended by then.
    #[inline]
    pub(crate) const fn until(self, deadline: SimTime) -> Self {
        Self { deadline, ..self }
    }

    /// When the caller gives up the current try.
    #[inline]
    pub(crate) fn deadline(&self, plan: &Plan) -> SimTime {
        let timeout = plan.sites[self.request.site.index()].timeout;
        let own = timeout.map_or(SimTime::MAX, |timeout| self.exchange_started + timeout);
        own.min(self.deadline)
    }

    /// Another delivery brings the answer.
    pub(crate) fn is_carried_by(&mut self, delivery: u32) {
        self.via = Via::Plain(delivery);
    }

    pub(crate) fn is_traffic(&self) -> bool {
        matches!(self.owner, Owner::Traffic(_))
    }

    /// What an answer to the current try carries: nothing of an application's where it comes from a proxy, and no whole body
    /// where it is cut.
    fn content_of(&self, reply: &Reply) -> Content {
        if reply.details != Details::ViaUpstream {
            return Content::EMPTY;
        }
        Content {
            bytes: if reply.truncated {
                0
            } else {
                self.content.bytes
            },
            ..self.content
        }
    }

    /// When the last of the current try is sent.
    pub(crate) fn uploaded(&self) -> SimTime {
        self.exchange_started + self.upload
    }

    /// The identity of the current try: application retries meet dice of their own.
    #[inline]
    pub(crate) fn exchange_identity(&self) -> u64 {
        let identity = self.request.identity;
        if self.requests <= 1 {
            identity
        } else {
            mix(identity ^ u64::from(self.requests))
        }
    }

    /// The current try as whoever carries it sees it.
    #[inline]
    pub(crate) fn exchange(&self) -> Request {
        let identity = self.exchange_identity();
        Request {
            identity,
            trace: Trace {
                parent: identity,
                ..self.request.trace
            },
            ..self.request
        }
    }
}

impl<O: Observer> World<'_, O> {
    /// A call begins.
    #[inline]
    pub(crate) fn start(&mut self, now: SimTime, call: Call) {
        let slot = self.calls.insert(call) as u32;
        if let Owner::Job(job) = call.owner {
            self.deliveries[job as usize].children.push(slot);
        }
        self.exchange(now, slot);
    }

    /// One try of a call begins.
    #[inline]
    pub(crate) fn exchange(&mut self, now: SimTime, slot: u32) {
        let plan = self.plan;
        let call = &mut self.calls[slot as usize];
        call.requests += 1;
        call.exchange_started = now;
        call.timer = TimerId::NONE;
        call.via = Via::Nothing;
        call.has_left = false;
        let site = &plan.sites[call.request.site.index()];
        call.responded = None;
        call.answer = None;
        call.content = Content::EMPTY;
        let deadline = call.deadline(plan);
        if deadline <= now {
            // Its caller has no time left to make it.
            return self.end_call(now, slot, no_answer(Details::DownstreamRemoteDisconnect));
        }
        if deadline != SimTime::MAX {
            let event = Event::CallTimeout { call: slot };
            call.timer = self.calendar.schedule_cancellable(deadline, event);
        }
        call.upload = site.upload;
        if !site.upload.is_zero() {
            let event = Event::Uploaded { call: slot };
            let at = call.uploaded();
            call.upload_timer = self.calendar.schedule_cancellable(at, event);
        }
        let source = call.request.source;
        if !self.pods[source.index()].conduct.is_up {
            // Nobody is there to send it.
            self.calendar.cancel(call.timer);
            let event = Event::CallTimeout { call: slot };
            call.timer = (self.calendar).schedule_cancellable(now + NOBODY_THERE, event);
            return;
        }
        let Some(state) = self.pods[source.index()].proxy_mut(Side::Outbound) else {
            return self.plain(now, slot);
        };
        let shape = self
            .shapes
            .shape(plan, state.table, call.request.site, call.request.head);
        call.shape = shape;
        match self.shapes.get(shape) {
            Shape::Routed { resolution, .. } => {
                let identity = call.exchange_identity();
                let mut effects = self.buffers.pop().unwrap_or_default();
                let input = Input::Request {
                    tag: Downstream::Call(slot).tag(),
                    identity,
                    resolution,
                    arrival: Arrival {
                        worker: call.request.worker,
                        complete: site.upload.is_zero(),
                        body_bytes: site.body_bytes,
                    },
                };
                if let Some(request) = state.proxy.handle(now, input, &mut effects) {
                    call.via = Via::Proxy(request);
                }
                self.perform(now, outbound(source), effects);
            }
            Shape::Tcp { proxy, .. } => {
                let proxy = *proxy;
                self.accept(now, outbound(source), Downstream::Call(slot), proxy);
            }
            Shape::Passthrough => self.plain(now, slot),
            Shape::Blackhole(flags) => {
                let flags = *flags;
                let reply = Reply {
                    flags,
                    ..no_answer(Details::ConnectionTermination)
                };
                self.on_proxy_reply(now, slot, reply);
            }
        }
    }

    /// A client has sent the last of a request.
    pub(crate) fn on_uploaded(&mut self, now: SimTime, slot: u32) {
        let call = &mut self.calls[slot as usize];
        call.upload_timer = TimerId::NONE;
        let source = call.request.source;
        match call.via {
            Via::Proxy(request) => {
                self.tell(now, outbound(source), Input::RequestComplete { request });
            }
            Via::Session(session) => {
                let event = SessionEvent::Data;
                self.tell(now, outbound(source), Input::Session { session, event });
            }
            Via::Plain(_) | Via::Answer(_) | Via::Nothing => {}
        }
    }

    #[inline]
    fn plain(&mut self, now: SimTime, slot: u32) {
        let delivery = self.send_plain(now, slot);
        self.calls[slot as usize].via = Via::Plain(delivery);
    }

    /// A try of a call is answered by the source's own proxy. What it says without having sent the try on takes the time
    /// that it takes for a request that it does send on; whatever it sent has taken it already.
    #[inline]
    pub(crate) fn on_proxy_reply(&mut self, now: SimTime, slot: u32, reply: Reply) {
        if self.calls[slot as usize].has_left {
            return self.on_reply(now, slot, reply, None);
        }
        self.answer_late(now, slot, reply);
    }

    fn answer_late(&mut self, now: SimTime, slot: u32, reply: Reply) {
        let (key, plan) = (self.key, self.plan);
        let call = &mut self.calls[slot as usize];
        let draws = || Draws::new(key, call.exchange_identity(), LEAVING);
        let time = sample(&plan.network.sidecar_latency, draws);
        if time.is_zero() {
            return self.on_reply(now, slot, reply, None);
        }
        call.via = Via::Answer(self.answers.insert(reply) as u32);
        if now + time < call.deadline(plan) {
            self.calendar.cancel(call.timer);
            let event = Event::Answered { call: slot };
            call.timer = self.calendar.schedule_cancellable(now + time, event);
        }
    }

    /// What the source's proxy says has reached the application.
    pub(crate) fn on_answered(&mut self, now: SimTime, slot: u32) {
        let call = &mut self.calls[slot as usize];
        call.timer = TimerId::NONE;
        if let Via::Answer(answer) = std::mem::replace(&mut call.via, Via::Nothing) {
            let reply = self.answers.remove(answer as usize);
            self.on_reply(now, slot, reply, None);
        }
    }

    /// A try of a call is answered.
    ///
    /// `plain` is the pod that answered where no proxy chose it.
    pub(crate) fn on_reply(&mut self, now: SimTime, slot: u32, reply: Reply, plain: Option<PodId>) {
        let timer = self.calls[slot as usize].timer;
        self.calendar.cancel(timer);
        self.end_exchange(now, slot, reply, plain);
        let call = &self.calls[slot as usize];
        let site = &self.plan.sites[call.request.site.index()];
        if call.requests <= site.retries.attempts && is_retried(site, reply.status) {
            self.pause(now, slot);
        } else {
            self.end_call(now, slot, reply);
        }
    }

    /// The caller's patience ends before the answer comes.
    pub(crate) fn on_call_timeout(&mut self, now: SimTime, slot: u32) {
        self.calls[slot as usize].timer = TimerId::NONE;
        self.give_up(now, slot);
        let reply = no_answer(Details::DownstreamRemoteDisconnect);
        let call = &self.calls[slot as usize];
        if call.requests <= self.plan.sites[call.request.site.index()].retries.attempts {
            self.pause(now, slot);
        } else {
            self.end_call(now, slot, reply);
        }
    }

    /// A call is dropped because what it was made for has ended.
    pub(crate) fn cancel_call(&mut self, now: SimTime, slot: u32) {
        let timer = self.calls[slot as usize].timer;
        self.calendar.cancel(timer);
        self.give_up(now, slot);
        self.calls.remove(slot as usize);
    }

    /// Whoever made a call is gone.
    pub(crate) fn drop_call(&mut self, now: SimTime, slot: u32) {
        let timer = self.calls[slot as usize].timer;
        self.calendar.cancel(timer);
        self.give_up(now, slot);
        self.end_call(now, slot, no_answer(Details::DownstreamRemoteDisconnect));
    }

    /// The current try's answer is no longer wanted.
    fn give_up(&mut self, now: SimTime, slot: u32) {
        let call = self.calls[slot as usize];
        self.calls[slot as usize].via = Via::Nothing;
        match call.via {
            // The proxy says how it ended.
            Via::Proxy(request) => {
                self.tell(now, outbound(call.request.source), Input::Cancel(request));
            }
            Via::Session(session) => {
                let event = SessionEvent::Cancelled;
                let input = Input::Session { session, event };
                self.tell(now, outbound(call.request.source), input);
            }
            Via::Plain(delivery) => {
                let target = self.deliveries[delivery as usize].target;
                self.abandon(now, delivery);
                let record = no_answer(Details::DownstreamRemoteDisconnect);
                self.end_exchange(now, slot, record, target);
            }
            Via::Answer(answer) => {
                self.answers.remove(answer as usize);
                let record = no_answer(Details::DownstreamRemoteDisconnect);
                self.end_exchange(now, slot, record, None);
            }
            Via::Nothing => {}
        }
    }

    fn pause(&mut self, now: SimTime, slot: u32) {
        let key = self.key;
        let call = &mut self.calls[slot as usize];
        call.via = Via::Nothing;
        let draws = || Draws::new(key, call.exchange_identity(), APPLICATION_BACK_OFF);
        let pause = sample(
            &self.plan.sites[call.request.site.index()].retries.back_off,
            draws,
        );
        call.timer = self
            .calendar
            .schedule_cancellable(now + pause, Event::CallRetry { call: slot });
        if pause.is_zero() && call.exchange_started == now {
            call.idle_tries += 1;
            if call.idle_tries > MOST_AT_ONCE {
                let site = call.request.site;
                self.stand_still(now, Culprit::Retries(site));
            }
        } else {
            call.idle_tries = 0;
        }
    }
}

/// Where requests of a pod's own application enter its proxy.
const fn outbound(pod: PodId) -> Seat {
    Seat {
        pod,
        side: Side::Outbound,
    }
}

/// Whether an application repeats a request that was answered so.
fn is_retried(site: &Site, status: u16) -> bool {
    let on_status = &site.retries.on_status;
    status == 0
        || if on_status.is_empty() {
            site.rules.is_failure(status)
        } else {
            on_status.contains(&status)
        }
}

/// What is recorded of a request to which no answer came.
fn no_answer(details: Details) -> Reply {
    let flags = if details == Details::DownstreamRemoteDisconnect {
        ResponseFlags::of(ResponseFlag::DownstreamConnectionTermination)
    } else {
        ResponseFlags::NONE
    };
    Reply {
        status: 0,
        grpc_status: None,
        truncated: false,
        flags,
        details,
        attempts: 0,
        route: None,
        cluster: None,
        endpoint: None,
    }
}

/// How long it takes a client to find out that nobody is there: until TCP first repeats itself.
const NOBODY_THERE: SimDuration = SimDuration::from_secs(1);

/// The site of the draws for an application's pause.
const APPLICATION_BACK_OFF: u32 = 3;
