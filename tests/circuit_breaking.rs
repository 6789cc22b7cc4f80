//! The circuit-breaker task of Istio's documentation: what its page shows is among what chance brings about.
//!
//! Source: istio.io, "Circuit Breaking": with two connections 17 of 20 requests succeed, with three 11 of 30.

use manifest::Source;
use scenario::{CompileOptions, LoadOptions, RunOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many seeds are tried.
const SEEDS: u64 = 400;

#[test]
fn the_distribution_contains_what_the_documentation_shows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/circuit-breaking");
    let text = |file: &Path| std::fs::read_to_string(file).expect("a readable file");
    let files = |_: &str| {
        let each = ["httpbin", "circuit-breaker"].map(|name| format!("mesh/{name}.yaml"));
        let read = |name: String| Source::new(name.as_str(), text(&folder.join(&name)));
        Ok(each.map(read).into())
    };
    let file: PathBuf = folder.join("scenario.yaml");
    let source = Source::new("scenario.yaml", text(&file));
    let scenario = match scenario::load(&source, &LoadOptions::default(), &files) {
        Ok(scenario) => scenario,
        Err(found) => panic!("{found:?}"),
    };
    let compiled = match scenario::compile(&scenario, &CompileOptions::default()) {
        Ok(compiled) => compiled,
        Err(found) => panic!("{found:?}"),
    };
    let mut seen: [BTreeMap<u64, u32>; 2] = Default::default();
    for seed in 1..=SEEDS {
        let options = RunOptions {
            seed: Some(seed),
            ..RunOptions::default()
        };
        let outcome = scenario::run(&scenario, &compiled, &options);
        for (seen, name) in seen.iter_mut().zip(["two", "three"]) {
            let requests = outcome.measurements.window.requests.iter();
            let fine = requests
                .filter(|figures| figures.labels.caller == name && figures.labels.is_success());
            *seen
                .entry(fine.map(|figures| figures.count()).sum())
                .or_default() += 1;
        }
    }
    let [two, three] = seen;
    let is_likely = |seen: &BTreeMap<u64, u32>, count| {
        let often = seen.get(&count).copied().unwrap_or_default();
        u64::from(often) * 20 >= SEEDS
    };
    assert!(is_likely(&two, 17), "17 of 20 is not likely in {two:?}");
    assert!(is_likely(&three, 11), "11 of 30 is not likely in {three:?}");
}
