#!/bin/sh
# Builds the command and records the answers to all cases anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pilot=${MESHSIM_PILOT:-$(mktemp -d)/pilot}
(cd "$here" && go build -ldflags="-s -w" -o "$pilot" .)
cd "$here/../.."
MESHSIM_PILOT="$pilot" MESHSIM_UPDATE=1 cargo test -p meshsim-control-plane --test pilot
