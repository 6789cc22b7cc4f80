//! What keeps a request at its host: the hash of its headers, cookie, query parameter or client address.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/hash_policy.cc.

use super::matching::RequestView;
use crate::hash::xxh64;
use crate::re2::{Re2Error, Substitution};
use crate::request::RequestHead;
use xds::HashSource;

/// The hash policies of a route, compiled.
#[derive(Clone, Debug, Default)]
pub(crate) struct HashPolicies(Vec<Policy>);

#[derive(Clone, Debug)]
struct Policy {
    source: HashSource,
    /// What is replaced in the values of a header.
    rewrite: Option<Substitution>,
    is_terminal: bool,
}

/// What the policies make of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestHash {
    /// None where no policy has a value.
    pub(crate) hash: Option<u64>,
    /// The values of the `set-cookie` headers that the response carries for cookies that were made.
    pub(crate) cookies: Vec<String>,
}

impl HashPolicies {
    /// Compiles them; an expression that is refused replaces nothing.
    pub(crate) fn new(
        policies: &[xds::HashPolicy],
        refused: &mut impl FnMut(&str, Re2Error),
    ) -> Self {
        let compiled = policies.iter().map(|policy| {
            let mut source = policy.source.clone();
            let mut rewrite = None;
            if let HashSource::Header {
                name,
                rewrite: written,
            } = &mut source
            {
                name.make_ascii_lowercase();
                if let Some(written) = written {
                    match Substitution::new(&written.pattern, &written.substitution) {
                        Ok(substitution) => rewrite = Some(substitution),
                        Err(error) => refused(&written.pattern, error),
                    }
                }
            }
            Policy {
                source,
                rewrite,
                is_terminal: policy.is_terminal,
            }
        });
        Self(compiled.collect())
    }

    /// Whether responses set cookies.
    pub(crate) fn make_cookies(&self) -> bool {
        let is_made =
            |policy: &Policy| matches!(policy.source, HashSource::Cookie { ttl: Some(_), .. });
        self.0.iter().any(is_made)
    }

    /// Whether the client's address plays a part.
    pub(crate) fn use_source_ip(&self) -> bool {
        self.0
            .iter()
            .any(|policy| policy.source == HashSource::SourceIp)
    }

    /// The hash of a request, and the cookies that it brings about.
    pub(crate) fn hash(&self, view: &RequestView<'_>) -> RequestHash {
        let mut made = RequestHash::default();
        for policy in &self.0 {
            if let Some(new) = policy.hash(view, &mut made.cookies) {
                let old = made.hash.unwrap_or(0);
                made.hash = Some(old.rotate_left(1) ^ new);
            }
            if policy.is_terminal && made.hash.is_some() {
                break;
            }
        }
        made
    }
}

impl Policy {
    fn hash(&self, view: &RequestView<'_>, cookies: &mut Vec<String>) -> Option<u64> {
        match &self.source {
            HashSource::Header { name, .. } => header(view, name, self.rewrite.as_ref()),
            HashSource::Cookie {
                name,
                path,
                ttl,
                attributes,
            } => match (cookie(view, name), ttl) {
                (Some(value), _) => Some(of(value)),
                (None, Some(ttl)) => {
                    let value = made_value(view.head)?;
                    let life = ttl.as_millis() / 1000;
                    cookies.push(set_cookie(
                        (name, &value),
                        life,
                        path.as_deref(),
                        attributes,
                    ));
                    Some(of(&value))
                }
                (None, None) => None,
            },
            HashSource::SourceIp => {
                let downstream = view.head.downstream?;
                Some(of(&downstream.remote.ip().to_string()))
            }
            HashSource::QueryParameter { name } => view.query_value(name).map(of),
        }
    }
}

fn of(text: &str) -> u64 {
    xxh64(text.as_bytes(), 0)
}

/// Several values are sorted and hashed in a chain.
fn header(view: &RequestView<'_>, name: &str, rewrite: Option<&Substitution>) -> Option<u64> {
    let mut values = Vec::new();
    view.any_value(name, |value| {
        let replaced = rewrite.and_then(|rewrite| rewrite.replace_all(value));
        values.push(replaced.unwrap_or_else(|| value.to_owned()));
        false
    })?;
    values.sort_unstable();
    let chain = values.iter();
    Some(chain.fold(0, |seed, value| xxh64(value.as_bytes(), seed)))
}

fn cookie<'a>(view: &RequestView<'a>, name: &str) -> Option<&'a str> {
    let lines = view
        .head
        .headers
        .iter()
        .filter(|(name, _)| name == "cookie");
    lines
        .flat_map(|(_, line)| line.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            let value = value.strip_prefix('"').unwrap_or(value);
            (key == name).then(|| value.strip_suffix('"').unwrap_or(value))
        })
        .filter(|value| !value.is_empty())
}

/// What a cookie is made of: the addresses of the connection that the request comes on, or the number that stands for it.
///
/// Source: envoyproxy/envoy 1.40, source/common/router/router.cc (addDownstreamSetCookie).
fn made_value(head: &RequestHead) -> Option<String> {
    let connection = match (head.downstream, head.connection) {
        (Some(downstream), _) => format!("{}{}", downstream.remote, downstream.local),
        (None, Some(number)) => number.to_string(),
        (None, None) => return None,
    };
    Some(format!("{:016x}", of(&connection)))
}

/// Source: envoyproxy/envoy 1.40, source/common/http/utility.cc (makeSetCookieValue).
fn set_cookie(
    (name, value): (&str, &str),
    seconds: u64,
    path: Option<&str>,
    attributes: &[(String, String)],
) -> String {
    let mut text = format!("{name}=\"{value}\"");
    if seconds > 0 {
        text += &format!("; Max-Age={seconds}");
    }
    if let Some(path) = path {
        text += &format!("; Path={path}");
    }
    for (name, value) in attributes {
        text += "; ";
        text += name;
        if !value.is_empty() {
            text += "=";
            text += value;
        }
    }
    text + "; HttpOnly"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Downstream;
    use base::SimDuration;
    use xds::{HashPolicy, RegexRewrite};

    fn evaluate(policies: &[HashPolicy], headers: &[(&str, &str)], path: &str) -> RequestHash {
        let mut head = RequestHead::get("h", path);
        let lines = headers.iter();
        head.headers
            .extend(lines.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        head.downstream = Some(Downstream {
            remote: ([127, 0, 0, 1], 4321).into(),
            local: ([127, 0, 0, 1], 8080).into(),
        });
        let view = RequestView::new(&head);
        let mut refused = |pattern: &str, _| panic!("{pattern} is refused");
        HashPolicies::new(policies, &mut refused).hash(&view)
    }

    fn hash(policies: &[HashPolicy], headers: &[(&str, &str)], path: &str) -> Option<u64> {
        evaluate(policies, headers, path).hash
    }

    fn header(name: &str) -> HashPolicy {
        HashPolicy::from(HashSource::Header {
            name: name.to_owned(),
            rewrite: None,
        })
    }

    fn cookie(ttl: Option<u64>) -> HashPolicy {
        HashPolicy::from(HashSource::Cookie {
            name: "user".to_owned(),
            path: Some("/".to_owned()),
            ttl: ttl.map(SimDuration::from_secs),
            attributes: vec![
                ("SameSite".to_owned(), "Strict".to_owned()),
                ("Secure".to_owned(), String::new()),
            ],
        })
    }

    const USER_0: Option<u64> = Some(0x7c1b_2034_a068_4560);

    #[test]
    fn values_are_hashed_as_envoy_hashes_them() {
        let query = HashPolicy::from(HashSource::QueryParameter {
            name: "q".to_owned(),
        });
        assert_eq!(hash(&[header("X")], &[("x", "user-0")], "/"), USER_0);
        assert_eq!(hash(&[header("x")], &[], "/"), None);
        // Two lines of one header, in any order.
        let chained = Some(0x76d9_a191_6ddc_a8e6);
        for lines in [[("x", "a"), ("x", "b")], [("x", "b"), ("x", "a")]] {
            assert_eq!(hash(&[header("x")], &lines, "/"), chained);
        }
        let cookies = [("cookie", "a=1; user=user-0; b=2")];
        assert_eq!(hash(&[cookie(None)], &cookies, "/"), USER_0);
        assert_eq!(hash(&[cookie(None)], &[("cookie", "user=")], "/"), None);
        let path = "/?p&q=user-0&q=x";
        assert_eq!(hash(std::slice::from_ref(&query), &[], path), USER_0);
        assert_eq!(hash(&[query], &[], "/"), None);
        let address = Some(0xc08b_1587_df65_b7a7);
        assert_eq!(hash(&[HashSource::SourceIp.into()], &[], "/"), address);
    }

    #[test]
    fn policies_are_combined_until_a_terminal_one() {
        let both = Some(0xdcd8_a342_49eb_432c);
        let values = [("x", "a"), ("y", "b")];
        let mut policies = [header("x"), header("y")];
        assert_eq!(hash(&policies, &values, "/"), both);
        assert_eq!(hash(&policies, &[("y", "user-0")], "/"), USER_0);
        policies[0].is_terminal = true;
        assert_eq!(
            hash(&policies, &values, "/"),
            hash(&[header("x")], &values, "/")
        );
        // It has no value itself, so the next may have one.
        assert_eq!(hash(&policies, &[("y", "user-0")], "/"), USER_0);
    }

    #[test]
    fn header_values_may_be_rewritten() {
        let policy = HashPolicy::from(HashSource::Header {
            name: "x".to_owned(),
            rewrite: Some(RegexRewrite {
                pattern: "^/(user-[0-9]+)/.*$".to_owned(),
                substitution: "\\1".to_owned(),
            }),
        });
        let values = [("x", "/user-0/orders")];
        assert_eq!(hash(std::slice::from_ref(&policy), &values, "/"), USER_0);
        assert_eq!(hash(&[policy], &[("x", "user-0")], "/"), USER_0);
    }

    #[test]
    fn missing_cookies_are_made_of_the_connection() {
        let made = evaluate(&[cookie(Some(60))], &[("cookie", "user=")], "/");
        let value = format!("{:016x}", of("127.0.0.1:4321127.0.0.1:8080"));
        assert_eq!(made.hash, Some(of(&value)));
        let told =
            format!("user=\"{value}\"; Max-Age=60; Path=/; SameSite=Strict; Secure; HttpOnly");
        assert_eq!(made.cookies, [told]);
        // A session's cookie has no age.
        let made = evaluate(&[cookie(Some(0))], &[], "/");
        assert!(made.cookies[0].starts_with(&format!("user=\"{value}\"; Path=/; ")));
        // One that is there is used as it is.
        let made = evaluate(&[cookie(Some(60))], &[("cookie", "user=user-0")], "/");
        assert_eq!((made.hash, made.cookies), (USER_0, vec![]));
    }
}
