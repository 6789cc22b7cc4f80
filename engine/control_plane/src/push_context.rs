//! The world at one push, indexed once and never changed.
//!
//! Source: istio/istio, pilot/pkg/model/push_context.go.

use std::collections::BTreeSet;

use manifest::Resources;

use crate::cluster::locality;
use crate::destination_rule::DestinationRules;
use crate::gateway::Gateways;
use crate::gateway_api::{self, Condition};
use crate::mesh_config::MeshConfig;
use crate::peer_authentication::PeerAuthentications;
use crate::registry::Registry;
use crate::request_authentication::RequestAuthentications;
use crate::sidecar::Sidecars;
use crate::virtual_service::{VirtualService, VirtualServiceId, virtual_services};

/// All that configurations are made from.
#[derive(Clone, Debug)]
pub(crate) struct PushContext {
    pub(crate) mesh: MeshConfig,
    pub(crate) registry: Registry,
    pub(crate) virtual_services: Vec<VirtualService>,
    pub(crate) destination_rules: DestinationRules,
    pub(crate) sidecars: Sidecars,
    pub(crate) peer_authentications: PeerAuthentications,
    pub(crate) request_authentications: RequestAuthentications,
    pub(crate) gateways: Gateways,
    /// What the status of objects of the Gateway API would say.
    pub(crate) conditions: Vec<Condition>,
    /// The labels of clients that anything asks about: pods that agree in them are told the same.
    pub(crate) client_labels: BTreeSet<String>,
}

impl PushContext {
    pub(crate) fn new(resources: &Resources, mesh: &MeshConfig) -> Self {
        let translation = gateway_api::translate(resources, mesh);
        let mut virtual_services = virtual_services(&resources.virtual_services, mesh);
        virtual_services.extend(translation.virtual_services);
        virtual_services.sort_by(|a, b| a.age().cmp(&b.age()));
        let destination_rules = DestinationRules::new(&resources.destination_rules, mesh);
        let mut client_labels = client_labels(&virtual_services, resources);
        client_labels.extend(locality::labels(resources, mesh));
        let gateways = Gateways::new(&resources.gateways, &translation.gateways);
        client_labels.extend(gateways.labels().into_iter().map(str::to_owned));
        Self {
            mesh: mesh.clone(),
            registry: Registry::new(resources, mesh),
            virtual_services,
            destination_rules,
            sidecars: Sidecars::new(&resources.sidecars, mesh),
            peer_authentications: PeerAuthentications::new(&resources.peer_authentications, mesh),
            request_authentications: RequestAuthentications::new(
                &resources.request_authentications,
                mesh,
            ),
            gateways,
            conditions: translation.conditions,
            client_labels,
        }
    }

    pub(crate) fn virtual_service(&self, id: VirtualServiceId) -> &VirtualService {
        &self.virtual_services[id.index()]
    }
}

fn client_labels(virtual_services: &[VirtualService], resources: &Resources) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for virtual_service in virtual_services {
        let http = virtual_service
            .http
            .iter()
            .flat_map(|rule| &rule.route.matches);
        let tls = virtual_service.tls.iter().flat_map(|rule| &rule.matches);
        let tcp = virtual_service.tcp.iter().flat_map(|rule| &rule.matches);
        labels.extend(http.flat_map(|block| block.source_labels.keys().cloned()));
        labels.extend(tls.flat_map(|block| block.source_labels.keys().cloned()));
        labels.extend(tcp.flat_map(|block| block.source_labels.keys().cloned()));
    }
    for rule in &resources.destination_rules {
        let selector = rule.spec.workload_selector.iter();
        labels.extend(selector.flat_map(|selector| selector.match_labels.keys().cloned()));
    }
    labels
}
