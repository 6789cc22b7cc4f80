//! What the upstream receives: header mutations, then the host's rewrite, then the path's.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/header_parser.cc, config_impl.cc (finalizeRequestHeaders).

use super::matching::PathMatcher;
use super::virtual_host::without_port;
use crate::re2::Substitution;
use crate::request::{Protocol, RequestHead};
use xds::{HeaderAppend, HeaderMutations};

/// A compiled `prefix_rewrite` or `regex_rewrite`.
#[derive(Clone, Debug)]
pub(crate) enum PathRewriter {
    Prefix(String),
    Regex(Substitution),
}

impl PathRewriter {
    /// The rewritten path with its query; none if the path stays and nothing is recorded.
    pub(crate) fn rewrite(&self, matched: &PathMatcher, path: &str) -> Option<String> {
        let (plain, query) = match path.find('?') {
            Some(at) => path.split_at(at),
            None => (path, ""),
        };
        match self {
            Self::Prefix(replacement) => {
                let rest = after_match(matched, plain);
                Some(format!("{replacement}{rest}{query}"))
            }
            Self::Regex(substitution) => match substitution.replace_all(plain) {
                Some(rewritten) if rewritten.is_empty() => None,
                Some(rewritten) => Some(rewritten + query),
                None => Some(path.to_owned()),
            },
        }
    }
}

/// What follows the matched prefix; nothing after an exact or regex match.
pub(crate) fn after_match<'a>(matched: &PathMatcher, plain_path: &'a str) -> &'a str {
    match matched {
        PathMatcher::Prefix(prefix) | PathMatcher::Separated(prefix) => {
            plain_path.get(prefix.len()..).unwrap_or("")
        }
        PathMatcher::Path(_) | PathMatcher::Regex(..) => "",
    }
}

/// Applies the mutations of one level: removals, then values formatted against what is left, sets before adds.
pub(crate) fn mutate_request(head: &mut RequestHead, mutations: &HeaderMutations) {
    let mut headers = std::mem::take(&mut head.headers);
    remove(&mut headers, &mutations.remove);
    head.headers = headers;
    let values = format_all(mutations, head);
    write(&mut head.headers, mutations, values);
}

/// Applies the mutations of one level to a response that answers `request`.
pub(crate) fn mutate_response(
    headers: &mut Vec<(String, String)>,
    mutations: &HeaderMutations,
    request: &RequestHead,
) {
    remove(headers, &mutations.remove);
    let values = format_all(mutations, request);
    write(headers, mutations, values);
}

fn remove(headers: &mut Vec<(String, String)>, names: &[String]) {
    headers.retain(|(name, _)| !names.iter().any(|gone| gone.eq_ignore_ascii_case(name)));
}

fn format_all(mutations: &HeaderMutations, request: &RequestHead) -> Vec<String> {
    let adds = mutations.add.iter();
    adds.map(|add| expand(&add.value, request)).collect()
}

fn write(headers: &mut Vec<(String, String)>, mutations: &HeaderMutations, values: Vec<String>) {
    // What is there already is asked before anything is written.
    let (mut overwritten, mut added) = (Vec::new(), Vec::new());
    for (add, value) in mutations.add.iter().zip(values) {
        if value.is_empty() && !add.keep_empty_value {
            continue;
        }
        let name = add.name.to_ascii_lowercase();
        let exists = || headers.iter().any(|(other, _)| *other == name);
        match add.append {
            HeaderAppend::AddIfAbsent if exists() => {}
            HeaderAppend::AppendIfExistsOrAdd | HeaderAppend::AddIfAbsent => {
                added.push((name, value));
            }
            HeaderAppend::OverwriteIfExists if !exists() => {}
            HeaderAppend::OverwriteIfExists | HeaderAppend::OverwriteIfExistsOrAdd => {
                overwritten.push((name, value));
            }
        }
    }
    for (name, value) in overwritten {
        set(headers, &name, value);
    }
    headers.append(&mut added);
}

/// Replaces all lines of a header by one.
pub(crate) fn set(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    match headers.iter().position(|(other, _)| other == name) {
        Some(first) => {
            headers[first].1 = value;
            let mut position = 0;
            headers.retain(|(other, _)| {
                position += 1;
                position - 1 <= first || other != name
            });
        }
        None => headers.push((name.to_owned(), value)),
    }
}

/// Gives the request another authority and tells the old one.
pub(crate) fn set_authority(head: &mut RequestHead, host: String, append_forwarded_host: bool) {
    if append_forwarded_host {
        self::append_forwarded_host(head);
    }
    let old = std::mem::replace(&mut head.authority, host);
    set(&mut head.headers, "x-envoy-original-host", old);
}

/// Adds the authority to `x-forwarded-host`, unless it is the last one there.
///
/// Source: envoyproxy/envoy 1.40, source/common/http/utility.cc (updateAuthority).
pub(crate) fn append_forwarded_host(head: &mut RequestHead) {
    const NAME: &str = "x-forwarded-host";
    let mut hosts: Vec<&str> = head.values(NAME).collect();
    let last = hosts.last().and_then(|line| line.rsplit(',').next());
    if last != Some(head.authority.as_str()) {
        hosts.push(&head.authority);
        let hosts = hosts.join(",");
        set(&mut head.headers, NAME, hosts);
    }
}

/// The authority of a copy: `-shadow` is added to the host, and a port stays at the end.
///
/// Source: envoyproxy/envoy 1.40, source/common/router/shadow_writer_impl.cc.
pub(crate) fn shadow_host(authority: &str) -> String {
    let host = without_port(authority);
    format!("{host}-shadow{}", &authority[host.len()..])
}

/// A piece of a header value with Envoy's command operators.
enum Piece<'a> {
    Text(&'a str),
    Operator(&'a str),
}

/// Splits a value at its operators; a lone `%` stays as it is.
fn pieces(value: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(tail) = rest.strip_prefix("%%") {
            rest = tail;
            return Some(Piece::Text("%"));
        }
        if let Some(tail) = rest.strip_prefix('%')
            && let Some(end) = tail.find('%')
        {
            rest = &tail[end + 1..];
            return Some(Piece::Operator(&tail[..end]));
        }
        let length = rest[1..].find('%').map_or(rest.len(), |at| at + 1);
        let (text, tail) = rest.split_at(length);
        rest = tail;
        Some(Piece::Text(text))
    })
}

/// The operators in a value that are not simulated.
pub(crate) fn unknown_operators(value: &str) -> Vec<String> {
    let unknown = pieces(value).filter_map(|piece| match piece {
        Piece::Operator(name) if name != "PROTOCOL" && !name.starts_with("REQ(") => Some(name),
        Piece::Operator(_) | Piece::Text(_) => None,
    });
    unknown.map(|name| format!("%{name}%")).collect()
}

fn expand(value: &str, request: &RequestHead) -> String {
    let mut out = String::new();
    for piece in pieces(value) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Operator("PROTOCOL") => out.push_str(match request.protocol {
                Protocol::Http1 => "HTTP/1.1",
                Protocol::Http2 => "HTTP/2",
            }),
            Piece::Operator(name) => {
                if let Some(arguments) = name.strip_prefix("REQ(") {
                    out.push_str(&request_header(arguments, request));
                }
            }
        }
    }
    out
}

/// `X?Y):Z`: the header X, else Y, cut to Z characters.
fn request_header(arguments: &str, request: &RequestHead) -> String {
    let (names, limit) = arguments.rsplit_once(')').unwrap_or((arguments, ""));
    let found = names.split('?').find_map(|name| {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            ":method" => Some(request.method.clone()),
            ":authority" | "host" => Some(request.authority.clone()),
            ":path" => Some(request.path.clone()),
            ":scheme" => Some(request.scheme.clone()),
            _ => {
                let values: Vec<&str> = request.values(&name).collect();
                (!values.is_empty()).then(|| values.join(","))
            }
        }
    });
    let mut value = found.unwrap_or_default();
    if let Some(limit) = limit.strip_prefix(':').and_then(|l| l.parse().ok()) {
        value = value.chars().take(limit).collect();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use xds::HeaderMutation;

    #[track_caller]
    fn check(rewriter: &PathRewriter, matched: &PathMatcher, path: &str, upstream: Option<&str>) {
        assert_eq!(
            rewriter.rewrite(matched, path).as_deref(),
            upstream,
            "{path} under {matched}"
        );
    }

    /// The table of path rewrites observed on Envoy 1.40.
    #[test]
    fn paths_are_rewritten() {
        let prefix = |text: &str| PathMatcher::Prefix(text.into());
        let separated = |text: &str| PathMatcher::Separated(text.into());
        let to = |text: &str| PathRewriter::Prefix(text.to_owned());
        check(&to("/new"), &prefix("/pr"), "/pr", Some("/new"));
        check(&to("/new"), &prefix("/pr"), "/pr/x?q=1", Some("/new/x?q=1"));
        check(&to("/new"), &prefix("/pr"), "/prx", Some("/newx"));
        check(&to("/"), &prefix("/ps/"), "/ps/a/b", Some("/a/b"));
        check(&to("/n"), &prefix("/pn"), "/pn/a", Some("/n/a"));
        let exact = PathMatcher::Path("/pe".into());
        check(&to("/exactnew"), &exact, "/pe?z", Some("/exactnew?z"));
        let never = super::super::matching::StringMatcher::Never;
        let regex = PathMatcher::Regex("/rg/.*".into(), never);
        check(&to("/all"), &regex, "/rg/abc?x", Some("/all?x"));
        check(&to("/"), &separated("/sp"), "/sp", Some("/"));
        check(&to("/"), &separated("/sp"), "/sp/", Some("//"));
        check(&to("/"), &separated("/sp"), "/sp/a?b", Some("//a?b"));
        check(&to("/z"), &separated("/sq"), "/sq/a", Some("/z/a"));
        check(&to("/ci2"), &prefix("/ci"), "/CIFoo", Some("/ci2Foo"));
        let replace = |pattern, substitution| {
            PathRewriter::Regex(Substitution::new(pattern, substitution).unwrap())
        };
        let ra = prefix("/ra/");
        check(&replace("a", "b"), &ra, "/ra/aaa?a", Some("/rb/bbb?a"));
        check(&replace("z", "b"), &ra, "/ra/a", Some("/ra/a"));
        check(&replace("^.*$", ""), &ra, "/ra/a", None);
        check(&replace("/ra/(.*)", "/\\1/x"), &ra, "/ra/1", Some("/1/x"));
    }

    fn mutation(name: &str, value: &str, append: HeaderAppend) -> HeaderMutation {
        HeaderMutation {
            name: name.to_owned(),
            value: value.to_owned(),
            append,
            keep_empty_value: false,
        }
    }

    #[test]
    fn a_level_removes_then_formats_then_sets_then_adds() {
        use HeaderAppend::{AppendIfExistsOrAdd as Add, OverwriteIfExistsOrAdd as Set};
        let mut head = RequestHead::get("h:80", "/p?q");
        for (name, value) in [("a", "1"), ("a", "2"), ("gone", "x"), ("b", "old")] {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        let mutations = HeaderMutations {
            remove: vec!["Gone".to_owned()],
            add: vec![
                mutation("A", "added", Add),
                mutation("a", "set", Set),
                mutation("copy", "%REQ(b)%-%REQ(:path)%-%REQ(gone?:authority)%", Set),
                mutation("b", "new", Set),
                mutation("empty", "%REQ(missing)%", Set),
                mutation("percent", "100%% of %PROTOCOL%", Add),
                mutation("short", "%REQ(:authority):1%", Add),
            ],
        };
        mutate_request(&mut head, &mutations);
        let headers: Vec<String> = head
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            headers,
            [
                "a: set",
                "b: new",
                "copy: old-/p?q-h:80",
                "a: added",
                "percent: 100% of HTTP/1.1",
                "short: h"
            ]
        );
        assert_eq!(
            unknown_operators("%HOSTNAME% %REQ(x)% %%"),
            ["%HOSTNAME%".to_owned()]
        );
    }
}
