"""Migration timers: one job at a time, what is stopped does not fire, lists are changed, and the
scan before a job can be left out. When a timer matches is tested by NextMatchTest.*.
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
from sync_test import rows


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
