//! Scenarios in folders are found and meet their expectations. Those that are no exercises do so in `gallery.rs`.

use std::process::Command;

#[test]
fn the_expectations_of_exercises_hold_and_folders_inside_folders_are_found() {
    let output = Command::new(env!("CARGO_BIN_EXE_meshsim"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["test", "scenarios/exercises", "scenarios/tasks"])
        .output()
        .expect("the binary runs");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}{complained}");
    assert!(
        said.contains("exercises-kit-shop") && said.contains("locality-failover"),
        "folders inside folders are found: {said}"
    );
}
