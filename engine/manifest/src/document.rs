//! Documents as objects: each one goes where its kind is kept, or is said to be wrong.
//!
//! A document that is not valid is left out and does not stop the others.

use std::collections::BTreeMap;

use crate::condition;
use crate::diagnostic::{Diagnostic, Level, ObjectRef, codes};
use crate::file::File;
use crate::kind::{self, Found, Kind};
use crate::object::{Object, header};
use crate::resource::{Other, Resource, Resources};
use crate::source::Source;
use crate::yaml::path::Path;
use crate::yaml::problem::Problem;
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
    parse_with(sources, default_namespace, Invalid::LeftOut)
}

/// What becomes of an object that a cluster would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It is left out, as a cluster would.
    LeftOut,
    /// It is kept if all of it that matters can be read: an analyzer has more to say about it, as istioctl does, which
    /// knows of no API server.
    Kept,
}

/// Reads manifests as [`parse`] does, with a choice of what becomes of invalid objects; their diagnostics are the same.
pub fn parse_with(
    sources: &[Source],
    default_namespace: &str,
    invalid: Invalid,
) -> (Resources, Vec<Diagnostic>) {
    let mut collector = Collector {
        default_namespace,
        invalid,
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
    invalid: Invalid,
    resources: Resources,
    diagnostics: Vec<Diagnostic>,
    /// Where each object is kept, by kind (and version: groups share names), namespace and name.
    index: BTreeMap<(&'static str, &'static str, String, String), usize>,
}

impl Collector<'_> {
    fn file(&mut self, file: &File<'_>) {
        for piece in split(&file.source.text) {
            match piece {
                Piece::Document(range) => match Tree::read(&file.source.text, range) {
                    Ok(tree) => self.value(file, &tree, tree.root(), None),
                    Err(problems) => self.report(file, problems, None),
                },
                Piece::BadSeparator(range) => {
                    let message = "only a comment may follow `---` in the line of a separator";
                    self.report(
                        file,
                        vec![Problem::error(codes::SYNTAX, range, message)],
                        None,
                    );
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
        match header(tree, node, list) {
            Ok((api_version, kind)) => self.object(&Object {
                file,
                tree,
                node,
                api_version,
                kind,
            }),
            Err(problems) => self.report(file, problems, None),
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
        self.conditions(object);
        match kind::find(object.api_version, object.kind) {
            Found::Read(row) => (row.read)(self, object),
            Found::Other => self.resources.others.push(Other {
                api_version: object.api_version.to_owned(),
                kind: object.kind.to_owned(),
                name: object.metadata("name").unwrap_or_default().to_owned(),
                namespace: object.metadata("namespace").map(str::to_owned),
                selector: object.selector(),
                location: object.location(),
            }),
            Found::Nothing(help) => {
                let problem = object.no_matches().with_help(help);
                let reference = object.reference(object.metadata("namespace").unwrap_or_default());
                self.report(object.file, vec![problem], Some(&reference));
            }
        }
    }

    /// Keeps what the object's status says, in the place of what an earlier version said.
    fn conditions(&mut self, object: &Object<'_, '_>) {
        let found = condition::read(object, self.default_namespace);
        if let Some(first) = found.first() {
            let kept = &mut self.resources.conditions;
            kept.retain(|condition| !condition.is_of_same(first));
            kept.extend(found);
        }
    }

    /// Keeps an object in the place of its earlier version, or behind all others.
    fn keep<K: Kind>(
        &mut self,
        object: &Object<'_, '_>,
        resource: Resource<K, K::Status>,
        reference: &ObjectRef,
    ) {
        let kept = K::resources(&mut self.resources);
        let (namespace, name) = (reference.namespace.clone(), reference.name.clone());
        let key = (K::KIND, K::API_VERSIONS[0], namespace, name);
        let Some(at) = self.index.get(&key).copied() else {
            self.index.insert(key, kept.len());
            kept.push(resource);
            return;
        };
        let earlier = std::mem::replace(&mut kept[at], resource);
        let name = object
            .tree
            .nearest(object.node, &Path::Root.key("metadata").key("name"));
        let problem = Problem {
            level: Level::Warning,
            field: "metadata.name".into(),
            help: Some(format!("first given at {}", earlier.location)),
            ..Problem::error(
                codes::DUPLICATE_OBJECT,
                object.tree.span(name),
                format!("{reference} is given again and replaces its earlier version"),
            )
        };
        self.report(object.file, vec![problem], Some(reference));
    }

    fn report(&mut self, file: &File<'_>, problems: Vec<Problem>, object: Option<&ObjectRef>) {
        self.diagnostics.extend(file.diagnostics(problems, object));
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
    let (resource, problems) = object.read::<K>(namespace);
    let kept = problems.is_empty() || collector.invalid == Invalid::Kept;
    collector.report(object.file, problems, Some(&reference));
    if let Some(resource) = resource.filter(|_| kept) {
        collector.keep(object, resource, &reference);
    }
}
