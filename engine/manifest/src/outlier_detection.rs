//! `outlierDetection` of a DestinationRule: when a host is ejected, and for how long.

use base::SimDuration;
use serde::Deserialize;

use crate::{nullable, timeout};

/// Istio's OutlierDetection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlierDetection {
    /// Errors in a row before a host is ejected (deprecated, without effect).
    #[serde(default)]
    pub consecutive_errors: i32,
    /// Whether failures to connect are counted apart from error responses.
    #[serde(default)]
    pub split_external_local_origin_errors: bool,
    /// Failures to connect in a row before a host is ejected.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub consecutive_local_origin_failures: Option<u32>,
    /// 502, 503 and 504 in a row before a host is ejected.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub consecutive_gateway_errors: Option<u32>,
    /// 5xx in a row before a host is ejected.
    #[serde(
        rename = "consecutive5xxErrors",
        default,
        deserialize_with = "nullable::optional"
    )]
    pub consecutive_5xx_errors: Option<u32>,
    /// The time between two sweeps.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub interval: Option<SimDuration>,
    /// The first ejection's length; later ones are multiples.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub base_ejection_time: Option<SimDuration>,
    /// The share of hosts that may be ejected, 0 if not written.
    #[serde(default)]
    pub max_ejection_percent: i32,
    /// The share of healthy hosts below which health is no longer asked for, 0 if not written.
    #[serde(default)]
    pub min_health_percent: i32,
    /// The statuses that count as errors; none means 5xx.
    #[serde(default)]
    pub outlier_detection_http_error_codes: Vec<HttpErrorCode>,
}

/// A status from 100 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct HttpErrorCode(u16);

impl HttpErrorCode {
    /// The status.
    pub const fn status(self) -> u16 {
        self.0
    }
}

impl TryFrom<u32> for HttpErrorCode {
    type Error = &'static str;
    fn try_from(status: u32) -> Result<Self, &'static str> {
        match u16::try_from(status) {
            Ok(status @ 100..=599) => Ok(Self(status)),
            _ => Err("a status must be between 100 and 599"),
        }
    }
}
