"""Each destination at work has workers of its own, and only while it is: tasks that follow each
other go on with the same ones, and there are never more than tasks at work ask for.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from job_stop_test import set_faults
from service_jobs import Jobs
from sync_test import control

WORKERS = 2  # of each destination


@pytest.fixture
def sandbox(mms_bin: str, tmp_path: Path) -> Iterator[Sandbox]:
    """Its projects have schemas: each schema of the source is a destination."""
    server = start_sandbox(mms_bin, tmp_path / "sandbox")
    try:
        yield server
    finally:
        stop_sandbox(server)


@pytest.fixture
def make(
    mms_bin: str, lake: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> Iterator[Callable[..., Jobs]]:
    """make(tasks side by side, tables of each schema): scanned, and with a job for each schema."""

    def made(tasks: int, *tables: int) -> Jobs:
        settings = {"task.max.num": str(tasks), "mc.projects": "", "mc.job.project": "dw"}
        jobs = Jobs(mms_bin, lake, sandbox, tmp_path, **settings)
        folder = tmp_path / "tables/x"
        write_deltalake(str(folder), pa.table({"n": list(range(1_000))}))
        for number, count in enumerate(tables):
            for table in range(count):
                entry = {"schema": f"s{number}", "name": f"x{table}", "folder": str(folder)}
                change = {"storage_location": folder.as_uri()}
                control(lake, "POST", "table", {**entry, "change": change})
            jobs.good("sync", "sales", "--schema", f"s{number}")
        for number in range(len(tables)):
            jobs.create(name=f"j{number}", schema=f"s{number}")
        return jobs

    yield made
    control(lake, "DELETE", "table")


def workers_of(process: subprocess.Popen[str]) -> set[int]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text("utf-8").rsplit(")", 1)[1].split()[1])
            is_worker = b"worker" in (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        if parent == process.pid and is_worker:
            found.add(int(folder.name))
    return found


def watch(process: subprocess.Popen[str]) -> Iterator[set[int]]:
    """Its workers, as long as it lives."""
    deadline = time.monotonic() + 200
    while process.poll() is None:
        assert time.monotonic() < deadline, process.kill()
        yield workers_of(process)
        time.sleep(0.02)  # looked at rather than waited for: nobody tells
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err


def test_one_task_at_a_time_has_the_workers_of_one_destination(make: Callable[..., Jobs]) -> None:
    jobs = make(1, 1, 1, 1, 1)
    seen = list(watch(jobs.start_job("job", "run")))
    assert max(map(len, seen)) == WORKERS
    assert {job["status"] for job in jobs.good_job("list").of("job")} == {"DONE"}


def test_tasks_that_follow_each_other_keep_their_workers(make: Callable[..., Jobs]) -> None:
    jobs = make(1, 5)
    seen = watch(jobs.start_job("job", "run"))
    assert len(set[int]().union(*seen)) == WORKERS


def test_workers_that_no_task_wants_end_while_another_is_at_work(make: Callable[..., Jobs]) -> None:
    jobs = make(3, 1, 1, 1)
    set_faults(jobs.sandbox, {"call": "create_upload", "nth": 1, "delay_ms": 20_000})
    numbers = [len(workers) for workers in watch(jobs.start_job("job", "run"))]
    assert max(numbers) > WORKERS
    most = numbers.index(max(numbers))
    # At the end all workers end together, of one destination.
    assert numbers[most:].count(WORKERS) > 100, numbers[most:]
