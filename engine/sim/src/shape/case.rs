//! Cases: which behaviour of a server serves a head, and which status and delay the head itself asks for.

use super::{HeadId, Shapes};
use crate::application::{WHOLE, alternatives, read_delay, read_status};
use crate::plan::Behaviour;
use base::SimDuration;

/// How a server serves requests with some head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The place of the behaviour.
    pub(crate) behaviour: u32,
    /// The status that the request asks for.
    pub(crate) status: Option<Alternatives>,
    /// The wait that it asks for, in nanoseconds.
    pub(crate) delay: Option<Alternatives>,
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
        let is_unreadable = matches!(status, Some(None)) || matches!(delay, Some(None));
        let case = if is_unreadable {
            Case {
                behaviour: index as u32,
                status: Some(self.add_alternatives(&[(WHOLE, u64::from(BAD_REQUEST))])),
                delay: Some(self.add_alternatives(&[(WHOLE, 0)])),
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

/// HTTP 400: what a request asks for cannot be read.
const BAD_REQUEST: u16 = 400;
