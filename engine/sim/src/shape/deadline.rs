//! Deadlines: how long whoever sent a head waits, as its headers say.

use super::{HeadId, Shapes};
use base::SimDuration;
use proxy::request::RequestHead;

impl Shapes {
    /// How long whoever sent a request with this head waits, as its headers say.
    #[inline]
    pub(crate) fn deadline(&mut self, head: HeadId) -> Option<SimDuration> {
        let heads = &self.heads;
        let told = self.deadlines.entry(head);
        *told.or_insert_with(|| told_deadline(&heads[head.index()]))
    }
}

/// The shorter of what `grpc-timeout` and Envoy's header say.
fn told_deadline(head: &RequestHead) -> Option<SimDuration> {
    let first = |name| head.values(name).next();
    let grpc = first("grpc-timeout").and_then(read_grpc_timeout);
    let envoy = first("x-envoy-expected-rq-timeout-ms")
        .and_then(|millis| millis.parse().ok())
        .filter(|millis| *millis > 0)
        .map(SimDuration::from_millis);
    grpc.into_iter().chain(envoy).min()
}

/// Source: gRPC over HTTP/2, "Requests", the grammar of Timeout.
fn read_grpc_timeout(text: &str) -> Option<SimDuration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let nanos = match unit {
        "H" => 3_600_000_000_000,
        "M" => 60_000_000_000,
        "S" => 1_000_000_000,
        "m" => 1_000_000,
        "u" => 1000,
        "n" => 1,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    Some(SimDuration::from_nanos(number.checked_mul(nanos)?))
}
