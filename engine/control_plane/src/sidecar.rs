//! Which Sidecar resource holds for a pod.
//!
//! Those of its namespace come first, those with selectors before those without, each by age; the first one that
//! selects the pod holds alone, nothing is merged. Else the oldest of the root namespace without a selector holds, as if
//! it stood in the pod's namespace; else none.
//!
//! Source: istio/istio, pilot/pkg/model/push_context.go (initSidecarScopes, doGetSidecarScope).

use std::collections::BTreeMap;
use std::sync::Arc;

use manifest::Sidecar;

use crate::mesh_config::MeshConfig;
use crate::virtual_service::age;

base::id! {
    /// A Sidecar, those with selectors first, each by age.
    pub(crate) SidecarId
}

/// All Sidecar resources.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sidecars {
    all: Vec<Arc<Sidecar>>,
    by_namespace: BTreeMap<String, Vec<SidecarId>>,
    /// The one that holds where a namespace has none.
    of_root: Option<SidecarId>,
}

impl Sidecars {
    pub(crate) fn new(written: &[Sidecar], mesh: &MeshConfig) -> Self {
        let mut all: Vec<_> = written.iter().collect();
        all.sort_by_key(|object| (object.spec.workload_selector.is_none(), age(&object.meta)));
        let mut sidecars = Self::default();
        for object in all {
            let id = SidecarId::new(sidecars.all.len());
            let is_for_all = object.spec.workload_selector.is_none();
            if is_for_all && object.meta.namespace == mesh.root_namespace {
                sidecars.of_root.get_or_insert(id);
            }
            let same = sidecars.by_namespace.entry(object.meta.namespace.clone());
            same.or_default().push(id);
            sidecars.all.push(Arc::new(object.clone()));
        }
        sidecars
    }

    /// The one that holds for a pod of `namespace` with these labels.
    pub(crate) fn of(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Option<SidecarId> {
        let own = self.by_namespace.get(namespace).into_iter().flatten();
        own.copied()
            .find(|id| {
                let selector = &self.get(*id).spec.workload_selector;
                selector
                    .as_ref()
                    .is_none_or(|selector| selector.selects(labels))
            })
            .or(self.of_root)
    }

    pub(crate) fn get(&self, id: SidecarId) -> &Arc<Sidecar> {
        &self.all[id.index()]
    }
}
