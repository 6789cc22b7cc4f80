//! Conditions on requests: `when`, by the headers of the request that is served, or by chance.

use crate::header;
use crate::reader::{Cursor, Reader};
use crate::shape::{Field, Object, Shape, field};
use base::Ratio;
use sim::application::HeaderCondition;

/// `when` of a call.
pub(crate) static WHEN: Object = Object {
    name: "when",
    about: "When a call is made: all conditions must hold.",
    fields: &[
        HEADERS,
        field(
            "probability",
            Shape::Percentage,
            "How many of the requests for which the other conditions hold make the call; `100%` if not written.",
        ),
    ],
    required: &[],
    one_of: &[],
};

/// `when` of an endpoint.
pub(crate) static ENDPOINT_WHEN: Object = Object {
    name: "endpointWhen",
    about: "Which requests an endpoint is for, beside method and path.",
    fields: &[HEADERS],
    required: &["headers"],
    one_of: &[],
};

const HEADERS: Field = field(
    "headers",
    Shape::Texts,
    "Headers that the request being served must have, by name: a value, or `*` for any.",
);

/// When a call is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Headers that the request being served must have.
    pub headers: Vec<HeaderCondition>,
    /// How often, if they are there; none: always.
    pub probability: Option<Ratio>,
}

impl Condition {
    /// Reads `when` as `object` has it.
    pub(crate) fn read(
        reader: &mut Reader,
        node: &Cursor<'_>,
        object: &'static Object,
    ) -> Option<Self> {
        let fields = reader.object(node, object)?;
        let headers = fields.get("headers").map(|node| {
            let texts = header::read(reader, &node).into_iter();
            let condition = |(name, value): (String, String)| HeaderCondition {
                name,
                value: (value != "*").then_some(value),
            };
            texts.map(condition).collect()
        });
        Some(Self {
            headers: headers.unwrap_or_default(),
            probability: fields
                .get("probability")
                .and_then(|node| reader.ratio(&node)),
        })
    }
}
