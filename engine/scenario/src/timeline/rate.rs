//! More or less load from a traffic source: a rate, a factor, or a number of users.

use crate::load::read_users_or_none;
use crate::place::{Place, Placed};
use crate::reader::{Fields, Reader};
use crate::shape::{Field, Shape, field};

/// A new rate, or new users.
#[derive(Clone, Debug)]
pub struct RateChange {
    /// The traffic source's name.
    pub traffic: Placed<String>,
    /// Requests a second.
    pub rate: Option<f64>,
    /// What the source would do by itself, so many times.
    pub factor: Option<f64>,
    /// How many users it has.
    pub users: Option<u32>,
    /// Where the first of them is written.
    pub place: Place,
}

impl RateChange {
    /// What a reader should see of it in a plot.
    pub(super) fn label(&self) -> String {
        let rate = self.rate.map(|rate| format!("at {rate}/s"));
        let factor = self.factor.map(|factor| format!("times {factor}"));
        let users = self.users.map(|users| format!("with {users} users"));
        let parts = [users, rate, factor].into_iter().flatten();
        std::iter::once(self.traffic.value.clone())
            .chain(parts)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// `traffic`
pub(super) const TRAFFIC: Field = field(
    "traffic",
    Shape::Text,
    "The traffic source that sends more or less: with `rate`, `factor` or `users`, for as long as `for` says.",
);
/// `rate`
pub(super) const RATE: Field = field(
    "rate",
    Shape::Rate,
    "Its new rate, such as `400/s`; `0/s` for a pause. It holds whatever the source's own rate would be (`load`, `diurnal`, \
     `bursts`); for users without `thinkTime` and for `fortio` it is what they share, as by `-qps`.",
);
/// `factor`
pub(super) const FACTOR: Field = field(
    "factor",
    Shape::Number,
    "So many times what the source is written to do: of its rate at each moment, of fortio's `-qps`, or of its users; \
     `1` goes back to that.",
);
/// `users`
pub(super) const USERS: Field = field(
    "users",
    Shape::Whole(0),
    "How many users, or connections of `fortio`, the source has from now on. Those above that wait for their last \
     response; new ones think first. They share a `-qps` anew.",
);

/// The fields that say how much.
pub(super) const AMOUNTS: [&str; 3] = ["rate", "factor", "users"];

pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<RateChange> {
    let traffic = fields.get("traffic");
    let written = AMOUNTS.iter().find_map(|name| fields.get(name));
    let (Some(traffic), Some(written)) = (&traffic, &written) else {
        if traffic.is_some() {
            reader.missing(fields, "`rate`, `factor` or `users`");
        } else if written.is_some() {
            reader.missing(fields, "`traffic`");
        }
        return None;
    };
    let rate = match fields.get("rate") {
        Some(node) => Some(reader.rate_or_zero(&node)?),
        None => None,
    };
    let factor = match fields.get("factor") {
        Some(node) => Some(reader.number(&node)?),
        None => None,
    };
    let users = match fields.get("users") {
        Some(node) => Some(read_users_or_none(reader, &node)?),
        None => None,
    };
    if let Some(node) = fields.get("factor")
        && let Some(other) = rate.map(|_| "rate").or(users.map(|_| "users"))
    {
        let message = format!("`factor` and `{other}` exclude each other: give one");
        reader.invalid(&node, message, "");
        return None;
    }
    Some(RateChange {
        traffic: reader.placed_text(traffic)?,
        rate,
        factor,
        users,
        place: written.place(),
    })
}
