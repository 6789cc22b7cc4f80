//! Objects, and what Istio itself said of each: its CRDs' schema takes or refuses it, and its validation has errors and
//! warnings for it. Ours is the same verdict, and for the validation the same words.
//!
//! What the schema refuses never reaches a webhook; for such objects the refusal is enough.
//!
//! `tests/conformance/record.sh` records the verdicts anew.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Level, Source};

/// A corpus, and what was recorded of it.
struct Corpus {
    name: &'static str,
    objects: &'static str,
    schema: &'static str,
    webhook: &'static str,
}

macro_rules! corpus {
    ($name:literal) => {
        Corpus {
            name: $name,
            objects: include_str!(concat!($name, ".yaml")),
            schema: include_str!(concat!($name, ".schema.txt")),
            webhook: include_str!(concat!($name, ".webhook.txt")),
        }
    };
}

const CORPORA: [Corpus; 8] = [
    corpus!("policies"),
    corpus!("schema"),
    corpus!("gaps"),
    corpus!("gateways"),
    corpus!("service_entries"),
    corpus!("workload_entries"),
    corpus!("sidecars"),
    corpus!("tokens"),
];

#[test]
fn the_schema_and_we_refuse_the_same() {
    let mut differences = Vec::new();
    let mut count = 0;
    for corpus in &CORPORA {
        let ours = refused_by_schema(corpus.name, corpus.objects);
        let istio: BTreeMap<_, _> = lines(corpus.schema)
            .map(|line| line.split_once(" refused ").expect("a verdict"))
            .map(|(object, why)| (object.to_owned(), why))
            .collect();
        count += corpus.objects.matches("apiVersion:").count();
        for (object, why) in &istio {
            if !ours.contains_key(object) {
                differences.push(format!("{object}: Istio refuses it, we do not: {why}"));
            }
        }
        for (object, why) in &ours {
            if !istio.contains_key(object) {
                differences.push(format!("{object}: we refuse it, Istio does not: {why}"));
            }
        }
    }
    assert!(count > 900, "{count} objects");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_webhook_and_we_say_the_same() {
    let mut differences = Vec::new();
    for corpus in &CORPORA {
        let refused = refused_by_schema(corpus.name, corpus.objects);
        let (istio, ours) = (recorded(corpus.webhook), said(corpus));
        let names: BTreeSet<_> = istio.keys().chain(ours.keys()).collect();
        let nothing = BTreeSet::new();
        for name in names
            .into_iter()
            .filter(|name| !refused.contains_key(*name))
        {
            let istio = istio.get(name).unwrap_or(&nothing);
            let ours = ours.get(name).unwrap_or(&nothing);
            if istio != ours {
                differences.push(format!("{name}: Istio says {istio:?}, we say {ours:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

type Said = BTreeMap<String, BTreeSet<(&'static str, String)>>;

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// The objects that we refuse before any webhook, by name, and why.
fn refused_by_schema(name: &str, objects: &'static str) -> BTreeMap<String, String> {
    let (_, refused) = manifest::parse(&[Source::new(name, objects)], "default");
    refused
        .into_iter()
        .filter_map(|finding| Some((finding.object?.name, finding.message)))
        .collect()
}

fn recorded(text: &str) -> Said {
    let mut said = Said::new();
    for line in lines(text) {
        let (name, rest) = line.split_once(' ').expect("a name");
        let (level, message) = rest.split_once(' ').expect("a level");
        let level = if level == "error" { "error" } else { "warning" };
        said.entry(name.to_owned())
            .or_default()
            .insert((level, message.to_owned()));
    }
    said
}

fn said(corpus: &Corpus) -> Said {
    let source = Source::new(corpus.name, corpus.objects);
    let (resources, _) = manifest::parse(&[source], "default");
    let mut said = Said::new();
    for finding in meshsim_control_plane::validate(&resources) {
        let object = finding.object.expect("an object");
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
            .replace('\n', "; ");
        let message = match message.strip_prefix("virtualService rule") {
            Some(_) => message.trim_end_matches('.').to_owned(),
            None => message,
        };
        said.entry(object.name)
            .or_default()
            .insert((level, message));
    }
    said
}
