//! How often each latency occurs: pictures that need no script, in the page's colours.

use super::Section;
use super::chart::{Query, colour_name};
use super::markup::escaped;
use crate::model::RunReport;
use crate::numbers::{milliseconds, percent};
use crate::plots::axis::Axis;
use crate::plots::distribution::{Distribution, Distributions};
use crate::plots::frame::Mark;
use std::fmt::Write;
use telemetry::{Histogram, Quantile};

/// A picture for each of the traffic sources that sent most.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let distributions = Distributions::of(report)?;
    let figures: String = (distributions.all.iter())
        .map(|of| figure(&distributions, of))
        .collect();
    Some(Section {
        id: "distribution",
        name: "Distribution",
        heading: "Latency distribution".to_owned(),
        body: format!("<div class=\"charts distributions\">\n{figures}</div>\n"),
    })
}

fn figure(distributions: &Distributions<'_>, of: &Distribution<'_>) -> String {
    let name = escaped(&of.source.name);
    let about = Query {
        traffic: Some(of.source.name.clone()),
        ..Query::default()
    };
    let all = of.parts.all.count() as f64;
    let legend: String = (of.outcomes())
        .map(|(outcome, colour, count)| {
            format!(
                "<li><i class=\"swatch\" style=\"background:var(--{})\"></i><b>{outcome}</b> <span class=\"value\">{}</span></li>",
                colour_name(colour),
                percent(count as f64 / all)
            )
        })
        .collect();
    let percentiles = of.marks().into_iter().map(|mark| mark.label);
    let words = format!(
        "Latency of {}: {}, on a logarithmic axis",
        of.source.name,
        percentiles.collect::<Vec<_>>().join(", ")
    );
    format!(
        "<figure class=\"chart\">\n<figcaption><h4>{name}</h4><p>Share of requests by response time; the axis is logarithmic</p></figcaption>\n\
         {}<ul class=\"legend\">{legend}</ul>\n<div class=\"chart-foot\">{}<details class=\"numbers\"><summary>As a table</summary>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figures: latency of {name}\">{}</div></details></div>\n</figure>\n",
        picture(distributions, of, &escaped(&words)),
        about.button("Sample requests", &of.source.name),
        table(of),
    )
}

fn picture(distributions: &Distributions<'_>, of: &Distribution<'_>, words: &str) -> String {
    let (x, y) = (distributions.axis(), of.shares());
    let up = |value: f64| BOTTOM - y.place(value) * (BOTTOM - TOP);
    let mut svg = String::new();
    let mut write = |text: String| svg.push_str(&text);
    for (value, text) in &y.ticks {
        let at = up(*value);
        write(format!(
            "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/><text class=\"end\" x=\"{}\" y=\"{:.1}\">{text}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0
        ));
    }
    let mut free = f64::MIN;
    for (value, text) in &x.ticks {
        let at = across(&x, *value);
        let half = text.chars().count() as f64 * 3.6;
        write(format!("<path class=\"grid\" d=\"M{at:.1} {BOTTOM}v4\"/>"));
        if at - half > free && at + half < WIDTH {
            write(format!(
                "<text class=\"middle\" x=\"{at:.1}\" y=\"{}\">{text}</text>",
                BOTTOM + 18.0
            ));
            free = at + half + 6.0;
        }
    }
    let nothing = vec![0.0; of.succeeded.len()];
    for (colour, below, above) in [
        ("blue", &nothing, &of.succeeded),
        ("vermilion", &of.succeeded, &of.failed),
    ] {
        let steps = distributions.steps(below, above);
        if above.iter().any(|share| *share > 0.0) {
            let place = |value: f64| across(&x, value);
            write(format!(
                "<path style=\"fill:var(--{colour})\" d=\"{}\"/>",
                outline(&steps, place, up)
            ));
        }
    }
    let rows = mark_rows(of, &x);
    let used = rows.iter().map(|(_, row, _)| row + 1).max().unwrap_or(0);
    for (start, row, mark) in rows {
        let at = across(&x, mark.x);
        let label = TOP - 8.0 - ROW * (used - 1 - row) as f64;
        write(format!(
            "<path class=\"percentile\" d=\"M{at:.1} {:.1}V{BOTTOM}\"/><text class=\"mark\" x=\"{start:.1}\" y=\"{label:.1}\">{}</text>",
            label - 9.0,
            escaped(&mark.label)
        ));
    }
    let above = 14.0 + ROW * used as f64;
    format!(
        "<svg class=\"distribution\" viewBox=\"0 {} {WIDTH} {}\" role=\"img\" aria-label=\"{words}\">{svg}</svg>\n",
        TOP - above,
        BOTTOM + 24.0 - TOP + above
    )
}

/// Percentiles with the starts and rows of their labels: those that are close are one below the other.
fn mark_rows(of: &Distribution<'_>, x: &Axis) -> Vec<(f64, usize, Mark)> {
    let mut ends = [f64::MIN; ROWS];
    let place = |mark: Mark| {
        let at = across(x, mark.x);
        let width = mark.label.chars().count() as f64 * 6.6;
        let start = if at + 4.0 + width < WIDTH {
            at + 4.0
        } else {
            at - 4.0 - width
        };
        // Its line goes down through the rows below.
        let fits = |row: usize| {
            ends[row] + 6.0 < start && ends[row + 1..].iter().all(|end| end + 4.0 < at)
        };
        let row = (0..ROWS).find(|row| fits(*row)).unwrap_or(ROWS - 1);
        ends[row] = (start + width).max(at);
        (start, row, mark)
    };
    of.marks().into_iter().map(place).collect()
}

/// The place of a latency.
fn across(axis: &Axis, value: f64) -> f64 {
    LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT)
}

/// The closed outline of an area, without the stretches at which nothing changes.
fn outline(
    steps: &[(f64, f64, f64)],
    across: impl Fn(f64) -> f64,
    up: impl Fn(f64) -> f64,
) -> String {
    let upper = steps.iter().map(|(x, _, high)| (across(*x), up(*high)));
    let lower = steps.iter().rev().map(|(x, low, _)| (across(*x), up(*low)));
    let tenth = |(x, y): (f64, f64)| ((x * 10.0).round() as i64, (y * 10.0).round() as i64);
    let mut points: Vec<(i64, i64)> = Vec::new();
    for point in upper.chain(lower).map(tenth) {
        if let [.., before, last] = points[..]
            && (before.1 == last.1 && last.1 == point.1 || last == point)
        {
            points.pop();
        }
        points.push(point);
    }
    let mut path = String::new();
    for (index, (x, y)) in points.into_iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let (x, y) = (x as f64 / 10.0, y as f64 / 10.0);
        write!(path, "{command}{x} {y}").expect("memory takes all that is written");
    }
    path + "Z"
}

fn table(of: &Distribution<'_>) -> String {
    let columns = [
        ("all", &of.parts.all),
        ("succeeded", &of.parts.succeeded),
        ("failed", &of.parts.failed),
    ];
    let columns = columns.into_iter().filter(|(_, of)| !of.is_empty());
    let columns: Vec<(&str, &Histogram)> = columns.collect();
    let head: String = (columns.iter())
        .map(|(name, _)| format!("<th scope=\"col\">{name}</th>"))
        .collect();
    let row = |name: &str, value: &dyn Fn(&Histogram) -> String| {
        let cells = columns
            .iter()
            .map(|(_, of)| format!("<td>{}</td>", value(of)));
        format!(
            "<tr><th scope=\"row\">{name}</th>{}</tr>",
            cells.collect::<String>()
        )
    };
    let mut rows = row("requests", &|of| of.count().to_string());
    rows += &row("mean", &|of| milliseconds(of.mean().as_millis_f64()));
    for (name, quantile) in [
        ("p50", Quantile::P50),
        ("p90", Quantile::P90),
        ("p95", Quantile::P95),
        ("p99", Quantile::P99),
        ("p99.9", Quantile::P999),
    ] {
        rows += &row(name, &|of| {
            milliseconds(of.quantile(quantile).as_millis_f64())
        });
    }
    rows += &row("max", &|of| milliseconds(of.max().as_millis_f64()));
    format!("<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>")
}

const WIDTH: f64 = 460.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 0.0;
const BOTTOM: f64 = 150.0;
/// Of the labels of percentiles.
const ROWS: usize = 4;
const ROW: f64 = 15.0;
