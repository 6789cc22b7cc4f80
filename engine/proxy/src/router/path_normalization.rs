//! What a path becomes before it is matched and forwarded, as Istio configures Envoy by default (BASE).
//!
//! The fragment is cut off together with a query behind it; dot segments are resolved, also where they are written
//! `%2e`, have parameters or are separated by backslashes; escapes of unreserved characters are decoded, and a few
//! characters are escaped. Double slashes and the query stay.
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
    let mut out = resolve_dots(&decode(&without_dot_parameters(plain))?);
    out.push_str(query);
    Ok(Cow::Owned(out))
}

fn is_normal(path: &str) -> bool {
    let is_changed = |b: u8| matches!(b, b'%' | b'\\') || is_escaped(b);
    !path.starts_with('/') || !(path.bytes().any(is_changed) || path.contains("/."))
}

/// Drops the parameters of dot segments, as far as their dots are written plainly.
fn without_dot_parameters(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let name = segment.split(';').next().unwrap_or(segment);
        if matches!(name, "." | "..") {
            name
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Decodes escaped unreserved characters, escapes those that a path may not have, and turns backslashes around.
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
            _ if c == '\\' => out.push('/'),
            _ => match u8::try_from(c) {
                Ok(byte) if is_escaped(byte) => out.push_str(&format!("%{byte:02X}")),
                _ => out.push(c),
            },
        }
        rest = &rest[c.len_utf8()..];
    }
    Ok(out)
}

/// Characters that are always written as escapes.
fn is_escaped(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'
    )
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
        ends_with_slash = matches!(segment, "." | "..");
        match segment {
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
            ("/%zz/..", "/"),
            ("/a%5C..%5Cb", "/a%5C..%5Cb"),
            ("/a\"x\"", "/a%22x%22"),
            ("/{a}|b^c`d<e>", "/%7Ba%7D%7Cb%5Ec%60d%3Ce%3E"),
            ("/[a]'!$&(b)*+,=:@", "/[a]'!$&(b)*+,=:@"),
            ("/%7B%22", "/%7B%22"),
            ("/a/.%2e/b", "/b"),
            // Written as an escape, a dot segment keeps its parameters and is none.
            ("/a/%2e%2e;x/b", "/a/..;x/b"),
            ("/a/.%2e;x/b", "/a/..;x/b"),
            ("/a/..;x/", "/"),
            ("/a/;/../b", "/a/b"),
            ("/a/b;x/../c;y/.", "/a/c;y/"),
            ("/a/...;x/b", "/a/...;x/b"),
            ("/a//b/..", "/a//"),
            ("/a//..", "/a/"),
            ("//a/../", "//"),
            ("//..", "/"),
            ("/a\\.\\b", "/a/b"),
            ("/a/..b/.c", "/a/..b/.c"),
        ] {
            assert_eq!(normalize(path).as_deref(), Ok(normal), "{path}");
        }
        assert_eq!(normalize("/exact%00"), Err(EscapedNul));
        assert_eq!(normalize("/x?%00").as_deref(), Ok("/x?%00"));
    }
}
