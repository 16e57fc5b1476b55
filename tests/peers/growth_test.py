"""A table without partitions that has only grown is appended to; where anything else happened, at
the source or at the target, all of it is copied again. Which of the two it was is told by the bytes
that the run read, and judged by what PyODPS reads.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import DeltaTable, write_deltalake
from local_run import LocalRun
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401

ROWS = 500


def add(folder: Path, start: int, rows: int = ROWS) -> None:
    ids = list(range(start, start + rows))
    write_deltalake(folder, pa.table({"id": ids, "t": [f"row {i}" for i in ids]}), mode="append")


def ids(sandbox: Sandbox, table: str = "grown") -> list[int]:
    with sandbox.odps().get_table(table).open_reader() as reader:
        return sorted(record[0] for record in reader)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "grown"


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path, folder: Path) -> LocalRun:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    add(folder, 0)
    local.table(folder, "grown")
    run = local.run()
    assert run.code == 0, run.out + run.err
    return local


def appended(local: LocalRun) -> bool:
    """What the table's plan says of the last run."""
    plan = local.plan()["grown"]
    return any("rows were only added" in line for line in plan["warnings"])


def good(local: LocalRun, rows: int) -> None:
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert ids(local.sandbox) == list(range(rows))
    report = local.report()["grown"]
    assert (report["verdict"], report["rows_source"], report["rows_target"]) == (
        "Match",
        rows,
        rows,
    )
    assert report["source_checksum"] == report["target_checksum"]


def bytes_of(folder: Path) -> int:
    return sum(DeltaTable(folder).get_add_actions(flatten=True)["size_bytes"].to_pylist())


def test_what_is_new_is_appended_time_after_time(local: LocalRun, folder: Path) -> None:
    for turn in range(1, 4):
        before = bytes_of(folder)
        add(folder, turn * ROWS)
        good(local, (turn + 1) * ROWS)
        assert appended(local)
        assert local.report()["grown"]["bytes"] == bytes_of(folder) - before
    verify = local.run("verify")
    assert verify.code == 0, verify.out + verify.err
    # Nothing is new: nothing is done.
    good(local, 4 * ROWS)


def test_what_is_no_growth_is_copied_whole(local: LocalRun, folder: Path) -> None:
    # A delete: files are written again.
    DeltaTable(folder).delete("id >= 490")
    add(folder, 490, 10)
    good(local, ROWS)
    assert not appended(local)
    # Growth and its compaction: what was copied is in other files.
    add(folder, ROWS)
    DeltaTable(folder).optimize.compact()
    good(local, 2 * ROWS)
    assert not appended(local)
    # A column: the rows that are there have it too.
    table = pa.table({"id": [2 * ROWS], "t": ["x"], "n": [1]})
    write_deltalake(folder, table, mode="append", schema_mode="merge")
    local.config["policy"]["on_extra_column"] = "add"
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert not appended(local)
    assert local.report()["grown"]["verdict"] == "Match"


def test_a_policy_copies_all_again(local: LocalRun, folder: Path) -> None:
    local.config["policy"]["on_growth"] = "rewrite"
    add(folder, ROWS)
    good(local, 2 * ROWS)
    assert not appended(local)


def test_nothing_is_appended_to_rows_that_are_not_those_that_were_copied(
    local: LocalRun, folder: Path
) -> None:
    table = local.sandbox.odps().get_table("grown")
    with table.open_writer() as writer:
        writer.write([[7, "by hand"]])
    add(folder, ROWS)
    good(local, 2 * ROWS)
    plan = local.plan()["grown"]
    assert any("all is copied again" in line for line in plan["warnings"]), plan["warnings"]


def test_as_many_rows_of_other_values_are_found_and_copied_whole(
    local: LocalRun, folder: Path
) -> None:
    table = local.sandbox.odps().get_table("grown")
    with table.open_writer(overwrite=True) as writer:
        writer.write([[i, "by hand"] for i in range(ROWS)])
    add(folder, ROWS)
    run = local.run()
    assert run.code == 7, run.out + run.err
    assert local.report()["grown"]["verdict"] == "Mismatch"


@pytest.mark.parametrize(
    "fault",
    [
        "after begin load",
        "after create upload",
        "after first block",
        "after last block",
        "after begin commit",
        "before commit upload",
        "after commit upload",
        "before committed",
        "after committed",
        "after read back",
    ],
)
def test_a_crash_while_it_is_appended_loses_and_doubles_nothing(
    local: LocalRun, folder: Path, fault: str
) -> None:
    add(folder, ROWS)
    killed = local.run(fault=fault)
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    good(local, 2 * ROWS)


def test_a_session_that_the_service_lost_is_no_reason_to_append_twice(
    local: LocalRun, folder: Path
) -> None:
    odps = local.sandbox.odps()
    lost = {"call": "commit_upload", "nth": 1, "session_gone": True}
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": [lost]}))
    add(folder, ROWS)
    good(local, 2 * ROWS)


def forget_sessions(sandbox: Sandbox) -> None:
    """As the service does after a day."""
    odps = sandbox.odps()
    gone = {"call": "get_upload", "nth": 1, "session_gone": True}
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": [gone]}))


@pytest.mark.parametrize("fault", ["before commit upload", "after commit upload"])
def test_a_session_forgotten_after_a_kill_is_told_by_what_the_target_holds(
    local: LocalRun, folder: Path, fault: str
) -> None:
    add(folder, ROWS)
    killed = local.run(fault=fault)
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    forget_sessions(local.sandbox)
    good(local, 2 * ROWS)
    # With the rows there already they are not appended again, and all is copied anew.
    plan = local.plan()["grown"]
    anew = any("all is copied again" in line for line in plan["warnings"])
    assert anew == (fault == "after commit upload"), plan["warnings"]


def test_a_job_copies_anew_what_another_left_in_a_session_that_is_forgotten(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    people = put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    write_deltalake(str(people), pa.table({"n": list(range(9, 20))}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    killed = jobs.create()
    process = jobs.start_job("job", "run", MMS_FAULT="after commit upload")
    assert process.wait(120) == -signal.SIGKILL
    forget_sessions(jobs.sandbox)
    jobs.good_job("stop", str(killed["id"]))
    jobs.good_job("delete", str(killed["id"]))
    jobs.move()
    assert ids(jobs.sandbox, "people") == list(range(20))


def test_an_incremental_job_appends_and_one_of_all_rewrites(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    people = put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    write_deltalake(str(people), pa.table({"n": list(range(9, 20))}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    first = jobs.move()
    assert ids(jobs.sandbox, "people") == list(range(20))
    (task,) = jobs.tasks(first)
    log = jobs.good_job("log", str(task["id"])).of("task_log")
    assert any("rows were only added" in line["message"] for line in log)
    whole = jobs.move("--all")
    (again,) = jobs.tasks(whole)
    assert again["bytes_copied"] > task["bytes_copied"]
    assert ids(jobs.sandbox, "people") == list(range(20))


@pytest.mark.parametrize("values", [[5, 6, 7], [5, 6]])
def test_a_retry_of_what_was_appended_and_differs_copies_all_anew(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    values: list[int],
) -> None:
    jobs = make_jobs()
    folder = put("people", 3)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    target = jobs.sandbox.odps().get_table("people")
    with target.open_writer(overwrite=True) as writer:
        writer.write([[5], [6], [7]])
    write_deltalake(str(folder), pa.table({"n": [3]}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    jobs.good_job("run", code=7)
    # However many rows the target holds by now: nothing is appended to what is known to differ.
    with target.open_writer(overwrite=True) as writer:
        writer.write([[value] for value in values])
    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"
    with target.open_reader() as reader:
        assert sorted(record[0] for record in reader) == [0, 1, 2, 3]
