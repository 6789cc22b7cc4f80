//! The way from an object to one of its fields, written as Kubernetes writes it.

use std::fmt;

/// A path, held on the stack of whoever descends.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    /// The object itself.
    Root,
    /// A field of an object, or a key of a map.
    Key(&'p Path<'p>, &'p str),
    /// An element of an array.
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    /// The path to the field `key`.
    pub(crate) const fn key(&'p self, key: &'p str) -> Self {
        Self::Key(self, key)
    }
}

impl fmt::Display for Path<'_> {
    /// `spec.http[0].match[0].headers.end-user`; keys that hold a dot or a slash stand in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, key) if key.is_empty() || key.contains(['.', '/', '[', ']']) => {
                write!(f, "{parent}[{key}]")
            }
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_paths_as_kubernetes_does() {
        let spec = Path::Root.key("metadata");
        let labels = spec.key("labels");
        assert_eq!(
            labels.key("app.kubernetes.io/name").to_string(),
            "metadata.labels[app.kubernetes.io/name]"
        );
        assert_eq!(
            Path::Index(&labels, 2).key("x").to_string(),
            "metadata.labels[2].x"
        );
        assert_eq!(Path::Root.to_string(), "");
    }
}
