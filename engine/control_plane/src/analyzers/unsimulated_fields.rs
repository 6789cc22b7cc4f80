//! MS0001: a field that is used and not simulated.

use manifest::Diagnostic;

use super::Context;
use crate::fidelity;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    out.extend(fidelity::not_simulated(context.resources));
}
