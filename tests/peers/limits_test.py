"""Tables of many partitions and of many blocks into a sandbox that enforces MaxCompute's rate
limits, with windows shortened on both sides: they arrive whole, and nothing was refused, because it
was paced. The partitions are proven by checksums without waiting for sessions, and a damaged row
among them is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun

PARTITIONS = 5000
PARTITIONS_WINDOW_PERCENT = 1

# 30 GB in files of 64 MiB; a plan has no more than 400 blocks for one load, beyond it they grow.
FILES = 30_000_000_000 // (64 << 20) + 1
BLOCKS = 400
BLOCKS_WINDOW_PERCENT = 3  # longer than the loads take on a busy machine
FILE_BYTES = 1 << 20  # the least that a block is cut to
ROWS_OF_A_FILE = 10


@contextmanager
def strict_sandbox(mms_bin: str, tmp_path: Path, window_percent: int) -> Iterator[Sandbox]:
    scale = str(window_percent / 100)
    sandbox = start_sandbox(
        mms_bin, tmp_path / "sandbox", "--enforce-limits", "--limit-window-scale", scale
    )
    try:
        yield sandbox
    finally:
        stop_sandbox(sandbox)


def refusals(sandbox: Sandbox) -> dict[str, int]:
    odps = sandbox.odps()
    limits = odps.rest.get(odps.endpoint + "/mms/counters").json()["limits"]
    return {name: limit["refused"] for name, limit in limits.items()}


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
    with strict_sandbox(mms_bin, tmp_path, PARTITIONS_WINDOW_PERCENT) as strict:
        local = LocalRun(mms_bin, strict, tmp_path)
        local.table(folder, "many")
        local.config["target"]["limit_window_percent"] = PARTITIONS_WINDOW_PERCENT
        local.config["policy"]["workers"] = 2
        run = local.run()
        assert run.code == 0, run.out[-4000:] + run.err[-4000:]
        report = local.report()["many"]
        assert (report["verdict"], report["rows_target"]) == ("Match", PARTITIONS)
        assert sum(refusals(strict).values()) == 0, refusals(strict)
        pacing = run.of("summary")[0]["pacing"]
        assert pacing["upload_sessions"]["granted"] >= PARTITIONS
        assert pacing["blocks"]["granted"] >= PARTITIONS
        assert pacing["blocks"]["delayed"] > 0, "5,000 blocks do not fit into one window of 500"
        assert pacing["download_sessions"]["granted"] == 0, "sessions would have to wait"
        assert pacing["instance_downloads"]["granted"] <= PARTITIONS // 2000 + 1

        row = damage(strict)
        verified = local.run("verify")
        assert verified.code == 7, verified.out[-4000:] + verified.err[-4000:]
        assert verified.of("summary")[0]["pacing"]["download_sessions"]["granted"] == 1
        (reason,) = local.report()["many"]["reasons"]
        assert reason.startswith(f"partition part=p{row:05}: 1 rows on both sides")
        assert reason.endswith("values differ in column id")
        assert sum(refusals(strict).values()) == 0, refusals(strict)


def wide_file(path: Path, first: int) -> None:
    """A Parquet file of a few rows and a megabyte: a hole lies between its pages and its footer,
    which tells where the pages are."""
    ids = pa.array(range(first, first + ROWS_OF_A_FILE), pa.int64())
    pq.write_table(pa.table({"id": ids}), path)
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    with path.open("r+b") as file:
        file.truncate(len(content) - footer)
        file.seek(FILE_BYTES - footer)
        file.write(content[-footer:])


def thirty_gigabytes_in_small(folder: Path) -> None:
    """A Delta table of as many files as one of 30 GB would have."""
    (folder / "_delta_log").mkdir(parents=True)
    field = {"name": "id", "type": "long", "nullable": True, "metadata": {}}
    actions: list[dict[str, Any]] = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {
            "metaData": {
                "id": "5c4a3f0e-0000-4000-8000-000000000030",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": [field]}),
                "partitionColumns": [],
                "configuration": {},
                "createdTime": 0,
            }
        },
    ]
    for i in range(FILES):
        name = f"part-{i:05}.parquet"
        wide_file(folder / name, i * ROWS_OF_A_FILE)
        actions.append(
            {
                "add": {
                    "path": name,
                    "partitionValues": {},
                    "size": FILE_BYTES,
                    "modificationTime": 0,
                    "dataChange": True,
                    "stats": json.dumps({"numRecords": ROWS_OF_A_FILE}),
                }
            }
        )
    log = folder / "_delta_log" / f"{0:020}.json"
    log.write_text("\n".join(json.dumps(action) for action in actions) + "\n", "utf-8")


def test_many_blocks_stay_within_the_limits_of_a_table(mms_bin: str, tmp_path: Path) -> None:
    thirty_gigabytes_in_small(tmp_path / "large")
    with strict_sandbox(mms_bin, tmp_path, BLOCKS_WINDOW_PERCENT) as strict:
        local = LocalRun(mms_bin, strict, tmp_path)
        local.table(tmp_path / "large", "large")
        local.config["target"] |= {"limit_window_percent": BLOCKS_WINDOW_PERCENT, "codec": "raw"}
        local.config["policy"] |= {"workers": 2, "split_mb": FILE_BYTES >> 20}
        odps = strict.odps()
        # The service loses the first load's session, so the same run loads the table once more.
        lost = {"call": "commit_upload", "nth": 1, "session_gone": True}
        odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": [lost]}))
        run = local.run()
        assert run.code == 0, run.out[-4000:] + run.err[-4000:]
        rows = FILES * ROWS_OF_A_FILE
        report = local.report()["large"]
        assert (report["verdict"], report["rows_target"]) == ("Match", rows)
        counts = odps.execute_sql("SELECT COUNT(*), COUNT(DISTINCT id) FROM large")
        with counts.open_reader() as reader:
            assert [int(value) for value in next(iter(reader)).values] == [rows, rows]
        assert sum(refusals(strict).values()) == 0, refusals(strict)
        blocks = run.of("summary")[0]["pacing"]["blocks"]
        assert blocks["granted"] == 2 * BLOCKS
        assert blocks["delayed"] > 0, "800 blocks do not fit into one window of 500"
        assert blocks["wait_ms"] > 0
        # A user looks for it in the report as well.
        assert local.run("report").of("summary")[0]["last_run"]["pacing"]["blocks"] == blocks
