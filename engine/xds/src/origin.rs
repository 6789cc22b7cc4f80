//! Where a piece of configuration came from.

use base::Location;
use std::sync::Arc;

/// The object, rule and place in a manifest that a route, cluster or policy was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The object's kind, such as `VirtualService`.
    pub kind: &'static str,
    /// `<namespace>/<name>` of the object.
    pub object: Arc<str>,
    /// The index of the `http`, `tls` or `tcp` rule, where the object has rules.
    pub rule: Option<u32>,
    /// The index of the match block inside the rule; none where the rule has no `match`.
    pub match_block: Option<u32>,
    /// The place of the match block, else of the rule, else of the object.
    pub location: Location,
}
