//! Fields that are accepted and not read, with their place, so that whoever plays an object can say so.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::span::Spanned;

/// A field that is accepted and not read.
pub type Unread = Option<Spanned<Ignored>>;

/// A value of which nothing is kept; any is as good as another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|IgnoredAny| Self)
    }
}
