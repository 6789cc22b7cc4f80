//! Copies of requests: `mirrors` of a VirtualService's HTTP rule.

use serde::Deserialize;

use crate::destination::Destination;
use crate::percent::Percent;
use crate::span::Spanned;

/// One entry of `mirrors`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct HttpMirrorPolicy {
    /// Who receives the copies.
    pub destination: Spanned<Destination>,
    /// The share of requests that is copied; none means all.
    pub percentage: Option<Percent>,
}
