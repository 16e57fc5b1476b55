"""INSERT into `mms sandbox`, by PyODPS: partitions, casts, keys, refusals, kills."""

from __future__ import annotations

import datetime
import decimal
import random
import threading
import time

import pyarrow as pa
import pytest
from odps import ODPS, errors, options
from odps.tunnel import TableTunnel
from sandbox_fixtures import Sandbox, odps, sandbox  # noqa: F401
from sandbox_sql import cells, rows, run

options.sql.settings = {"odps.sql.type.system.odps2": True}


def test_insert_into_adds_and_insert_overwrite_replaces(odps: ODPS, sandbox: Sandbox) -> None:
    run(
        odps,
        "CREATE TABLE t (a BIGINT, b STRING)",
        "INSERT INTO t VALUES (1, 'x'), (2, NULL)",
        "INSERT INTO TABLE t SELECT 3L, 'it''s'",
    )
    assert rows(odps, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, None), (3, "its")]
    run(odps, "INSERT OVERWRITE TABLE t SELECT a + 10, b FROM t WHERE a < 3")
    assert rows(odps, "SELECT a FROM t ORDER BY a") == [(11,), (12,)]
    assert len(sandbox.files("t")) == 1
    run(odps, "INSERT OVERWRITE TABLE t SELECT a, b FROM t WHERE a < 0")
    assert rows(odps, "SELECT COUNT(*) FROM t") == [(0,)] and sandbox.files("t") == []


def test_a_column_list_leaves_the_others_null_or_default(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE d (a BIGINT, b STRING DEFAULT 'none', c INT DEFAULT 7, e DATE)",
        "INSERT INTO d (e, a) VALUES (DATE '2026-01-02', 1L)",
    )
    assert rows(odps, "SELECT * FROM d") == [(1, "none", 7, datetime.date(2026, 1, 2))]


def test_static_dynamic_and_mixed_partitions(odps: ODPS, sandbox: Sandbox) -> None:
    run(
        odps,
        "CREATE TABLE src (a BIGINT, dt STRING, hh INT)",
        "INSERT INTO src VALUES (1, 'x', 1), (2, 'x', 2), (3, 'y', 1), (4, 'y', 1)",
        "CREATE TABLE p (a BIGINT) PARTITIONED BY (dt STRING, hh INT)",
        "INSERT INTO p PARTITION (dt='s', hh='05') SELECT a FROM src WHERE a = 1",
        "INSERT INTO p PARTITION (dt, hh) SELECT a, dt, hh FROM src",
        "INSERT INTO p PARTITION (dt='m', hh) SELECT a, hh FROM src",
    )
    counted = "SELECT dt, hh, COUNT(*) FROM p GROUP BY dt, hh ORDER BY dt, hh"
    assert rows(odps, counted) == [
        ("m", 1, 3),
        ("m", 2, 1),
        ("s", 5, 1),
        ("x", 1, 1),
        ("x", 2, 1),
        ("y", 1, 2),
    ]
    # Overwrite replaces the touched partitions alone.
    run(odps, "INSERT OVERWRITE TABLE p PARTITION (dt, hh) SELECT 9, 'x', 2")
    assert rows(odps, "SELECT a, hh FROM p WHERE dt = 'x' ORDER BY hh") == [(1, 1), (9, 2)]
    assert rows(odps, "SELECT COUNT(*) FROM p") == [(9,)]
    # A static overwrite without rows empties its partition and keeps it.
    run(odps, "INSERT OVERWRITE TABLE p PARTITION (dt='y', hh=1) SELECT a FROM src WHERE a < 0")
    assert rows(odps, "SELECT COUNT(*) FROM p WHERE dt = 'y'") == [(0,)]
    assert odps.get_table("p").exist_partition("dt='y',hh=1")
    # A static insert without rows makes its partition; a dynamic one makes none.
    run(odps, "INSERT INTO p PARTITION (dt='z', hh=1) SELECT a FROM src WHERE a < 0")
    run(odps, "INSERT INTO p PARTITION (dt, hh) SELECT a, dt, hh FROM src WHERE a < 0")
    assert [p.name for p in odps.get_table("p").partitions][-1] == "dt='z',hh='1'"
    # By position, not by name: the clause's order counts.
    run(odps, "INSERT INTO p PARTITION (hh, dt) SELECT 5L AS a, 7 AS dt, 'w' AS hh")
    assert rows(odps, "SELECT hh FROM p WHERE dt = 'w'") == [(7,)]


def test_a_thousand_dynamic_partitions(odps: ODPS) -> None:
    run(odps, "CREATE TABLE many (a BIGINT) PARTITIONED BY (pt STRING)")
    run(odps, "CREATE TABLE n (a BIGINT)")
    batch = pa.record_batch([pa.array(range(20_000))], names=["a"])
    upload = TableTunnel(odps).create_upload_session("n")
    with upload.open_arrow_writer(0) as writer:
        writer.write(batch)
    upload.commit([0])
    run(
        odps,
        "INSERT OVERWRITE TABLE many PARTITION (pt) "
        "SELECT a, CONCAT('p', CAST(a % 1000 AS STRING)) FROM n",
    )
    sql = "SELECT COUNT(DISTINCT pt), COUNT(*), SUM(a) FROM many"
    assert rows(odps, sql) == [(1000, 20_000, sum(range(20_000)))]


def test_values_are_cast_to_the_tables_types(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE c (a BIGINT, d DECIMAL(10,2), f DOUBLE, s STRING, v VARCHAR(3),"
        " da DATE, dt DATETIME, ts TIMESTAMP, l ARRAY<BIGINT>, m MAP<STRING,INT>,"
        " st STRUCT<x:INT,y:STRING>, n BINARY)",
        "INSERT INTO c VALUES (1, 1.125BD, 1, 2, 'abc', DATE '2026-01-02',"
        " DATETIME '2026-01-02 03:04:05.678', TIMESTAMP '2026-01-02 03:04:05.123456',"
        " ARRAY(1, NULL), MAP('k', 1), NAMED_STRUCT('x', 1, 'y', 'z'), UNHEX('00ff'))",
        "INSERT INTO c SELECT " + ", ".join(["NULL"] * 12),
    )
    got = rows(odps, "SELECT a, d, f, s, v, da, l, m, n FROM c WHERE a = 1")
    assert got == [
        (
            1,
            decimal.Decimal("1.13"),
            1.0,
            "2",
            "abc",
            datetime.date(2026, 1, 2),
            [1, None],
            {"k": 1},
            b"\x00\xff",
        )
    ]
    shown = cells(odps, "SELECT dt, ts, st, da FROM c WHERE a = 1")
    assert shown == [
        ["2026-01-02 03:04:05", "2026-01-02 03:04:05.123456", '{"x":1,"y":"z"}', "2026-01-02"]
    ]
    assert rows(odps, "SELECT COUNT(*) FROM c WHERE a IS NULL AND st IS NULL") == [(1,)]


INSERT_ERRORS = [
    ("INSERT INTO e VALUES (1)", "ODPS-0130071", "wrong columns count 1 in data source"),
    ("INSERT INTO e SELECT 'x', 'y'", "ODPS-0130071", "incompatible type STRING"),
    ("INSERT INTO e SELECT 1L, 'y'", "ODPS-0130071", "incompatible type BIGINT"),
    ("INSERT INTO e (a, zz) VALUES (1, 2)", "ODPS-0130071", "zz"),
    ("INSERT INTO e (a, a) VALUES (1, 2)", "ODPS-0130071", "repeated"),
    ("INSERT INTO e PARTITION (p='x') VALUES (1, 'y')", "ODPS-0130071", "partition columns"),
    ("INSERT INTO ep VALUES (1)", "ODPS-0130071", "(0) doesn't equal to table's partition"),
    ("INSERT INTO ep PARTITION (p, q='1') SELECT 1, 'x'", "ODPS-0130071", "below a dynamic"),
    ("INSERT INTO ep PARTITION (p='x', q='one') SELECT 1", "ODPS-0130071", "one"),
    ("INSERT INTO ep PARTITION (p='a/b', q=1) SELECT 1", "ODPS-0130071", "not allowed"),
    ("INSERT INTO ep PARTITION (p, q) SELECT 1, NULL, 1", "ODPS-0123031", "p=NULL"),
    ("INSERT INTO ep PARTITION (p, q) SELECT 1, 'a/b', 1", "ODPS-0123031", "a/b"),
    ("INSERT INTO ec PARTITION (p) SELECT 1, 'x'", "ODPS-0130071", "clustered"),
    ("INSERT INTO e SELECT NULL, 'x'", "ODPS-0121095", "NOT NULL"),
    ("INSERT INTO e SELECT 1, 'too long'", "ODPS-0121095", "varchar(3)"),
    ("INSERT INTO en SELECT 12345.5BD", "ODPS-0123091", "Illegal type cast"),
    ("INSERT INTO en SELECT 'abc'", "ODPS-0123091", "abc"),
    ("INSERT INTO nowhere VALUES (1)", "ODPS-0130131", "nowhere"),
    ("INSERT OVERWRITE e SELECT 1, 'x'", "ODPS-0130161", "TABLE"),
    ("INSERT OVERWRITE TABLE e (a) SELECT 1", "ODPS-0130161", "column list"),
]


def test_inserts_that_maxcompute_refuses_fail_by_its_codes_and_change_nothing(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE e (a INT NOT NULL, b VARCHAR(3))",
        "CREATE TABLE ep (a BIGINT) PARTITIONED BY (p STRING, q INT)",
        "CREATE TABLE ec (a BIGINT) PARTITIONED BY (p STRING) CLUSTERED BY (a) INTO 2 BUCKETS",
        "CREATE TABLE en (d DECIMAL(5,2))",
        "INSERT INTO e VALUES (1, 'old')",
    )
    for sql, code, words in INSERT_ERRORS:
        with pytest.raises(errors.ODPSError) as refused:
            odps.execute_sql(sql)
        assert code in str(refused.value) and words in str(refused.value), (sql, refused.value)
    assert rows(odps, "SELECT * FROM e") == [(1, "old")]
    assert list(odps.get_table("ep").partitions) == []


def test_a_primary_key_keeps_the_last_row_of_each_key(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE pk (k BIGINT NOT NULL, v STRING, PRIMARY KEY (k)) PARTITIONED BY (pt STRING)"
        " TBLPROPERTIES ('transactional'='true')",
        "CREATE TABLE stage (k BIGINT, v STRING, pt STRING)",
        "INSERT INTO stage VALUES (1, 'a', 'x'), (2, 'b', 'x'), (1, 'c', 'x'), (1, 'd', 'y')",
        "INSERT INTO pk PARTITION (pt) SELECT k, v, pt FROM stage",
    )
    everything = "SELECT pt, k, v FROM pk ORDER BY pt, k"
    assert rows(odps, everything) == [("x", 1, "c"), ("x", 2, "b"), ("y", 1, "d")]
    run(odps, "INSERT INTO pk PARTITION (pt='x') VALUES (2, 'new'), (3, 'more')")
    assert rows(odps, everything) == [
        ("x", 1, "c"),
        ("x", 2, "new"),
        ("x", 3, "more"),
        ("y", 1, "d"),
    ]
    run(odps, "INSERT OVERWRITE TABLE pk PARTITION (pt='x') SELECT k, v FROM stage WHERE pt = 'x'")
    assert rows(odps, everything) == [("x", 1, "c"), ("x", 2, "b"), ("y", 1, "d")]
    with pytest.raises(errors.ODPSError, match="ODPS-0121095"):
        run(odps, "INSERT INTO pk PARTITION (pt='x') SELECT NULL, 'v'")
    # What a migration asks before it loads: duplicate and NULL keys.
    duplicates = "SELECT pt, k, COUNT(*) AS n FROM stage GROUP BY pt, k HAVING COUNT(*) > 1"
    assert rows(odps, duplicates) == [("x", 1, 2)]
    assert rows(odps, "SELECT COUNT(*) FROM stage WHERE k IS NULL") == [(0,)]


def test_concurrent_upserts_lose_no_row(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE up (k BIGINT NOT NULL, v BIGINT, PRIMARY KEY (k))"
        " TBLPROPERTIES ('transactional'='true')",
    )
    failures: list[Exception] = []

    def upsert(start: int) -> None:
        try:
            for i in range(3):
                run(odps, f"INSERT INTO up VALUES ({start + i}, 1), (0, {start})")
        except Exception as error:  # reported below: a thread's error is lost otherwise
            failures.append(error)

    threads = [threading.Thread(target=upsert, args=(start,)) for start in (100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert rows(odps, "SELECT COUNT(*), COUNT(DISTINCT k) FROM up") == [(7, 7)]


def test_a_kill_at_any_moment_of_an_overwrite_leaves_old_or_new_whole(sandbox: Sandbox) -> None:
    client = sandbox.client()
    run(
        client,
        "CREATE TABLE atomic (g BIGINT) PARTITIONED BY (pt STRING)",
        "CREATE TABLE seed (n BIGINT)",
        "INSERT INTO seed VALUES " + ", ".join(f"({i})" for i in range(30)),
    )
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    old = 0
    for generation in range(1, 6):
        client = sandbox.client()
        client.run_sql(
            f"INSERT OVERWRITE TABLE atomic PARTITION (pt) "
            f"SELECT {generation}L, CONCAT('p', CAST(n AS STRING)) FROM seed"
        )
        time.sleep(moments.uniform(0, 0.6))
        sandbox.kill()
        sandbox.restart()
        got = rows(sandbox.client(), "SELECT g, pt FROM atomic")
        generations = {g for g, _ in got}
        assert generations <= {generation, old} and len(generations) <= 1, f"seed {seed}: {got}"
        assert len(got) in (0, 30) and (got or old == 0), f"seed {seed}: {len(got)} rows"
        assert len(sandbox.files("atomic")) == len(got), f"seed {seed}"
        assert not list((sandbox.data / ".staging").rglob("*.parquet")), f"seed {seed}"
        old = generations.pop() if generations else 0


def test_readers_see_the_old_rows_or_the_new_ones(odps: ODPS) -> None:
    run(odps, "CREATE TABLE swap (g BIGINT) PARTITIONED BY (pt STRING)")
    run(odps, "INSERT OVERWRITE TABLE swap PARTITION (pt) VALUES (0, 'a'), (0, 'b'), (0, 'c')")
    done = threading.Event()

    def write() -> None:
        for g in range(1, 4):
            run(
                odps,
                "INSERT OVERWRITE TABLE swap PARTITION (pt)"
                f" VALUES ({g}, 'a'), ({g}, 'b'), ({g}, 'c')",
            )
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        got = rows(odps, "SELECT MIN(g), MAX(g), COUNT(*) FROM swap")
        assert got[0][0] == got[0][1] and got[0][2] == 3
    writer.join()
