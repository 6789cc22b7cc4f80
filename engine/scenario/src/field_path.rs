//! Names the fields of findings that know their place alone.
//!
//! Values that are read keep their place, not the way to them; when something is wrong with one later on, the way is
//! looked up in the file by its place.

use crate::reader::Cursor;
use manifest::{Diagnostic, Source, read_node};

/// Fills in the fields of findings about a scenario file, where they have none.
pub(crate) fn fill(findings: &mut [Diagnostic], source: &Source) {
    for finding in findings.iter_mut().filter(|found| found.field.is_empty()) {
        if let Some(field) = finding.location.file.strip_prefix(SET) {
            finding.field = field.to_owned();
        }
    }
    let mut open = findings
        .iter_mut()
        .filter(|found| found.field.is_empty() && found.location.file == source.name)
        .peekable();
    if open.peek().is_none() {
        return;
    }
    // What cannot be read as YAML has no fields.
    let Ok(root) = read_node(source) else {
        return;
    };
    for finding in open {
        finding.field = find(&Cursor::root(&root), finding).unwrap_or_default();
    }
}

/// The path of the outermost value that stands there.
fn find(cursor: &Cursor<'_>, finding: &Diagnostic) -> Option<String> {
    let place = cursor.place();
    if place.location == finding.location && place.span == finding.span && !cursor.path.is_empty() {
        return Some(cursor.path.clone());
    }
    let inner = cursor.items().unwrap_or_else(|| cursor.entries());
    inner.iter().find_map(|inner| {
        let key = inner.key_place();
        let is_key =
            key.is_some_and(|key| key.location == finding.location && key.span == finding.span);
        match is_key {
            true => Some(inner.path.clone()),
            false => find(inner, finding),
        }
    })
}

/// What the file of an overridden field is called, before its path.
const SET: &str = "--set ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::error;
    use manifest::node::{Node, Value};

    fn field_of(text: &str, pick: impl Fn(&Node) -> &Node) -> String {
        let source = Source::new("s.yaml", text);
        let root = read_node(&source).expect("YAML");
        let place = Cursor::root(pick(&root)).place();
        let mut found = [error("code", &place, "wrong".to_owned(), None)];
        fill(&mut found, &source);
        found[0].field.clone()
    }

    #[test]
    fn a_place_has_a_field() {
        let text = "traffic:\n- {name: a, url: b}\n- {name: c, url: d}\n";
        let second = field_of(text, |root| {
            let Value::Object(entries) = &root.value else {
                panic!("a map");
            };
            let Value::Array(items) = &entries[0].value.value else {
                panic!("a list");
            };
            let Value::Object(fields) = &items[1].value else {
                panic!("a map");
            };
            &fields[1].value
        });
        assert_eq!(second, "traffic[1].url");
        assert_eq!(field_of(text, |root| root), "");
    }
}
