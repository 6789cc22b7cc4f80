//! The rules of TLSRoutes and TCPRoutes: where connections go.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::reference::BackendReference;
use crate::span::Spanned;
use crate::yaml::path::Path;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionRule {
    /// A name.
    pub name: Option<String>,
    /// Where connections go, by weight.
    pub backend_refs: Vec<Spanned<BackendReference>>,
}

/// Checks the rules of a route.
pub(super) fn check_rules(
    rules: &[Spanned<ConnectionRule>],
    path: &Path<'_>,
    check: &mut Check<'_, '_>,
) {
    check.items(path, rules.len(), 1..=1);
    for (index, rule) in rules.iter().enumerate() {
        let rule_path = Path::Index(path, index);
        let backends = rule_path.key("backendRefs");
        check.items(&backends, rule.backend_refs.len(), 1..=16);
        for (index, backend) in rule.backend_refs.iter().enumerate() {
            backend.check(&Path::Index(&backends, index), check);
        }
    }
}
