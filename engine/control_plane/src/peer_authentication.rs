//! What sidecars ask of clients: mutual TLS, plain text, or either.
//!
//! The oldest policy of each level counts: for the mesh (in the root namespace), for a namespace, for the workloads that
//! it selects, and for single ports of theirs. A level that says nothing, or `UNSET`, leaves it to the next wider one;
//! without any, both are taken.
//!
//! Source: istio/istio, pilot/pkg/security/authn/policy_applier.go (ComposePeerAuthentication), pilot/pkg/model/
//! authentication.go (addPeerAuthentication), push_context.go (BestEffortInferServiceMTLSMode).

use std::collections::BTreeMap;

use manifest::PeerAuthentication;
use manifest::peer_authentication::{MutualTls, MutualTlsMode};
use manifest::span::Spanned;

use crate::mesh_config::MeshConfig;
use crate::virtual_service::age;

/// What a port asks of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PeerMode {
    /// Plain text.
    Disable,
    /// Either.
    #[default]
    Permissive,
    /// Mutual TLS.
    Strict,
}

/// What a workload asks of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct PeerPolicy {
    mode: PeerMode,
    /// Ports with a word of their own.
    ports: BTreeMap<u16, PeerMode>,
}

impl PeerPolicy {
    /// What holds where no port has a word of its own.
    pub(crate) fn mode(&self) -> PeerMode {
        self.mode
    }

    /// What holds at a port.
    pub(crate) fn at(&self, port: u16) -> PeerMode {
        self.ports.get(&port).copied().unwrap_or(self.mode)
    }

    /// The ports with a word of their own.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (u16, PeerMode)> {
        self.ports.iter().map(|(port, mode)| (*port, *mode))
    }
}

/// All PeerAuthentications.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerAuthentications {
    of_mesh: PeerMode,
    of_namespace: BTreeMap<String, PeerMode>,
    /// Those for single workloads, by namespace, each by age.
    of_workloads: BTreeMap<String, Vec<PeerAuthentication>>,
    /// Those that say what holds for a whole namespace, the root namespace's for the mesh.
    of_whole: BTreeMap<String, PeerAuthentication>,
    root: String,
}

impl PeerAuthentications {
    pub(crate) fn new(written: &[PeerAuthentication], mesh: &MeshConfig) -> Self {
        let mut all: Vec<_> = written.iter().collect();
        all.sort_by_key(|object| age(&object.meta));
        let mut policies = Self {
            root: mesh.root_namespace.clone(),
            ..Self::default()
        };
        let mut of_namespace = BTreeMap::new();
        for object in all {
            let namespace = &object.meta.namespace;
            let selector = object.spec.selector.as_ref();
            if selector.is_none_or(|selector| selector.match_labels.is_empty()) {
                let mode = said(object.spec.mtls.as_ref());
                let whole = policies.of_whole.entry(namespace.clone());
                whole.or_insert_with(|| object.clone());
                of_namespace.entry(namespace.clone()).or_insert(mode);
            } else if *namespace != mesh.root_namespace {
                let same = policies.of_workloads.entry(namespace.clone());
                same.or_default().push(object.clone());
            }
        }
        let of_mesh = of_namespace.remove(&mesh.root_namespace);
        policies.of_mesh = of_mesh.flatten().unwrap_or_default();
        policies.of_namespace = of_namespace
            .into_iter()
            .map(|(namespace, mode)| (namespace, mode.unwrap_or(policies.of_mesh)))
            .collect();
        policies
    }

    /// What a namespace's workloads ask where nothing more is said: all that clients know of a service.
    pub(crate) fn of_namespace(&self, namespace: &str) -> PeerMode {
        let own = self.of_namespace.get(namespace);
        own.copied().unwrap_or(self.of_mesh)
    }

    /// Whether there are any.
    pub(crate) fn are_any(&self) -> bool {
        !self.of_whole.is_empty() || !self.of_workloads.is_empty()
    }

    /// The policy that says what a workload asks at a port; none where nothing is said.
    pub(crate) fn decisive(
        &self,
        namespace: &str,
        has_labels: impl Fn(&BTreeMap<String, String>) -> bool,
        port: u16,
    ) -> Option<&PeerAuthentication> {
        let own = self.own(namespace, has_labels).filter(|own| {
            let mut ports = own.spec.port_level_mtls.iter();
            let at_port = ports.find(|(written, _)| written.parse() == Ok(port));
            said(own.spec.mtls.as_ref()).is_some()
                || at_port.is_some_and(|(_, mtls)| said(Some(mtls)).is_some())
        });
        let of_whole = |namespace: &str| {
            let whole = self.of_whole.get(namespace);
            whole.filter(|whole| said(whole.spec.mtls.as_ref()).is_some())
        };
        own.or_else(|| of_whole(namespace))
            .or_else(|| of_whole(&self.root))
    }

    /// The policy for single workloads that holds for one.
    fn own(
        &self,
        namespace: &str,
        has_labels: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> Option<&PeerAuthentication> {
        let mut own = self.of_workloads.get(namespace).into_iter().flatten();
        own.find(|object| {
            let selector = object.spec.selector.as_ref();
            selector.is_some_and(|selector| has_labels(&selector.match_labels))
        })
    }

    /// What a workload asks whose labels `has_labels` knows.
    pub(crate) fn of_workload(
        &self,
        namespace: &str,
        has_labels: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> PeerPolicy {
        let inherited = self.of_namespace(namespace);
        let Some(own) = self.own(namespace, has_labels) else {
            return PeerPolicy {
                mode: inherited,
                ports: BTreeMap::new(),
            };
        };
        let mode = said(own.spec.mtls.as_ref()).unwrap_or(inherited);
        let ports = own.spec.port_level_mtls.iter();
        PeerPolicy {
            mode,
            ports: ports
                .filter_map(|(port, mtls)| {
                    Some((port.parse().ok()?, said(Some(mtls)).unwrap_or(mode)))
                })
                .collect(),
        }
    }
}

/// The mode that is written; none for `UNSET`.
fn said(mtls: Option<&Spanned<MutualTls>>) -> Option<PeerMode> {
    match mtls?.mode {
        MutualTlsMode::Unset => None,
        MutualTlsMode::Disable => Some(PeerMode::Disable),
        MutualTlsMode::Permissive => Some(PeerMode::Permissive),
        MutualTlsMode::Strict => Some(PeerMode::Strict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::Source;

    /// Policies: namespace, name, and the rest of `spec`.
    fn policies(written: &[(&str, &str, &str)]) -> PeerAuthentications {
        let documents = written.iter().map(|(namespace, name, spec)| {
            format!(
                "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                 metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"
            )
        });
        let text: String = documents.collect();
        let (resources, problems) = manifest::parse(&[Source::new("p.yaml", text)], "default");
        assert!(problems.is_empty(), "{problems:?}");
        PeerAuthentications::new(&resources.peer_authentications, &MeshConfig::default())
    }

    fn of(policies: &PeerAuthentications, namespace: &str, app: &str) -> PeerPolicy {
        policies.of_workload(namespace, |labels| {
            labels
                .iter()
                .all(|(key, value)| key == "app" && value == app)
        })
    }

    #[test]
    fn the_narrowest_level_that_says_something_holds() {
        let policies = policies(&[
            ("istio-system", "mesh", "{mtls: {mode: STRICT}}"),
            ("a", "unset", "{mtls: {mode: UNSET}}"),
            ("b", "plain", "{mtls: {mode: DISABLE}}"),
            (
                "b",
                "web",
                "{selector: {matchLabels: {app: web}}, mtls: {mode: PERMISSIVE}, \
                 portLevelMtls: {8080: {mode: STRICT}, 9090: {}}}",
            ),
            (
                "b",
                "api",
                "{selector: {matchLabels: {app: api}}, portLevelMtls: {8080: {mode: STRICT}}}",
            ),
            (
                "istio-system",
                "web",
                "{selector: {matchLabels: {app: web}}, mtls: {mode: DISABLE}}",
            ),
        ]);
        assert_eq!(policies.of_namespace("elsewhere"), PeerMode::Strict);
        assert_eq!(of(&policies, "a", "web").mode(), PeerMode::Strict);
        assert_eq!(of(&policies, "b", "db").at(8080), PeerMode::Disable);
        for (namespace, app, port, decisive) in [
            ("a", "web", 80, Some("mesh")),
            ("b", "db", 80, Some("plain")),
            ("b", "web", 80, Some("web")),
            ("b", "api", 80, Some("plain")),
            ("b", "api", 8080, Some("api")),
        ] {
            let has =
                |labels: &BTreeMap<String, String>| labels.get("app").is_some_and(|own| own == app);
            let found = policies.decisive(namespace, has, port);
            let name = found.map(|found| found.meta.name.as_str());
            assert_eq!(name, decisive, "{namespace} {app} {port}");
        }
        let web = of(&policies, "b", "web");
        assert_eq!(web.at(80), PeerMode::Permissive);
        assert_eq!(web.at(8080), PeerMode::Strict);
        assert_eq!(web.at(9090), PeerMode::Permissive);
        let api = of(&policies, "b", "api");
        assert_eq!(
            (api.at(80), api.at(8080)),
            (PeerMode::Disable, PeerMode::Strict)
        );
    }

    #[test]
    fn the_oldest_of_a_level_holds() {
        let policies = policies(&[
            ("a", "second", "{mtls: {mode: STRICT}}"),
            ("a", "first", "{mtls: {mode: DISABLE}}"),
        ]);
        assert_eq!(policies.of_namespace("a"), PeerMode::Disable);
        assert_eq!(
            PeerAuthentications::default().of_namespace("a"),
            PeerMode::Permissive
        );
    }
}
