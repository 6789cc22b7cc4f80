//! Distributions of durations, as written: a duration, or the name of a distribution with its parameters.

use crate::reader::{Cursor, Reader};
use crate::shape::{Object, Shape, field};
use base::distribution::{Empirical, Lognormal};
use base::{Distribution, SimDuration};

/// A distribution with its parameters.
pub(crate) static DISTRIBUTION: Object = Object {
    name: "distribution",
    about: "How durations are distributed.",
    fields: &[
        field("constant", Shape::Duration, "Always the same."),
        field(
            "exponential",
            Shape::Any(&[Shape::Duration, Shape::Object(&EXPONENTIAL)]),
            "Memoryless, with this mean.",
        ),
        field(
            "lognormal",
            Shape::Object(&LOGNORMAL),
            "The logarithm is normal: the usual shape of response times.",
        ),
        field(
            "uniform",
            Shape::Object(&UNIFORM),
            "Equally likely between two durations.",
        ),
        field(
            "empirical",
            Shape::List(&Shape::Object(&EMPIRICAL)),
            "Drawn from these values, each as likely as its weight.",
        ),
    ],
    required: &[],
    one_of: &[&[
        "constant",
        "exponential",
        "lognormal",
        "uniform",
        "empirical",
    ]],
};

static EXPONENTIAL: Object = Object {
    name: "exponential",
    about: "An exponential distribution.",
    fields: &[field("mean", Shape::Duration, "The mean.")],
    required: &["mean"],
    one_of: &[],
};

static LOGNORMAL: Object = Object {
    name: "lognormal",
    about: "A lognormal distribution.",
    fields: &[
        field("median", Shape::Duration, "Half of the values are shorter."),
        field("p99", Shape::Duration, "99 % of the values are shorter."),
    ],
    required: &["median", "p99"],
    one_of: &[],
};

static UNIFORM: Object = Object {
    name: "uniform",
    about: "A uniform distribution.",
    fields: &[
        field("min", Shape::Duration, "The shortest value."),
        field("max", Shape::Duration, "The longest value."),
    ],
    required: &["min", "max"],
    one_of: &[],
};

static EMPIRICAL: Object = Object {
    name: "empiricalValue",
    about: "A value and how likely it is.",
    fields: &[
        field("value", Shape::Duration, "The value."),
        field("weight", Shape::Number, "Its weight; 1 if not written."),
    ],
    required: &["value"],
    one_of: &[],
};

/// Reads a distribution.
pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Distribution> {
    if !node.is_map() {
        return reader.duration(node).map(Distribution::Constant);
    }
    let fields = reader.object(node, &DISTRIBUTION)?;
    let chosen = fields.iter().next()?;
    match chosen.name() {
        "constant" => reader.duration(&chosen).map(Distribution::Constant),
        "exponential" => read_exponential(reader, &chosen),
        "lognormal" => read_lognormal(reader, &chosen),
        "uniform" => read_uniform(reader, &chosen),
        _ => read_empirical(reader, &chosen),
    }
}

fn read_exponential(reader: &mut Reader, node: &Cursor<'_>) -> Option<Distribution> {
    let mean = if node.is_map() {
        read_parameter(reader, node, &EXPONENTIAL, "mean")?
    } else {
        reader.duration(node)?
    };
    Some(Distribution::Exponential { mean })
}

fn read_lognormal(reader: &mut Reader, node: &Cursor<'_>) -> Option<Distribution> {
    let fields = reader.object(node, &LOGNORMAL)?;
    let median = fields.get("median").and_then(|n| reader.duration(&n));
    let p99 = fields.get("p99").and_then(|n| reader.duration(&n));
    match Lognormal::from_median_and_p99(median?, p99?) {
        Ok(lognormal) => Some(Distribution::Lognormal(lognormal)),
        Err(error) => {
            reader.invalid(node, error.to_string(), "");
            None
        }
    }
}

fn read_uniform(reader: &mut Reader, node: &Cursor<'_>) -> Option<Distribution> {
    let fields = reader.object(node, &UNIFORM)?;
    let min = fields.get("min").and_then(|n| reader.duration(&n));
    let max = fields.get("max").and_then(|n| reader.duration(&n));
    let (min, max) = (min?, max?);
    if max < min {
        reader.invalid(node, "`max` must not be shorter than `min`".to_owned(), "");
        return None;
    }
    Some(Distribution::Uniform { min, max })
}

fn read_empirical(reader: &mut Reader, node: &Cursor<'_>) -> Option<Distribution> {
    let values = reader.list(node, |reader, item| {
        let fields = reader.object(item, &EMPIRICAL)?;
        let value = fields.get("value").and_then(|n| reader.duration(&n))?;
        let weight = match fields.get("weight") {
            Some(weight) => reader.number(&weight)?,
            None => 1.0,
        };
        Some((value, weight))
    });
    match Empirical::new(values) {
        Ok(empirical) => Some(Distribution::Empirical(empirical)),
        Err(error) => {
            reader.invalid(node, error.to_string(), "");
            None
        }
    }
}

fn read_parameter(
    reader: &mut Reader,
    node: &Cursor<'_>,
    object: &'static Object,
    name: &str,
) -> Option<SimDuration> {
    let fields = reader.object(node, object)?;
    fields.get(name).and_then(|node| reader.duration(&node))
}
