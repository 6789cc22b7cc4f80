//! Endpoints: all endpoints of the Service of the same name, the older form of EndpointSlices.

use serde::Deserialize;

use crate::endpoint_slice::{EndpointPort, ObjectReference};
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::schema;

/// An Endpoints object. What it lists stands where other kinds have their `spec`.
pub type Endpoints = Resource<EndpointsData>;

/// What an Endpoints object lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EndpointsData {
    /// Addresses and their ports.
    #[serde(default)]
    pub subsets: Vec<EndpointSubset>,
}

/// Addresses that share their ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSubset {
    /// Those that take traffic.
    #[serde(default)]
    pub addresses: Vec<EndpointAddress>,
    /// Those that do not.
    #[serde(default)]
    pub not_ready_addresses: Vec<EndpointAddress>,
    /// Their ports.
    #[serde(default)]
    pub ports: Vec<EndpointPort>,
}

/// An address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointAddress {
    /// It.
    #[serde(default)]
    pub ip: String,
    /// The object that it belongs to.
    pub target_ref: Option<ObjectReference>,
}

impl Kind for EndpointsData {
    type Status = ();
    const KIND: &'static str = "Endpoints";
    const API_VERSIONS: &'static [&'static str] = &["v1"];
    const FORMAT: Format = Format::Flat {
        object: &schema::ENDPOINTS,
    };

    fn resources(all: &mut Resources) -> &mut Vec<Endpoints> {
        &mut all.endpoints
    }
}
