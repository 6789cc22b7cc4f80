//! Rules of a VirtualService that no request can reach (IST0130), and match blocks without effect (IST0131).
//!
//! The test for overlapping prefixes is Istio's heuristic and can be wrong both ways.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (analyzeUnreachableHTTPRules, coveredValidation).

use std::collections::BTreeMap;

use base::Location;
use manifest::Level;
use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::{HttpMatchRequest, HttpRoute, TcpRoute, TlsRoute};

use crate::finding::Findings;

pub(super) fn http(rules: &[Spanned<HttpRoute>], findings: &mut Findings<'_>) {
    let rules: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| Rule {
            label: name_or_index(&rule.name, index),
            at: &rule.at,
            blocks: rule
                .matches
                .iter()
                .enumerate()
                .map(|(index, block)| {
                    // A name changes nothing about what is matched.
                    let mut value = block.value.clone();
                    value.name.clear();
                    Block {
                        value,
                        label: name_or_index(&block.name, index),
                        at: &block.at,
                    }
                })
                .collect(),
            field: "http",
        })
        .collect();
    unused(&rules, findings);
    overlapping_prefixes(&rules, findings);
}

pub(super) fn tls(rules: &[Spanned<TlsRoute>], findings: &mut Findings<'_>) {
    let rules = rules.iter().map(|rule| (&rule.at, rule.matches.as_slice()));
    unused(&unnamed("tls", rules), findings);
}

pub(super) fn tcp(rules: &[Spanned<TcpRoute>], findings: &mut Findings<'_>) {
    let rules = rules.iter().map(|rule| (&rule.at, rule.matches.as_slice()));
    unused(&unnamed("tcp", rules), findings);
}

/// A rule with what it is called in messages.
struct Rule<'a, T> {
    label: String,
    at: &'a Location,
    blocks: Vec<Block<'a, T>>,
    field: &'static str,
}

/// A match block with what it is called in messages.
struct Block<'a, T> {
    value: T,
    label: String,
    at: &'a Location,
}

/// Rules that have no names, by their places and match blocks.
fn unnamed<'a, T: Clone + 'a>(
    field: &'static str,
    rules: impl Iterator<Item = (&'a Location, &'a [Spanned<T>])>,
) -> Vec<Rule<'a, T>> {
    rules
        .enumerate()
        .map(|(index, (at, blocks))| Rule {
            label: name_or_index("", index),
            at,
            blocks: blocks
                .iter()
                .enumerate()
                .map(|(index, block)| Block {
                    value: block.value.clone(),
                    label: name_or_index("", index),
                    at: &block.at,
                })
                .collect(),
            field,
        })
        .collect()
}

/// Rules after one that takes everything, and blocks that stand twice.
fn unused<T: PartialEq>(rules: &[Rule<'_, T>], findings: &mut Findings<'_>) {
    let mut has_catch_all = false;
    let mut seen: Vec<(&T, &str)> = Vec::new();
    for rule in rules {
        if rule.blocks.is_empty() {
            if has_catch_all {
                unreachable(rule, "only the last rule can have no matches", findings);
            }
            has_catch_all = true;
            continue;
        }
        let mut duplicates = 0;
        for block in &rule.blocks {
            if has_catch_all {
                unreachable(rule, "route without matches defined before", findings);
                continue;
            }
            match seen.iter().find(|(known, _)| **known == block.value) {
                Some((_, other)) => {
                    ineffective(rule, &block.label, other, block.at, findings);
                    duplicates += 1;
                }
                None => seen.push((&block.value, &rule.label)),
            }
        }
        if duplicates == rule.blocks.len() {
            unreachable(rule, "all matches used by prior rules", findings);
        }
    }
}

/// Prefixes that an earlier, shorter one covers.
fn overlapping_prefixes(rules: &[Rule<'_, HttpMatchRequest>], findings: &mut Findings<'_>) {
    let mut earlier: Vec<(Shape, String)> = Vec::new();
    let mut found = Vec::new();
    let mut seen: Vec<&HttpMatchRequest> = Vec::new();
    let mut has_catch_all = false;
    for rule in rules {
        has_catch_all |= rule.blocks.is_empty();
        for block in &rule.blocks {
            if has_catch_all || seen.contains(&&block.value) {
                continue;
            }
            seen.push(&block.value);
            let Some(shape) = Shape::of(&block.value) else {
                continue;
            };
            let label = &block.label;
            for (position, (other, name)) in earlier.iter().enumerate() {
                if other.covers(&shape) {
                    let own = format!("{label} of prefix {}", shape.prefix);
                    found.push((position, rule, own, name.clone(), block.at));
                }
            }
            let name = format!("{label} of prefix {} on {}", shape.prefix, rule.label);
            earlier.push((shape, name));
        }
    }
    // Istio tells them by the earlier block.
    found.sort_by_key(|(position, ..)| *position);
    for (_, rule, own, other, at) in found {
        ineffective(rule, &own, &other, at, findings);
    }
}

/// What the heuristic looks at.
struct Shape {
    prefix: String,
    port: u32,
    method: String,
    authority: String,
    lists: [BTreeMap<String, String>; 3],
}

impl Shape {
    fn of(block: &HttpMatchRequest) -> Option<Self> {
        let Some(StringMatch::Prefix(prefix)) = block.uri.as_ref().map(|uri| &uri.value) else {
            return None;
        };
        if prefix.is_empty() {
            return None;
        }
        let one = |value: &Option<Spanned<StringMatch>>| {
            value.as_ref().map_or_else(String::new, |value| text(value))
        };
        let list = |map: &BTreeMap<String, Spanned<StringMatch>>| {
            map.iter()
                .map(|(key, value)| (key.clone(), text(value)))
                .collect()
        };
        let method = one(&block.method);
        Some(Self {
            prefix: prefix.clone(),
            port: block.port,
            method: if method.is_empty() {
                "exact:GET".to_owned()
            } else {
                method
            },
            authority: one(&block.authority),
            lists: [
                list(&block.headers),
                list(&block.query_params),
                list(&block.without_headers),
            ],
        })
    }

    /// Whether every request of `later` is taken here already, as Istio judges it.
    fn covers(&self, later: &Self) -> bool {
        self.prefix != later.prefix
            && later.prefix.starts_with(&self.prefix)
            && self.port == later.port
            && self.method.starts_with(&later.method)
            && self.authority.starts_with(&later.authority)
            && self.lists.iter().zip(&later.lists).all(|(own, later)| {
                own.len() == later.len()
                    && own.iter().all(|(key, value)| {
                        later
                            .get(key)
                            .is_some_and(|later| value.starts_with(later.as_str()))
                    })
            })
    }
}

fn text(value: &StringMatch) -> String {
    match value {
        StringMatch::Exact(text) if !text.is_empty() => format!("exact:{text}"),
        StringMatch::Prefix(text) if !text.is_empty() => format!("prefix:{text}"),
        _ => String::new(),
    }
}

fn unreachable<T>(rule: &Rule<'_, T>, why: &str, findings: &mut Findings<'_>) {
    findings.add(
        "IST0130",
        Level::Warning,
        rule.at,
        &format!("spec.{}", rule.field),
        format!("VirtualService rule {} not used ({why}).", rule.label),
    );
}

fn ineffective<T>(
    rule: &Rule<'_, T>,
    block: &str,
    other: &str,
    at: &Location,
    findings: &mut Findings<'_>,
) {
    findings.add(
        "IST0131",
        Level::Info,
        at,
        &format!("spec.{}", rule.field),
        format!(
            "VirtualService rule {} match {block} is not used (duplicate/overlapping match in rule {other}).",
            rule.label
        ),
    );
}

fn name_or_index(name: &str, index: usize) -> String {
    if name.is_empty() {
        format!("#{index}")
    } else {
        format!("{name:?}")
    }
}
