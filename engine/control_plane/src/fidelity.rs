//! How true each field of Istio and Kubernetes is here: the one table behind reports and docs/fidelity.md.
//!
//! A field that is used and not simulated is reported, never silently ignored.

mod other_kinds;
mod pods;
mod table;
mod uses;

use crate::finding::Findings;
use manifest::{Diagnostic, Level, Resources};

pub use other_kinds::other_kinds;
pub use table::rows;
use uses::uses;

/// How true a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// As in Istio and Envoy.
    Exact,
    /// Close to it; the text says how it differs.
    Approximate(&'static str),
    /// Without effect; the text says what happens instead.
    NotSimulated(&'static str),
}

/// A field and how true it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The object's kind.
    pub kind: &'static str,
    /// The path to the field, without indices.
    pub field: &'static str,
    /// How true it is.
    pub fidelity: Fidelity,
}

/// The row of a field of a kind of objects, or of the pods that they make.
pub(crate) fn row(kind: &str, field: &str) -> Option<&'static Row> {
    let of = |kind: &str| {
        rows()
            .iter()
            .find(|row| row.kind == kind && row.field == field)
    };
    of(kind).or_else(|| of("Pod"))
}

/// What is used and not simulated, each at its place.
pub fn not_simulated(resources: &Resources) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    uses(resources, |object, field, at| {
        let Some(row) = row(object.kind, field) else {
            return;
        };
        if let Fidelity::NotSimulated(reason) = row.fidelity {
            let message = format!("`{field}` is not simulated: {reason}");
            Findings::new(object.kind, object.meta, &mut out).add(
                "MS0001",
                Level::Info,
                at,
                field,
                message,
            );
        }
    });
    out
}
