//! The mesh that manifests make, asked for what its proxies are told.

use control_plane::{Edge, MeshConfig, PodId, ProxyRef, Registry};
use manifest::Invalid;
use xds::{RunningProxy, Snapshot};

use crate::args::{MeshArgs, ProxyArgs};
use crate::manifests::Manifests;
use crate::mesh_config;
use crate::output::Output;
use crate::pod_name::find_pod;
use crate::refusal::{Failure, Refusal};
use crate::similar::most_similar;

/// A compiled mesh and the files behind it.
#[derive(Debug)]
pub(crate) struct Mesh {
    /// The manifests.
    pub(crate) manifests: Manifests,
    compiled: control_plane::Mesh,
}

impl Mesh {
    /// Reads and compiles what the flags name.
    pub(crate) fn read(args: &MeshArgs, output: &Output) -> Result<Self, Failure> {
        let manifests = Manifests::read(&args.manifests, &[], Invalid::LeftOut, output)?;
        manifests.accept(args.skip_invalid, output)?;
        let config = mesh_config::read(
            args.manifests.mesh_config.as_deref(),
            &manifests.resources,
            output,
        )?;
        let compiled = control_plane::compile(&manifests.resources, &config);
        Ok(Self {
            manifests,
            compiled,
        })
    }

    /// Services and pods.
    pub(crate) fn registry(&self) -> &Registry {
        self.compiled.registry()
    }

    /// The configuration that the mesh was compiled under.
    pub(crate) fn config(&self) -> &MeshConfig {
        self.compiled.config()
    }

    /// What the sidecar of a pod is told; none: it has no sidecar.
    fn snapshot(&self, pod: PodId) -> Option<Snapshot> {
        let pod = self.registry().pod(pod);
        let proxy = ProxyRef::new(&pod.namespace, &pod.name);
        self.compiled.snapshot(&proxy).ok()
    }

    /// The proxy that the flags name, as if it ran.
    pub(crate) fn proxy(args: &ProxyArgs, output: &Output) -> Result<RunningProxy, Failure> {
        let mesh = Self::read(&args.mesh, output)?;
        let id = find_pod(mesh.registry(), &args.proxy, &args.mesh.manifests.namespace)?;
        let snapshot = mesh.snapshot(id).ok_or_else(|| mesh.without_sidecar(id))?;
        let pod = mesh.registry().pod(id);
        Ok(RunningProxy {
            snapshot,
            ip: Some(pod.ip),
            dns_domain: format!("{}.svc.{}", pod.namespace, mesh.config().domain_suffix),
        })
    }

    /// The proxy of a Gateway.
    pub(crate) fn edge_of_gateway(&self, namespace: &str, name: &str) -> Result<Edge, Refusal> {
        let compiled = &self.compiled;
        compiled.edge_of_gateway(namespace, name).ok_or_else(|| {
            let asked = format!("{namespace}/{name}");
            let refusal = Refusal::new(format!("no Gateway is called `{asked}`"));
            match most_similar(&asked, compiled.gateway_names()) {
                Some(meant) => refusal.with_help(format!("did you mean `{meant}`?")),
                None => refusal,
            }
        })
    }

    /// The mesh itself.
    pub(crate) fn compiled(&self) -> &control_plane::Mesh {
        &self.compiled
    }

    /// Why a pod has no sidecar.
    pub(crate) fn without_sidecar(&self, pod: PodId) -> Refusal {
        let pod = self.registry().pod(pod);
        let name = format!("{}/{}", pod.namespace, pod.name);
        Refusal::new(format!(
            "`{name}` has no sidecar: {}",
            pod.template.injection
        ))
        .with_help(
            "label its namespace `istio-injection: enabled`, in a Namespace among the manifests",
        )
    }
}
