//! Responses and scripts as a world plays them: what an act leaves open is as its endpoint says.

use crate::compile::mark::Marks;
use crate::script::{Act, Ending, Script};
use crate::server::Endpoint;
use base::Sizes;
use proxy::input::ResetReason;
use proxy::response::ResponseHead;
use sim::act;

/// The head of a response; `grpc-status` has a place of its own.
pub(super) fn head(status: u16, headers: &[(String, String)]) -> ResponseHead {
    let grpc = headers.iter().find(|(name, _)| name == GRPC_STATUS);
    ResponseHead {
        status,
        grpc_status: grpc.and_then(|(_, value)| value.parse().ok()),
        headers: headers
            .iter()
            .filter(|(name, _)| name != GRPC_STATUS)
            .cloned()
            .collect(),
    }
}

const GRPC_STATUS: &str = "grpc-status";

/// How long a body is: as is written, or as long as what it says.
pub(super) fn sizes(body: &str, written: Option<&Sizes>) -> Sizes {
    written.map_or_else(|| Sizes::constant_of(body.len() as u64), Clone::clone)
}

/// A script of an endpoint.
pub(super) fn script(script: &Script, endpoint: &Endpoint, marks: &Marks) -> act::Script {
    let mut weight = 0;
    let acts = script.acts.iter().map(|one| {
        weight += u64::from(one.weight);
        act::Act {
            weight,
            ..act(one, endpoint, marks)
        }
    });
    act::Script {
        by: script.by,
        acts: acts.collect(),
    }
}

fn act(act: &Act, endpoint: &Endpoint, marks: &Marks) -> act::Act {
    let Act {
        ending,
        status,
        headers,
        close,
        service_time,
        body_time,
        body,
        body_bytes,
        degraded,
        weight: _,
    } = act;
    let is_error = status.is_some_and(|status| status >= 400 && status != endpoint.status);
    let (said, size) = match body {
        Some(body) => (body.as_str(), body_bytes.as_ref()),
        None if is_error => ("", body_bytes.as_ref()),
        None => {
            let own = endpoint.body_bytes.as_ref();
            (endpoint.body.as_str(), body_bytes.as_ref().or(own))
        }
    };
    let mut all: Vec<(String, String)> = Vec::new();
    let is_new = |(name, _): &&(String, String)| headers.iter().all(|(own, _)| own != name);
    all.extend(endpoint.response_headers.iter().filter(is_new).cloned());
    all.extend(headers.iter().cloned());
    if *close {
        all.push(("connection".to_owned(), "close".to_owned()));
    }
    act::Act {
        ending: match ending {
            Ending::Respond => act::Ending::Respond,
            Ending::Cut => act::Ending::Cut(ResetReason::ConnectionTermination),
            Ending::Fin | Ending::Rst => act::Ending::Reset(ResetReason::ConnectionTermination),
            Ending::Garbage => act::Ending::Reset(ResetReason::ProtocolError),
            Ending::ResetStream => act::Ending::Reset(ResetReason::RemoteReset),
            Ending::RefuseStream => act::Ending::Reset(ResetReason::RemoteRefusedStream),
            Ending::Hang => act::Ending::Hang,
        },
        response: head(status.unwrap_or(endpoint.status), &all),
        service_time: service_time
            .as_ref()
            .unwrap_or(&endpoint.service_time)
            .clone(),
        body_time: body_time.as_ref().unwrap_or(&endpoint.body_time).clone(),
        body: said.to_owned(),
        body_bytes: sizes(said, size),
        mark: marks.of_word(if degraded.is_empty() {
            &endpoint.degraded
        } else {
            degraded
        }),
        weight: 0,
    }
}
