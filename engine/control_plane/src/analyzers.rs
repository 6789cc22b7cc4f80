//! Findings about valid objects: what will not do what it says.

use manifest::{Diagnostic, Resources};

use crate::mesh::Mesh;

/// All findings.
pub(crate) fn analyze(_resources: &Resources, _mesh: &Mesh) -> Vec<Diagnostic> {
    Vec::new()
}
