//! JSON values as YAML that means the same to every reader.
//!
//! Strings stay in quotation marks: what `yes`, `1e3` or `0x10` are without them depends on who reads.

use serde_json::Value;

/// The value as a YAML document.
pub(crate) fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => write(&mut out, value, 0),
        other => out.push_str(&other.to_string()),
    }
    out.push('\n');
    out.trim_start_matches('\n').to_owned()
}

/// Writes a list or an object that is not empty, each entry on a line of its own.
fn write(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                start_line(out, indent);
                write_entry(out, &format!("{}:", quoted_key(key)), value, indent + 2);
            }
        }
        Value::Array(items) => {
            for item in items {
                start_line(out, indent);
                write_item(out, item, indent + 2);
            }
        }
        _ => {}
    }
}

fn write_entry(out: &mut String, head: &str, value: &Value, indent: usize) {
    out.push_str(head);
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => write(out, value, indent),
        other => {
            out.push(' ');
            out.push_str(&other.to_string());
        }
    }
}

/// An item begins on the line of its dash.
fn write_item(out: &mut String, item: &Value, indent: usize) {
    let mut inner = String::new();
    match item {
        Value::Object(_) | Value::Array(_) if !is_empty(item) => write(&mut inner, item, indent),
        other => inner.push_str(&other.to_string()),
    }
    out.push_str("- ");
    out.push_str(inner.trim_start());
}

fn start_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(entries) => entries.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Keys that are words need no quotation marks, unless YAML means something else by them.
fn quoted_key(key: &str) -> String {
    let is_word = key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word && !RESERVED.contains(&key.to_ascii_lowercase().as_str()) {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

/// What some reader of YAML takes for a bool or for nothing.
const RESERVED: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_are_quoted_and_nothing_else() {
        let value = json!({
            "@type": "a.B",
            "list": [{"name": "yes", "sizes": [1, 2.5]}, "off", [], [["x"]]],
            "none": {},
            "on": true,
        });
        let want = "\"@type\": \"a.B\"\nlist:\n  - name: \"yes\"\n    sizes:\n      - 1\n      - 2.5\n  \
                    - \"off\"\n  - []\n  - - - \"x\"\nnone: {}\n\"on\": true\n";
        assert_eq!(to_yaml(&value), want);
        let read: Value = serde_yaml::from_str(want).expect("YAML");
        assert_eq!(read, value);
    }
}
