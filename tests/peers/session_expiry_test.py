"""An upload session that ends in the middle of a load: the load begins again in another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun

SESSION_SECONDS = 4
SLOW_MS = 6000


@pytest.fixture
def short_lived(mms_bin: str, tmp_path: Path) -> Iterator[Sandbox]:
    arguments = ("--session-seconds", str(SESSION_SECONDS))
    server = start_sandbox(mms_bin, tmp_path / "sandbox", *arguments)
    try:
        yield server
    finally:
        stop_sandbox(server)


def test_a_session_that_expires_in_mid_load_is_followed_by_another(
    mms_bin: str, short_lived: Sandbox, tmp_path: Path
) -> None:
    rows = 5000
    write_deltalake(tmp_path / "rows", pa.table({"n": pa.array(range(rows), pa.int64())}))
    local = LocalRun(mms_bin, short_lived, tmp_path)
    local.table(tmp_path / "rows", "late")
    local.config["target"]["codec"] = "raw"
    odps = short_lived.odps()
    slow = {"call": "put_block", "nth": 1, "times": 1, "delay_ms": SLOW_MS}
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": [slow]}))
    run = local.run()
    assert run.code == 0, run.out + run.err
    calls = odps.rest.get(odps.endpoint + "/mms/counters").json()["calls"]
    assert calls["create_upload"]["calls"] == 2
    assert local.report()["late"]["verdict"] == "Match"
    with odps.get_table("late").open_reader() as reader:
        assert sorted(row["n"] for row in reader) == list(range(rows))
