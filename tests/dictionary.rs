//! `docs/data-dictionary.md` is what tables are written with: set `MESHSIM_UPDATE=1` to write it anew.

use std::path::Path;

#[test]
fn the_data_dictionary_is_what_tables_are_written_with() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/data-dictionary.md");
    let wanted = reports::data_dictionary();
    if std::env::var_os("MESHSIM_UPDATE").is_some() {
        std::fs::write(&file, &wanted).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/data-dictionary.md is out of date: run `MESHSIM_UPDATE=1 cargo test dictionary`"
    );
}
