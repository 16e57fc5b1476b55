"""The first Ctrl-C ends a run that waits for a silent peer within seconds, whatever it waits for; a
commit that is out is awaited. The same command then goes on.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun

SILENCE_MS = 60_000
COMMITTED = 3  # a state number of src/migration/ledger/ledger.h


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    rows = pa.table({"id": list(range(10))})
    write_deltalake(tmp_path / "rows", rows)
    local.table(tmp_path / "rows", "rows")
    return local


def set_faults(sandbox: Sandbox, faults: list[dict[str, Any]]) -> None:
    odps = sandbox.odps()
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": faults}))


def wait_until_fired(sandbox: Sandbox) -> None:
    odps = sandbox.odps()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        rules = odps.rest.get(odps.endpoint + "/mms/faults").json()["faults"]
        if any(rule["fired"] for rule in rules):
            return
        time.sleep(0.02)  # no answer to wait for: the peer under test is silent on purpose
    pytest.fail("the call that was to be silent never came")


@pytest.mark.parametrize(
    "call", ["get_table", "submit_instance", "create_upload", "put_block", "create_download"]
)
def test_a_silent_peer_does_not_hold_a_stop_back(local: LocalRun, call: str) -> None:
    set_faults(local.sandbox, [{"call": call, "nth": 1, "delay_ms": SILENCE_MS}])
    process = local.start("run")
    wait_until_fired(local.sandbox)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SILENCE_MS / 1000)
    assert process.returncode == 130, out + err
    assert time.monotonic() - begun < 10, "it waited for the peer"
    set_faults(local.sandbox, [])
    again = local.run()
    assert again.code == 0, again.out + again.err
    report = local.report()["rows"]
    assert (report["verdict"], report["rows_target"]) == ("Match", 10)


def test_a_commit_that_is_out_is_awaited(local: LocalRun, tmp_path: Path) -> None:
    set_faults(local.sandbox, [{"call": "commit_upload", "nth": 1, "delay_ms": 3000}])
    process = local.start("run")
    wait_until_fired(local.sandbox)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    ledger = sqlite3.connect(f"file:{tmp_path}/state/ledger.db?mode=ro", uri=True)
    states = ledger.execute("SELECT state FROM units").fetchall()
    ledger.close()
    assert states == [(COMMITTED,)]
