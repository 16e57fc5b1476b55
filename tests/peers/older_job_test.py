"""What an older job's report and evidence tell once later jobs have planned its tables: all that no
later job has taken over, as it stands and as it was compared last; and that the rest is told
elsewhere. A later job's refusal is none of the older one's.
"""

from __future__ import annotations

import csv
import io
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from compare_again_test import change
from deltalake import write_deltalake
from evidence_test import unpack
from job_evidence_test import check
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import rows


def report(jobs: Jobs, job: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    outcome = jobs.good_job("report", str(job["id"]))
    tables = {line["source"].split(".")[-1]: line for line in outcome.of("report_table")}
    (summary,) = outcome.of("summary")
    return tables, summary


def written(jobs: Jobs, job: dict[str, Any], path: Path) -> io.StringIO:
    form = path.suffix.removeprefix(".")
    jobs.good_job("report", str(job["id"]), "--format", form, "--out", str(path))
    return io.StringIO(path.read_text("utf-8"))


def evidence(jobs: Jobs, job: dict[str, Any], path: Path) -> dict[str, Any]:
    jobs.good_job("evidence", str(job["id"]), "--out", str(path))
    told: dict[str, Any] = {"manifest": check(jobs, path)}
    for name in ("partitions", "tables"):
        lines = dict(unpack(path))[f"{name}.jsonl"].splitlines()
        told[name] = [json.loads(line) for line in lines]
    return told


def two_jobs(jobs: Jobs, put: Callable[..., Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The second takes over one of three partitions of `orders`, and all of `people`."""
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    people = put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    first = jobs.move()
    write_deltalake(str(orders), rows({"b": 1}), mode="append")
    write_deltalake(str(people), pa.table({"n": [1, 2]}), mode="overwrite")
    jobs.good("sync", "sales", "--schema", "moved")
    return first, jobs.move(name="second")


def test_an_older_job_tells_what_no_later_one_has_taken_over(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    jobs = make_jobs()
    first, second = two_jobs(jobs, put)
    tables, summary = report(jobs, first)
    assert list(tables) == ["orders"] and summary["left_out_tables"] == 1
    told = tables["orders"]
    assert (told["verdict"], told["version"], told["units"]) == ("Match", 0, 2), told
    assert (told["rows_copied"], told["rows_target"]) == (8, 8), told
    (reason,) = told["reasons"]
    assert f"job {second['id']} has planned this table since" in reason, reason
    later, summary = report(jobs, second)
    assert {name: line["units"] for name, line in later.items()} == {"orders": 1, "people": 1}
    assert summary["left_out_tables"] == 0
    assert all(line["reasons"] == [] for line in later.values()), later

    page = written(jobs, first, tmp_path / "before.html").read()
    assert "Every table arrived whole" not in page and "It is not all of the job." in page

    # What is damaged since is found by the job that copied it, and its papers say so.
    change(jobs, "a", [100, 1, 2])
    jobs.good_job("verify", str(first["id"]))
    jobs.good_job("run", code=7)
    tables, _ = report(jobs, first)
    told = tables["orders"]
    assert told["verdict"] == "Mismatch", told
    assert any("values differ in column n" in text for text in told["reasons"]), told
    assert report(jobs, second)[0] == later
    lines = list(csv.DictReader(written(jobs, first, tmp_path / "report.csv")))
    assert [(line["partition"], line["verdict"]) for line in lines] == [
        ("p=a", "Mismatch"),
        ("p=c", "Match"),
    ]
    page = written(jobs, first, tmp_path / "report.html").read()
    assert "p=a" in page and "Tables of the job that are not told here: 1." in page

    papers = evidence(jobs, first, tmp_path / "first.tar")
    parts = {line["partition"]: line for line in papers["partitions"]}
    assert {name: line["verdict"] for name, line in parts.items()} == {
        "p=a": "Mismatch",
        "p=c": "Match",
    }
    assert [line["version"] for line in parts.values()] == [0, 0]
    (table,) = papers["tables"]
    assert (table["version"], table["plan"]) == (0, None)
    assert table["later_plan"] == f"job {second['id']}"
    assert (table["state"], table["error"]) == ("done", None), "its partition tells"
    manifest = papers["manifest"]
    assert manifest["job"]["left_out_tables"]["names"] == ["main.moved.people"]
    assert manifest["totals"]["rows_copied"] == 8
    papers = evidence(jobs, second, tmp_path / "second.tar")
    assert [line["later_plan"] for line in papers["tables"]] == [None, None]
    assert [line["partition"] for line in papers["partitions"]] == ["p=b", ""]


def test_an_older_jobs_retry_takes_over_from_the_later_one(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    first, second = two_jobs(jobs, put)
    change(jobs, "a", [100, 1, 2])
    jobs.good_job("verify", str(first["id"]))
    jobs.good_job("run", code=7)
    jobs.good_job("retry", str(first["id"]))
    jobs.good_job("run")
    assert jobs.counts("orders") == {"a": 3, "b": 5, "c": 5}
    tables, summary = report(jobs, second)
    assert (list(tables), summary["left_out_tables"]) == (["people"], 1)
    tables, _ = report(jobs, first)
    assert (tables["orders"]["units"], tables["orders"]["verdict"]) == (3, "Match"), tables
    assert tables["orders"]["reasons"] == [], tables


def test_what_a_retry_does_not_copy_stays_told_and_compared(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    orders = put("orders", {"a": 3, "b": 2, "c": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    (file,) = (orders / "p=b").iterdir()
    aside = file.rename(tmp_path / "aside")
    first = jobs.create(name="first")
    jobs.good_job("run", code=6)
    write_deltalake(str(orders), rows({"c": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move("--table", "orders", "--filter", "orders=p = 'c'", name="second")
    (told,) = report(jobs, first)[0].values()
    assert (told["verdict"], told["units"]) == ("Failed", 1), told

    aside.rename(file)
    jobs.good_job("retry", str(first["id"]))
    jobs.good_job("run")
    (told,) = report(jobs, first)[0].values()
    assert (told["verdict"], told["units"], told["rows_copied"]) == ("Match", 2, 5), told
    jobs.sandbox.odps().get_table("orders").delete_partition("p='a'")
    jobs.good_job("verify", str(first["id"]))
    jobs.good_job("run", code=7)
    (told,) = report(jobs, first)[0].values()
    assert told["verdict"] == "MissingInTarget", told
    papers = evidence(jobs, first, tmp_path / "first.tar")
    assert {line["partition"]: line["verdict"] for line in papers["partitions"]} == {
        "p=a": "MissingInTarget",
        "p=b": "Match",
    }


def test_a_job_that_makes_tables_alone_takes_nothing_over(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    first = jobs.move()
    write_deltalake(str(orders), rows({"b": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    before, summary = report(jobs, first)
    made = jobs.move("--all", "--schema-only", name="made")
    after, summary = report(jobs, first)
    assert summary["left_out_tables"] == 0
    for name, line in after.items():
        assert line["reasons"] != before[name]["reasons"] == [], line
        kept = ("verdict", "units", "rows_copied", "rows_target", "version", "compared_by")
        assert {key: line[key] for key in kept} == {key: before[name][key] for key in kept}
    tables, _ = report(jobs, made)
    assert {line["verdict"] for line in tables.values()} == {"NotCompared"}, tables
    assert "the job makes the table alone" in tables["orders"]["reasons"][0]

    # What it left is compared as ever, and the next job copies what has changed alone.
    change(jobs, "a", [100, 1, 2])
    jobs.good_job("verify", str(first["id"]))
    jobs.good_job("run", code=7)
    assert report(jobs, first)[0]["orders"]["verdict"] == "Mismatch"
    later = jobs.move(name="later")
    assert [task["partitions"] for task in jobs.tasks(later)] == [2], "the damaged one too"
    assert jobs.counts("orders") == {"a": 3, "b": 5}


def test_what_a_deleted_job_had_planned_is_copied_by_the_next(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    put("orders", {"a": 3, "b": 4, "c": 5})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    second = jobs.create("--all", name="second")
    assert jobs.job("run", MMS_FAULT="after save plan").code == -signal.SIGKILL
    jobs.good_job("delete", str(second["id"]))
    jobs.sandbox.odps().get_table("orders").delete_partition("p='c'")
    third = jobs.move(name="third")
    assert sum(task["partitions"] for task in jobs.tasks(third)) == 3
    assert jobs.counts("orders") == {"a": 3, "b": 4, "c": 5}


def test_a_later_jobs_refusal_is_none_of_the_older_one(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4})
    jobs.good("sync", "sales", "--schema", "moved")
    first = jobs.move()
    before = report(jobs, first)
    papers = evidence(jobs, first, tmp_path / "before.tar")
    texts = pa.table({"n": ["x", "y"], "p": ["a", "b"]})
    write_deltalake(
        str(orders), texts, mode="overwrite", schema_mode="overwrite", partition_by=["p"]
    )
    jobs.good("sync", "sales", "--schema", "moved")
    second = jobs.create(name="second")
    assert "TARGET_SCHEMA_DIFFERS" in jobs.job("run").err
    (task,) = jobs.tasks(second)
    assert task["status"] == "SCHEMA_FAILED", task

    tables, _ = report(jobs, second)
    told = tables["orders"]
    assert told["verdict"] in ("Refused", "Failed") and told["rows_copied"] is None, told
    assert told["units"] is None and task["error"]["code"] in told["reasons"][0], told
    (table,) = evidence(jobs, second, tmp_path / "second.tar")["tables"]
    assert table["error"]["code"] == task["error"]["code"] and table["plan"] is None
    assert report(jobs, first) == before
    after = evidence(jobs, first, tmp_path / "after.tar")
    assert after["partitions"] == papers["partitions"]
    assert after["tables"] == papers["tables"]
