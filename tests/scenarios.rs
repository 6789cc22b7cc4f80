//! Every scenario of the course meets its expectations.

use std::process::Command;

#[test]
fn the_expectations_of_all_scenarios_hold() {
    let output = Command::new(env!("CARGO_BIN_EXE_meshsim"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["test", "scenarios"])
        .output()
        .expect("the binary runs");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}{complained}");
    assert!(
        said.contains("retry-storm-cure"),
        "folders inside folders are found: {said}"
    );
}
