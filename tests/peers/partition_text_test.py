"""One partition value in two texts of the log: INT "1" and "01", a timestamp with and without the
zeros of its fraction, which delta-rs and Spark write. They are one partition at the target, and a
job that copies one of them copies both.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Sandbox
from delta_by_hand import DeltaByHand
from job_changes_test import scan, values
from local_run import LocalRun
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401

TEXTS = {
    "integer": ("1", "01"),
    "timestamp": ("2024-01-01 00:00:00", "2024-01-01 00:00:00.000000"),
}


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": pa.array(values, pa.int64())})


def copied(jobs: Jobs) -> list[int]:
    return [row[0] for row in values(jobs, "t")]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("together", [False, True])
def test_a_value_in_two_texts_is_one_partition_for_each_job(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], kind: str, together: bool
) -> None:
    plain, other = TEXTS[kind]
    table = DeltaByHand(put("t", 1), [("n", "long", "n"), ("p", kind, "p")], ["p"], mapped=False)
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    first, second = table.file(numbers(1, 2), p=plain), table.file(numbers(9), p=other)
    table.commit(first, second) if together else table.commit(first)
    scan(jobs)
    jobs.move()
    if not together:
        table.commit(second)
        scan(jobs)
        jobs.move(name="second")
    assert copied(jobs) == [1, 2, 9]

    table.commit(table.file(numbers(10), p=plain))
    scan(jobs)
    jobs.move(name="more")
    assert copied(jobs) == [1, 10, 2, 9]
    assert "JOB_NOTHING_TO_DO" in jobs.refused()

    # One of the texts leaves the source, with its rows; the partition stays.
    table.commit(table.remove(second))
    scan(jobs)
    last = jobs.move(name="less")
    assert copied(jobs) == [1, 10, 2]
    (report,) = jobs.good_job("report", str(last["id"])).of("report_table")
    assert (report["verdict"], report["rows_target"]) == ("Match", 3), report
    assert "JOB_NOTHING_TO_DO" in jobs.refused()


def test_a_filter_that_meets_one_text_brings_the_other(
    mms_bin: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    folder = tmp_path / "tables" / "t"
    table = DeltaByHand(folder, [("n", "long", "n"), ("p", "timestamp", "p")], ["p"], False)
    plain, other = TEXTS["timestamp"]
    later = table.file(numbers(7), p="2024-01-02 00:00:00")
    table.commit(table.file(numbers(1, 2), p=plain), table.file(numbers(9), p=other), later)
    local.config["tables"] = [
        {"location": folder.as_uri(), "as": "t", "partitions": f"p = '{plain}'"}
    ]
    done = local.run()
    assert done.code == 0, done.out + done.err
    (report,) = local.run("report").of("report_table")
    assert (report["rows_copied"], report["rows_target"], report["verdict"]) == (3, 3, "Match")
