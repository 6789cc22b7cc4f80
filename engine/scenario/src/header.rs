//! Headers as scenarios write them, by name: those that no HTTP message can have are refused.

use crate::reader::{Cursor, Reader};

/// The name of a request's host in HTTP/1.1.
pub(crate) const HOST: &str = "host";
/// Its name in HTTP/2.
pub(crate) const AUTHORITY: &str = ":authority";

/// Reads headers, names in lower case; those that cannot be sent are reported and left out.
pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Vec<(String, String)> {
    let texts = reader.texts(node);
    let mut headers = Vec::new();
    for (name, value) in texts {
        let entries = node.entries();
        let Some(entry) = entries.iter().find(|entry| entry.name() == name) else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        match check(&name, &value) {
            Ok(()) => headers.push((name, value)),
            Err((message, help)) => reader.invalid(entry, message, help),
        }
    }
    headers
}

/// Reads the names of headers, in lower case.
pub(crate) fn read_name(reader: &mut Reader, node: &Cursor<'_>) -> Option<String> {
    let name = reader.text(node)?.to_ascii_lowercase();
    match check(&name, "") {
        Ok(()) => Some(name),
        Err((message, help)) => {
            reader.invalid(node, message, help);
            None
        }
    }
}

/// Whether a header can be sent; a message and help if not.
pub(crate) fn check(name: &str, value: &str) -> Result<(), (String, &'static str)> {
    if !is_token(name) && name != AUTHORITY {
        let message = format!("`{name}` is not the name of a header");
        let help = match name.starts_with(':') {
            true => {
                "of the names with a colon only `:authority` may be written: `method` and `url` say the others"
            }
            false => "names hold letters, digits and `-`, as in `end-user`",
        };
        return Err((message, help));
    }
    if value.contains(['\r', '\n', '\0']) {
        let message = format!("the value of header `{name}` holds a line break or a zero byte");
        return Err((message, "write it in one line"));
    }
    Ok(())
}

/// Source: RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_sent_is_a_header() {
        for (name, value, is_good) in [
            ("end-user", "jason", true),
            ("x_y.z", "", true),
            (":authority", "shop", true),
            (":method", "GET", false),
            ("bad header", "x", false),
            ("", "x", false),
            ("ü", "x", false),
            ("x", "a\nb", false),
            ("x", "a\r", false),
            ("x", "a\tb", true),
        ] {
            assert_eq!(check(name, value).is_ok(), is_good, "{name}: {value:?}");
        }
    }
}
