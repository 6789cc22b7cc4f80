//! Where one request goes and why, without a simulation: the control plane says what the proxies are told, the routing
//! engine decides, and here their decisions are followed from proxy to proxy, as data.
//!
//! Nothing is drawn unless it is asked for: weights and percentages are listed, and the way follows the likeliest
//! cluster. Who tells a story of it, or compares it with what was expected, is decided elsewhere.
//!
//! ```
//! use meshsim_explain::{Request, Scheme, find, from_pod};
//! use proxy::request::RequestHead;
//!
//! let mesh = "
//! {apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {istio-injection: enabled}}}
//! ---
//! {apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: app, image: curl}]}}
//! ---
//! {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}
//! ";
//! let (resources, _) = manifest::parse(&[manifest::Source::new("mesh.yaml", mesh)], "default");
//! let mesh = control_plane::compile(&resources, &control_plane::MeshConfig::default());
//! let request = Request {
//!     scheme: Scheme::Http,
//!     host: "web".to_owned(),
//!     port: 80,
//!     head: RequestHead::get("web", "/"),
//! };
//! let client = find::pod(mesh.registry(), "client", "default").expect("a pod");
//! let way = from_pod(&mesh, client, &request);
//! assert_eq!(way.outcome.response_flags, "UH", "no pod is behind the Service");
//! ```

mod closed;
mod conditions;
mod draw;
pub mod find;
mod hop;
mod layer;
pub mod model;
mod outcome;
pub mod proxy_alone;
mod request;
mod visit;
mod walk;

pub use closed::Closed;
pub use draw::Sample;
pub use request::{Request, Scheme};
pub use walk::{
    Leaving, Policy, Taken, Way, from_pod, from_pod_as, through_gateway, through_gateway_as,
};
