"""What `mms report` writes about a small run, read by others: Python's csv."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun

ODD = "<b>&\"quoted\", it's 'odd'"


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    """Orders of three days and a small table have crossed; then someone changed a day, dropped
    another one, and a third table was refused."""
    local = LocalRun(mms_bin, sandbox, tmp_path)
    days = [f"2024-01-0{1 + row % 3}" for row in range(30)]
    orders = pa.table({"id": list(range(30)), "note": [ODD] * 30, "day": days})
    write_deltalake(tmp_path / "orders", orders, partition_by=["day"])
    write_deltalake(tmp_path / "small", pa.table({"id": [1, 2], "day": ["a", "b"]}))
    local.table(tmp_path / "orders", "orders")
    local.table(tmp_path / "small", "small")
    run = local.run()
    assert run.code == 0, run.out + run.err
    odps = sandbox.odps()
    odps.execute_sql("ALTER TABLE orders DROP PARTITION (day='2024-01-03')")
    odps.execute_sql(
        "INSERT OVERWRITE TABLE orders PARTITION (day='2024-01-02') "
        "SELECT id, IF(id = 4, 'x', note) FROM orders WHERE day = '2024-01-02'"
    )
    assert local.run("verify").code == 7
    local.table(tmp_path / "none", "gone")
    assert local.run().code != 0
    return local


def report(local: LocalRun, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a person calls it: without --json, and without any secret set."""
    command = [local.binary, "report", "-f", str(local.file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_csv_has_every_partition_as_the_ledger_knows_it(local: LocalRun, tmp_path: Path) -> None:
    out = tmp_path / "partitions.csv"
    done = report(local, "--format", "csv", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert report(local, "--format", "csv").stdout == out.read_text("utf-8")  # line ends alike
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert all(line.endswith(b"\r") for line in out.read_bytes().split(b"\n")[:-1])
    by_place = {(row["target_table"], row["partition"]): row for row in rows}
    assert len(by_place) == len(rows) == 5
    verdicts = {place: row["verdict"] for place, row in by_place.items()}
    assert verdicts == {
        ("orders", "day=2024-01-01"): "Match",
        ("orders", "day=2024-01-02"): "Mismatch",
        ("orders", "day=2024-01-03"): "MissingInTarget",
        ("small", ""): "Match",
        ("", ""): "Failed",
    }
    whole = by_place["orders", "day=2024-01-01"]
    counts = [whole[name] for name in ("rows_source", "rows_copied", "rows_target", "files")]
    assert counts == ["10", "10", "10", "1"]
    assert (whole["state"], whole["version"]) == ("verified", "0")
    assert whole["source_checksum"] == whole["target_checksum"] != ""
    changed = by_place["orders", "day=2024-01-02"]
    assert changed["source_checksum"] != changed["target_checksum"]
    assert "values differ in column note" in changed["difference"]
    gone = by_place["orders", "day=2024-01-03"]
    assert (gone["rows_copied"], gone["rows_target"], gone["target_checksum"]) == ("10", "", "")
    assert "[DELTA_NOT_FOUND]" in by_place["", ""]["error"]
    tables = local.report()
    assert int(whole["bytes"]) * 3 == pytest.approx(tables["orders"]["bytes"], rel=0.2)
    orders = [row for row in rows if row["target_table"] == "orders"]
    assert sum(int(row["bytes"]) for row in orders) == tables["orders"]["bytes"]


def test_a_file_that_cannot_be_written_is_named(local: LocalRun, tmp_path: Path) -> None:
    out = tmp_path / "no" / "report.csv"
    done = report(local, "--format", "csv", "--out", str(out))
    assert done.returncode == 3
    assert f"file {out}" in done.stderr
    assert "[OUTPUT_NOT_WRITABLE]" in done.stderr


def test_two_formats_at_once_are_wrong_usage(local: LocalRun) -> None:
    assert report(local, "--format", "csv", "--json").returncode == 2
    assert report(local, "--format", "xls").returncode == 2
