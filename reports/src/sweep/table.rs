//! `results.csv`: a line for each figure of each point.

use super::SweepReport;
use crate::csv::{Table, number};
use crate::model::OutputFile;

pub(super) fn file(report: &SweepReport) -> OutputFile {
    let paths: Vec<&str> = (report.parameters.iter())
        .map(|parameter| parameter.path.as_str())
        .collect();
    let figures = [
        "subject",
        "statistic",
        "unit",
        "runs",
        "mean",
        "low",
        "high",
    ];
    let mut table = Table::new(&[&paths, &figures]);
    for point in &report.points {
        for figure in &point.figures {
            let mut row = point.values.clone();
            row.extend([
                figure.subject.clone(),
                figure.statistic.clone(),
                figure.unit.as_str().to_owned(),
                figure.count.to_string(),
                number(figure.mean),
                number(figure.ends().map(|(low, _)| low)),
                number(figure.ends().map(|(_, high)| high)),
            ]);
            table.add(&row);
        }
    }
    table.into_file("results.csv")
}
