//! Verdicts as JUnit XML: a suite for each scenario, a case for each expectation.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::suite::{Case, Judged, Outcome, Suite};

/// The XML.
pub(crate) fn report(all: &[Suite], wall: Duration) -> String {
    let mut report = Report::new("meshsim");
    report.set_time(wall);
    report.add_test_suites(all.iter().map(suite));
    let xml = report
        .to_string()
        .expect("a report in memory is always written");
    // Schemas know this attribute of single suites only, and the first is that of all of them.
    xml.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1)
}

fn suite(suite: &Suite) -> TestSuite {
    let file = suite.file.display().to_string();
    let mut written = match &suite.result {
        Ok(judged) => {
            let mut written = TestSuite::new(judged.name.as_str());
            written.add_property(("file", file.as_str()));
            if let Some(run) = &judged.run {
                written.add_property(("seed", run.seed.to_string().as_str()));
                written.add_property(("fingerprint", run.fingerprint.as_str()));
            }
            written.add_test_cases(cases(judged));
            written
        }
        Err(_) => {
            let errors: Vec<String> = suite.errors().into_iter().map(|(_, text)| text).collect();
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(errors.join("\n"));
            let mut written = TestSuite::new(file.as_str());
            let mut case = TestCase::new("is read", status);
            case.set_classname(file.as_str());
            written.add_test_case(case);
            written
        }
    };
    written.set_time(suite.wall);
    written
}

fn cases(judged: &Judged) -> Vec<TestCase> {
    let case = |title: &str, status| {
        let mut case = TestCase::new(title, status);
        case.set_classname(judged.name.as_str());
        case
    };
    if judged.cases.is_empty() {
        return vec![case("runs", TestCaseStatus::success())];
    }
    let cases = judged.cases.iter();
    cases.map(|one| case(&one.name, status(one))).collect()
}

/// A failure says where the expectation is written, and shows a request that counts against it.
fn status(case: &Case) -> TestCaseStatus {
    match &case.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Failed { want, got } => {
            let mut description = case.at.to_string();
            if let Some(offending) = &case.offending {
                description += &format!("\n{}\n{}", offending.why, offending.story);
            }
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(format!("want {want}, got {got}"))
                .set_description(description);
            status
        }
        Outcome::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    }
}
