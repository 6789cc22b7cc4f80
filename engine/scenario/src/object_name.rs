//! `<namespace>/<name>`, as scenario files name workloads, pods and Services.

use std::fmt;

/// The namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectName {
    /// Reads `namespace/name`, or a `name` in the default namespace.
    pub fn parse(text: &str, default_namespace: &str) -> Self {
        let (namespace, name) = text.split_once('/').unwrap_or((default_namespace, text));
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Whether `text` meets `pattern`, in which each `*` stands for any characters.
pub(crate) fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

/// The candidate that `text` was most likely meant to be: one that is spelt nearly alike, or that it abbreviates.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A text longer than any name is no misspelling, and comparing it would cost.
    if text.is_empty() || text.len() > 100 {
        return None;
    }
    let text = text.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&text, &candidate.to_ascii_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(text.len()) / 3)
        .map(|(_, candidate)| candidate)
}

fn distance(text: &str, candidate: &str) -> usize {
    if candidate.starts_with(text) && text.len() > 2 {
        1
    } else {
        strsim::damerau_levenshtein(text, candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_namespace_is_in_the_default_one() {
        assert_eq!(
            ObjectName::parse("reviews", "shop").to_string(),
            "shop/reviews"
        );
        assert_eq!(
            ObjectName::parse("a/reviews", "shop").to_string(),
            "a/reviews"
        );
    }

    #[test]
    fn patterns() {
        for (pattern, text, matches) in [
            ("reviews:*", "reviews:1.20", true),
            ("*/reviews:*", "docker.io/istio/reviews:1", true),
            ("reviews", "reviews", true),
            ("reviews", "reviews-v1", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["reviews", "ratings", "details"];
        assert_eq!(nearest("reveiws", names), Some("reviews"));
        assert_eq!(nearest("rating", names), Some("ratings"));
        assert_eq!(nearest("rev", names), Some("reviews"));
        assert_eq!(nearest("unrelated-thing", names), None);
        assert_eq!(nearest("x", []), None);
    }
}
