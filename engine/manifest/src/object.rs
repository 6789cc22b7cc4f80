//! One object: whether it is valid, and what it says.

use std::collections::BTreeMap;

use base::Location;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, MapDeserializer};

use crate::check::Check;
use crate::diagnostic::{ObjectRef, codes};
use crate::file::File;
use crate::kind::{Format, Kind};
use crate::metadata::ObjectMeta;
use crate::names;
use crate::resource::Resource;
use crate::schema::{self, Schema};
use crate::yaml::deserializer::{self, Nulls, Strictness, UnknownFields};
use crate::yaml::path::Path;
use crate::yaml::problem::Problem;
use crate::yaml::tree::{Content, Entry, NodeId, Tree};

/// A document, or an element of a list, that says what kind it is.
pub(crate) struct Object<'f, 's> {
    pub(crate) file: &'f File<'s>,
    pub(crate) tree: &'f Tree<'s>,
    pub(crate) node: NodeId,
    pub(crate) api_version: &'f str,
    pub(crate) kind: &'f str,
}

impl Object<'_, '_> {
    /// Where it begins.
    pub(crate) fn location(&self) -> Location {
        self.file.location(self.tree.span(self.node).start)
    }

    /// A text of `metadata`, if it is one.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let metadata = self.tree.get(self.node, "metadata")?;
        self.tree.str(self.tree.get(metadata, key)?)
    }

    /// The labels that its `spec.selector` asks of pods, as policies have it.
    pub(crate) fn selector(&self) -> Option<BTreeMap<String, String>> {
        let selector = self
            .tree
            .get(self.tree.get(self.node, "spec")?, "selector")?;
        let labels = self.tree.get(selector, "matchLabels");
        let Some(Content::Object(entries)) = labels.map(|labels| self.tree.content(labels)) else {
            return Some(BTreeMap::new());
        };
        let text = |entry: &Entry<'_>| {
            let value = self.tree.str(entry.value)?;
            Some((entry.key.clone().into_owned(), value.to_owned()))
        };
        Some(entries.iter().filter_map(text).collect())
    }

    /// Its own names, as far as it has any.
    pub(crate) fn reference(&self, namespace: &str) -> ObjectRef {
        ObjectRef {
            kind: self.kind.to_owned(),
            namespace: namespace.to_owned(),
            name: self.metadata("name").unwrap_or_default().to_owned(),
        }
    }

    /// That no cluster knows its kind.
    pub(crate) fn no_matches(&self) -> Problem {
        let kind = self.tree.nearest(self.node, &Path::Root.key("kind"));
        let message = format!(
            "no matches for kind \"{}\" in version \"{}\"",
            self.kind, self.api_version
        );
        Problem {
            field: "kind".into(),
            ..Problem::error(codes::INVALID_OBJECT, self.tree.span(kind), message)
        }
    }

    /// All that is wrong with it, and its content as far as it can be read in spite of that.
    pub(crate) fn read<K: Kind>(
        &self,
        namespace: &str,
    ) -> (Option<Resource<K, K::Status>>, Vec<Problem>) {
        let mut problems = match K::FORMAT {
            Format::Native { .. } | Format::Custom => self.check_top_level(),
            Format::Flat { .. } => Vec::new(),
        };
        let meta = self.read_metadata::<K>(&mut problems);
        let spec = self.read_spec::<K>(&mut problems);
        let status = self.read_status::<K>(&mut problems);
        let (Some(meta), Some(spec), Some(status)) = (meta, spec, status) else {
            return (None, problems);
        };
        let resource = Resource {
            meta: ObjectMeta {
                namespace: namespace.to_owned(),
                ..meta
            },
            spec,
            status,
            location: self.location(),
        };
        let mut check = Check::new(self.tree, self.node);
        K::check(&resource, &mut check);
        problems.extend(check.into_problems());
        (Some(resource), problems)
    }

    fn check_top_level(&self) -> Vec<Problem> {
        const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
        let Content::Object(entries) = self.tree.content(self.node) else {
            return Vec::new();
        };
        let unknown = entries
            .iter()
            .filter(|entry| !FIELDS.contains(&entry.key.as_ref()));
        unknown
            .map(|entry| {
                let path = Path::Root;
                let path = path.key(&entry.key);
                Problem::unknown_field(entry.key_span(), &path, &entry.key, FIELDS.into_iter())
            })
            .collect()
    }

    fn read_metadata<K: Kind>(&self, problems: &mut Vec<Problem>) -> Option<ObjectMeta> {
        let path = Path::Root.key("metadata");
        let meta: ObjectMeta = match self.tree.get(self.node, "metadata") {
            Some(node) => self.read_native(node, &path, &schema::METADATA, problems)?,
            None => ObjectMeta::default(),
        };
        let mut check = Check::new(self.tree, self.node);
        match (meta.name.as_str(), &meta.generate_name) {
            ("", Some(_)) => check.invalid(
                &path.key("generateName"),
                "`kubectl apply` needs a `name` and takes no `generateName`",
            ),
            ("", None) => check.missing(&path.key("name")),
            (name, _) => check.name(&path.key("name"), name, names::check_name(name, K::NAME)),
        }
        if K::NAMESPACED && !meta.namespace.is_empty() {
            let found = names::check_dns_label(&meta.namespace);
            check.name(&path.key("namespace"), &meta.namespace, found);
        }
        check.metadata(&path, &meta);
        problems.extend(check.into_problems());
        Some(meta)
    }

    fn read_spec<K: Kind>(&self, problems: &mut Vec<Problem>) -> Option<K> {
        let path = Path::Root.key("spec");
        match K::FORMAT {
            Format::Native { spec, required } => match self.tree.get(self.node, "spec") {
                Some(node) => self.read_native(node, &path, spec, problems),
                None if required => self.no_spec(&path, problems),
                None => self.read_nothing(&path, problems),
            },
            Format::Flat { object } => self.read_native(self.node, &Path::Root, object, problems),
            Format::Custom => match self.tree.entry(self.node, "spec") {
                Some(entry) => self.deserialize(entry.value, &path, CUSTOM, problems),
                None => self.read_nothing(&path, problems),
            },
        }
    }

    fn read_status<K: Kind>(&self, problems: &mut Vec<Problem>) -> Option<K::Status> {
        match (K::FORMAT, self.tree.get(self.node, "status")) {
            (Format::Native { .. }, Some(node)) => {
                self.read_native(node, &Path::Root.key("status"), &Schema::Any, problems)
            }
            (Format::Native { .. }, None) | (Format::Flat { .. } | Format::Custom, _) => {
                Some(K::Status::default())
            }
        }
    }

    /// Reads what matters of a value, and checks all of it.
    fn read_native<T: DeserializeOwned>(
        &self,
        node: NodeId,
        path: &Path<'_>,
        schema: &Schema,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        let mut checked = Vec::new();
        schema::check(self.tree, node, schema, path, &mut checked);
        let mut found = Vec::new();
        let value = self.deserialize(node, path, NATIVE, &mut found);
        // What the struct misses, the list of fields misses as well.
        problems.extend(if checked.is_empty() { found } else { checked });
        value
    }

    fn deserialize<T: DeserializeOwned>(
        &self,
        node: NodeId,
        path: &Path<'_>,
        strictness: Strictness,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        let file = self.file;
        let (value, found) = deserializer::read(
            &file.source.name,
            &file.lines,
            self.tree,
            node,
            path,
            strictness,
        );
        problems.extend(found);
        value
    }

    /// A `spec` that is not written, if it may be empty.
    fn read_nothing<T: DeserializeOwned>(
        &self,
        path: &Path<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        let nothing = std::iter::empty::<(&str, &str)>();
        let nothing: MapDeserializer<'_, _, ValueError> = MapDeserializer::new(nothing);
        match T::deserialize(nothing) {
            Ok(value) => Some(value),
            Err(_) => self.no_spec(path, problems),
        }
    }

    fn no_spec<T>(&self, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<T> {
        problems.push(Problem::missing_field(self.tree.span(self.node), path));
        None
    }
}

/// What the list of fields has checked already, as Go reads it.
const NATIVE: Strictness = Strictness {
    unknown_fields: UnknownFields::Ignored,
    nulls: Nulls::Zero,
};

const CUSTOM: Strictness = Strictness {
    unknown_fields: UnknownFields::Refused,
    nulls: Nulls::Refused,
};

/// `apiVersion` and `kind` of a value, or what the list it stands in says about all of its elements.
pub(crate) fn header<'t>(
    tree: &'t Tree<'_>,
    node: NodeId,
    list: Option<(&'t str, &'t str)>,
) -> Result<(&'t str, &'t str), Vec<Problem>> {
    if !matches!(tree.content(node), Content::Object(_)) {
        return Err(vec![Problem::mismatch(tree, node, &Path::Root, "object")]);
    }
    if list.is_none() && tree.get(node, "apiVersion").is_none() && tree.get(node, "kind").is_none()
    {
        let message = "expected a Kubernetes object: neither `apiVersion` nor `kind` is given";
        return Err(vec![Problem::error(
            codes::INVALID_OBJECT,
            tree.span(node),
            message,
        )]);
    }
    let (list_version, list_kind) = list.unzip();
    let api_version = header_text(tree, node, "apiVersion", list_version);
    match (api_version, header_text(tree, node, "kind", list_kind)) {
        (Ok(api_version), Ok(kind)) => Ok((api_version, kind)),
        (api_version, kind) => Err(api_version.err().into_iter().chain(kind.err()).collect()),
    }
}

fn header_text<'t>(
    tree: &'t Tree<'_>,
    node: NodeId,
    key: &str,
    list: Option<&'t str>,
) -> Result<&'t str, Problem> {
    let root = Path::Root;
    let path = root.key(key);
    let Some(value) = tree.get(node, key) else {
        return list.ok_or_else(|| Problem::missing_field(tree.span(node), &path));
    };
    match tree.str(value) {
        Some("") => Err(Problem::missing_field(tree.span(value), &path)),
        Some(text) => Ok(text),
        None => Err(Problem::mismatch(tree, value, &path, "string")),
    }
}
