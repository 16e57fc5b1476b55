"""A disk that fills up while a job runs: the process ends by that name, and the same command goes
on when there is room. Only root may mount a disk that small: skipped elsewhere.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Sandbox, fill
from job_stop_test import fired, set_faults
from service_jobs import Jobs, put, service  # noqa: F401


@pytest.fixture
def jobs(
    mms_bin: str, lake: dict[str, Any], service: Sandbox, tmp_path: Path, disk: Path
) -> Jobs:
    """Whose state is on that disk."""
    jobs = Jobs(mms_bin, lake, service, tmp_path)
    shutil.copytree(jobs.state, disk / "state")
    jobs.state = disk / "state"
    return jobs


@pytest.mark.parametrize("call", ["create_upload", "commit_upload", "submit_instance"])
def test_a_disk_that_fills_up_ends_the_run_and_the_next_goes_on(
    jobs: Jobs, put: Callable[..., Path], disk: Path, call: str
) -> None:
    put("orders", {"a": 3, "b": 4})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    set_faults(jobs.sandbox, {"call": call, "nth": 1, "delay_ms": 1_500})
    process = jobs.start_job("job", "run")
    while fired(jobs.sandbox) == 0:
        assert process.poll() is None
        time.sleep(0.01)
    fill(disk, 0)
    out, err = process.communicate(timeout=60)
    assert process.returncode not in (0, 1) and process.returncode > 0, out + err
    assert "STATE_DISK_FULL" in out + err
    (disk / "filler").unlink()
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE", jobs.tasks(job)
    assert jobs.counts("orders") == {"a": 3, "b": 4}
    assert jobs.counts("people") == {"": 9}
