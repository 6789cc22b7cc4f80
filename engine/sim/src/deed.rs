//! What a server is about to do about one request: chosen when a worker takes it.

use crate::act::{Ending, ScriptBy};
use crate::application::Mark;
use crate::plan::Behaviour;
use base::{Distribution, SimDuration, Sizes};
use proxy::response::ResponseHead;

/// What a server does about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed<'a> {
    /// How it ends.
    pub(crate) ending: Ending,
    /// The response, where there is one.
    pub(crate) response: Answer<'a>,
    /// What it lacks.
    pub(crate) mark: Mark,
    /// How long a worker is busy before anything is sent.
    pub(crate) service_time: &'a Distribution,
    /// From the response's head to the end of its body.
    pub(crate) body_time: &'a Distribution,
    /// How long that body is.
    pub(crate) body_bytes: &'a Sizes,
    /// The same, where the request itself says it.
    pub(crate) asked_bytes: Option<u64>,
    /// It calls others before it responds.
    pub(crate) calls: bool,
    /// It comes too late: no work is done for it.
    pub(crate) is_late: bool,
}

impl<'a> Deed<'a> {
    /// What a behaviour does, as its script says or by chance: `served` requests came before it, `tries` of the same
    /// request did, `fails` draws whether it fails, and `chance` is the draw of an act.
    #[inline]
    pub(crate) fn of(
        behaviour: &'a Behaviour,
        served: impl FnOnce() -> u32,
        tries: u32,
        fails: impl FnOnce() -> bool,
        chance: impl FnOnce() -> u64,
    ) -> Self {
        let Some(script) = &behaviour.script else {
            let fails = !behaviour.error_rate.is_zero() && fails();
            return Self {
                ending: Ending::Respond,
                response: Answer::Head(if fails {
                    &behaviour.error
                } else {
                    &behaviour.response
                }),
                mark: if fails { Mark::WHOLE } else { behaviour.mark },
                service_time: &behaviour.service_time,
                body_time: &behaviour.body_time,
                body_bytes: if fails {
                    &Sizes::ZERO
                } else {
                    &behaviour.body_bytes
                },
                asked_bytes: None,
                calls: !fails,
                is_late: false,
            };
        };
        let act = match script.by {
            ScriptBy::Server => script.act(served()),
            ScriptBy::Try => script.act(tries),
            ScriptBy::Chance => script.drawn(chance()),
        };
        Self {
            ending: act.ending,
            response: Answer::Head(&act.response),
            mark: act.mark,
            service_time: &act.service_time,
            body_time: &act.body_time,
            body_bytes: &act.body_bytes,
            asked_bytes: None,
            // As one that fails by chance makes no calls, neither does one that fails by its script.
            calls: act.ending == Ending::Respond && act.response.status < 400,
            is_late: false,
        }
    }

    /// Answers a request that comes too late.
    pub(crate) const fn of_late(answer: Answer<'a>) -> Self {
        Self {
            ending: Ending::Respond,
            response: answer,
            mark: Mark::WHOLE,
            service_time: &Distribution::ZERO,
            body_time: &Distribution::ZERO,
            body_bytes: &Sizes::ZERO,
            asked_bytes: None,
            calls: false,
            is_late: true,
        }
    }

    /// Responds with the status that the request asks for.
    #[inline]
    pub(crate) fn asked_for(self, status: u16) -> Self {
        Self {
            ending: Ending::Respond,
            response: Answer::Status(status),
            calls: status < 400,
            ..self
        }
    }
}

/// The part of a response that a delivery carries back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'a> {
    /// A head that the server's behaviour says.
    Head(&'a ResponseHead),
    /// A bare status.
    Status(u16),
    /// 200 with this `grpc-status`.
    Grpc(u8),
}

impl Answer<'_> {
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Head(head) => head.status,
            Self::Status(status) => status,
            Self::Grpc(_) => 200,
        }
    }

    /// Whether the connection takes no further request.
    #[inline]
    pub(crate) fn ends_connection(self) -> bool {
        match self {
            Self::Head(head) => head.values("connection").any(|value| value == "close"),
            Self::Status(_) | Self::Grpc(_) => false,
        }
    }

    pub(crate) const fn grpc_status(self) -> Option<u8> {
        match self {
            Self::Head(head) => head.grpc_status,
            Self::Status(_) => None,
            Self::Grpc(status) => Some(status),
        }
    }
}

/// What follows a response's head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// From the head to its end.
    pub(crate) time: SimDuration,
    /// How that ends.
    pub(crate) ending: Ending,
}

impl Rest {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        time: SimDuration::ZERO,
        ending: Ending::Respond,
    };

    /// Whether the head is all.
    pub(crate) fn is_none(self) -> bool {
        self.time.is_zero() && self.ending == Ending::Respond
    }
}
