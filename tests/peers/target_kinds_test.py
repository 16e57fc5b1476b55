"""Kinds of target tables, tables that are there already, and the staging of PK tables: made by
`mms`, looked at by PyODPS.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import DeltaTable, write_deltalake
from local_run import LocalRun


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    return LocalRun(mms_bin, sandbox, tmp_path)


def orders(first: int, count: int, **more: Any) -> pa.Table:
    ids = range(first, first + count)
    columns = {
        "id": pa.array(ids, pa.int64()),
        "amount": pa.array([i / 4 for i in ids], pa.float64()),
        "day": pa.array([f"2024-01-0{1 + i % 3}" for i in ids]),
    }
    return pa.table(columns | {name: [value] * count for name, value in more.items()})


def query(sandbox: Sandbox, sql: str) -> list[tuple[Any, ...]]:
    with sandbox.odps().execute_sql(sql).open_reader() as reader:
        return [tuple(record.values) for record in reader]


def columns(sandbox: Sandbox, table: str) -> list[str]:
    schema = sandbox.odps().get_table(table).table_schema
    return [item.name for item in schema.simple_columns]


# ---- drift


def test_a_column_added_at_the_source_stops_is_added_or_is_left_out(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 30), partition_by=["day"])
    local.table(folder, "orders")
    assert local.run().code == 0
    grown = orders(30, 30, note="new").append_column("flag", pa.array([True] * 30))
    write_deltalake(folder, grown, mode="append", schema_mode="merge")

    stopped = local.plan()["orders"]
    assert stopped["error"]["code"] == "TARGET_SCHEMA_DIFFERS"
    assert "column note STRING is missing" in stopped["error"]["message"]
    assert "column flag BOOLEAN is missing" in stopped["error"]["message"]
    assert local.run().code != 0

    local.config["policy"]["on_extra_column"] = "ignore"
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["orders"]
    assert (report["verdict"], report["left_out_columns"]) == ("Match", ["note", "flag"])
    assert report["rows_target"] == 60
    assert columns(local.sandbox, "orders") == ["id", "amount"]

    # What was left out once is copied when it is wanted: equal files are no reason to skip it.
    local.config["policy"]["on_extra_column"] = "add"
    planned = local.plan("--ddl")["orders"]
    assert planned["add_columns"] == ["note", "flag"]
    assert "ADD COLUMNS" in planned["ddl"][0]
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert local.report()["orders"]["verdict"] == "Match"
    assert columns(local.sandbox, "orders") == ["id", "amount", "note", "flag"]
    counts = query(
        local.sandbox, "SELECT COUNT(*) AS n, COUNT(note) AS m, COUNT(DISTINCT id) AS d FROM orders"
    )
    assert [int(value) for value in counts[0]] == [60, 30, 60]


def test_finished_partitions_stay_when_a_column_is_added_and_are_proven_again(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 30), partition_by=["day"])
    local.table(folder, "orders")
    assert local.run().code == 0
    rows = orders(100, 1, note="new")
    write_deltalake(folder, rows, mode="append", schema_mode="merge")
    before = {path: path.stat().st_mtime_ns for path in local.sandbox.data.rglob("*.parquet")}
    local.config["policy"]["on_extra_column"] = "add"
    run = local.run()
    assert run.code == 0, run.out + run.err
    kept = [path for path in before if path.exists() and path.stat().st_mtime_ns == before[path]]
    assert len(kept) == 2, "one of three partitions has a new row"
    verified = local.run("verify")
    assert verified.code == 0, verified.out + verified.err
    assert local.report()["orders"]["verdict"] == "Match"


def test_columns_follow_the_targets_order_and_a_missing_one_is_null(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 10), partition_by=["day"])
    odps = local.sandbox.odps()
    odps.execute_sql(
        "CREATE TABLE orders (old STRING, amount DOUBLE, id BIGINT) PARTITIONED BY (day STRING)"
    )
    local.table(folder, "orders")
    assert local.run().code != 0
    error = local.report()[f"file://{folder}"]["error"]
    assert error["code"] == "TARGET_SCHEMA_DIFFERS"
    assert "column old STRING is not in the source" in error["message"]
    local.config["policy"]["on_missing_column"] = "null"
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert local.report()["orders"]["verdict"] == "Match"
    counts = query(
        local.sandbox, "SELECT COUNT(*) AS n, COUNT(old) AS o, SUM(id) AS s FROM orders"
    )
    assert [int(value) for value in counts[0]] == [10, 0, 45]


def test_another_type_is_refused_by_the_plan_column_by_column(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 10))
    local.sandbox.odps().execute_sql("CREATE TABLE orders (id STRING, amount FLOAT, day STRING)")
    local.table(folder, "orders")
    planned = local.run("plan")
    assert planned.code == 4
    error = local.report()[f"file://{folder}"]["error"]
    assert "column id is STRING, needed is BIGINT" in error["message"]
    assert "column amount is FLOAT, needed is DOUBLE" in error["message"]


# ---- kinds


def test_each_kind_is_made_with_its_properties(local: LocalRun, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 30), partition_by=["day"])
    other = tmp_path / "others"
    write_deltalake(other, orders(0, 30))
    cluster = {"by": ["ID"], "sort": ["id"], "buckets": 4}
    properties = {"owner.team": "sales"}
    local.table(folder, "plain", lifecycle=30, properties=properties, cluster=cluster)
    local.table(other, "appended", kind="append_delta")
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert {table["verdict"] for table in local.report().values()} == {"Match"}
    odps = local.sandbox.odps()
    assert odps.get_table("plain").lifecycle == 30
    assert "table.format.version" in query_text(local.sandbox, "SHOW CREATE TABLE appended")
    text = query_text(local.sandbox, "SHOW CREATE TABLE plain")
    assert "owner.team" in text
    assert "CLUSTERED BY (`id`)" in text


def test_a_kind_that_is_refused_stops_unless_the_policy_falls_back_and_then_says_so(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 30))
    # The sandbox makes no clustered Delta table, as a project that has not been invited to them.
    cluster = {"by": ["id"], "buckets": 4}
    local.table(folder, "orders", kind="append_delta", cluster=cluster)
    assert local.run().code != 0
    assert local.report()["orders"]["error"]["code"] == "TABLE_KIND_REFUSED"
    local.config["policy"]["on_kind_refused"] = "standard"
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert local.report()["orders"]["verdict"] == "Match"
    planned = local.plan()["orders"]
    assert planned["kind"] == "standard"
    assert any("on_kind_refused: standard" in warning for warning in planned["warnings"])


def query_text(sandbox: Sandbox, sql: str) -> str:
    return str(sandbox.odps().execute_sql(sql).get_task_result())


def pk(local: LocalRun, folder: Path) -> None:
    local.table(folder, "keyed", kind="pk_delta", primary_key=["ID"])


def test_a_pk_table_is_filled_through_staging_which_is_then_gone(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 300), partition_by=["day"])
    pk(local, folder)
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["keyed"]
    assert (report["verdict"], report["rows_target"]) == ("Match", 300)
    odps = local.sandbox.odps()
    assert not odps.exist_table("keyed__mms_stage")
    assert odps.get_table("keyed").table_schema["id"].nullable is False
    # A changed partition is replaced, not added to.
    DeltaTable(folder).delete("id < 30")
    assert local.run().code == 0
    assert local.report()["keyed"]["verdict"] == "Match"
    rows = query(local.sandbox, "SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d FROM keyed")
    assert [int(value) for value in rows[0]] == [270, 270]


@pytest.mark.parametrize(
    ("bad", "code", "named"),
    [(7, "KEY_DUPLICATE", "id=7 (2 rows)"), (None, "KEY_NULL", "id=NULL (1 rows)")],
)
def test_keys_that_a_pk_table_cannot_take_fail_their_partition_before_it_is_touched(
    local: LocalRun, tmp_path: Path, bad: int | None, code: str, named: str
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 30), partition_by=["day"])
    extra = pa.table(
        {
            "id": pa.array([bad], pa.int64()),
            "amount": pa.array([0.0]),
            "day": pa.array(["2024-01-02"]),
        }
    )
    write_deltalake(folder, extra, mode="append")
    pk(local, folder)
    assert local.run().code != 0
    report = local.report()["keyed"]
    assert report["error"]["code"] == code
    assert any(named in reason for reason in report["reasons"]), report["reasons"]
    odps = local.sandbox.odps()
    with odps.get_table("keyed").open_reader(partition="day='2024-01-02'") as reader:
        assert reader.count == 0
    # Mended at the source, the same state folder goes on.
    DeltaTable(folder).delete("amount = 0.0 AND day = '2024-01-02'")
    again = local.run()
    assert again.code == 0, again.out + again.err
    assert local.report()["keyed"]["verdict"] == "Match"
    assert not odps.exist_table("keyed__mms_stage")


@pytest.mark.parametrize(
    "point",
    [
        "after create staging",
        "after begin commit:2",
        "after commit upload:2",
        "after move staged:2",
        "after committed:2",
        "before drop staging",
    ],
)
def test_a_crash_on_the_way_through_staging_is_resumed(
    local: LocalRun, tmp_path: Path, point: str
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 300), partition_by=["day"])
    pk(local, folder)
    crashed = local.run(fault=point)
    assert crashed.code == -signal.SIGKILL, crashed.err
    again = local.run()
    assert again.code == 0, again.out + again.err
    assert local.report()["keyed"]["verdict"] == "Match"
    rows = query(local.sandbox, "SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d FROM keyed")
    assert [int(value) for value in rows[0]] == [300, 300]
    assert not local.sandbox.odps().exist_table("keyed__mms_stage")


def test_a_users_table_is_never_taken_for_staging(local: LocalRun, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 3))
    odps = local.sandbox.odps()
    odps.execute_sql("CREATE TABLE keyed__mms_stage (mine STRING)")
    pk(local, folder)
    assert local.run().code != 0
    assert local.report()["keyed"]["error"]["code"] == "STAGING_TAKEN"
    assert odps.exist_table("keyed__mms_stage")


# ---- tables of another kind that are there already

TRANSACTIONAL = "TBLPROPERTIES ('transactional'='true')"


@pytest.mark.parametrize(
    ("columns", "settings", "named"),
    [
        (
            f"(id BIGINT NOT NULL, amount DOUBLE, day STRING, PRIMARY KEY (id)) {TRANSACTIONAL}",
            {},
            ["as a pk_delta table with primary_key [id]", "needed is a standard table"],
        ),
        (
            "(id BIGINT NOT NULL, amount DOUBLE, day STRING NOT NULL, PRIMARY KEY (id, day)) "
            + TRANSACTIONAL,
            {"kind": "pk_delta", "primary_key": ["id"]},
            ["with primary_key [id, day], needed is a pk_delta table with primary_key [id]"],
        ),
        (
            "(id BIGINT NOT NULL, amount DOUBLE, day STRING)",
            {"kind": "pk_delta", "primary_key": ["id"]},
            ["a table without a primary key", "write kind: standard"],
        ),
        (
            "(id BIGINT, amount DOUBLE, day STRING)",
            {"cluster": {"by": ["id"], "buckets": 4}},
            ["a table that is not clustered, needed is one clustered by [id]"],
        ),
    ],
)
def test_a_table_of_another_kind_is_refused_by_name_before_and_after_planning(
    local: LocalRun, tmp_path: Path, columns: str, settings: dict[str, Any], named: list[str]
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 10))
    local.table(folder, "orders", **settings)
    odps = local.sandbox.odps()

    def refused(error: dict[str, Any]) -> None:
        assert error["code"] == "TARGET_KIND_DIFFERS"
        for words in named:
            assert words in error["message"], error["message"]

    # Someone makes the table between our plan and our CREATE TABLE IF NOT EXISTS.
    assert local.run("plan").code == 0
    odps.execute_sql(f"CREATE TABLE orders {columns}")
    assert local.run().code != 0
    refused(local.report()["orders"]["error"])
    # It was there before anything was planned.
    local.config["state"] += "2"
    assert local.run("plan").code == 4
    refused(local.report()[f"file://{folder}"]["error"])
    assert query(local.sandbox, "SELECT COUNT(*) AS n FROM orders")[0][0] == 0


def test_a_kind_that_loads_alike_is_a_warning(local: LocalRun, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 10))
    columns = "(id BIGINT, amount DOUBLE, day STRING)"
    local.sandbox.odps().execute_sql(f"CREATE TABLE plain {columns}")
    local.sandbox.odps().execute_sql(
        f"CREATE TABLE appended {columns} TBLPROPERTIES ('table.format.version'='2')",
        hints={"odps.table.append2.enable": "true"},
    )
    local.table(folder, "plain", kind="append_delta")
    other = tmp_path / "others"
    write_deltalake(other, orders(0, 10))
    local.table(other, "appended")
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert {table["verdict"] for table in local.report().values()} == {"Match"}
    plans = local.plan()
    assert any("standard, not append_delta" in text for text in plans["plain"]["warnings"])
    assert any("append_delta, not standard" in text for text in plans["appended"]["warnings"])


def test_a_clustered_or_keyed_table_made_by_an_earlier_run_is_loaded_again(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "orders"
    write_deltalake(folder, orders(0, 10))
    local.table(folder, "plain", cluster={"by": ["ID"], "sort": ["id"], "buckets": 4})
    other = tmp_path / "others"
    write_deltalake(other, orders(0, 10))
    local.table(other, "keyed", kind="pk_delta", primary_key=["ID"])
    assert local.run().code == 0
    for path in (folder, other):
        write_deltalake(path, orders(10, 10), mode="append")
    again = local.run()
    assert again.code == 0, again.out + again.err
    for table in local.report().values():
        assert (table["verdict"], table["rows_target"]) == ("Match", 20)
    assert all(plan["warnings"] == [] for plan in local.plan().values())
