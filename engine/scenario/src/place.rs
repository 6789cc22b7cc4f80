//! Values that know where they were written.

use base::Location;
use manifest::Source;
use std::ops::{Deref, Range};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File, line and column.
    pub location: Location,
    /// The bytes of the file.
    pub span: Range<usize>,
}

impl Place {
    /// Where something begins whose bytes are not known, or not to be shown.
    pub fn at(location: &Location) -> Self {
        Self {
            location: location.clone(),
            span: 0..0,
        }
    }

    /// A file as a whole.
    pub fn of_file(source: &Source) -> Self {
        Self::at(&Location::start_of(source.name.clone()))
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub place: Place,
}

impl<T> Placed<T> {
    /// `value`, written at `place`.
    pub const fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

impl<T> Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Placed<T> {
    /// Two are equal if their values are: the same rule in two files is the same rule.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
