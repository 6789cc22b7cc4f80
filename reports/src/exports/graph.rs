//! The service graph with its measured edges, for Graphviz and for Mermaid.

use crate::figures::{LatencyFigures, rate};
use crate::model::RunReport;
use crate::numbers::{milliseconds, number, percent};
use crate::plots::call_graph::{CallGraph, Edge, Key};
use std::fmt::Write as _;

/// `graph.dot`
pub(super) fn dot(report: &RunReport) -> String {
    let graph = CallGraph::of(report, usize::MAX);
    let mut text = format!("digraph {} {{\n", quoted(&report.scenario));
    text.push_str("  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (place, group) in graph.groups.iter().enumerate() {
        let boxed = group.nodes.len() > 1;
        let indent = if boxed { "    " } else { "  " };
        if boxed {
            let name = quoted(&group.name);
            let _ = writeln!(text, "  subgraph cluster_{place} {{\n    label={name};");
        }
        for node in &group.nodes {
            let (name, detail) = (&graph.nodes[*node].name, &graph.nodes[*node].detail);
            let label = quoted(&format!("{name}\n{detail}"));
            let shape = match graph.nodes[*node].key {
                Key::Traffic(_) => ", shape=ellipse",
                Key::Workload(_) => "",
                Key::Nobody(_) => ", style=dashed",
            };
            let _ = writeln!(text, "{indent}n{node} [label={label}{shape}];");
        }
        if boxed {
            text.push_str("  }\n");
        }
    }
    for edge in &graph.edges {
        let label = quoted(&label(report, edge, "\n"));
        let colour = if edge.failures > 0 { ", color=red" } else { "" };
        let dashes = if edge.mirror { ", style=dashed" } else { "" };
        let (from, to) = (edge.from, edge.to);
        let _ = writeln!(text, "  n{from} -> n{to} [label={label}{colour}{dashes}];");
    }
    text.push_str("}\n");
    text
}

/// `graph.mmd`
pub(super) fn mermaid(report: &RunReport) -> String {
    let graph = CallGraph::of(report, usize::MAX);
    let mut text = "flowchart LR\n".to_owned();
    for (place, group) in graph.groups.iter().enumerate() {
        let boxed = group.nodes.len() > 1;
        if boxed {
            let _ = writeln!(text, "  subgraph g{place}[\"{}\"]", entities(&group.name));
        }
        for node in &group.nodes {
            let name = entities(&graph.nodes[*node].name);
            let label = format!("{name}<br/>{}", entities(&graph.nodes[*node].detail));
            let _ = match graph.nodes[*node].key {
                Key::Traffic(_) => writeln!(text, "    n{node}([\"{label}\"])"),
                Key::Workload(_) | Key::Nobody(_) => writeln!(text, "    n{node}[\"{label}\"]"),
            };
        }
        if boxed {
            text.push_str("  end\n");
        }
    }
    for edge in &graph.edges {
        let label = entities(&label(report, edge, " · "));
        let (from, to) = (edge.from, edge.to);
        let arrow = if edge.mirror { "-.->" } else { "-->" };
        let _ = writeln!(text, "  n{from} {arrow}|\"{label}\"| n{to}");
    }
    for (place, edge) in graph.edges.iter().enumerate() {
        if edge.failures > 0 {
            let _ = writeln!(text, "  linkStyle {place} stroke:red");
        }
    }
    text
}

/// How often, how well, how fast.
fn label(report: &RunReport, edge: &Edge, between: &str) -> String {
    let facts = &report.measurements.facts;
    let watched = report.measurements.window.seconds() * f64::from(facts.replications.max(1));
    let unit = if edge.mirror { "mirrored/s" } else { "req/s" };
    let mut parts = vec![format!("{} {unit}", number(rate(edge.count, watched)))];
    if edge.failures > 0 {
        let part = edge.failures as f64 / edge.count.max(1) as f64;
        parts.push(format!("{} failed", percent(part)));
    }
    let latency = LatencyFigures::of(&edge.latency);
    if edge.mirror {
        parts.push(format!("mean {}", milliseconds(edge.mean_ms)));
    } else if let Some(p99) = latency.p99 {
        parts.push(format!("p99 {}", milliseconds(p99)));
    }
    parts.join(between)
}

/// A quoted string of the DOT language.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

/// Text between the quotes of a Mermaid label.
fn entities(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | ';' | '\n' => {
                let _ = write!(written, "#{};", u32::from(c));
            }
            c => written.push(c),
        }
    }
    written
}
