//! ReferenceGrants: which objects may name objects of other namespaces.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gatewaycommon/references_collection.go.

use manifest::gateway_api::{GROUP, ReferenceGrant};

/// All grants.
pub(crate) struct Grants<'a>(&'a [ReferenceGrant]);

/// An object that another one names.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) group: &'a str,
    pub(super) kind: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

impl<'a> Grants<'a> {
    pub(super) const fn new(grants: &'a [ReferenceGrant]) -> Self {
        Self(grants)
    }

    /// Whether an object of a kind of the Gateway API and a namespace may name another.
    pub(super) fn allow(&self, kind: &str, namespace: &str, to: Named<'_>) -> bool {
        if namespace == to.namespace {
            return true;
        }
        let mut grants = self.0.iter();
        grants.any(|grant| {
            let mut from = grant.spec.from.iter();
            let mut named = grant.spec.to.iter();
            grant.meta.namespace == to.namespace
                && from.any(|from| {
                    from.group == GROUP && from.kind == kind && from.namespace == namespace
                })
                && named.any(|named| {
                    named.group == to.group
                        && named.kind == to.kind
                        && named.name.as_ref().is_none_or(|name| name == to.name)
                })
        })
    }
}
