//! What tells groups apart: ids packed into a few numbers, which become labels when the run has ended.
//!
//! Two keys may have equal labels (two ports of a Service, two templates of a traffic source); they are added up then.

use crate::labels::{
    AttemptKind, AttemptLabels, JourneyLabels, Outcome, RequestLabels, RequestProtocol,
};
use crate::names::PlanNames;
use proxy::effect::Reply;
use proxy::response_flag::ResponseFlags;
use sim::application::Mark;
use sim::observation::{Attempt, AttemptOutcome, Exchange, Journey, Reception};
use sim::plan::PodId;

/// What tells groups of requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestKey {
    path: PathKey,
    protocol: RequestProtocol,
    /// The destination that its caller asked for by name, before any rule.
    asked: u32,
    answer: AnswerKey,
}

/// What tells groups of journeys apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct JourneyKey {
    traffic: u32,
    answer: AnswerKey,
}

/// What tells groups of tries apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptKey {
    path: PathKey,
    /// Eight bits each for kind and outcome, then the status.
    how: u32,
}

/// From whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PathKey {
    /// Caller and source workload.
    from: u64,
    /// Destination and target workload, [`NOBODY`] for none.
    to: u64,
}

/// What tells answers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct AnswerKey {
    /// The status, above 16 bits the gRPC status and one, and above 25 what the answer lacks.
    status: u32,
    flags: ResponseFlags,
}

impl RequestKey {
    #[inline]
    pub(crate) fn of(exchange: &Exchange, names: &PlanNames) -> Self {
        let caller = names.caller(exchange.site, exchange.source, exchange.passed_on);
        let destination =
            names.destination(exchange.reply.cluster, exchange.service, exchange.site);
        Self {
            path: PathKey::of(caller, exchange.source, destination, exchange.target, names),
            protocol: names.protocol(exchange.site, exchange.is_tcp),
            asked: names.destination(None, exchange.service, exchange.site),
            answer: AnswerKey::of(&exchange.reply, exchange.content.mark),
        }
    }

    /// As the sidecar of the destination reports it.
    #[inline]
    pub(crate) fn of_reception(reception: &Reception, names: &PlanNames) -> Self {
        let Reception {
            site,
            source,
            passed_on,
            cluster,
            service,
            target,
            is_tcp,
            ..
        } = *reception;
        let caller = names.caller(site, source, passed_on);
        let destination = names.destination(cluster, service, site);
        Self {
            path: PathKey::of(caller, source, destination, Some(target), names),
            protocol: names.protocol(site, is_tcp),
            asked: destination,
            answer: AnswerKey::of(&reception.reply, Mark::WHOLE),
        }
    }

    pub(crate) fn labels(self, names: &PlanNames) -> RequestLabels {
        let (caller, source) = unpack(self.path.from);
        let (destination, target) = unpack(self.path.to);
        RequestLabels {
            caller: names.callers[caller as usize].clone(),
            source: names.workload_labels(Some(source)),
            destination: names.destination_labels(destination, target_of(target)),
            request_protocol: self.protocol,
            response_code: self.answer.response_code(),
            grpc_response_status: self.answer.grpc_response_status(),
            response_flags: self.answer.flags.to_string(),
            degraded: names.marks[self.answer.mark()].clone(),
            destination_pod: String::new(),
        }
    }

    /// `<namespace>/<name>` of the Service that its caller asked for, or the host where there is none.
    pub(crate) fn asked(self, names: &PlanNames) -> &str {
        let asked = &names.destinations[self.asked as usize];
        match asked.service.as_str() {
            "" => &asked.host,
            service => service,
        }
    }

    /// The labels of those whose last try was sent to this pod; none: to nobody.
    pub(crate) fn labels_at(self, pod: Option<PodId>, names: &PlanNames) -> RequestLabels {
        RequestLabels {
            destination_pod: pod.map_or_else(String::new, |pod| names.full_pod_name(pod)),
            ..self.labels(names)
        }
    }
}

impl JourneyKey {
    #[inline]
    pub(crate) fn of(journey: &Journey) -> Self {
        Self {
            traffic: journey.traffic.index() as u32,
            answer: AnswerKey::of(&journey.reply, journey.mark),
        }
    }

    /// The traffic source's place in the plan.
    pub(crate) const fn traffic(self) -> usize {
        self.traffic as usize
    }

    pub(crate) fn labels(self, names: &PlanNames) -> JourneyLabels {
        JourneyLabels {
            traffic: names.traffic[self.traffic()].clone(),
            response_code: self.answer.response_code(),
            grpc_response_status: self.answer.grpc_response_status(),
            response_flags: self.answer.flags.to_string(),
            degraded: names.marks[self.answer.mark()].clone(),
        }
    }
}

impl AttemptKey {
    #[inline]
    pub(crate) fn of(attempt: &Attempt, names: &PlanNames) -> Self {
        let caller = names.caller(attempt.site, attempt.source, attempt.passed_on);
        let destination = names.destination(attempt.cluster, attempt.service, attempt.site);
        let kind = match (attempt.mirror, attempt.number) {
            (true, _) => 2,
            (false, 0 | 1) => 0,
            (false, _) => 1,
        };
        let outcome = match attempt.outcome {
            AttemptOutcome::Response(status) => u32::from(status) << 16,
            AttemptOutcome::Reset(_) => 1 << 8,
            AttemptOutcome::Abandoned => 2 << 8,
        };
        Self {
            path: PathKey::of(caller, attempt.source, destination, attempt.target, names),
            how: kind | outcome,
        }
    }

    pub(crate) fn labels(self, names: &PlanNames) -> AttemptLabels {
        let (caller, source) = unpack(self.path.from);
        let (destination, target) = unpack(self.path.to);
        AttemptLabels {
            caller: names.callers[caller as usize].clone(),
            source: names.workload_labels(Some(source)),
            destination: names.destination_labels(destination, target_of(target)),
            kind: match self.how & 0xff {
                0 => AttemptKind::First,
                1 => AttemptKind::Retry,
                _ => AttemptKind::Mirror,
            },
            outcome: match self.how >> 8 & 0xff {
                0 => Outcome::Response((self.how >> 16) as u16),
                1 => Outcome::Reset,
                _ => Outcome::Abandoned,
            },
        }
    }
}

impl PathKey {
    #[inline]
    fn of(
        caller: u32,
        source: PodId,
        destination: u32,
        target: Option<PodId>,
        names: &PlanNames,
    ) -> Self {
        let target = target.map_or(NOBODY, |pod| names.workload(pod));
        Self {
            from: pack(caller, names.workload(source)),
            to: pack(destination, target),
        }
    }
}

impl AnswerKey {
    #[inline]
    fn of(reply: &Reply, mark: Mark) -> Self {
        let grpc = reply.grpc_status.map_or(0, |status| u32::from(status) + 1);
        Self {
            status: u32::from(reply.status) | grpc << 16 | u32::from(mark.0) << 25,
            flags: reply.flags,
        }
    }

    const fn response_code(self) -> u16 {
        self.status as u16
    }

    const fn mark(self) -> usize {
        (self.status >> 25) as usize
    }

    fn grpc_response_status(self) -> Option<u8> {
        (self.status >> 16 & 0x1ff)
            .checked_sub(1)
            .map(|status| status as u8)
    }
}

/// In place of a workload: there is none.
const NOBODY: u32 = u32::MAX;

fn target_of(bits: u32) -> Option<u32> {
    (bits != NOBODY).then_some(bits)
}

#[inline]
fn pack(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

const fn unpack(bits: u64) -> (u32, u32) {
    ((bits >> 32) as u32, bits as u32)
}
