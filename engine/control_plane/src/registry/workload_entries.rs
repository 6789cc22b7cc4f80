//! WorkloadEntries, and the endpoints that ServiceEntries write themselves.
//!
//! Source: istio/istio, pilot/pkg/serviceregistry/serviceentry/conversion.go (ConvertWorkloadEntry,
//! convertWorkloadEntryToWorkloadInstance, getTLSModeFromWorkloadEntry), controller.go (isHealthy).

use base::Location;
use manifest::Resources;
use manifest::workload_entry::WorkloadEntrySpec;

use super::WorkloadEntry;
use super::pods::label_locality;
use crate::virtual_service::age;

/// All WorkloadEntries, the oldest first.
pub(super) fn workload_entries(resources: &Resources) -> Vec<WorkloadEntry> {
    let mut written: Vec<_> = resources.workload_entries.iter().collect();
    written.sort_by_key(|object| age(&object.meta));
    let entries = written.into_iter().map(|object| {
        let meta = &object.meta;
        let mut entry = workload_entry(
            &object.spec,
            &meta.namespace,
            meta.name.clone(),
            &object.location,
        );
        // The object's own labels win over those of its spec.
        entry.labels.extend(meta.labels.clone());
        complete(&mut entry, &object.spec);
        entry
    });
    entries.collect()
}

/// An endpoint that a ServiceEntry writes itself.
pub(super) fn inline(
    spec: &WorkloadEntrySpec,
    namespace: &str,
    name: String,
    location: &Location,
) -> WorkloadEntry {
    let mut entry = workload_entry(spec, namespace, name, location);
    complete(&mut entry, spec);
    entry
}

fn workload_entry(
    spec: &WorkloadEntrySpec,
    namespace: &str,
    name: String,
    location: &Location,
) -> WorkloadEntry {
    let address = spec.address().to_owned();
    WorkloadEntry {
        namespace: namespace.to_owned(),
        name,
        ip: address.parse().ok(),
        address,
        ports: spec
            .ports
            .iter()
            .filter_map(|(name, port)| Some((name.clone(), u16::try_from(port.value).ok()?)))
            .filter(|(_, port)| *port > 0)
            .collect(),
        labels: spec.labels.clone(),
        network: spec
            .network
            .as_ref()
            .map_or_else(String::new, |network| network.value.clone()),
        locality: xds::Locality::default(),
        weight: spec.weight.max(1),
        has_sidecar: false,
        location: location.clone(),
    }
}

/// Fills in what follows from the labels.
fn complete(entry: &mut WorkloadEntry, spec: &WorkloadEntrySpec) {
    entry.locality = match &spec.locality {
        Some(text) if !text.is_empty() => super::pods::locality_of(text),
        _ => label_locality(&entry.labels).unwrap_or_default(),
    };
    entry.has_sidecar = match entry.labels.get("security.istio.io/tlsMode") {
        Some(mode) => mode == "istio",
        None => !spec.service_account.is_empty(),
    };
}
