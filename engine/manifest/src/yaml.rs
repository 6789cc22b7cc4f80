//! YAML as Kubernetes reads it: a tree that knows where each value stands, and serde on top of it.
//!
//! - [`split`]: a file into documents, at lines that begin with `---`;
//! - [`scalar`]: what a plain text means in YAML 1.1, as go-yaml v2 has it;
//! - [`builder`] makes a [`tree`]: one document as a flat list of nodes, aliases and merge keys resolved, duplicate
//!   keys refused;
//! - [`deserializer`]: the tree through serde, all errors of a document in one go; [`value`] and [`access`] are its
//!   traits, [`error`] its errors;
//! - [`problem`]: what is wrong, before it has a file and an object around it.
//!
//! The invariant: no input makes any of it panic, recurse deeper than [`builder::MAX_DEPTH`] or visit more nodes than
//! go-yaml's limit on aliases allows.

mod access;
mod builder;
pub(crate) mod deserializer;
mod error;
pub(crate) mod lines;
mod open_object;
pub(crate) mod path;
pub(crate) mod problem;
pub(crate) mod scalar;
pub(crate) mod split;
pub(crate) mod tree;
mod value;
