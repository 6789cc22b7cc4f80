//! The composition root: reads a scenario file, compiles it to a plan, simulates, measures and judges.
//!
//! ```text
//! scenario.yaml ─ load ─► Scenario ─ compile ─► Compiled (a sim::Plan) ─ run ─► Outcome: measurements and verdicts
//!                  ▲                    ▲
//!            manifest files        mesh configuration
//! ```
//!
//! It touches no file: whoever calls it hands texts over. The same file, manifests and seed give the same outcome on any
//! machine and any number of threads.
//!
//! ```
//! use manifest::Source;
//! use meshsim_scenario::{CompileOptions, LoadOptions, RunOptions, compile, load, run};
//!
//! let mesh = "
//! {apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {istio-injection: enabled}}}
//! ---
//! {apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: app, image: curl}]}}
//! ---
//! {apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: app, image: web}]}}
//! ---
//! {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}
//! ";
//! let scenario = "
//! manifests: mesh.yaml
//! duration: 10s
//! workloads: [{workload: web, serviceTime: {exponential: 5ms}, errorRate: 1%}]
//! traffic: [{name: users, from: client, rate: 100/s, url: http://web/}]
//! expect: [{successRate: {traffic: users}, about: 99%}]
//! ";
//! let files = |name: &str| Ok(vec![Source::new(name, mesh)]);
//! let scenario = load(&Source::new("scenario.yaml", scenario), &LoadOptions::default(), &files).expect("valid");
//! let compiled = compile(&scenario, &CompileOptions::default()).expect("valid");
//! let outcome = run(&scenario, &compiled, &RunOptions::default());
//! assert!(outcome.passed(), "{:?}", outcome.verdicts);
//! ```

mod answer;
pub mod call;
pub mod catalogue;
mod cause;
pub mod cluster;
pub mod comparison;
mod compile;
pub mod condition;
pub mod discipline;
mod distribution;
pub mod envoy;
pub mod envoy_json;
pub mod expectation;
mod field_path;
pub mod file;
mod header;
pub mod interval;
mod isotope;
mod load;
mod moment;
pub mod network;
pub mod object_name;
mod path;
pub mod place;
mod reader;
mod replay;
pub mod request;
mod request_list;
mod run;
mod scale;
mod schema;
pub mod script;
pub mod server;
pub mod server_patch;
pub mod set;
mod shape;
mod size;
pub mod statistic;
pub mod target;
pub mod timeline;
pub mod tokens;
mod told;
mod trace;
pub mod traffic;
pub mod url;
pub mod values;
mod verdict;
pub mod workload;

pub use answer::add_answer;
pub use cause::{Call, Cause, DecidingRule, causes};
pub use comparison::{Change, Effect, compare};
pub use compile::{CompileOptions, Compiled, compile};
pub use file::{Files, LoadOptions, MOST_REPLICATIONS, Scenario, load};
pub use interval::Interval;
pub use run::{Outcome, RunOptions, run};
pub use schema::schema;
pub use set::Override;
pub use statistic::{Spread, Statistic, statistics};
pub use told::is_told;
pub use trace::{Sender, explain_in};
pub use verdict::{Offending, Verdict};
