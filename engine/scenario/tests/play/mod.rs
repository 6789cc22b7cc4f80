//! Plays scenarios that tests write down.

use manifest::Source;
use meshsim_scenario::{
    CompileOptions, Compiled, LoadOptions, Outcome, RunOptions, Scenario, compile, load, run,
};

/// A scenario whose manifests are one text, whatever they are called, and what became of it.
pub(crate) fn play(
    text: &str,
    mesh: &str,
    options: &RunOptions<'_>,
) -> (Scenario, Compiled, Outcome) {
    let files = |name: &str| Ok(vec![Source::new(name, mesh)]);
    let source = Source::new("s.yaml", text);
    let scenario = load(&source, &LoadOptions::default(), &files).expect("a good file");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    let outcome = run(&scenario, &compiled, options);
    (scenario, compiled, outcome)
}
