//! ServiceEntry: a service that Kubernetes does not know, in the mesh or outside of it.
//!
//! Every field of networking.istio.io/v1 is here; v1beta1 and v1alpha3 have the same schema.
//! Source: istio/api, networking/v1alpha3/service_entry.proto and kubernetes/customresourcedefinitions.gen.yaml.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::kind::{Format, ISTIO_NETWORKING, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::workload_entry::WorkloadEntrySpec;
use crate::workload_selector::WorkloadSelector;
use crate::yaml::path::Path;

/// A ServiceEntry.
pub type ServiceEntry = Resource<ServiceEntrySpec>;

/// `spec` of a ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEntrySpec {
    /// Its hosts, `*.` wildcards allowed.
    pub hosts: Vec<Spanned<String>>,
    /// Its addresses or address ranges.
    #[serde(default)]
    pub addresses: Vec<Spanned<String>>,
    /// Its ports.
    #[serde(default)]
    pub ports: Vec<Spanned<ServicePort>>,
    /// Whether it belongs to the mesh; none means `MESH_EXTERNAL`.
    pub location: Option<Spanned<MeshLocation>>,
    /// How its endpoints are found; none means `NONE`.
    pub resolution: Option<Spanned<Resolution>>,
    /// Its endpoints.
    #[serde(default)]
    pub endpoints: Vec<Spanned<WorkloadEntrySpec>>,
    /// The pods and WorkloadEntries that are its endpoints.
    pub workload_selector: Option<Spanned<WorkloadSelector>>,
    /// The namespaces that see it; none means the mesh's default.
    #[serde(default)]
    pub export_to: Vec<Spanned<String>>,
    /// The names that its servers' certificates may bear.
    #[serde(default)]
    pub subject_alt_names: Vec<String>,
}

/// A port of a ServiceEntry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Its number.
    pub number: Spanned<u32>,
    /// Its protocol; none means that the proxy finds out.
    pub protocol: Option<Spanned<String>>,
    /// Its name.
    pub name: Spanned<String>,
    /// The endpoints' port; none means the same number.
    pub target_port: Option<Spanned<u32>>,
}

/// Whether a service belongs to the mesh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MeshLocation {
    /// No: its endpoints have no sidecars.
    #[default]
    MeshExternal,
    /// Yes.
    MeshInternal,
}

/// How the endpoints of a service are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Resolution {
    /// Connections go to the address that the client dialled.
    #[default]
    None,
    /// By the addresses of its endpoints.
    Static,
    /// By DNS, all addresses of each name.
    Dns,
    /// By DNS, one address at a time.
    DnsRoundRobin,
    /// By DNS, the name that each request asks for.
    DynamicDns,
}

impl ServicePort {
    /// The protocol as it is written, empty if it is not.
    pub fn protocol(&self) -> &str {
        self.protocol.as_deref().map_or("", String::as_str)
    }

    /// The port of its endpoints.
    pub fn target_port(&self) -> u32 {
        let written = self.target_port.as_deref().copied();
        written.filter(|port| *port != 0).unwrap_or(*self.number)
    }
}

impl ServiceEntrySpec {
    /// Whether it belongs to the mesh.
    pub fn location(&self) -> MeshLocation {
        self.location.as_deref().copied().unwrap_or_default()
    }

    /// How its endpoints are found.
    pub fn resolution(&self) -> Resolution {
        self.resolution.as_deref().copied().unwrap_or_default()
    }

    fn check_hosts(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.items(path, self.hosts.len(), 1..=256);
        for (index, host) in self.hosts.iter().enumerate() {
            if host.value == "*" {
                let rule = "the host `*` is not allowed: name a domain, such as `*.example.com`";
                check.invalid(&Path::Index(path, index), rule);
            }
        }
    }

    fn check_addresses(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.items(path, self.addresses.len(), 0..=256);
        let with_ranges = matches!(self.resolution(), Resolution::None | Resolution::Static);
        for (index, address) in self.addresses.iter().enumerate() {
            let path = Path::Index(path, index);
            check.length(&path, address, 64);
            if address.contains('/') && !with_ranges {
                let rule = "an address range needs the resolution `NONE` or `STATIC`";
                check.invalid(&path, rule);
            }
        }
    }

    fn check_ports(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.items(path, self.ports.len(), 0..=256);
        let mut names = BTreeMap::new();
        let mut numbers = BTreeMap::new();
        for (index, port) in self.ports.iter().enumerate() {
            let path = Path::Index(path, index);
            let (name, number) = (path.key("name"), path.key("number"));
            check.length(&name, &port.name, 256);
            check.length(&path.key("protocol"), port.protocol(), 256);
            check.port(&number, port.number.value);
            if let Some(target) = &port.target_port {
                check.port(&path.key("targetPort"), target.value);
            }
            if let Some(first) = names.insert(port.name.as_str(), index) {
                let rule = format_args!("is the name of `spec.ports[{first}]` already");
                check.invalid(&name, format_args!("`{}` {rule}", port.name.value));
            }
            if let Some(first) = numbers.insert(port.number.value, index) {
                let rule = format_args!("is the number of `spec.ports[{first}]` already");
                check.invalid(&number, format_args!("`{}` {rule}", port.number.value));
            }
        }
    }

    fn check_endpoints(&self, spec: &Path<'_>, check: &mut Check<'_, '_>) {
        let path = &spec.key("endpoints");
        check.exclusive(spec, ["workloadSelector", "endpoints"]);
        check.items(path, self.endpoints.len(), 0..=4096);
        match self.resolution() {
            Resolution::None if check.is_written(path) => {
                check.invalid(path, "the resolution `NONE` takes no endpoints");
            }
            Resolution::DnsRoundRobin if self.endpoints.len() > 1 => {
                check.invalid(path, "the resolution `DNS_ROUND_ROBIN` takes one endpoint");
            }
            _ => {}
        }
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            endpoint.check(&Path::Index(path, index), check);
        }
    }
}

impl Kind for ServiceEntrySpec {
    type Status = ();
    const KIND: &'static str = "ServiceEntry";
    const API_VERSIONS: &'static [&'static str] = ISTIO_NETWORKING;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<ServiceEntry> {
        &mut all.service_entries
    }

    fn check(entry: &ServiceEntry, check: &mut Check<'_, '_>) {
        let path = Path::Root.key("spec");
        let spec = &entry.spec;
        spec.check_hosts(&path.key("hosts"), check);
        spec.check_addresses(&path.key("addresses"), check);
        spec.check_ports(&path.key("ports"), check);
        spec.check_endpoints(&path, check);
        if let Some(selector) = &spec.workload_selector {
            selector.check(&path.key("workloadSelector"), check);
        }
    }
}
