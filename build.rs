//! Puts the files of the exercises into the binary, so that `meshsim learn` works from anywhere, and what the types of
//! manifests say of their fields, so that its editor can.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, iter};

use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Field, Item, Lit, Meta, Token};

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

/// The structs and enums of a file with the documents of their fields, as they are spelt in manifests. What is read by way of
/// another type has that type's name.
fn documented(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let file = syn::parse_file(text).expect("it compiles");
    let named = |field: &Field| Some((field.ident.clone()?, field.attrs.clone()));
    let types = file.items.iter().filter_map(|item| match item {
        Item::Struct(one) => {
            let fields = one.fields.iter().filter_map(named);
            Some((&one.ident, &one.attrs, fields.collect::<Vec<_>>()))
        }
        Item::Enum(one) => {
            let fields = one.variants.iter().flat_map(|variant| {
                let own = (variant.ident.clone(), variant.attrs.clone());
                iter::once(own).chain(variant.fields.iter().filter_map(named))
            });
            Some((&one.ident, &one.attrs, fields.collect()))
        }
        _ => None,
    });
    let all = types.map(|(name, attributes, fields)| {
        let owner = serde(attributes, "try_from").unwrap_or_else(|| name.to_string());
        let fields = fields.into_iter().filter_map(|(name, attributes)| {
            let spelt = serde(&attributes, "rename");
            let spelt = spelt.unwrap_or_else(|| camel(&name.unraw().to_string()));
            Some((spelt, doc(&attributes)?))
        });
        (owner, fields.collect::<Vec<_>>())
    });
    all.filter(|(_, fields)| !fields.is_empty()).collect()
}

/// The document that attributes hold, in one line.
fn doc(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let is_doc = pair.path.is_ident("doc");
        is_doc.then(|| text(&pair.value))?
    });
    let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    (!lines.is_empty()).then(|| lines.join(" "))
}

/// The text that serde's attribute gives a key.
fn serde(attributes: &[Attribute], key: &str) -> Option<String> {
    let own = attributes.iter().filter(|one| one.path().is_ident("serde"));
    let mut keys = own.filter_map(|one| {
        let written = Punctuated::<Meta, Token![,]>::parse_terminated;
        one.parse_args_with(written).ok()
    });
    keys.find_map(|keys| {
        keys.iter().find_map(|meta| match meta {
            Meta::NameValue(pair) if pair.path.is_ident(key) => text(&pair.value),
            _ => None,
        })
    })
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
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
