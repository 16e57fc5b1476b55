"""A job's tables go to the schema of the source schema's name where the project has schemas. One
that is not there is made with its first table; a project without schemas takes tables without one
and refuses the others by name. What arrived is read by PyODPS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun
from odps import ODPS
from odps.errors import ODPSError
from service_jobs import Jobs
from sync_test import control, rows


@pytest.fixture
def two_kinds(mms_bin: str, tmp_path: Path) -> Iterator[Sandbox]:
    """Of projects: dw has schemas, flat has none."""
    flags = ["--project", "jobs", "--flat-project", "flat"]
    server = start_sandbox(mms_bin, tmp_path / "sandbox", *flags)
    try:
        yield server
    finally:
        stop_sandbox(server)


@pytest.fixture
def jobs(mms_bin: str, lake: dict[str, Any], two_kinds: Sandbox, tmp_path: Path) -> Iterator[Jobs]:
    for name, table in {"orders": rows({"a": 3, "b": 4}), "people": pa.table({"n": [1]})}.items():
        folder = tmp_path / "tables" / name
        parts = ["p"] if "p" in table.column_names else None
        write_deltalake(str(folder), table, partition_by=parts)
        entry = {"schema": "moved", "name": name, "folder": str(folder)}
        control(lake, "POST", "table", {**entry, "change": {"storage_location": folder.as_uri()}})
    made = Jobs(mms_bin, lake, two_kinds, tmp_path, **{"mc.projects": "flat"})
    made.good("sync", "sales", "--schema", "moved")
    yield made
    control(lake, "DELETE", "table")


def put_later(jobs: Jobs, lake: dict[str, Any], folder: Path) -> None:
    """A table `people` of another schema."""
    place = folder / "tables" / "later"
    write_deltalake(str(place), pa.table({"n": [1, 2]}))
    entry = {"schema": "later", "name": "people", "folder": str(place)}
    control(lake, "POST", "table", {**entry, "change": {"storage_location": place.as_uri()}})
    jobs.good("sync", "sales", "--schema", "later")


def deny(odps: ODPS, call: str) -> None:
    rule = {"call": call, "status": 403, "times": 100}
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": [rule]}))


def statements(jobs: Jobs, job: dict[str, Any]) -> list[str]:
    logs = [jobs.good_job("log", str(task["id"])).of("task_log") for task in jobs.tasks(job)]
    return [line["message"] for log in logs for line in log if line["action"] == "statement"]


def test_a_schema_that_is_not_there_is_made_with_its_first_table(jobs: Jobs) -> None:
    odps = jobs.sandbox.odps()
    assert not odps.exist_schema("landing", project="dw")
    first = jobs.move("--table", "people", "--target-schema", "landing", name="one")
    assert odps.exist_schema("landing", project="dw")
    table = odps.get_table("people", project="dw", schema="landing")
    with table.open_reader() as reader:
        assert [record[0] for record in reader] == [1]
    assert not odps.exist_table("people", project="dw"), "nothing lies in the default schema"
    # Its second table finds it: no statement more than without a schema.
    second = jobs.move("--table", "orders", "--target-schema", "landing", name="two")
    plain = jobs.move("--table", "orders", "--all", "--project", "flat", name="three")
    assert len(statements(jobs, second)) == len(statements(jobs, plain))
    assert len(statements(jobs, first)) == 2, "CREATE SCHEMA, CREATE TABLE"
    assert "CREATE SCHEMA IF NOT EXISTS" in statements(jobs, first)[0], "the text too"


def test_a_schema_is_also_made_where_schemas_cannot_be_listed(jobs: Jobs) -> None:
    odps = jobs.sandbox.odps()
    deny(odps, "list_schemas")
    job = jobs.move("--table", "people", "--target-schema", "landing")
    assert odps.exist_table("people", project="dw", schema="landing")
    assert len(statements(jobs, job)) == 3, "CREATE TABLE, refused; CREATE SCHEMA; CREATE TABLE"


def test_tables_go_to_the_schema_of_their_source_schema_s_name(
    jobs: Jobs, lake: dict[str, Any], tmp_path: Path
) -> None:
    put_later(jobs, lake, tmp_path)
    odps = jobs.sandbox.odps()
    (line,) = jobs.good_job("plan", "--source", "sales", "--schema", "later", "--ddl").of("plan")
    assert line["makes_schema"] is True
    assert line["ddl"][0].startswith("CREATE SCHEMA IF NOT EXISTS `dw`.`later`")
    assert not odps.exist_schema("later", project="dw"), "a plan makes nothing"
    one, other = jobs.move(name="one"), jobs.move(schema="later", name="other")
    assert (one["dst_schema"], other["dst_schema"]) == ("moved", "later")
    for schema, count in {"moved": 1, "later": 2}.items():
        with odps.get_table("people", project="dw", schema=schema).open_reader() as reader:
            assert reader.count == count
    assert not odps.exist_table("people", project="dw"), "nothing lies in the project's own"

    own = jobs.move("--table", "people", "--all", "--target-schema", "default", name="own")
    assert own["dst_schema"] is None
    with odps.get_table("people", project="dw").open_reader() as reader:
        assert reader.count == 1
    flat = jobs.move("--table", "people", "--all", "--project", "flat", name="flat")
    assert flat["dst_schema"] is None
    assert jobs.counts("people", "flat") == {"": 1}


def test_a_project_that_cannot_be_asked_makes_no_job_without_a_schema(jobs: Jobs) -> None:
    deny(jobs.sandbox.odps(), "get_project")
    refused = jobs.refused()
    assert "project dw" in refused
    assert "--target-schema" in refused
    jobs.create("--target-schema", "landing")


@pytest.mark.parametrize("fault", ["after list schemas", "before submit sql", "after submit sql"])
def test_a_crash_while_the_schema_is_made_is_resumed(local: LocalRun, fault: str) -> None:
    local.config["target"]["schema"] = "landing"
    crashed = local.run(fault=fault)
    assert crashed.code < 0, crashed.out + crashed.err
    done = local.run()
    assert done.code == 0, done.out + done.err
    assert {line["verdict"] for line in local.report().values()} == {"Match"}


def test_a_project_without_schemas_refuses_one_by_name(jobs: Jobs) -> None:
    job = jobs.create("--project", "flat", "--target-schema", "landing")
    outcome = jobs.job("run")
    assert outcome.code == 6, outcome.out + outcome.err
    for task in jobs.tasks(job):
        assert task["status"] == "SCHEMA_FAILED"
        error = task["error"]
        assert error["code"] == "TARGET_NO_SCHEMAS"
        assert "project flat" in error["where"]
        assert "leave the schema out of the destination" in error["message"]
    jobs.good_job("delete", str(job["id"]))
    jobs.move("--project", "flat", name="again")
    assert jobs.counts("people", "flat") == {"": 1}
    assert jobs.counts("orders", "flat") == {"a": 3, "b": 4}


@pytest.fixture
def local(mms_bin: str, two_kinds: Sandbox, tmp_path: Path) -> LocalRun:
    """Two tables that are copied at the same time."""
    made = LocalRun(mms_bin, two_kinds, tmp_path)
    for name, ids in {"left": [1, 2], "right": [3]}.items():
        write_deltalake(str(tmp_path / name), pa.table({"id": ids}))
        made.table(tmp_path / name, name)
    return made


def project_step(local: LocalRun) -> dict[str, Any]:
    steps = {step["name"]: step for step in local.run("check").of("check")}
    return steps["MaxCompute project"]


def test_tables_that_are_first_at_once_both_arrive_in_the_schema(local: LocalRun) -> None:
    local.config["target"]["schema"] = "landing"
    odps = local.sandbox.odps()
    planned = local.plan()
    assert {line["makes_schema"] for line in planned.values()} == {True}
    assert not odps.exist_schema("landing", project="dw"), "a plan makes nothing"
    done = local.run()
    assert done.code == 0, done.out + done.err
    assert {name: line["verdict"] for name, line in local.report().items()} == {
        "left": "Match",
        "right": "Match",
    }
    for name, ids in {"left": [1, 2], "right": [3]}.items():
        with odps.get_table(name, project="dw", schema="landing").open_reader() as reader:
            assert sorted(record[0] for record in reader) == ids
    assert [schema.name for schema in odps.list_schemas(project="dw")] == ["default", "landing"]


def test_plan_and_check_tell_of_a_project_without_schemas_before_anything_is_made(
    local: LocalRun,
) -> None:
    assert project_step(local)["detail"] == "project dw, with schemas"
    local.config["target"] |= {"project": "flat", "schema": "landing"}
    for name, line in local.plan().items():
        assert line["error"]["code"] == "TARGET_NO_SCHEMAS", name
        assert "project flat" in line["error"]["where"]
    refused = project_step(local)
    assert refused["outcome"] == "failed"
    assert refused["error"]["code"] == "TARGET_NO_SCHEMAS"
    assert local.run().code != 0
    odps = local.sandbox.odps()
    assert not list(odps.list_tables(project="flat"))

    del local.config["target"]["schema"]
    assert project_step(local)["detail"] == "project flat, without schemas"
    done = local.run()
    assert done.code == 0, done.out + done.err
    assert sorted(table.name for table in odps.list_tables(project="flat")) == ["left", "right"]


def test_pyodps_finds_the_sandbox_s_project_without_schemas_to_have_none(
    two_kinds: Sandbox,
) -> None:
    odps = two_kinds.odps()
    for project, has in {"dw": "true", "flat": "false"}.items():
        assert odps.get_project(project).properties["odps.schema.model.enabled"] == has
    odps.create_schema("landing", project="dw")
    with pytest.raises(ODPSError, match="schema model is not enabled in project flat"):
        odps.create_schema("landing", project="flat")
    assert not odps.exist_schema("landing", project="flat")


def test_tables_of_two_schemas_never_become_one(
    jobs: Jobs, lake: dict[str, Any], tmp_path: Path
) -> None:
    put_later(jobs, lake, tmp_path)
    into = ("--table", "people", "--project", "flat")
    jobs.move(*into)
    second = jobs.create(*into, schema="later", name="second")
    jobs.good_job("run", code=6)
    (task,) = jobs.tasks(second)
    assert (task["status"], task["error"]["code"]) == ("SCHEMA_FAILED", "TARGET_COLLISION")
    assert "belongs to main.moved.people" in task["error"]["message"]
    assert jobs.counts("people", "flat") == {"": 1}, "what is there stays"
    jobs.good_job("delete", str(second["id"]))
    jobs.move(*into, "--as", "people=later_people", schema="later", name="third")
    assert jobs.counts("later_people", "flat") == {"": 2}
    assert jobs.counts("people", "flat") == {"": 1}


def test_a_table_that_left_gives_its_name_up_once_its_jobs_are_deleted(
    jobs: Jobs, lake: dict[str, Any], tmp_path: Path
) -> None:
    put_later(jobs, lake, tmp_path)
    into = ("--table", "people", "--project", "flat")
    first = jobs.move(*into)
    for schema in ("moved", "later"):
        jobs.good("sync", "sales", "--schema", schema)
    control(lake, "POST", "table", {"schema": "moved", "name": "people", "drop": True})
    second = jobs.create(*into, schema="later", name="second")
    jobs.good_job("run", code=6)
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.good_job("retry", str(second["id"]))
    assert "TARGET_COLLISION" in jobs.good_job("run", code=6).err
    jobs.good_job("delete", str(first["id"]))
    jobs.good_job("retry", str(second["id"]))
    jobs.good_job("run")
    assert jobs.show(second)["status"] == "DONE", jobs.tasks(second)
    assert jobs.counts("people", "flat") == {"": 2}
    (report,) = jobs.good_job("report", str(second["id"])).of("report_table")
    assert report["verdict"] == "Match", report
