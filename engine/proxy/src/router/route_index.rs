//! Finds the first route of a virtual host that matches, without asking all of them.
//!
//! The result is that of the linear scan, which it is tested against: candidates come by exact path, by each prefix
//! length that occurs (the text that an expression begins with is a prefix, too), and from one automaton of the other
//! expressions, and of those whose other conditions hold the earliest wins.

use super::matching::{PathMatcher, RequestView, RouteMatcher, StringMatcher};
use crate::re2::PatternGroup;
use rustc_hash::FxHashMap;

/// The routes of each text, in their order.
type Positions = FxHashMap<Box<str>, Vec<u32>>;

/// The paths of a virtual host's routes. Positions count within the virtual host.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteIndex {
    exact: Positions,
    /// Prefixes by their length, shortest first.
    prefixes: Vec<(usize, Positions)>,
    /// Routes that are asked one after the other: those that ignore case.
    scanned: Vec<u32>,
    regexes: Option<(PatternGroup, Vec<u32>)>,
}

impl RouteIndex {
    /// An index of these routes; none where a scan is as quick.
    pub(crate) fn new<'a>(
        routes: impl ExactSizeIterator<Item = &'a RouteMatcher> + Clone,
    ) -> Option<Self> {
        (routes.len() >= WORTHWHILE).then(|| Self::build(routes))
    }

    fn build<'a>(routes: impl Iterator<Item = &'a RouteMatcher> + Clone) -> Self {
        let mut index = Self::default();
        let mut expressions: Vec<&str> = Vec::new();
        let mut expression_routes = Vec::new();
        for (route, position) in routes.zip(0_u32..) {
            match &route.path {
                PathMatcher::Regex(_, StringMatcher::Regex(pattern))
                    if pattern.literal_prefix().len() > 1 =>
                {
                    index.add_prefix(pattern.literal_prefix(), position);
                }
                PathMatcher::Regex(_, StringMatcher::Never) => {}
                PathMatcher::Regex(text, _) => {
                    expressions.push(text);
                    expression_routes.push(position);
                }
                _ if !route.case_sensitive => index.scanned.push(position),
                PathMatcher::Path(path) => {
                    index.exact.entry(path.clone()).or_default().push(position);
                }
                PathMatcher::Prefix(prefix) | PathMatcher::Separated(prefix) => {
                    index.add_prefix(prefix, position);
                }
            }
        }
        if expressions.is_empty() {
            return index;
        }
        match PatternGroup::new(&expressions) {
            Ok(group) => index.regexes = Some((group, expression_routes)),
            // Too large together though each is small enough: ask them one after the other.
            Err(_) => {
                index.scanned.extend(expression_routes);
                index.scanned.sort_unstable();
            }
        }
        index
    }

    fn add_prefix(&mut self, prefix: &str, position: u32) {
        let at = self
            .prefixes
            .binary_search_by_key(&prefix.len(), |(length, _)| *length)
            .unwrap_or_else(|at| {
                let group = (prefix.len(), Positions::default());
                self.prefixes.insert(at, group);
                at
            });
        let group = &mut self.prefixes[at].1;
        group.entry(prefix.into()).or_default().push(position);
    }

    /// The position of the first route that matches.
    pub(crate) fn find<'a>(
        &self,
        view: &RequestView<'_>,
        route: impl Fn(u32) -> &'a RouteMatcher,
    ) -> Option<u32> {
        let path = view.path_only;
        let mut best = u32::MAX;
        let consider = |positions: &[u32], best: u32| {
            let earlier = positions.iter().take_while(|position| **position < best);
            let mut matching = earlier.filter(|position| route(**position).matches(view));
            matching.next().copied().unwrap_or(best)
        };
        if let Some(positions) = self.exact.get(path) {
            best = consider(positions, best);
        }
        for (length, group) in &self.prefixes {
            let Some(start) = path.get(..*length) else {
                if *length > path.len() {
                    break;
                }
                continue;
            };
            if let Some(positions) = group.get(start) {
                best = consider(positions, best);
            }
        }
        best = consider(&self.scanned, best);
        if let Some((group, positions)) = &self.regexes
            && positions[0] < best
        {
            for pattern in group.matches(path).iter() {
                let position = positions[pattern.as_usize()];
                if position >= best {
                    break;
                }
                if route(position).matches(view) {
                    best = position;
                    break;
                }
            }
        }
        (best != u32::MAX).then_some(best)
    }
}

/// Below this many routes a scan is as quick.
const WORTHWHILE: usize = 16;
