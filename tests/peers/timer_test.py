"""Migration timers: one job at a time, what is stopped does not fire, lists are changed, and the
scan before a job can be left out. What a kill cuts off is fired again, what could not be read is
told. When a timer matches is tested by NextMatchTest.*.
"""

from __future__ import annotations

import datetime
import json
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deltalake import write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import control, rows


def timer(jobs: Jobs, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    process = jobs.start_job("timer", *arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    return [json.loads(line) for line in out.splitlines()]


def add(jobs: Jobs, name: str, *arguments: str) -> int:
    """One that matches by its clock in half a day, so that it fires when it is triggered alone."""
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)
    (added,) = timer(
        jobs, "add", name, "--source", "sales", "--schema", "moved", "--daily", f"{later:%H:%M}",
        *arguments,
    )  # fmt: skip
    return added["id"]


def fire(jobs: Jobs, *timers: int) -> None:
    """Each once, in this order; the last one's answer is awaited."""
    database = sqlite3.connect(f"file:{jobs.state}/service.db?mode=ro", uri=True)
    (before,) = database.execute("SELECT COALESCE(MAX(id), 0) FROM timer_logs").fetchone()
    database.close()
    for one in timers:
        timer(jobs, "trigger", str(one))
    process = jobs.keep_started()
    try:
        jobs.wait_for(
            f"SELECT 1 FROM timer_logs WHERE id > {before} AND timer_id = {timers[-1]} "
            "AND status IN (2, 3)",
            process,
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def serve(jobs: Jobs, until: str) -> None:
    """Keeps the source started until the query finds a row, and is killed then."""
    process = jobs.keep_started()
    try:
        jobs.wait_for(until, process)
    finally:
        process.kill()
        process.communicate(timeout=60)


def messages(jobs: Jobs, one: int) -> list[str]:
    """Oldest first."""
    return [line["message"] for line in reversed(timer(jobs, "log", str(one)))]


def test_a_timer_makes_no_second_job_and_none_while_it_is_stopped(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    begin, end = (now + datetime.timedelta(hours=hours) for hours in (2, 3))
    closed = f'{{"start":"{begin:%H:%M}","end":"{end:%H:%M}"}}'
    jobs = make_jobs(**{"task.window": closed})
    put("orders", {"a": 3})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    first = add(jobs, "first", "--but", "people")
    fire(jobs, first)
    (job,) = jobs.good_job("list").of("job")
    assert (job["timer_id"], job["status"]) == (first, "INIT"), "its window is closed"
    assert {task["table"] for task in jobs.tasks(job)} == {"main.moved.orders"}

    # Its job is still there: nothing is made, and the log says so.
    fire(jobs, first)
    assert [job["id"] for job in jobs.good_job("list").of("job")] == [job["id"]]
    made, refused = messages(jobs, first)
    assert made == "start job success"
    conflict, first_firing = timer(jobs, "log", str(first))
    assert (conflict["status"], conflict["async_id"]) == ("FAILED", None)
    tasks = {task["id"]: task for task in jobs.good("tasks", "sales").of("source_task")}
    task = tasks[first_firing["async_id"]]
    assert (task["task_type"], task["cause"]) == ("TASK_CREATE", "timer")
    assert task["result"]["job_id"] == job["id"]
    assert refused == "conflict: a job of this timer is still running; none was made"

    # Stopped it does not answer; another one that was asked later does.
    jobs.good_job("delete", str(job["id"]))
    (held,) = timer(jobs, "update", str(first), "--stop")
    assert held["stopped"] is True
    second = add(jobs, "second", "--but", "orders")
    fire(jobs, first, second)
    assert len(messages(jobs, first)) == 2
    (other,) = jobs.good_job("list", "--timer", str(second)).of("job")
    assert (other["name"], other["timer_id"]) == ("second", second)
    assert jobs.good_job("list", "--timer", str(first)).of("job") == []

    # It goes on, with another list.
    jobs.good_job("delete", str(other["id"]))
    (changed,) = timer(jobs, "update", str(first), "--resume", "--but", "orders")
    assert (changed["stopped"], changed["config"]["tableBlackList"]) == (False, ["orders"])
    fire(jobs, first)
    (job,) = jobs.good_job("list").of("job")
    assert {task["table"] for task in jobs.tasks(job)} == {"main.moved.people"}
    (error,) = timer(jobs, "update", str(first), "--stop", "--resume", code=3)
    assert error["code"] == "JOB_CONFIG"

    # A list is emptied by an empty name, and another one that was not named stays.
    (changed,) = timer(jobs, "update", str(first), "--only", "people", "--but", "")
    lists = [changed["config"][key] for key in ("tableWhiteList", "tableBlackList")]
    assert lists == [["people"], []]
    (changed,) = timer(jobs, "update", str(first), "--only", "")
    assert [changed["config"][key] for key in ("tableWhiteList", "tableBlackList")] == [[], []]

    # With another schedule what matched before it was set is none of its matches.
    (moved,) = timer(jobs, "update", str(first), "--hourly", f"{now:%M}")
    assert (moved["schedule"], moved["value"], moved["stopped"]) == ("Hourly", f"{now:%M}", False)
    assert moved["config"] == changed["config"]
    assert len(messages(jobs, first)) == 3


def test_what_would_fail_at_each_match_is_refused_when_it_is_said(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")

    def refused(*arguments: str) -> str:
        (error,) = timer(
            jobs, "add", "x", "--source", "sales", "--schema", "moved", "--hourly", "00",
            *arguments, code=3,
        )  # fmt: skip
        assert timer(jobs, "list") == []
        return error["message"]

    assert "others.max_csot is nothing that a job has" in refused("--set", "max_csot=5")
    assert "there is nothing to do" in refused("--no-schema", "--schema-only")
    assert "for a job of a whole schema" in refused("--table", "orders", "--but", "people")
    assert "week" in refused("--table", "orders", "--filter", "orders=week > 1")

    of_tables = add(jobs, "of tables", "--table", "orders", "--table", "later")
    (error,) = timer(jobs, "update", str(of_tables), "--but", "later", code=3)
    assert "for a job of a whole schema" in error["message"]
    (kept,) = timer(jobs, "list")
    assert kept["config"]["tableBlackList"] == []


def test_without_a_scan_before_it_a_timer_sees_what_the_last_one_found(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    write_deltalake(str(orders), rows({"b": 2}), mode="append")
    unseeing = add(jobs, "unseeing", "--no-refresh")
    fire(jobs, unseeing)
    (message,) = messages(jobs, unseeing)
    assert message.startswith("nothing is new"), message
    seeing = add(jobs, "seeing")
    fire(jobs, seeing)
    assert messages(jobs, seeing) == ["start job success"]
    jobs.good_job("run")
    assert jobs.counts("orders") == {"a": 3, "b": 2}


def test_a_firing_that_a_kill_cuts_off_is_fired_again_and_makes_one_job(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    lake: dict[str, Any],
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    one = add(jobs, "nightly")
    timer(jobs, "trigger", str(one))
    # The scan before the job stands still, as long as the process lives.
    control(lake, "POST", "fault", {"match": "/tables", "delay_ms": 20_000})
    serve(jobs, "SELECT 1 FROM scans WHERE id > 1000000 AND status = 1")
    control(lake, "DELETE", "fault")
    assert jobs.good_job("list").of("job") == []

    serve(jobs, "SELECT 1 FROM timer_logs WHERE status = 2")
    serve(jobs, "SELECT 1 FROM job_tasks WHERE status = 10 AND running = 0")
    (job,) = jobs.good_job("list").of("job")
    assert job["timer_id"] == one
    assert messages(jobs, one) == [
        "the process that was at it died; it is fired again",
        "start job success",
    ]


def test_a_table_that_can_no_longer_be_read_is_no_success_of_its_timer(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3})
    people = put("people", {"a": 9})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    write_deltalake(str(orders), rows({"a": 1}), mode="append")
    log = orders / "_delta_log" / "00000000000000000001.json"
    features = {"readerFeatures": ["fromTheFuture"], "writerFeatures": ["fromTheFuture"]}
    protocol = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}}
    lines = [*log.read_text("utf-8").splitlines(), json.dumps(protocol)]
    log.write_text("\n".join(lines) + "\n", "utf-8")
    every, without = add(jobs, "every"), add(jobs, "without", "--but", "orders")
    fire(jobs, every)
    (line,) = timer(jobs, "log", str(every))
    assert line["status"] == "FAILED"
    assert line["message"].startswith("nothing is new or has changed; no job was made; the scan ")
    assert "could not read 1 of its tables" in line["message"]
    assert "main.moved.orders" in line["message"]
    assert "fromTheFuture" in line["message"]
    fire(jobs, without)
    (line,) = timer(jobs, "log", str(without))
    assert line["status"] == "DONE", "it does not mean that table"

    # What can be read is copied meanwhile.
    write_deltalake(str(people), rows({"b": 2}), mode="append")
    fire(jobs, every)
    line, _ = timer(jobs, "log", str(every))
    assert line["status"] == "FAILED"
    assert line["message"].startswith("start job success; the scan could not read 1 of its tables")
    jobs.good_job("run")
    assert jobs.counts("people") == {"a": 9, "b": 2}
