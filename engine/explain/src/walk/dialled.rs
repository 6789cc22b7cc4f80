//! What the URL's host leads to.

use control_plane::dns::Answer;
use control_plane::registry::Provider;
use control_plane::{PodId, Service};

use super::Walk;
use crate::hop::{Next, full_name};
use crate::layer;
use crate::request::Request;

impl Walk<'_> {
    /// What the URL's host leads to, in words.
    pub(super) fn arrival(&self, request: &Request, dialled: &Answer) -> String {
        let registry = self.mesh.registry();
        let (host, port) = (&request.host, request.port);
        let address = dialled.ip.map(|ip| format!("{ip}:{port}"));
        match (dialled.service, dialled.pod, address) {
            (Some(service), Some(pod), Some(address)) => {
                let (service, pod) = (registry.service(service), registry.pod(pod));
                format!(
                    "`{host}` leads to the pod {} at {address}, of the headless Service {}/{}",
                    full_name(pod),
                    service.namespace,
                    service.name
                )
            }
            (None, Some(pod), Some(address)) => {
                let name = full_name(registry.pod(pod));
                format!("`{host}` is the pod {name} at {address}")
            }
            (Some(service), _, address) => {
                let service = registry.service(service);
                let name = in_words(service);
                match (address, service.provider) {
                    (Some(address), _) => format!("`{host}` is {name} at {address}"),
                    (None, Provider::Kubernetes) => {
                        format!("`{host}` is {name}, none of whose pods is ready")
                    }
                    (None, Provider::ServiceEntry) => {
                        format!(
                            "`{host}` is {name}, whose address others know; port {port} is dialled"
                        )
                    }
                }
            }
            (None, ..) => format!("the cluster does not know `{host}`; port {port} is dialled"),
        }
    }

    /// Where what is dialled arrives.
    pub(super) fn dialled_pod(&self, request: &Request, dialled: &Answer) -> Option<Next> {
        let (pod, port) = self.pod_at(dialled, request.port)?;
        Some(Next {
            pod: Some(pod),
            port,
            head: request.head.clone(),
            layer: layer::of(request),
        })
    }

    /// Whether it is nothing that Kubernetes knows.
    pub(super) fn is_outside(&self, dialled: &Answer) -> bool {
        let registry = self.mesh.registry();
        let service = dialled.service.map(|service| registry.service(service));
        dialled.pod.is_none()
            && service.is_none_or(|service| service.provider == Provider::ServiceEntry)
    }

    /// The pod at an address and a port, or the first that Kubernetes may choose for it, and the port there.
    pub(super) fn pod_at(&self, dialled: &Answer, port: u16) -> Option<(PodId, u16)> {
        let registry = self.mesh.registry();
        if let Some(pod) = dialled.pod {
            return Some((pod, port));
        }
        let service = registry.service(dialled.service?);
        if service.provider == Provider::ServiceEntry {
            return None;
        }
        let port = service.port(port)?;
        let ready = registry
            .endpoints(service, port)
            .find(|behind| behind.is_ready)?;
        let pod = registry.endpoint_pod(ready.endpoint)?;
        Some((pod, ready.port))
    }
}

fn in_words(service: &Service) -> String {
    match service.provider {
        Provider::Kubernetes => format!("the Service {}/{}", service.namespace, service.name),
        Provider::ServiceEntry => {
            let (namespace, host) = (&service.namespace, &service.hostname);
            format!("the host {host} of a ServiceEntry in {namespace}")
        }
    }
}
