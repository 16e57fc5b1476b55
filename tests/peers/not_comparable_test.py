"""What was copied and cannot be compared, however often that is tried, says so: NotComparable."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from compare_again_test import by_count  # noqa: F401
from conftest import LAKEHOUSE, Mms, Sandbox
from deltalake import DeltaTable, write_deltalake
from local_run import LocalRun
from sql_read_test import sql_lake  # noqa: F401
from sync_test import control, put, rows  # noqa: F401


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    columns = {
        "n": pa.array([1, 2, 3, 4], pa.int32()),
        "s": ["a", "b", None, "d"],
        "p": ["x", "y", "x", "y"],
    }
    write_deltalake(tmp_path / "t", pa.table(columns), partition_by=["p"])
    local.table(tmp_path / "t", "t")
    return local


def good(local: LocalRun, verb: str = "run", code: int = 0) -> dict[str, Any]:
    run = local.run(verb)
    assert run.code == code, run.out + run.err
    return local.report()["t"]


@pytest.mark.parametrize("level", ["none", "count"])
@pytest.mark.parametrize("by", ["auto", "select"])
def test_values_of_which_no_checksum_was_taken(local: LocalRun, level: str, by: str) -> None:
    local.config["policy"] |= {"verify": level, "verify_by": by}
    report = good(local)
    assert report["verdict"] == {"none": "NotCompared", "count": "Match"}[level]
    local.config["policy"]["verify"] = "checksum"
    report = good(local, "verify")
    assert (report["verdict"], report["rows_target"]) == ("NotComparable", 4)
    assert "2 rows on both sides" in report["reasons"][0]
    assert "no checksum was taken" in report["reasons"][0]
    summary = local.run("report").of("summary")[0]
    assert summary["verdicts"]["NotComparable"] == 1
    assert summary["verdicts"]["Match"] == 0
    assert "NotComparable" in local.text("report")
    assert "v-NotComparable" in local.text("report", "--format", "html")

    # A run has nothing to do, and what can be compared is.
    assert good(local)["verdict"] == "NotComparable"
    local.config["policy"]["verify"] = "count"
    assert good(local, "verify")["verdict"] == "Match"

    # Other rows are a difference all the same.
    table = local.sandbox.odps().get_table("t")
    with table.open_writer(partition="p='x'") as writer:
        writer.write([[9, "z"]])
    local.config["policy"]["verify"] = "checksum"
    report = good(local, "verify", code=7)
    assert report["verdict"] == "Mismatch"
    assert report["reasons"][0] == "partition p=x: 2 rows at the source, 3 at the target"
    assert "no checksum was taken" in report["reasons"][1]


def test_without_rows_there_is_nothing_to_compare(
    mms_bin: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    write_deltalake(tmp_path / "t", pa.table({"n": pa.array([], pa.int32())}))
    local.table(tmp_path / "t", "t")
    local.config["policy"]["verify"] = "count"
    assert good(local)["verdict"] == "Match"
    local.config["policy"]["verify"] = "checksum"
    assert good(local, "verify")["verdict"] == "Match"


@pytest.mark.parametrize("by", ["auto", "select"])
def test_a_column_of_another_type_is_none_that_can_be_compared(local: LocalRun, by: str) -> None:
    local.config["policy"]["verify_by"] = by
    assert good(local)["verdict"] == "Match"
    local.sandbox.odps().execute_sql("ALTER TABLE t CHANGE COLUMN n n BIGINT")
    report = good(local, "verify")
    assert report["verdict"] == "NotComparable"
    assert "column n is BIGINT at the target, and was INT" in report["reasons"][0]
    local.config["policy"]["verify"] = "count"
    assert good(local, "verify")["verdict"] == "Match"


@pytest.mark.parametrize("by", ["auto", "select"])
def test_a_column_that_is_gone_is_a_difference(local: LocalRun, by: str) -> None:
    local.config["policy"]["verify_by"] = by
    assert good(local)["verdict"] == "Match"
    local.sandbox.odps().execute_sql("ALTER TABLE t DROP COLUMNS (s)")
    report = good(local, "verify", code=7)
    assert report["verdict"] == "Mismatch"
    assert "2 rows on both sides; column s is no longer at the target" in report["reasons"][0]


def of_target(mms: Mms, name: str) -> dict[str, Any]:
    report = {line["target_table"]: line for line in mms.run("report").of("report_table")}
    return report[name]


def test_a_table_chosen_by_location_cannot_be_counted_by_sql(
    by_count: tuple[Mms, Sandbox],  # noqa: F811
    tmp_path: Path,
) -> None:
    mms, _ = by_count
    write_deltalake(str(tmp_path / "t"), pa.table({"n": [1, 2]}))
    mms.config["tables"] = [{"location": (tmp_path / "t").as_uri(), "as": "t"}]
    run = mms.run("run")
    assert run.code == 0, run.out + run.err
    report = of_target(mms, "t")
    assert (report["verdict"], report["rows_target"]) == ("NotComparable", 2)
    assert "VERIFY_BY_SQL" in report["reasons"][0]
    assert "compare by checksum or count" in report["reasons"][0]


@pytest.fixture
def in_spark(spark_address: str) -> Iterator[Callable[[str, Path], None]]:
    """in_spark(name, folder): Spark has the Delta table of the folder under its name."""
    sys.path.insert(0, str(LAKEHOUSE.parent))
    from hive_client import HiveClient

    spark = HiveClient(spark_address)
    session = spark.open_session()
    names = []

    def add(name: str, folder: Path) -> None:
        spark.execute(session, f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
        spark.execute(session, f"CREATE TABLE {name} USING delta LOCATION '{folder}'")
        names.append(name)

    yield add
    for name in names:
        spark.execute(session, f"DROP TABLE {name}")
    spark.close_session(session)


def test_a_version_that_the_source_has_no_more_cannot_be_counted(
    by_count: tuple[Mms, Sandbox],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    in_spark: Callable[[str, Path], None],
    sql_lake: dict[str, Any],  # noqa: F811
) -> None:
    mms, sandbox = by_count
    gone = put("gone", {"a": 3, "b": 4})
    in_spark("synced.gone", gone)
    mms.config["tables"] = [{"include": "synced.gone"}]
    run = mms.run("run")
    assert run.code == 0, run.out + run.err
    report = of_target(mms, "gone")
    assert report["verdict"] == "Match", report["reasons"]

    # The log is cleaned up to the newest version, as Delta does after its retention.
    write_deltalake(str(gone), rows({"a": 1}), mode="append")
    DeltaTable(str(gone)).create_checkpoint()
    (gone / "_delta_log" / f"{0:020}.json").unlink()
    run = mms.run("verify")
    assert run.code == 0, run.out + run.err
    report = of_target(mms, "gone")
    assert (report["verdict"], report["rows_target"]) == ("NotComparable", 7)
    assert "the source cannot be counted" in report["reasons"][0]
    assert "version 0" in report["reasons"][0], report["reasons"]

    # So it is of a table that is no more; what went at the target is seen all the same.
    control(sql_lake, "POST", "table", {"schema": "synced", "name": "gone", "drop": True})
    sandbox.odps().execute_sql("ALTER TABLE gone DROP PARTITION (p='a')")
    run = mms.run("verify")
    assert run.code == 7, run.out + run.err
    report = of_target(mms, "gone")
    assert report["verdict"] == "MissingInTarget"
    assert any("DATABRICKS_TABLE_NOT_FOUND" in reason for reason in report["reasons"])
