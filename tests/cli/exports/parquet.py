"""Holds the access log in Parquet against the same log in CSV: `parquet.py FOLDER`."""

import sys

import duckdb

folder = sys.argv[1]


def one(query):
    return duckdb.sql(query).fetchall()[0]


for name, keys in [
    ("access_log", "response_code, response_flags, caller"),
    ("access_log_tries", "outcome, response_code, caller"),
]:
    parquet = f"'{folder}/{name}.parquet'"
    csv = f"read_csv('{folder}/{name}.csv', all_varchar = true)"
    columns = duckdb.sql(f"SELECT * FROM {parquet} LIMIT 0")
    assert columns.columns == duckdb.sql(f"SELECT * FROM {csv} LIMIT 0").columns, name
    for column, kind in zip(columns.columns, map(str, columns.types)):
        seconds = column.endswith(("_seconds", "_ms"))
        integer = column in ("request", "response_code", "grpc_response_status", "tries", "try", "bytes_received", "bytes_sent")
        wanted = "DOUBLE" if seconds else "BIGINT" if integer else "VARCHAR"
        assert kind == wanted, (name, column, kind)
    # Every cell is the same, in the same order: text as it is, numbers as they are read.
    for column, kind in zip(columns.columns, map(str, columns.types)):
        left = duckdb.sql(f'SELECT "{column}" FROM {parquet}').fetchall()
        right = duckdb.sql(f'SELECT "{column}" FROM {csv}').fetchall()
        read = {"DOUBLE": float, "BIGINT": int, "VARCHAR": str}[kind]
        empty = "" if kind == "VARCHAR" else None
        right = [empty if cell in (None, "") else read(cell) for (cell,) in right]
        assert [cell for (cell,) in left] == right, (name, column)
    sums = f"SELECT count(*), sum(duration_ms), count(DISTINCT ({keys})) FROM "
    assert one(sums + parquet)[0] > 0, name
    first = duckdb.sql(f"SELECT created_by FROM parquet_file_metadata({parquet})").fetchall()
    assert first == [("meshsim",)], first
