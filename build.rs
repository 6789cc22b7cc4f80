//! Puts the files of the exercises into the binary, so that `meshsim learn` works from anywhere, and what the types of
//! manifests say of their fields, so that its editor can.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo says it"));
    let folder = root.join("scenarios/exercises");
    println!("cargo::rerun-if-changed=scenarios/exercises");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let inner = file.strip_prefix(&folder).expect("it lies in the folder");
        let name = inner.to_str().expect("names are text").replace('\\', "/");
        writeln!(
            code,
            "    ({name:?}, include_str!({:?})),",
            file.display().to_string()
        )
        .expect("a string takes all");
    }
    code.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo says it"));
    fs::write(out.join("exercises.rs"), code).expect("the build's folder can be written");
    println!("cargo::rerun-if-changed=engine/manifest/src");
    let docs = docs(&root.join("engine/manifest/src"));
    fs::write(out.join("field_docs.rs"), docs).expect("the build's folder can be written");
}

/// The types of manifests, each with its fields and what is said of them.
fn docs(folder: &Path) -> String {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let text = fs::read_to_string(&file).expect("source is text");
        for (owner, fields) in documented(&text) {
            writeln!(code, "    ({owner:?}, &{fields:?}),").expect("a string takes all");
        }
    }
    code.push_str("]\n");
    code
}

/// The structs of a file, and the enums that are read by way of a struct `Fields`, with the documents of their fields, as
/// they are spelt in manifests. It knows Rust as `cargo fmt` writes it, and no more of it than that.
fn documented(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut all: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let (mut doc, mut renamed, mut by_way_of) = (Vec::new(), None, None);
    let mut is_inside = false;
    for line in text.lines() {
        let word = line.trim();
        let header = ["pub struct ", "pub enum ", "pub(crate) struct "]
            .iter()
            .find_map(|start| line.strip_prefix(start)?.strip_suffix(" {"));
        if let Some(name) = header {
            all.push((by_way_of.take().unwrap_or(name).to_owned(), Vec::new()));
            is_inside = true;
        } else if line == "}" {
            is_inside = false;
        } else if let Some(said) = word.strip_prefix("///") {
            doc.push(said.trim().to_owned());
            continue;
        } else if let Some(attribute) = word.strip_prefix("#[serde(") {
            let quoted = |key: &str| attribute.split_once(key)?.1.split('"').next();
            renamed = quoted("rename = \"").or(renamed);
            by_way_of = quoted("try_from = \"").or(by_way_of);
            continue;
        } else if word.starts_with("#[") {
            continue;
        } else if is_inside && !doc.is_empty() {
            let name = word.strip_prefix("pub ").unwrap_or(word);
            let end = name.find(|c: char| c != '_' && !c.is_alphanumeric());
            let name = &name[..end.unwrap_or(name.len())];
            let fields = &mut all.last_mut().expect("it is inside of one").1;
            fields.push((renamed.map_or(camel(name), str::to_owned), doc.join(" ")));
        }
        (doc, renamed) = (Vec::new(), None);
    }
    all.retain(|(_, fields)| !fields.is_empty());
    all
}

/// A name of Rust's as manifests spell it.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default();
    let mut spelt = first[..1].to_lowercase() + &first[1..];
    for word in words.filter(|word| !word.is_empty()) {
        spelt += &(word[..1].to_uppercase() + &word[1..]);
    }
    spelt
}

/// All files in a folder and below, but for hidden ones.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the exercises are there") {
        let entry = entry.expect("a folder can be listed");
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
