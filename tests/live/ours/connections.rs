//! The numbers of connections: each server counts its own, and the one used last is used next.

use proxy::effect::{AttemptId, Send};
use proxy::names::{ClusterId, EndpointId};
use std::collections::BTreeMap;

/// Who holds which connection.
#[derive(Default)]
pub(super) struct Connections {
    /// How many each server has seen.
    made: BTreeMap<EndpointId, usize>,
    idle: BTreeMap<(ClusterId, EndpointId), Vec<usize>>,
    busy: Vec<(AttemptId, ClusterId, EndpointId, usize)>,
}

impl Connections {
    /// A try goes out.
    pub(super) fn take(&mut self, send: &Send) {
        let place = (send.cluster, send.endpoint);
        let idle = self.idle.entry(place).or_default();
        let number = match idle.pop() {
            Some(number) if !send.new_connection => number,
            _ => {
                let made = self.made.entry(send.endpoint).or_default();
                *made += 1;
                *made
            }
        };
        self.busy
            .push((send.attempt, send.cluster, send.endpoint, number));
    }

    /// The number of a try's connection.
    pub(super) fn number(&self, attempt: AttemptId) -> usize {
        let mut busy = self.busy.iter();
        busy.find(|(of, ..)| *of == attempt)
            .map_or(0, |(.., number)| *number)
    }

    /// A try has ended; its connection stays or not.
    pub(super) fn leave(&mut self, attempt: AttemptId, stays: bool) {
        let Some(at) = self.busy.iter().position(|(of, ..)| *of == attempt) else {
            return;
        };
        let (_, cluster, endpoint, number) = self.busy.swap_remove(at);
        if stays {
            self.idle
                .entry((cluster, endpoint))
                .or_default()
                .push(number);
        }
    }
}
