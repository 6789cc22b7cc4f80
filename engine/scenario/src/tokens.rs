//! What the world outside knows about tokens: the keys behind addresses, and what time it is.

use crate::file::Files;
use crate::reader::{Cursor, Reader};
use crate::shape::{Object, Shape, field};
use control_plane::MeshConfig;
use manifest::timestamp::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known about tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The time at which tokens are judged, in seconds since 1970.
    pub clock: Option<u64>,
    /// Sets of keys by the addresses that RequestAuthentications name, or by issuers.
    pub keys: BTreeMap<String, String>,
}

/// `tokens`
pub(crate) static TOKENS: Object = Object {
    name: "tokens",
    about: "What is known about JSON Web Tokens beside what RequestAuthentications say.",
    fields: &[
        field(
            "clock",
            Shape::Text,
            "The time at which tokens are judged, all through the run, such as `2026-01-31T12:00:00Z`; the beginning of 2026 if \
             not written.",
        ),
        field(
            "keys",
            Shape::Texts,
            "What istiod would fetch: a JSON Web Key Set, or a file with one, by its `jwksUri`, or by its issuer where a rule \
             names no `jwksUri`. Tokens whose keys are not known are taken at their word.",
        ),
    ],
    required: &[],
    one_of: &[],
};

impl Tokens {
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>, files: &Files<'_>) -> Self {
        let Some(fields) = reader.object(node, &TOKENS) else {
            return Self::default();
        };
        let clock = fields
            .get("clock")
            .and_then(|node| read_clock(reader, &node));
        let keys = fields.get("keys").map(|node| {
            if !node.is_map() {
                reader.wrong_type(&node, "object");
            }
            let mut keys = BTreeMap::new();
            for entry in node.entries() {
                if let Some(set) = read_keys(reader, &entry, files) {
                    keys.insert(entry.name().to_owned(), set);
                }
            }
            keys
        });
        Self {
            clock,
            keys: keys.unwrap_or_default(),
        }
    }

    /// Tells the mesh.
    pub(crate) fn tell(&self, config: &mut MeshConfig) {
        config.jwks.extend(self.keys.clone());
        if let Some(clock) = self.clock {
            config.clock = clock;
        }
    }
}

fn read_clock(reader: &mut Reader, node: &Cursor<'_>) -> Option<u64> {
    let text = reader.text(node)?;
    let read = text.parse::<Timestamp>().map_err(|error| error.to_string());
    let seconds = read.and_then(|time| {
        u64::try_from(time.unix_seconds()).map_err(|_| "expected a time after 1970".to_owned())
    });
    seconds
        .map_err(|why| reader.invalid(node, format!("`{text}`: {why}"), ""))
        .ok()
}

/// A set of keys as it is written, or as a file says.
fn read_keys(reader: &mut Reader, node: &Cursor<'_>, files: &Files<'_>) -> Option<String> {
    let value = reader.text(node)?;
    let help = "write a JSON Web Key Set, `{\"keys\": [...]}`, or name a file with one";
    let set = if value.trim_start().starts_with('{') {
        Ok(value)
    } else {
        let found = files(&value).map(<[_; 1]>::try_from);
        match found {
            Ok(Ok([only])) => Ok(only.text),
            Ok(Err(_)) => Err(format!("`{value}` is not one file")),
            Err(reason) => Err(format!("`{value}` cannot be read: {reason}")),
        }
    };
    let set = set.and_then(|set| {
        let read: Result<Value, _> = serde_json::from_str(&set);
        match read.is_ok_and(|read| read["keys"].is_array()) {
            true => Ok(set),
            false => Err("it is no JSON Web Key Set".to_owned()),
        }
    });
    set.map_err(|why| reader.invalid(node, why, help)).ok()
}
