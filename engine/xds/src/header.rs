//! Header mutations of one level: removals first, then what is added.

/// The mutations of one level (a route, a weighted cluster) in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderMutations {
    /// Names to remove, in lower case.
    pub remove: Vec<String>,
    /// Headers to write, in order.
    pub add: Vec<HeaderMutation>,
}

impl HeaderMutations {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }
}

/// One header to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderMutation {
    /// The name as written.
    pub name: String,
    /// The value; `%VAR%` are Envoy's command operators, `%%` a per cent sign.
    pub value: String,
    /// What happens to a header that is there already.
    pub append: HeaderAppend,
    /// It is written even where the value comes to nothing.
    pub keep_empty_value: bool,
}

/// Envoy's append actions; Istio writes the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderAppend {
    /// Another line is appended (Istio's `add`).
    AppendIfExistsOrAdd,
    /// The old value is replaced (Istio's `set`).
    OverwriteIfExistsOrAdd,
    /// A header that is there already stays as it is.
    AddIfAbsent,
    /// The old value is replaced; without one nothing is written.
    OverwriteIfExists,
}
