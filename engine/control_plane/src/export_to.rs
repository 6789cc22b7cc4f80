//! Who sees an object: `exportTo`.
//!
//! Source: istio/istio, pilot/pkg/model/push_context.go (initServiceRegistry, initVirtualServices),
//! pkg/config/visibility/visibility.go.

use std::collections::BTreeSet;

/// The namespaces that see an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportTo {
    /// All.
    Public,
    /// None.
    Nobody,
    /// These.
    Namespaces(BTreeSet<String>),
}

impl ExportTo {
    /// What the entries of an object of `namespace` say: `*`, `.`, `~` or names.
    pub fn new<'a>(entries: impl Iterator<Item = &'a str>, namespace: &str) -> Self {
        let mut namespaces = BTreeSet::new();
        let mut nobody = false;
        for entry in entries {
            match entry {
                "*" => return Self::Public,
                "~" => nobody = true,
                "." => drop(namespaces.insert(namespace.to_owned())),
                name => drop(namespaces.insert(name.to_owned())),
            }
        }
        if nobody {
            Self::Nobody
        } else {
            Self::Namespaces(namespaces)
        }
    }

    /// Whether `namespace` sees the object.
    pub fn includes(&self, namespace: &str) -> bool {
        match self {
            Self::Public => true,
            Self::Nobody => false,
            Self::Namespaces(namespaces) => namespaces.contains(namespace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_opens_and_a_tilde_closes() {
        for (entries, own, other) in [
            (&["*"][..], true, true),
            (&["."], true, false),
            (&["other"], false, true),
            (&[".", "other"], true, true),
            (&["~"], false, false),
            (&["~", "other"], false, false),
            (&["~", "*"], true, true),
            (&[], false, false),
        ] {
            let export_to = ExportTo::new(entries.iter().copied(), "own");
            assert_eq!(export_to.includes("own"), own, "{entries:?}");
            assert_eq!(export_to.includes("other"), other, "{entries:?}");
        }
    }
}
