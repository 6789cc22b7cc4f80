//! Verdicts as JUnit XML: a suite for each scenario, a case for each expectation.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use reports::Expectation;
use scenario::Verdict;

use super::{Judged, Ran};

/// The XML.
pub(crate) fn report(all: &[Judged]) -> String {
    let mut report = Report::new("meshsim");
    report.add_test_suites(all.iter().map(suite));
    report
        .to_string()
        .expect("a report in memory is always written")
}

fn suite(judged: &Judged) -> TestSuite {
    let file = judged.file.display().to_string();
    match &judged.result {
        Ok(ran) => {
            let name = &ran.report.scenario;
            let mut suite = TestSuite::new(name.as_str());
            suite.set_time(Duration::from_secs_f64(ran.report.wall_seconds));
            suite.add_property(("file", file.as_str()));
            suite.add_property(("seed", ran.report.seed.to_string().as_str()));
            suite.add_property(("fingerprint", ran.report.fingerprint.as_str()));
            suite.add_test_cases(cases(ran));
            suite
        }
        Err(_) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(judged.errors().join("\n"));
            let mut suite = TestSuite::new(file.as_str());
            suite.add_test_case(TestCase::new("is read", status));
            suite
        }
    }
}

fn cases(ran: &Ran) -> Vec<TestCase> {
    let name = &ran.report.scenario;
    let case = |title: &str, status| {
        let mut case = TestCase::new(title, status);
        case.set_classname(name.as_str());
        case
    };
    if ran.verdicts.is_empty() {
        return vec![case("runs", TestCaseStatus::success())];
    }
    let reported = ran.report.expectations.iter();
    ran.verdicts
        .iter()
        .zip(reported)
        .map(|(verdict, reported)| case(&verdict.name, status(verdict, reported)))
        .collect()
}

/// A failure says where the expectation is written, and shows a request that counts against it.
fn status(verdict: &Verdict, reported: &Expectation) -> TestCaseStatus {
    if verdict.passed {
        return TestCaseStatus::success();
    }
    let mut description = verdict.place.location.to_string();
    if let Some(offending) = &reported.offending {
        description += &format!("\n{}\n{}", offending.why, offending.story);
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_message(format!("want {}, got {}", verdict.bound, verdict.evidence))
        .set_description(description);
    status
}
