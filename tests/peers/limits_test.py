"""A table of 5,000 small partitions into a sandbox that enforces MaxCompute's rate limits, with
windows shortened on both sides: it arrives whole, and nothing was refused, because it was paced.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from conftest import start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun

PARTITIONS = 5000
WINDOW_PERCENT = 1


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
        local.config["policy"] |= {"verify": "count", "workers": 2}
        run = local.run()
        assert run.code == 0, run.out[-4000:] + run.err[-4000:]
        report = local.report()["many"]
        assert (report["verdict"], report["rows_target"]) == ("Match", PARTITIONS)
        odps = sandbox.odps()
        counters = odps.rest.get(odps.endpoint + "/mms/counters").json()
        refused = {name: limit["refused"] for name, limit in counters["limits"].items()}
        assert sum(refused.values()) == 0, counters["limits"]
        pacing = run.of("summary")[0]["pacing"]
        assert pacing["upload_sessions"]["granted"] >= PARTITIONS
        assert pacing["blocks"]["granted"] >= PARTITIONS
        assert pacing["blocks"]["delayed"] > 0, "5,000 blocks do not fit into one window of 500"
    finally:
        stop_sandbox(sandbox)
