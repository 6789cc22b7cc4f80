//! What one proxy is told, compared with what Istio's Pilot told it.
//!
//! A case is a pair: `cases/<feature>/<behaviour>.yaml`, manifests that a cluster would take, and the recorded answer
//! `cases/<feature>/<behaviour>.json`. The first lines of the manifests say what is looked at:
//!
//! ```yaml
//! # with: base.yaml                  objects of another file of `cases` come first
//! # proxy: other/client-0            whose configuration; default/client-0 if it is not said
//! # gotcha: 43, 44                   what it shows of the specification's list of traps
//! # show: routes 9080 reviews        a table; only virtual hosts whose name contains the word
//! # show: clusters reviews           clusters whose name contains the word
//! # show: endpoints reviews          likewise
//! # show: listeners 9080             likewise
//! # show: all                        everything
//! ```
//!
//! Both sides are compared as Envoy's JSON, without what [`normal`] leaves out. No Istio is needed to compare; to record
//! anew, see tests/conformance/README.md. A case that differs is named in `differences.txt` with its reason, and one that
//! is named there must differ. `MESHSIM_UPDATE=1` writes docs/conformance.md, which counts both.

mod case;
mod difference;
mod normal;
mod recorder;
mod report;

use std::path::{Path, PathBuf};

use case::Case;
use recorder::Recorder;
use report::{Outcome, Report};

/// Where the cases are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pilot")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "cases are files")]
fn every_case_is_told_as_pilot_tells_it() {
    let folder = folder();
    let cases = Case::all(&folder.join("cases"));
    if let Some(pilot) = std::env::var_os("MESHSIM_PILOT") {
        let word = std::env::var("MESHSIM_CASES").unwrap_or_default();
        Recorder::start(&pilot).record(&cases, &word, &folder);
    }
    let update = std::env::var_os("MESHSIM_UPDATE").is_some();
    let list = folder.join("differences.txt");
    let mut reasons = difference::reasons(&list);
    if update {
        let differs = |name: &str| {
            let mut cases = cases.iter().filter(|case| case.name == name);
            cases.any(|case| case.recorded() != case.told())
        };
        difference::retain(&list, differs);
        reasons = difference::reasons(&list);
    }
    let mut report = Report::new(&folder);
    let mut failures = Vec::new();
    for case in &cases {
        let recorded = case.recorded();
        let told = case.told();
        let reason = reasons.get(&case.name).cloned();
        match (recorded == told, &reason) {
            (false, None) => failures.push(format!(
                "{}:\n{}",
                case.name,
                difference::between(&recorded, &told)
            )),
            (true, Some(_)) => failures.push(format!(
                "{}: no longer differs; take it out of differences.txt",
                case.name
            )),
            (true, None) | (false, Some(_)) => {}
        }
        report.add(
            case,
            if recorded == told {
                Outcome::Equal
            } else {
                Outcome::Differs(reason)
            },
        );
    }
    for name in reasons.keys() {
        if !cases.iter().any(|case| case.name == *name) {
            failures.push(format!("{name}: in differences.txt, but no case"));
        }
    }
    if let Some(file) = std::env::var_os("MESHSIM_SHOW_DIFFERENCES") {
        std::fs::write(file, failures.join("\n")).expect("a writable file");
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
    report.check();
}
