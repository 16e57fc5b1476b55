"""The first crossing: every table of the lakehouse through `mms run`, then read by PyODPS from the
sandbox and compared value by value with what Spark (corpus) and delta-rs (TPC-H) read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import REFUSED, Mms, Sandbox, start_sandbox, stop_sandbox
from deltalake import DeltaTable
from value_text import odps_rows, table_rows

# Values beyond nanosecond timestamps, which Python's own cannot show: value_policy_test.py reads
# such by SQL.
FAR = {"far_instants"}


@pytest.fixture(scope="module")
def crossed(
    mms_bin: str, lake: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mms, Sandbox, dict[str, Any]]]:
    """All readable tables moved once."""
    folder = tmp_path_factory.mktemp("crossing")
    sandbox = start_sandbox(mms_bin, folder / "sandbox")
    try:
        mms = Mms(mms_bin, lake, sandbox, folder)
        unreadable = [f"corpus.{name}" for name in [*REFUSED, *FAR, "v1"]]
        mms.config["tables"] = [
            {"include": "tpch.*"},
            {"include": "corpus.*", "exclude": unreadable},
        ]
        run = mms.run("run")
        assert run.code == 0, run.out + run.err
        report = mms.run("report")
        assert report.code == 0, report.err
        yield mms, sandbox, {table["target_table"]: table for table in report.of("report_table")}
    finally:
        stop_sandbox(sandbox)


def movable(lake: dict[str, Any]) -> list[dict[str, Any]]:
    skip = {*REFUSED, *FAR}
    return [table for table in lake["tables"] if table["table"] not in skip]


def key(row: dict[str, Any]) -> str:
    """A row without regard to the case and order of column names, at any depth."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name.lower(): plain(item) for name, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list) else value

    return json.dumps(plain(row), sort_keys=True)


def partition_text(value: Any, kind: str) -> Any:
    """A partition value of Spark as MaxCompute keeps it: text; a timestamp without idle zeros."""
    if value is None or isinstance(value, bool):
        return value if value is None else str(value).lower()
    return value.rstrip("0").rstrip(".") if kind.startswith("timestamp") else value


def expected_rows(entry: dict[str, Any]) -> list[dict[str, Any]]:
    if entry["expected"] is None:
        return table_rows(DeltaTable(entry["folder"]).to_pyarrow_table())
    about = json.loads(Path(entry["expected"]).read_text("utf-8"))
    kinds = {column["name"]: column["type"] for column in about["columns"]}
    rows = []
    for line in Path(entry["expected"]).with_suffix(".jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        for name in about["partition_columns"]:
            row[name] = partition_text(row[name], kinds[name])
        rows.append(row)
    return rows


def test_every_table_is_reported_as_match(
    crossed: tuple[Mms, Sandbox, dict[str, Any]], lake: dict[str, Any]
) -> None:
    report = crossed[2]
    assert {name: table["verdict"] for name, table in report.items()} == {
        table["table"]: "Match" for table in movable(lake)
    }
    for entry in movable(lake):
        assert report[entry["table"]]["version"] == entry["version"]


def test_every_value_equals_what_spark_and_delta_rs_read(
    crossed: tuple[Mms, Sandbox, dict[str, Any]], lake: dict[str, Any]
) -> None:
    odps = crossed[1].odps()
    compared = 0
    for entry in movable(lake):
        name = entry["table"]
        got = Counter(map(key, odps_rows(odps, name)))
        want = Counter(map(key, expected_rows(entry)))
        assert got == want, (
            f"{name}: not in the source: {list((got - want).items())[:3]}, "
            f"missing at the target: {list((want - got).items())[:3]}"
        )
        compared += sum(want.values())
    assert compared > 80_000


def test_pyodps_counts_by_sql_what_the_report_says(
    crossed: tuple[Mms, Sandbox, dict[str, Any]]
) -> None:
    _, sandbox, report = crossed
    odps = sandbox.odps()
    for name in ("lineitem", "orders", "nested", "odd_parts"):
        with odps.execute_sql(f"SELECT COUNT(*) AS n FROM {name}").open_reader() as reader:
            assert int(reader[0]["n"]) == report[name]["rows_target"]
    with odps.execute_sql("SELECT SUM(l_quantity) AS q FROM lineitem").open_reader() as reader:
        assert Decimal(str(reader[0]["q"])) > 0


def test_a_second_run_copies_nothing(
    crossed: tuple[Mms, Sandbox, dict[str, Any]], tmp_path: Path
) -> None:
    mms, sandbox, _ = crossed
    before = {path: path.stat().st_mtime_ns for path in sandbox.data.rglob("*.parquet")}
    again = mms.run("run")
    assert again.code == 0, again.err
    assert {path: path.stat().st_mtime_ns for path in sandbox.data.rglob("*.parquet")} == before


def test_tables_that_cannot_be_taken_are_refused_by_name(mms: Mms) -> None:
    del mms.config["source"]["cluster"]  # by SQL one more could be tried
    mms.config["tables"] = [{"include": f"corpus.{name}"} for name in [*REFUSED, "v1"]]
    run = mms.run("run")
    assert run.code == 4, run.out + run.err
    report = mms.run("report")
    errors = {
        table["source"].split(".")[-1]: table["error"]["code"]
        for table in report.of("report_table")
    }
    assert errors == {**REFUSED, "v1": "TABLE_KIND_UNSUPPORTED"}
    assert "fromTheFuture" in report.out
    assert mms.sandbox.odps().exist_table("renamed") is False


def test_a_timestamp_beyond_the_target_fails_its_table_and_no_other(mms: Mms) -> None:
    mms.config["tables"] = [{"include": "corpus.far_instants"}, {"include": "corpus.plain"}]
    mms.config["policy"]["on_timestamp_range"] = "fail"
    run = mms.run("run")
    assert run.code == 6, run.out + run.err
    tables = mms.run("report").of("report_table")
    report = {table["source"].split(".")[-1]: table for table in tables}
    assert report["plain"]["verdict"] == "Match"
    assert report["far_instants"]["error"]["code"] == "VALUE_TIMESTAMP_RANGE"
    del mms.config["policy"]["on_timestamp_range"]
    run = mms.run("run")
    assert run.code == 0, run.out + run.err
    tables = mms.run("report").of("report_table")
    assert {table["verdict"] for table in tables} == {"Match"}
    assert sum(table["record_blocks"] for table in tables) > 0
