//! A sweep as reports see it, and as tables, pictures, JSON and text.

mod plots;
mod table;
mod text;

pub(crate) use self::table::RESULTS;

use crate::model::{OutputFile, Unit};
use crate::plots::painted;
use serde::Serialize;

pub use text::sweep_text;

/// A grid of runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepReport {
    /// The scenario's name.
    pub scenario: String,
    /// The seed that was asked for; none: the scenario's.
    pub seed: Option<u64>,
    /// Runs of each point.
    pub replications: u32,
    /// With which confidence the intervals hold.
    pub confidence: f64,
    /// What was varied.
    pub parameters: Vec<SweepParameter>,
    /// The points, in the order of the grid: the last parameter changes fastest.
    pub points: Vec<SweepPoint>,
}

/// A field that was varied.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepParameter {
    /// Its path.
    pub path: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A point of a grid.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The parameters' values.
    pub values: Vec<String>,
    /// What its runs came down to.
    pub figures: Vec<SweepFigure>,
}

/// A figure at a point, over its replications.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepFigure {
    /// What it is about, such as `traffic users`.
    pub subject: String,
    /// Which figure, such as `p99 latency`.
    pub statistic: String,
    /// What it is counted in.
    pub unit: Unit,
    /// Its mean; none where no run had it.
    pub mean: Option<f64>,
    /// Half the width of its interval; none from one run.
    pub half_width: Option<f64>,
    /// How many runs had it.
    pub count: usize,
}

/// What `sweep -o json` prints, and `results.json`.
#[derive(Debug, Serialize)]
pub struct SweepJson<'r> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'r SweepReport,
}

/// `sweep -o json`'s object.
pub const fn sweep_json(report: &SweepReport) -> SweepJson<'_> {
    SweepJson {
        schema: "meshsim.sweep-results/1",
        report,
    }
}

/// The results of a sweep as files, in order of their paths.
pub fn sweep_files(report: &SweepReport) -> Vec<OutputFile> {
    let json = serde_json::to_string_pretty(&sweep_json(report));
    let json = json.expect("string keys and finite numbers") + "\n";
    let mut files = painted(plots::pictures(report));
    files.push(table::file(report));
    files.push(OutputFile {
        path: "results.json".to_owned(),
        bytes: json.into_bytes(),
    });
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

impl SweepFigure {
    /// The ends of its interval; the mean twice where it has no width.
    fn ends(&self) -> Option<(f64, f64)> {
        let half = self.half_width.unwrap_or(0.0);
        self.mean.map(|mean| (mean - half, mean + half))
    }
}
