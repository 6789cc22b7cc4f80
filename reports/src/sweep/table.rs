//! `results.csv`: a line for each figure of each point.

use super::SweepReport;
use crate::csv::{Cell, Kind, Layout, Table, column};
use crate::model::OutputFile;

pub(crate) static RESULTS: Layout = Layout {
    file: "results.csv",
    about: "Of `meshsim sweep`: a row for each figure of each point of the grid. A column for each `--param`, named by its path and \
            with the value as it was written, comes before these.",
    columns: &[&[
        column(
            "subject",
            Kind::Text,
            "What it is about: a traffic source, a destination, a pod",
        ),
        column("statistic", Kind::Text, "The figure, such as `p99 latency`"),
        column(
            "unit",
            Kind::Text,
            "The unit of `mean`, `low` and `high`: `count`, `ratio` (0 to 1) or `ms`",
        ),
        column(
            "runs",
            Kind::Integer,
            "How many replications had the figure",
        ),
        column(
            "mean",
            Kind::Number,
            "The mean over the replications; empty where none had it",
        ),
        column(
            "low",
            Kind::Number,
            "The lower end of Student's interval at 95 % confidence; the mean where there is none",
        ),
        column("high", Kind::Number, "The upper end"),
    ]],
};

pub(super) fn file(report: &SweepReport) -> OutputFile {
    let paths: Vec<&str> = (report.parameters.iter())
        .map(|parameter| parameter.path.as_str())
        .collect();
    let mut table = Table::with(&paths, &RESULTS);
    for point in &report.points {
        for figure in &point.figures {
            let values = point.values.iter().map(|value| value.as_str().into());
            let mut row: Vec<Cell<'_>> = values.collect();
            row.extend([
                figure.subject.as_str().into(),
                figure.statistic.as_str().into(),
                figure.unit.as_str().into(),
                (figure.count as u64).into(),
                figure.mean.into(),
                figure.ends().map(|(low, _)| low).into(),
                figure.ends().map(|(_, high)| high).into(),
            ]);
            table.add(&row);
        }
    }
    table.into_file()
}
