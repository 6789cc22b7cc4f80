//! docs/learn/README.md tells how many exercises train what: the table is made of their front matters.

use std::collections::BTreeMap;
use std::fs;

use super::{json, learn};

#[test]
fn the_table_of_competencies_is_up_to_date() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let listed = json(&learn(scratch.path(), &["list", "-o", "json"]));
    let mut counts: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    for exercise in listed["exercises"].as_array().expect("a list") {
        let level = exercise["level"].as_str().expect("a level");
        for competency in exercise["competencies"].as_array().expect("a list") {
            let competency = competency.as_str().expect("a name").to_owned();
            let of = counts.entry(competency).or_default();
            *of.entry(level.to_owned()).or_default() += 1;
        }
    }
    let mut table =
        "| competency | beginner | intermediate | advanced | expert | all |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"
            .to_owned();
    for (competency, of) in &counts {
        let count = |level: &str| of.get(level).map_or(String::new(), u32::to_string);
        let all: u32 = of.values().sum();
        table += &format!(
            "| {competency} | {} | {} | {} | {} | {all} |\n",
            count("beginner"),
            count("intermediate"),
            count("advanced"),
            count("expert"),
        );
    }
    let text = fs::read_to_string(FILE).expect("it is there");
    let (before, rest) = text.split_once(BEGIN).expect("the table has its place");
    let (_, after) = rest.split_once(END).expect("the table has an end");
    let updated = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("MESHSIM_UPDATE").is_some() {
        fs::write(FILE, &updated).expect("it is writable");
        return;
    }
    assert!(
        text == updated,
        "docs/learn/README.md is out of date: `MESHSIM_UPDATE=1 cargo test -p meshsim --test meshsim -- coverage` writes it"
    );
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/learn/README.md");
const BEGIN: &str = "<!-- coverage, written by a test -->\n";
const END: &str = "<!-- end of coverage -->\n";
