//! What a path becomes before it is matched and forwarded, as Istio configures Envoy by default (BASE).
//!
//! The fragment is cut off together with a query behind it; dot segments are resolved, also where they are written
//! `%2e`, have parameters or are separated by backslashes; escapes of unreserved characters are decoded. Double slashes
//! and the query stay.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/path_utility.cc; istio/istio, pilot networking
//! (`normalize_path: true`, runtime `http_reject_path_with_fragment: false`).

use std::borrow::Cow;

/// The path cannot be normalised: it contains an escaped NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EscapedNul;

/// The normal form of a path with its query.
pub(crate) fn normalize(path: &str) -> Result<Cow<'_, str>, EscapedNul> {
    let path = path.split_once('#').map_or(path, |(before, _)| before);
    let (plain, query) = match path.find('?') {
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    if is_normal(plain) {
        return Ok(Cow::Borrowed(path));
    }
    let mut out = resolve_dots(&decode(plain)?);
    out.push_str(query);
    Ok(Cow::Owned(out))
}

fn is_normal(path: &str) -> bool {
    !path.starts_with('/')
        || !(path.bytes().any(|b| matches!(b, b'%' | b'\\')) || path.contains("/."))
}

/// Decodes escaped unreserved characters and turns backslashes around.
fn decode(path: &str) -> Result<String, EscapedNul> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(c) = rest.chars().next() {
        let escaped = rest.get(..3).filter(|_| c == '%').and_then(escaped_byte);
        match escaped {
            Some(0) => return Err(EscapedNul),
            Some(byte) if is_unreserved(byte) => {
                out.push(char::from(byte));
                rest = &rest[3..];
                continue;
            }
            _ => out.push(if c == '\\' { '/' } else { c }),
        }
        rest = &rest[c.len_utf8()..];
    }
    Ok(out)
}

fn escaped_byte(text: &str) -> Option<u8> {
    let digits = &text[1..];
    let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn resolve_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_with_slash = false;
    for segment in path.split('/').skip(1) {
        let name = segment.split(';').next().unwrap_or(segment);
        ends_with_slash = matches!(name, "." | "..");
        match name {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if ends_with_slash || out.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed on Envoy 1.40.
    #[test]
    fn paths_become_normal() {
        for (path, normal) in [
            ("/exact", "/exact"),
            ("/a/../exact", "/exact"),
            ("/./exact", "/exact"),
            ("/%65xact", "/exact"),
            ("/a\\..\\exact", "/exact"),
            ("/p/%2e%2e/exact", "/exact"),
            ("/p/%2E%2e/exact", "/exact"),
            ("//exact", "//exact"),
            ("/a%2f..%2fexact", "/a%2f..%2fexact"),
            ("/a//../exact", "/a/exact"),
            ("/%41%7e%2d%2F", "/A~-%2F"),
            ("/a/..;x=y/b", "/b"),
            ("/..;/b", "/b"),
            ("/a;x=y/b", "/a;x=y/b"),
            ("/%zz", "/%zz"),
            ("/../..", "/"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/exact#a?b", "/exact"),
            ("/a/../b?x=/../%41", "/b?x=/../%41"),
            ("/", "/"),
            ("*", "*"),
            ("/é/%41", "/é/A"),
            ("/%", "/%"),
        ] {
            assert_eq!(normalize(path).as_deref(), Ok(normal), "{path}");
        }
        assert_eq!(normalize("/exact%00"), Err(EscapedNul));
        assert_eq!(normalize("/x?%00").as_deref(), Ok("/x?%00"));
    }
}
