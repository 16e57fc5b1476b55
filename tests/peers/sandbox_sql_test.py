"""DDL of `mms sandbox`, by PyODPS: every statement form, and each refusal by its code."""

from __future__ import annotations

import pytest
from odps import ODPS, errors, options
from sandbox_fixtures import PROJECT, Sandbox, odps, sandbox  # noqa: F401
from sandbox_sql import reserved, rows, run, text

options.sql.settings = {"odps.sql.type.system.odps2": True}


def test_create_table_as_select_and_or_replace(odps: ODPS, sandbox: Sandbox) -> None:
    run(
        odps,
        "CREATE TABLE base (a BIGINT, pt DATE)",
        "INSERT INTO base VALUES (1, DATE '2026-01-01'), (2, NULL)",
        "CREATE TABLE made LIFECYCLE 5 AS"
        " SELECT a, pt AS d, CAST(a AS DECIMAL(9,1)) AS c FROM base",
    )
    table = odps.get_table("made")
    types = [(c.name, str(c.type).lower()) for c in table.table_schema.columns]
    assert types == [("a", "bigint"), ("d", "date"), ("c", "decimal(9,1)")]
    assert table.lifecycle == 5 and rows(odps, "SELECT COUNT(*) FROM made") == [(2,)]
    run(odps, "CREATE TABLE IF NOT EXISTS made AS SELECT 1 AS other")
    assert rows(odps, "SELECT COUNT(*) FROM made") == [(2,)]
    with pytest.raises(errors.ODPSError, match="ODPS-0130131.*already exists"):
        run(odps, "CREATE TABLE made AS SELECT 1 AS other")
    run(odps, "CREATE OR REPLACE TABLE made AS SELECT 'x' AS s")
    assert rows(odps, "SELECT * FROM made") == [("x",)]
    run(odps, "CREATE OR REPLACE TABLE made (z DOUBLE)")
    assert rows(odps, "SELECT COUNT(*) FROM made") == [(0,)] and sandbox.files("made") == []
    run(odps, "CREATE TABLE alike LIKE base LIFECYCLE 3")
    assert odps.get_table("alike").lifecycle == 3


KINDS = {
    "standard": ("(a BIGINT, b STRING)", {}),
    "append_delta": (
        "(a BIGINT) TBLPROPERTIES ('table.format.version'='2')",
        {"table.format.version": "2"},
    ),
    "transactional": (
        "(a BIGINT) TBLPROPERTIES ('transactional'='true')",
        {"Transactional": "true"},
    ),
    "pk_delta": (
        "(a BIGINT NOT NULL, b STRING NOT NULL COMMENT 'c', v DOUBLE, PRIMARY KEY (a, b))"
        " TBLPROPERTIES ('transactional'='true', 'write.bucket.num'='8',"
        " 'acid.data.retain.hours'='48')",
        {
            "Transactional": "true",
            "PrimaryKey": ["a", "b"],
            "write.bucket.num": "8",
            "acid.data.retain.hours": "48",
        },
    ),
    "hash_clustered": (
        "(a BIGINT, b STRING) CLUSTERED BY (a, b) SORTED BY (a DESC, b ASC) INTO 16 BUCKETS",
        {
            "ClusterType": "hash",
            "BucketNum": 16,
            "ClusterCols": ["a", "b"],
            "SortCols": [{"col": "a", "order": "desc"}, {"col": "b", "order": "asc"}],
        },
    ),
    "range_clustered": (
        "(a BIGINT) PARTITIONED BY (pt STRING) RANGE CLUSTERED BY (a)",
        {"ClusterType": "range", "ClusterCols": ["a"]},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_is_described_and_made_again(odps: ODPS, kind: str) -> None:
    body, wanted = KINDS[kind]
    run(odps, f"CREATE TABLE {kind} {body}")
    first = reserved(odps, kind)
    assert {key: first.get(key) for key in wanted} == wanted
    if kind == "standard":
        assert first["Transactional"] == "false" and "ClusterType" not in first
    created = text(odps, f"SHOW CREATE TABLE {kind}")
    run(odps, f"DROP TABLE IF EXISTS {kind}", created)
    assert reserved(odps, kind) == first
    assert text(odps, f"SHOW CREATE TABLE {kind}") == created


def test_pyodps_knows_the_kinds(odps: ODPS) -> None:
    run(odps, f"CREATE TABLE known {KINDS['pk_delta'][0]}")
    table = odps.get_table("known")
    assert table.is_transactional and list(table.primary_key) == ["a", "b"]
    for kind, buckets, order in (("hash", 16, ["a DESC", "b ASC"]), ("range", None, [])):
        run(odps, f"CREATE TABLE known_{kind} {KINDS[kind + '_clustered'][0]}")
        cluster = odps.get_table(f"known_{kind}").cluster_info
        assert cluster.cluster_type.value == kind and cluster.bucket_num == buckets
        assert cluster.cluster_cols == (["a", "b"] if order else ["a"])
        assert [f"{c.name} {c.order.value}" for c in cluster.sort_cols or []] == order


DELTA = "TBLPROPERTIES ('transactional'='true')"
DDL_ERRORS = [
    (f"CREATE TABLE k (a BIGINT, PRIMARY KEY (a)) {DELTA}", "0130071"),
    ("CREATE TABLE k (a BIGINT NOT NULL, PRIMARY KEY (a))", "0130071"),
    (f"CREATE TABLE k (a BIGINT NOT NULL, PRIMARY KEY (z)) {DELTA}", "0130071"),
    (
        "CREATE TABLE k (a BIGINT NOT NULL, PRIMARY KEY (a))"
        f" CLUSTERED BY (a) INTO 4 BUCKETS {DELTA}",
        "0130071",
    ),
    ("CREATE TABLE k (a BIGINT) TBLPROPERTIES ('write.bucket.num'='0')", "0130071"),
    ("CREATE TABLE k (a BIGINT) CLUSTERED BY (a)", "0130161"),
    ("CREATE TABLE k (a BIGINT) CLUSTERED BY (zz) INTO 4 BUCKETS", "0130071"),
    ("CREATE TABLE k (a DECIMAL(38,19))", "0130071"),
    ("CREATE TABLE k (a BIGINT) PARTITIONED BY (p DOUBLE)", "0130071"),
    (
        "CREATE TABLE k (a BIGINT)"
        " PARTITIONED BY (b INT, c INT, d INT, e INT, f INT, g INT, h INT)",
        "0130071",
    ),
    ("CREATE TABLE k (a BIGINT) LIFECYCLE 0", "0130071"),
    ("CREATE TABLE k (a BIGINT) AUTO PARTITIONED BY (trunc_time(d, 'day'))", "0130071"),
    ("CREATE TABLE k (a BIGINT) STORED AS ALIORC", "0130071"),
    ("CREATE EXTERNAL TABLE k (a BIGINT)", "0130071"),
    ("CREATE TABLE k (a TEXT)", "0130161"),
    ("ALTER TABLE dd ADD COLUMNS (a BIGINT)", "0110061"),
    ("ALTER TABLE dd ADD COLUMNS (n BIGINT NOT NULL)", "0110061"),
    ("ALTER TABLE dd DROP COLUMNS zz", "0130071"),
    ("ALTER TABLE dd CHANGE COLUMN a a INT", "0130071"),
    ("ALTER TABLE dd CHANGE COLUMN a RENAME TO b", "0110061"),
    ("ALTER TABLE dd RENAME TO taken", "0130131"),
    ("ALTER TABLE dd SET TBLPROPERTIES ('transactional'='true')", "0110061"),
    ("ALTER TABLE dp ADD PARTITION (pt='x')", "0110061"),
    ("ALTER TABLE dp DROP PARTITION (pt='none')", "0110061"),
    ("TRUNCATE TABLE dp", "0110061"),
    ("DROP TABLE nowhere", "0130131"),
    ("DELETE FROM dd", "0130071"),
    ("SELEKT 1", "0130161"),
]


def test_ddl_that_maxcompute_refuses_fails_by_its_codes(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE dd (a BIGINT, b STRING)",
        "CREATE TABLE taken (a BIGINT)",
        "CREATE TABLE dp (a BIGINT) PARTITIONED BY (pt STRING)",
        "ALTER TABLE dp ADD PARTITION (pt='x')",
    )
    for sql, code in DDL_ERRORS:
        with pytest.raises(errors.ODPSError) as refused:
            odps.execute_sql(sql)
        assert f"ODPS-{code}" in str(refused.value), (sql, refused.value)
    assert not odps.exist_table("k")


def test_errors_are_pyodps_own_classes(odps: ODPS) -> None:
    for sql, kind in (
        ("SELEKT 1", errors.ParseError),
        ("SELECT * FROM nowhere", errors.NoSuchTable),
        ("DROP TABLE nowhere", errors.NoSuchTable),
    ):
        with pytest.raises(kind):
            odps.execute_sql(sql)


def test_columns_are_added_renamed_widened_and_dropped(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE ev (a INT, b STRING, c VARCHAR(3))",
        "INSERT INTO ev VALUES (1, 'one', 'abc')",
        "ALTER TABLE ev ADD COLUMNS (d STRING COMMENT 'new')",
        "ALTER TABLE ev ADD COLUMNS IF NOT EXISTS (d STRING, e DATE)",
        "ALTER TABLE ev CHANGE COLUMN b RENAME TO bb",
        "ALTER TABLE ev CHANGE COLUMN a a BIGINT COMMENT 'wider'",
        "ALTER TABLE ev CHANGE COLUMN c c STRING",
        "INSERT INTO ev VALUES (5000000000, 'two', 'longer', 'x', NULL)",
    )
    assert rows(odps, "SELECT a, bb, c, d FROM ev ORDER BY a") == [
        (1, "one", "abc", None),
        (5_000_000_000, "two", "longer", "x"),
    ]
    got = sorted(tuple(r.values[:4]) for r in odps.read_table("ev"))
    assert got == [(1, "one", "abc", None), (5_000_000_000, "two", "longer", "x")]
    column = odps.get_table("ev").table_schema["a"]
    assert (str(column.type).lower(), column.comment) == ("bigint", "wider")
    # A name used before does not bring old values back.
    run(odps, "ALTER TABLE ev DROP COLUMNS d, e", "ALTER TABLE ev ADD COLUMNS (d STRING, b STRING)")
    assert rows(odps, "SELECT COUNT(d), COUNT(b), COUNT(bb) FROM ev") == [(0, 0, 2)]
    assert [r["d"] for r in odps.read_table("ev")] == [None, None]
    run(odps, "INSERT INTO ev VALUES (3, 'bb', 'c', 'd', 'b')")
    assert rows(odps, "SELECT bb, d, b FROM ev WHERE a = 3") == [("bb", "d", "b")]


def test_the_other_forms_of_alter_table(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE al (a BIGINT) LIFECYCLE 1",
        "INSERT INTO al VALUES (1)",
        "ALTER TABLE al SET LIFECYCLE 9",
        "ALTER TABLE al SET COMMENT 'it\\'s'",
        "ALTER TABLE al SET TBLPROPERTIES ('k'='v')",
        "ALTER TABLE al CHANGEOWNER TO 'ALIYUN$somebody'",
        "ALTER TABLE al TOUCH",
        "-- of the bare text PyODPS makes another task\nALTER TABLE al MERGE SMALLFILES",
        "ALTER TABLE al RENAME TO renamed",
    )
    table = odps.get_table("renamed")
    assert (table.lifecycle, table.comment, table.owner) == (9, "it's", "ALIYUN$somebody")
    assert not odps.exist_table("al") and rows(odps, "SELECT a FROM renamed") == [(1,)]
    run(odps, "CREATE TABLE al (z STRING)", "INSERT INTO al VALUES ('new')")
    assert rows(odps, "SELECT z FROM al") == [("new",)]
    run(odps, "DROP TABLE al", "TRUNCATE TABLE renamed")
    assert rows(odps, "SELECT COUNT(*) FROM renamed") == [(0,)]


def test_partitions_are_dropped_and_truncated_by_value_and_by_filter(odps: ODPS) -> None:
    run(
        odps,
        "CREATE TABLE pf (a BIGINT) PARTITIONED BY (dt STRING, hh INT)",
        "INSERT INTO pf PARTITION (dt, hh)"
        " VALUES (1, 'a', 1), (1, 'a', 2), (1, 'b', 1), (1, 'c', 3)",
        "TRUNCATE TABLE pf PARTITION (dt='b', hh=1)",
        "ALTER TABLE pf DROP PARTITION (dt='a', hh=2)",
    )
    left = "SHOW PARTITIONS pf"
    assert text(odps, left).split() == ["dt=a/hh=1", "dt=b/hh=1", "dt=c/hh=3"]
    assert rows(odps, "SELECT COUNT(*) FROM pf") == [(2,)]
    run(odps, "ALTER TABLE pf DROP PARTITION (dt >= 'b', hh < 3)")
    assert text(odps, left).split() == ["dt=a/hh=1", "dt=c/hh=3"]
    run(odps, "ALTER TABLE pf DROP PARTITION (dt = 'c')")
    run(odps, "ALTER TABLE pf DROP IF EXISTS PARTITION (dt='q')")
    assert text(odps, left).split() == ["dt=a/hh=1"]
    assert text(odps, "SHOW PARTITIONS pf PARTITION (dt='a')").split() == ["dt=a/hh=1"]


def test_schemas_by_sql(odps: ODPS) -> None:
    three = {"odps.namespace.schema": "true", "odps.sql.allow.namespace.schema": "true"}
    run(odps, f"CREATE SCHEMA IF NOT EXISTS {PROJECT}.s1", **three)
    run(odps, "CREATE SCHEMA IF NOT EXISTS s1", **three)
    assert "s1" in text(odps, "SHOW SCHEMAS").split()
    run(odps, "CREATE TABLE s1.t (a BIGINT)", "INSERT INTO s1.t SELECT 4L", **three)
    assert "t" in text(odps, f"SHOW TABLES IN {PROJECT}.s1")
    with pytest.raises(errors.ODPSError, match="not empty"):
        run(odps, "DROP SCHEMA s1", **three)
    run(odps, f"DROP TABLE {PROJECT}.s1.t", "DROP SCHEMA s1", **three)
    assert "s1" not in text(odps, "SHOW SCHEMAS").split()
