#!/bin/sh
# Builds the command and records anew what Istio says of all cases.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pilot=${MESHSIM_PILOT:-$(mktemp -d)/pilot}
(cd "$here" && go build -ldflags="-s -w" -o "$pilot" .)
cd "$here/../.."
"$pilot" record-verdicts engine/control_plane/tests/validation/*.yaml
"$pilot" record-findings engine/control_plane/tests/analysis/*.yaml
cargo test -p meshsim-control-plane --test validation --test analysis
MESHSIM_PILOT="$pilot" MESHSIM_UPDATE=1 cargo test -p meshsim-control-plane --test pilot
