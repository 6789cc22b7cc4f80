//! The report: for each feature, how many cases are equal, and why the others are not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::case::Case;

/// How a case ended.
pub(crate) enum Outcome {
    Equal,
    Differs(Option<String>),
}

/// All outcomes.
pub(crate) struct Report {
    istio: String,
    features: BTreeMap<String, Feature>,
    gotchas: BTreeMap<u32, Vec<String>>,
}

#[derive(Default)]
struct Feature {
    equal: usize,
    differing: Vec<(String, String)>,
}

impl Report {
    #[expect(clippy::disallowed_methods, reason = "the version is in a file")]
    pub(crate) fn new(folder: &Path) -> Self {
        let version = std::fs::read_to_string(folder.join("istio-version.txt")).unwrap_or_default();
        Self {
            istio: version.trim().to_owned(),
            features: BTreeMap::new(),
            gotchas: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, case: &Case, outcome: Outcome) {
        let feature = case.name.split('/').next().unwrap_or_default().to_owned();
        let feature = self.features.entry(feature).or_default();
        match outcome {
            Outcome::Equal => feature.equal += 1,
            Outcome::Differs(reason) => {
                feature
                    .differing
                    .push((case.name.clone(), reason.unwrap_or_default()));
            }
        }
        for gotcha in &case.gotchas {
            self.gotchas
                .entry(*gotcha)
                .or_default()
                .push(case.name.clone());
        }
    }

    /// Holds the report against docs/conformance.md, or writes it anew.
    #[expect(clippy::disallowed_methods, reason = "the report is a file")]
    pub(crate) fn check(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
        let wanted = self.document();
        if std::env::var_os("MESHSIM_UPDATE").is_some() {
            std::fs::write(&file, &wanted).expect("docs can be written");
        }
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            found == wanted,
            "docs/conformance.md is out of date: run `MESHSIM_UPDATE=1 cargo test -p meshsim-control-plane --test pilot`"
        );
    }

    fn document(&self) -> String {
        let mut text = HEAD.to_owned();
        let equal: usize = self.features.values().map(|feature| feature.equal).sum();
        let differing: usize = self
            .features
            .values()
            .map(|feature| feature.differing.len())
            .sum();
        let cases = equal + differing;
        let share = 100.0 * equal as f64 / cases.max(1) as f64;
        let mut line = |args: std::fmt::Arguments<'_>| {
            text.write_fmt(args).expect("a string");
            text.push('\n');
        };
        line(format_args!(
            "Istio: `istio.io/istio {}`. {equal} of {cases} cases are equal ({share:.1} %).\n",
            self.istio
        ));
        line(format_args!("| feature | cases | equal | differing |"));
        line(format_args!("| --- | ---: | ---: | ---: |"));
        for (name, feature) in &self.features {
            let differing = feature.differing.len();
            line(format_args!(
                "| {} | {} | {} | {differing} |",
                name.replace('_', " "),
                feature.equal + differing,
                feature.equal
            ));
        }
        line(format_args!(
            "| **all** | {cases} | {equal} | {differing} |"
        ));
        line(format_args!("\n## Differences\n"));
        let mut none = true;
        for (name, reason) in self
            .features
            .values()
            .flat_map(|feature| &feature.differing)
        {
            none = false;
            line(format_args!("- `{name}`: {reason}"));
        }
        if none {
            line(format_args!("None."));
        }
        line(format_args!("\n## Traps\n"));
        line(format_args!(
            "The traps of the specification that cases show, by number.\n"
        ));
        line(format_args!("| trap | cases |"));
        line(format_args!("| ---: | --- |"));
        for (number, cases) in &self.gotchas {
            let cases: Vec<_> = cases.iter().map(|name| format!("`{name}`")).collect();
            line(format_args!("| {number} | {} |", cases.join(", ")));
        }
        text
    }
}

const HEAD: &str = "\
# Conformance

What Istio's Pilot tells a proxy, and what meshsim tells it: each case of engine/control_plane/tests/pilot/cases was asked
of the real Pilot once, and is compared in every test run as Envoy's JSON. What is left out of the comparison is said in
engine/control_plane/tests/pilot/normal.rs; how to record is said in tests/conformance/README.md.

Generated from the cases by `MESHSIM_UPDATE=1 cargo test -p meshsim-control-plane --test pilot`.

";
