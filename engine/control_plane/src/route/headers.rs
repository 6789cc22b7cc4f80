//! Changes to headers: what `set`, `add` and `remove` become.
//!
//! A change of `host` or `:authority` is no header mutation but a rewrite of the authority.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (TranslateHeadersOperations, translateAppendHeaders).

use std::collections::BTreeMap;

use manifest::header_operations::{HeaderOperations as Written, Headers};
use xds::{HeaderAppend, HeaderMutation, HeaderMutations};

/// The changes of one level, a rule or a destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderOperations {
    pub(crate) request: HeaderMutations,
    pub(crate) response: HeaderMutations,
    /// The authority that the request gets.
    pub(crate) authority: Option<String>,
}

impl HeaderOperations {
    pub(crate) fn new(headers: Option<&Headers>) -> Self {
        let Some(headers) = headers else {
            return Self::default();
        };
        let request = headers.request.as_ref();
        let authority = |headers: &BTreeMap<String, String>| {
            let mut names = headers.iter().filter(|(name, _)| is_authority(name));
            names.next_back().map(|(_, value)| value.clone())
        };
        Self {
            request: mutations(request),
            response: mutations(headers.response.as_ref()),
            authority: request
                .and_then(|request| authority(&request.set).or_else(|| authority(&request.add)))
                .filter(|authority| !authority.is_empty()),
        }
    }
}

/// Puts the mutations of an inner level behind those of an outer one.
pub(crate) fn append(outer: &mut HeaderMutations, inner: HeaderMutations) {
    outer.remove.extend(inner.remove);
    outer.add.extend(inner.add);
}

fn mutations(written: Option<&Written>) -> HeaderMutations {
    let Some(written) = written else {
        return HeaderMutations::default();
    };
    let list = |headers: &BTreeMap<String, String>, append: HeaderAppend| -> Vec<_> {
        let visible = headers.iter().filter(|(name, _)| !is_internal(name));
        visible
            .map(|(name, value)| HeaderMutation {
                name: name.clone(),
                value: value.clone(),
                append,
                keep_empty_value: false,
            })
            .collect()
    };
    let mut add = list(&written.set, HeaderAppend::OverwriteIfExistsOrAdd);
    add.extend(list(&written.add, HeaderAppend::AppendIfExistsOrAdd));
    HeaderMutations {
        remove: written
            .remove
            .iter()
            .filter(|name| !is_internal(name))
            .map(|name| name.to_ascii_lowercase())
            .collect(),
        add,
    }
}

/// Whether Envoy allows no mutation of the header.
fn is_internal(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}

fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}
