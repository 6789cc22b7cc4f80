//! Whether what was measured is as a selector says: all conditions that are written must hold.

use crate::expectation::{Selector, StatusClass};
use crate::object_name::ObjectName;
use crate::place::Placed;
use telemetry::{
    AttemptLabels, DestinationLabels, EjectionRecord, JourneyLabels, Outcome, RequestLabels,
    WorkloadLabels,
};

pub(super) fn is_request(select: &Selector, labels: &RequestLabels) -> bool {
    is_text(&select.traffic, &labels.caller)
        && is_workload(
            &select.source_workload,
            &select.source_version,
            &labels.source,
        )
        && is_destination(select, &labels.destination)
        && select.destination_pod.as_ref().is_none_or(|wanted| {
            let pod = labels.destination_pod.split_once('/');
            pod == Some((&wanted.namespace, &wanted.name))
        })
        && select
            .request_protocol
            .is_none_or(|wanted| wanted == labels.request_protocol)
        && is_response(select, labels.response_code, &labels.response_flags)
        && is_grpc_status(select, labels.grpc_response_status)
        && is_text(&select.degraded, &labels.degraded)
}

pub(super) fn is_journey(select: &Selector, labels: &JourneyLabels) -> bool {
    is_text(&select.traffic, &labels.traffic)
        && is_response(select, labels.response_code, &labels.response_flags)
        && is_grpc_status(select, labels.grpc_response_status)
        && is_text(&select.degraded, &labels.degraded)
}

pub(super) fn is_attempt(select: &Selector, labels: &AttemptLabels) -> bool {
    let status = match labels.outcome {
        Outcome::Response(status) => status,
        Outcome::Reset | Outcome::Abandoned => 0,
    };
    is_text(&select.traffic, &labels.caller)
        && is_workload(
            &select.source_workload,
            &select.source_version,
            &labels.source,
        )
        && is_destination(select, &labels.destination)
        && is_status(&select.response_code, status)
}

pub(super) fn is_station(select: &Selector, workload: &WorkloadLabels, pod: &str) -> bool {
    is_workload(&select.workload, &None, workload)
        && select
            .pod
            .as_ref()
            .is_none_or(|wanted| wanted.name == pod && wanted.namespace == workload.namespace)
}

pub(super) fn is_ejection(select: &Selector, record: &EjectionRecord) -> bool {
    is_text(&select.destination_service, &record.service)
        && is_text(&select.subset, &record.subset)
        && select
            .pod
            .as_ref()
            .is_none_or(|wanted| wanted.name == record.pod)
}

fn is_destination(select: &Selector, labels: &DestinationLabels) -> bool {
    let service = select.destination_service.as_ref();
    service.is_none_or(|wanted| **wanted == labels.service || **wanted == labels.host)
        && is_text(&select.subset, &labels.subset)
        && is_workload(
            &select.destination_workload,
            &select.destination_version,
            &labels.workload,
        )
}

fn is_workload(
    name: &Option<Placed<ObjectName>>,
    version: &Option<Placed<String>>,
    labels: &WorkloadLabels,
) -> bool {
    name.as_ref()
        .is_none_or(|wanted| wanted.name == labels.workload && wanted.namespace == labels.namespace)
        && is_text(version, &labels.version)
}

fn is_response(select: &Selector, code: u16, flags: &str) -> bool {
    is_status(&select.response_code, code)
        && (select.response_flags.is_empty()
            || select.response_flags.iter().any(|wanted| wanted == flags))
}

fn is_grpc_status(select: &Selector, status: Option<u8>) -> bool {
    select.grpc_status.is_empty() || status.is_some_and(|s| select.grpc_status.contains(&s))
}

fn is_status(wanted: &[StatusClass], status: u16) -> bool {
    wanted.is_empty() || wanted.iter().any(|class| class.contains(status))
}

fn is_text(wanted: &Option<Placed<String>>, text: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| **wanted == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::RequestProtocol;

    #[test]
    fn protocols_and_grpc_statuses_tell_requests_apart() {
        let labels = |request_protocol, grpc_response_status| RequestLabels {
            request_protocol,
            grpc_response_status,
            ..RequestLabels::default()
        };
        let select = Selector {
            request_protocol: Some(RequestProtocol::Grpc),
            grpc_status: vec![13, 14],
            ..Selector::default()
        };
        for (protocol, status, is_selected) in [
            (RequestProtocol::Grpc, Some(14), true),
            (RequestProtocol::Grpc, Some(0), false),
            (RequestProtocol::Grpc, None, false),
            (RequestProtocol::Http, Some(14), false),
        ] {
            let found = is_request(&select, &labels(protocol, status));
            assert_eq!(found, is_selected, "{protocol:?} {status:?}");
        }
    }
}
