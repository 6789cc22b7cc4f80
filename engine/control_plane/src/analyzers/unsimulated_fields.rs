//! MS0001: a field that is used and not simulated.

use manifest::{Diagnostic, Level};

use super::Context;
use crate::fidelity::{self, Fidelity};
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    fidelity::uses(context.resources, |object, field, at| {
        let Some(row) = fidelity::row(object.kind, field) else {
            return;
        };
        if let Fidelity::NotSimulated(reason) = row.fidelity {
            let message = format!("`{field}` is not simulated: {reason}");
            Findings::new(object.kind, object.meta, out).add(
                "MS0001",
                Level::Info,
                at,
                field,
                message,
            );
        }
    });
}
