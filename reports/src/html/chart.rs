//! A chart as the page's scripts draw it, and what it says to those who do not see it.

use super::markup::{attribute, escaped};
use crate::numbers::{milliseconds, number, percent};
use crate::plots::palette;
use serde::Serialize;

/// A chart over time.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    /// Its anchor.
    #[serde(skip)]
    pub(super) id: String,
    pub(super) title: String,
    /// What is shown, in a sentence; may be empty.
    #[serde(skip)]
    pub(super) note: String,
    pub(super) unit: ChartUnit,
    pub(super) form: Form,
    /// Lines or areas, the lowest first.
    pub(super) lines: Vec<Line>,
    /// Rows with bars, the highest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rows: Vec<Row>,
    /// Which requests the chart is about.
    pub(super) about: Query,
}

/// What values are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChartUnit {
    Ratio,
    Milliseconds,
    PerSecond,
    Count,
    /// How many times as much.
    Times,
}

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// One on top of the other, with a step for each bucket.
    Stack,
    /// Each for itself, through the middles of buckets.
    Lines,
    /// Bars in rows.
    Spans,
}

/// A line or an area.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    /// The name of a colour of the page's style.
    pub(super) colour: &'static str,
    /// What it comes to in all, as people read it.
    pub(super) total: String,
    /// By bucket.
    pub(super) values: Vec<Option<f64>>,
    /// Which requests it is about, beside the chart's.
    pub(super) about: Query,
}

/// A row of bars.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) colour: &'static str,
    pub(super) total: String,
    /// From when to when, in seconds.
    pub(super) spans: Vec<(f64, f64)>,
    pub(super) about: Query,
}

/// Which of the sampled requests are meant: those for which all of these hold.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Query {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) traffic: Option<String>,
    /// Who makes a request: a traffic source, or a workload with its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caller: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    /// `<namespace>/<name>`; empty: no workload answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) workload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flags: Option<String>,
    /// It was tried more than once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) retried: bool,
}

impl Query {
    /// A button that shows these requests.
    pub(super) fn button(&self, label: &str, what: &str) -> String {
        format!(
            "<button type=\"button\" class=\"ask\" data-ask=\"{}\" aria-label=\"Sample requests: {}\">{label}</button>",
            attribute(self),
            escaped(what),
        )
    }
}

impl Chart {
    /// The chart's place in the page; `index` is its place among the embedded ones.
    pub(super) fn html(&self, index: usize) -> String {
        let Self {
            id, title, note, ..
        } = self;
        let ask = self.about.button("Sample requests", title);
        format!(
            "<figure class=\"chart\" id=\"chart-{id}\" data-chart=\"{index}\">\n\
             <figcaption><h4>{}</h4><p>{}</p></figcaption>\n\
             <div class=\"plot\" role=\"img\" aria-label=\"{}\"></div>\n<ul class=\"legend\"></ul>\n\
             <div class=\"chart-foot\">{ask}<details class=\"numbers\"><summary>As a table</summary>\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"></div></details></div>\n</figure>\n",
            escaped(title),
            escaped(note),
            escaped(&self.in_words()),
            escaped(&format!("Figures: {title}")),
        )
    }

    /// What the picture shows, for those who do not see it.
    fn in_words(&self) -> String {
        let line = |line: &Line| {
            let values = || line.values.iter().flatten().copied();
            let least = values().fold(f64::MAX, f64::min);
            let greatest = values().fold(f64::MIN, f64::max);
            if least > greatest {
                return format!("{}: nothing", line.name);
            }
            let (least, greatest) = (self.unit.show(least), self.unit.show(greatest));
            format!(
                "{}: {} in all, from {least} to {greatest}",
                line.name, line.total
            )
        };
        let row = |row: &Row| format!("{}: {}", row.name, row.total);
        let lines = self.lines.iter().map(line);
        let parts: Vec<String> = lines.chain(self.rows.iter().map(row)).collect();
        format!("{} over time. {}.", self.title, parts.join("; "))
    }
}

impl ChartUnit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Ratio => percent(value),
            Self::Milliseconds => milliseconds(value),
            Self::PerSecond => format!("{}/s", number(value)),
            Self::Count => number(value),
            Self::Times => format!("{}×", number(value)),
        }
    }
}

/// The value with as many digits as a chart can show.
pub(super) fn rounded(value: f64) -> f64 {
    let text = format!("{value:.4e}");
    text.parse().expect("a number that was just written")
}

/// Values by bucket, all of them there.
pub(super) fn values(values: impl IntoIterator<Item = f64>) -> Vec<Option<f64>> {
    values
        .into_iter()
        .map(|value| Some(rounded(value)))
        .collect()
}

/// The page's name for a colour of the palette: its style has a light and a dark one of each.
pub(super) fn colour_name(colour: &str) -> &'static str {
    match colour {
        palette::BLUE => "blue",
        palette::ORANGE => "orange",
        palette::GREEN => "green",
        palette::PURPLE => "purple",
        palette::SKY => "sky",
        palette::VERMILION => "vermilion",
        palette::YELLOW => "yellow",
        palette::BLACK => "black",
        palette::PALE_BLUE => "pale-blue",
        palette::DEEP_BLUE => "deep-blue",
        palette::GOOD => "good",
        palette::ALSO_GOOD => "also-good",
        _ => "nobody",
    }
}
