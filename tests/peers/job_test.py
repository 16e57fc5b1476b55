"""`mms job` and `mms timer` against the lakehouse and the sandbox: a schema is moved task by task,
only what is new or changed moves later, and jobs are stopped, killed, retried and timed. What
arrived is read by PyODPS.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import datetime
import itertools
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import partition_zone_test
import pytest
from conftest import Sandbox
from deltalake import DeltaTable, write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import control, rows


def by_table(tasks: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Partitions of each task, by table."""
    sizes: dict[str, list[int]] = {}
    for task in tasks:
        sizes.setdefault(task["table"].split(".")[-1], []).append(task["partitions"])
    return sizes


def test_a_schema_is_moved_in_tasks_and_later_only_what_changed(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "2"})
    orders = put("orders", {"a": 3, "b": 4, "c": 5, "d": 6, "e": 7})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move()
    tasks = jobs.tasks(job)
    assert by_table(tasks) == {"orders": [2, 2, 1], "people": [0]}
    assert {task["status"] for task in tasks} == {"DONE"}
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5, "d": 6, "e": 7}
    assert jobs.counts("people") == {"": 9}
    log = jobs.good_job("log", str(tasks[0]["id"])).of("task_log")
    steps = [line["status"] for line in log]
    order = ["SCHEMA_DOING", "SCHEMA_DONE", "DATA_DOING", "DATA_DONE", "VERIFICATION_DOING"]
    assert [step for step in dict.fromkeys(steps)] == [*order, "VERIFICATION_DONE", "DONE"]
    (compared,) = [line["message"] for line in log if line["message"].startswith("2 of 2 partit")]
    assert compared.splitlines()[1:] == ["  p=a: 3 source, 3 target", "  p=b: 4 source, 4 target"]
    assert "JOB_NOTHING_TO_DO" in jobs.refused()

    # One partition grows, one is new, one is only rewritten: two are copied.
    write_deltalake(str(orders), rows({"b": 2, "f": 1}), mode="append")
    DeltaTable(str(orders)).optimize.compact()
    jobs.good("sync", "sales", "--schema", "moved")
    again = jobs.move()
    assert by_table(jobs.tasks(again)) == {"orders": [2]}
    assert jobs.counts("orders") == {"a": 3, "b": 6, "c": 5, "d": 6, "e": 7, "f": 1}
    assert "JOB_NOTHING_TO_DO" in jobs.refused()

    # All of it again, when that is asked for.
    whole = jobs.move("--all", "--table", "orders")
    assert by_table(jobs.tasks(whole)) == {"orders": [2, 2, 2]}
    assert jobs.counts("orders")["b"] == 6


def test_a_task_ends_at_its_gigabytes_and_a_job_may_have_its_own_limit(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    put("orders", {value: 1 for value in "abcdef"})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create("--set", "db.task.partition.max.num=4")
    assert by_table(jobs.tasks(job)) == {"orders": [4, 2]}
    assert "db.task.partition.max.num" in jobs.refused("--set", "task.max.num=1", "--all")


def test_only_the_partitions_that_are_meant_go(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3, "b": 4, "c": 5})
    jobs.good("sync", "sales", "--schema", "moved")
    assert "none of the partitions" in jobs.refused("--table", "orders", "--filter", "orders=p='x'")
    assert '"day" is no partition column' in jobs.refused(
        "--table", "orders", "--filter", "orders=day > 1"
    )
    jobs.move("--table", "orders", "--filter", "orders=p IN ('a', 'c')")
    assert jobs.counts("orders") == {"a": 3, "c": 5}

    def partitions() -> dict[str, dict[str, Any]]:
        listed = jobs.good("partitions", "sales", "moved.orders").of("source_partition")
        return {line["values"][0]: line for line in listed}

    known = partitions()
    assert {value: line["status"] for value, line in known.items()} == {
        "a": "DONE",
        "b": "INIT",
        "c": "DONE",
    }
    assert "JOB_PARTITIONS_NOT_FOUND" in jobs.refused("--partition", "999999")
    jobs.move("--partition", str(known["b"]["id"]))
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5}
    assert {line["status"] for line in partitions().values()} == {"DONE"}


def test_lists_names_and_projects(make_jobs: Callable[..., Jobs], put: Callable[..., Path]) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    put("people", 9)
    put("places", 2)
    jobs.good("sync", "sales", "--schema", "moved")
    err = jobs.refused("--project", "elsewhere")
    assert "elsewhere is neither the data source's default project dw nor in its list" in err
    assert "JOB_COLLISION" in jobs.refused("--as", "people=orders")
    assert "JOB_TABLES_NOT_FOUND" in jobs.refused("--table", "nobody")
    jobs.move(
        "--but", "places", "--only", "places", "--project", "dw2", "--as", "people=persons",
        "--column-as", "n=number",
    )  # fmt: skip
    odps = jobs.sandbox.odps()
    assert {table.name for table in odps.list_tables(project="dw2")} == {"orders", "persons"}
    assert not list(odps.list_tables())
    assert jobs.counts("persons", "dw2") == {"": 9}
    names = [column.name for column in odps.get_table("persons", project="dw2").table_schema]
    assert names == ["number"]
    # Statements ran where jobs are to run.
    assert list(odps.list_instances(project="jobs"))
    assert not list(odps.list_instances(project="dw2"))
    assert not list(odps.list_instances())


def test_a_foreign_key_is_told_of(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], lake: dict[str, Any]
) -> None:
    jobs = make_jobs()
    put("people", 9)
    key = {"name": "fk", "parent_table": "main.moved.places", "child_columns": ["n"]}
    change = {"table_constraints": [{"foreign_key_constraint": key}]}
    control(lake, "POST", "table", {"schema": "moved", "name": "people", "change": change})
    jobs.good("sync", "sales", "--schema", "moved")
    (task,) = jobs.tasks(jobs.move())
    log = jobs.good_job("log", str(task["id"])).of("task_log")
    warnings = [line["message"] for line in log if line["action"] == "warning"]
    assert warnings == ["the foreign key to main.moved.places is not copied: MaxCompute has none"]


def test_a_live_table_is_copied_as_it_was_and_the_rest_comes_later(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    """A writer commits all through the job. What is at the target is one version, by rows and
    values; the next job brings what came after."""
    jobs = make_jobs(**{"db.task.partition.max.num": "1", "task.max.num": "2"})
    orders = put("orders", {value: 50 for value in "abcdefgh"})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    process = jobs.start_job("job", "run")
    commits = 0
    while process.poll() is None:
        write_deltalake(str(orders), rows({"h": 1, "a": 1}), mode="append")
        commits += 1
    assert process.communicate()[1] is not None
    assert jobs.show(job)["status"] == "DONE"
    (line,) = [
        line
        for line in jobs.good_job("log", str(jobs.tasks(job)[-1]["id"])).of("task_log")
        if line["action"] == "copy" and "version" in line["message"]
    ]
    version = int(line["message"].rsplit("version ", 1)[1])
    assert 0 <= version < commits, "the writer went on"

    def at(number: int) -> dict[str, int]:
        table = DeltaTable(str(orders), version=number).to_pyarrow_table(columns=["p"])
        counts = table.group_by("p").aggregate([("p", "count")]).to_pylist()
        return {row["p"]: row["p_count"] for row in counts}

    assert jobs.counts("orders") == at(version)
    jobs.good("sync", "sales", "--schema", "moved")
    rest = jobs.move()
    assert by_table(jobs.tasks(rest)) == {"orders": [1, 1]}
    assert jobs.counts("orders") == at(DeltaTable(str(orders)).version())


def test_the_status_of_jobs_is_seen_from_beside(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1", "task.max.num": "1"})
    put("orders", {value: 200 for value in "abcdefgh"})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()

    def status(*arguments: str) -> subprocess.Popen[str]:
        return jobs.start_job("status", *arguments)

    (waiting,) = [json.loads(line) for line in status().communicate(timeout=60)[0].splitlines()]
    (line,) = waiting["jobs"]
    assert (line["id"], line["status"], line["tasks"], line["bytes"]) == (job["id"], "INIT", 8, 0)
    assert line["bytes_planned"] == sum(task["bytes"] for task in jobs.tasks(job))
    watching = status("--watch")
    assert watching.stdout is not None
    (first,) = json.loads(watching.stdout.readline())["jobs"]
    assert first["tasks_done"] == 0
    jobs.good_job("run")
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["jobs"] == []
    assert json.loads(status().communicate(timeout=60)[0])["jobs"] == []


def test_a_job_leaves_a_report_and_evidence_of_its_own(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], tmp_path: Path
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3, "b": 4})
    put("people", 9)
    put("bad", {"a/b": 1})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create("--table", "orders", "--table", "bad")
    assert "JOB_NOT_BEGUN" in jobs.job("report", str(job["id"])).err
    jobs.good_job("run", code=6)
    other = jobs.move("--table", "people")
    reported = jobs.good_job("report", str(job["id"])).of("report_table")
    assert {line["source"]: line["verdict"] for line in reported} == {
        "main.moved.orders": "Match",
        "main.moved.bad": "Refused",
    }
    page = tmp_path / "page.html"
    jobs.good_job("report", str(job["id"]), "--format", "html", "--out", str(page))
    assert "main.moved.orders" in page.read_text("utf-8")
    assert "main.moved.people" not in page.read_text("utf-8")

    def check(bundle: Path) -> dict[str, Any]:
        command = [jobs.binary, "report", "--check", str(bundle), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["manifest"]["totals"]

    # Written when the last task of each ended, and again when it is asked for.
    totals = check(jobs.state / "evidence" / f"job-{job['id']}-1.tar")
    assert (totals["tables"], totals["partitions_by_verdict"]) == (2, {"Match": 2})
    assert check(jobs.state / "evidence" / f"job-{other['id']}-1.tar")["rows_target"] == 9
    jobs.good_job("evidence", str(job["id"]), "--out", str(tmp_path / "again.tar"))
    assert check(tmp_path / "again.tar") == totals


def test_the_connection_test_looks_at_every_project(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(**{"mc.projects": "dw2,nowhere"})
    outcome = jobs.run("test", "sales")
    assert outcome.code != 0
    (task,) = outcome.of("source_task")
    steps = [step for step in task["result"]["steps"] if step["name"].startswith("MaxCompute")]
    seen = {(step["name"], step["outcome"]): step["detail"] for step in steps}
    failed = [step for step in steps if step["outcome"] == "failed"]
    assert [step["name"] for step in failed] == ["MaxCompute project"]
    assert "nowhere" in failed[0]["detail"]
    assert seen["MaxCompute right: create table", "ok"].startswith("project dw2: ")
    assert {step["detail"].split(":")[0] for step in steps} >= {"project dw", "project dw2"}
    jobs.good("update", "sales", "--set", "mc.projects=dw2")
    jobs.good("test", "sales")


def test_tables_without_rows_and_rows_without_tables(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create("--no-schema")
    assert jobs.good_job("run", code=6).of("summary")[0]["failed"] == 1
    (task,) = jobs.tasks(job)
    assert (task["status"], task["error"]["code"]) == ("SCHEMA_FAILED", "TARGET_TABLE_MISSING")
    jobs.good_job("delete", str(job["id"]))
    jobs.move("--schema-only")
    assert jobs.counts("orders") == {"a": 0, "b": 0}
    jobs.move("--no-schema")
    assert jobs.counts("orders") == {"a": 3, "b": 4}
    jobs.move("--schema-only", "--all")
    assert "JOB_NOTHING_TO_DO" in jobs.refused(), "its rows are as Completed as before"


def test_what_failed_is_told_and_tried_again_once_it_is_mended(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    put("orders", {"a/b": 3, "c": 4})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    outcome = jobs.good_job("run", code=6)
    assert "PARTITION_VALUE_INVALID" in outcome.err
    assert jobs.show(job)["status"] == "FAILED"
    assert jobs.counts("people") == {"": 9}, "one bad table stops no other"
    jobs.good("update", "sales", "--set", 'partition.value.mapping={"/":"_"}')
    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run", str(job["id"]))
    assert jobs.show(job)["status"] == "DONE"
    assert jobs.counts("orders") == {"a_b": 3, "c": 4}
    retried = [task for task in jobs.tasks(job) if task["retried"] > 0]
    assert [task["table"] for task in retried] == ["main.moved.orders"]


def test_a_retry_leaves_the_whole_job_in_its_report(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    jobs.good("sync", "sales", "--schema", "moved")
    (file,) = (orders / "p=b").iterdir()
    kept = file.rename(orders / "kept")
    job = jobs.create()
    jobs.good_job("run", code=6)
    assert sorted(task["status"] for task in jobs.tasks(job)) == ["DATA_FAILED", "DONE", "DONE"]
    kept.rename(file)
    write_deltalake(str(orders), rows({"a": 1}), mode="append")
    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run")
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5}, "what was done is not done again"
    (line,) = jobs.good_job("report", str(job["id"])).of("report_table")
    assert (line["verdict"], line["units"], line["rows_target"]) == ("Match", 3, 12)
    (retried,) = [task for task in jobs.tasks(job) if task["retried"]]
    log = jobs.good_job("log", str(retried["id"])).of("task_log")
    told = [step["message"] for step in log if step["action"] == "warning"]
    assert any("what the job had finished by then is of version 0" in text for text in told)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    assert jobs.counts("orders") == {"a": 4, "b": 4, "c": 5}


def test_a_source_that_is_stopped_ends_the_run_by_name(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], service: Sandbox
) -> None:
    jobs = make_jobs(**{"task.max.num": "1", "db.task.partition.max.num": "1"})
    put("orders", {value: 100 for value in "abcdefgh"})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    process = jobs.start_job("job", "run")
    jobs.wait_for("SELECT 1 FROM job_tasks WHERE status = 10", process)
    jobs.good("stop", "sales")
    _, err = process.communicate(timeout=60)
    if jobs.show(job)["status"] != "DONE":
        assert "data source sales: was stopped; the tasks of its jobs wait" in err
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"
    assert sum(jobs.counts("orders").values()) == 800


def test_one_table_belongs_to_one_job_at_a_time(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    first = jobs.create("--table", "orders")
    err = jobs.refused()
    assert "JOB_CONFLICT" in err
    assert "main.moved.orders" in err
    jobs.create("--table", "people", name="other")
    jobs.good_job("delete", str(first["id"]))
    jobs.create("--table", "orders", name="anew")
    jobs.good_job("run")
    listed = jobs.good_job("list").of("job")
    assert {(job["name"], job["status"]) for job in listed} == {("anew", "DONE"), ("other", "DONE")}


def test_a_stopped_job_waits_and_a_started_one_goes_on(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    jobs.good_job("stop", str(job["id"]))
    (summary,) = jobs.good_job("run").of("summary")
    assert summary["done"] == 0
    assert jobs.show(job)["stopped"] is True
    jobs.good_job("start", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"


def test_nothing_begins_outside_of_the_window(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    begin, end = (now + datetime.timedelta(hours=hours) for hours in (2, 3))
    jobs = make_jobs(**{"task.window": f'{{"start":"{begin:%H:%M}","end":"{end:%H:%M}"}}'})
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    process = jobs.start_job("job", "run")
    assert process.stdout is not None
    seen = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert {(line["tasks_waiting"], line["tasks_running"]) for line in seen} == {(1, 0)}
    (reason,) = seen[-1]["waiting_for"]
    assert reason.startswith("outside of the window of data source sales")
    out, _ = jobs.start_job("status").communicate(timeout=60)
    beside = json.loads(out.splitlines()[0])
    assert [one["waits_for_window"] for one in beside["jobs"]] == [reason]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    jobs.good("update", "sales", "--set", "task.window=")
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"


def test_no_more_tasks_run_than_the_source_allows(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1", "task.max.num": "1"})
    put("orders", {"a": 1, "b": 2})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move()
    spans = sorted((task["started_ms"], task["ended_ms"]) for task in jobs.tasks(job))
    assert len(spans) == 3
    for (_, ended), (started, _) in itertools.pairwise(spans):
        assert started >= ended


@pytest.mark.parametrize(
    "point",
    [
        "after save plan:2",
        "after set session:2",
        "before commit upload:2",
        "after commit upload:2",
    ],
)
def test_a_killed_service_goes_on_and_copies_nothing_twice(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path], point: str
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "2"})
    parts = {value: count for count, value in enumerate("abcdefgh", 1)}
    put("orders", parts)
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    killed = jobs.job("run", MMS_FAULT=point)
    assert killed.code == -signal.SIGKILL
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"
    assert jobs.counts("orders") == parts
    assert jobs.counts("people") == {"": 9}


def test_a_timer_makes_a_job_of_what_is_new(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    write_deltalake(str(orders), rows({"b": 2}), mode="append")

    def timer(*arguments: str) -> list[dict[str, Any]]:
        process = jobs.start_job("timer", *arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return [json.loads(line) for line in out.splitlines()]

    day = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)
    made = timer(
        "add", "nightly", "--source", "sales", "--schema", "moved", "--daily", f"{day:%H:%M}"
    )
    (added,) = made
    timer("trigger", str(added["id"]))
    process = jobs.keep_started()
    try:
        jobs.wait_for(
            "SELECT 1 FROM jobs WHERE timer_id IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM job_tasks t WHERE t.job_id = jobs.id AND t.status <> 10)",
            process,
        )
        timer("trigger", str(added["id"]))
        jobs.wait_for(
            "SELECT 1 FROM timer_logs WHERE status = 2 AND message LIKE 'nothing is new%'", process
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert jobs.counts("orders") == {"a": 3, "b": 2}
    log = timer("log", str(added["id"]))
    assert [line["message"] for line in reversed(log)][0] == "start job success"
    assert [job["timer_id"] for job in jobs.good_job("list").of("job")] == [added["id"], None]


def test_partition_values_without_a_zone_are_warned_of_and_taken_as_the_source_says(
    make_jobs: Callable[..., Jobs],
    put: Callable[..., Path],
    lake: dict[str, Any],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "tables" / "events"
    put("people", 1)  # which also takes the tables away at the end
    values = [{"at": "2024-07-01 11:11:11"}, {"at": "2024-07-01T20:00:00.000000Z"}]
    partition_zone_test.write(folder, ["at"], values)
    entry = {"schema": "moved", "name": "events", "folder": str(folder)}
    control(lake, "POST", "table", {**entry, "change": {"storage_location": folder.as_uri()}})
    jobs = make_jobs(**{"legacy.partition.time.zone": "America/Los_Angeles"})
    for _ in range(2):  # its log is not read again, and is still warned of
        scan = jobs.good("sync", "sales", "--schema", "moved")
        assert "values such as \"2024-07-01 11:11:11\" have no time zone" in scan.err
        (done,) = scan.of("source_scan")
        assert done["result"]["warning_count"] == 1
        assert "America/Los_Angeles" in done["result"]["warnings"][0]["warning"]
    listed = jobs.good("tables", "sales").of("source_table")
    warnings = {line["source"]: line["warning"] for line in listed}
    assert warnings["main.moved.people"] is None
    assert "no time zone" in warnings["main.moved.events"]
    jobs.move()
    odps = jobs.sandbox.odps().get_table("events")
    arrived = {partition.partition_spec["at"] for partition in odps.partitions}
    assert arrived == {"2024-07-01 18:11:11", "2024-07-01 20:00:00"}
