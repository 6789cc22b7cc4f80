//! What keeps a request at its host: the hash of its header, cookie or query parameter.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/hash_policy.cc.

use super::matching::RequestView;
use crate::hash::xxh64;
use xds::HashPolicy;

/// The hash of a request under these policies; none where none of them has a value.
pub(crate) fn request_hash(policies: &[HashPolicy], view: &RequestView<'_>) -> Option<u64> {
    let hashes = policies.iter().filter_map(|policy| match policy {
        HashPolicy::Header { name } => header(view, &name.to_ascii_lowercase()),
        // One that the proxy makes belongs to a connection; each request counts as one with a new connection.
        HashPolicy::Cookie { name, .. } => cookie(view, name).map(of),
        // The address is not known here.
        HashPolicy::SourceIp => None,
        HashPolicy::QueryParameter { name } => view.query_value(name).map(of),
    });
    hashes.reduce(|old, new| old.rotate_left(1) ^ new)
}

fn of(text: &str) -> u64 {
    xxh64(text.as_bytes(), 0)
}

/// Several values are sorted and hashed in a chain.
fn header(view: &RequestView<'_>, name: &str) -> Option<u64> {
    let mut values = Vec::new();
    view.any_value(name, |value| {
        values.push(value.to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RequestHead;

    fn hash(policies: &[HashPolicy], headers: &[(&str, &str)], path: &str) -> Option<u64> {
        let mut head = RequestHead::get("h", path);
        let lines = headers.iter();
        head.headers
            .extend(lines.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let view = RequestView {
            head: &head,
            scheme: "http",
            path,
            path_only: head.path_only(),
            stripped: |_| false,
        };
        request_hash(policies, &view)
    }

    #[test]
    fn values_are_hashed_as_envoy_hashes_them() {
        let header = |name: &str| HashPolicy::Header {
            name: name.to_owned(),
        };
        let cookie = HashPolicy::Cookie {
            name: "user".to_owned(),
            path: None,
            ttl: None,
            attributes: vec![],
        };
        let query = HashPolicy::QueryParameter {
            name: "q".to_owned(),
        };
        let user_0 = Some(0x7c1b_2034_a068_4560);
        assert_eq!(hash(&[header("X")], &[("x", "user-0")], "/"), user_0);
        assert_eq!(hash(&[header("x")], &[], "/"), None);
        // Two lines of one header, in any order.
        let chained = Some(0x76d9_a191_6ddc_a8e6);
        assert_eq!(
            hash(&[header("x")], &[("x", "a"), ("x", "b")], "/"),
            chained
        );
        assert_eq!(
            hash(&[header("x")], &[("x", "b"), ("x", "a")], "/"),
            chained
        );
        // Two policies.
        let both = Some(0xdcd8_a342_49eb_432c);
        let policies = [header("x"), header("y")];
        assert_eq!(hash(&policies, &[("x", "a"), ("y", "b")], "/"), both);
        assert_eq!(hash(&policies, &[("y", "user-0")], "/"), user_0);
        let cookies = [("cookie", "a=1; user=user-0; b=2")];
        assert_eq!(hash(std::slice::from_ref(&cookie), &cookies, "/"), user_0);
        assert_eq!(hash(&[cookie], &[("cookie", "user=")], "/"), None);
        assert_eq!(
            hash(std::slice::from_ref(&query), &[], "/?p&q=user-0&q=x"),
            user_0
        );
        assert_eq!(hash(&[query], &[], "/"), None);
        assert_eq!(hash(&[HashPolicy::SourceIp], &[], "/"), None);
    }
}
