"""A table that is planned anew in the middle of a job, at a newer version: its task copies again
what it had of the older one, and what other tasks have of it stays known as that, so that no
change of the source is taken for copied.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deltalake import write_deltalake
from job_stop_test import fired, set_faults
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import rows


def hide(partition: Path) -> Callable[[], object]:
    """Takes the partition's one file away; the call that is returned brings it back."""
    (file,) = partition.iterdir()
    kept = file.rename(partition.parent / f"{partition.name} kept")
    return lambda: kept.rename(file)


def versions(jobs: Jobs, job: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Version and rows of each partition, by the report."""
    path = jobs.state.parent / "report.csv"
    jobs.good_job("report", str(job["id"]), "--format", "csv", "--out", str(path))
    lines = csv.DictReader(io.StringIO(path.read_text("utf-8")))
    return {line["partition"]: (line["version"], line["rows_copied"]) for line in lines}


def retry_after_a_change(jobs: Jobs, orders: Path) -> dict[str, Any]:
    """A job that copied all but p=b at version 0, retried at version 1, in which p=a has grown."""
    jobs.good("sync", "sales", "--schema", "moved")
    bring_back = hide(orders / "p=b")
    job = jobs.create()
    jobs.good_job("run", code=6)
    bring_back()
    write_deltalake(str(orders), rows({"a": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run")
    return job


def test_a_retry_copies_again_what_its_task_had_of_an_older_version(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    job = retry_after_a_change(jobs, orders)
    assert jobs.show(job)["status"] == "DONE"
    assert jobs.counts("orders") == {"a": 4, "b": 4, "c": 5}
    assert versions(jobs, job) == {"p=a": ("1", "4"), "p=b": ("1", "4"), "p=c": ("1", "5")}
    assert "JOB_NOTHING_TO_DO" in jobs.refused()


def test_files_that_go_in_mid_task_bring_all_of_it_to_one_version(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    set_faults(jobs.sandbox, {"call": "create_upload", "nth": 2, "delay_ms": 6_000})
    process = jobs.start_job("job", "run")
    while fired(jobs.sandbox) == 0:
        assert process.poll() is None
        time.sleep(0.05)
    (old,) = (orders / "p=b").iterdir()
    write_deltalake(str(orders), rows({"a": 1}), mode="append")
    write_deltalake(str(orders), rows({"b": 4}), mode="overwrite", predicate="p = 'b'")
    old.unlink()  # as VACUUM does
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert jobs.counts("orders") == {"a": 4, "b": 4}
    assert {version for version, _ in versions(jobs, job).values()} == {"2"}


def test_what_an_ended_task_copied_keeps_its_version_and_its_change_comes_next(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    orders = put("orders", {"a": 3, "b": 4})
    job = retry_after_a_change(jobs, orders)
    assert versions(jobs, job) == {"p=a": ("0", "3"), "p=b": ("1", "4")}
    jobs.move(name="next")
    assert jobs.counts("orders") == {"a": 4, "b": 4}
