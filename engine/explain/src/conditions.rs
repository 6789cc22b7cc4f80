//! The conditions of a route, in words.

use xds::{HeaderMatch, HeaderMatcher, PathMatch, QueryMatch, RouteMatch, StringMatch};

/// What a request must be for a route to match it.
pub(crate) fn in_words(match_: &RouteMatch) -> String {
    let headers = match_.headers.iter().map(header);
    let parameters = match_.query_parameters.iter().map(|parameter| {
        let name = &parameter.name;
        match &parameter.match_ {
            QueryMatch::Present(true) => format!("query parameter `{name}` is present"),
            QueryMatch::Present(false) => format!("query parameter `{name}` is absent"),
            QueryMatch::Value(value) => {
                format!("query parameter `{name}` {}", string(value, false))
            }
        }
    });
    let grpc = match_.grpc.then(|| "a gRPC request".to_owned());
    let mut conditions: Vec<String> = headers.chain(parameters).chain(grpc).collect();
    match path(&match_.path) {
        Some(path) => {
            let fold = if match_.case_sensitive {
                ""
            } else {
                " in any case"
            };
            conditions.insert(0, format!("path {path}{fold}"));
        }
        None if conditions.is_empty() => conditions.push("any request".to_owned()),
        None => {}
    }
    conditions.join(", ")
}

/// None where every path will do.
fn path(path: &PathMatch) -> Option<String> {
    match path {
        PathMatch::Prefix(prefix) if prefix == "/" => None,
        PathMatch::Prefix(prefix) => Some(format!("begins with `{prefix}`")),
        PathMatch::Path(path) => Some(format!("is `{path}`")),
        PathMatch::SafeRegex(regex) => Some(format!("matches `{regex}`")),
        PathMatch::PathSeparatedPrefix(prefix) => Some(format!("is `{prefix}` or below")),
    }
}

fn header(matcher: &HeaderMatcher) -> String {
    let name = match matcher.name.strip_prefix(':') {
        Some(pseudo) => pseudo.to_owned(),
        None => format!("header `{}`", matcher.name),
    };
    let condition = match &matcher.match_ {
        HeaderMatch::Present(present) if *present != matcher.invert_match => {
            "is present".to_owned()
        }
        HeaderMatch::Present(_) => "is absent".to_owned(),
        HeaderMatch::Value(value) => string(value, matcher.invert_match),
        HeaderMatch::Range { start, end } => {
            let is = if matcher.invert_match { "is not" } else { "is" };
            format!("{is} a number from {start} to below {end}")
        }
    };
    format!("{name} {condition}")
}

fn string(match_: &StringMatch, inverted: bool) -> String {
    let ((says, denies), text) = match match_ {
        StringMatch::Exact(text) => (("is", "is not"), text),
        StringMatch::Prefix(text) => (("begins with", "does not begin with"), text),
        StringMatch::Suffix(text) => (("ends with", "does not end with"), text),
        StringMatch::Contains(text) => (("contains", "does not contain"), text),
        StringMatch::SafeRegex(text) => (("matches", "does not match"), text),
        StringMatch::IgnoreCase(match_) => {
            return format!("{} in any case", string(match_, inverted));
        }
    };
    format!("{} `{text}`", if inverted { denies } else { says })
}

#[cfg(test)]
mod tests {
    use super::*;
    use xds::QueryMatcher;

    #[test]
    fn conditions_are_told_in_words() {
        let header = |name: &str, match_, invert_match| HeaderMatcher {
            name: name.to_owned(),
            match_,
            invert_match,
            treat_missing_header_as_empty: false,
        };
        let exact = |text: &str| StringMatch::Exact(text.to_owned());
        let all = RouteMatch {
            path: PathMatch::Prefix("/".to_owned()),
            case_sensitive: true,
            headers: Vec::new(),
            query_parameters: Vec::new(),
            grpc: false,
            runtime_fraction: None,
        };
        assert_eq!(in_words(&all), "any request");
        let some = RouteMatch {
            path: PathMatch::Prefix("/login".to_owned()),
            case_sensitive: false,
            headers: vec![
                header(":method", HeaderMatch::Value(exact("GET")), false),
                header("end-user", HeaderMatch::Value(exact("jason")), true),
                header("x-a", HeaderMatch::Present(true), true),
            ],
            query_parameters: vec![QueryMatcher {
                name: "q".to_owned(),
                match_: QueryMatch::Present(true),
            }],
            grpc: false,
            runtime_fraction: None,
        };
        assert_eq!(
            in_words(&some),
            "path begins with `/login` in any case, method is `GET`, header `end-user` is not `jason`, \
             header `x-a` is absent, query parameter `q` is present"
        );
        let no_path = RouteMatch {
            headers: vec![header("x-a", HeaderMatch::Present(false), false)],
            ..all
        };
        assert_eq!(in_words(&no_path), "header `x-a` is absent");
    }
}
