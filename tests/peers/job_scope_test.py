"""What a job means: conditions on partitions, the source's lists, and tables at the target that
another job has. What arrived is read by PyODPS.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401
from sync_test import control


def tables(jobs: Jobs) -> dict[str, dict[str, Any]]:
    listed = jobs.good("tables", "sales", "moved.*").of("source_table")
    return {line["source"].split(".")[-1]: line for line in listed}


def test_a_filter_is_on_the_source_s_values_before_they_are_mapped(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs(**{"partition.value.mapping": '{"/":"-","-":"_"}'})
    put("orders", {"a/b": 3, "c": 4, "d": 5})
    jobs.good("sync", "sales", "--schema", "moved")
    listed = jobs.good("partitions", "sales", "moved.orders").of("source_partition")
    assert [line["target_values"] for line in listed] == [["a_b"], ["c"], ["d"]]
    named = ("--table", "orders", "--filter")
    for mapped in ("a-b", "a_b"):
        assert "none of the partitions" in jobs.refused(*named, f"orders=p = '{mapped}'")
    number = jobs.refused(*named, "orders=p > -5")
    assert "column p is compared with the number -5" in number and '"a/b"' in number
    made = jobs.good_job(
        "create", "move", "--source", "sales", "--schema", "moved",
        *named, "orders=p = 'a/b' OR p >= 'c' AND p <> 'd'",
    )  # fmt: skip
    assert "warning: partitionFilters: orders: \"p >= 'c' AND p <> 'd'\" is taken together" in (
        made.err
    )
    jobs.good_job("run")
    assert jobs.counts("orders") == {"a_b": 3, "c": 4}, "each mapping in what the one before made"


def test_a_null_partition_meets_no_filter(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    lake: dict[str, Any],
    tmp_path: Path,
) -> None:
    jobs = make_jobs()
    put("people", 1)  # which also takes the tables away at the end
    folder = tmp_path / "tables" / "days"
    days = pa.table({"n": [1, 2, 3], "p": pa.array([-3, 5, None], pa.int64())})
    write_deltalake(str(folder), days, partition_by=["p"])
    entry = {"schema": "moved", "name": "days", "folder": str(folder)}
    control(lake, "POST", "table", {**entry, "change": {"storage_location": folder.as_uri()}})
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move("--table", "days", "--filter", "days=p <> 5 OR p IN (-3)")
    assert jobs.counts("days") == {"-3": 1}


def test_what_the_lists_leave_out_later_is_hidden_and_keeps_its_status(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    assert {name: line["hidden"] for name, line in tables(jobs).items()} == {
        "orders": False,
        "people": False,
    }
    for lists in (["--only", "orders"], ["--but", "people"]):
        assert "are for a job of a whole schema" in jobs.refused("--table", "orders", *lists)
    jobs.good("update", "sales", "--set", "source.table.blacklist=moved.People")
    jobs.good("sync", "sales", "--schema", "moved")
    people = tables(jobs)["people"]
    assert (people["hidden"], people["deleted"], people["status"]) == (True, False, "DONE")
    assert people["rows"] == 9
    assert tables(jobs)["orders"]["hidden"] is False

    def text(verb: str) -> str:
        command = [jobs.binary, "source", verb, "sales", "--state", str(jobs.state)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    (line,) = [line for line in text("tables").splitlines() if "main.moved.people" in line]
    assert line.split()[2:4] == ["hidden", "DONE"], line
    assert "JOB_TABLES_NOT_FOUND" in jobs.refused("--table", "people")

    jobs.good("update", "sales", "--set", "source.database.blacklist=moved")
    assert {line["hidden"] for line in tables(jobs).values()} == {True}
    schemas = jobs.good("databases", "sales").of("source_database")
    (moved,) = [line for line in schemas if line["name"] == "moved"]
    assert (moved["hidden"], moved["status"]) == (True, "DONE")
    assert "DONE (hidden)" in text("databases")

    # Once they are in again, they are as Completed as before.
    jobs.good(
        "update", "sales", "--set", "source.database.blacklist=", "--set", "source.table.blacklist="
    )
    jobs.good("sync", "sales", "--schema", "moved")
    assert {line["hidden"] for line in tables(jobs).values()} == {False}
    assert "JOB_NOTHING_TO_DO" in jobs.refused()


def test_two_sources_never_take_two_tables_into_one(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    put("people", 9)
    flags = [flag for item in jobs.settings.items() for flag in ("--set", "=".join(item))]
    jobs.good("add", "second", *flags)
    for name in ("sales", "second"):
        jobs.good("sync", name, "--schema", "moved")
    first = jobs.create("--table", "people")

    def second(verb: str, *arguments: str) -> Any:
        named = ("--source", "second", "--schema", "moved", "--table", "orders")
        return jobs.job(verb, *(["x"] if verb == "create" else []), *named, *arguments)

    refused = second("create", "--as", "orders=People")
    assert "[JOB_COLLISION]" in refused.err
    told = f"main.moved.orders and main.moved.people of data source sales, job {first['id']} move"
    assert told in refused.err
    assert [job["id"] for job in jobs.good_job("list").of("job")] == [first["id"]]
    planned = {line["source"]: line for line in second("plan", "--as", "orders=People").of("plan")}
    assert planned["main.moved.orders"]["error"]["code"] == "JOB_COLLISION"
    assert second("create", "--as", "*.ORDERS=bought").code == 0
    jobs.good_job("run")
    assert jobs.counts("people") == {"": 9}
    assert jobs.counts("bought") == {"a": 3}

    # Nor one after the other, until the first is deleted.
    refused = second("create", "--all", "--as", "orders=People")
    assert refused.code == 3, refused.err
    assert told + ", both into people" in refused.err
    assert "delete that job (mms job delete)" in refused.err
    again = second("plan", "--all", "--as", "orders=People").of("plan")
    assert [line["error"]["code"] for line in again] == ["JOB_COLLISION"]
    assert jobs.counts("people") == {"": 9}, "nothing is replaced"
    jobs.good_job("delete", str(first["id"]))
    assert second("create", "--all", "--as", "orders=People").code == 0


def test_partitions_that_become_one_go_in_one_task(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    lake: dict[str, Any],
    tmp_path: Path,
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    put("people", 1)  # which also takes the tables away at the end
    places = [("eu", "1"), ("eu", "2"), ("us", "1"), ("us", "1")]
    columns = {"region": [place for place, _ in places], "day": [day for _, day in places]}
    rows = pa.table({"n": [1, 2, 3, 4], **columns})
    for name in ("days", "flat"):
        folder = tmp_path / "tables" / name
        write_deltalake(str(folder), rows, partition_by=["region", "day"])
        entry = {"schema": "moved", "name": name, "folder": str(folder)}
        control(lake, "POST", "table", {**entry, "change": {"storage_location": folder.as_uri()}})
    jobs.good("sync", "sales", "--schema", "moved")
    assert "max_partition_level must be from 0 to 6" in jobs.refused(
        "--set", "max_partition_level=-1"
    )
    one_level = ("--table", "days", "--set", "max_partition_level=1")
    job = jobs.move(*one_level)
    assert [task["partitions"] for task in jobs.tasks(job)] == [2, 1]
    assert jobs.counts("days") == {"eu": 2, "us": 2}
    schema = jobs.sandbox.odps().get_table("days").table_schema
    assert [column.name for column in schema.partitions] == ["region"]
    assert [column.name for column in schema.simple_columns] == ["n", "day"]
    assert "stays as it is" in jobs.job("start", str(job["id"]), *one_level[2:]).err

    # One of those that became one has changed: the target partition is copied whole.
    more = pa.table({"n": [5], "region": ["eu"], "day": ["2"]})
    write_deltalake(str(tmp_path / "tables" / "days"), more, mode="append")
    jobs.good("sync", "sales", "--schema", "moved")
    again = jobs.move(*one_level)
    assert [task["partitions"] for task in jobs.tasks(again)] == [1]
    assert jobs.counts("days") == {"eu": 3, "us": 2}

    no_level = ("--table", "flat", "--set", "max_partition_level=0")
    whole = jobs.move(*no_level)
    assert [task["partitions"] for task in jobs.tasks(whole)] == [3]
    assert jobs.counts("flat") == {"": 4}
    assert "JOB_NOTHING_TO_DO" in jobs.refused(*no_level)
