//! `retries` of a VirtualService's HTTP rule: what a user can write about retries.

use base::SimDuration;
use serde::Deserialize;

use crate::{nullable, timeout};

/// Istio's HTTPRetry. What is left out takes the mesh's defaults; no `attempts` means no retries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRetry {
    /// How many retries, the first try not counted.
    #[serde(default)]
    pub attempts: i32,
    /// How long one try may take, the first included.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub per_try_timeout: Option<SimDuration>,
    /// Conditions and status codes, separated by commas; empty means the default ones.
    #[serde(default)]
    pub retry_on: String,
    /// Whether retries may go to other localities.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub retry_remote_localities: Option<bool>,
    /// Whether hosts that were tried already are avoided.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub retry_ignore_previous_hosts: Option<bool>,
    /// The base of the back-off between tries.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub backoff: Option<SimDuration>,
}
