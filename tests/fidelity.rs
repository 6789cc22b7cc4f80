//! `docs/fidelity.md` is what the engine says of itself: set `MESHSIM_UPDATE=1` to write it anew.

use control_plane::fidelity::{self, Fidelity};
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn the_fidelity_table_is_what_the_engine_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fidelity.md");
    let wanted = document();
    if std::env::var_os("MESHSIM_UPDATE").is_some() {
        std::fs::write(&file, &wanted).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/fidelity.md is out of date: run `MESHSIM_UPDATE=1 cargo test fidelity`"
    );
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    let mut kind = "";
    for row in fidelity::rows() {
        if row.kind != kind {
            kind = row.kind;
            write!(
                text,
                "\n## {kind}\n\n| field | fidelity | remark |\n| --- | --- | --- |\n"
            )
            .expect("a string");
        }
        let (state, remark) = match row.fidelity {
            Fidelity::Exact => ("exact", ""),
            Fidelity::Approximate(remark) => ("approximate", remark),
            Fidelity::NotSimulated(remark) => ("**not simulated**", remark),
        };
        writeln!(text, "| `{}` | {state} | {remark} |", row.field).expect("a string");
    }
    text.push_str(TAIL);
    text
}

const HEAD: &str = "\
# Fidelity

How true each field is that steers traffic. *Exact* means: decided as Istio's and Envoy's documentation, source and observed
behaviour say, as far as our specification of them goes; what proxies are told is compared with what the real Pilot told them
in [recorded cases](conformance.md), and the proxy with a [running Envoy](live.md). *Not simulated* fields are reported by
`meshsim analyze`, and by `run`, wherever a manifest uses them.

Generated from the engine by `MESHSIM_UPDATE=1 cargo test fidelity`.
";

const TAIL: &str = "
## The world

| what | fidelity | remark |
| --- | --- | --- |
| server's sidecar | approximate | it costs latency and appears in `explain`, but its own limits and retries are not simulated |
| connections | approximate | connecting takes one round trip; TLS handshakes cost nothing; connections are never idle too long |
| client without a sidecar | approximate | each request is a connection of its own, so that each meets a pod drawn at random |
| pass-through and TCP | approximate | a request goes where it was dialled, without routes, retries or timeouts |
| worker threads of a proxy | approximate | one, as with `concurrency: 1` |
| workers of a pod | approximate | a worker is held from the start of its own work to the end of the calls that it makes |
| ListenerSet, UDPRoute, waypoints | **not simulated** | such objects are kept, counted and reported |
";
