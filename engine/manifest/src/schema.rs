//! Which fields Kubernetes' own objects have, and of which types: far more than matter to traffic.
//!
//! The API server refuses a misspelt field wherever it stands, so all of them are listed here, and checked on the tree;
//! the structs of `pod`, `service` and `workload` then hold what matters. Custom resources need no such list: their
//! structs are complete. Rules that span several fields stand with the kinds.

mod autoscaling;
mod config_map;
mod container;
mod endpoints;
mod metadata;
mod pod;
mod rollout;
mod scheduling;
mod service;
mod volume;
mod workload;

use crate::diagnostic::codes;
use crate::quantity;
use crate::timestamp::Timestamp;
use crate::yaml::path::Path;
use crate::yaml::problem::Problem;
use crate::yaml::scalar::Scalar;
use crate::yaml::tree::{Content, NodeId, Tree};

/// What a value may be. Null means not written, everywhere.
pub(crate) enum Schema {
    /// Anything.
    Any,
    Bool,
    /// An integer between two bounds, both included.
    Int(i64, i64),
    String,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A port or a share: a number or a text.
    IntOrString,
    /// An amount of a resource.
    Quantity,
    /// A point in time.
    Time,
    List(&'static Schema),
    /// An object with any keys.
    Map(&'static Schema),
    /// An object with these fields.
    Object(&'static [Field]),
}

/// A field of an object.
pub(crate) enum Field {
    Optional(&'static str, Schema),
    Required(&'static str, Schema),
}

impl Field {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Optional(name, _) | Self::Required(name, _) => name,
        }
    }

    pub(crate) const fn schema(&self) -> &Schema {
        match self {
            Self::Optional(_, schema) | Self::Required(_, schema) => schema,
        }
    }
}

const INT32: Schema = Schema::Int(i32::MIN as i64, i32::MAX as i64);
const INT64: Schema = Schema::Int(i64::MIN, i64::MAX);
/// An `int32` that must not be negative.
const COUNT: Schema = Schema::Int(0, i32::MAX as i64);
/// An `int64` that must not be negative.
const LONG_COUNT: Schema = Schema::Int(0, i64::MAX);
const PORT: Schema = Schema::Int(1, 65535);
/// A port of which zero means none.
const PORT_OR_NONE: Schema = Schema::Int(0, 65535);

/// `metadata` of any object.
pub(crate) static METADATA: Schema = Schema::Object(metadata::OBJECT_META);
/// All of a ConfigMap; its `metadata` is checked like everybody's.
pub(crate) const CONFIG_MAP: Schema = Schema::Object(config_map::CONFIG_MAP);
/// All of an EndpointSlice.
pub(crate) const ENDPOINT_SLICE: Schema = Schema::Object(endpoints::ENDPOINT_SLICE);
/// All of an Endpoints object.
pub(crate) const ENDPOINTS: Schema = Schema::Object(endpoints::ENDPOINTS);
/// `spec` of a Node.
pub(crate) const NODE: Schema = Schema::Object(endpoints::NODE_SPEC);
/// `spec` of a HorizontalPodAutoscaler.
pub(crate) const HORIZONTAL_POD_AUTOSCALER: Schema =
    Schema::Object(autoscaling::HORIZONTAL_POD_AUTOSCALER_SPEC);
/// `spec` of a PodDisruptionBudget.
pub(crate) const POD_DISRUPTION_BUDGET: Schema =
    Schema::Object(autoscaling::POD_DISRUPTION_BUDGET_SPEC);
/// `spec` of a Namespace.
pub(crate) const NAMESPACE: Schema = Schema::Object(workload::NAMESPACE_SPEC);
/// `spec` of a Pod.
pub(crate) const POD: Schema = Schema::Object(pod::POD_SPEC);
/// `spec` of a Service.
pub(crate) const SERVICE: Schema = Schema::Object(service::SERVICE_SPEC);
/// `spec` of a Deployment.
pub(crate) const DEPLOYMENT: Schema = Schema::Object(workload::DEPLOYMENT_SPEC);
/// `spec` of a ReplicaSet.
pub(crate) const REPLICA_SET: Schema = Schema::Object(workload::REPLICA_SET_SPEC);
/// `spec` of a StatefulSet.
pub(crate) const STATEFUL_SET: Schema = Schema::Object(workload::STATEFUL_SET_SPEC);

/// `spec` of a Rollout.
pub(crate) const ROLLOUT: Schema = Schema::Object(rollout::ROLLOUT_SPEC);

/// Notes all that is wrong with the value at `node`.
pub(crate) fn check(
    tree: &Tree<'_>,
    node: NodeId,
    schema: &Schema,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) {
    if tree.is_null(node) {
        return;
    }
    let found = match schema {
        Schema::Any => Ok(()),
        Schema::Bool => check_bool(tree, node, path),
        Schema::Int(min, max) => check_int(tree, node, path, *min, *max),
        Schema::String => text(tree, node, path).map(|_| ()),
        Schema::OneOf(allowed) => check_one_of(tree, node, path, allowed),
        Schema::IntOrString => check_int_or_string(tree, node, path),
        Schema::Quantity => check_quantity(tree, node, path),
        Schema::Time => check_time(tree, node, path),
        Schema::List(element) => check_list(tree, node, element, path, problems),
        Schema::Map(value) => check_map(tree, node, value, path, problems),
        Schema::Object(fields) => check_object(tree, node, fields, path, problems),
    };
    problems.extend(found.err().map(|problem| *problem));
}

type Checked<T = ()> = Result<T, Box<Problem>>;

fn mismatch(tree: &Tree<'_>, node: NodeId, path: &Path<'_>, expected: &str) -> Box<Problem> {
    Box::new(Problem::mismatch(tree, node, path, expected))
}

fn invalid(
    tree: &Tree<'_>,
    node: NodeId,
    path: &Path<'_>,
    message: impl std::fmt::Display,
) -> Box<Problem> {
    Box::new(Problem::in_field(
        codes::INVALID_VALUE,
        tree.span(node),
        path,
        message,
    ))
}

fn text<'t>(tree: &'t Tree<'_>, node: NodeId, path: &Path<'_>) -> Checked<&'t str> {
    tree.str(node)
        .ok_or_else(|| mismatch(tree, node, path, "string"))
}

fn check_bool(tree: &Tree<'_>, node: NodeId, path: &Path<'_>) -> Checked {
    match tree.content(node) {
        Content::Scalar(Scalar::Bool(_)) => Ok(()),
        _ => Err(mismatch(tree, node, path, "boolean")),
    }
}

fn check_int(tree: &Tree<'_>, node: NodeId, path: &Path<'_>, min: i64, max: i64) -> Checked {
    let number = tree
        .integer(node)
        .ok_or_else(|| mismatch(tree, node, path, "integer"))?;
    if (i128::from(min)..=i128::from(max)).contains(&number) {
        Ok(())
    } else {
        Err(Box::new(Problem::out_of_range(
            tree,
            node,
            path,
            number,
            i128::from(min)..=i128::from(max),
        )))
    }
}

fn check_one_of(tree: &Tree<'_>, node: NodeId, path: &Path<'_>, allowed: &[&str]) -> Checked {
    let value = text(tree, node, path)?;
    // In Go an empty text is one that is not written.
    if value.is_empty() || allowed.contains(&value) {
        return Ok(());
    }
    let problem = Problem::unknown_value(tree.span(node), path, value, allowed.iter().copied());
    Err(Box::new(problem))
}

fn check_int_or_string(tree: &Tree<'_>, node: NodeId, path: &Path<'_>) -> Checked {
    match tree.content(node) {
        Content::Scalar(Scalar::Int(number)) if i32::try_from(*number).is_ok() => Ok(()),
        Content::Scalar(Scalar::Int(number)) => Err(invalid(
            tree,
            node,
            path,
            format_args!("`{number}` is too large"),
        )),
        Content::Scalar(Scalar::String(_)) => Ok(()),
        _ => Err(mismatch(tree, node, path, "integer or string")),
    }
}

fn check_quantity(tree: &Tree<'_>, node: NodeId, path: &Path<'_>) -> Checked {
    match tree.content(node) {
        Content::Scalar(Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_)) => Ok(()),
        Content::Scalar(Scalar::String(text)) => match quantity::parse(text) {
            Some(_) => Ok(()),
            None => Err(invalid(tree, node, path, quantity::not_a_quantity(text))),
        },
        _ => Err(mismatch(tree, node, path, "quantity")),
    }
}

fn check_time(tree: &Tree<'_>, node: NodeId, path: &Path<'_>) -> Checked {
    text(tree, node, path)?
        .parse::<Timestamp>()
        .map(|_| ())
        .map_err(|error| invalid(tree, node, path, error))
}

fn check_list(
    tree: &Tree<'_>,
    node: NodeId,
    element: &Schema,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Checked {
    let Content::Array(items) = tree.content(node) else {
        return Err(mismatch(tree, node, path, "array"));
    };
    for (index, item) in items.iter().enumerate() {
        check_inner(tree, *item, element, &Path::Index(path, index), problems);
    }
    Ok(())
}

fn check_map(
    tree: &Tree<'_>,
    node: NodeId,
    value: &Schema,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Checked {
    let Content::Object(entries) = tree.content(node) else {
        return Err(mismatch(tree, node, path, "object"));
    };
    for entry in entries {
        check_inner(tree, entry.value, value, &path.key(&entry.key), problems);
    }
    Ok(())
}

/// Checks an element. Go reads a null among strings as an empty one; an object it would leave empty as well, and then
/// miss its fields.
fn check_inner(
    tree: &Tree<'_>,
    node: NodeId,
    schema: &Schema,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) {
    if tree.is_null(node) && !matches!(schema, Schema::String | Schema::Any) {
        problems.push(*invalid(tree, node, path, "expected a value, got null"));
        return;
    }
    check(tree, node, schema, path, problems);
}

fn check_object(
    tree: &Tree<'_>,
    node: NodeId,
    fields: &'static [Field],
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Checked {
    let Content::Object(entries) = tree.content(node) else {
        return Err(mismatch(tree, node, path, "object"));
    };
    for entry in entries {
        let path = path.key(&entry.key);
        match fields.iter().find(|field| field.name() == entry.key) {
            Some(field) => check(tree, entry.value, field.schema(), &path, problems),
            None => {
                let names = fields.iter().map(Field::name);
                problems.push(Problem::unknown_field(
                    entry.key_span(),
                    &path,
                    &entry.key,
                    names,
                ));
            }
        }
    }
    for field in fields {
        if let Field::Required(name, _) = field
            && tree
                .entry(node, name)
                .is_none_or(|entry| tree.is_zero(entry.value))
        {
            problems.push(Problem::missing_field(tree.span(node), &path.key(name)));
        }
    }
    Ok(())
}
