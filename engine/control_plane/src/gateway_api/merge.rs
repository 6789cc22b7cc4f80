//! Routes that attach to the same listener, or service, with the same host become one VirtualService.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/route_collections.go (mergeHTTPRoutes).

use std::collections::BTreeMap;

use manifest::ObjectMeta;
use manifest::timestamp::Timestamp;

use super::precedence;
use crate::virtual_service::VirtualService;

/// VirtualServices by what they are for: a listener or a service's clients, and a host.
#[derive(Default)]
pub(super) struct Merged(BTreeMap<String, Vec<Part>>);

/// What one route contributes.
struct Part {
    age: (Option<Timestamp>, String, String),
    virtual_service: VirtualService,
}

impl Merged {
    /// Adds what a route contributes under a key.
    pub(super) fn add(&mut self, key: String, meta: &ObjectMeta, virtual_service: VirtualService) {
        let age = (
            meta.creation_timestamp,
            meta.name.clone(),
            meta.namespace.clone(),
        );
        self.0.entry(key).or_default().push(Part {
            age,
            virtual_service,
        });
    }

    /// One VirtualService for each key: the oldest route gives its name, and the closest match comes first.
    pub(super) fn finish(self) -> Vec<VirtualService> {
        let merge = |(key, mut parts): (String, Vec<Part>)| {
            parts.sort_by(|a, b| a.age.cmp(&b.age));
            let mut parts = parts.into_iter().map(|part| part.virtual_service);
            let mut merged = parts.next()?;
            for part in parts {
                merged.http.extend(part.http);
            }
            precedence::sort(&mut merged.http);
            merged.object = format!("{}/{}", merged.namespace, key.replace('/', "~")).into();
            Some(merged)
        };
        self.0.into_iter().filter_map(merge).collect()
    }
}
