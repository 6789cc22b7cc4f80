//! The composition root: reads a scenario file, compiles it to a plan, simulates, measures and judges.

pub mod call;
mod distribution;
pub mod expectation;
pub mod file;
pub mod network;
pub mod object_name;
pub mod place;
mod reader;
pub mod request;
mod schema;
pub mod set;
mod shape;
pub mod target;
pub mod timeline;
pub mod traffic;
pub mod url;
pub mod workload;

pub use file::{Files, LoadOptions, Scenario, load};
pub use schema::schema;
pub use set::Override;
