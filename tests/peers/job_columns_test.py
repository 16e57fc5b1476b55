"""A column that is added at the source does not stop a nightly job: it is added at the target too,
unless the job says otherwise, and then the error's remedy lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401


@pytest.fixture
def widened(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> Jobs:
    """`orders` and `people` have been copied, then got rows with one more column."""
    jobs = make_jobs()
    orders, people = put("orders", {"a": 1, "b": 1}), put("people", 2)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    for folder, rows in (
        (orders, {"p": ["b"], "n": [5], "x": ["new"]}),
        (people, {"n": [5], "x": ["new"]}),
    ):
        write_deltalake(str(folder), pa.table(rows), mode="append", schema_mode="merge")
    jobs.good("sync", "sales", "--schema", "moved")
    return jobs


def held(jobs: Jobs, table: str) -> list[tuple[Any, ...]]:
    found = jobs.sandbox.odps().get_table(table)
    parts = [p.name for p in found.partitions] if found.table_schema.partitions else [None]
    rows = []
    for part in parts:
        with found.open_reader(partition=part) as reader:
            rows += [(record["n"], record["x"]) for record in reader]
    return sorted(rows)


def check_all_there(jobs: Jobs) -> None:
    assert held(jobs, "orders") == [(0, None), (1, None), (5, "new")]
    assert held(jobs, "people") == [(0, None), (1, None), (5, "new")]


def test_a_column_added_at_the_source_is_added_at_the_target(widened: Jobs) -> None:
    job = widened.move()
    check_all_there(widened)
    widened.good_job("verify", str(job["id"]))
    widened.good_job("run")
    assert "JOB_NOTHING_TO_DO" in widened.refused()


@pytest.mark.parametrize("flags", [("--set", "on_extra_column=stop"), ("--no-schema",)])
def test_a_job_that_may_not_refuses_the_table_and_its_remedy_is_true(
    widened: Jobs, flags: tuple[str, ...]
) -> None:
    job = widened.create(*flags)
    widened.good_job("run", code=6)
    tasks = widened.tasks(job)
    assert {task["status"] for task in tasks} == {"SCHEMA_FAILED"}
    assert all(task["error"]["code"] == "TARGET_SCHEMA_DIFFERS" for task in tasks)
    remedy = "mms job start ID --set on_extra_column=add, then mms job retry ID"
    assert all(remedy in task["error"]["message"] for task in tasks), tasks
    assert "x" not in widened.sandbox.odps().get_table("people").table_schema.names

    widened.good_job("start", str(job["id"]), "--set", "on_extra_column=add")
    widened.good_job("retry", str(job["id"]))
    widened.good_job("run")
    assert widened.show(job)["status"] == "DONE"
    check_all_there(widened)


def test_a_job_leaves_no_column_out(widened: Jobs) -> None:
    told = widened.refused("--set", "on_extra_column=ignore")
    assert "on_extra_column must be add or stop; it is ignore" in told
