//! Documents as objects: what kind they are, whether they are valid, where they are kept.
//!
//! A document that is not valid is left out and does not stop the others.

use std::collections::BTreeMap;

use base::Location;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, MapDeserializer};

use crate::check::Check;
use crate::diagnostic::{Diagnostic, Level, ObjectRef, codes};
use crate::file::File;
use crate::kind::{Format, KINDS, Kind, NEIGHBOURS, Row, group_of};
use crate::metadata::ObjectMeta;
use crate::names;
use crate::resource::{Other, Resource, Resources};
use crate::schema;
use crate::source::Source;
use crate::yaml::deserializer::{self, Nulls, Strictness, UnknownFields};
use crate::yaml::path::Path;
use crate::yaml::problem::{Problem, suggestion};
use crate::yaml::split::{Piece, split};
use crate::yaml::tree::{Content, NodeId, Tree};

/// Reads manifests: all objects that are valid, and all that is wrong with the others.
///
/// `default_namespace` is that of objects which name none. Objects of kinds that do not matter here are kept and
/// counted. An object that is given twice is replaced by its last version, as `kubectl apply` would.
///
/// ```
/// use meshsim_manifest::{Source, parse};
///
/// let text = "
/// apiVersion: networking.istio.io/v1
/// kind: DestinationRule
/// metadata: {name: reviews}
/// spec:
///   host: reviews
///   subsetz: []
/// ";
/// let (resources, diagnostics) = parse(&[Source::new("dr.yaml", text)], "default");
/// assert!(resources.destination_rules.is_empty());
/// assert_eq!(
///     diagnostics[0].to_string(),
///     "dr.yaml:7:3: error: unknown field \"spec.subsetz\" (did you mean `subsets`?)"
/// );
/// ```
pub fn parse(sources: &[Source], default_namespace: &str) -> (Resources, Vec<Diagnostic>) {
    let mut collector = Collector {
        default_namespace,
        resources: Resources::default(),
        diagnostics: Vec::new(),
        index: BTreeMap::new(),
    };
    for source in sources {
        match File::open(source) {
            Ok(file) => collector.file(&file),
            Err(diagnostic) => collector.diagnostics.push(*diagnostic),
        }
    }
    (collector.resources, collector.diagnostics)
}

/// What was read so far.
pub(crate) struct Collector<'n> {
    default_namespace: &'n str,
    resources: Resources,
    diagnostics: Vec<Diagnostic>,
    /// Where each object is kept, by kind, namespace and name.
    index: BTreeMap<(&'static str, String, String), usize>,
}

/// A document, or an element of a list, that has a kind.
pub(crate) struct Object<'f, 's> {
    file: &'f File<'s>,
    tree: &'f Tree<'s>,
    node: NodeId,
    api_version: &'f str,
    kind: &'f str,
}

impl Object<'_, '_> {
    fn location(&self) -> Location {
        self.file.location(self.tree.span(self.node).start)
    }

    /// A text of `metadata`, if it is one.
    fn metadata(&self, key: &str) -> Option<&str> {
        let metadata = self.tree.get(self.node, "metadata")?;
        self.tree.str(self.tree.get(metadata, key)?)
    }

    /// The object's own names, as far as it has any.
    fn reference(&self, namespace: &str) -> ObjectRef {
        ObjectRef {
            kind: self.kind.to_owned(),
            namespace: namespace.to_owned(),
            name: self.metadata("name").unwrap_or_default().to_owned(),
        }
    }
}

impl Collector<'_> {
    fn file(&mut self, file: &File<'_>) {
        for piece in split(&file.source.text) {
            match piece {
                Piece::Document(range) => match Tree::read(&file.source.text, range) {
                    Ok(tree) => self.value(file, &tree, tree.root(), None),
                    Err(problems) => self.diagnostics.extend(file.diagnostics(problems, None)),
                },
                Piece::BadSeparator(range) => {
                    let problem = Problem::error(
                        codes::SYNTAX,
                        range,
                        "only a comment may follow `---` in the line of a separator",
                    );
                    self.diagnostics.push(file.diagnostic(problem, None));
                }
            }
        }
    }

    /// Reads a document or an element of a list; elements of a typed list may leave out what the list says.
    fn value(
        &mut self,
        file: &File<'_>,
        tree: &Tree<'_>,
        node: NodeId,
        list: Option<(&str, &str)>,
    ) {
        if tree.is_null(node) {
            return;
        }
        let header = (
            header(
                tree,
                node,
                "apiVersion",
                list.map(|(api_version, _)| api_version),
            ),
            header(tree, node, "kind", list.map(|(_, kind)| kind)),
        );
        match header {
            (Ok(api_version), Ok(kind)) => self.object(&Object {
                file,
                tree,
                node,
                api_version,
                kind,
            }),
            (api_version, kind) => {
                // A document that is no object at all is said to be none once.
                let first = api_version.err();
                let second = kind.err().filter(|problem| first.as_ref() != Some(problem));
                let problems = first.into_iter().chain(second).collect();
                self.diagnostics.extend(file.diagnostics(problems, None));
            }
        }
    }

    fn object(&mut self, object: &Object<'_, '_>) {
        if let Some(element) = object.kind.strip_suffix("List")
            && let Some(items) = object.tree.get(object.node, "items")
            && let Content::Array(items) = object.tree.content(items)
        {
            let element = (!element.is_empty()).then_some((object.api_version, element));
            for item in items {
                self.value(object.file, object.tree, *item, element);
            }
            return;
        }
        match find_kind(object.api_version, object.kind) {
            Found::Read(row) => (row.read)(self, object),
            Found::Other => self.resources.others.push(Other {
                api_version: object.api_version.to_owned(),
                kind: object.kind.to_owned(),
                name: object.metadata("name").unwrap_or_default().to_owned(),
                namespace: object.metadata("namespace").map(str::to_owned),
                location: object.location(),
            }),
            Found::Nothing(help) => {
                let message = format!(
                    "no matches for kind \"{}\" in version \"{}\"",
                    object.kind, object.api_version
                );
                let span = object.tree.nearest(object.node, &Path::Root.key("kind"));
                let problem = Problem {
                    field: "kind".into(),
                    ..Problem::error(codes::INVALID_OBJECT, object.tree.span(span), message)
                };
                let reference = object.reference(object.metadata("namespace").unwrap_or_default());
                self.diagnostics.push(
                    object
                        .file
                        .diagnostic(problem.with_help(help), Some(&reference)),
                );
            }
        }
    }

    /// Keeps an object in the place of its earlier version, or behind all others.
    fn keep<K: Kind>(&mut self, resource: Resource<K, K::Status>, reference: &ObjectRef) {
        let kept = K::resources(&mut self.resources);
        let key = (K::KIND, reference.namespace.clone(), reference.name.clone());
        let Some(at) = self.index.get(&key).copied() else {
            self.index.insert(key, kept.len());
            kept.push(resource);
            return;
        };
        let earlier = std::mem::replace(&mut kept[at], resource);
        let diagnostic = Diagnostic {
            code: codes::DUPLICATE_OBJECT,
            level: Level::Warning,
            location: kept[at].location.clone(),
            span: 0..0,
            object: Some(reference.clone()),
            field: String::new(),
            message: format!("{reference} is given again and replaces its earlier version"),
            help: Some(format!("first given at {}", earlier.location)),
        };
        self.diagnostics.push(diagnostic);
    }
}

/// Reads an object of a known kind and keeps it if it is valid.
pub(crate) fn read<K: Kind>(collector: &mut Collector<'_>, object: &Object<'_, '_>) {
    let namespace = match object.metadata("namespace") {
        Some(namespace) if !namespace.is_empty() => namespace,
        _ => collector.default_namespace,
    };
    let namespace = if K::NAMESPACED { namespace } else { "" };
    let reference = object.reference(namespace);
    match read_object::<K>(object, namespace) {
        Ok(resource) => collector.keep(resource, &reference),
        Err(problems) => collector
            .diagnostics
            .extend(object.file.diagnostics(problems, Some(&reference))),
    }
}

/// `apiVersion` or `kind`, or what a list says about all of its elements.
fn header<'t>(
    tree: &'t Tree<'_>,
    node: NodeId,
    key: &'static str,
    list: Option<&'t str>,
) -> Result<&'t str, Problem> {
    let path = Path::Root;
    if !matches!(tree.content(node), Content::Object(_)) {
        return Err(Problem::mismatch(tree, node, &path, "object"));
    }
    match tree.get(node, key) {
        Some(value) => match tree.str(value) {
            Some("") => Err(Problem::missing_field(tree.span(value), &path.key(key))),
            Some(text) => Ok(text),
            None => Err(Problem::mismatch(tree, value, &path.key(key), "string")),
        },
        None => list.ok_or_else(|| Problem::missing_field(tree.span(node), &path.key(key))),
    }
}

/// What a kind and its version name.
enum Found {
    /// A kind that is read.
    Read(&'static Row),
    /// A kind that does not matter here.
    Other,
    /// Nothing that a cluster would know, and what may be meant.
    Nothing(Option<String>),
}

fn find_kind(api_version: &str, kind: &str) -> Found {
    let group = group_of(api_version);
    if let Some(row) = KINDS.iter().find(|row| row.kind == kind) {
        if row.api_versions.contains(&api_version) {
            return Found::Read(row);
        }
        // Other groups may have a kind of the same name, such as Knative's Service.
        let preferred = row.api_versions[0];
        let own = row
            .api_versions
            .iter()
            .any(|version| group_of(version) == group);
        if own
            || !group.contains('.')
            || suggestion(group, [group_of(preferred)].into_iter()).is_some()
        {
            return Found::Nothing(Some(format!("write `apiVersion: {preferred}`")));
        }
    }
    let Some((_, neighbours)) = NEIGHBOURS.iter().find(|(name, _)| *name == group) else {
        return Found::Other;
    };
    if neighbours.contains(&kind) || kind == "List" {
        return Found::Other;
    }
    let read = KINDS
        .iter()
        .filter(|row| group_of(row.api_versions[0]) == group);
    let names = read.map(|row| row.kind).chain(neighbours.iter().copied());
    Found::Nothing(suggestion(kind, names))
}

fn read_object<K: Kind>(
    object: &Object<'_, '_>,
    namespace: &str,
) -> Result<Resource<K, K::Status>, Vec<Problem>> {
    let mut problems = check_top_level(object);
    let meta = read_metadata::<K>(object, namespace, &mut problems);
    let (spec, status) = match read_content::<K>(object) {
        Ok(content) => content,
        Err(more) => {
            problems.extend(more);
            return Err(problems);
        }
    };
    let resource = Resource {
        meta,
        spec,
        status,
        location: object.location(),
    };
    let mut check = Check::new(object.tree, object.node);
    check.metadata(&Path::Root.key("metadata"), &resource.meta);
    K::check(&resource, &mut check);
    problems.extend(check.into_problems());
    if problems.is_empty() {
        Ok(resource)
    } else {
        Err(problems)
    }
}

fn check_top_level(object: &Object<'_, '_>) -> Vec<Problem> {
    const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
    let Content::Object(entries) = object.tree.content(object.node) else {
        return Vec::new();
    };
    let unknown = entries
        .iter()
        .filter(|entry| !FIELDS.contains(&entry.key.as_ref()));
    unknown
        .map(|entry| {
            let path = Path::Root;
            Problem::unknown_field(
                entry.key_span(),
                &path.key(&entry.key),
                &entry.key,
                FIELDS.into_iter(),
            )
        })
        .collect()
}

fn read_metadata<K: Kind>(
    object: &Object<'_, '_>,
    namespace: &str,
    problems: &mut Vec<Problem>,
) -> ObjectMeta {
    let path = Path::Root.key("metadata");
    let mut found = Vec::new();
    let meta = match object.tree.get(object.node, "metadata") {
        Some(node) => {
            schema::check(object.tree, node, &schema::METADATA, &path, &mut found);
            read_native::<ObjectMeta>(object, node, &path)
        }
        None => Ok(ObjectMeta::default()),
    };
    let mut meta = match meta {
        Ok(meta) if found.is_empty() => meta,
        // The list of fields has said it already.
        Ok(_) => ObjectMeta::default(),
        Err(more) if found.is_empty() => {
            found = more;
            ObjectMeta::default()
        }
        Err(_) => ObjectMeta::default(),
    };
    if found.is_empty() {
        check_names::<K>(object, &meta, &mut found);
    }
    problems.extend(found);
    meta.namespace = namespace.to_owned();
    meta
}

fn check_names<K: Kind>(object: &Object<'_, '_>, meta: &ObjectMeta, problems: &mut Vec<Problem>) {
    let mut check = Check::new(object.tree, object.node);
    let path = Path::Root.key("metadata");
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
    problems.extend(check.into_problems());
}

/// `spec` and `status`.
fn read_content<K: Kind>(object: &Object<'_, '_>) -> Result<(K, K::Status), Vec<Problem>> {
    let tree = object.tree;
    let path = Path::Root.key("spec");
    match K::FORMAT {
        Format::Native { spec, required } => {
            let mut problems = Vec::new();
            let spec = match tree.get(object.node, "spec") {
                Some(node) => {
                    schema::check(tree, node, spec, &path, &mut problems);
                    if !problems.is_empty() {
                        return Err(problems);
                    }
                    read_native(object, node, &path)?
                }
                None if required => {
                    return Err(vec![Problem::missing_field(tree.span(object.node), &path)]);
                }
                None => read_nothing(object, &path)?,
            };
            let status = match tree.get(object.node, "status") {
                Some(node) => read_native(object, node, &Path::Root.key("status"))?,
                None => K::Status::default(),
            };
            Ok((spec, status))
        }
        Format::Custom => {
            let strictness = Strictness {
                unknown_fields: UnknownFields::Refused,
                nulls: Nulls::Refused,
            };
            let spec = match tree.entry(object.node, "spec") {
                Some(entry) => {
                    let file = object.file;
                    deserializer::read(
                        &file.source.name,
                        &file.lines,
                        tree,
                        entry.value,
                        &path,
                        strictness,
                    )?
                }
                None => read_nothing(object, &path)?,
            };
            Ok((spec, K::Status::default()))
        }
    }
}

/// Reads what the list of fields has checked.
fn read_native<T: DeserializeOwned>(
    object: &Object<'_, '_>,
    node: NodeId,
    path: &Path<'_>,
) -> Result<T, Vec<Problem>> {
    let strictness = Strictness {
        unknown_fields: UnknownFields::Ignored,
        nulls: Nulls::Zero,
    };
    let file = object.file;
    deserializer::read(
        &file.source.name,
        &file.lines,
        object.tree,
        node,
        path,
        strictness,
    )
}

/// A `spec` that is not written, if it may be empty.
fn read_nothing<T: DeserializeOwned>(
    object: &Object<'_, '_>,
    path: &Path<'_>,
) -> Result<T, Vec<Problem>> {
    let nothing: MapDeserializer<'_, _, ValueError> =
        MapDeserializer::new(std::iter::empty::<(&str, &str)>());
    T::deserialize(nothing)
        .map_err(|_| vec![Problem::missing_field(object.tree.span(object.node), path)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
        diagnostics.iter().map(ToString::to_string).collect()
    }

    const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-deployment
  namespace: frontend
spec:
  replicas: 1
  selector:
    matchLabels:
      app: app
  template:
    metadata:
      labels:
        app: app
    spec:
      containers:
      - name: app
        image: app:1.1
        ports:
        - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: app-svc
  namespace: frontend
spec:
  ports:
  - port: 80
    name: http
    targetPort: 80
  selector:
    app: app
";
    const VIRTUAL_SERVICE: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: app-vs
  namespace: frontend
spec:
  hosts:
  - app-svc
  http:
  - match:
    - uri:
        prefix: /login
    rewrite:
      uri: /
    route:
    - destination:
        host: app-svc.frontend.svc.cluster.local
        port:
          number: 80
  - match:
    - uri:
        prefix: /
    route:
    - destination:
        host: app-svc.frontend.svc.cluster.local
        port:
          number: 80
";

    #[test]
    fn reads_a_service_and_its_routes() {
        let sources = [
            Source::new("w.yaml", WORKLOAD),
            Source::new("vs.yaml", VIRTUAL_SERVICE),
        ];
        let (resources, diagnostics) = parse(&sources, "default");
        assert_eq!(lines(&diagnostics), [""; 0]);
        assert_eq!(resources.deployments[0].spec.replica_count(), 1);
        assert_eq!(resources.services[0].spec.ports[0].name, "http");
        let service = &resources.virtual_services[0];
        assert_eq!(service.location.to_string(), "vs.yaml:1:1");
        let places: Vec<String> = service
            .spec
            .http
            .iter()
            .map(|rule| rule.at.to_string())
            .collect();
        assert_eq!(places, ["vs.yaml:10:5", "vs.yaml:20:5"]);
        let destination = &service.spec.http[1].route[0].destination;
        assert_eq!(destination.port_number(), Some(80));
        assert_eq!(destination.host.at.to_string(), "vs.yaml:25:15");
        assert_eq!(destination.subset_name(), "");
    }
}
