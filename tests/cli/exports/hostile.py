"""Holds what a run with awkward names exported against these names, by readers of each format.

`hostile.py FOLDER SCENARIO TRAFFIC...`: the names as the scenario has them.
"""

import csv
import json
import pathlib
import re
import sys

import pydot
from google.protobuf.json_format import Parse
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from prometheus_client.openmetrics.parser import text_string_to_metric_families

folder = pathlib.Path(sys.argv[1])


def read(name):
    return (folder / name).read_text(encoding="utf-8")


scenario, traffic = sys.argv[2], set(sys.argv[3:])
assert any(name.startswith("=") for name in traffic) and len(traffic) == 3, traffic

# CSV: names come back as they are.
rows = list(csv.DictReader(read("requests_total.csv").splitlines()))
assert {row["caller"] for row in rows if row["reporter"] == "source"} == traffic
rows = list(csv.DictReader(read("access_log.csv").splitlines()))
assert any(row["path"] == "/login?q=<a>&b=%22'\\" for row in rows)

# Graphviz: labels are two lines, a name and a detail.
(graph,) = pydot.graph_from_dot_data(read("graph.dot"))


def text(quoted):
    assert quoted[0] == quoted[-1] == '"', quoted
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], quoted[1:-1])


assert text(graph.get_name()) == scenario, graph.get_name()
nodes = {node.get_name(): node for node in graph.get_nodes() if node.get_label()}
labels = {text(node.get_label()).split("\n")[0] for node in nodes.values()}
assert traffic < labels, labels
assert len(graph.get_edges()) == 3
assert all(e.get_source() in nodes and e.get_destination() in nodes for e in graph.get_edges())

# Mermaid: every line is of the grammar of flowcharts, with labels between quotes in which all else is an entity.
label = r'"((?:[^"#<>&`;\n]|#\d+;|<br/>)*)"'
node = re.compile(rf"    (n\d+)(?:\[{label}\]|\(\[{label}\]\))")
edge = re.compile(rf"  (n\d+) -->\|{label}\| (n\d+)")
others = re.compile(rf"flowchart LR|  subgraph g\d+\[{label}\]|  end|  linkStyle \d+ stroke:red")
named, known, ends = set(), set(), set()
for line in read("graph.mmd").splitlines():
    if found := node.fullmatch(line):
        known.add(found[1])
        words = (found[2] or found[3]).split("<br/>")[0]
        named.add(re.sub(r"#(\d+);", lambda m: chr(int(m[1])), words))
    elif found := edge.fullmatch(line):
        ends |= {found[1], found[3]}
    else:
        assert others.fullmatch(line), line
assert traffic < named and ends == known, (named, ends, known)

# Traces: OTLP by its own library, and the keys that Chrome's format asks of each event.
data = Parse(read("traces.otlp.json"), TracesData())
spans = [s for r in data.resource_spans for scope in r.scope_spans for s in scope.spans]
values = {a.value.string_value for s in spans for a in s.attributes}
values |= {s.name for s in spans} | {
    a.value.string_value for r in data.resource_spans for a in r.resource.attributes
}
assert all(any(name in value for value in values) for name in traffic), values
for event in json.loads(read("trace.json"))["traceEvents"]:
    required = {"X": ["name", "ph", "ts", "dur", "pid", "tid"], "M": ["name", "ph", "pid", "args"]}
    assert all(key in event for key in required[event["ph"]]), event

# OpenMetrics: read whole.
assert list(text_string_to_metric_families(read("metrics.txt")))

# fortio: each line is one of those that `fortio load` prints.
number, seconds = r"\d+(?:\.\d+)?", r"\d+\.\d+"
lines = [
    rf"Traffic .+: {seconds}s measured : \d+ calls\. qps={seconds}",
    rf"Aggregated Function Time : count \d+ avg {seconds} \+/- {seconds} min {seconds} max {seconds} sum {seconds}",
    r"# range, mid point, percentile, count",
    rf">=? {number} <= {number} , {number} , {seconds}, \d+",
    rf"# target (?:50|75|90|99|99\.9)% {seconds}",
    r"Code +-?\d+ : \d+ \(\d+\.\d %\)",
    rf"All done \d+ calls : {seconds} ms avg, {seconds} qps",
    r"",
]
for line in read("fortio.txt").splitlines():
    assert any(re.fullmatch(wanted, line) for wanted in lines), line
