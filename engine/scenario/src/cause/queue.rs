//! A queue that was full: which one, how many may wait in it, and where that is written.

use super::DecidingRule;
use crate::answer::{Known, Whose};
use crate::compile::Compiled;
use crate::file::Scenario;
use crate::moment::Moment;
use crate::object_name::ObjectName;
use crate::place::Place;
use crate::timeline::ServerChange;
use sim::plan::Overflow;
use telemetry::AccessLogEntry;

/// The queue of the pod that answered a request as one whose queue is full does.
pub(super) fn full(
    scenario: &Scenario,
    compiled: &Compiled,
    (entry, moment): (&AccessLogEntry, Moment<'_>),
) -> Option<DecidingRule> {
    let of = &entry.destination.workload;
    let name = ObjectName {
        namespace: of.namespace.clone(),
        name: entry.destination_pod.clone(),
    };
    let known = Known {
        workloads: &scenario.workloads,
        catalogue: &scenario.catalogue,
    };
    let pod = compiled.mesh_with(&name, moment).and_then(|mesh| {
        let pod = mesh.registry().pod_by_name(&name.namespace, &name.name)?;
        Some(mesh.registry().pod(pod))
    });
    let whose = pod.map_or(Whose::Address(&name.name), Whose::Pod);
    let (limit, place) = known.asked(&whose, |server, candidate| {
        let is_so = server.on_full == Overflow::Respond(entry.response_code);
        let mut found = (server.queue, server.queue_place.clone());
        for change in changes(scenario, entry) {
            if change.patch.queue.is_some() && change.target.matches(candidate) {
                found = (
                    change.patch.queue.flatten(),
                    change.patch.queue_place.clone(),
                );
            }
        }
        is_so.then_some(found)
    })??;
    let Place { location, .. } = place?;
    Some(DecidingRule {
        object: format!("{}, where {} may wait", of.full_name(), limit?),
        fields: vec!["queue"],
        location,
        rejected: String::new(),
        written_by: String::new(),
    })
}

/// What the timeline says about servers at the time of a request, in order.
fn changes<'s>(
    scenario: &'s Scenario,
    entry: &AccessLogEntry,
) -> impl Iterator<Item = &'s ServerChange> {
    let at = entry.started;
    let all = scenario.timeline.iter();
    all.filter(move |change| {
        let is_over = change.lasts.is_some_and(|lasts| change.at + lasts <= at);
        change.at <= at && !is_over
    })
    .filter_map(|change| change.server.as_ref())
}
