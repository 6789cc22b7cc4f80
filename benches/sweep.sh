#!/bin/sh
# A sweep of 100 points in 5 replications: killed at random moments and resumed, and in four shards that are merged, it
# leaves the same bytes as in one go.
set -eu
meshsim=${MESHSIM:-meshsim}
scenario=${1:-scenarios/mm1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sweep() {
  "$meshsim" sweep "$scenario" --param 'traffic[0].rate=20/s..400/s:20/s' --param 'workloads[0].concurrency=1,2,4,8,16' \
    --set duration=60s --set warmUp=1s --replications 5 -q "$@" > /dev/null
}
sweep --out "$work/whole"
cells() { find "$work/killed/cells" -name '*.json' 2> /dev/null | wc -l; }
# Each attempt is killed when a random share of what is left is done.
for attempt in 1 2 3; do
  target=$(awk -v done="$(cells)" -v seed="$(date +%N)" 'BEGIN { srand(seed); print int(done + (500 - done) * (0.1 + 0.5 * rand())) }')
  sweep --out "$work/killed" &
  while kill -0 $! 2> /dev/null && [ "$(cells)" -lt "$target" ]; do sleep 0.01; done
  kill -9 $! 2> /dev/null || true
  wait $! 2> /dev/null || true
  echo "killed after $(cells) of 500 cells"
  [ "$(cells)" -lt 500 ] || { echo "the sweep was done before it was killed"; exit 1; }
done
sweep --out "$work/killed"
diff -r "$work/whole" "$work/killed"
for shard in 1 2 3 4; do sweep --shard "$shard/4" --out "$work/$shard"; done
"$meshsim" sweep --merge "$work/1" --merge "$work/2" --merge "$work/3" --merge "$work/4" --out "$work/merged" -q > /dev/null
diff -r "$work/whole" "$work/merged"
echo same
