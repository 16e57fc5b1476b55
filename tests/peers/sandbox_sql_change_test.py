"""UPDATE, DELETE and MERGE INTO of transactional tables, and EXPLAIN, by PyODPS, unmodified."""

from __future__ import annotations

import random
import threading
import time

import pyarrow as pa
import pytest
from odps import ODPS, errors
from odps.tunnel import TableTunnel
from sandbox_fixtures import Sandbox, odps, sandbox  # noqa: F401
from sandbox_sql import rows, run, text

ACID = "TBLPROPERTIES ('transactional'='true')"
DELTA = "TBLPROPERTIES ('transactional'='true', 'table.format.version'='2')"
STOCK = "(id BIGINT, name STRING, price DECIMAL(10,2), at DATETIME)"
FILL = (
    "(1, 'ant', 1.5, DATETIME '2026-01-01 00:00:00'), (2, 'bee', 2, NULL),"
    " (3, NULL, NULL, DATETIME '2026-01-03 00:00:00')"
)


@pytest.mark.parametrize("kind", [ACID, DELTA])
def test_update_and_delete_change_the_rows_they_find(odps: ODPS, kind: str) -> None:  # noqa: F811
    run(odps, f"CREATE TABLE stock {STOCK} {kind}", f"INSERT INTO stock VALUES {FILL}")
    everything = "SELECT id, name, price FROM stock ORDER BY id"
    run(odps, "UPDATE stock SET price = price * 2, name = CONCAT(name, '!') WHERE id < 3")
    assert [(i, n, str(p)) for i, n, p in rows(odps, everything)] == [
        (1, "ant!", "3.00"),
        (2, "bee!", "4.00"),
        (3, None, "None"),
    ]
    # A condition that is NULL finds nothing; NULL can be set; the old value is seen by all.
    run(odps, "UPDATE stock s SET (name, id) = (NULL, s.id + 10) WHERE s.price > 3.5")
    assert [r[:2] for r in rows(odps, everything)] == [(1, "ant!"), (3, None), (12, None)]
    run(odps, "DELETE FROM stock WHERE name IN (SELECT MAX(name) FROM stock)")
    assert [r[0] for r in rows(odps, everything)] == [3, 12]
    run(odps, "DELETE FROM stock WHERE id = 99")
    assert [r[0] for r in rows(odps, everything)] == [3, 12]
    run(odps, "DELETE FROM stock")
    assert rows(odps, everything) == []


def test_update_takes_values_from_other_tables(odps: ODPS) -> None:  # noqa: F811
    run(
        odps,
        f"CREATE TABLE goods {STOCK} {ACID}",
        f"INSERT INTO goods VALUES {FILL}",
        "CREATE TABLE prices (id BIGINT, price DECIMAL(10,2))",
        "INSERT INTO prices VALUES (1, 7), (3, 9), (4, 1)",
        "UPDATE goods SET price = p.price FROM prices p WHERE goods.id = p.id AND p.price > 5",
    )
    got = rows(odps, "SELECT id, CAST(price AS BIGINT) FROM goods ORDER BY id")
    assert got == [(1, 7), (2, 2), (3, 9)]
    run(odps, "INSERT INTO prices VALUES (1, 8)")
    with pytest.raises(errors.ODPSError, match="ODPS-0121095.*more than once"):
        run(odps, "UPDATE goods SET price = p.price FROM prices p WHERE goods.id = p.id")
    assert rows(odps, "SELECT CAST(price AS BIGINT) FROM goods WHERE id = 1") == [(7,)]


def test_only_the_partitions_with_found_rows_are_written_anew(
    odps: ODPS, sandbox: Sandbox  # noqa: F811
) -> None:
    run(
        odps,
        f"CREATE TABLE days (id BIGINT, v STRING) PARTITIONED BY (pt STRING) {ACID}",
        "INSERT INTO days PARTITION (pt) VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'y')",
    )
    before = set(sandbox.files("days"))
    run(odps, "UPDATE days SET v = 'new' WHERE pt = 'x' AND id = 2")
    after = set(sandbox.files("days"))
    assert {path.parent.name for path in before ^ after} == {"pt=x"}
    everything = "SELECT pt, id, v FROM days ORDER BY pt, id"
    assert rows(odps, everything) == [("x", 1, "a"), ("x", 2, "new"), ("y", 3, "c")]
    run(odps, "DELETE FROM days WHERE id IN (1, 2)")
    assert rows(odps, everything) == [("y", 3, "c")]
    assert odps.get_table("days").exist_partition("pt=x")  # it stays, without rows
    assert rows(odps, "SELECT COUNT(*) FROM days WHERE pt = 'x'") == [(0,)]


MERGE = (
    "MERGE INTO {table} AS t USING changes AS c ON t.id = c.id AND t.pt = c.pt"
    " WHEN MATCHED AND c.op = 'D' THEN DELETE"
    " WHEN MATCHED THEN UPDATE SET v = c.v"
    " WHEN NOT MATCHED AND c.op <> 'D' THEN INSERT VALUES (c.id, c.v, c.pt)"
)


@pytest.mark.parametrize("key", ["", "PRIMARY KEY (id)"])
def test_merge_updates_deletes_and_inserts_at_once(odps: ODPS, key: str) -> None:  # noqa: F811
    name = "keyed" if key else "plain"
    columns = "id BIGINT NOT NULL, v STRING" + (f", {key}" if key else "")
    run(
        odps,
        f"CREATE TABLE {name} ({columns}) PARTITIONED BY (pt STRING) {ACID}",
        f"INSERT INTO {name} PARTITION (pt) VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'y')",
        "CREATE TABLE changes (id BIGINT, v STRING, pt STRING, op STRING)",
        "INSERT INTO changes VALUES (1, 'A', 'x', 'U'), (2, '-', 'x', 'D'), (3, 'n', 'x', 'I'),"
        " (9, 'z', 'z', 'I'), (8, '-', 'y', 'D')",
        MERGE.format(table=name),
    )
    got = rows(odps, f"SELECT pt, id, v FROM {name} ORDER BY pt, id")
    assert got == [("x", 1, "A"), ("x", 3, "n"), ("y", 3, "c"), ("z", 9, "z")]
    run(odps, "INSERT INTO changes VALUES (1, 'AA', 'x', 'U')")
    with pytest.raises(errors.ODPSError, match="more than once"):
        run(odps, MERGE.format(table=name))
    assert rows(odps, f"SELECT pt, id, v FROM {name} ORDER BY pt, id") == got


def test_a_merge_that_inserts_a_key_twice_keeps_the_last(odps: ODPS) -> None:  # noqa: F811
    run(
        odps,
        f"CREATE TABLE pk (k BIGINT NOT NULL, v STRING, PRIMARY KEY (k)) {ACID}",
        "INSERT INTO pk VALUES (1, 'a'), (2, 'b')",
        "MERGE INTO pk USING (SELECT 1L AS k, 'n' AS v) s ON pk.k = s.k AND pk.v = s.v"
        " WHEN NOT MATCHED THEN INSERT (v, k) VALUES (s.v, s.k)",
    )
    assert rows(odps, "SELECT k, v FROM pk ORDER BY k") == [(1, "n"), (2, "b")]


CHANGE_ERRORS = [
    ("UPDATE plain SET v = 'x'", "0130071", "transactional"),
    ("DELETE FROM plain", "0130071", "transactional"),
    (
        "MERGE INTO plain USING acid ON plain.k = acid.k WHEN MATCHED THEN DELETE",
        "0130071",
        "transactional",
    ),
    ("UPDATE acid SET pt = 'x'", "0130071", "partition column pt"),
    ("UPDATE acid SET nothing = 1", "0130071", "nothing cannot be resolved"),
    ("UPDATE acid SET v = nothing", "0130071", "nothing"),
    ("UPDATE acid SET v = 'a', v = 'b'", "0130071", "set twice"),
    ("UPDATE acid SET k = 'text'", "0130071", "incompatible type STRING"),
    ("UPDATE keyed SET k = 1", "0130071", "primary key column k"),
    ("UPDATE keyed SET v = 'longer than three'", "0121095", "char(3)"),
    ("UPDATE keyed SET w = NULL", "0121095", "NOT NULL"),
    ("DELETE FROM nowhere", "0130131", "nowhere"),
    (
        "MERGE INTO acid USING keyed ON acid.k = keyed.k WHEN MATCHED THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET v = 'x'",
        "0130071",
        "must be the last",
    ),
]


def test_changes_that_maxcompute_refuses_change_nothing(odps: ODPS) -> None:  # noqa: F811
    run(
        odps,
        "CREATE TABLE plain (k BIGINT, v STRING)",
        "INSERT INTO plain VALUES (1, 'old')",
        f"CREATE TABLE acid (k BIGINT, v STRING) PARTITIONED BY (pt STRING) {ACID}",
        "INSERT INTO acid PARTITION (pt='x') VALUES (1, 'old')",
        "CREATE TABLE keyed (k BIGINT NOT NULL, v CHAR(3), w INT NOT NULL, PRIMARY KEY (k))"
        f" {ACID}",
        "INSERT INTO keyed VALUES (1, 'old', 1)",
    )
    for sql, code, words in CHANGE_ERRORS:
        with pytest.raises(errors.ODPSError) as refused:
            odps.execute_sql(sql)
        assert code in str(refused.value) and words in str(refused.value), (sql, refused.value)
    for table in ("plain", "acid", "keyed"):
        assert rows(odps, f"SELECT k, v FROM {table}") == [(1, "old")]


def test_what_sql_cannot_carry_is_refused_not_cut(odps: ODPS) -> None:  # noqa: F811
    """A rewritten row must keep its nanoseconds, also in columns that nobody named."""
    run(odps, f"CREATE TABLE fine (id BIGINT, at TIMESTAMP) {ACID}")
    upload = TableTunnel(odps).create_upload_session("fine")
    batch = pa.record_batch([pa.array([1]), pa.array([1], pa.timestamp("ns"))], ["id", "at"])
    with upload.open_arrow_writer(0) as writer:
        writer.write(batch)
    upload.commit([0])
    with pytest.raises(errors.ODPSError, match="finer than a microsecond"):
        run(odps, "UPDATE fine SET id = 2")
    run(odps, "DELETE FROM fine WHERE id = 5")  # nothing found, nothing written


def test_concurrent_changes_and_inserts_lose_no_row(odps: ODPS) -> None:  # noqa: F811
    run(odps, f"CREATE TABLE busy (k BIGINT, v BIGINT) {ACID}", "INSERT INTO busy VALUES (0, 0)")
    failures: list[Exception] = []

    def work(statement: str, times: int) -> None:
        try:
            for _ in range(times):
                run(odps, statement)
        except Exception as error:  # reported below: a thread's error is lost otherwise
            failures.append(error)

    add = "MERGE INTO busy USING (SELECT 5L AS k) s ON busy.k = s.k"
    add += " WHEN MATCHED THEN UPDATE SET v = v + 1 WHEN NOT MATCHED THEN INSERT VALUES (s.k, 1)"
    jobs = [("UPDATE busy SET v = v + 1 WHERE k = 0", 4), ("INSERT INTO busy VALUES (7, 7)", 4)]
    threads = [threading.Thread(target=work, args=job) for job in [*jobs, (add, 3), (add, 3)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    got = rows(odps, "SELECT k, v, COUNT(*) FROM busy GROUP BY k, v ORDER BY k")
    assert got == [(0, 4, 1), (5, 6, 1), (7, 7, 4)]


def test_a_kill_at_any_moment_of_a_change_leaves_old_or_new_whole(
    sandbox: Sandbox,  # noqa: F811
) -> None:
    client = sandbox.client()
    values = ", ".join(f"({i}, 0, 'p{i % 20}')" for i in range(100))
    run(
        client,
        f"CREATE TABLE atomic (k BIGINT, g BIGINT) PARTITIONED BY (pt STRING) {ACID}",
        f"INSERT INTO atomic PARTITION (pt) VALUES {values}",
    )
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    for _ in range(4):
        before = rows(sandbox.client(), "SELECT MIN(g), MAX(g), COUNT(*) FROM atomic")[0]
        sandbox.client().run_sql("UPDATE atomic SET g = g + 1")
        time.sleep(moments.uniform(0, 0.6))
        sandbox.kill()
        sandbox.restart()
        after = rows(sandbox.client(), "SELECT MIN(g), MAX(g), COUNT(*) FROM atomic")[0]
        assert after[0] == after[1] and after[2] == 100, f"seed {seed}: {after}"
        assert after[0] - before[0] in (0, 1), f"seed {seed}: {before}, {after}"
        assert len(sandbox.files("atomic")) == 20, f"seed {seed}"


def test_explain_tells_the_steps_and_the_columns(odps: ODPS) -> None:  # noqa: F811
    run(odps, "CREATE TABLE seen (a BIGINT, b CHAR(3)) PARTITIONED BY (pt STRING)")
    plan = text(
        odps,
        "EXPLAIN WITH q AS (SELECT a, b FROM seen WHERE pt = 'x')"
        " SELECT b, COUNT(*) AS n FROM q GROUP BY b HAVING COUNT(*) > 1 ORDER BY b LIMIT 10",
    )
    for step in (
        "job0 is root job",
        "Data source: rehearsal.default.seen",
        "    TS: rehearsal.default.seen",
        "FIL: WHERE",
        "AGGREGATE: by 1 keys",
        "SORT: by 1 keys",
        "LIM: 10",
        "FS: output: Screen",
        "b (char(3))",
        "n (bigint)",
    ):
        assert step in plan, plan
    run(odps, "CREATE TABLE copy (a BIGINT)")
    into = text(odps, "EXPLAIN INSERT INTO copy SELECT a FROM seen")
    assert "FS: output: rehearsal.default.copy" in into
    assert rows(odps, "SELECT COUNT(*) FROM copy") == [(0,)]
