"""What a job has copied is compared again at any time; what a user changed at the target meanwhile
is found and named, and a retry copies that again. And MMS's own comparison, COUNT(*) on both sides,
with a real Spark as the source's side.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Mms, Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sql_read_test import sql_lake  # noqa: F401
from sync_test import rows


def change(jobs: Jobs, partition: str, values: list[int]) -> None:
    """The partition's rows become these, by PyODPS."""
    table = jobs.sandbox.odps().get_table("orders")
    with table.open_writer(partition=f"p='{partition}'", overwrite=True) as writer:
        writer.write([[value] for value in values])


def statuses(jobs: Jobs, job: dict[str, Any]) -> dict[str, str]:
    return {task["table"].split(".")[-1]: task["status"] for task in jobs.tasks(job)}


def log(jobs: Jobs, task: dict[str, Any]) -> list[dict[str, Any]]:
    return jobs.good_job("log", str(task["id"])).of("task_log")


def used(jobs: Jobs, job: dict[str, Any]) -> dict[str, float]:
    (cost,) = jobs.good_job("cost", str(job["id"])).of("job_cost")
    return {line["what"]: line["quantity"] for line in cost["used"]}


def test_a_job_is_compared_again_and_a_retry_copies_what_differs(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move()
    bill = used(jobs, job)

    # The source has changed, which is no matter: the version that was copied counts.
    write_deltalake(str(orders), rows({"a": 2}), mode="append")
    verify = jobs.good_job("verify", str(job["id"]))
    assert "2 tasks" in verify.err
    assert statuses(jobs, job) == {"orders": "DATA_DONE", "people": "DATA_DONE"}
    assert "JOB_CONFLICT" in jobs.refused("--all")
    jobs.good_job("run")
    shown = jobs.show(job)
    assert (shown["status"], shown["tasks_done"]) == ("DONE", 2), shown
    (task,) = [one for one in jobs.tasks(job) if one["table"].endswith("orders")]
    steps = [(line["status"], line["action"]) for line in log(jobs, task)]
    again = [("DATA_DONE", "verify"), ("VERIFICATION_DOING", "compare again")]
    assert steps[-4:-1] == [*again, ("VERIFICATION_DONE", "compare again")]
    assert (task["rows_copied"], task["compare_alone"]) == (12, False)
    again, instance = used(jobs, job), "the instance, while tasks ran"
    assert again.pop(instance) > bill.pop(instance) > 0, "it was at work again"
    assert again == bill

    # A user writes to the target: as many rows, others; and a partition goes.
    change(jobs, "b", [100, 1, 2, 3])
    jobs.sandbox.odps().get_table("orders").delete_partition("p='c'")
    jobs.good_job("verify", str(job["id"]))
    jobs.good_job("run", code=7)
    assert statuses(jobs, job) == {"orders": "VERIFICATION_FAILED", "people": "DONE"}
    (task,) = [one for one in jobs.tasks(job) if one["table"].endswith("orders")]
    text = task["error"]["message"]
    assert "p=b: Mismatch" in text and "values differ in column n" in text, text
    assert "p=c: MissingInTarget" in text, text
    told = log(jobs, task)[-1]["message"].splitlines()[-3:]
    assert told[0].endswith("p=a: 3 source, 3 target"), told
    assert told[1].endswith("p=b: 4 source, 4 target (Mismatch)"), told
    assert told[2].endswith("p=c: 5 source, none target (MissingInTarget)"), told
    states = {line["source"].split(".")[-1]: line["status"] for line in tables(jobs)}
    assert states == {"orders": "FAILED", "people": "DONE"}

    # A count does not see that values changed, and does not lift what is known of them.
    jobs.good_job("verify", str(job["id"]), "--by", "count")
    jobs.good_job("run", code=7)
    (task,) = [one for one in jobs.tasks(job) if one["table"].endswith("orders")]
    text = task["error"]["message"]
    assert "p=c: MissingInTarget" in text and "no count lifts that" in text, text

    jobs.good_job("verify", str(job["id"]), "--by", "checksum")
    jobs.good_job("run", code=7)
    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"
    jobs.good_job("verify", str(job["id"]))
    jobs.good_job("run")
    assert statuses(jobs, job) == {"orders": "DONE", "people": "DONE"}
    counts = jobs.counts("orders")
    assert (counts["b"], counts["c"]) == (4, 5)


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_a_retry_of_what_differs_is_killed_and_goes_on(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    moment: str,
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move()
    change(jobs, "b", [100, 1, 2, 3])
    jobs.good_job("verify", str(job["id"]))
    jobs.good_job("run", code=7)
    jobs.good_job("retry", str(job["id"]))
    killed = jobs.job("run", MMS_FAULT=f"{moment} forget mismatches")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    jobs.good_job("run")
    jobs.good_job("verify", str(job["id"]))
    jobs.good_job("run")
    assert jobs.show(job)["status"] == "DONE"
    assert jobs.counts("orders") == {"a": 3, "b": 4}


def tables(jobs: Jobs) -> list[dict[str, Any]]:
    return [line for line in jobs.good("tables", "sales").of("source_table") if line["status"]]


def test_what_a_later_job_copied_is_for_that_job_to_compare(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    first = jobs.move()
    second = jobs.move("--all")
    for _ in range(2):
        jobs.good_job("verify", str(first["id"]))
        assert "VERIFY_SUPERSEDED" in jobs.good_job("run", code=6).err
        (task,) = jobs.tasks(first)
        assert task["error"]["code"] == "VERIFY_SUPERSEDED"
        assert task["status"] == "DONE", "it did what it was to do"
        assert jobs.show(first)["status"] == "DONE"
    jobs.good_job("verify", str(second["id"]))
    jobs.good_job("run")
    assert jobs.show(second)["status"] == "DONE"
    made = jobs.move("--all", "--schema-only")
    assert "JOB_STATE" in jobs.job("verify", str(made["id"])).err


def test_what_no_later_job_took_over_is_compared_by_the_job_that_copied_it(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    first = jobs.move()
    write_deltalake(str(orders), rows({"b": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    second = jobs.move(name="second")
    assert [task["partitions"] for task in jobs.tasks(second)] == [1]

    def verified(job: dict[str, Any], code: int = 0, *by: str) -> str:
        jobs.good_job("verify", str(job["id"]), *by)
        jobs.good_job("run", code=code)
        (task,) = jobs.tasks(job)
        lines = [line["message"] for line in log(jobs, task)]
        return next(line for line in reversed(lines) if " match" in line or "differ" in line)

    for by in ("checksum", "count"):
        told = verified(first, 0, "--by", by)
        assert told.startswith("without 1 partition that later jobs have taken over since"), told
        assert "1 of 1 partitions match" in told and "p=a: 3 source, 3 target" in told, told
        assert "p=b" not in told
    assert jobs.show(first)["status"] == "DONE"
    told = verified(second, 0, "--by", "checksum")
    assert told.startswith("1 of 1 partitions match") and "p=b: 5 source" in told, told
    before = jobs.good_job("report", str(second["id"])).of("report_table")

    # What is wrong with it is found, and is none of the later job's.
    change(jobs, "a", [100, 1, 2])
    told = verified(first, 7, "--by", "checksum")
    assert "p=a" in told and "values differ in column n" in told, told
    assert jobs.show(second)["status"] == "DONE"
    assert jobs.good_job("report", str(second["id"])).of("report_table") == before
    jobs.sandbox.odps().get_table("orders").delete_partition("p='a'")
    assert "MissingInTarget" in verified(first, 7)
    jobs.good_job("retry", str(first["id"]))
    jobs.good_job("run")
    assert jobs.counts("orders") == {"a": 3, "b": 5}
    assert "VERIFY_SUPERSEDED" in superseded(jobs, second)


def superseded(jobs: Jobs, job: dict[str, Any]) -> str:
    jobs.good_job("verify", str(job["id"]))
    return jobs.good_job("run", code=6).err


def test_a_killed_comparison_is_gone_on_with(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move()
    jobs.good_job("verify", str(job["id"]))
    killed = jobs.job("run", MMS_FAULT="after read back")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    jobs.good_job("run")
    (task,) = jobs.tasks(job)
    assert (task["status"], task["compare_alone"], task["rows_copied"]) == ("DONE", False, 7)


@pytest.fixture
def by_count(
    mms_bin: str,
    sql_lake: dict[str, Any],  # noqa: F811
    tmp_path: Path,
) -> Iterator[tuple[Mms, Sandbox]]:
    sandbox = start_sandbox(mms_bin, tmp_path / "counting")
    try:
        mms = Mms(mms_bin, sql_lake, sandbox, tmp_path)
        mms.config["policy"]["verify"] = "count_both"
        mms.config["policy"]["partition_value_map"] = {"/": "_", "%": "_"}
        yield mms, sandbox
    finally:
        stop_sandbox(sandbox)


def test_both_sides_are_counted_at_the_version_that_was_copied(
    by_count: tuple[Mms, Sandbox],
) -> None:
    mms, sandbox = by_count
    mms.config["tables"] = [{"include": ["corpus.parts", "corpus.plain"]}]
    run = mms.run("run")
    assert run.code == 0, run.out + run.err
    report = {line["target_table"]: line for line in mms.run("report").of("report_table")}
    assert {line["verdict"] for line in report.values()} == {"Match"}
    assert all(line["rows_target"] == line["rows_copied"] for line in report.values())

    table = sandbox.odps().get_table("plain")
    with table.open_reader() as reader:
        kept = [record.values for record in reader][1:]
    with table.open_writer(overwrite=True) as writer:
        writer.write(kept)
    verify = mms.run("verify")
    assert verify.code == 7, verify.out + verify.err
    report = {line["target_table"]: line for line in mms.run("report").of("report_table")}
    assert report["parts"]["verdict"] == "Match"
    assert report["plain"]["verdict"] == "Mismatch"
    (reason,) = report["plain"]["reasons"]
    rows_copied = report["plain"]["rows_copied"]
    assert f"{rows_copied} rows by COUNT(*) at the source" in reason
    assert f"{rows_copied - 1} by COUNT(*) at the target" in reason


def test_a_job_counts_both_sides_partition_by_partition(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    sql_lake: dict[str, Any],  # noqa: F811
) -> None:
    settings = {"partition.value.mapping": '{"/":"_","%":"_"}'}
    jobs = make_jobs(**{"db.cluster.id": sql_lake["cluster"], **settings})
    jobs.good("sync", "sales", "--schema", "corpus", "--table", "parts", "--table", "plain")
    only = ("--only", "parts", "--only", "plain", "--verify-by", "count_both")
    job = jobs.move(*only, schema="corpus")
    by_name = {task["table"].split(".")[-1]: task for task in jobs.tasks(job)}
    lines = [line["message"] for line in log(jobs, by_name["parts"])]
    (told,) = [line for line in lines if " partitions match" in line]
    pairs = [line.rsplit(": ", 1)[1] for line in told.splitlines()[1:]]
    assert len(pairs) == by_name["parts"]["partitions"] > 1
    for pair in pairs:
        source, target = (int(side.split()[0]) for side in pair.split(", "))
        assert source == target > 0, told

    table = jobs.sandbox.odps().get_table("plain")
    with table.open_reader() as reader:
        kept = [record.values for record in reader][1:]
    with table.open_writer(overwrite=True) as writer:
        writer.write(kept)
    jobs.good_job("verify", str(job["id"]))
    jobs.good_job("run", code=7)
    assert statuses(jobs, job) == {"parts": "DONE", "plain": "VERIFICATION_FAILED"}
    (task,) = [task for task in jobs.tasks(job) if task["table"].endswith("plain")]
    assert f"{len(kept) + 1} rows by COUNT(*) at the source" in task["error"]["message"]
    assert f"{len(kept)} by COUNT(*) at the target" in task["error"]["message"]
