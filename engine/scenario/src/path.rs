//! Paths of endpoints, and parts of requests that endpoints refer to.

use crate::object_name::nearest;
use crate::reader::{Cursor, Reader};
use crate::shape::{Field, Object, Shape, field};
use sim::application::{PathPattern, Segment, Variable};

/// `path`
pub(crate) const PATH: Field = field(
    "path",
    Shape::TextOr(&PATH_OBJECT),
    "The path, without its query: how it begins, such as `/reviews`, or all of it with captures in braces, such as \
     `/status/{code}`; any if not written.",
);

static PATH_OBJECT: Object = Object {
    name: "path",
    about: "A pattern of paths.",
    fields: &[
        field("exact", Shape::Text, "The whole path."),
        field("prefix", Shape::Text, "How the path begins."),
    ],
    required: &[],
    one_of: &[&["exact", "prefix"]],
};

/// Reads a pattern of paths.
pub(crate) fn read_path(reader: &mut Reader, node: &Cursor<'_>) -> Option<PathPattern> {
    if node.is_map() {
        let fields = reader.object(node, &PATH_OBJECT)?;
        let chosen = fields.iter().next()?;
        let text = read_rooted(reader, &chosen)?;
        return Some(match chosen.name() {
            "exact" => PathPattern::Exact(text),
            _ => PathPattern::Prefix(text),
        });
    }
    let text = read_rooted(reader, node)?;
    if !text.contains(['{', '}']) {
        return Some(PathPattern::Prefix(text));
    }
    let segments: Option<Vec<Segment>> = text.split('/').map(segment).collect();
    if segments.is_none() {
        let message = format!("`{text}` is not a template of paths");
        let help = "braces hold the name of a whole segment, as in `/status/{code}`";
        reader.invalid(node, message, help);
    }
    segments.map(PathPattern::Template)
}

fn segment(text: &str) -> Option<Segment> {
    let name = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    match name {
        Some(name) => is_name(name).then(|| Segment::Capture(name.to_owned())),
        None if text.contains(['{', '}']) => None,
        None => Some(Segment::Text(text.to_owned())),
    }
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

fn read_rooted(reader: &mut Reader, node: &Cursor<'_>) -> Option<String> {
    let path = reader.text(node)?;
    if path.is_empty() || path.starts_with('/') {
        return Some(path);
    }
    reader.invalid(
        node,
        format!("`{path}` is not a path: it does not begin with `/`"),
        format!("write `/{path}`"),
    );
    None
}

/// Reads a part of a request: `{name}` for a capture of `path`, `{?name}` for a parameter of the query.
pub(crate) fn read_variable(
    reader: &mut Reader,
    node: &Cursor<'_>,
    path: &PathPattern,
) -> Option<Variable> {
    let text = reader.text(node)?;
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let name = inner.map_or("", |inner| inner.strip_prefix('?').unwrap_or(inner));
    if !is_name(name) {
        let message = format!("`{text}` is no part of a request");
        let help =
            "write `{name}` for a capture of `path`, or `{?name}` for a parameter of the query";
        reader.invalid(node, message, help);
        return None;
    }
    if inner.is_some_and(|inner| inner.starts_with('?')) {
        return Some(Variable::Query(name.to_owned()));
    }
    let captures = captures(path);
    if captures.contains(&name) {
        return Some(Variable::Path(name.to_owned()));
    }
    let message = format!("`path` captures no `{{{name}}}`");
    let help = match nearest(name, captures.iter().copied()) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => {
            format!("write `{{{name}}}` in `path`, or `{{?{name}}}` for a parameter of the query")
        }
    };
    reader.invalid(node, message, help);
    None
}

fn captures(path: &PathPattern) -> Vec<&str> {
    let PathPattern::Template(segments) = path else {
        return Vec::new();
    };
    let names = segments.iter().filter_map(|segment| match segment {
        Segment::Capture(name) => Some(name.as_str()),
        Segment::Text(_) => None,
    });
    names.collect()
}
