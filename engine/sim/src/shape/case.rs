//! Cases: which behaviour of a server serves a head, and which status, delay and body the head itself asks for.

use super::{HeadId, Shapes};
use crate::act::Ending;
use crate::application::{WHOLE, alternatives, read_bytes, read_delay, read_status};
use crate::plan::Behaviour;
use base::SimDuration;
use proxy::request::RequestHead;

/// How a server serves requests with some head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The place of the behaviour.
    pub(crate) behaviour: u32,
    /// The status that the request asks for.
    pub(crate) status: Option<Alternatives>,
    /// The wait that it asks for, in nanoseconds.
    pub(crate) delay: Option<Alternatives>,
    /// The bytes of the body that it asks for.
    pub(crate) bytes: Option<Alternatives>,
}

/// Values that a request asks for, one of which a draw hits: a range of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alternatives {
    start: u32,
    end: u32,
}

impl Shapes {
    /// How the server numbered `server`, which has `behaviours`, serves `head`: by the first behaviour that matches.
    #[inline]
    pub(crate) fn case(&mut self, server: u32, behaviours: &[Behaviour], head: HeadId) -> Case {
        match self.cases.get(&(server, head)) {
            Some(case) => *case,
            None => self.first_case(server, behaviours, head),
        }
    }

    #[cold]
    fn first_case(&mut self, server: u32, behaviours: &[Behaviour], head: HeadId) -> Case {
        let request = &self.heads[head.index()];
        let index = behaviours
            .iter()
            .position(|behaviour| behaviour.matches.holds(request))
            .unwrap_or(behaviours.len() - 1);
        let behaviour = &behaviours[index];
        let pattern = &behaviour.matches.path;
        let requested = &behaviour.requested;
        let status = requested.status.as_ref().and_then(|from| {
            let rest = from.is_optional().then_some(behaviour.response.status);
            Some(alternatives(
                from.text(pattern, request)?,
                rest,
                read_status,
            ))
        });
        let delay = requested.delay.as_ref().and_then(|delay| {
            let at_most = delay.at_most.unwrap_or(SimDuration::MAX);
            let granted = |text: &str| {
                let asked =
                    read_delay(text).filter(|asked| !delay.refuses_more || *asked <= at_most);
                asked.map(|asked| asked.min(at_most))
            };
            let is_optional = delay.from.is_optional();
            let rest = is_optional.then_some(SimDuration::ZERO);
            let asked = alternatives(delay.from.text(pattern, request)?, rest, granted);
            (asked.is_some() || !is_optional).then_some(asked)
        });
        let bytes = requested.body.as_ref().and_then(|body| {
            let at_most = body.at_most.unwrap_or(u64::MAX);
            let granted = |text: &str| {
                let asked =
                    read_bytes(text).filter(|asked| !body.refuses_more || *asked <= at_most);
                asked.map(|asked| asked.min(at_most))
            };
            let is_optional = body.from.is_optional();
            let rest = is_optional.then_some(0);
            let asked = alternatives(body.from.text(pattern, request)?, rest, granted);
            (asked.is_some() || !is_optional).then_some(asked)
        });
        let is_unreadable = matches!(status, Some(None))
            || matches!(delay, Some(None))
            || matches!(bytes, Some(None));
        let case = if is_unreadable {
            Case {
                behaviour: index as u32,
                status: Some(self.add_alternatives(&[(WHOLE, u64::from(BAD_REQUEST))])),
                delay: Some(self.add_alternatives(&[(WHOLE, 0)])),
                bytes: None,
            }
        } else {
            let of_status = |(share, status)| (share, u64::from(status));
            let of_delay = |(share, delay): (u64, SimDuration)| (share, delay.as_nanos());
            let statuses = status.flatten().map(|list| list.into_iter().map(of_status));
            let delays = delay.flatten().map(|list| list.into_iter().map(of_delay));
            let statuses = statuses.map(Iterator::collect::<Vec<_>>);
            let delays = delays.map(Iterator::collect::<Vec<_>>);
            Case {
                behaviour: index as u32,
                status: statuses.map(|list| self.add_alternatives(&list)),
                delay: delays.map(|list| self.add_alternatives(&list)),
                bytes: bytes.flatten().map(|list| self.add_alternatives(&list)),
            }
        };
        self.cases.insert((server, head), case);
        case
    }

    fn add_alternatives(&mut self, list: &[(u64, u64)]) -> Alternatives {
        let start = self.alternatives.len() as u32;
        self.alternatives.extend_from_slice(list);
        Alternatives {
            start,
            end: self.alternatives.len() as u32,
        }
    }

    /// The likeliest of several values, and whether there is no other.
    fn likeliest(&self, range: Alternatives) -> (u64, bool) {
        let list = &self.alternatives[range.start as usize..range.end as usize];
        let mut before = 0;
        let mut best = (0, 0);
        for (up_to, value) in list {
            let share = up_to - before;
            before = *up_to;
            if share > best.0 {
                best = (share, *value);
            }
        }
        (best.1, list.len() == 1)
    }

    /// The value that a draw hits; `draw` is only asked where there are several.
    #[inline]
    pub(crate) fn drawn(&self, range: Alternatives, draw: impl FnOnce() -> u64) -> u64 {
        let list = &self.alternatives[range.start as usize..range.end as usize];
        let (_, last) = list[list.len() - 1];
        if list.len() == 1 {
            return last;
        }
        let hit = draw() >> 32;
        let of_hit = list.iter().find(|(share, _)| hit < *share);
        of_hit.map_or(last, |(_, value)| *value)
    }
}

/// What is most likely answered to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LikelyAnswer<'s> {
    /// The status; none: no response at all.
    pub status: Option<u16>,
    /// What it says, or a part of it; empty where nothing is known.
    pub body: &'s str,
    /// Neither chance nor calls to others have a say.
    pub is_certain: bool,
}

impl<'s> LikelyAnswer<'s> {
    /// What a server with these behaviours, of which the last matches all, answers to a request that comes with this head,
    /// calls to others aside.
    pub fn of(behaviours: &'s [Behaviour], head: &RequestHead) -> Self {
        let mut shapes = Shapes::default();
        let head = shapes.head_id(head.clone());
        let case = shapes.case(0, behaviours, head);
        let behaviour = &behaviours[case.behaviour as usize];
        let calls = !behaviour.steps.is_empty();
        if let Some(script) = &behaviour.script {
            let act = script.likeliest();
            let responds = matches!(act.ending, Ending::Respond | Ending::Cut(_));
            return Self {
                status: responds.then_some(act.response.status),
                body: if responds { &act.body } else { "" },
                is_certain: script.acts.len() == 1 && !calls,
            };
        }
        let asked = case.status.map(|asked| shapes.likeliest(asked));
        let (status, is_certain) = match asked {
            Some((status, is_only)) => (status as u16, is_only),
            None => (behaviour.response.status, true),
        };
        // What is answered with a status that somebody asks for is not what is answered otherwise.
        let is_usual = status == behaviour.response.status || status < 400;
        Self {
            status: Some(status),
            body: if is_usual { &behaviour.body } else { "" },
            is_certain: is_certain && !calls && behaviour.error_rate.is_zero(),
        }
    }
}

/// HTTP 400: what a request asks for cannot be read.
const BAD_REQUEST: u16 = 400;
