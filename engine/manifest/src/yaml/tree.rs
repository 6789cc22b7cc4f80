//! One document as a list of nodes, each with its bytes in the file.
//!
//! Decides what aliases, merge keys, tags and keys mean, as go-yaml v2 does, and refuses what Kubernetes refuses:
//! duplicate keys, keys that are no scalars, aliases that grow without bound. This is the only file that knows the
//! parser underneath (granit-parser).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::base64;
use crate::diagnostic::codes;
use crate::yaml::path::Path;
use crate::yaml::problem::{MAX_ERRORS, Problem};
use crate::yaml::scalar::{self, Scalar};

/// How deep arrays and objects may nest, aliases followed.
pub(crate) const MAX_DEPTH: usize = 128;

/// The number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

/// A document.
pub(crate) struct Tree<'s> {
    source: &'s str,
    nodes: Vec<Node<'s>>,
    root: NodeId,
}

struct Node<'s> {
    content: Content<'s>,
    start: u32,
    end: u32,
}

/// What a node holds.
pub(crate) enum Content<'s> {
    Scalar(Scalar<'s>),
    Array(Vec<NodeId>),
    Object(Vec<Entry<'s>>),
}

/// A key with its value.
#[derive(Clone)]
pub(crate) struct Entry<'s> {
    /// The key as text: numbers and booleans are keys as well, by their value.
    pub(crate) key: Cow<'s, str>,
    key_start: u32,
    key_end: u32,
    pub(crate) value: NodeId,
}

impl Entry<'_> {
    /// The bytes of the key.
    pub(crate) fn key_span(&self) -> Range<usize> {
        self.key_start as usize..self.key_end as usize
    }
}

impl<'s> Tree<'s> {
    /// The outermost value.
    pub(crate) const fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn content(&self, node: NodeId) -> &Content<'s> {
        &self.node(node).content
    }

    /// The bytes of a node in the file.
    pub(crate) fn span(&self, node: NodeId) -> Range<usize> {
        let node = self.node(node);
        node.start as usize..node.end as usize
    }

    /// A node as it is written in the file.
    pub(crate) fn text(&self, node: NodeId) -> &'s str {
        self.source.get(self.span(node)).unwrap_or_default()
    }

    /// The entry of an object by its key.
    pub(crate) fn entry(&self, object: NodeId, key: &str) -> Option<&Entry<'s>> {
        match self.content(object) {
            Content::Object(entries) => entries.iter().find(|entry| entry.key == key),
            Content::Scalar(_) | Content::Array(_) => None,
        }
    }

    /// The value of an object by its key, null counting as none.
    pub(crate) fn get(&self, object: NodeId, key: &str) -> Option<NodeId> {
        let value = self.entry(object, key)?.value;
        (!self.is_null(value)).then_some(value)
    }

    pub(crate) fn is_null(&self, node: NodeId) -> bool {
        matches!(self.content(node), Content::Scalar(Scalar::Null))
    }

    /// The text of a string; none if it is something else.
    pub(crate) fn str(&self, node: NodeId) -> Option<&str> {
        match self.content(node) {
            Content::Scalar(Scalar::String(text)) => Some(text),
            Content::Scalar(_) | Content::Array(_) | Content::Object(_) => None,
        }
    }

    /// The value at `path` below `object`, or the last one on the way to it.
    pub(crate) fn nearest(&self, object: NodeId, path: &Path<'_>) -> NodeId {
        match self.find(object, path) {
            Ok(found) | Err(found) => found,
        }
    }

    /// The value at `path`, or as an error the last one on the way to it.
    fn find(&self, object: NodeId, path: &Path<'_>) -> Result<NodeId, NodeId> {
        match path {
            Path::Root => Ok(object),
            Path::Key(parent, key) => {
                let parent = self.find(object, parent)?;
                self.entry(parent, key)
                    .map(|entry| entry.value)
                    .ok_or(parent)
            }
            Path::Index(parent, index) => {
                let parent = self.find(object, parent)?;
                match self.content(parent) {
                    Content::Array(items) => items.get(*index).copied().ok_or(parent),
                    Content::Scalar(_) | Content::Object(_) => Err(parent),
                }
            }
        }
    }

    /// The value of an integer; a number without a fraction is one as well.
    pub(crate) fn integer(&self, node: NodeId) -> Option<i128> {
        match self.content(node) {
            Content::Scalar(Scalar::Int(number)) => Some(i128::from(*number)),
            Content::Scalar(Scalar::Uint(number)) => Some(i128::from(*number)),
            Content::Scalar(Scalar::Float(number))
                if number.trunc() == *number && number.abs() < 1e21 =>
            {
                Some(*number as i128)
            }
            Content::Scalar(_) | Content::Array(_) | Content::Object(_) => None,
        }
    }

    fn node(&self, node: NodeId) -> &Node<'s> {
        &self.nodes[node.0 as usize]
    }

    /// Reads the document that is `range` of `source`. All duplicate keys are found; anything else ends the reading.
    pub(crate) fn read(source: &'s str, range: Range<usize>) -> Result<Self, Vec<Problem>> {
        let mut builder = Builder::new(source, range.start);
        let read = builder.read(&source[range.clone()]);
        let mut problems = builder.problems;
        match (read, builder.root) {
            (Ok(()), Some(root)) if problems.is_empty() => Ok(Self {
                source,
                nodes: builder.nodes,
                root,
            }),
            (Ok(()), Some(_)) => Err(problems),
            (Ok(()), None) => Err(vec![Problem::error(
                codes::SYNTAX,
                range,
                "expected a value",
            )]),
            (Err(problem), _) => {
                problems.push(*problem);
                Err(problems)
            }
        }
    }
}

/// What is still open while a document is read.
struct Builder<'s> {
    source: &'s str,
    /// Where the document begins in the file; the parser counts from there.
    offset: usize,
    nodes: Vec<Node<'s>>,
    root: Option<NodeId>,
    open: Vec<Open<'s>>,
    anchors: BTreeMap<usize, Anchor>,
    /// Nodes read, aliases counted as often as they are used.
    visited: u64,
    /// Those of them that came from aliases.
    aliased: u64,
    problems: Vec<Problem>,
}

/// An array or object whose end has not come yet.
struct Open<'s> {
    node: NodeId,
    height: usize,
    anchor: usize,
    visited: u64,
    content: OpenContent<'s>,
}

enum OpenContent<'s> {
    Array(Vec<NodeId>),
    Object(OpenObject<'s>),
}

#[derive(Default)]
struct OpenObject<'s> {
    entries: Vec<Entry<'s>>,
    /// Where each key stands, once there are many.
    index: BTreeMap<Cow<'s, str>, usize>,
    /// Keys that a merge brought: they may be written again.
    merged: BTreeSet<Cow<'s, str>>,
    /// The key whose value comes next.
    key: Option<Key<'s>>,
}

impl<'s> OpenObject<'s> {
    /// Where a key stands.
    fn position(&self, key: &str) -> Option<usize> {
        if self.index.is_empty() {
            self.entries.iter().position(|entry| entry.key == key)
        } else {
            self.index.get(key).copied()
        }
    }

    fn push(&mut self, entry: Entry<'s>) {
        const FEW: usize = 16;
        if self.entries.len() == FEW {
            let positions = self
                .entries
                .iter()
                .enumerate()
                .map(|(at, entry)| (entry.key.clone(), at));
            self.index = positions.collect();
        }
        if self.entries.len() >= FEW {
            self.index.insert(entry.key.clone(), self.entries.len());
        }
        self.entries.push(entry);
    }
}

enum Key<'s> {
    Text(Cow<'s, str>, u32, u32),
    Merge(u32, u32),
}

/// A node that aliases may name; without a node while it is still open.
struct Anchor {
    node: Option<NodeId>,
    height: usize,
    visited: u64,
}

type Read<T> = Result<T, Box<Problem>>;

impl<'s> Builder<'s> {
    fn new(source: &'s str, offset: usize) -> Self {
        Self {
            source,
            offset,
            nodes: Vec::new(),
            root: None,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            visited: 0,
            aliased: 0,
            problems: Vec::new(),
        }
    }

    fn read(&mut self, document: &'s str) -> Read<()> {
        let mut documents = 0;
        for event in Parser::new_from_str(document) {
            let (event, span) = event.map_err(|error| self.syntax_error(document, &error))?;
            let range = self.range(&span);
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(Box::new(
                            Problem::error(
                                codes::SYNTAX,
                                range,
                                "a document stands behind `...` without a separator",
                            )
                            .with_help(Some("begin it with a line `---`".into())),
                        ));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.scalar(text, style, anchor, tag.as_deref(), range)?
                }
                Event::SequenceStart(_, anchor, _) => {
                    self.begin(OpenContent::Array(Vec::new()), anchor, range)?
                }
                Event::MappingStart(_, anchor, _) => {
                    self.begin(OpenContent::Object(OpenObject::default()), anchor, range)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(range)?,
                Event::Alias(anchor) => self.alias(anchor, range)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn range(&self, span: &Span) -> Range<usize> {
        let bytes = span.byte_range().unwrap_or_default();
        self.offset + bytes.start..self.offset + bytes.end.max(bytes.start)
    }

    fn syntax_error(&self, document: &str, error: &ScanError) -> Box<Problem> {
        let at = error.marker().byte_offset().unwrap_or_default();
        let at = self.offset + document.floor_char_boundary(at.min(document.len()));
        let info = error.info();
        let code = if info.contains("limit") {
            codes::LIMIT
        } else {
            codes::SYNTAX
        };
        Box::new(Problem::error(code, at..at, info))
    }

    fn scalar(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range<usize>,
    ) -> Read<()> {
        let plain = style == ScalarStyle::Plain;
        let tag_name = tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
        let merges = match tag_name.as_deref() {
            Some("merge") => true,
            Some(_) => false,
            None => tag.is_none() && plain && text == "<<",
        };
        if merges && let Some(key @ None) = self.expected_key() {
            *key = Some(Key::Merge(range.start as u32, range.end as u32));
            return Ok(());
        }
        let value = match tag_name.as_deref() {
            Some("merge") => Scalar::String(text),
            Some("binary") => match base64::decode(&text).map(String::from_utf8) {
                Some(Ok(text)) => Scalar::String(text.into()),
                Some(Err(_)) | None => {
                    return Err(Box::new(Problem::error(
                        codes::SYNTAX,
                        range,
                        "expected base64 text after `!!binary`",
                    )));
                }
            },
            Some(name) => scalar::resolve_tagged(text, name).map_err(|text| {
                let message = format!("`{text}` is no value of type `!!{name}`");
                Box::new(Problem::error(codes::SYNTAX, range.clone(), message))
            })?,
            // A tag of someone's own makes a string.
            None if tag.is_some() || !plain => Scalar::String(text),
            None => scalar::resolve(text),
        };
        let node = self.add(Content::Scalar(value), range);
        self.visited += 1;
        if anchor > 0 {
            let anchored = Anchor {
                node: Some(node),
                height: 0,
                visited: 1,
            };
            self.anchors.insert(anchor, anchored);
        }
        self.complete(node, 0)
    }

    fn begin(&mut self, content: OpenContent<'s>, anchor: usize, range: Range<usize>) -> Read<()> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(range));
        }
        let node = self.add(Content::Array(Vec::new()), range);
        if anchor > 0 {
            self.anchors.insert(
                anchor,
                Anchor {
                    node: None,
                    height: 0,
                    visited: 0,
                },
            );
        }
        let visited = self.visited;
        self.visited += 1;
        self.open.push(Open {
            node,
            height: 0,
            anchor,
            visited,
            content,
        });
        Ok(())
    }

    fn end(&mut self, range: Range<usize>) -> Read<()> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let node = &mut self.nodes[open.node.0 as usize];
        node.end = node.end.max(range.start as u32);
        node.content = match open.content {
            OpenContent::Array(items) => Content::Array(items),
            OpenContent::Object(object) => Content::Object(object.entries),
        };
        let height = open.height + 1;
        if open.anchor > 0 {
            let anchored = Anchor {
                node: Some(open.node),
                height,
                visited: self.visited - open.visited,
            };
            self.anchors.insert(open.anchor, anchored);
        }
        self.complete(open.node, height)
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Read<()> {
        let Some(Anchor {
            node,
            height,
            visited,
        }) = self.anchors.get(&anchor)
        else {
            return Err(Box::new(Problem::error(
                codes::SYNTAX,
                range,
                "unknown anchor",
            )));
        };
        let (height, visited) = (*height, *visited);
        let Some(node) = *node else {
            let message = format!(
                "the anchor of `{}` contains itself",
                self.source.get(range.clone()).unwrap_or_default()
            );
            return Err(Box::new(Problem::error(codes::SYNTAX, range, message)));
        };
        self.visited = self.visited.saturating_add(visited);
        self.aliased = self.aliased.saturating_add(visited);
        if self.aliased > 100
            && self.visited > 1000
            && self.aliased as f64 > allowed_aliased(self.visited)
        {
            return Err(Box::new(Problem::error(
                codes::LIMIT,
                range,
                "the document contains excessive aliasing",
            )));
        }
        if self.open.len() + height > MAX_DEPTH {
            return Err(too_deep(range));
        }
        self.complete(node, height)
    }

    fn add(&mut self, content: Content<'s>, range: Range<usize>) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node {
            content,
            start: range.start as u32,
            end: range.end as u32,
        });
        id
    }

    /// The place of the next key, if the innermost open value is an object: filled while its value is awaited.
    fn expected_key(&mut self) -> Option<&mut Option<Key<'s>>> {
        match &mut self.open.last_mut()?.content {
            OpenContent::Object(object) => Some(&mut object.key),
            OpenContent::Array(_) => None,
        }
    }

    /// Puts a finished value where it belongs.
    fn complete(&mut self, node: NodeId, height: usize) -> Read<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.height = open.height.max(height);
        let object = match &mut open.content {
            OpenContent::Array(items) => {
                items.push(node);
                return Ok(());
            }
            OpenContent::Object(object) => object,
        };
        match object.key.take() {
            None => object.key = Some(key_of(&self.nodes, node)?),
            Some(Key::Text(key, key_start, key_end)) => {
                let entry = Entry {
                    key,
                    key_start,
                    key_end,
                    value: node,
                };
                match object.position(&entry.key) {
                    None => object.push(entry),
                    Some(at) if object.merged.remove(&entry.key) => object.entries[at] = entry,
                    Some(at) => {
                        let first = object.entries[at].key_start as usize;
                        let problem = duplicate_key(self.source, &entry, first);
                        self.report(problem)?;
                    }
                }
            }
            Some(Key::Merge(start, end)) => {
                for entry in merged_entries(&self.nodes, node, &(start as usize..end as usize))? {
                    match object.position(&entry.key) {
                        None => {
                            object.merged.insert(entry.key.clone());
                            object.push(entry);
                        }
                        // go-yaml goes through the object in order: a merge replaces what stands before it.
                        Some(at) => object.entries[at].value = entry.value,
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes a problem that does not end the reading, as long as there are few.
    fn report(&mut self, problem: Problem) -> Read<()> {
        if self.problems.len() >= MAX_ERRORS {
            return Err(Box::new(Problem::error(
                codes::LIMIT,
                problem.span,
                "too many errors in this document",
            )));
        }
        self.problems.push(problem);
        Ok(())
    }
}

fn duplicate_key(source: &str, entry: &Entry<'_>, first: usize) -> Problem {
    let line = source[..first].matches('\n').count() + 1;
    let message = format!("key \"{}\" already set in map", entry.key);
    Problem::error(codes::DUPLICATE_KEY, entry.key_span(), message)
        .with_help(Some(format!("first set in line {line}")))
}

/// How many of `visited` nodes may come from aliases: nearly all of few, a tenth of many.
///
/// Source: go.yaml.in/yaml/v2, decode.go (allowedAliasRatio).
fn allowed_aliased(visited: u64) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let visited = visited as f64;
    let ratio = if visited <= LOW {
        0.99
    } else if visited >= HIGH {
        0.10
    } else {
        0.99 - 0.89 * ((visited - LOW) / (HIGH - LOW))
    };
    visited * ratio
}

fn too_deep(range: Range<usize>) -> Box<Problem> {
    Box::new(Problem::error(
        codes::LIMIT,
        range,
        format!("nested deeper than {MAX_DEPTH} levels"),
    ))
}

/// The text that a key stands for in JSON.
fn key_of<'s>(nodes: &[Node<'s>], node: NodeId) -> Read<Key<'s>> {
    let Node {
        content,
        start,
        end,
    } = &nodes[node.0 as usize];
    let text = match content {
        Content::Scalar(Scalar::String(text)) => text.clone(),
        Content::Scalar(Scalar::Bool(value)) => {
            Cow::Borrowed(if *value { "true" } else { "false" })
        }
        Content::Scalar(Scalar::Int(number)) => number.to_string().into(),
        Content::Scalar(Scalar::Uint(number)) => number.to_string().into(),
        Content::Scalar(Scalar::Float(number)) => number.to_string().into(),
        Content::Scalar(Scalar::Null) | Content::Array(_) | Content::Object(_) => {
            let range = *start as usize..*end as usize;
            return Err(Box::new(Problem::error(
                codes::SYNTAX,
                range,
                "a key must be a string",
            )));
        }
    };
    Ok(Key::Text(text, *start, *end))
}

/// The entries that `<<` brings: those of an object, or of several, of which the first wins.
fn merged_entries<'s>(
    nodes: &[Node<'s>],
    node: NodeId,
    key: &Range<usize>,
) -> Read<Vec<Entry<'s>>> {
    let objects = match &nodes[node.0 as usize].content {
        Content::Object(entries) => return Ok(entries.clone()),
        Content::Array(items) => items,
        Content::Scalar(_) => return Err(bad_merge(key)),
    };
    let mut seen = BTreeSet::new();
    let mut merged = Vec::new();
    for object in objects {
        let Content::Object(entries) = &nodes[object.0 as usize].content else {
            return Err(bad_merge(key));
        };
        merged.extend(
            entries
                .iter()
                .filter(|entry| seen.insert(&entry.key))
                .cloned(),
        );
    }
    Ok(merged)
}

fn bad_merge(key: &Range<usize>) -> Box<Problem> {
    Box::new(Problem::error(
        codes::SYNTAX,
        key.clone(),
        "`<<` needs an object or an array of objects",
    ))
}
