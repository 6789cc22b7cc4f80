//! The figures of a sweep over its first parameter: a picture for each kind, a panel for each subject, a line for each
//! combination of the other parameters, in the band of its interval.

use super::{SweepFigure, SweepPoint, SweepReport};
use crate::model::Unit;
use crate::plots::axis::Axis;
use crate::plots::frame::{Figure, Label, Layer, Panel};
use crate::plots::palette;

/// Names and SVG documents.
pub(super) fn pictures(report: &SweepReport) -> Vec<(&'static str, String)> {
    let Some(places) = Places::of(report) else {
        return Vec::new();
    };
    let pictures = KINDS
        .iter()
        .filter_map(|(name, title, statistic, subjects)| {
            let figure = figure(report, &places, title, statistic, subjects)?;
            Some((*name, figure.draw()))
        });
    pictures.collect()
}

/// File name, title, statistic, and how its subjects begin.
const KINDS: [(&str, &str, &str, &str); 6] = [
    ("success_rate", "Success rate", "success rate", "traffic "),
    ("mean_latency", "Mean latency", "mean latency", "traffic "),
    (
        "p99_latency",
        "99th percentile of latency",
        "p99 latency",
        "traffic ",
    ),
    ("rate", "Requests a second", "rate", "traffic "),
    ("share", "Shares of destinations", "share", ""),
    ("tries", "Tries per request", "tries per request", ""),
];

/// Where the values of the first parameter lie.
struct Places {
    axis: Axis,
    /// By value, in order.
    x: Vec<f64>,
}

impl Places {
    /// None where there is nothing to draw a line between.
    fn of(report: &SweepReport) -> Option<Self> {
        let values = &report.parameters.first()?.values;
        if values.len() < 2 {
            return None;
        }
        let numbers: Option<Vec<f64>> = values.iter().map(|value| leading_number(value)).collect();
        let is_rising = |numbers: &Vec<f64>| numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let x = match numbers.filter(is_rising) {
            Some(numbers) => numbers,
            None => (0..values.len()).map(|index| index as f64).collect(),
        };
        let every = values.len().div_ceil(MOST_TICKS);
        let ticks = x.iter().copied().zip(values.iter().cloned()).step_by(every);
        Some(Self {
            axis: Axis {
                min: x[0],
                max: x[x.len() - 1],
                logarithmic: false,
                ticks: ticks.collect(),
            },
            x,
        })
    }
}

fn leading_number(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-');
    text[..end.unwrap_or(text.len())].parse().ok()
}

fn figure(
    report: &SweepReport,
    places: &Places,
    title: &str,
    statistic: &str,
    subjects: &str,
) -> Option<Figure> {
    let mut names: Vec<&str> = Vec::new();
    for figure in report.points.iter().flat_map(|point| &point.figures) {
        let is_one = figure.statistic == statistic && figure.subject.starts_with(subjects);
        if is_one && !names.contains(&figure.subject.as_str()) {
            names.push(&figure.subject);
        }
    }
    names.truncate(MOST_PANELS);
    let panels: Vec<Panel> = (names.iter())
        .filter_map(|subject| panel(report, places, statistic, subject, names.len()))
        .collect();
    let runs = match report.replications {
        1 => "one run a point".to_owned(),
        runs => format!(
            "{runs} runs a point, bands are {}% intervals",
            report.confidence * 100.0
        ),
    };
    (!panels.is_empty()).then(|| Figure {
        title: title.to_owned(),
        subtitle: format!("{} · {runs}", report.scenario),
        x: places.axis.clone(),
        x_title: report.parameters[0].path.clone(),
        marks: Vec::new(),
        shade: None,
        panels,
    })
}

fn panel(
    report: &SweepReport,
    places: &Places,
    statistic: &str,
    subject: &str,
    panels: usize,
) -> Option<Panel> {
    let lines = lines(report, statistic, subject);
    let all = || lines.iter().flat_map(|line| line.figures.iter().flatten());
    let unit = all().next()?.unit;
    let greatest = all()
        .filter_map(|f| f.ends())
        .fold(0.0_f64, |most, (_, high)| most.max(high));
    let greatest = match unit {
        Unit::Ratio => greatest.min(1.0),
        Unit::Count | Unit::Milliseconds => greatest,
    };
    let y = Axis::from_zero(greatest, 5, |value| unit.show(value));
    let mut layers = Vec::new();
    let mut labels = Vec::new();
    for (line, colour) in lines.iter().zip(palette::ORDER.iter().cycle()) {
        let mut band = Vec::new();
        let mut points = Vec::new();
        for (figure, x) in line.figures.iter().zip(&places.x) {
            let Some(figure) = figure else { continue };
            let (Some(mean), Some((low, high))) = (figure.mean, figure.ends()) else {
                continue;
            };
            band.push((*x, low.max(0.0), high.min(y.max)));
            points.push((*x, mean));
        }
        let Some((_, last)) = points.last() else {
            continue;
        };
        labels.push(Label {
            y: *last,
            colour,
            name: line.name.clone(),
            value: unit.show(*last),
        });
        layers.push(Layer::Area {
            colour,
            opacity: 0.16,
            stretches: vec![band],
        });
        layers.push(Layer::Line {
            colour,
            width: 2.4,
            stretches: vec![points],
        });
    }
    (!layers.is_empty()).then(|| Panel {
        heading: format!("{subject}: {statistic}"),
        height: if panels == 1 { 340.0 } else { 180.0 },
        y,
        marks: Vec::new(),
        caption: "at the end".to_owned(),
        layers,
        labels,
    })
}

/// One combination of all parameters but the first.
struct Line<'r> {
    name: String,
    /// By the first parameter's values.
    figures: Vec<Option<&'r SweepFigure>>,
}

fn lines<'r>(report: &'r SweepReport, statistic: &str, subject: &str) -> Vec<Line<'r>> {
    let values = report.parameters[0].values.len();
    let combinations = report.points.len() / values;
    let find = |point: &'r SweepPoint| {
        let mut figures = point.figures.iter();
        figures.find(|f| f.statistic == statistic && f.subject == subject)
    };
    (0..combinations.min(MOST_LINES))
        .map(|combination| {
            let at = |value: usize| &report.points[value * combinations + combination];
            let others = at(0).values[1..].iter().zip(&report.parameters[1..]);
            let named = others.map(|(value, parameter)| {
                let field = parameter.path.rsplit('.').next().unwrap_or_default();
                format!("{field} {value}")
            });
            let name = named.collect::<Vec<_>>().join(", ");
            Line {
                name: if name.is_empty() {
                    statistic.to_owned()
                } else {
                    name
                },
                figures: (0..values).map(|value| find(at(value))).collect(),
            }
        })
        .collect()
}

const MOST_TICKS: usize = 11;
const MOST_PANELS: usize = 6;
const MOST_LINES: usize = 8;
