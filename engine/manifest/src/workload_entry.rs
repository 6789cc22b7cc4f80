//! WorkloadEntry: one workload outside of Kubernetes, such as a virtual machine; also an endpoint of a ServiceEntry.
//!
//! Every field of networking.istio.io/v1 is here; v1beta1 and v1alpha3 have the same schema.
//! Source: istio/api, networking/v1alpha3/workload_entry.proto and kubernetes/customresourcedefinitions.gen.yaml.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::kind::{Format, ISTIO_NETWORKING, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A WorkloadEntry.
pub type WorkloadEntry = Resource<WorkloadEntrySpec>;

/// `spec` of a WorkloadEntry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadEntrySpec {
    /// Its address, its DNS name or its Unix socket (`unix:///path`).
    pub address: Option<Spanned<String>>,
    /// Its ports by the names of the service's ports; a port that is not named is the service's own.
    #[serde(default)]
    pub ports: BTreeMap<String, Spanned<u32>>,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The network it is in.
    pub network: Option<Spanned<String>>,
    /// Where it is: `region/zone/subzone`.
    pub locality: Option<Spanned<String>>,
    /// Its share among its siblings; 0 means not written.
    #[serde(default)]
    pub weight: u32,
    /// The account it acts as.
    #[serde(default)]
    pub service_account: String,
}

impl WorkloadEntrySpec {
    /// The address, empty if there is none.
    pub fn address(&self) -> &str {
        self.address.as_ref().map_or("", |address| address.as_str())
    }

    /// Notes what the schema does not allow of a workload that is to be reached.
    pub(crate) fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        if self.address.is_none() && self.network.is_none() {
            check.invalid(path, "`address` or `network` must be given");
        }
        self.check_template(path, check);
    }

    /// Notes what the schema does not allow of what workloads have in common.
    pub(crate) fn check_template(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        if let Some(address) = &self.address {
            check_address(address, &path.key("address"), check);
        }
        let ports = path.key("ports");
        if self.address().starts_with("unix://") && check.is_written(&ports) {
            check.invalid(&ports, "a Unix socket has no ports");
        }
        check.items(&ports, self.ports.len(), 0..=128);
        for (name, port) in &self.ports {
            let path = ports.key(name);
            if !is_port_name(name) {
                let rule = "the port's name must consist of letters, digits and `-`, and begin and end with a letter or digit";
                check.invalid(&path, rule);
            }
            check.port(&path, port.value);
        }
        check.items(&path.key("labels"), self.labels.len(), 0..=256);
        for (field, text, limit) in [
            ("network", self.network.as_deref(), 2048),
            ("locality", self.locality.as_deref(), 2048),
            ("serviceAccount", Some(&self.service_account), 253),
        ] {
            check.length(&path.key(field), text.map_or("", String::as_str), limit);
        }
    }
}

fn check_address(address: &str, path: &Path<'_>, check: &mut Check<'_, '_>) {
    check.length(path, address, 256);
    if let Some(socket) = address.strip_prefix("unix://") {
        if !socket.starts_with(['/', '@']) {
            let rule = "a Unix socket must be an absolute path or an abstract name (`@name`)";
            check.invalid(path, rule);
        }
        if socket.ends_with('/') {
            check.invalid(path, "a Unix socket must not be a folder");
        }
    }
}

fn is_port_name(name: &str) -> bool {
    let alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() < 63
        && alphanumeric(name.bytes().next())
        && alphanumeric(name.bytes().last())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Kind for WorkloadEntrySpec {
    type Status = ();
    const KIND: &'static str = "WorkloadEntry";
    const API_VERSIONS: &'static [&'static str] = ISTIO_NETWORKING;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<WorkloadEntry> {
        &mut all.workload_entries
    }

    fn check(entry: &WorkloadEntry, check: &mut Check<'_, '_>) {
        entry.spec.check(&Path::Root.key("spec"), check);
    }
}
