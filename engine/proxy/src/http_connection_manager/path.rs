//! What a path becomes before it is matched and forwarded: its fragment, slashes that are written as escapes, dot segments
//! and slashes in a row, in this order. The query stays as it is.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/path_utility.cc, conn_manager_utility.cc (maybeNormalizePath).

use super::Refusal;
use crate::request::RequestHead;
use crate::response_flag::Details;
use crate::router::redirect::LocalAnswer;
use std::borrow::Cow;
use xds::{EscapedSlashes, PathNormalization};

/// Changes a path as configured.
pub(super) fn normalize(
    configured: &PathNormalization,
    head: &mut RequestHead,
) -> Result<(), Refusal> {
    let refused = || Refusal::empty(400, Details::PathNormalizationFailed);
    if let Some((before, _)) = head.path.split_once('#') {
        if configured.rejects_fragments {
            return Err(refused());
        }
        head.path = before.to_owned();
    }
    let (path, query) = match head.path.find('?') {
        Some(at) => head.path.split_at(at),
        None => (head.path.as_str(), ""),
    };
    let mut path = Cow::Borrowed(path);
    let mut redirects = false;
    if configured.escaped_slashes != EscapedSlashes::Keep
        && let Some(unescaped) = unescape_slashes(&path)
    {
        match configured.escaped_slashes {
            EscapedSlashes::Reject => return Err(refused()),
            EscapedSlashes::UnescapeAndRedirect if head.is_grpc() => return Err(refused()),
            EscapedSlashes::UnescapeAndRedirect => redirects = true,
            EscapedSlashes::UnescapeAndForward | EscapedSlashes::Keep => {}
        }
        path = Cow::Owned(unescaped);
    }
    if configured.normalize && !is_normal(&path) {
        let decoded = decode(&without_dot_parameters(&path)).map_err(|EscapedNul| refused())?;
        path = Cow::Owned(resolve_dots(&decoded));
    }
    if configured.merge_slashes && path.contains("//") {
        path = Cow::Owned(merge_slashes(&path));
    }
    if let Cow::Owned(mut changed) = path {
        changed.push_str(query);
        head.path = changed;
    }
    if redirects {
        return Err(Refusal {
            answer: LocalAnswer {
                status: 307,
                body: String::new(),
                headers: vec![("location".to_owned(), head.path.clone())],
            },
            details: Details::PathNormalizationFailed,
        });
    }
    Ok(())
}

/// The path with slashes and backslashes in place of their escapes; none if it has no such escape.
fn unescape_slashes(path: &str) -> Option<String> {
    if !path.contains('%') {
        return None;
    }
    let unescaped = path
        .replace("%2F", "/")
        .replace("%2f", "/")
        .replace("%5C", "\\")
        .replace("%5c", "\\");
    (unescaped.len() != path.len()).then_some(unescaped)
}

/// One slash in place of several in a row.
fn merge_slashes(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    if path.starts_with('/') {
        merged.push('/');
    }
    let segments: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    merged.push_str(&segments.join("/"));
    // Envoy ends a path of nothing but slashes with one more.
    if path.ends_with('/') {
        merged.push('/');
    }
    merged
}

/// The path cannot be normalised: it contains an escaped NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EscapedNul;

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

    const NONE: PathNormalization = PathNormalization {
        rejects_fragments: false,
        escaped_slashes: EscapedSlashes::Keep,
        normalize: false,
        merge_slashes: false,
    };
    const BASE: PathNormalization = PathNormalization {
        normalize: true,
        ..NONE
    };
    const MERGE: PathNormalization = PathNormalization {
        merge_slashes: true,
        ..BASE
    };
    const DECODE: PathNormalization = PathNormalization {
        escaped_slashes: EscapedSlashes::UnescapeAndForward,
        ..MERGE
    };

    /// The path that is routed, or the status of the answer.
    fn normalized(configured: PathNormalization, path: &str) -> Result<String, u16> {
        let mut head = RequestHead::get("shop", path);
        match normalize(&configured, &mut head) {
            Ok(()) => Ok(head.path),
            Err(refusal) => Err(refusal.answer.status),
        }
    }

    #[test]
    fn modes_of_the_mesh_change_more_and_more() {
        for (path, none, base, merge, decode) in [
            ("/a/../exact", "/a/../exact", "/exact", "/exact", "/exact"),
            ("//exact", "//exact", "//exact", "/exact", "/exact"),
            (
                "/a%2f..%2fexact",
                "/a%2f..%2fexact",
                "/a%2f..%2fexact",
                "/a%2f..%2fexact",
                "/exact",
            ),
            (
                "/a//../exact",
                "/a//../exact",
                "/a/exact",
                "/a/exact",
                "/a/exact",
            ),
            (
                "/%41%7e%2d%2F",
                "/%41%7e%2d%2F",
                "/A~-%2F",
                "/A~-%2F",
                "/A~-/",
            ),
            (
                "/a%5Cb?%2f//",
                "/a%5Cb?%2f//",
                "/a%5Cb?%2f//",
                "/a%5Cb?%2f//",
                "/a/b?%2f//",
            ),
            ("/a#b?c", "/a", "/a", "/a", "/a"),
        ] {
            for (configured, want) in [(NONE, none), (BASE, base), (MERGE, merge), (DECODE, decode)]
            {
                assert_eq!(normalized(configured, path).as_deref(), Ok(want), "{path}");
            }
        }
        assert_eq!(normalized(NONE, "/exact%00").as_deref(), Ok("/exact%00"));
        assert_eq!(normalized(DECODE, "/exact%00"), Err(400));
    }

    #[test]
    fn requests_are_refused_or_sent_elsewhere() {
        let with = |escaped_slashes| PathNormalization {
            escaped_slashes,
            ..NONE
        };
        let reject = with(EscapedSlashes::Reject);
        assert_eq!(normalized(reject, "/a%2Fb"), Err(400));
        assert_eq!(normalized(reject, "/a%41b").as_deref(), Ok("/a%41b"));
        let redirect = with(EscapedSlashes::UnescapeAndRedirect);
        assert_eq!(normalized(redirect, "/a%2Fb?c"), Err(307));
        assert_eq!(normalized(redirect, "/a/b").as_deref(), Ok("/a/b"));
        let strict = PathNormalization {
            rejects_fragments: true,
            ..NONE
        };
        assert_eq!(normalized(strict, "/a#b"), Err(400));
    }

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
            assert_eq!(normalized(BASE, path).as_deref(), Ok(normal), "{path}");
        }
        assert_eq!(normalized(BASE, "/exact%00"), Err(400));
        assert_eq!(normalized(BASE, "/x?%00").as_deref(), Ok("/x?%00"));
    }
}
