//! When a request is explained: under the manifests of that time, and with the settings that controllers had come to by then.
//!
//! Settings are kept by change, one mesh for each (see [`Held`](crate::compile::Held)); which of them held when is what a
//! run tells. Where a setting begins at the very time of a request, the one before may have decided as well: whoever knows
//! what became of the request tells them apart ([`Moment::all`]).

use crate::compile::{Compiled, Held, Writes};
use crate::object_name::ObjectName;
use base::SimTime;
use control_plane::Mesh;
use explain::model::{Explanation, Hop, Writer};
use telemetry::Settings;

/// A time of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'s> {
    pub(crate) at: SimTime,
    /// The place of the setting of all deliveries.
    setting: usize,
    settings: &'s Settings,
}

impl<'s> Moment<'s> {
    /// A time with the setting that began last.
    pub(crate) fn new(at: SimTime, settings: &'s Settings) -> Self {
        let mut all = Self::all(at, settings).into_iter();
        all.next().expect("some setting always holds")
    }

    /// A time with each setting that held then, the last first.
    pub(crate) fn all(at: SimTime, settings: &'s Settings) -> Vec<Self> {
        let places = settings.places_at(at).into_iter();
        let with = |setting| Self {
            at,
            setting,
            settings,
        };
        places.map(with).collect()
    }

    /// Who wrote what decides about a request, beside manifests.
    pub(crate) fn writers(self, compiled: &Compiled, explanation: &Explanation) -> Vec<Writer> {
        let all = compiled.writers.iter().enumerate();
        let writers = all.filter_map(|(delivery, writes)| {
            let step = self.settings.step_at(delivery, self.at)?;
            let hops = explanation.hops.iter();
            let mut wrote: Vec<String> = Vec::new();
            for object in hops.flat_map(|hop| written(writes, hop)) {
                if !wrote.contains(&object) {
                    wrote.push(object);
                }
            }
            // Marks name the delivery first; here its object does.
            let text = step.text.split_once(": ").map_or("", |(_, text)| text);
            (!wrote.is_empty()).then(|| Writer {
                object: writes.object.clone(),
                wrote,
                step: text.to_owned(),
                at_seconds: step.at.as_secs_f64(),
            })
        });
        writers.collect()
    }
}

/// What of all that a controller writes decides at a proxy.
fn written(writes: &Writes, hop: &Hop) -> Vec<String> {
    let rule = hop.route.as_ref().map(|route| &route.rule);
    let rule = rule.filter(|rule| rule.kind == "VirtualService");
    let rule = rule.and_then(|rule| rule.virtual_service.as_ref());
    let route = rule.filter(|name| writes.virtual_services.contains(name));
    let services = writes.services.iter().filter(|service| {
        let (namespace, name) = service.split_once('/').unwrap_or(("", service));
        let host = format!("|{name}.{namespace}.svc.");
        (hop.clusters.iter()).any(|cluster| cluster.name.contains(&host))
    });
    let route = route.map(|name| format!("VirtualService {name}"));
    let services = services.map(|name| format!("Service {name}"));
    route.into_iter().chain(services).collect()
}

impl Compiled {
    /// The mesh that manifests and controllers make at a time; none with an Envoy in their place.
    pub(crate) fn mesh_at(&self, moment: Moment<'_>) -> Option<&Mesh> {
        let held = self.held_at(moment.at)?;
        Some(match moment.setting {
            0 => held.as_written.as_ref().unwrap_or(&held.mesh),
            setting => held.others.get(setting - 1)?,
        })
    }

    /// The same with this pod: one of those that manifests do not ask for, if need be.
    pub(crate) fn mesh_with(&self, pod: &ObjectName, moment: Moment<'_>) -> Option<&Mesh> {
        let mesh = self.mesh_at(moment)?;
        let ObjectName { namespace, name } = pod;
        let has = mesh.registry().pod_by_name(namespace, name).is_some();
        match (has, moment.setting) {
            (false, 0) => Some(&self.held_at(moment.at)?.mesh),
            (true, _) | (false, _) => Some(mesh),
        }
    }

    fn held_at(&self, at: SimTime) -> Option<&Held> {
        let mut held = self.meshes.iter().rev();
        held.find(|held| held.from <= at)
    }
}
