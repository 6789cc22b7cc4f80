//! DestinationRule: what holds for requests once it is decided where they go.
//!
//! Every field of networking.istio.io/v1 is here; v1beta1 and v1alpha3 have the same schema.
//! Source: istio/api, networking/v1alpha3/destination_rule.proto and kubernetes/customresourcedefinitions.gen.yaml.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::kind::{Format, ISTIO_NETWORKING, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::traffic_policy::TrafficPolicy;

/// A DestinationRule.
pub type DestinationRule = Resource<DestinationRuleSpec>;

/// `spec` of a DestinationRule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationRuleSpec {
    /// The host it is about, possibly a short name or a wildcard.
    pub host: Spanned<String>,
    /// What holds for all of the host.
    pub traffic_policy: Option<Spanned<TrafficPolicy>>,
    /// Named parts of the host.
    #[serde(default)]
    pub subsets: Vec<Spanned<Subset>>,
    /// The namespaces that see it; none means the mesh's default.
    #[serde(default)]
    pub export_to: Vec<Spanned<String>>,
    /// The clients it is for; none means all.
    pub workload_selector: Option<Spanned<WorkloadSelector>>,
}

/// A named part of a host: the endpoints with certain labels.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subset {
    /// The name by which routes choose it.
    pub name: Spanned<String>,
    /// The labels that its endpoints have.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What holds for it instead.
    pub traffic_policy: Option<Spanned<TrafficPolicy>>,
}

/// The clients that an object is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SelectorFields")]
pub struct WorkloadSelector {
    /// The labels that their pods have.
    pub match_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SelectorFields {
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
}

impl TryFrom<SelectorFields> for WorkloadSelector {
    type Error = String;

    /// The rules of the schema: keys not empty, no wildcards, values of at most 63 characters.
    fn try_from(fields: SelectorFields) -> Result<Self, String> {
        for (key, value) in &fields.match_labels {
            if key.is_empty() {
                return Err("a label's key must not be empty".into());
            }
            if key.contains('*') || value.contains('*') {
                return Err(format!(
                    "a wildcard is not allowed in the label `{key}: {value}`"
                ));
            }
            if value.chars().count() > 63 {
                return Err(format!(
                    "the value of label `{key}` is longer than 63 characters"
                ));
            }
        }
        Ok(Self {
            match_labels: fields.match_labels,
        })
    }
}

impl Kind for DestinationRuleSpec {
    type Status = ();
    const KIND: &'static str = "DestinationRule";
    const API_VERSIONS: &'static [&'static str] = ISTIO_NETWORKING;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<DestinationRule> {
        &mut all.destination_rules
    }
}
