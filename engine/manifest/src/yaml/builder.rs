//! Makes a tree of a document's events.
//!
//! Decides what aliases, merge keys, tags and keys mean, as go-yaml v2 does, and refuses what Kubernetes refuses:
//! duplicate keys, keys that are no scalars, aliases that grow without bound. This is the only file that knows the
//! parser underneath (granit-parser).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::base64;
use crate::diagnostic::codes;
use crate::yaml::open_object::{Key, OpenObject, merged_entries};
use crate::yaml::problem::{MAX_ERRORS, Problem};
use crate::yaml::scalar::{self, Scalar};
use crate::yaml::tree::{Content, Node, NodeId, Tree};

/// How deep arrays and objects may nest, aliases followed.
pub(crate) const MAX_DEPTH: usize = 128;

impl<'s> Tree<'s> {
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
        let options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        for event in Parser::new_from_str_with_options(document, options) {
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
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => too_deep(at..at),
            _ => Box::new(Problem::error(codes::SYNTAX, at..at, error.info())),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range<usize>,
    ) -> Read<()> {
        let range = self.visible(range);
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

    /// The bytes of a scalar; those of its key if it is not written at all.
    fn visible(&mut self, range: Range<usize>) -> Range<usize> {
        match self.expected_key() {
            Some(Some(Key::Text(_, start, end))) if range.is_empty() => {
                *start as usize..*end as usize
            }
            _ => range,
        }
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
            None => object.key = Some(Key::of(&self.nodes, node)?),
            Some(Key::Text(text, start, end)) => {
                if let Err(first) = object.insert(text.clone(), start..end, node) {
                    let problem =
                        duplicate_key(self.source, &text, start as usize..end as usize, first);
                    self.report(problem)?;
                }
            }
            Some(Key::Merge(start, end)) => {
                object.merge(merged_entries(
                    &self.nodes,
                    node,
                    start as usize..end as usize,
                )?);
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

fn duplicate_key(source: &str, key: &str, range: Range<usize>, first: usize) -> Problem {
    let line = source[..first].matches('\n').count() + 1;
    let message = format!("key \"{key}\" already set in map");
    Problem::error(codes::DUPLICATE_KEY, range, message)
        .with_help(Some(format!("first set in line {line}")))
}

fn too_deep(range: Range<usize>) -> Box<Problem> {
    Box::new(Problem::error(
        codes::LIMIT,
        range,
        format!("nested deeper than {MAX_DEPTH} levels"),
    ))
}
