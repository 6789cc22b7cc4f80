//! How true each field of Istio and Kubernetes is here: the one table behind reports and docs/fidelity.md.
//!
//! A field that is used and not simulated is reported, never silently ignored.

mod table;
mod uses;

pub use table::rows;
pub(crate) use uses::uses;

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

/// The row of a field.
pub(crate) fn row(kind: &str, field: &str) -> Option<&'static Row> {
    rows()
        .iter()
        .find(|row| row.kind == kind && row.field == field)
}
