//! A new rate of a traffic source.

use crate::place::Placed;
use crate::reader::{Fields, Reader};
use crate::shape::{Field, Shape, field};

/// A new rate.
#[derive(Clone, Debug)]
pub struct RateChange {
    /// The traffic source's name.
    pub traffic: Placed<String>,
    /// Requests a second.
    pub rate: f64,
}

/// `traffic`
pub(super) const TRAFFIC: Field = field(
    "traffic",
    Shape::Text,
    "The traffic source whose rate changes.",
);
/// `rate`
pub(super) const RATE: Field = field(
    "rate",
    Shape::Rate,
    "Its new rate, such as `400/s`; `0/s` for a pause.",
);

pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<RateChange> {
    let traffic = fields.get("traffic");
    let rate = fields.get("rate");
    if let (Some(_), None) | (None, Some(_)) = (&traffic, &rate) {
        reader.missing(
            fields,
            if rate.is_none() {
                "`rate`"
            } else {
                "`traffic`"
            },
        );
        return None;
    }
    let traffic = reader.placed_text(&traffic?);
    let rate = reader.rate_or_zero(&rate?);
    Some(RateChange {
        traffic: traffic?,
        rate: rate?,
    })
}
