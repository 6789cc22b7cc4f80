//! Servers that behave otherwise.

use crate::reader::{Fields, Reader};
use crate::server_patch::{PATCH_FIELDS, ServerPatch};
use crate::shape::Field;
use crate::target::Target;
use base::SimDuration;

/// Servers that behave otherwise.
#[derive(Clone, Debug)]
pub struct ServerChange {
    /// Which pods.
    pub target: Target,
    /// What changes.
    pub patch: ServerPatch,
    /// For how long; none: from now on.
    pub lasts: Option<SimDuration>,
}

/// Reads what changes about the servers of `target`, if anything does.
pub(super) fn read(
    reader: &mut Reader,
    fields: &Fields<'_>,
    target: Option<&Target>,
    lasts: Option<SimDuration>,
) -> Option<ServerChange> {
    let is_patch = |field: &Field| fields.get(field.name).is_some();
    if !PATCH_FIELDS.iter().any(is_patch) {
        return None;
    }
    let patch = ServerPatch::read(reader, fields);
    Some(ServerChange {
        target: target?.clone(),
        patch,
        lasts,
    })
}
