//! How objects of the Gateway API name others.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::GROUP;
use crate::names;
use crate::span::Spanned;
use crate::yaml::path::Path;

/// What a route attaches to: a Gateway, or a Service whose clients it is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentReference {
    /// The parent's group; none means the Gateway API's.
    pub group: Option<String>,
    /// The parent's kind; none means `Gateway`.
    pub kind: Option<String>,
    /// The parent's namespace; none means the route's.
    pub namespace: Option<String>,
    /// The parent's name.
    pub name: Spanned<String>,
    /// A listener's name.
    pub section_name: Option<String>,
    /// A listener's or a service's port.
    pub port: Option<u16>,
}

/// Where requests go, with their share.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BackendReference {
    /// The backend's group; none means Kubernetes' own.
    pub group: Option<String>,
    /// The backend's kind; none means `Service`.
    pub kind: Option<String>,
    /// The backend's name.
    pub name: Spanned<String>,
    /// The backend's namespace; none means the route's.
    pub namespace: Option<String>,
    /// The backend's port.
    pub port: Option<u16>,
    /// Its share among its siblings; none means 1.
    pub weight: Option<u32>,
}

/// A secret or a ConfigMap with certificates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ObjectReference {
    /// The group; none means Kubernetes' own.
    pub group: Option<String>,
    /// The kind; none means `Secret`.
    pub kind: Option<String>,
    /// The name.
    pub name: Spanned<String>,
    /// The namespace; none means that of the object.
    pub namespace: Option<String>,
}

impl ParentReference {
    /// The parent's group.
    pub fn group(&self) -> &str {
        self.group.as_deref().unwrap_or(GROUP)
    }

    /// The parent's kind.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("Gateway")
    }

    /// The parent's namespace, for a route in `namespace`.
    pub fn namespace<'a>(&'a self, namespace: &'a str) -> &'a str {
        self.namespace.as_deref().unwrap_or(namespace)
    }
}

impl BackendReference {
    /// The backend's group.
    pub fn group(&self) -> &str {
        self.group.as_deref().unwrap_or_default()
    }

    /// The backend's kind.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("Service")
    }

    /// Its share among its siblings.
    pub fn weight(&self) -> u32 {
        self.weight.unwrap_or(1)
    }

    /// Notes what the schema does not allow.
    pub(crate) fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        if self.group().is_empty() && self.kind() == "Service" && self.port.is_none() {
            check.missing(&path.key("port"));
        }
        if let Some(port) = self.port {
            check.port(&path.key("port"), u32::from(port));
        }
        if self.weight() > 1_000_000 {
            check.invalid(&path.key("weight"), "must be no more than 1000000");
        }
        check_name(&self.name, &path.key("name"), check);
    }
}

/// A name that must be given and has at most 253 characters.
fn check_name(name: &str, path: &Path<'_>, check: &mut Check<'_, '_>) {
    if name.is_empty() {
        check.missing(path);
    }
    check.length(path, name, 253);
}

/// The parents at `path`, which leads to `parentRefs`.
pub(crate) fn check_parents(
    parents: &[Spanned<ParentReference>],
    path: &Path<'_>,
    check: &mut Check<'_, '_>,
) {
    check.items(path, parents.len(), 0..=32);
    for (index, parent) in parents.iter().enumerate() {
        let path = Path::Index(path, index);
        check_name(&parent.name, &path.key("name"), check);
        if let Some(port) = parent.port {
            check.port(&path.key("port"), u32::from(port));
        }
        if parents[..index].contains(parent) {
            check.invalid(&path, "the same parent is named already");
        }
    }
}

/// The host names at `path`.
pub(crate) fn check_hostnames(
    hostnames: &[Spanned<String>],
    max: usize,
    path: &Path<'_>,
    check: &mut Check<'_, '_>,
) {
    check.items(path, hostnames.len(), 0..=max);
    for (index, hostname) in hostnames.iter().enumerate() {
        check_hostname(hostname, &Path::Index(path, index), check);
    }
}

/// A host name, possibly behind `*.`.
pub(crate) fn check_hostname(hostname: &str, path: &Path<'_>, check: &mut Check<'_, '_>) {
    let host = hostname.strip_prefix("*.").unwrap_or(hostname);
    check.name(path, hostname, names::check_subdomain(host));
}
