//! Which fields each kind has, and what may stand in them: for editors that offer and explain them.
//!
//! Kubernetes' own kinds have tables (`schema`). Of custom resources the structs know: they are read with a reader that has
//! no values, and notes what it is asked for at one path at a time.

mod trace;

use std::collections::BTreeMap;

use crate::kind::{Format, KINDS, Kind};
use crate::schema::{self, Field, Schema};

/// A kind and all of its fields.
#[derive(Clone, Debug)]
pub struct KindFields {
    /// The kind's name.
    pub kind: &'static str,
    /// The API versions that have it, the preferred one first.
    pub api_versions: &'static [&'static str],
    /// The fields of each object in it.
    pub objects: Objects,
}

/// The fields of objects by their paths: `spec.http.match`, whether that is a list or not, empty for all of the manifest; `*`
/// stands for keys that are the author's words.
pub type Objects = BTreeMap<String, Vec<FieldShape>>;

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldShape {
    /// Its name.
    pub name: &'static str,
    /// The type of this crate that has it; empty if a table has it.
    pub owner: &'static str,
    /// Whether it must be given, as far as a table says so.
    pub required: bool,
    /// Whether it is a list of what it holds.
    pub is_list: bool,
    /// What it holds.
    pub holds: Holds,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// An object with fields of its own.
    Object,
    /// An object whose keys are the author's words.
    Map,
    /// True or false.
    Bool,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// Something else: `a duration such as 3s`.
    Other(String),
}

/// The kinds that are read, each with its fields.
pub fn kinds() -> Vec<KindFields> {
    let rows = KINDS.iter();
    rows.map(|row| KindFields {
        kind: row.kind,
        api_versions: row.api_versions,
        objects: (row.fields)(),
    })
    .collect()
}

/// The fields of a kind.
pub(crate) fn of<K: Kind>() -> Objects {
    let mut objects = Objects::new();
    let (schema, path) = match &K::FORMAT {
        Format::Flat { object } => (Some(*object), ""),
        Format::Native { spec, .. } => (Some(*spec), "spec"),
        Format::Custom => (None, "spec"),
    };
    match schema {
        Some(schema) => walk(schema, path, &mut objects),
        None => trace::trace::<K>(path, &mut objects),
    }
    walk(&schema::METADATA, "metadata", &mut objects);
    let top = objects.entry(String::new()).or_default();
    if !path.is_empty() {
        let text = || Holds::Other(TEXT.to_owned());
        for (name, holds) in [
            ("apiVersion", text()),
            ("kind", text()),
            ("metadata", Holds::Object),
            ("spec", Holds::Object),
        ] {
            top.push(FieldShape {
                name,
                owner: "",
                required: name != "spec",
                is_list: false,
                holds,
            });
        }
    }
    objects
}

/// Notes the fields of a table and below.
fn walk(schema: &'static Schema, path: &str, objects: &mut Objects) {
    match schema {
        Schema::Object(fields) => {
            let shapes = fields.iter().map(shape).collect();
            objects.insert(path.to_owned(), shapes);
            for field in *fields {
                walk(field.schema(), &below(path, field.name()), objects);
            }
        }
        Schema::List(element) => walk(element, path, objects),
        Schema::Map(value) => walk(value, &below(path, ANY_KEY), objects),
        Schema::Any
        | Schema::Bool
        | Schema::Int(..)
        | Schema::String
        | Schema::OneOf(_)
        | Schema::IntOrString
        | Schema::Quantity
        | Schema::Time => {}
    }
}

fn shape(field: &'static Field) -> FieldShape {
    let (is_list, schema) = match field.schema() {
        Schema::List(element) => (true, *element),
        schema => (false, schema),
    };
    FieldShape {
        name: field.name(),
        owner: "",
        required: matches!(field, Field::Required(..)),
        is_list,
        holds: holds(schema),
    }
}

fn holds(schema: &'static Schema) -> Holds {
    match schema {
        Schema::Object(_) => Holds::Object,
        Schema::Map(_) => Holds::Map,
        Schema::Bool => Holds::Bool,
        Schema::OneOf(values) => Holds::OneOf(values),
        Schema::Any => Holds::Other("anything".to_owned()),
        Schema::Int(min, max) if *min > i64::from(i32::MIN) && *max < i64::from(i32::MAX) => {
            Holds::Other(format!("a number from {min} to {max}"))
        }
        Schema::Int(..) => Holds::Other("a whole number".to_owned()),
        Schema::String => Holds::Other(TEXT.to_owned()),
        Schema::IntOrString => Holds::Other("a number or a text".to_owned()),
        Schema::Quantity => Holds::Other("an amount such as `100m` or `64Mi`".to_owned()),
        Schema::Time => Holds::Other("a point in time".to_owned()),
        Schema::List(_) => Holds::Other("lists".to_owned()),
    }
}

/// The path of what a key leads to.
fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

const TEXT: &str = "a text";
/// Stands for any key.
const ANY_KEY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(kind: &str, path: &str) -> Vec<FieldShape> {
        let kinds = kinds();
        let found = kinds.iter().find(|one| one.kind == kind);
        let objects = &found.expect("it is read").objects;
        let known: Vec<&String> = objects.keys().collect();
        let fields = objects.get(path);
        fields
            .unwrap_or_else(|| panic!("{path} is not in {known:?}"))
            .clone()
    }

    fn field(kind: &str, path: &str, name: &str) -> FieldShape {
        let fields = fields(kind, path);
        let found = fields.iter().find(|field| field.name == name);
        found
            .unwrap_or_else(|| panic!("{name} is not in {fields:?}"))
            .clone()
    }

    #[test]
    fn structs_and_tables_tell_their_fields() {
        let http = field("VirtualService", "spec", "http");
        assert_eq!(
            (http.is_list, &http.holds, http.owner),
            (true, &Holds::Object, "VirtualServiceSpec")
        );
        let timeout = field("VirtualService", "spec.http", "timeout");
        assert_eq!(
            timeout.holds,
            Holds::Other("a duration such as `3s`".to_owned())
        );
        // Keys of headers are the author's words, and below them is a match.
        let headers = field("VirtualService", "spec.http.match", "headers");
        assert_eq!(headers.holds, Holds::Map);
        field("VirtualService", "spec.http.match.headers.*", "regex");
        let mode = field("PeerAuthentication", "spec.mtls", "mode");
        assert!(matches!(mode.holds, Holds::OneOf(modes) if modes.contains(&"STRICT")));
        let policy = "spec.trafficPolicy.outlierDetection";
        field("DestinationRule", policy, "consecutive5xxErrors");
        field("Sidecar", "spec.egress", "hosts");
        field("ServiceEntry", "spec.endpoints", "locality");
        field("HTTPRoute", "spec.rules.backendRefs", "weight");
        let port = field("Service", "spec.ports", "port");
        assert!(port.required);
        assert_eq!(
            port.holds,
            Holds::Other("a number from 1 to 65535".to_owned())
        );
        let container = "spec.template.spec.containers";
        field("Deployment", container, "readinessProbe");
        field("ConfigMap", "", "data");
        field("Gateway", "metadata", "labels");
    }

    #[test]
    fn every_kind_has_fields_wherever_an_object_is() {
        for kind in kinds() {
            for (path, fields) in &kind.objects {
                assert!(!fields.is_empty(), "{}: {path}", kind.kind);
                for field in fields {
                    let inner = below(path, field.name);
                    let is_known = kind.objects.contains_key(&inner);
                    let is_top = path.is_empty();
                    assert!(
                        is_top || is_known == (field.holds == Holds::Object),
                        "{}: {inner} holds {:?}",
                        kind.kind,
                        field.holds
                    );
                }
            }
        }
    }
}
