#!/bin/sh
# The same M/M/1 queue in other simulators and in meshsim: customers per second, and whether the mean is right.
#
# Installs what a user of each would install, into throw-away places under target/peers. Arguments go to compare.py:
# --runs N, --scale X.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=$root/target/peers/python

cargo build --quiet --release --locked --manifest-path "$here/rust/Cargo.toml" --target-dir "$root/target/peers/rust"

if [ ! -x "$python/bin/python" ]; then
    python3 -m venv "$python"
fi
"$python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

cargo build --quiet --release --locked --manifest-path "$root/Cargo.toml" --target-dir "$root/target" --bin meshsim

exec "$python/bin/python" "$here/compare.py" "$@"
