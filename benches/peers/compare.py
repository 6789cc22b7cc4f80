"""Runs the same M/M/1 queue on each simulator in turn, several times, and prints the medians.

Called by run.sh, which builds and installs what is run here.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUST = ROOT / "target/peers/rust/release"
SCENARIO = ROOT / "scenarios/mm1/scenario.yaml"
MESHSIM = ROOT / "target/release/meshsim"

# Arrivals at 800/s, service at 1000/s: 1 / (1000 - 800) seconds.
EXACT_MEAN_MS = 5.0
# Of a run of the fewest customers, by a wide margin.
TOLERANCE = 0.1

# Name, command, customers: as many as take about a second or two.
PEERS = [
    ("binary heap, no framework", [RUST / "floor"], 5_000_000),
    ("meshsim's kernel alone", [RUST / "mm1_kernel"], 5_000_000),
    ("desque", [RUST / "mm1_desque"], 5_000_000),
    ("NeXosim, 1 thread", [RUST / "mm1_nexosim"], 1_000_000),
    ("SimPy", [sys.executable, ROOT / "benches/peers/mm1_simpy.py"], 200_000),
]
MESHSIM_NAME = "meshsim run scenarios/mm1"


def run_peer(command, customers):
    """Customers a second and the mean time in the system in milliseconds."""
    output = subprocess.run(
        [*map(str, command), str(customers)], check=True, capture_output=True, text=True
    ).stdout
    served, wall, mean = map(float, output.split())
    return served / wall, mean


def run_meshsim():
    """The same for the whole engine: sidecars, routes, load balancing, measurements."""
    out = ROOT / "target/peers/mm1"
    result = subprocess.run(
        [str(MESHSIM), "run", str(SCENARIO), "-o", "json", "--jobs", "1", "--out", str(out)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    run = json.loads(result)
    return run["requests"] / run["wall_seconds"], run["traffic"][0]["latency_ms"]["mean"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each is run (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="times the customers of peers")
    arguments = parser.parse_args()

    runs = [
        (name, lambda command=command, n=int(customers * arguments.scale): run_peer(command, n))
        for name, command, customers in PEERS
    ]
    if MESHSIM.exists() and SCENARIO.exists():
        runs.append((MESHSIM_NAME, run_meshsim))
    else:
        print("meshsim or its scenario is missing: only peers are run", file=sys.stderr)

    samples = {name: [] for name, _ in runs}
    for _ in range(arguments.runs):
        for name, run in runs:
            samples[name].append(run())

    ours = samples.get(MESHSIM_NAME)
    ours = statistics.median(rate for rate, _ in ours) if ours else None
    print(f"{'':28}{'customers/s':>14}{'mean ms':>10}{'meshsim is':>14}")
    is_exact = True
    for name, _ in runs:
        rate = statistics.median(rate for rate, _ in samples[name])
        mean = statistics.fmean(mean for _, mean in samples[name])
        is_exact &= abs(mean / EXACT_MEAN_MS - 1) < TOLERANCE
        ratio = f"{ours / rate:.2f} x" if ours else "-"
        print(f"{name:28}{rate:14,.0f}{mean:10.3f}{ratio:>14}")
    if not is_exact:
        sys.exit(f"a mean time in the system is not near {EXACT_MEAN_MS} ms")


if __name__ == "__main__":
    main()
