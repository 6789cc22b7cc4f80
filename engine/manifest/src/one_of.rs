//! Fields of which at most one may be given: the `oneof`s of Istio's API.

use std::fmt;

/// Two fields that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOfError(&'static str, &'static str);

impl fmt::Display for OneOfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` and `{}` exclude each other: give one",
            self.0, self.1
        )
    }
}

/// The one alternative that is given, if any.
pub(crate) fn at_most_one<T, const N: usize>(
    alternatives: [(&'static str, Option<T>); N],
) -> Result<Option<T>, OneOfError> {
    let mut chosen: Option<(&'static str, T)> = None;
    for (name, value) in alternatives {
        match (&chosen, value) {
            (Some((first, _)), Some(_)) => return Err(OneOfError(first, name)),
            (None, Some(value)) => chosen = Some((name, value)),
            (_, None) => {}
        }
    }
    Ok(chosen.map(|(_, value)| value))
}
