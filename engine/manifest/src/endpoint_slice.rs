//! EndpointSlice: some of the endpoints of a Service, by its label `kubernetes.io/service-name`.

use serde::Deserialize;

use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::schema;
use crate::service::TransportProtocol;

/// An EndpointSlice. What it lists stands where other kinds have their `spec`.
pub type EndpointSlice = Resource<EndpointSliceData>;

/// What an EndpointSlice lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSliceData {
    /// `IPv4`, `IPv6` or `FQDN`.
    #[serde(default)]
    pub address_type: String,
    /// The endpoints.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// Their ports.
    #[serde(default)]
    pub ports: Vec<EndpointPort>,
}

/// An endpoint of a slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its addresses; clients use the first.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Its state.
    #[serde(default)]
    pub conditions: EndpointConditions,
    /// The object that it is.
    pub target_ref: Option<ObjectReference>,
}

/// The state of an endpoint; what is not written is as if it were well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EndpointConditions {
    /// Whether it takes traffic; unknown counts as yes.
    pub ready: Option<bool>,
    /// Whether it is about to end.
    pub terminating: Option<bool>,
}

/// A port of the endpoints of a slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EndpointPort {
    /// The name of the service's port.
    #[serde(default)]
    pub name: String,
    /// Its number; none: all ports.
    pub port: Option<u16>,
    /// The transport.
    #[serde(default)]
    pub protocol: TransportProtocol,
}

/// An object by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ObjectReference {
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// Its namespace; empty: the same.
    #[serde(default)]
    pub namespace: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

impl Kind for EndpointSliceData {
    type Status = ();
    const KIND: &'static str = "EndpointSlice";
    const API_VERSIONS: &'static [&'static str] = &["discovery.k8s.io/v1"];
    const FORMAT: Format = Format::Flat {
        object: &schema::ENDPOINT_SLICE,
    };

    fn resources(all: &mut Resources) -> &mut Vec<EndpointSlice> {
        &mut all.endpoint_slices
    }
}

/// The label by which a slice names its Service.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";
