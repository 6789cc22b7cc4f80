//! Manifests of a small mesh, broken in a few places: the same number always gives the same text.

use base::Draws;

/// The mutant of this number.
pub(super) fn mutant(number: u64) -> String {
    let mut dice = Dice(Draws::new(0x6d75_7461_6e74, number, 0));
    let subject = SUBJECTS[dice.below(SUBJECTS.len())];
    let mut text = subject.to_owned();
    for _ in 0..=dice.below(4) {
        text = mutate(&text, &mut dice);
    }
    format!("{MESH}---\n{text}")
}

/// Where a mutant's changes come from.
pub(super) struct Dice(pub(super) Draws);

impl Dice {
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % end.max(1) as u64).expect("below a usize")
    }

    pub(super) fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

/// One change: a byte, a part, a field's name, or a value's type.
pub(super) fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if bytes.is_empty() {
        return TOKENS[0].to_owned();
    }
    let at = dice.below(bytes.len());
    match dice.below(8) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => {
            bytes.splice(at..at, dice.one_of(&TOKENS).bytes());
        }
        2 => {
            let end = (at + dice.below(24) + 1).min(bytes.len());
            bytes.drain(at..end);
        }
        3 => {
            let end = (at + dice.below(60) + 1).min(bytes.len());
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        4 | 5 => return with_name(text, dice),
        _ => return with_value(text, dice),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Some field gets the name of another.
fn with_name(text: &str, dice: &mut Dice) -> String {
    let names: Vec<(usize, &str)> = words(text)
        .filter(|(at, word)| text[at + word.len()..].starts_with(':'))
        .collect();
    if names.is_empty() {
        return text.to_owned();
    }
    let (at, old) = names[dice.below(names.len())];
    let new = names[dice.below(names.len())].1;
    format!("{}{new}{}", &text[..at], &text[at + old.len()..])
}

/// Some value gets another type.
fn with_value(text: &str, dice: &mut Dice) -> String {
    let values: Vec<(usize, &str)> = words(text)
        .filter(|(at, word)| !text[at + word.len()..].starts_with(':'))
        .collect();
    if values.is_empty() {
        return text.to_owned();
    }
    let (at, old) = values[dice.below(values.len())];
    let new = dice.one_of(&VALUES);
    format!("{}{new}{}", &text[..at], &text[at + old.len()..])
}

/// Names and plain values with their places.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || "-./_*".contains(c);
    text.split(move |c| !is_part(c))
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

const TOKENS: [&str; 24] = [
    "[",
    "{",
    "- ",
    ": ",
    "? ",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "---\n",
    "...\n",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    "\t",
    "\r",
    "\u{FEFF}",
    "é",
    "%YAML 1.1\n",
    "]",
    "}",
    ",",
];

/// What stands in the place of some value.
pub(super) const VALUES: [&str; 24] = [
    "null",
    "true",
    "0",
    "-1",
    "3",
    "65536",
    "99999999999999999999",
    "1e400",
    "0x1F",
    "{}",
    "[]",
    "[a]",
    "{a: b}",
    "\"\"",
    "\"*\"",
    "\"*.local\"",
    "shop",
    "3s",
    "0s",
    "-5s",
    "9999999h",
    "\"(\"",
    "~",
    "[[[]]]",
];

/// What the mutants are about.
const MESH: &str = r#"apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {app: shop, version: v1}}
spec: {containers: [{name: a, image: a}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
"#;

/// One text a kind.
const SUBJECTS: [&str; 10] = [
    include_str!("virtual-service.yaml"),
    include_str!("destination-rule.yaml"),
    include_str!("gateway.yaml"),
    include_str!("service-entry.yaml"),
    include_str!("sidecar.yaml"),
    include_str!("workload-entry.yaml"),
    include_str!("http-route.yaml"),
    include_str!("service.yaml"),
    include_str!("deployment.yaml"),
    include_str!("delegates.yaml"),
];
