//! What the URL's host leads to.

use control_plane::Service;
use control_plane::dns::Answer;
use control_plane::registry::Provider;

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

    /// The pod at the address that is dialled, or the first that Kubernetes may choose for it.
    pub(super) fn dialled_pod(&self, request: &Request, dialled: &Answer) -> Option<Next> {
        let registry = self.mesh.registry();
        let next = |pod, port| Next {
            pod: Some(pod),
            port,
            head: request.head.clone(),
            layer: layer::of(request),
        };
        if let Some(pod) = dialled.pod {
            return Some(next(pod, request.port));
        }
        let service = registry.service(dialled.service?);
        if service.provider == Provider::ServiceEntry {
            return None;
        }
        let port = service.port(request.port)?;
        let ready = registry
            .endpoints(service, port)
            .find(|behind| behind.is_ready)?;
        let pod = registry.endpoint_pod(ready.endpoint)?;
        Some(next(pod, ready.port))
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
