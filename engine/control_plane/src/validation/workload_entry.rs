//! The rules for WorkloadEntries, by themselves or as endpoints of a ServiceEntry.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (validateWorkloadEntry).

use std::collections::BTreeSet;

use base::Location;
use manifest::WorkloadEntry;
use manifest::workload_entry::WorkloadEntrySpec;

use super::{address, names, port};
use crate::finding::Findings;
use crate::host::{UNIX, is_ip};

pub(super) fn validate(object: &WorkloadEntry, findings: &mut Findings<'_>) {
    let entry = Entry {
        spec: &object.spec,
        at: &object.location,
        field: "spec",
        service_ports: None,
    };
    entry.validate(findings);
}

/// A workload that is checked.
pub(super) struct Entry<'a> {
    pub(super) spec: &'a WorkloadEntrySpec,
    pub(super) at: &'a Location,
    pub(super) field: &'a str,
    /// The names of the ports of its ServiceEntry, if it stands in one.
    pub(super) service_ports: Option<&'a BTreeSet<&'a str>>,
}

impl Entry<'_> {
    /// Checks an entry that is reached by its address: an IP address, a Unix socket, or (outside of ServiceEntries, which
    /// say how they resolve) a DNS name.
    pub(super) fn validate(&self, findings: &mut Findings<'_>) {
        let host = self.spec.address();
        let at = self
            .spec
            .address
            .as_ref()
            .map_or(self.at, |address| &address.at);
        let field = format!("{}.address", self.field);
        let mut is_socket = false;
        if host.is_empty() {
            match self.spec.network.as_deref().map(String::as_str) {
                None | Some("") => {
                    findings.refuse(at, &field, "address is required");
                    return;
                }
                Some(network) => {
                    let why = format!("address is unset with network {network:?}");
                    findings.warn(at, &field, why);
                }
            }
        } else if let Some(path) = host.strip_prefix(UNIX) {
            is_socket = true;
            if let Err(why) = address::unix_socket(path) {
                findings.refuse(at, &field, why);
            }
            if !self.spec.ports.is_empty() {
                let why = format!("unix endpoint {host} must not include ports");
                findings.refuse(at, &field, why);
            }
        } else if self.service_ports.is_some() {
            if !is_ip(host) {
                let why = format!("endpoint address {host:?} is not a valid IP address");
                findings.refuse(at, &field, why);
            }
        } else {
            self.name_or_ip(findings);
        }
        self.ports(findings);
        self.labels(findings);
        if is_socket && self.service_ports.is_some_and(|ports| ports.len() != 1) {
            let why = "exactly 1 service port required for unix endpoints";
            findings.refuse(at, &field, why);
        }
    }

    /// Checks an endpoint of a ServiceEntry that is found by DNS.
    pub(super) fn validate_for_dns(&self, findings: &mut Findings<'_>) {
        self.name_or_ip(findings);
        self.labels(findings);
        self.ports(findings);
    }

    fn name_or_ip(&self, findings: &mut Findings<'_>) {
        let host = self.spec.address();
        if !is_ip(host) && names::fqdn(host).is_err() {
            let at = self
                .spec
                .address
                .as_ref()
                .map_or(self.at, |address| &address.at);
            let why = format!("endpoint address {host:?} is not a valid FQDN or an IP address");
            findings.refuse(at, &format!("{}.address", self.field), why);
        }
    }

    fn ports(&self, findings: &mut Findings<'_>) {
        let field = format!("{}.ports", self.field);
        for (name, number) in &self.spec.ports {
            let is_unknown = self
                .service_ports
                .is_some_and(|ports| !ports.contains(name.as_str()));
            if is_unknown {
                let why = format!(
                    "endpoint port {} is not defined by the service entry",
                    number.value
                );
                findings.refuse(&number.at, &field, why);
            }
            for checked in [port::name(name), port::number(i64::from(number.value))] {
                if let Err(why) = checked {
                    findings.refuse(&number.at, &field, why);
                }
            }
        }
    }

    fn labels(&self, findings: &mut Findings<'_>) {
        for why in names::invalid_labels(&self.spec.labels) {
            findings.refuse(self.at, &format!("{}.labels", self.field), why);
        }
    }
}
