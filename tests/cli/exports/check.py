"""Reads what a run exported with the libraries of those who will read it, and compares it with the run's tables."""

import csv
import json
import pathlib
import sys
from collections import Counter

from google.protobuf.json_format import Parse
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from prometheus_client.openmetrics.parser import text_string_to_metric_families

folder = pathlib.Path(sys.argv[1])


def read(name):
    return (folder / name).read_text(encoding="utf-8")


def metrics():
    families = {f.name: f for f in text_string_to_metric_families(read("metrics.txt"))}
    requests = families["istio_requests"]
    assert requests.type == "counter", requests.type
    measured = Counter()
    for row in csv.DictReader(read("requests_total.csv").splitlines()):
        if row["request_protocol"] != "tcp":
            key = (row["reporter"], row["destination_workload"], row["response_code"])
            measured[key] += int(row["requests_total"])
    exported = Counter()
    for sample in requests.samples:
        labels = sample.labels
        key = (labels["reporter"], labels["destination_workload"], labels["response_code"])
        exported[key] += int(sample.value)
    assert exported == measured and exported, (exported, measured)
    durations = families["istio_request_duration_milliseconds"]
    assert durations.type == "histogram", durations.type
    counts = sum(s.value for s in durations.samples if s.name.endswith("_count"))
    assert counts == sum(measured.values()), counts
    envoy(families)


def envoy(families):
    def total(name, kind):
        family = families[name]
        assert family.type == kind, (name, family.type)
        assert all(s.labels["pod"] and s.labels["namespace"] for s in family.samples), name
        return int(sum(s.value for s in family.samples))

    # A run without failures: what clusters sent is what the tables say, and what is under way at the end.
    rows = list(csv.DictReader(read("retries.csv").splitlines()))
    tries = sum(int(row["tries"]) + int(row["mirrors"]) for row in rows)
    sent = total("envoy_cluster_upstream_rq_total", "unknown")
    active = total("envoy_cluster_upstream_rq_active", "gauge")
    assert sent == tries + active and tries, (sent, tries, active)
    answered, inbound = Counter(), Counter()
    for s in families["envoy_cluster_upstream_rq"].samples:
        of_server = s.labels["cluster_name"].startswith("inbound|")
        (inbound if of_server else answered)[s.labels["response_code_class"]] += int(s.value)
    assert answered == {"2xx": tries}, answered
    # Without a warm-up, what inbound clusters answered is what destinations report.
    rows_of_servers = list(csv.DictReader(read("requests_total.csv").splitlines()))
    reported = sum(
        int(row["requests_total"]) for row in rows_of_servers if row["reporter"] == "destination"
    )
    assert inbound == {"2xx": reported} and reported, (inbound, reported)
    received = total("envoy_http_downstream_rq_total", "unknown")
    assert received == sent, (received, sent)
    connections = total("envoy_cluster_upstream_cx_total", "unknown")
    # They live on.
    assert connections == total("envoy_cluster_upstream_cx_active", "gauge")
    # Nothing has a limit, so no breaker is open, and of Envoy's largest number what is in use is missing.
    breakers = "envoy_cluster_circuit_breakers_default_"
    for resource in ("rq", "rq_pending", "rq_retry", "cx"):
        assert total(f"{breakers}{resource}_open", "gauge") == 0, resource
    clusters = len(families[f"{breakers}remaining_cx"].samples)
    left = total(f"{breakers}remaining_cx", "gauge")
    assert left + connections == clusters * (2**32 - 1), (left, clusters)
    pools = list(csv.DictReader(read("pools.csv").splitlines()))
    assert max(int(row["connections_max"]) for row in pools) <= connections


def unpacked(file):
    """What `reports/src/saved/packed.rs` packs."""
    shared = []

    def value(packed):
        if isinstance(packed, str) and packed.startswith("~"):
            return shared[int(packed[2:])] if packed[1] == "@" else packed[1:]
        if not isinstance(packed, list):
            return packed
        head = packed[0] if packed else None
        if isinstance(head, str) and head[:1] == "~" and head[1:].isdigit():
            names = file["shapes"][int(head[1:])]
            return dict(zip(names, map(value, packed[1:]), strict=True))
        return [value(item) for item in packed]

    for item in file["shared"]:
        shared.append(value(item))
    return value(file["run"])


def traces():
    text = read("traces.otlp.json")
    data = Parse(text, TracesData())
    spans = [s for r in data.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert spans
    plain = [
        s
        for r in json.loads(text)["resourceSpans"]
        for scope in r["scopeSpans"]
        for s in scope["spans"]
    ]
    # The encoding of ids in OTLP is hexadecimal, and not that of other bytes in JSON.
    for span in plain:
        assert len(bytes.fromhex(span["traceId"])) == 16 and int(span["traceId"], 16)
        assert len(bytes.fromhex(span["spanId"])) == 8 and int(span["spanId"], 16)
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    ids = {(s["traceId"], s["spanId"]) for s in plain}
    assert len(ids) == len(plain) == len(spans)
    tops = [s for s in plain if "parentSpanId" not in s]
    for span in plain:
        assert "parentSpanId" not in span or (span["traceId"], span["parentSpanId"]) in ids
    kept = unpacked(json.loads(read("measurements.json")))["traces"]
    assert len(tops) == len(kept), (len(tops), len(kept))
    tries = sum(len(r.get("tries", [])) + 1 for t in kept for r in t["requests"])
    assert len(plain) == tries + len(kept), (len(plain), tries)
    return len(plain)


def chrome(spans):
    events = json.loads(read("trace.json"))["traceEvents"]
    complete = [e for e in events if e["ph"] == "X"]
    assert len(complete) == spans, (len(complete), spans)
    assert all(e["dur"] >= 0 and e["ts"] >= 0 for e in complete)
    lines = [(e["pid"], e["tid"]) for e in complete]
    assert len(set(lines)) == len(lines), "spans of one line overlap"
    assert {e["ph"] for e in events} == {"X", "M"}


metrics()
chrome(traces())
