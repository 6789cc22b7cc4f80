//! Verdicts as JSON (`meshsim.test/1`).

use serde::Serialize;
use serde_json::Value;

use super::suite::Suite;

/// All verdicts (`meshsim.test/1`).
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) schema: &'static str,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Files of route tests of which none could be judged.
    pub(crate) skipped: usize,
    pub(crate) refused: usize,
    /// What `--fail-fast` left out.
    pub(crate) not_run: usize,
    pub(crate) scenarios: Vec<ScenarioJson>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ScenarioJson {
    file: String,
    name: Option<String>,
    passed: bool,
    seed: Option<u64>,
    fingerprint: Option<String>,
    requests: Option<u64>,
    wall_seconds: Option<f64>,
    expectations: Vec<Value>,
    /// What is wrong with its files, one line each.
    errors: Vec<String>,
}

impl From<&Suite> for ScenarioJson {
    fn from(suite: &Suite) -> Self {
        let judged = suite.result.as_ref().ok();
        let run = judged.and_then(|judged| judged.run.as_ref());
        let cases = judged.map(|judged| judged.cases.as_slice());
        let cases = cases.unwrap_or_default().iter();
        Self {
            file: suite.file.display().to_string(),
            name: judged.map(|judged| judged.name.clone()),
            passed: suite.passed(),
            seed: run.map(|run| run.seed),
            fingerprint: run.map(|run| run.fingerprint.clone()),
            requests: run.map(|run| run.requests),
            wall_seconds: judged.map(|_| suite.wall.as_secs_f64()),
            expectations: cases.map(|case| case.json.clone()).collect(),
            errors: suite.errors().into_iter().map(|(_, text)| text).collect(),
        }
    }
}
