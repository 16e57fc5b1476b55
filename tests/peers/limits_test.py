"""A table of 5,000 small partitions into a sandbox that enforces MaxCompute's rate limits, with
windows shortened on both sides: it arrives whole, and nothing was refused, because it was paced. It
is proven by checksums without waiting for sessions, and a damaged row among them is found.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun

PARTITIONS = 5000
WINDOW_PERCENT = 1


def refused(sandbox: Sandbox) -> dict[str, int]:
    odps = sandbox.odps()
    counters = odps.rest.get(odps.endpoint + "/mms/counters").json()
    return {name: limit["refused"] for name, limit in counters["limits"].items()}


def damage(sandbox: Sandbox) -> int:
    """Changes the one row of some partition; its id."""
    file = sorted((sandbox.data / "dw").rglob("*.parquet"))[PARTITIONS // 2]
    table = pq.read_table(file)
    (row,) = table["id"].to_pylist()
    changed = pa.array([row + 1], pa.int64())
    pq.write_table(table.set_column(0, table.schema.field(0), changed), file)
    return row


def test_many_partitions_stay_within_the_limits_of_a_table(mms_bin: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    rows = pa.table(
        {
            "id": pa.array(range(PARTITIONS), pa.int64()),
            "part": pa.array([f"p{i:05}" for i in range(PARTITIONS)]),
        }
    )
    write_deltalake(folder, rows, partition_by=["part"])
    scale = str(WINDOW_PERCENT / 100)
    sandbox = start_sandbox(
        mms_bin, tmp_path / "sandbox", "--enforce-limits", "--limit-window-scale", scale
    )
    try:
        local = LocalRun(mms_bin, sandbox, tmp_path)
        local.table(folder, "many")
        local.config["target"]["limit_window_percent"] = WINDOW_PERCENT
        local.config["policy"]["workers"] = 2
        run = local.run()
        assert run.code == 0, run.out[-4000:] + run.err[-4000:]
        report = local.report()["many"]
        assert (report["verdict"], report["rows_target"]) == ("Match", PARTITIONS)
        assert sum(refused(sandbox).values()) == 0, refused(sandbox)
        pacing = run.of("summary")[0]["pacing"]
        assert pacing["upload_sessions"]["granted"] >= PARTITIONS
        assert pacing["blocks"]["granted"] >= PARTITIONS
        assert pacing["blocks"]["delayed"] > 0, "5,000 blocks do not fit into one window of 500"
        assert pacing["download_sessions"]["granted"] == 0, "sessions would have to wait"
        assert pacing["instance_downloads"]["granted"] <= PARTITIONS // 2000 + 1

        row = damage(sandbox)
        verified = local.run("verify")
        assert verified.code == 7, verified.out[-4000:] + verified.err[-4000:]
        assert verified.of("summary")[0]["pacing"]["download_sessions"]["granted"] == 1
        (reason,) = local.report()["many"]["reasons"]
        assert reason.startswith(f"partition part=p{row:05}: 1 rows on both sides")
        assert reason.endswith("values differ in column id")
        assert sum(refused(sandbox).values()) == 0, refused(sandbox)
    finally:
        stop_sandbox(sandbox)
