"""A partition that somebody made at the target is told as ExtraInTarget, and never touched."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Sandbox
from deltalake import DeltaTable
from dropped_partition_test import units
from evidence_test import unpack
from local_run import LocalRun
from partition_choice_test import copied, write
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401

MADE = "at the target, neither the source nor the plan has it"


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    write(tmp_path / "orders", range(1, 4))
    local.table(tmp_path / "orders", "orders")
    return local


def good(local: LocalRun, verb: str = "run") -> None:
    run = local.run(verb)
    assert run.code == 0, run.out + run.err


def make(local: LocalRun, day: int, rows: int = 0) -> None:
    """A partition by another hand."""
    table = local.sandbox.odps().get_table("orders")
    table.create_partition(f"day={day}", if_not_exists=True)
    if rows:
        with table.open_writer(partition=f"day={day}") as writer:
            writer.write([[row] for row in range(rows)])


def proven(bundle: Path) -> dict[str, str]:
    """Verdicts by partition, as the evidence has them."""
    lines = dict(unpack(bundle))["partitions.jsonl"].splitlines()
    return {line["partition"]: line["verdict"] for line in map(json.loads, lines)}


def test_it_is_told_with_or_without_rows_and_outlives_every_policy(
    local: LocalRun, tmp_path: Path
) -> None:
    good(local)
    assert local.report()["orders"]["verdict"] == "Match"
    make(local, 8)
    make(local, 9, rows=3)
    good(local, "verify")
    report = local.report()["orders"]
    assert (report["verdict"], report["units"]) == ("ExtraInTarget", 5)
    assert (report["rows_source"], report["rows_copied"], report["rows_target"]) == (30, 30, 30)
    assert report["source_checksum"] == report["target_checksum"] != None  # noqa: E711
    assert [MADE in reason for reason in report["reasons"]] == [True, True]
    assert units(local) == {
        "day=1": "Match", "day=2": "Match", "day=3": "Match",
        "day=8": "ExtraInTarget", "day=9": "ExtraInTarget",
    }  # fmt: skip
    assert MADE in local.text("report")
    assert MADE in local.text("report", "--format", "html")
    assert local.run("report", "--evidence", str(tmp_path / "proof.tar")).code == 0
    assert proven(tmp_path / "proof.tar") == units(local)

    # One that was copied leaves the source, and what has left is dropped: it alone.
    DeltaTable(tmp_path / "orders").delete("day = 2")
    local.config["policy"]["on_dropped_partition"] = "drop"
    good(local)
    assert copied(local) == {1: 10, 3: 10, 8: 0, 9: 3}
    assert units(local).keys() == {"day=1", "day=3", "day=8", "day=9"}

    # One goes at the target, and the source gets the other.
    local.sandbox.odps().get_table("orders").delete_partition("day=8")
    write(tmp_path / "orders", range(9, 10))
    good(local)
    assert copied(local) == {1: 10, 3: 10, 9: 10}
    assert local.report()["orders"]["verdict"] == "Match"


def test_a_comparison_forgets_what_has_gone_at_the_target(local: LocalRun, tmp_path: Path) -> None:
    good(local)
    DeltaTable(tmp_path / "orders").delete("day = 2")
    make(local, 9)
    good(local)
    assert units(local)["day=2"] == units(local)["day=9"] == "ExtraInTarget"
    for day in (2, 9):
        local.sandbox.odps().get_table("orders").delete_partition(f"day={day}")
    good(local, "verify")
    assert units(local) == {"day=1": "Match", "day=3": "Match"}
    assert local.report()["orders"]["verdict"] == "Match"


def test_it_is_found_by_a_run_whatever_is_compared(local: LocalRun) -> None:
    local.config["policy"]["verify"] = "count"
    good(local)
    make(local, 9, rows=2)
    write(Path(local.config["tables"][0]["location"].removeprefix("file://")), range(4, 5))
    good(local)
    assert units(local)["day=9"] == "ExtraInTarget"
    plan = local.plan()["orders"]
    assert plan["left_partitions"] == {"dropped": 0, "emptied": 0, "extra": 0, "kept": 0}


@pytest.mark.parametrize("settings", [{"partitions": "day <= 3"}, {"verify": "none"}])
def test_it_is_not_looked_for_where_a_part_is_meant_or_nothing_is_compared(
    local: LocalRun, settings: dict[str, str]
) -> None:
    if "verify" in settings:
        local.config["policy"] |= settings
    else:
        local.config["tables"][0] |= settings
    good(local)
    make(local, 9)
    write(Path(local.config["tables"][0]["location"].removeprefix("file://")), range(1, 2))
    good(local)
    assert "day=9" not in units(local)
    if "partitions" in settings:
        good(local, "verify")
        assert "day=9" not in units(local)


def test_it_is_no_part_of_a_frozen_plan(local: LocalRun, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert local.run("plan", "--out", str(file)).code == 0
    good(local)
    make(local, 9)
    good(local, "verify")
    run = local.run("run", str(file))
    assert run.code == 0, run.out + run.err
    assert units(local)["day=9"] == "ExtraInTarget"


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_a_crash_while_it_is_noted_is_resumed(local: LocalRun, moment: str) -> None:
    good(local)
    make(local, 9)
    killed = local.run("verify", fault=f"{moment} add extra")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    good(local, "verify")
    assert units(local)["day=9"] == "ExtraInTarget"


def test_a_job_of_the_whole_table_finds_it_once_and_knows_what_others_moved(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    put("orders", {"a": 3, "b": 4, "c": 5})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move("--table", "orders", "--filter", "orders=p = 'a'")
    table = jobs.sandbox.odps().get_table("orders")
    table.create_partition("p=z")

    def verdicts(job: dict[str, object]) -> dict[str, str]:
        jobs.good_job("evidence", str(job["id"]), "--out", str(jobs.state / "proof.tar"))
        return proven(jobs.state / "proof.tar")

    # What the first job knows of is gone with its ledger: the source still has it.
    for ledger in jobs.state.rglob("ledger.db*"):
        ledger.unlink()
    rest = jobs.move()
    assert verdicts(rest) == {"p=b": "Match", "p=c": "Match", "p=z": "ExtraInTarget"}
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5, "z": 0}
    lines = [task["id"] for task in jobs.tasks(rest)]
    logs = [jobs.good_job("log", str(task)).out for task in lines]
    assert sum("1 not at the source" in log for log in logs) == 1

    table.delete_partition("p=z")
    table.create_partition("p=y")
    jobs.good_job("verify", str(rest["id"]))
    jobs.good_job("run")
    assert verdicts(rest) == {"p=b": "Match", "p=c": "Match", "p=y": "ExtraInTarget"}
