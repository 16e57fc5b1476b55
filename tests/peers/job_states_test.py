"""The states that a task goes through by what its job is to do, where it fails, and what becomes of
the table and its partitions with it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mapping_test import partitions, statuses
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401


def states(jobs: Jobs, task: dict[str, Any]) -> list[str]:
    """Of its log, each once."""
    log = jobs.good_job("log", str(task["id"])).of("task_log")
    return list(dict.fromkeys(line["status"] for line in log))


def test_what_a_job_is_not_to_do_is_passed_over(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    (made,) = jobs.tasks(jobs.move("--schema-only"))
    assert states(jobs, made) == ["SCHEMA_DOING", "SCHEMA_DONE", "DONE"]
    assert jobs.counts("orders") == {"a": 0, "b": 0}
    (copied,) = jobs.tasks(jobs.move("--no-schema", "--no-verify"))
    assert states(jobs, copied) == [
        "SCHEMA_DOING", "SCHEMA_DONE", "DATA_DOING", "DATA_DONE", "VERIFICATION_DONE", "DONE",
    ]  # fmt: skip
    assert jobs.counts("orders") == {"a": 3, "b": 4}
    assert statuses(jobs) == {"orders": "DONE"}


def test_rows_go_into_no_table_that_does_not_fit(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("people", 9)
    odps = jobs.sandbox.odps()
    odps.create_table("people", "n string, m bigint")
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create("--no-schema")
    jobs.good_job("run", code=6)
    (task,) = jobs.tasks(job)
    assert (task["status"], task["error"]["code"]) == ("SCHEMA_FAILED", "TARGET_SCHEMA_DIFFERS")
    assert statuses(jobs) == {"people": "FAILED"}
    assert jobs.counts("people") == {"": 0}
    odps.delete_table("people")
    odps.create_table("people", "n bigint")
    jobs.good_job("retry-task", str(task["id"]))
    (again,) = jobs.tasks(job)
    assert (again["status"], again["retried"]) == ("INIT", 1), "its table was not found to be right"
    jobs.good_job("run")
    assert statuses(jobs) == {"people": "DONE"}
    assert jobs.counts("people") == {"": 9}


def test_a_task_that_failed_by_its_rows_goes_on_behind_its_table(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    jobs.good("sync", "sales", "--schema", "moved")
    aside = {}
    for name in "bc":
        (file,) = (orders / f"p={name}").iterdir()
        aside[file.rename(tmp_path / name)] = file
    job = jobs.create()
    jobs.good_job("run", code=6)
    failed = [task for task in jobs.tasks(job) if task["status"] == "DATA_FAILED"]
    assert len(failed) == 2
    assert {value: line["status"] for value, line in partitions(jobs, "orders").items()} == {
        "a": "DONE",
        "b": "FAILED",
        "c": "FAILED",
    }
    assert statuses(jobs) == {"orders": "FAILED"}
    for there, file in aside.items():
        there.rename(file)
    jobs.good_job("retry-task", str(failed[0]["id"]))
    tasks = {task["id"]: task for task in jobs.tasks(job)}
    assert (tasks[failed[0]["id"]]["status"], tasks[failed[0]["id"]]["retried"]) == (
        "SCHEMA_DONE",
        1,
    )
    assert tasks[failed[1]["id"]]["status"] == "DATA_FAILED", "that one alone"
    jobs.good_job("run", str(job["id"]), code=6)
    assert jobs.show(job)["status"] == "FAILED", "of the other one"
    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"
    assert statuses(jobs) == {"orders": "DONE"}
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5}


def test_no_verb_goes_on_with_what_a_user_has_stopped_unasked(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1", "task.max.num": "1"})
    put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.create()
    assert jobs.job("run", MMS_FAULT="before verified:2").code == -signal.SIGKILL
    jobs.good_job("stop", str(job["id"]))
    jobs.good_job("run")  # takes it back from the process that was killed
    before = jobs.tasks(job)
    assert sorted(task["status"] == "DONE" for task in before) == [False, True], before

    refused = jobs.job("verify", str(job["id"])).err
    assert "JOB_STATE" in refused and "is stopped while 1 of its tasks wait" in refused
    assert "none of its tasks has failed" in jobs.good_job("retry", str(job["id"])).err
    assert jobs.show(job)["stopped"] and jobs.tasks(job) == before
    jobs.good_job("run")
    assert jobs.tasks(job) == before, "it is stopped"

    jobs.good_job("start", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"
    assert "all of its tasks are DONE" in jobs.good_job("start", str(job["id"])).err
    jobs.good_job("verify", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"


def test_a_job_is_made_though_the_evidence_of_others_cannot_be_listed(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    (jobs.state / "evidence").write_text("in its way", "utf-8")
    made = jobs.job("create", "move", "--source", "sales", "--schema", "moved")
    assert made.code == 0 and "EVIDENCE_UNREADABLE" in made.err, made.err
    (job,) = made.of("job")
    assert (job["status"], job["evidence"]) == ("INIT", None), "not known is null"
