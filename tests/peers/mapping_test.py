"""Kept mappings and statuses that a user sets: `mms source databases`, `map` and `mark`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from deltalake import write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import rows


def mapped(jobs: Jobs, *arguments: str) -> list[dict[str, Any]]:
    return jobs.good("map", "sales", "--schema", "moved", *arguments).of("source_mapping")


def statuses(jobs: Jobs) -> dict[str, str]:
    tables = jobs.good("tables", "sales", "moved.*").of("source_table")
    return {line["source"].split(".")[-1]: line["status"] for line in tables}


def partitions(jobs: Jobs, table: str) -> dict[str, dict[str, Any]]:
    listed = jobs.good("partitions", "sales", f"moved.{table}").of("source_partition")
    return {line["values"][0]: line for line in listed}


def test_mappings_are_kept_and_used_unless_the_job_says_otherwise(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    assert mapped(jobs) == []
    assert mapped(jobs, "--project", "dw2") == [
        {"type": "source_mapping", "schema": 1, "src_db": "moved", "src_table": None,
         "dst_project": "dw2", "dst_schema": None, "dst_name": None}
    ]  # fmt: skip
    mapped(jobs, "--table", "People", "--as", "persons")
    (line,) = [
        line for line in jobs.good("databases", "sales").of("source_database")
        if line["name"] == "moved"
    ]  # fmt: skip
    assert (line["tables"], line["status"], line["dst_project"]) == (2, "INIT", "dw2")
    tables = {
        line["source"]: line for line in jobs.good("tables", "sales", "moved.*").of("source_table")
    }
    assert tables["main.moved.people"]["dst_name"] == "persons"
    assert tables["main.moved.people"]["dst_project"] == "dw2", "of its schema"

    # The table's own mapping goes before its schema's, the job's word before both.
    mapped(jobs, "--table", "orders", "--project", "dw")
    err = jobs.refused()
    assert "JOB_DESTINATIONS" in err
    assert "into project dw: orders" in err and "into project dw2: people" in err
    said = jobs.create("--project", "dw", "--as", "people=men", "--table", "people")
    assert [task["dst_table"] for task in jobs.tasks(said)] == ["men"]
    jobs.good_job("delete", str(said["id"]))
    job = jobs.move("--table", "people")
    assert job["dst_project"] == "dw2"
    assert jobs.counts("persons", "dw2") == {"": 9}
    jobs.move("--table", "orders")
    assert jobs.counts("orders", "dw") == {"a": 3}

    assert len(mapped(jobs)) == 3
    mapped(jobs, "--table", "orders", "--clear")
    assert [line["src_table"] for line in mapped(jobs)] == [None, "people"]
    for arguments, code in {
        ("--project", "elsewhere"): "JOB_CONFIG",
        ("--as", "everything"): "OBJECT_UPDATE",
        ("--table", "nobody", "--project", "dw"): "JOB_TABLES_NOT_FOUND",
        ("--table", "orders", "--as", "no name"): "NAME",
    }.items():
        refused = jobs.run("map", "sales", "--schema", "moved", *arguments)
        assert refused.code != 0 and code in refused.err, refused.err


def test_what_is_marked_is_copied_again_or_left_out(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 3, "b": 4, "c": 5})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")

    def mark(status: str, *arguments: str) -> None:
        jobs.good("mark", "sales", status, "--schema", "moved", *arguments)

    mark("DONE", "--table", "people")
    jobs.move()
    assert not jobs.sandbox.odps().exist_table("people"), "it was taken for done"
    assert statuses(jobs) == {"orders": "DONE", "people": "DONE"}

    # A partition, then a table, then the schema: each is copied again.
    ids = {value: line["id"] for value, line in partitions(jobs, "orders").items()}
    mark("INIT", "--partition", str(ids["b"]))
    assert statuses(jobs)["orders"] == "PART_DONE"
    assert [task["partitions"] for task in jobs.tasks(jobs.move())] == [1]
    mark("INIT", "--table", "orders")
    assert [task["partitions"] for task in jobs.tasks(jobs.move())] == [3]
    mark("INIT")
    assert statuses(jobs) == {"orders": "INIT", "people": "INIT"}
    jobs.move()
    assert jobs.counts("people") == {"": 9}

    # What has changed and is taken for done waits for its next change.
    write_deltalake(str(orders), rows({"a": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    assert partitions(jobs, "orders")["a"]["updated"]
    mark("DONE", "--partition", str(ids["a"]))
    assert "JOB_NOTHING_TO_DO" in jobs.refused()
    write_deltalake(str(orders), rows({"a": 1}), mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    assert jobs.counts("orders") == {"a": 5, "b": 4, "c": 5}

    # Not under a job's hands; also beside the process that owns the folder.
    waiting = jobs.create("--all", "--table", "orders")
    refused = jobs.run("mark", "sales", "INIT", "--schema", "moved", "--table", "orders")
    assert "JOB_CONFLICT" in refused.err and "main.moved.orders" in refused.err
    mark("INIT", "--table", "people")
    jobs.good_job("delete", str(waiting["id"]))
    owner = jobs.start_job("source", "start", "sales")
    try:
        assert owner.stdout is not None and "STARTED" in owner.stdout.readline()
        mark("INIT", "--table", "orders")
        assert statuses(jobs) == {"orders": "INIT", "people": "INIT"}
    finally:
        owner.terminate()
        owner.communicate(timeout=60)
    refused = jobs.run("mark", "sales", "INIT", "--schema", "moved", "--partition", "999999")
    assert "JOB_PARTITIONS_NOT_FOUND" in refused.err
