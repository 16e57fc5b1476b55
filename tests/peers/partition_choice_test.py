"""Only the partitions that `tables[].partitions` means cross, and the rest later."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import DeltaTable, write_deltalake
from local_run import LocalRun


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    return LocalRun(mms_bin, sandbox, tmp_path)


def write(folder: Path, days: range, mode: str = "append") -> None:
    rows = [(day, row) for day in days for row in range(10)]
    ids = [day * 100 + row for day, row in rows]
    table = pa.table({"day": [day for day, _ in rows], "id": ids})
    write_deltalake(folder, table, mode=mode, partition_by=["day"])


def copied(local: LocalRun) -> dict[int, int]:
    """Rows of each partition at the target, as PyODPS counts them."""
    table = local.sandbox.odps().get_table("orders")
    counts = {}
    for partition in table.partitions:
        with table.open_reader(partition=partition.name) as reader:
            counts[int(partition.partition_spec["day"])] = reader.count
    return counts


def times(local: LocalRun) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in local.sandbox.data.rglob("*.parquet")}


def test_the_partitions_that_are_meant_cross_and_the_rest_later(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write(folder, range(1, 6))
    local.table(folder, "orders", partitions="day >= 4 OR day IN (2)")
    planned = local.plan()["orders"]
    assert any("only the partitions with day >= 4" in line for line in planned["warnings"])
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert copied(local) == {2: 10, 4: 10, 5: 10}
    report = local.report()["orders"]
    assert (report["verdict"], report["rows_target"]) == ("Match", 30)

    # Another part: what is there stays as it is, also a partition that has left the source.
    before = times(local)
    DeltaTable(folder).delete("day = 5")
    local.config["tables"][0]["partitions"] = "day = 1"
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert copied(local) == {1: 10, 2: 10, 4: 10, 5: 10}
    assert local.report()["orders"]["rows_target"] == 10
    assert before.items() <= times(local).items()

    # All of it: only what has not crossed yet does; what has left the source stays, and is told.
    del local.config["tables"][0]["partitions"]
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert copied(local) == {1: 10, 2: 10, 3: 10, 4: 10, 5: 10}
    report = local.report()["orders"]
    assert report["verdict"] == "ExtraInTarget"
    assert before.items() <= times(local).items()


@pytest.mark.parametrize(
    ("partitions", "why"),
    [
        ("day >= ", "at character 8: a number, or a string in quotes, is expected"),
        ("hour = 1", '"hour" is no partition column; these are: day'),
        ("day = 'x'", "column day holds whole numbers"),
        ("day = 9", "none of the table's partitions meets day = 9"),
    ],
)
def test_a_condition_that_means_nothing_is_refused_by_name(
    local: LocalRun, tmp_path: Path, partitions: str, why: str
) -> None:
    folder = tmp_path / "orders"
    write(folder, range(1, 3))
    local.table(folder, "orders", partitions=partitions)
    assert local.run().code != 0
    error = local.report()[f"file://{folder}"]["error"]
    assert error["code"] == "PARTITION_FILTER"
    assert why in error["message"]
