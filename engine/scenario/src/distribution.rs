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

/// The words of a distribution, and how one of its values is read.
pub(crate) struct Grammar {
    pub(crate) distribution: &'static Object,
    pub(crate) exponential: &'static Object,
    pub(crate) lognormal: &'static Object,
    pub(crate) uniform: &'static Object,
    pub(crate) empirical: &'static Object,
    pub(crate) value: fn(&mut Reader, &Cursor<'_>) -> Option<SimDuration>,
}

static OF_DURATIONS: Grammar = Grammar {
    distribution: &DISTRIBUTION,
    exponential: &EXPONENTIAL,
    lognormal: &LOGNORMAL,
    uniform: &UNIFORM,
    empirical: &EMPIRICAL,
    value: |reader, node| reader.duration(node),
};

/// Reads a distribution of durations.
pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Distribution> {
    read_as(&OF_DURATIONS, reader, node)
}

/// Reads a distribution of other values, which stand for as many nanoseconds.
pub(crate) fn read_as(
    grammar: &Grammar,
    reader: &mut Reader,
    node: &Cursor<'_>,
) -> Option<Distribution> {
    if !node.is_map() {
        return (grammar.value)(reader, node).map(Distribution::Constant);
    }
    let fields = reader.object(node, grammar.distribution)?;
    let chosen = fields.iter().next()?;
    match chosen.name() {
        "constant" => (grammar.value)(reader, &chosen).map(Distribution::Constant),
        "exponential" => read_exponential(grammar, reader, &chosen),
        "lognormal" => read_lognormal(grammar, reader, &chosen),
        "uniform" => read_uniform(grammar, reader, &chosen),
        _ => read_empirical(grammar, reader, &chosen),
    }
}

fn read_exponential(
    grammar: &Grammar,
    reader: &mut Reader,
    node: &Cursor<'_>,
) -> Option<Distribution> {
    let mean = if node.is_map() {
        let fields = reader.object(node, grammar.exponential)?;
        (grammar.value)(reader, &fields.get("mean")?)?
    } else {
        (grammar.value)(reader, node)?
    };
    Some(Distribution::Exponential { mean })
}

fn read_lognormal(
    grammar: &Grammar,
    reader: &mut Reader,
    node: &Cursor<'_>,
) -> Option<Distribution> {
    let fields = reader.object(node, grammar.lognormal)?;
    let mut value = |name: &str| (grammar.value)(reader, &fields.get(name)?);
    let (median, p99) = (value("median"), value("p99"));
    match Lognormal::from_median_and_p99(median?, p99?) {
        Ok(lognormal) => Some(Distribution::Lognormal(lognormal)),
        Err(error) => {
            reader.invalid(node, error.to_string(), "");
            None
        }
    }
}

fn read_uniform(grammar: &Grammar, reader: &mut Reader, node: &Cursor<'_>) -> Option<Distribution> {
    let fields = reader.object(node, grammar.uniform)?;
    let mut value = |name: &str| (grammar.value)(reader, &fields.get(name)?);
    let (min, max) = (value("min"), value("max"));
    let (min, max) = (min?, max?);
    if max < min {
        reader.invalid(node, "`max` must not be shorter than `min`".to_owned(), "");
        return None;
    }
    Some(Distribution::Uniform { min, max })
}

fn read_empirical(
    grammar: &Grammar,
    reader: &mut Reader,
    node: &Cursor<'_>,
) -> Option<Distribution> {
    let values = reader.list(node, |reader, item| {
        let fields = reader.object(item, grammar.empirical)?;
        let value = (grammar.value)(reader, &fields.get("value")?)?;
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
