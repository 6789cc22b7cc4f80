//! One file judged: a scenario by a run of it, tests of routes by a route table.

use std::path::Path;
use std::time::Instant;

use manifest::{Diagnostic, Source};
use scenario::RunOptions;
use serde_json::Value;

use super::files::{Kind, TestFile};
use super::filter::Filter;
use super::routes::Routes;
use super::suite::{Case, Judged, Run, Suite};
use super::{config_validator, router_check};
use crate::simulation::{Settings, Simulation, Unfit};

/// What decides about all files.
pub(crate) struct Judge {
    pub(crate) settings: Settings,
    pub(crate) filter: Filter,
    /// None where no test of routes is among the files.
    pub(crate) routes: Option<Routes>,
}

impl Judge {
    /// Judges a file; none if the filter leaves nothing of it.
    pub(crate) fn judge(&self, file: &TestFile) -> Option<Suite> {
        let started = Instant::now();
        let result = match &file.kind {
            Kind::Scenario => self.scenario(&file.path)?,
            Kind::ConfigValidator(source) => self.tests(file, source, config_validator::judge)?,
            Kind::RouterCheck(source) => self.tests(file, source, router_check::judge)?,
        };
        Some(Suite {
            file: file.path.clone(),
            wall: started.elapsed(),
            result,
        })
    }

    fn scenario(&self, path: &Path) -> Option<Result<Judged, Unfit>> {
        let file = path.to_string_lossy();
        let simulation = match Simulation::prepare(path, &self.settings) {
            Ok(simulation) => simulation,
            Err(unfit) => {
                let is_meant = self.filter.is_empty() || self.filter.matches(&file);
                return is_meant.then_some(Err(unfit));
            }
        };
        let wanted = self.filter.of_file(&[&simulation.scenario.name, &file]);
        let mut names = simulation
            .scenario
            .expect
            .iter()
            .map(|expectation| expectation.name());
        if !wanted.is_empty() && !names.any(|name| wanted.matches(name)) {
            return None;
        }
        let run = simulation.run(&RunOptions {
            offending: true,
            ..RunOptions::default()
        });
        let (report, verdicts) = match run {
            Ok(run) => run,
            Err(unfit) => return Some(Err(unfit)),
        };
        let json =
            serde_json::to_value(reports::run_json(&report)).expect("a run's JSON has string keys");
        let json = json.get("expectations").and_then(Value::as_array).cloned();
        let reported = report.expectations.iter().zip(json.unwrap_or_default());
        let cases = verdicts.iter().zip(reported);
        Some(Ok(Judged {
            name: report.scenario,
            cases: cases
                .filter(|(verdict, _)| wanted.matches(&verdict.name))
                .map(|(verdict, (reported, json))| Case::of_verdict(verdict, reported, json))
                .collect(),
            run: Some(Run {
                seed: report.seed,
                fingerprint: report.fingerprint,
                requests: report.requests,
            }),
        }))
    }

    fn tests(
        &self,
        file: &TestFile,
        source: &Source,
        judge: impl Fn(&Source, &Routes) -> Result<Vec<Case>, Vec<Diagnostic>>,
    ) -> Option<Result<Judged, Unfit>> {
        let name = file.path.display().to_string();
        let wanted = self.filter.of_file(&[&name]);
        let routes = self.routes.as_ref().expect("tests of routes have routes");
        let mut cases = match judge(source, routes) {
            Ok(cases) => cases,
            Err(diagnostics) => {
                let sources = vec![source.clone()];
                let unfit = Unfit::Wrong {
                    diagnostics,
                    sources,
                };
                return wanted.is_empty().then_some(Err(unfit));
            }
        };
        cases.retain(|case| wanted.matches(&case.name));
        if cases.is_empty() && !wanted.is_empty() {
            return None;
        }
        Some(Ok(Judged {
            name,
            cases,
            run: None,
        }))
    }
}
