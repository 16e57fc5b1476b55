"""What is completed is so of the place that it was copied to: another one begins from nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import rows


def sync(jobs: Jobs) -> None:
    jobs.good("sync", "sales", "--schema", "moved")


def test_a_table_that_is_mapped_elsewhere_is_copied_there_whole(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    orders = put("orders", {"a": 2, "b": 1})
    put("flat", 3)
    put("kept", 1)
    jobs = make_jobs()
    sync(jobs)
    jobs.move()
    for table in ("orders", "flat"):
        jobs.good("map", "sales", "--schema", "moved", "--table", table, "--as", f"{table}_new")
    write_deltalake(str(orders), rows({"c": 4}), mode="append")
    sync(jobs)
    job = jobs.move()
    assert sorted((task["table"], task["partitions"]) for task in jobs.tasks(job)) == [
        ("main.moved.flat", 0),
        ("main.moved.orders", 3),
    ]
    assert jobs.counts("orders_new") == {"a": 2, "b": 1, "c": 4}
    assert sum(jobs.counts("flat_new").values()) == 3
    assert "JOB_NOTHING_TO_DO" in jobs.refused()


def test_one_job_into_another_project_leaves_the_first_behind_for_none(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    orders = put("orders", {"a": 2, "b": 1})
    jobs = make_jobs()
    sync(jobs)
    jobs.move()
    write_deltalake(str(orders), rows({"a": 5}), mode="append")
    sync(jobs)
    jobs.move("--project", "dw2")
    assert jobs.counts("orders", "dw2") == {"a": 7, "b": 1}
    jobs.move()
    assert jobs.counts("orders") == {"a": 7, "b": 1}


def merged(put: Callable[..., Path]) -> Path:  # noqa: F811
    folder = put("orders", 0)
    shutil.rmtree(folder)
    write_levels(folder, {("a", "x"): 1, ("a", "y"): 2, ("b", "x"): 1})
    return folder


def write_levels(folder: Path, counts: dict[tuple[str, str], int]) -> None:
    """Rows n = 0, 1, ... of each pair (p, q)."""
    lines = [(n, p, q) for (p, q), count in counts.items() for n in range(count)]
    n, p, q = (list(column) for column in zip(*lines, strict=True))
    write_deltalake(
        str(folder), pa.table({"n": n, "p": p, "q": q}), partition_by=["p", "q"], mode="append"
    )


def test_a_part_of_a_merged_partition_that_leaves_the_source_leaves_the_target(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    orders = merged(put)
    jobs = make_jobs()
    sync(jobs)
    level = ("--set", "max_partition_level=1")
    jobs.move(*level)
    assert jobs.counts("orders") == {"a": 3, "b": 1}

    DeltaTable(str(orders)).update({"p": "'b'"}, predicate="q = 'y'")
    sync(jobs)
    jobs.move(*level)
    assert jobs.counts("orders") == {"a": 1, "b": 3}

    DeltaTable(str(orders)).delete("q = 'y'")
    sync(jobs)
    jobs.move(*level)
    assert jobs.counts("orders") == {"a": 1, "b": 1}
    assert "JOB_NOTHING_TO_DO" in jobs.refused(*level)


def test_so_it_does_where_all_partitions_are_one_table(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    orders = merged(put)
    jobs = make_jobs()
    sync(jobs)
    level = ("--set", "max_partition_level=0")
    jobs.move(*level)
    assert sum(jobs.counts("orders").values()) == 4
    DeltaTable(str(orders)).delete("q = 'y'")
    sync(jobs)
    job = jobs.move(*level)
    assert sum(jobs.counts("orders").values()) == 2
    (line,) = jobs.good_job("report", str(job["id"])).of("report_table")
    assert (line["verdict"], line["rows_source"]) == ("Match", 2)
    assert "JOB_NOTHING_TO_DO" in jobs.refused(*level)


@pytest.mark.parametrize("again", ["other job", "retry"])
def test_a_table_that_was_dropped_at_the_target_is_copied_whole_again(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    again: str,
) -> None:
    orders = put("orders", {"a": 2, "b": 1})
    jobs = make_jobs()
    sync(jobs)
    jobs.move()
    write_deltalake(str(orders), rows({"b": 5}), mode="append")
    sync(jobs)
    jobs.sandbox.odps().delete_table("orders")
    job = jobs.create()
    failed = jobs.job("run")
    assert failed.code != 0
    (task,) = jobs.tasks(job)
    assert (task["status"], task["error"]["code"]) == ("SCHEMA_FAILED", "TARGET_TABLE_GONE")
    assert "1 partition that had been copied" in task["error"]["message"]
    if again == "retry":
        jobs.good_job("retry", str(job["id"]))
        jobs.good_job("run")
        assert jobs.counts("orders") == {"b": 6}
    jobs.move()
    assert jobs.counts("orders") == {"a": 2, "b": 6}
    assert "JOB_NOTHING_TO_DO" in jobs.refused()


def test_a_job_of_all_makes_a_table_that_was_dropped(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    put("orders", {"a": 2, "b": 1, "c": 3})
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    sync(jobs)
    jobs.move()
    jobs.sandbox.odps().delete_table("orders")
    assert "JOB_NOTHING_TO_DO" in jobs.refused()
    jobs.move("--all")
    assert jobs.counts("orders") == {"a": 2, "b": 1, "c": 3}


def test_what_was_copied_under_other_column_names_is_copied_anew(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    folder = put("pairs", 0)
    shutil.rmtree(folder)
    write_deltalake(str(folder), pa.table({"a": [1], "b": [10], "p": ["x"]}), partition_by=["p"])
    put("flat", 2)
    jobs = make_jobs()
    sync(jobs)
    jobs.move()
    swapped = ("--column-as", "a=b", "--column-as", "b=a")
    write_deltalake(
        str(folder), pa.table({"a": [2], "b": [20], "p": ["y"]}), partition_by=["p"], mode="append"
    )
    sync(jobs)
    job = jobs.move(*swapped)
    assert [(task["table"], task["partitions"]) for task in jobs.tasks(job)] == [
        ("main.moved.pairs", 2)
    ]
    pairs = jobs.sandbox.odps().get_table("pairs")
    read = {}
    for name in ("x", "y"):
        with pairs.open_reader(partition=f"p='{name}'") as reader:
            (record,) = list(reader)
            read[name] = (record["a"], record["b"])
    assert read == {"x": (10, 1), "y": (20, 2)}
    assert "JOB_NOTHING_TO_DO" in jobs.refused(*swapped)


def test_another_maxcompute_needs_another_state_folder(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    put("flat", 2)
    jobs = make_jobs()
    sync(jobs)
    jobs.good("target", "set", "--set", "endpoint=http://127.0.0.1:1/api")
    endpoint = f"{jobs.sandbox.endpoint}/api"
    jobs.good("target", "set", "--set", f"endpoint={endpoint}")
    jobs.move()
    other = endpoint.replace("127.0.0.1", "localhost")
    refused = jobs.run("target", "set", "--set", f"endpoint={other}")
    assert refused.code == 3, refused.out
    assert "TARGET_OTHER" in refused.err
    assert f"--set same_service_as={endpoint}" in refused.err
    assert endpoint in jobs.good("target", "show").out
    same = ("--set", f"same_service_as={endpoint}")
    jobs.good("target", "set", "--set", f"endpoint={other}", *same)
    assert other in jobs.good("target", "show").out
