"""`mms job plan`: what a job that is described would do, and that asking makes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Outcome
from deltalake import DeltaTable, write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import control, rows


def plan(jobs: Jobs, *arguments: str, code: int = 0, schema: str = "moved") -> Outcome:
    return jobs.good_job("plan", "--source", "sales", "--schema", schema, *arguments, code=code)


def tables(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {line["source"].split(".")[-1]: line for line in outcome.of("plan")}


def summary(outcome: Outcome) -> dict[str, Any]:
    (line,) = outcome.of("job_plan")
    return line


def listed(jobs: Jobs) -> list[Path]:
    """All files of the state folder, but for SQLite's own shared memory."""
    return sorted(path for path in jobs.state.rglob("*") if not path.name.endswith("-shm"))


def test_a_job_is_foretold_and_nothing_is_made(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs(
        **{
            "db.task.partition.max.num": "2",
            "task.window": '{"start": "22:00", "end": "02:00"}',
        }
    )
    put("orders", {"a": 3, "b": 4, "c": 5, "d": 6, "e": 7})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    before = listed(jobs)
    jobs.good("prices", "set", "--set", "azure.egress.gb=1000000")
    foretold = plan(jobs, "--rate-mib", "0.001", "--ddl")
    lines, total = tables(foretold), summary(foretold)
    of_orders = [lines["orders"][key] for key in ("tasks", "partitions", "rows", "units")]
    assert of_orders == [3, 5, 25, 5]
    assert lines["orders"]["ddl"][0].startswith("CREATE TABLE")
    assert (lines["people"]["tasks"], lines["people"]["partitions"]) == (1, None)
    assert [total[key] for key in ("tables", "tasks", "partitions")] == [2, 4, 5]
    assert [total[key] for key in ("made", "changed", "copied", "completed")] == [2, 0, 2, 0]
    assert total["nothing_to_do"] is None
    estimate = total["estimate"]
    assert estimate["bytes"] == lines["orders"]["bytes"] + lines["people"]["bytes"]
    assert estimate["rate_from"] == "given"
    assert estimate["hours"] == pytest.approx(estimate["bytes"] / 2**20 / 0.001 / 3600)
    assert (estimate["window_hours"], estimate["windows"]) == (4, 1)
    payers = {line["payer"]: line["cost"] for line in estimate["lines"]}
    assert payers["Azure"] == pytest.approx(estimate["bytes"] / 1e9 * 1_000_000)
    assert payers["MaxCompute"] is None and estimate["cost"] is None, "it has no price"

    assert not list(jobs.sandbox.odps().list_tables())
    assert not jobs.good_job("list").of("job")
    assert listed(jobs) == before
    tasks = jobs.tasks(jobs.create())  # as it was said
    assert (len(tasks), sum(task["partitions"] for task in tasks)) == (4, 5)


def test_what_is_completed_changed_and_new_is_told_apart(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    done = summary(plan(jobs))
    assert done["tasks"] == 0 and "2 tables are Completed" in done["nothing_to_do"]
    assert done["completed_names"] == ["main.moved.orders", "main.moved.people"]

    write_deltalake(str(orders), rows({"b": 2, "f": 1}), mode="append")
    DeltaTable(str(orders)).delete("p = 'c'")
    put("places", 2)
    jobs.good("sync", "sales", "--schema", "moved")
    foretold = plan(jobs, "--set", "on_dropped_partition=drop", "--ddl")
    lines, total = tables(foretold), summary(foretold)
    assert lines.keys() == {"orders", "places"}
    assert (lines["orders"]["at_target"], lines["places"]["at_target"]) == (True, False)
    assert lines["orders"]["left_partitions"] == {"dropped": 1, "emptied": 0, "extra": 0, "kept": 0}
    (drop,) = [sql for sql in lines["orders"]["ddl"] if " DROP IF EXISTS" in sql]
    assert "'c'" in drop and "'a'" not in drop
    assert [total[key] for key in ("made", "copied", "completed")] == [1, 2, 1]
    assert total["completed_partitions"] == 1, "a is Completed, c is gone, b and f go"
    assert total["partitions"] == 2
    assert total["estimate"]["rate_from"] == "last job"
    assert total["estimate"]["hours"] > 0
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5}
    # In words, too.
    shown = subprocess.run(
        [jobs.binary, "job", "plan", "--state", str(jobs.state), "--source", "sales",
         "--schema", "moved"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "main.moved.people\n  left out: Completed, and unchanged since" in shown
    assert "  1 task, 2 partitions by the scan" in shown
    assert "makes 1 table, adds columns to 0; left out as Completed: 1 table" in shown
    assert "that of the last job" in shown

    # Rows are not counted where tables alone are made.
    alone = summary(plan(jobs, "--schema-only", "--all"))
    assert (alone["copied"], alone["estimate"]["bytes"]) == (0, 0)


def test_what_keeps_a_table_from_being_copied_is_told(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    lake: dict[str, Any],
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    put("people", 9)
    put("places", 2)
    odps = jobs.sandbox.odps()
    odps.create_table("places", "m bigint")
    jobs.good("sync", "sales", "--schema", "moved")
    waiting = jobs.create("--table", "orders")
    control(lake, "POST", "table", {"schema": "moved", "name": "people", "drop": True})
    lines = tables(plan(jobs, code=3))
    assert lines["orders"]["error"]["code"] == "JOB_CONFLICT"
    assert lines["orders"]["verdict"] == "Refused"
    assert lines["people"]["verdict"] == "Failed", lines["people"]
    assert lines["people"]["error"]["code"] == "DATABRICKS_TABLE_NOT_FOUND"
    assert lines["places"]["error"]["code"] == "TARGET_SCHEMA_DIFFERS", lines["places"]["error"]
    assert not lines["places"].get("columns")

    # What a job is refused for as a whole is refused here alike.
    refused = jobs.job("plan", "--source", "sales", "--schema", "moved", "--table", "nobody")
    assert "JOB_TABLES_NOT_FOUND" in refused.err
    jobs.good_job("delete", str(waiting["id"]))
    assert tables(plan(jobs, "--table", "orders"))["orders"]["verdict"] == "Pending"


@pytest.mark.parametrize(
    ("flags", "settings"),
    [
        ([], {"db.task.partition.max.num": "2"}),
        ([], {}),
        (["--verify-by", "count"], {"db.task.partition.max.num": "2"}),
        (["--no-verify"], {"db.task.partition.max.num": "3"}),
    ],
)
def test_the_statements_of_its_tasks_are_foretold(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    flags: list[str],
    settings: dict[str, str],
) -> None:
    jobs = make_jobs(**settings)
    orders = put("orders", {"a": 3, "b": 4, "c": 5, "d": 6, "e": 7})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")

    def foretold(*arguments: str) -> int | None:
        lines = summary(plan(jobs, *flags, *arguments))["estimate"]["lines"]
        (line,) = [line for line in lines if line["unit"] == "statement"]
        return line["quantity"]

    def taken(job: dict[str, Any]) -> int:
        (cost,) = jobs.good_job("cost", str(job["id"])).of("job_cost")
        (line,) = [line for line in cost["used"] if line["unit"] == "statement"]
        return line["quantity"]

    assert foretold("--schema-only") is None
    said = foretold()
    assert said is not None and said > 2
    assert taken(jobs.move(*flags)) == said
    DeltaTable(str(orders)).delete("p = 'c'")
    write_deltalake(str(orders), rows({"b": 2, "f": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    said = foretold("--set", "on_dropped_partition=drop")
    assert said is not None and said > 0
    assert taken(jobs.move(*flags, "--set", "on_dropped_partition=drop")) == said


def test_a_table_that_is_left_out_since_it_is_refused_blocks_the_plan(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    lake: dict[str, Any],
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    put("hidden", 3)
    row_filter = {"row_filter": {"function_name": "main.f.f"}}
    control(lake, "POST", "table", {"schema": "moved", "name": "hidden", "change": row_filter})
    jobs.good("sync", "sales", "--schema", "moved")
    foretold = plan(jobs, code=4)
    assert tables(foretold)["orders"]["verdict"] == "Pending"
    assert summary(foretold)["refused_count"] == 1
    assert plan(jobs, "--but", "hidden").code == 0
    # With another that cannot be read now, and is not left out: some fail.
    put("bad", 3)
    gone = {"storage_location": (jobs.state / "nowhere").as_uri()}
    jobs.good("sync", "sales", "--schema", "moved")
    control(lake, "POST", "table", {"schema": "moved", "name": "bad", "change": gone})
    assert tables(plan(jobs, code=6))["bad"]["verdict"] == "Failed"


def test_footers_are_read_where_that_is_asked_for(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    people = put("people", 9)
    texts = pa.table({"n": [9], "name": ["x"]})
    write_deltalake(str(people), texts, mode="append", schema_mode="merge")
    jobs.good("sync", "sales", "--schema", "moved")
    foretold = plan(jobs, "--footers")
    (risk,) = tables(foretold)["people"]["values_at_risk"]
    assert (risk["source"], risk["files"], risk["files_within"]) == ("name", 2, 2)
    assert tables(foretold)["people"]["footers"]["files"] == 2
    assert summary(foretold)["footers"]["requests"] == 2
    assert summary(plan(jobs))["footers"] is None


def test_it_works_beside_the_process_that_owns_the_folder(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    owner = jobs.start_job("source", "start", "sales")
    try:
        assert owner.stdout is not None and "STARTED" in owner.stdout.readline()
        assert tables(plan(jobs))["orders"]["tasks"] == 1
    finally:
        owner.terminate()
        owner.communicate(timeout=60)
