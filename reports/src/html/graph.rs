//! The service graph as a picture in the page: its parts can be pointed at, reached by keyboard, and found by name.
//!
//! Where things stand is decided by the same layout as in the plot; colours are the style's, so that it has both themes.

use super::Section;
use super::chart::{Query, colour_name};
use super::markup::escaped;
use crate::model::RunReport;
use crate::numbers::{milliseconds, percent};
use crate::plots::call_graph::{CallGraph, Edge, Key, Node};
use crate::plots::graph::{Course, Frame, HEAD, PAGE, Places, course, label, label_places};
use crate::plots::palette::{INK, NOBODY, Palette};
use base::math;
use std::fmt::Write;
use telemetry::Quantile;

/// The graph, if anything was requested.
pub(super) fn section(report: &RunReport, palette: &Palette) -> Option<Section> {
    let graph = CallGraph::of(report, EDGES);
    if graph.edges.is_empty() {
        return None;
    }
    let places = Places::of(&graph, PAGE);
    let top = HEAD - 24.0;
    let (width, height) = (places.width, places.height - top - 44.0);
    let left_out = match graph.left_out {
        0 => String::new(),
        count => format!(
            " {count} less busy edges are in the table <a href=\"#table-edges\">Who calls whom</a> only."
        ),
    };
    let sidecars = graph.nodes.iter().any(|node| node.sidecar);
    let legend = legend(sidecars, graph.edges.iter().any(|edge| edge.mirror));
    let dense = if graph.edges.len() > LABELLED {
        " dense"
    } else {
        ""
    };
    let mut svg = format!(
        "<svg viewBox=\"0 {top:.0} {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"group\" \
         aria-label=\"Service graph: {} nodes, {} edges\">\n",
        graph.nodes.len(),
        graph.edges.len(),
    );
    svg.push_str("<g class=\"boxes\">\n");
    for (group, frame) in graph.groups.iter().zip(&places.boxes) {
        if let Some(frame) = frame {
            draw_box(&group.name, *frame, &mut svg);
        }
    }
    svg.push_str("</g>\n<g class=\"edges\">\n");
    let courses: Vec<Course> = (0..graph.edges.len())
        .map(|edge| course(&graph, &places, edge))
        .collect();
    let labels = label_places(&graph, &places, &courses);
    let most = graph.edges.iter().map(|edge| edge.count).max().unwrap_or(1);
    for (index, (edge, course)) in graph.edges.iter().zip(&courses).enumerate() {
        let width = edge_width(edge.count, most);
        draw_edge(&graph, index, (course, width), &mut svg);
    }
    svg.push_str("</g>\n<g class=\"labels\">\n");
    for (index, (edge, place)) in graph.edges.iter().zip(labels).enumerate() {
        draw_label(index, edge, place, &mut svg);
    }
    svg.push_str("</g>\n<g class=\"nodes\">\n");
    for (index, (node, frame)) in graph.nodes.iter().zip(&places.nodes).enumerate() {
        draw_node(node, index, (*frame, &graph), palette, &mut svg);
    }
    svg.push_str("</g>\n</svg>");
    Some(Section {
        id: "graph",
        name: "Service graph",
        heading: "Service graph".to_owned(),
        body: format!(
            "<p class=\"hint\">Who called whom, as the callers measured it. The wider an edge, the busier it is.{left_out} \
             The same figures are in <a href=\"#table-edges\">a table</a>.</p>\n\
             <div class=\"graph-tools script-only\"><label>Find <input type=\"search\" id=\"graph-find\" \
             placeholder=\"service or workload\"></label>\
             <label><input type=\"checkbox\" id=\"graph-failing\"> only what fails</label>\
             <span class=\"buttons\"><button type=\"button\" data-zoom=\"1.25\" aria-label=\"Zoom in\">+</button>\
             <button type=\"button\" data-zoom=\"0.8\" aria-label=\"Zoom out\">−</button>\
             <button type=\"button\" data-zoom=\"0\">Fit</button></span></div>\n\
             <div class=\"graph{dense}\" id=\"graph-view\" tabindex=\"0\" role=\"region\" aria-label=\"Service graph, scrolls\">\n\
             {svg}\n</div>\n{legend}<p class=\"graph-details\" aria-live=\"polite\"></p>\n"
        ),
    })
}

/// The requests of an edge.
pub(super) fn between(from: &Node, to: &Node) -> Query {
    let caller = match &from.key {
        Key::Traffic(name) => Some(name.clone()),
        Key::Workload(workload) => Some(workload.full_name()),
        Key::Nobody(_) => None,
    };
    Query { caller, ..at(to) }
}

/// The requests to a node.
fn at(node: &Node) -> Query {
    match &node.key {
        Key::Traffic(name) => Query {
            traffic: Some(name.clone()),
            ..Query::default()
        },
        Key::Workload(workload) => Query {
            workload: Some(workload.full_name()),
            ..Query::default()
        },
        Key::Nobody(service) => Query {
            service: Some(service.clone()),
            workload: Some(String::new()),
            ..Query::default()
        },
    }
}

fn legend(sidecars: bool, mirrors: bool) -> String {
    let sidecar = if sidecars {
        "<li><svg width=\"16\" height=\"18\" viewBox=\"-8 -9 16 18\" class=\"key\"><polygon class=\"sidecar\" \
         points=\"0,-8 7,-4 7,4 0,8 -7,4 -7,-4\"/></svg> has a sidecar</li>"
    } else {
        ""
    };
    let mirror = if mirrors {
        "<li><svg width=\"26\" height=\"6\" class=\"key\"><path class=\"mirrored\" d=\"M1 3H25\"/></svg> mirrored copies</li>"
    } else {
        ""
    };
    format!(
        "<ul class=\"graph-key\"><li><i class=\"line ok\"></i> all succeed</li><li><i class=\"line some\"></i> less than 1% fail</li>\
         <li><i class=\"line many\"></i> 1% or more fail</li>{mirror}{sidecar}</ul>\n"
    )
}

fn draw_box(name: &str, frame: Frame, svg: &mut String) {
    let ((x, y), (width, height)) = (frame.at, frame.size);
    writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"10\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" class=\"middle\">{}</text>",
        x + width / 2.0,
        y + 20.0,
        escaped(&short_name(name, width - 16.0)),
    )
    .expect("memory takes all that is written");
}

fn draw_edge(graph: &CallGraph, index: usize, (course, width): (&Course, f64), svg: &mut String) {
    let edge = &graph.edges[index];
    let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
    let failed = edge.failures as f64 / edge.count.max(1) as f64;
    let class = match failed {
        part if part >= 0.01 => "many",
        part if part > 0.0 => "some",
        _ => "ok",
    };
    let time = |quantile| milliseconds(edge.latency.quantile(quantile).as_millis_f64());
    let failures = if edge.failures > 0 {
        format!(", {} failed ({})", percent(failed), edge.failures)
    } else {
        ", none failed".to_owned()
    };
    let (count, from_name, to_name) = (edge.count, &from.name, &to.name);
    let words = if edge.mirror {
        let mean = milliseconds(edge.mean_ms);
        format!("{from_name} to {to_name}: {count} mirrored copies{failures}, mean {mean}")
    } else {
        let (p50, p99) = (time(Quantile::P50), time(Quantile::P99));
        format!("{from_name} to {to_name}: {count} requests{failures}, p50 {p50}, p99 {p99}")
    };
    let (x2, y2) = course.end();
    let path = course.path(9.0);
    let class = if edge.mirror {
        format!("{class} mirror")
    } else {
        class.to_owned()
    };
    writeln!(
        svg,
        "<g class=\"edge {class}\" tabindex=\"0\" role=\"button\" data-edge=\"{index}\" data-from=\"{}\" data-to=\"{}\" data-ask=\"{}\" aria-label=\"{}\">\
         <path class=\"reach\" d=\"{path}\"/><path class=\"line\" d=\"{path}\" stroke-width=\"{width:.2}\"/>\
         <polygon points=\"{:.1},{y2:.1} {:.1},{:.1} {:.1},{:.1}\"/></g>",
        edge.from,
        edge.to,
        super::markup::attribute(&between(from, to)),
        escaped(&words),
        x2 - 1.0,
        x2 - 12.0,
        y2 - 5.5,
        x2 - 12.0,
        y2 + 5.5,
    )
    .expect("memory takes all that is written");
}

/// What stands beside an edge: drawn after all edges, so that none of them crosses it.
fn draw_label(index: usize, edge: &Edge, place: Frame, svg: &mut String) {
    let class = if edge.failures > 0 {
        "label bad"
    } else {
        "label"
    };
    let [first, second] = label(edge);
    let middle = place.at.0 + place.size.0 / 2.0;
    writeln!(
        svg,
        "<g class=\"{class}\" data-edge=\"{index}\" aria-hidden=\"true\">\
         <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\"/><text x=\"{middle:.1}\" y=\"{:.1}\" class=\"middle first\">{first}</text>\
         <text x=\"{middle:.1}\" y=\"{:.1}\" class=\"middle\">{second}</text></g>",
        place.at.0,
        place.at.1,
        place.size.0,
        place.size.1,
        place.at.1 + 15.0,
        place.at.1 + 32.0,
    )
    .expect("memory takes all that is written");
}

fn draw_node(
    node: &Node,
    index: usize,
    (frame, graph): (Frame, &CallGraph),
    palette: &Palette,
    svg: &mut String,
) {
    let ((x, y), (width, height)) = (frame.at, frame.size);
    let colour = match &node.key {
        Key::Traffic(_) => INK,
        Key::Workload(workload) => palette.workload(workload),
        Key::Nobody(_) => NOBODY,
    };
    let (class, colour) = match &node.key {
        Key::Traffic(_) => ("traffic", "ink"),
        Key::Workload(_) => ("workload", colour_name(colour)),
        Key::Nobody(_) => ("nobody", "nobody"),
    };
    let service = &graph.groups[node.group].name;
    let words = format!("{}: {}", node.name, node.detail);
    let room = width - 24.0;
    let sidecar = if node.sidecar {
        format!(
            "<polygon class=\"sidecar\" transform=\"translate({:.1} {:.1})\" points=\"0,-8 7,-4 7,4 0,8 -7,4 -7,-4\"/>",
            x + width - 17.0,
            y + 18.0
        )
    } else {
        String::new()
    };
    let name_room = if node.sidecar { room - 22.0 } else { room };
    writeln!(
        svg,
        "<g class=\"node {class}\" tabindex=\"0\" role=\"button\" data-node=\"{index}\" data-names=\"{}\" data-ask=\"{}\" aria-label=\"{}\">\
         <rect class=\"card\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"8\"/>\
         <rect x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"{:.1}\" style=\"fill:var(--{colour})\"/>\
         <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text x=\"{:.1}\" y=\"{:.1}\">{}</text>{sidecar}</g>",
        escaped(&format!("{} {service}", node.name)),
        super::markup::attribute(&at(node)),
        escaped(&words),
        x + 1.0,
        y + 8.0,
        height - 16.0,
        x + 16.0,
        y + 23.0,
        escaped(&PAGE.fit_name(&node.name, name_room)),
        x + 16.0,
        y + 43.0,
        escaped(&short(&node.detail, room * 0.94)),
    )
    .expect("memory takes all that is written");
}

fn edge_width(requests: u64, most: u64) -> f64 {
    let part = math::ln(1.0 + requests as f64) / math::ln(1.0 + most as f64);
    1.2 + 3.0 * part * part
}

fn short_name(name: &str, room: f64) -> String {
    crate::plots::svg::fit_name(name, 14.0, false, room)
}

fn short(text: &str, room: f64) -> String {
    crate::plots::svg::fit(text, 14.0, false, room)
}

/// Edges that are drawn at most.
const EDGES: usize = 400;
/// Up to so many edges all labels are shown at once.
const LABELLED: usize = 40;
