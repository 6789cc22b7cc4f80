//! The composition root: reads a scenario file, compiles it to a plan, simulates, measures and judges.

pub mod call;
mod compile;
mod distribution;
pub mod expectation;
pub mod file;
pub mod network;
pub mod object_name;
pub mod place;
mod reader;
pub mod request;
mod run;
mod schema;
pub mod server;
pub mod server_patch;
pub mod set;
mod shape;
pub mod target;
pub mod timeline;
pub mod traffic;
pub mod url;
mod verdict;
pub mod workload;

pub use compile::{CompileOptions, Compiled, compile};
pub use file::{Files, LoadOptions, Scenario, load};
pub use run::{Outcome, RunOptions, run};
pub use schema::schema;
pub use set::Override;
pub use verdict::Verdict;
