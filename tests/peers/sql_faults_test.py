"""What happens to a table that is read by SQL when something dies or changes in its middle: no row
is lost or doubled, and a copy that cannot be right is not committed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import LAKEHOUSE, Mms, Sandbox
from crossing_test import expected_rows, key
from sync_test import control
from value_text import odps_rows

WAIT_S = 120


@pytest.fixture
def sql_lake(lake: dict[str, Any], spark_address: str) -> Iterator[dict[str, Any]]:
    """Results come in fetches of 1,000 rows, so that a table has a middle."""
    control(lake, "POST", "sql", {"server": spark_address, "rows_per_fetch": 1000})
    yield lake
    for name in ("fault", "sql", "table"):
        control(lake, "DELETE", name)


@pytest.fixture
def orders(mms: Mms, sql_lake: dict[str, Any]) -> Mms:
    """15,000 rows without partitions: one statement, one block."""
    mms.config["source"]["jdbc"] = True
    mms.config["tables"] = [{"include": "tpch.orders"}]
    return mms


def children_of(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text("ascii").split()]
    return found


def start_and_stop_in_the_middle(
    mms: Mms, lake: dict[str, Any], strike: Callable[[subprocess.Popen[str]], None]
) -> tuple[int, str]:
    """Starts `mms run`, holds its third fetch of rows, strikes then; its exit code and words."""
    rule = {"thrift": "FetchResults", "after": 2, "count": 1, "delay_ms": 3000}
    control(lake, "POST", "fault", rule)
    process = mms.start("run", "--json")
    deadline = time.monotonic() + WAIT_S
    while control(lake, "GET", "fault")[0]["left"] and process.poll() is None:
        assert time.monotonic() < deadline, "it never came to the third fetch"
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()
    strike(process)
    out, err = process.communicate(timeout=WAIT_S)
    control(lake, "DELETE", "fault")
    return process.returncode, out + err


def assert_whole(mms: Mms, sandbox: Sandbox, lake: dict[str, Any]) -> None:
    (report,) = mms.run("report").of("report_table")
    assert report["verdict"] == "Match", report
    got = Counter(map(key, odps_rows(sandbox.odps(), "orders")))
    want = Counter(
        map(key, expected_rows(next(t for t in lake["tables"] if t["table"] == "orders")))
    )
    assert got == want and sum(want.values()) == 15_000


@pytest.mark.parametrize("dies", ["a worker", "all of it"])
def test_a_kill_in_mid_table_loses_and_doubles_no_row(
    dies: str, orders: Mms, sandbox: Sandbox, sql_lake: dict[str, Any]
) -> None:
    def strike(process: subprocess.Popen[str]) -> None:
        workers = children_of(process.pid)
        assert workers
        for pid in workers if dies == "a worker" else [process.pid]:
            os.kill(pid, signal.SIGKILL)

    start_and_stop_in_the_middle(orders, sql_lake, strike)
    again = orders.run("run")
    assert again.code == 0, again.out + again.err
    assert_whole(orders, sandbox, sql_lake)


def test_a_cluster_that_ends_in_mid_query_costs_no_row(
    orders: Mms, sandbox: Sandbox, sql_lake: dict[str, Any]
) -> None:
    def strike(_: subprocess.Popen[str]) -> None:
        ended = {"cluster_id": sql_lake["cluster"], "state": "TERMINATED"}
        control(sql_lake, "POST", "cluster", ended)

    try:
        code, words = start_and_stop_in_the_middle(orders, sql_lake, strike)
        if code != 0:
            assert "DATABRICKS_" in words or "SQL_" in words, words
            again = orders.run("run")
            assert again.code == 0, again.out + again.err
    finally:
        running = {"cluster_id": sql_lake["cluster"], "state": "RUNNING"}
        control(sql_lake, "POST", "cluster", running)
    assert_whole(orders, sandbox, sql_lake)


def test_a_table_without_a_version_that_changes_while_it_is_copied_is_not_committed(
    mms: Mms, sandbox: Sandbox, sql_lake: dict[str, Any], spark_address: str
) -> None:
    sys.path.insert(0, str(LAKEHOUSE.parent))
    from hive_client import HiveClient

    spark = HiveClient(spark_address)
    session = spark.open_session()
    entry = {"schema": "kinds", "name": "moving", "like": "corpus.plain"}
    control(sql_lake, "POST", "table", {**entry, "change": {"table_type": "STREAMING_TABLE"}})
    spark.execute(session, "CREATE TABLE kinds.moving USING parquet AS SELECT * FROM corpus.plain")
    try:
        mms.config["tables"] = [{"include": "kinds.moving"}]
        mms.environment["MMS_FAULT"] = "after save plan"
        mms.run("run")
        del mms.environment["MMS_FAULT"]
        spark.execute(session, "INSERT INTO kinds.moving SELECT * FROM corpus.plain LIMIT 1")
        changed = mms.run("run")
        assert changed.code != 0 and "SOURCE_CHANGED" in changed.out, changed.out
        assert odps_rows(sandbox.odps(), "moving") == []
        again = mms.run("run")
        assert again.code == 0, again.out + again.err
        plain = expected_rows(next(t for t in sql_lake["tables"] if t["table"] == "plain"))
        assert len(odps_rows(sandbox.odps(), "moving")) == len(plain) + 1
    finally:
        spark.execute(session, "DROP TABLE kinds.moving")
        spark.close_session(session)
