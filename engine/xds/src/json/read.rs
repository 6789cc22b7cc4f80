//! Envoy's JSON into our types: the mirror image of the writer.
//!
//! What we know is read as protobuf reads it, names in camel or in snake case. What changes where traffic goes and has
//! no place in our types is collected ([`Unmodelled`]); a value that Envoy would refuse is a [`ReadError`]. Both know
//! their place in the file.

mod cluster;
mod endpoint;
mod fields;
mod filter;
mod header;
mod jwt_authn;
mod listener;
mod load_balancer;
mod metadata;
mod metadata_match;
mod outlier_detection;
mod path;
mod retry;
mod route;
mod snapshot;
mod string_match;
mod tls;

use super::tree::Json;
use base::Location;
use fields::{Fields, Log};
use path::Path;
pub use snapshot::RunningProxy;
use std::fmt;

/// What was read, and what of it could not be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// What was read.
    pub value: T,
    /// What changes traffic and is not modelled, in the order of the file.
    pub unmodelled: Vec<Unmodelled>,
}

/// Something that was read and has no place in our types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmodelled {
    /// Where it stands.
    pub at: Location,
    /// The way to it, such as `static_resources.clusters[0].health_checks`.
    pub path: String,
    /// What that means, such as `is not modelled`.
    pub why: String,
}

impl fmt::Display for Unmodelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` {}", self.at, self.path, self.why)
    }
}

/// A value that Envoy would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Where it stands.
    pub at: Location,
    /// The way to it; empty: the outermost value.
    pub path: String,
    /// What was expected and what was found.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, path, message } = self;
        match path.as_str() {
            "" => write!(f, "{at}: {message}"),
            path => write!(f, "{at}: `{path}`: {message}"),
        }
    }
}

impl std::error::Error for ReadError {}

fn read<T>(
    json: &Json,
    read: impl FnOnce(&Fields<'_>) -> Result<T, ReadError>,
) -> Result<Reading<T>, ReadError> {
    let log = Log::default();
    let value = Fields::read(json, Path::Root, &log, read)?;
    Ok(Reading {
        value,
        unmodelled: log.into_inner(),
    })
}
