//! Four hundred specs, and what Istio's own validation said of each: ours says the same.
//!
//! Those that the schema already refuses never reach a webhook; for them it is enough that they are refused.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Level, Source};

#[test]
fn istio_and_we_say_the_same() {
    let source = Source::new("corpus.yaml", include_str!("corpus.yaml"));
    let (resources, refused) = manifest::parse(&[source], "default");
    let refused: BTreeSet<_> = refused
        .iter()
        .filter_map(|finding| Some(finding.object.as_ref()?.name.as_str()))
        .collect();
    let mut expected = BTreeMap::<&str, BTreeSet<(&str, String)>>::new();
    for line in include_str!("istio.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (name, rest) = line.split_once(' ').expect("a name");
        let (level, message) = rest.split_once(' ').expect("a level");
        expected
            .entry(name)
            .or_default()
            .insert((level, message.to_owned()));
    }
    let findings = meshsim_control_plane::validate(&resources);
    let mut seen = BTreeMap::<&str, BTreeSet<(&str, String)>>::new();
    for finding in &findings {
        let object = finding.object.as_ref().expect("an object");
        let level = if finding.level == Level::Error {
            "error"
        } else {
            "warning"
        };
        let message = finding
            .message
            .trim_start_matches("Schema validation error: ")
            .trim_start_matches("Schema validation warning: ")
            // Istio's webhook writes these two with a small letter and without the full stop.
            .replacen("VirtualService rule", "virtualService rule", 1)
            .trim_end_matches('.')
            .replace('\n', "; ");
        seen.entry(&object.name)
            .or_default()
            .insert((level, message));
    }
    let names: BTreeSet<_> = expected.keys().chain(seen.keys()).copied().collect();
    let mut differences = Vec::new();
    for name in names {
        let nothing = BTreeSet::new();
        let (istio, ours) = (
            expected.get(name).unwrap_or(&nothing),
            seen.get(name).unwrap_or(&nothing),
        );
        if istio != ours && !refused.contains(name) {
            differences.push(format!("{name}: Istio says {istio:?}, we say {ours:?}"));
        }
    }
    assert!(resources.virtual_services.len() > 200);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
