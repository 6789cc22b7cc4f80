//! The configuration in protobuf's JSON, written as `istioctl proxy-config -o json` shows it.
//!
//! Fields with default values are left out, as protobuf does; names are in camel case. What only telemetry or tracing
//! uses, and Istio's own filters that change no decision (metadata exchange, statistics, ALPN), is not written.
//!
//! Compared with what Pilot sends (istio/istio, pilot/test/xds).

mod bootstrap;
mod cluster;
mod config_dump;
mod endpoint;
mod filter;
mod header;
mod jwt_authn;
mod listener;
mod load_balancer;
mod message;
mod metadata_match;
mod outlier_detection;
mod read;
mod retry;
mod route;
mod string_match;
mod tls;
mod tree;

pub use bootstrap::{Bootstrap, BootstrapOptions};
pub use read::{ReadError, Reading, RunningProxy, Unmodelled};
pub use tree::{Json, JsonValue};

use crate::Origin;
use message::Message;
use serde_json::Value;

/// `filterMetadata.istio` of what an object of Istio's made.
fn istio_metadata(origin: &Origin) -> Message {
    let kind = match origin.kind {
        "VirtualService" => "virtual-service",
        "DestinationRule" => "destination-rule",
        "Gateway" => "gateway",
        "ServiceEntry" => "service-entry",
        "Sidecar" => "sidecar",
        other => other,
    };
    let (namespace, name) = origin
        .object
        .split_once('/')
        .unwrap_or(("", &origin.object));
    Message::default().field(
        "config",
        format!("/apis/networking.istio.io/v1/namespaces/{namespace}/{kind}/{name}"),
    )
}

/// `metadata` with what Istio says.
fn metadata(istio: Message) -> Value {
    Message::default()
        .field("filterMetadata", Message::default().field("istio", istio))
        .build()
}
