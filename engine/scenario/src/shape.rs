//! The grammar of scenario files as data: the reader checks against it, and the JSON Schema is printed from it.
//!
//! One description serves both, so that an editor never accepts what the reader refuses.

/// A map with known fields.
#[derive(Debug)]
pub(crate) struct Object {
    /// Its name in the schema.
    pub(crate) name: &'static str,
    /// What it describes.
    pub(crate) about: &'static str,
    /// Its fields, in the order in which a reader would write them.
    pub(crate) fields: &'static [Field],
    /// Names of the fields that must be there.
    pub(crate) required: &'static [&'static str],
    /// Groups of fields of which exactly one must be there.
    pub(crate) one_of: &'static [&'static [&'static str]],
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it may be.
    pub(crate) shape: Shape,
    /// What it means, its default included.
    pub(crate) about: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number, at least this.
    Whole(u64),
    /// A whole number, at least this, or the word `unlimited`.
    Limit(u64),
    /// A number, zero or more.
    Number,
    /// An HTTP status.
    Status,
    /// An HTTP status or a class of them, such as `5xx`.
    StatusClass,
    /// `250ms`
    Duration,
    /// `10%`
    Percentage,
    /// `200/s`
    Rate,
    /// `4KiB`, or a number of bytes.
    Size,
    /// `1Gbit/s`
    Bandwidth,
    /// A size, or a distribution of sizes.
    Sizes,
    /// A duration, or a distribution of durations.
    Distribution,
    /// Texts by name.
    Texts,
    /// Values of a shape by name.
    Map(&'static Shape),
    /// Several of a shape.
    List(&'static Shape),
    /// One of a shape, or a list.
    OneOrMore(&'static Shape),
    /// A map with known fields.
    Object(&'static Object),
    /// A text in short, or a map with known fields.
    TextOr(&'static Object),
    /// A value of one of several shapes.
    Any(&'static [Shape]),
}

/// A field.
pub(crate) const fn field(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, about }
}

impl Object {
    /// The field called `name`.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
