"""A partition that has left the source stays and is told, or goes as the policy says."""

from __future__ import annotations

import csv
import io
import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Sandbox
from deltalake import DeltaTable, write_deltalake
from local_run import LocalRun
from partition_choice_test import copied, write
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import rows


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    write(tmp_path / "orders", range(1, 5))
    local.table(tmp_path / "orders", "orders")
    run = local.run()
    assert run.code == 0, run.out + run.err
    DeltaTable(tmp_path / "orders").delete("day = 2")
    return local


def units(local: LocalRun) -> dict[str, str]:
    """Verdicts by partition, as the report in CSV has them."""
    command = [local.binary, "report", "-f", str(local.file), "--format", "csv"]
    report = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = csv.DictReader(io.StringIO(report.stdout))
    return {line["partition"]: line["verdict"] for line in lines}


def test_it_stays_and_is_told_as_extra_until_it_comes_back_or_goes(
    local: LocalRun, tmp_path: Path
) -> None:
    for _ in range(2):
        run = local.run()
        assert run.code == 0, run.out + run.err
        assert copied(local) == {1: 10, 2: 10, 3: 10, 4: 10}
        report = local.report()["orders"]
        assert report["verdict"] == "ExtraInTarget"
        (reason,) = report["reasons"]
        assert reason.startswith("partition day=2: has left the source"), reason
        verdicts = {"day=1": "Match", "day=2": "ExtraInTarget", "day=3": "Match", "day=4": "Match"}
        assert units(local) == verdicts
    verify = local.run("verify")
    assert verify.code == 0, verify.out + verify.err
    assert units(local) == verdicts

    # It comes back with other rows: it is copied, and no more than it.
    write(tmp_path / "orders", range(2, 3))
    write(tmp_path / "orders", range(2, 3))
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert copied(local) == {1: 10, 2: 20, 3: 10, 4: 10}
    assert local.report()["orders"]["verdict"] == "Match"

    # It goes again, and the user drops it: there is nothing to tell any more.
    DeltaTable(tmp_path / "orders").delete("day = 2")
    local.sandbox.odps().get_table("orders").delete_partition("day=2")
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert local.report()["orders"]["verdict"] == "Match"
    assert units(local).keys() == {"day=1", "day=3", "day=4"}


def test_it_is_emptied_when_that_is_the_policy(local: LocalRun) -> None:
    local.config["policy"]["on_dropped_partition"] = "empty"
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert copied(local) == {1: 10, 2: 0, 3: 10, 4: 10}
    assert local.report()["orders"]["verdict"] == "Match"


@pytest.mark.parametrize("told_first", [False, True])
def test_it_is_dropped_when_that_is_the_policy(local: LocalRun, told_first: bool) -> None:
    if told_first:
        assert local.run().code == 0
        assert local.report()["orders"]["verdict"] == "ExtraInTarget"
    local.config["policy"]["on_dropped_partition"] = "drop"
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert copied(local) == {1: 10, 3: 10, 4: 10}
    report = local.report()["orders"]
    assert (report["verdict"], report["units"], report["rows_target"]) == ("Match", 3, 30)


@pytest.mark.parametrize(
    "fault",
    [
        "after drop partitions",
        "before remove unit",
        "during remove unit",
        "after remove unit",
        "after submit sql",
    ],
)
def test_a_crash_while_it_is_dropped_is_resumed(local: LocalRun, fault: str) -> None:
    local.config["policy"]["on_dropped_partition"] = "drop"
    killed = local.run(fault=fault)
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert copied(local) == {1: 10, 3: 10, 4: 10}
    assert local.report()["orders"]["verdict"] == "Match"


def names(local: LocalRun) -> dict[str, int]:
    """Rows by the value of the one partition column."""
    found = local.sandbox.odps().get_table("named")
    counts = {}
    for partition in found.partitions:
        with found.open_reader(partition=partition.name) as reader:
            counts[partition.name.split("=")[1].strip("'")] = reader.count
    return counts


@pytest.fixture
def mapped(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    """Its partition a/b was copied as a_b."""
    local = LocalRun(mms_bin, sandbox, tmp_path)
    write_deltalake(str(tmp_path / "named"), rows({"a/b": 3, "c": 4}), partition_by=["p"])
    local.table(tmp_path / "named", "named")
    local.config["policy"]["partition_value_map"] = {"/": "_"}
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert names(local) == {"a_b": 3, "c": 4}
    return local


@pytest.mark.parametrize("policy", ["report", "empty", "drop"])
def test_one_that_goes_by_another_name_now_is_copied_there_and_has_not_left(
    mapped: LocalRun, tmp_path: Path, policy: str
) -> None:
    mapped.config["policy"] |= {
        "partition_value_map": {"/": "-"},
        "on_dropped_partition": policy,
    }
    plan = mapped.plan()["named"]
    left = {"dropped": 0, "emptied": 0, "extra": 0, "kept": 1}
    assert plan["left_partitions"] == left
    assert "under an earlier name: 1 partition" in mapped.text("plan")
    for _ in range(2):
        run = mapped.run()
        assert run.code == 0, run.out + run.err
        assert names(mapped) == {"a_b": 3, "a-b": 3, "c": 4}
        report = mapped.report()["named"]
        assert report["verdict"] == "ExtraInTarget"
        (reason,) = report["reasons"]
        assert "which goes by another name now, p=a-b; it is left alone" in reason, reason

    # When it has left the source, it has under both its names.
    DeltaTable(tmp_path / "named").delete("p = 'a/b'")
    run = mapped.run()
    assert run.code == 0, run.out + run.err
    there = {
        "report": {"a_b": 3, "a-b": 3, "c": 4},
        "empty": {"a_b": 0, "a-b": 0, "c": 4},
        "drop": {"c": 4},
    }
    assert names(mapped) == there[policy]


def test_one_that_an_earlier_release_copied_is_not_removed_since_nothing_shows_that_it_left(
    mapped: LocalRun, tmp_path: Path
) -> None:
    """That release kept names at the target alone, and those change with the policies."""
    (ledger,) = (tmp_path / "state").glob("**/ledger.db")
    with sqlite3.connect(ledger) as connection:
        connection.execute("UPDATE unit_plans SET plan_json = json_remove(plan_json, '$.sources')")
    DeltaTable(tmp_path / "named").delete("p = 'a/b'")
    mapped.config["policy"]["on_dropped_partition"] = "drop"
    run = mapped.run()
    assert run.code == 0, run.out + run.err
    assert names(mapped) == {"a_b": 3, "c": 4}
    report = mapped.report()["named"]
    assert report["verdict"] == "ExtraInTarget"
    assert "an earlier release copied it" in report["reasons"][0]


@pytest.mark.parametrize("other_work", [False, True])
def test_an_incremental_job_copies_what_goes_by_another_name_now_and_drops_nothing_of_it(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    other_work: bool,
) -> None:
    jobs = make_jobs(**{"partition.value.mapping": '{"/":"_"}'})
    orders = put("orders", {"a/b": 3, "c": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    assert "JOB_NOTHING_TO_DO" in jobs.refused()
    jobs.good("update", "sales", "--set", 'partition.value.mapping={"/":"-"}')
    if other_work:
        write_deltalake(str(orders), rows({"c": 1}), mode="append")
        jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move("--set", "on_dropped_partition=drop")
    assert [task["partitions"] for task in jobs.tasks(job)] == [1 + other_work]
    assert jobs.counts("orders") == {"a_b": 3, "a-b": 3, "c": 4 + other_work}
    (line,) = jobs.good_job("report", str(job["id"])).of("report_table")
    assert line["verdict"] == "ExtraInTarget"
    assert "which goes by another name now, p=a-b" in line["reasons"][0]
    assert "JOB_NOTHING_TO_DO" in jobs.refused()

    # It leaves the source, and goes under both names.
    DeltaTable(str(orders)).delete("p = 'a/b'")
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move("--set", "on_dropped_partition=drop")
    assert jobs.counts("orders") == {"c": 4 + other_work}


def test_a_job_of_the_whole_table_tells_it_or_drops_it(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    DeltaTable(str(orders)).delete("p = 'b'")
    jobs.good("sync", "sales", "--schema", "moved")
    told = jobs.move("--all")
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5}
    (line,) = jobs.good_job("report", str(told["id"])).of("report_table")
    assert line["verdict"] == "ExtraInTarget"
    assert "partition p=b: has left the source" in line["reasons"][0]

    # One that means a part of the table leaves it alone.
    jobs.move("--all", "--table", "orders", "--filter", "orders=p = 'a'",
              "--set", "on_dropped_partition=drop")
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5}
    assert "on_dropped_partition must be" in jobs.refused("--set", "on_dropped_partition=keep")

    dropping = jobs.move("--all", "--set", "on_dropped_partition=drop")
    assert jobs.counts("orders") == {"a": 3, "c": 5}
    (line,) = jobs.good_job("report", str(dropping["id"])).of("report_table")
    assert line["verdict"] == "Match"


@pytest.mark.parametrize("policy", ["report", "drop"])
def test_an_incremental_job_is_made_of_what_left_the_source_alone(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    policy: str,
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    assert "JOB_NOTHING_TO_DO" in jobs.refused()
    DeltaTable(str(orders)).delete("p = 'b'")
    jobs.good("sync", "sales", "--schema", "moved")
    part = ("--table", "orders", "--filter", "orders=p = 'a'")
    assert "JOB_NOTHING_TO_DO" in jobs.refused(*part), "it does not mean the whole table"

    job = jobs.move("--set", f"on_dropped_partition={policy}")
    (task,) = jobs.tasks(job)
    assert (task["table"], task["partitions"]) == ("main.moved.orders", 0)
    (line,) = jobs.good_job("report", str(job["id"])).of("report_table")
    assert line["verdict"] == ("ExtraInTarget" if policy == "report" else "Match")
    there = {"a": 3, "c": 5} if policy == "drop" else {"a": 3, "b": 4, "c": 5}
    assert jobs.counts("orders") == there
    assert "JOB_NOTHING_TO_DO" in jobs.refused(), "it is told once"
    listed = jobs.good("partitions", "sales", "moved.orders").of("source_partition")
    assert {line["status"] for line in listed} == {"DONE"}

    # A partition that appears while such a job waits is not taken for copied.
    DeltaTable(str(orders)).delete("p = 'c'")
    jobs.good("sync", "sales", "--schema", "moved")
    waiting = jobs.create()
    write_deltalake(str(orders), rows({"z": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.good_job("run")
    assert jobs.show(waiting)["status"] == "DONE"
    assert [task["partitions"] for task in jobs.tasks(jobs.move())] == [1]
    assert jobs.counts("orders")["z"] == 1


def test_a_timer_makes_a_job_of_what_left_the_source_alone(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    DeltaTable(str(orders)).delete("p = 'b'")
    adding = jobs.start_job(
        "timer", "add", "nightly", "--source", "sales", "--schema", "moved", "--daily", "00:00",
        "--set", "on_dropped_partition=drop",
    )  # fmt: skip
    out, err = adding.communicate(timeout=60)
    assert adding.returncode == 0, out + err
    trigger = jobs.start_job("timer", "trigger", str(json.loads(out.splitlines()[0])["id"]))
    assert trigger.wait(timeout=60) == 0
    owner = jobs.start_job("source", "start", "sales")
    try:
        jobs.wait_for(
            "SELECT 1 FROM jobs WHERE timer_id IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM job_tasks t WHERE t.job_id = jobs.id AND t.status <> 10)",
            owner,
        )
    finally:
        owner.terminate()
        owner.communicate(timeout=60)
    assert jobs.counts("orders") == {"a": 3}
