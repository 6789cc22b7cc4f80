//! Rules that span several fields of an object, as the API server enforces them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use crate::diagnostic::codes;
use crate::metadata::{LabelSelector, LabelSelectorOperator, ObjectMeta};
use crate::names;
use crate::one_of::at_most_one;
use crate::yaml::path::Path;
use crate::yaml::problem::Problem;
use crate::yaml::tree::{NodeId, Tree};

/// An object that is being checked, and what was found.
pub(crate) struct Check<'t, 's> {
    tree: &'t Tree<'s>,
    object: NodeId,
    problems: Vec<Problem>,
}

impl<'t, 's> Check<'t, 's> {
    /// A check of the object at `object`.
    pub(crate) const fn new(tree: &'t Tree<'s>, object: NodeId) -> Self {
        Self {
            tree,
            object,
            problems: Vec::new(),
        }
    }

    /// What was found.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Notes that the value at `path` is not allowed.
    pub(crate) fn invalid(&mut self, path: &Path<'_>, message: impl fmt::Display) {
        let span = self.tree.span(self.tree.nearest(self.object, path));
        self.problems
            .push(Problem::in_field(codes::INVALID_VALUE, span, path, message));
    }

    /// Notes that the field at `path` must be given.
    pub(crate) fn missing(&mut self, path: &Path<'_>) {
        let span = self.tree.span(self.tree.nearest(self.object, path));
        self.problems.push(Problem::missing_field(span, path));
    }

    /// Whether a value stands at `path`, be it empty.
    pub(crate) fn is_written(&self, path: &Path<'_>) -> bool {
        self.tree.find(self.object, path).is_ok()
    }

    /// Fields of the object at `path` of which at most one may be given.
    pub(crate) fn exclusive<const N: usize>(&mut self, path: &Path<'_>, fields: [&'static str; N]) {
        let written = fields.map(|field| (field, self.is_written(&path.key(field)).then_some(())));
        if let Err(error) = at_most_one(written) {
            self.invalid(path, error);
        }
    }

    /// An array or a map at `path`, if it is written: how many elements it has, and may have.
    pub(crate) fn items(&mut self, path: &Path<'_>, count: usize, range: RangeInclusive<usize>) {
        if range.contains(&count) || !self.is_written(path) {
            return;
        }
        let rule = match (range.start(), range.end()) {
            (min, _) if count < *min => format!("at least {min}"),
            (_, max) => format!("at most {max}"),
        };
        self.invalid(path, format_args!("expected {rule} elements, got {count}"));
    }

    /// A text at `path`, and how many characters it may have.
    pub(crate) fn length(&mut self, path: &Path<'_>, text: &str, max: usize) {
        if text.chars().count() > max {
            self.invalid(path, format_args!("must be no more than {max} characters"));
        }
    }

    /// A port's number.
    pub(crate) fn port(&mut self, path: &Path<'_>, number: u32) {
        if !(1..=65535).contains(&number) {
            self.invalid(
                path,
                format_args!("`{number}` is out of range: expected 1 to 65535"),
            );
        }
    }

    /// Notes a name that is written wrongly.
    pub(crate) fn name(
        &mut self,
        path: &Path<'_>,
        name: &str,
        found: Result<(), names::NameError>,
    ) {
        if let Err(error) = found {
            self.invalid(path, format_args!("`{name}` {error}"));
        }
    }

    /// The labels and annotations at `path`, which leads to `metadata`.
    pub(crate) fn metadata(&mut self, path: &Path<'_>, meta: &ObjectMeta) {
        self.labels(&path.key("labels"), &meta.labels);
        let annotations = path.key("annotations");
        for key in meta.annotations.keys() {
            // Unlike those of labels, keys of annotations may be written in capitals.
            if let Err(error) = names::check_label_key(&key.to_lowercase()) {
                self.invalid(&annotations.key(key), error);
            }
        }
    }

    /// Labels, of an object or of a selector.
    pub(crate) fn labels(&mut self, path: &Path<'_>, labels: &BTreeMap<String, String>) {
        for (key, value) in labels {
            if let Err(error) =
                names::check_label_key(key).and_then(|()| names::check_label_value(value))
            {
                self.invalid(&path.key(key), error);
            }
        }
    }

    /// A selector, and the labels that it must select.
    pub(crate) fn selector(
        &mut self,
        path: &Path<'_>,
        selector: &LabelSelector,
        template: &BTreeMap<String, String>,
    ) {
        self.labels(&path.key("matchLabels"), &selector.match_labels);
        let expressions = path.key("matchExpressions");
        for (index, requirement) in selector.match_expressions.iter().enumerate() {
            let listed = matches!(
                requirement.operator,
                LabelSelectorOperator::In | LabelSelectorOperator::NotIn
            );
            if listed == requirement.values.is_empty() {
                let rule = if listed {
                    "must be given for the operators `In` and `NotIn`"
                } else {
                    "must not be given for the operators `Exists` and `DoesNotExist`"
                };
                self.invalid(&Path::Index(&expressions, index).key("values"), rule);
            }
        }
        if selector.match_labels.is_empty() && selector.match_expressions.is_empty() {
            self.invalid(path, "an empty selector would select every pod");
        } else if !selector.matches(template) {
            self.invalid(
                path,
                "does not match `spec.template.metadata.labels`: the workload would not find its own pods",
            );
        }
    }
}
