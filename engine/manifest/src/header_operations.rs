//! Changes to headers on their way through a proxy.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `headers`: what is changed in the request and in the response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Headers {
    /// Changes before the request is forwarded.
    pub request: Option<HeaderOperations>,
    /// Changes before the response is returned.
    pub response: Option<HeaderOperations>,
}

/// Changes to one set of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct HeaderOperations {
    /// Headers that replace those of the same name.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Headers that are appended.
    #[serde(default)]
    pub add: BTreeMap<String, String>,
    /// Names of headers that are removed.
    #[serde(default)]
    pub remove: Vec<String>,
}
