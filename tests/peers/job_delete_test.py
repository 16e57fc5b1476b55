"""A job that is stopped or deleted while it copies: what it had in hand waits to be copied again,
what it had finished stays at the target.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from job_stop_test import fired, set_faults
from mapping_test import partitions, statuses
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401

DELAY_MS = 10_000  # a stop is seen within a second


@pytest.mark.parametrize("verb", ["stop", "delete"])
def test_what_a_job_had_in_hand_waits_again_and_what_it_finished_stays(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    verb: str,
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1", "task.max.num": "1"})
    put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    fault = {"call": "create_upload", "nth": 2, "delay_ms": DELAY_MS}
    set_faults(jobs.sandbox, fault)
    process = jobs.start_job("job", "run")
    try:
        deadline = time.monotonic() + 120
        while fired(jobs.sandbox) < 1:
            assert time.monotonic() < deadline and process.poll() is None, process.communicate()
            time.sleep(0.02)  # looked at rather than waited for: the sandbox tells nobody
        states = {value: line["status"] for value, line in partitions(jobs, "orders").items()}
        assert states == {"a": "DONE", "b": "DOING"}
        jobs.good_job(verb, str(job["id"]))
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, out + err
    states = {value: line["status"] for value, line in partitions(jobs, "orders").items()}
    assert states == {"a": "DONE", "b": "INIT"}
    assert statuses(jobs) == {"orders": "PART_DONE"}
    assert jobs.counts("orders")["a"] == 3

    if verb == "stop":
        jobs.good_job("start", str(job["id"]))
        jobs.good_job("run")
        assert jobs.show(job)["status"] == "DONE"
    else:
        assert jobs.good_job("list").of("job") == []
        assert [task["partitions"] for task in jobs.tasks(jobs.move(name="anew"))] == [1]
    assert jobs.counts("orders") == {"a": 3, "b": 4}
    assert statuses(jobs) == {"orders": "DONE"}
