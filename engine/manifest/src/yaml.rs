//! YAML as Kubernetes reads it: a tree that knows where each value stands, and serde on top of it.
//!
//! - [`split`]: a file into documents, at lines that begin with `---`;
//! - [`scalar`]: what a plain text means in YAML 1.1, as go-yaml v2 has it;
//! - [`tree`]: one document as a flat list of nodes, aliases and merge keys resolved, duplicate keys refused;
//! - [`deserializer`]: the tree as a `serde::Deserializer` that finds all errors of a document in one pass;
//! - [`problem`]: what is wrong, before it has a file and an object around it.
//!
//! The invariant: no input makes any of it panic, recurse deeper than [`tree::MAX_DEPTH`] or visit more nodes than
//! go-yaml's limit on aliases allows.

pub(crate) mod deserializer;
pub(crate) mod lines;
pub(crate) mod path;
pub(crate) mod problem;
pub(crate) mod scalar;
pub(crate) mod split;
pub(crate) mod tree;
