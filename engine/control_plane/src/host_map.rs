//! A map by host that finds the most specific entry for a name.
//!
//! Exact hosts are looked up; wildcards are looked up by each suffix length that occurs, longest first, so that the
//! cost does not grow with the number of hosts.
//!
//! Source of the rule: istio/istio, pilot/pkg/model/config.go (MostSpecificHostMatch).

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::host;

/// Values by exact and wildcard hosts.
#[derive(Clone, Debug)]
pub(crate) struct HostMap<T> {
    exact: FxHashMap<String, T>,
    wildcards: FxHashMap<String, T>,
    /// How many wildcards there are of each length, `*` included.
    lengths: BTreeMap<usize, usize>,
}

impl<T> Default for HostMap<T> {
    fn default() -> Self {
        Self {
            exact: FxHashMap::default(),
            wildcards: FxHashMap::default(),
            lengths: BTreeMap::new(),
        }
    }
}

impl<T> HostMap<T> {
    /// The value of exactly this host, made if there is none.
    pub(crate) fn entry(&mut self, host: &str) -> &mut T
    where
        T: Default,
    {
        if !host::is_wildcard(host) {
            return self.exact.entry(host.to_owned()).or_default();
        }
        if !self.wildcards.contains_key(host) {
            *self.lengths.entry(host.len()).or_insert(0) += 1;
        }
        self.wildcards.entry(host.to_owned()).or_default()
    }

    /// The most specific entry that covers `needle`: its host and value.
    pub(crate) fn most_specific<'a>(&'a self, needle: &str) -> Option<(&'a str, &'a T)> {
        let suffix = if host::is_wildcard(needle) {
            if let Some((host, value)) = self.wildcards.get_key_value(needle) {
                return Some((host, value));
            }
            &needle[1..]
        } else {
            if let Some((host, value)) = self.exact.get_key_value(needle) {
                return Some((host, value));
            }
            needle
        };
        let mut wildcard = String::with_capacity(needle.len() + 1);
        for (&length, _) in self.lengths.iter().rev() {
            // A wildcard of `length` bytes stands for a suffix one byte shorter.
            let Some(start) = (suffix.len() + 1).checked_sub(length) else {
                continue;
            };
            if !suffix.is_char_boundary(start) {
                continue;
            }
            wildcard.clear();
            wildcard.push('*');
            wildcard.push_str(&suffix[start..]);
            if let Some((host, value)) = self.wildcards.get_key_value(wildcard.as_str()) {
                return Some((host, value));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_hosts_win_over_wildcards_and_long_ones_over_short() {
        let mut map = HostMap::<u32>::default();
        for (host, value) in [("a.foo.com", 1), ("*.foo.com", 2), ("*.com", 3), ("*", 4)] {
            *map.entry(host) = value;
        }
        for (needle, value) in [
            ("a.foo.com", Some(1)),
            ("b.foo.com", Some(2)),
            ("foo.com", Some(3)),
            ("x.com", Some(3)),
            ("org", Some(4)),
            ("*.foo.com", Some(2)),
            ("*.b.foo.com", Some(2)),
            ("*.org", Some(4)),
        ] {
            assert_eq!(
                map.most_specific(needle).map(|(_, v)| *v),
                value,
                "{needle}"
            );
        }
        assert_eq!(HostMap::<u32>::default().most_specific("a"), None);
    }
}
