//! One object: whether it is valid, and what it says.

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
use crate::yaml::tree::{Content, NodeId, Tree};

/// A document, or an element of a list, that says what kind it is.
pub(crate) struct Object<'f, 's> {
    pub(crate) file: &'f File<'s>,
    pub(crate) tree: &'f Tree<'s>,
    pub(crate) node: NodeId,
    pub(crate) api_version: &'f str,
    pub(crate) kind: &'f str,
}

type Found<T> = Result<T, Vec<Problem>>;

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

    /// Its content, or all that is wrong with it.
    pub(crate) fn read<K: Kind>(&self, namespace: &str) -> Found<Resource<K, K::Status>> {
        let mut problems = self.check_top_level();
        let meta = gather(self.read_metadata::<K>(), &mut problems);
        let content = gather(self.read_content::<K>(), &mut problems);
        let (Some(meta), Some((spec, status))) = (meta, content) else {
            return Err(problems);
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
        if problems.is_empty() {
            Ok(resource)
        } else {
            Err(problems)
        }
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

    fn read_metadata<K: Kind>(&self) -> Found<ObjectMeta> {
        let path = Path::Root.key("metadata");
        let meta: ObjectMeta = match self.tree.get(self.node, "metadata") {
            Some(node) => self.read_native(node, &path, &schema::METADATA)?,
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
        match check.into_problems() {
            problems if problems.is_empty() => Ok(meta),
            problems => Err(problems),
        }
    }

    /// `spec` and `status`.
    fn read_content<K: Kind>(&self) -> Found<(K, K::Status)> {
        let path = Path::Root.key("spec");
        match K::FORMAT {
            Format::Native { spec, required } => {
                let spec = match self.tree.get(self.node, "spec") {
                    Some(node) => self.read_native(node, &path, spec)?,
                    None if required => return Err(vec![self.no_spec(&path)]),
                    None => self.read_nothing(&path)?,
                };
                let status = match self.tree.get(self.node, "status") {
                    Some(node) => {
                        self.read_native(node, &Path::Root.key("status"), &Schema::Any)?
                    }
                    None => K::Status::default(),
                };
                Ok((spec, status))
            }
            Format::Custom => {
                let spec = match self.tree.entry(self.node, "spec") {
                    Some(entry) => self.deserialize(entry.value, &path, CUSTOM)?,
                    None => self.read_nothing(&path)?,
                };
                Ok((spec, K::Status::default()))
            }
        }
    }

    /// Reads what matters of a value, once all of it is known to be right.
    fn read_native<T: DeserializeOwned>(
        &self,
        node: NodeId,
        path: &Path<'_>,
        schema: &Schema,
    ) -> Found<T> {
        let mut problems = Vec::new();
        schema::check(self.tree, node, schema, path, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        self.deserialize(node, path, NATIVE)
    }

    fn deserialize<T: DeserializeOwned>(
        &self,
        node: NodeId,
        path: &Path<'_>,
        strictness: Strictness,
    ) -> Found<T> {
        let file = self.file;
        deserializer::read(
            &file.source.name,
            &file.lines,
            self.tree,
            node,
            path,
            strictness,
        )
    }

    /// A `spec` that is not written, if it may be empty.
    fn read_nothing<T: DeserializeOwned>(&self, path: &Path<'_>) -> Found<T> {
        let nothing = std::iter::empty::<(&str, &str)>();
        let nothing: MapDeserializer<'_, _, ValueError> = MapDeserializer::new(nothing);
        T::deserialize(nothing).map_err(|_| vec![self.no_spec(path)])
    }

    fn no_spec(&self, path: &Path<'_>) -> Problem {
        Problem::missing_field(self.tree.span(self.node), path)
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

/// The value, or its problems among the others.
fn gather<T>(found: Found<T>, problems: &mut Vec<Problem>) -> Option<T> {
    found.map_err(|more| problems.extend(more)).ok()
}

/// `apiVersion` and `kind` of a value, or what the list it stands in says about all of its elements.
pub(crate) fn header<'t>(
    tree: &'t Tree<'_>,
    node: NodeId,
    list: Option<(&'t str, &'t str)>,
) -> Found<(&'t str, &'t str)> {
    if !matches!(tree.content(node), Content::Object(_)) {
        return Err(vec![Problem::mismatch(tree, node, &Path::Root, "object")]);
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
