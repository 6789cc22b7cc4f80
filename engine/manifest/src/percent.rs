//! Percentages, in Istio's spelling.

use base::Ratio;
use serde::Deserialize;

/// `{value: 12.5}`: per cent, as a double.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Percent {
    /// From 0 to 100.
    #[serde(default)]
    pub value: f64,
}

impl Percent {
    /// The share that Istio tells Envoy: cut at a millionth.
    pub fn ratio(self) -> Ratio {
        Ratio::from_percent(self.value)
    }
}
