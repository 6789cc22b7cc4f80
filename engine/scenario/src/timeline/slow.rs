//! Applications that take longer.

use crate::reader::{Cursor, Reader};
use crate::shape::{Field, Shape, field};

/// `slow`
pub(super) const SLOW: Field = field(
    "slow",
    Shape::Number,
    "How many times longer the applications take for everything: `3` for three times.",
);

/// Reads a factor in thousandths.
pub(super) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<u32> {
    let factor = reader.number(node)?;
    if (0.001..=1e6).contains(&factor) {
        return Some((factor * 1000.0 + 0.5) as u32);
    }
    let message = format!("`{factor}` is out of range: expected 0.001 to 1000000");
    reader.invalid(
        node,
        message,
        "write a number such as `3`: three times as long",
    );
    None
}
