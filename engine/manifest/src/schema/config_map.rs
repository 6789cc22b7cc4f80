//! The fields of a ConfigMap.
//!
//! Source: k8s.io/api 0.37, core/v1.

use crate::schema::Field::{self, Optional};
use crate::schema::Schema::{Any, Bool, Map, String};

pub(super) const CONFIG_MAP: &[Field] = &[
    Optional("apiVersion", Any),
    Optional("binaryData", Map(&String)),
    Optional("data", Map(&String)),
    Optional("immutable", Bool),
    Optional("kind", Any),
    Optional("metadata", Any),
];
