//! The numbers of connections: each server counts those that it accepts.

use proxy::effect::{ConnectionId, Send};
use proxy::names::EndpointId;
use std::collections::BTreeMap;

/// Which of its server's connections each one is.
#[derive(Default)]
pub(super) struct Connections {
    accepted: BTreeMap<EndpointId, usize>,
    numbers: BTreeMap<(u32, u32), usize>,
}

impl Connections {
    /// A server accepts a connection.
    pub(super) fn accept(&mut self, endpoint: EndpointId, id: ConnectionId) {
        let accepted = self.accepted.entry(endpoint).or_default();
        *accepted += 1;
        self.numbers.insert((id.slot, id.generation), *accepted);
    }

    /// The number of a try's connection.
    pub(super) fn number(&self, send: &Send) -> usize {
        let id = send.connection.expect("what is sent has a connection");
        self.numbers[&(id.slot, id.generation)]
    }
}
