"""A job that is stopped ends between two blocks of the partition in hand; started again it goes on
behind those that were sent.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import WriterProperties, write_deltalake
from service_jobs import Jobs, make_jobs, service  # noqa: F401
from sync_test import control

ROWS = 20_000_000  # 160 MB of one column: 3 blocks of 64 MB at most
BLOCKS = 3
DELAY_MS = 6_000  # a stop is seen within a second


@pytest.fixture
def jobs(
    lake: dict[str, Any],
    make_jobs: Callable[..., Jobs],  # noqa: F811
    tmp_path: Path,
) -> Iterator[Jobs]:
    folder = tmp_path / "tables/large"
    # Numbers that no encoding makes small.
    numbers = pa.array(range(ROWS), pa.int64())
    mixed = pa.compute.bit_wise_xor(pa.compute.multiply(numbers, 0x9E3779B97F4A7C), numbers)
    plain = WriterProperties(compression="UNCOMPRESSED", default_column_properties=None)
    write_deltalake(str(folder), pa.table({"n": mixed}), writer_properties=plain)
    entry = {"schema": "moved", "name": "large", "folder": str(folder)}
    control(lake, "POST", "table", {**entry, "change": {"storage_location": folder.as_uri()}})
    made = make_jobs()
    made.good("target", "set", "--set", "codec=raw")  # no block is sent to measure one
    made.good("sync", "sales", "--schema", "moved")
    yield made
    control(lake, "DELETE", "table")


def set_faults(sandbox: Sandbox, *faults: dict[str, Any]) -> None:
    odps = sandbox.odps()
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": faults}))


def fired(sandbox: Sandbox) -> int:
    odps = sandbox.odps()
    return sum(r["fired"] for r in odps.rest.get(odps.endpoint + "/mms/faults").json()["faults"])


def calls(sandbox: Sandbox, call: str) -> int:
    odps = sandbox.odps()
    counters = odps.rest.get(odps.endpoint + "/mms/counters").json()["calls"]
    return counters[call]["calls"] if call in counters else 0


def run_and_stop(jobs: Jobs, job: dict[str, Any]) -> None:
    """Runs, and stops the job while its first two blocks are sent."""
    set_faults(jobs.sandbox, {"call": "put_block", "delay_ms": DELAY_MS, "times": 2})
    process = jobs.start_job("job", "run", "--workers", "2")
    deadline = time.monotonic() + 120
    while fired(jobs.sandbox) < 2:
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.02)  # looked at rather than waited for: the sandbox tells nobody
    jobs.good_job("stop", str(job["id"]))
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, out + err
    (task,) = jobs.tasks(job)
    assert (task["running"], jobs.show(job)["stopped"]) == (False, True)


def noted(jobs: Jobs) -> int:
    ledger = sqlite3.connect(f"file:{next(jobs.state.rglob('ledger.db'))}?mode=ro", uri=True)
    (count,) = ledger.execute("SELECT COUNT(*) FROM unit_blocks").fetchone()
    ledger.close()
    return int(count)


def test_a_stop_ends_between_blocks_and_a_start_goes_on_behind_them(jobs: Jobs) -> None:
    job = jobs.create()
    (task,) = jobs.tasks(job)
    run_and_stop(jobs, job)
    assert calls(jobs.sandbox, "put_block") == noted(jobs) == 2, "those in hand, and no more"
    log = jobs.good_job("log", str(task["id"])).of("task_log")
    assert log[-1]["action"] == "stop"

    jobs.good_job("start", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE", jobs.tasks(job)
    assert jobs.counts("large") == {"": ROWS}
    assert calls(jobs.sandbox, "put_block") == BLOCKS, "none is sent twice"
    assert calls(jobs.sandbox, "create_upload") == calls(jobs.sandbox, "commit_upload") == 1
    (ended,) = jobs.tasks(job)
    assert ended["rows_copied"] == ROWS
    log = jobs.good_job("log", str(task["id"])).of("task_log")
    assert "1 of 1 partitions match" in log[-2]["message"]
