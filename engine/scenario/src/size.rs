//! Distributions of sizes, as written: a size, or the name of a distribution with its parameters, as for durations.

use crate::distribution::{self, Grammar};
use crate::reader::{Cursor, Reader};
use crate::shape::{Object, Shape, field};
use base::{SimDuration, Sizes};

/// A distribution with its parameters.
pub(crate) static SIZES: Object = Object {
    name: "sizes",
    about: "How sizes are distributed.",
    fields: &[
        field("constant", Shape::Size, "Always the same."),
        field(
            "exponential",
            Shape::Any(&[Shape::Size, Shape::Object(&EXPONENTIAL)]),
            "Memoryless, with this mean.",
        ),
        field(
            "lognormal",
            Shape::Object(&LOGNORMAL),
            "The logarithm is normal: the usual shape of sizes.",
        ),
        field(
            "uniform",
            Shape::Object(&UNIFORM),
            "Equally likely between two sizes.",
        ),
        field(
            "empirical",
            Shape::List(&Shape::Object(&EMPIRICAL)),
            "Drawn from these sizes, each as likely as its weight.",
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
    name: "exponentialSizes",
    about: "An exponential distribution of sizes.",
    fields: &[field("mean", Shape::Size, "The mean.")],
    required: &["mean"],
    one_of: &[],
};

static LOGNORMAL: Object = Object {
    name: "lognormalSizes",
    about: "A lognormal distribution of sizes.",
    fields: &[
        field("median", Shape::Size, "Half of the sizes are smaller."),
        field("p99", Shape::Size, "99 % of the sizes are smaller."),
    ],
    required: &["median", "p99"],
    one_of: &[],
};

static UNIFORM: Object = Object {
    name: "uniformSizes",
    about: "A uniform distribution of sizes.",
    fields: &[
        field("min", Shape::Size, "The smallest size."),
        field("max", Shape::Size, "The largest size."),
    ],
    required: &["min", "max"],
    one_of: &[],
};

static EMPIRICAL: Object = Object {
    name: "empiricalSize",
    about: "A size and how likely it is.",
    fields: &[
        field("value", Shape::Size, "The size."),
        field("weight", Shape::Number, "Its weight; 1 if not written."),
    ],
    required: &["value"],
    one_of: &[],
};

static OF_SIZES: Grammar = Grammar {
    distribution: &SIZES,
    exponential: &EXPONENTIAL,
    lognormal: &LOGNORMAL,
    uniform: &UNIFORM,
    empirical: &EMPIRICAL,
    value: |reader, node| reader.size(node).map(SimDuration::from_nanos),
};

/// Reads a size, or a distribution of sizes.
pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Sizes> {
    distribution::read_as(&OF_SIZES, reader, node).map(Sizes::of)
}
