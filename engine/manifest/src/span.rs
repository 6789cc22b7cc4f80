//! A value together with the place where it was written.
//!
//! The reader fills the place in; whoever explains a decision shows it.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use base::Location;
use serde::de::{Deserialize, Deserializer, Visitor};

/// A value and where it stands.
///
/// Two are equal if their values are: the same rule in two files is the same rule.
#[derive(Clone)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where: the first character of the value.
    pub at: Location,
}

impl<T> Spanned<T> {
    /// `value`, written at `at`.
    pub const fn new(value: T, at: Location) -> Self {
        Self { value, at }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: fmt::Debug> fmt::Debug for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SPANNED, SpannedVisitor(PhantomData))
    }
}

struct SpannedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Spanned<T>, D::Error> {
        let at = PLACE
            .take()
            .unwrap_or_else(|| Location::start_of("(unknown)"));
        Ok(Spanned::new(T::deserialize(inner)?, at))
    }
}

/// The name by which [`Spanned`] asks the reader for a place.
pub(crate) const SPANNED: &str = "$meshsim::Spanned";

thread_local! {
    /// Serde hands no context from a reader to a `Deserialize` within a value, so the place takes this side door: the
    /// reader leaves it here immediately before `Spanned` picks it up.
    static PLACE: RefCell<Option<Location>> = const { RefCell::new(None) };
}

/// Leaves `at` for the `Spanned` that is being read.
pub(crate) fn hand_over(at: Location) {
    PLACE.replace(Some(at));
}
