"""Which changes of the source a scan finds for the next job: also those that leave the files of the
last scan, that another history brings, or that give the columns another meaning.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from delta_by_hand import DeltaByHand
from deltalake import DeltaTable, write_deltalake
from local_run import LocalRun
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import rows


def scan(jobs: Jobs) -> None:
    jobs.good("sync", "sales", "--schema", "moved")


def values(jobs: Jobs, table: str) -> list[tuple[Any, ...]]:
    """Rows at the target, in order; the partition's value is the last of each."""
    found = jobs.sandbox.odps().get_table(table, project="dw")
    parted = bool(found.table_schema.partitions)
    names = [partition.name for partition in found.partitions] if parted else [None]
    lines = []
    for name in names:
        with found.open_reader(partition=name) as reader:
            lines += [tuple(record.values) for record in reader]
    return sorted(lines, key=str)


def overwrite(folder: Path, parts: dict[str, int]) -> None:
    """Partition a has these rows alone, by a commit that no scan sees."""
    write_deltalake(str(folder), rows(parts), mode="overwrite", predicate="p = 'a'")


def clean_log(folder: Path, versions: list[int]) -> None:
    DeltaTable(str(folder)).create_checkpoint()
    for version in versions:
        (folder / "_delta_log" / f"{version:020}.json").unlink()


@pytest.mark.parametrize("cleaned", [False, True])
def test_a_partition_put_back_after_a_job_copied_another_state_is_copied_again(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], cleaned: bool
) -> None:
    folder = put("t", {"a": 3, "b": 2})
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    overwrite(folder, {"a": 1})
    jobs.move("--all")
    assert jobs.counts("t") == {"a": 1, "b": 2}
    DeltaTable(str(folder)).restore(0)
    if cleaned:
        clean_log(folder, [0, 1])
    scan(jobs)
    job = jobs.move()
    assert jobs.counts("t") == {"a": 3, "b": 2}
    # Of a log that was cleaned up nothing tells that b is what it was.
    assert [task["partitions"] for task in jobs.tasks(job)] == [2 if cleaned else 1]
    scan(jobs)
    jobs.refused()


def test_a_table_put_back_after_a_job_copied_another_state_is_copied_again(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    table = DeltaByHand(put("t", 1), [("n", "long", "")], mapped=False)
    first = table.file(pa.table({"n": [1, 2, 3]}))
    table.commit(first)
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    other = table.file(pa.table({"n": [9]}))
    table.commit(table.remove(first), other)
    jobs.move("--all")
    assert values(jobs, "t") == [(9,)]
    table.commit(table.remove(other), first)
    scan(jobs)
    jobs.move()
    assert values(jobs, "t") == [(1,), (2,), (3,)]


@pytest.mark.parametrize("cleaned", [False, True])
def test_a_partition_that_a_job_dropped_and_that_is_put_back_is_there_again(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], cleaned: bool
) -> None:
    folder = put("t", {"a": 3, "b": 2})
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    table = DeltaTable(str(folder))
    table.delete("p = 'a'")
    jobs.move("--all", "--set", "on_dropped_partition=drop")
    assert jobs.counts("t") == {"b": 2}
    DeltaTable(str(folder)).restore(0)
    if cleaned:
        clean_log(folder, [0, 1])
    scan(jobs)
    jobs.move()
    assert jobs.counts("t") == {"a": 3, "b": 2}


def test_what_was_compacted_after_a_job_copied_a_later_state_is_not_copied_again(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    folder = put("t", {"a": 3, "b": 2})
    write_deltalake(str(folder), rows({"a": 1}), mode="append")
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    write_deltalake(str(folder), rows({"b": 1}), mode="append")
    jobs.move("--all")
    DeltaTable(str(folder)).optimize.compact()
    scan(jobs)
    job = jobs.move()
    # b alone, which its own commit touched.
    assert [task["partitions"] for task in jobs.tasks(job)] == [1]
    scan(jobs)
    jobs.refused()


# Another history. ---------------------------------------------------------------------------------


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": pa.array(values, pa.int64())})


@pytest.mark.parametrize("grows", [False, True])
def test_a_table_put_back_from_a_backup_and_written_on_is_copied_again(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], grows: bool
) -> None:
    fields = [("n", "long", ""), ("p", "string", "")]
    table = DeltaByHand(put("t", 1), fields, ["p"], mapped=False)
    table.commit(table.file(numbers(1), p="x"))
    table.commit(table.file(numbers(2), p="x"))
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    table.go_back(1)
    table.commit(table.file(numbers(71, 72), p="x"))
    if grows:
        table.commit(table.file(numbers(9), p="y"))
    scan(jobs)
    jobs.move()
    expected = [(1, "x"), (71, "x"), (72, "x")] + [(9, "y")] * grows
    assert values(jobs, "t") == expected
    scan(jobs)
    jobs.refused()


def test_a_state_that_a_job_copied_and_a_backup_undid_is_copied_again(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    fields = [("n", "long", ""), ("p", "string", "")]
    table = DeltaByHand(put("t", 1), fields, ["p"], mapped=False)
    table.commit(table.file(numbers(1), p="x"), table.file(numbers(2), p="y"))
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    table.commit(table.file(numbers(5), p="x"))
    jobs.move("--all")
    assert values(jobs, "t") == [(1, "x"), (2, "y"), (5, "x")]
    table.go_back(1)
    table.commit(table.file(numbers(71, 72), p="y"))
    scan(jobs)
    jobs.move()
    assert values(jobs, "t") == [(1, "x"), (2, "y"), (71, "y"), (72, "y")]


def test_a_state_that_a_job_copied_and_that_is_no_more_is_copied_again(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    table = DeltaByHand(put("t", 1), [("n", "long", "")], mapped=False)
    table.commit(table.file(numbers(1)))
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    table.commit(table.file(numbers(2)))
    jobs.move("--all")
    table.go_back(1)
    scan(jobs)
    jobs.move()
    assert values(jobs, "t") == [(1,)]
    scan(jobs)
    jobs.refused()


def test_a_run_after_a_backup_was_put_back_and_written_on_copies_again(
    mms_bin: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    table = DeltaByHand(tmp_path / "kept", [("n", "long", "")], mapped=False)
    table.commit(table.file(numbers(1)))
    table.commit(table.file(numbers(2)))
    local.table(table.folder, "kept")
    assert local.run().code == 0
    table.go_back(1)
    table.commit(table.file(numbers(71, 72)))
    assert local.run().code == 0
    with sandbox.odps().get_table("kept").open_reader() as reader:
        assert sorted(record[0] for record in reader) == [1, 71, 72]


# Other columns. -----------------------------------------------------------------------------------

A, B, P = ("a", "integer", "c1"), ("b", "integer", "c2"), ("p", "string", "c3")


def ints(**columns: list[int]) -> pa.Table:
    return pa.table({name: pa.array(column, pa.int32()) for name, column in columns.items()})


@pytest.fixture
def mapped(put: Callable[..., Path]) -> DeltaByHand:
    """Partition x of the columns a and b."""
    table = DeltaByHand(put("t", 1), [A, B, P], ["p"])
    table.commit(table.file(ints(c1=[1, 2], c2=[10, 20]), c3="x"))
    return table


def test_columns_that_swap_names_copy_all_partitions_again(
    make_jobs: Callable[..., Jobs], mapped: DeltaByHand
) -> None:
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    mapped.commit(mapped.metadata([("a", "integer", "c2"), ("b", "integer", "c1"), P]))
    scan(jobs)
    jobs.move()
    assert values(jobs, "t") == [(10, 1, "x"), (20, 2, "x")]
    scan(jobs)
    jobs.refused()


@pytest.mark.parametrize("scanned_between", [False, True])
def test_a_column_dropped_and_added_again_is_null_in_all_partitions(
    make_jobs: Callable[..., Jobs], mapped: DeltaByHand, scanned_between: bool
) -> None:
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    mapped.commit(mapped.metadata([A, P]))
    if scanned_between:
        scan(jobs)
    mapped.commit(mapped.metadata([A, ("b", "integer", "c9"), P]))
    scan(jobs)
    jobs.move()
    assert values(jobs, "t") == [(1, None, "x"), (2, None, "x")]


def test_a_new_column_copies_no_partition_again(
    make_jobs: Callable[..., Jobs], mapped: DeltaByHand
) -> None:
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    mapped.commit(mapped.metadata([A, B, ("c", "integer", "c4"), P]))
    scan(jobs)
    jobs.refused()


def nested(k: int, **fields: int) -> pa.Table:
    """Columns k1 and the struct s1 of these fields."""
    types = pa.struct([(name, pa.int32()) for name in fields])
    return pa.table({"k1": pa.array([k], pa.int32()), "s1": pa.array([fields], types)})


K, X = ("k", "integer", "k1"), ("x", "integer", "x1")
FIRST = [K, ("s", [X, ("y", "integer", "y1")], "s1")]
AGAIN = [K, ("s", [X, ("y", "integer", "y9")], "s1")]


def fields_of(value: Any) -> tuple[Any, Any]:
    """x and y of a struct, as PyODPS gives it: by name or by place."""
    found = value if isinstance(value, dict) else value._asdict()
    return (found["x"], found["y"])


@pytest.mark.parametrize("parted", [False, True])
def test_a_field_dropped_and_added_again_is_null_for_later_jobs(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], parted: bool
) -> None:
    more = [P] * parted
    value = {"c3": "x"} if parted else {}
    table = DeltaByHand(put("t", 1), FIRST + more, ["p"] * parted)
    table.commit(table.file(nested(1, x1=5, y1=50), **value))
    jobs = make_jobs()
    scan(jobs)
    jobs.move()
    table.commit(table.metadata(AGAIN + more))
    value = {"c3": "y"} if parted else {}
    table.commit(table.file(nested(2, x1=6, y9=60), **value))
    scan(jobs)
    jobs.move()
    assert [fields_of(row[1]) for row in values(jobs, "t")] == [(5, None), (6, 60)]


def test_a_field_dropped_and_added_again_is_null_for_later_runs(
    mms_bin: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    table = DeltaByHand(tmp_path / "fields", FIRST)
    table.commit(table.file(nested(1, x1=5, y1=50)))
    local.table(table.folder, "fields")

    def moved() -> list[tuple[Any, Any]]:
        assert local.run().code == 0
        with sandbox.odps().get_table("fields").open_reader() as reader:
            found = sorted((tuple(record.values) for record in reader), key=str)
        return [fields_of(row[1]) for row in found]

    assert moved() == [(5, 50)]
    table.commit(table.metadata(AGAIN))
    assert moved() == [(5, None)]
    table.commit(table.file(nested(2, x1=6, y9=60)))
    assert moved() == [(5, None), (6, 60)]


def test_a_table_with_other_partition_columns_than_scanned_is_not_copied(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    other, none = put("other", {"a": 2, "b": 1}), put("none", {"a": 2, "b": 1})
    scan(jobs)
    job = jobs.create()
    new = pa.table({"n": [1, 2, 3], "p": ["a", "b", "c"], "q": ["x", "y", "x"]})
    for folder, columns in ((other, ["q"]), (none, None)):
        shutil.rmtree(folder)
        write_deltalake(str(folder), new, partition_by=columns)
    assert "PARTITION_COLUMNS_CHANGED" in jobs.job("run").err
    for task in jobs.tasks(job):
        assert (task["status"], task["rows_copied"]) == ("SCHEMA_FAILED", None), task
        message = task["error"]["message"]
        assert "was by (p) when the source was scanned" in message, message
    tables = jobs.good_job("report", str(job["id"])).of("report_table")
    assert {line["verdict"] for line in tables} <= {"Refused", "Failed"}, tables
    scan(jobs)
    jobs.good_job("delete", str(job["id"]))
    jobs.move(name="again")
    assert [row[0] for row in values(jobs, "other")] == [1, 2, 3]
    assert [row[0] for row in values(jobs, "none")] == [1, 2, 3]
