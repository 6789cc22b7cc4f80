//! Where requests are sent, as labels tell it.

use super::{Service, Site};

/// A cluster, a Service, or what a site dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// `<namespace>/<name>` of the Service, or the host where there is none.
    pub service: &'a str,
    /// The host.
    pub host: String,
    /// The subset, empty if none.
    pub subset: &'a str,
}

/// All destinations in the order of their places: clusters, then Services, then what sites dial.
pub fn destinations<'a>(
    clusters: &'a [ClusterLabels],
    services: &'a [Service],
    sites: &'a [Site],
) -> impl Iterator<Item = Destination<'a>> {
    let clusters = clusters.iter().map(|cluster| Destination {
        service: &cluster.service,
        host: cluster.host(),
        subset: &cluster.subset,
    });
    let named = services.iter().map(|service| service.name.as_str());
    let dialled = sites.iter().map(|site| match site.dial.service {
        Some(service) => services[service.index()].name.as_str(),
        None => site.dial.host.as_str(),
    });
    let others = named.chain(dialled).map(|service| Destination {
        service,
        host: full_name(service),
        subset: "",
    });
    clusters.chain(others)
}

/// The standard labels of a cluster's destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterLabels {
    /// The cluster's name.
    pub cluster: String,
    /// `<namespace>/<name>` of the Service, or the host where there is none.
    pub service: String,
    /// The subset, empty if none.
    pub subset: String,
    /// The port.
    pub port: u16,
}

impl ClusterLabels {
    /// The host that ends the name of one of Istio's clusters, such as `outbound|9080|v2|reviews.default.svc.cluster.local`;
    /// of other clusters, the name of the Service.
    fn host(&self) -> String {
        match self.cluster.rsplit_once('|') {
            Some((_, host)) => host.to_owned(),
            None => full_name(&self.service),
        }
    }
}

/// `reviews.default.svc.cluster.local` of `default/reviews`; hosts are left as they are.
fn full_name(service: &str) -> String {
    match service.split_once('/') {
        Some((namespace, name)) => format!("{name}.{namespace}.svc.cluster.local"),
        None => service.to_owned(),
    }
}
