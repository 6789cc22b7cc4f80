//! Where a rule sends a request.

use serde::Deserialize;

use crate::span::Spanned;

/// A host of the service registry, and what part of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Destination {
    /// The host, possibly a short name.
    pub host: Spanned<String>,
    /// A subset that a DestinationRule of the host defines.
    pub subset: Option<Spanned<String>>,
    /// The service port.
    pub port: Option<Spanned<PortSelector>>,
}

/// A port by its number; Istio knows no other way. Zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PortSelector {
    /// The number.
    #[serde(default)]
    pub number: u32,
}

impl Destination {
    /// The subset's name, empty if there is none, as in Istio's API.
    pub fn subset_name(&self) -> &str {
        self.subset.as_ref().map_or("", |subset| subset.as_str())
    }

    /// The port's number, if one is given.
    pub fn port_number(&self) -> Option<u32> {
        self.port.as_ref().map(|port| port.number)
    }
}
