"""`mms source start` serves its whole folder: it stays for timers and for what other sources have
to do, and ends when nothing of that is left.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from job_stop_test import set_faults
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from timer_test import add, timer


def test_it_stays_while_a_timer_for_jobs_is_set_and_fires_it(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    nightly = add(jobs, "nightly")
    process = jobs.start("start", "sales", "--idle-minutes", "0")
    try:
        jobs.wait_for("SELECT 1 FROM async_tasks WHERE cause = 'idle' AND status = 2", process)
        timer(jobs, "trigger", str(nightly))
        jobs.wait_for("SELECT 1 FROM job_tasks WHERE status = 10 AND running = 0", process)
        # With nothing to come it ends.
        timer(jobs, "update", str(nightly), "--stop")
        _, err = process.communicate(timeout=60)
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert "nothing waits or runs" in err


def test_it_stays_while_another_source_is_at_work(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    flags = [flag for item in jobs.settings.items() for flag in ("--set", "=".join(item))]
    jobs.good("add", "other", *flags)
    job = jobs.create()
    set_faults(jobs.sandbox, {"call": "create_upload", "nth": 1, "delay_ms": 6_000})
    process = jobs.start("start", "other", "--idle-minutes", "0")
    try:
        _, err = process.communicate(timeout=120)
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0, err
    assert "nothing waits or runs" in err
    assert jobs.show(job)["status"] == "DONE"
