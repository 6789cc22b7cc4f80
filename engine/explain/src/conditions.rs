//! The conditions of a route, in words.

use xds::{
    HeaderMatch, HeaderMatcher, MetadataMatcher, PathMatch, QueryMatch, RouteMatch, StringMatch,
    ValueMatcher,
};

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
    let claims = match_.dynamic_metadata.iter().map(claim);
    let grpc = match_.grpc.then(|| "a gRPC request".to_owned());
    let mut conditions: Vec<String> = headers
        .chain(parameters)
        .chain(claims)
        .chain(grpc)
        .collect();
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

fn claim(matcher: &MetadataMatcher) -> String {
    let names = match matcher.path.as_slice() {
        [_, names @ ..] if matcher.is_of_claim() => names,
        names => names,
    };
    let what = if matcher.is_of_claim() {
        "claim"
    } else {
        "metadata"
    };
    let condition = value(&matcher.value, matcher.invert);
    format!("{what} `{}` {condition}", names.join("."))
}

fn value(matcher: &ValueMatcher, inverted: bool) -> String {
    match matcher {
        ValueMatcher::String(text) => string(text, inverted),
        // A text, or a list with it, as Istio asks for claims.
        ValueMatcher::Any(any) if any.len() == 2 && is_text_or_list(any) => {
            value(&any[1], inverted)
        }
        ValueMatcher::Any(any) => {
            let any: Vec<_> = any.iter().map(|one| value(one, inverted)).collect();
            any.join(if inverted { " and " } else { " or " })
        }
        ValueMatcher::OneOf(element) => {
            let has = if inverted {
                "has no element that"
            } else {
                "has an element that"
            };
            format!("{has} {}", value(element, false))
        }
        ValueMatcher::Present(present) if *present != inverted => "is present".to_owned(),
        ValueMatcher::Present(_) => "is absent".to_owned(),
        ValueMatcher::Bool(wanted) => format!("{} `{wanted}`", is(inverted)),
        ValueMatcher::Null => format!("{} `null`", is(inverted)),
    }
}

fn is_text_or_list(any: &[ValueMatcher]) -> bool {
    matches!(any, [ValueMatcher::OneOf(element), whole] if **element == *whole)
}

const fn is(inverted: bool) -> &'static str {
    if inverted { "is not" } else { "is" }
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
            dynamic_metadata: Vec::new(),
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
            dynamic_metadata: Vec::new(),
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
