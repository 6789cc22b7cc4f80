//! Puts the files of the exercises into the binary, so that `meshsim learn` works from anywhere.

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
