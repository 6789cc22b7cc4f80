//! MS0104: a redirect with a status that Envoy has not; it refuses the whole route table and keeps its old one.

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.virtual_services {
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for (index, rule) in object.spec.http.iter().enumerate() {
            let Some(redirect) = &rule.redirect else {
                continue;
            };
            if ![0, 301, 302, 303, 307, 308].contains(&redirect.redirect_code) {
                let message = format!(
                    "Envoy knows no redirect with status {}: it refuses every route table that the rule is part of",
                    redirect.redirect_code
                );
                let field = format!("spec.http[{index}].redirect.redirectCode");
                findings.add("MS0104", Level::Warning, &redirect.at, &field, message);
                findings.help("use 301, 302, 303, 307 or 308");
            }
        }
    }
}
