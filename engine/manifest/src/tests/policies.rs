//! PeerAuthentication as its schema has it.

use super::*;
use crate::peer_authentication::MutualTlsMode;

#[test]
fn reads_what_is_asked_of_clients() {
    let policy = |spec: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{name: x}}\nspec: {spec}"
        )
    };
    let (resources, lines) = read(&policy(
        "{selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}}",
    ));
    assert_eq!(lines, [""; 0]);
    let spec = &resources.peer_authentications[0].spec;
    assert_eq!(
        spec.mtls.as_ref().map(|mtls| mtls.mode),
        Some(MutualTlsMode::Strict)
    );
    assert_eq!(spec.port_level_mtls["8080"].mode, MutualTlsMode::Disable);
    check(
        &policy("{portLevelMtls: {0: {}, x: {}}}"),
        &[
            "a.yaml:4:23: error: spec.portLevelMtls: single ports need a `selector`",
            "a.yaml:4:27: error: spec.portLevelMtls.0: `0` is out of range: expected 1 to 65535",
            "a.yaml:4:34: error: spec.portLevelMtls.x: `x` is not a port's number",
        ],
    );
}
