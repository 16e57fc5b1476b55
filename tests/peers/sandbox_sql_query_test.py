"""Queries of `mms sandbox`, by PyODPS: functions, clauses, results, and each error by its code."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import zlib

import pyarrow as pa
import pytest
from odps import ODPS, errors, options
from odps.tunnel import TableTunnel
from sandbox_fixtures import odps, sandbox  # noqa: F401
from sandbox_sql import rows, run, text

options.sql.settings = {"odps.sql.type.system.odps2": True}


EXPRESSIONS = [
    # Checksums
    ("CRC32('ABC')", 2743272264),
    ("CRC32(CAST(NULL AS STRING))", None),
    ("CRC32('')", 0),
    ("MD5('Spark')", "8cde774d6f7333752ed72cacddb05126"),
    ("SUBSTR(SHA2('ABC', 256), 1, 8)", "b5d4045c"),
    ("SHA1('ABC')", "3c01bdbb26f358bab27f267924aa2c9a03fcfdb8"),
    ("CONV(SUBSTR(MD5('Spark'), 1, 15), 16, 10)", str(int("8cde774d6f73337", 16))),
    ("HEX(UNHEX('0AFF'))", "0AFF"),
    ("CONCAT_WS(',', 'a', NULL, 'b')", "a,b"),
    ("COALESCE(NULL, CHR(2), 'x')", "\x02"),
    ("LENGTH('中é')", 2),
    ("LENGTHB('中é')", 5),
    # Numbers: what literals are, and what arithmetic makes
    ("1", 1),
    ("1L + 1", 2),
    ("1.5", 1.5),
    ("1.5BD", decimal.Decimal("1.5")),
    ("7 / 2", 3.5),
    ("7 / 0", None),
    ("7 DIV 2", 3),
    ("-7 % 3", -1),
    ("PMOD(-7, 3)", 2),
    ("ROUND(2.5)", 3.0),
    ("FLOOR(-1.5)", -2),
    ("CEIL(1.2)", 2),
    ("ABS(-3)", 3),
    ("5 & 3", 1),
    ("5 ^ 3", 6),
    ("GREATEST(1, 3, 2)", 3),
    ("LEAST(1, NULL)", None),
    # Casts
    ("CAST(1.6 AS BIGINT)", 1),
    ("CAST(-1.6 AS INT)", -1),
    ("CAST('1.6' AS BIGINT)", 1),
    ("CAST(1.6BD AS BIGINT)", 1),
    ("CAST(9007199254740993 AS BIGINT)", 9007199254740993),
    ("CAST('12' AS TINYINT)", 12),
    ("CAST(12 AS STRING)", "12"),
    ("CAST(true AS STRING)", "true"),
    ("CAST('abcdef' AS VARCHAR(3))", "abc"),
    ("CAST(DATETIME '2026-01-02 03:04:05.678' AS STRING)", "2026-01-02 03:04:05"),
    ("CAST(TIMESTAMP '2026-01-02 03:04:05.678' AS STRING)", "2026-01-02 03:04:05.678"),
    ("CAST(DATE '2026-01-02' AS STRING)", "2026-01-02"),
    ("CAST(UNHEX('4142') AS STRING)", "AB"),
    ("CAST('2026-01-02' AS DATE)", datetime.date(2026, 1, 2)),
    # Text
    ("CONCAT('a', 1)", "a1"),
    ("CONCAT('a', NULL)", None),
    ("SUBSTR('abcdef', -2)", "ef"),
    ("SUBSTR('abcdef', 0, 2)", "ab"),
    ("INSTR('hello', 'l')", 3),
    ("UPPER('é')", "É"),
    ("TRIM('  a ')", "a"),
    ("REPLACE('aba', 'a', 'x')", "xbx"),
    ("SPLIT_PART('a,b,c', ',', 2)", "b"),
    ("SPLIT('a1b2c', '[0-9]')", ["a", "b", "c"]),
    ("REGEXP_EXTRACT('k=v', '(.)=(.)')", "k"),
    ("REGEXP_EXTRACT('k=v', '(.)=(.)', 2)", "v"),
    ("REGEXP_REPLACE('aXbX', 'X', '-')", "a-b-"),
    ("'abc' RLIKE '^a'", True),
    ("'a_c' LIKE 'a\\\\_c'", True),
    ("GET_JSON_OBJECT('{\"a\":{\"b\":[1,2]}}', '$.a.b[1]')", "2"),
    ("LPAD('7', 3, '0')", "007"),
    # Conditions
    ("IF(1 > 2, 'a', 'b')", "b"),
    ("NVL(NULL, 3)", 3),
    ("DECODE(2, 1, 'one', 2, 'two', 'many')", "two"),
    ("CASE WHEN NULL THEN 1 ELSE 2 END", 2),
    ("NULL <=> NULL", True),
    ("2 BETWEEN 1 AND 3", True),
    ("1 IN (2, NULL)", None),
    # Dates
    ("DATEADD(DATE '2026-01-31', 1, 'mm')", datetime.date(2026, 2, 28)),
    ("CAST(DATEADD(DATETIME '2026-01-31 00:00:00', 2, 'hh') AS STRING)", "2026-01-31 02:00:00"),
    ("DATEDIFF(DATE '2026-02-01', DATE '2026-01-31', 'mm')", 1),
    ("DATEDIFF(DATETIME '2026-02-01 00:00:00', DATETIME '2026-01-30 23:00:00', 'dd')", 2),
    ("DATEPART(DATETIME '2026-02-01 05:06:07', 'mi')", 6),
    ("YEAR(DATE '2026-02-01')", 2026),
    ("WEEKDAY(DATE '2026-11-23')", 0),
    ("DATE_ADD(DATE '2026-02-27', 2)", datetime.date(2026, 3, 1)),
    ("TO_CHAR(DATETIME '2026-02-01 05:06:07', 'yyyymmdd hh:mi:ss')", "20260201 05:06:07"),
    ("DATE_FORMAT(DATETIME '2026-02-01 05:06:07', 'yyyy-MM-dd HH:mm')", "2026-02-01 05:06"),
    ("CAST(TO_DATE('20260201', 'yyyymmdd') AS STRING)", "2026-02-01 00:00:00"),
    ("UNIX_TIMESTAMP(DATETIME '1970-01-02 00:00:00')", 86400),
    ("CAST(FROM_UNIXTIME(86400) AS STRING)", "1970-01-02 00:00:00"),
    # Nested values
    ("ARRAY(1, 2, 3)[0]", 1),
    ("MAP('a', 1, 'b', 2)['b']", 2),
    ("NAMED_STRUCT('x', 1, 'y', 'z').y", "z"),
    ("SIZE(ARRAY(1, 2))", 2),
    ("SIZE(MAP('a', 1))", 1),
    ("SORT_ARRAY(ARRAY(3, 1, 2))", [1, 2, 3]),
    ("ARRAY_CONTAINS(ARRAY(1, 2), 2)", True),
]


def test_functions_and_operators_give_maxcomputes_values(odps: ODPS) -> None:
    items = ", ".join(f"{expression} AS c{i}" for i, (expression, _) in enumerate(EXPRESSIONS))
    got = rows(odps, f"SELECT {items}")[0]
    wrong = [
        (expression, value, wanted)
        for (expression, wanted), value in zip(EXPRESSIONS, got)
        if value != wanted or type(value) is not type(wanted)
    ]
    assert not wrong


def make_sales(client: ODPS) -> None:
    run(
        client,
        "CREATE TABLE sales (id BIGINT, shop STRING, price DOUBLE, tags ARRAY<STRING>,"
        " attrs MAP<INT,STRING>) PARTITIONED BY (dt STRING)",
        "INSERT INTO sales PARTITION (dt) VALUES"
        " (1, 'a', 1.0, ARRAY('x', 'y'), MAP(1, 'one'), 'd1'),"
        " (2, 'a', 2.0, ARRAY('y'), MAP(2, 'two'), 'd1'),"
        " (3, 'b', 4.0, NULL, NULL, 'd2'),"
        " (4, NULL, 8.0, NULL, NULL, 'd2')",
        "CREATE TABLE shops (shop STRING, city STRING)",
        "INSERT INTO shops VALUES ('a', 'Hangzhou'), ('c', 'Berlin')",
    )


QUERIES = [
    (
        "SELECT s.id, h.city FROM sales s JOIN shops h ON s.shop = h.shop WHERE s.dt = 'd1'"
        " ORDER BY s.id",
        [(1, "Hangzhou"), (2, "Hangzhou")],
    ),
    (
        "SELECT s.id, h.city FROM sales s LEFT OUTER JOIN shops h ON s.shop = h.shop"
        " WHERE s.dt = 'd2' ORDER BY s.id",
        [(3, None), (4, None)],
    ),
    ("SELECT COUNT(*) FROM sales s FULL JOIN shops h ON s.shop = h.shop", [(5,)]),
    ("SELECT id FROM sales s LEFT SEMI JOIN shops h ON s.shop = h.shop ORDER BY id", [(1,), (2,)]),
    ("SELECT id FROM sales s LEFT ANTI JOIN shops h ON s.shop = h.shop ORDER BY id", [(3,), (4,)]),
    ("SELECT COUNT(*) FROM sales, shops", [(8,)]),
    (
        "WITH big AS (SELECT * FROM sales WHERE price > 1), n AS (SELECT COUNT(*) AS c FROM big)"
        " SELECT c FROM n",
        [(3,)],
    ),
    ("SELECT id FROM sales WHERE shop IN (SELECT shop FROM shops) ORDER BY id", [(1,), (2,)]),
    (
        "SELECT id FROM sales s WHERE NOT EXISTS (SELECT 1 FROM shops h WHERE h.shop = s.shop)"
        " ORDER BY id",
        [(3,), (4,)],
    ),
    ("SELECT id FROM sales WHERE price = (SELECT MAX(price) FROM sales)", [(4,)]),
    (
        "SELECT 1 AS x UNION ALL SELECT 1"
        " UNION ALL (SELECT id FROM sales ORDER BY id DESC LIMIT 1)",
        [(1,), (1,), (4,)],
    ),
    ("SELECT DISTINCT dt FROM sales ORDER BY dt", [("d1",), ("d2",)]),
    ("SELECT shop FROM sales EXCEPT SELECT shop FROM shops ORDER BY shop", [(None,), ("b",)]),
    (
        "SELECT dt, SUM(price) FROM sales GROUP BY dt HAVING SUM(price) > 3 ORDER BY dt",
        [("d2", 12.0)],
    ),
    ("SELECT id FROM sales ORDER BY shop, id LIMIT 2", [(4,), (1,)]),
    ("SELECT id FROM sales ORDER BY id LIMIT 1, 2", [(2,), (3,)]),
    (
        "SELECT id, ROW_NUMBER() OVER (PARTITION BY dt ORDER BY price DESC) AS r,"
        " SUM(price) OVER (PARTITION BY dt ORDER BY id) AS s, LAG(id, 1, 0) OVER (ORDER BY id) AS l"
        " FROM sales ORDER BY id",
        [(1, 2, 1.0, 0), (2, 1, 3.0, 1), (3, 2, 4.0, 2), (4, 1, 12.0, 3)],
    ),
    (
        "SELECT id, t FROM sales LATERAL VIEW EXPLODE(tags) v AS t ORDER BY id, t",
        [(1, "x"), (1, "y"), (2, "y")],
    ),
    (
        "SELECT id, p, t FROM sales LATERAL VIEW OUTER POSEXPLODE(tags) v AS p, t WHERE dt = 'd2'"
        " ORDER BY id",
        [(3, None, None), (4, None, None)],
    ),
    (
        "SELECT k, v FROM sales LATERAL VIEW EXPLODE(attrs) e AS k, v ORDER BY k",
        [(1, "one"), (2, "two")],
    ),
    ("SELECT tags[0], attrs[2], SIZE(attrs) FROM sales WHERE id = 2", [("y", "two", 1)]),
    ("SELECT COLLECT_LIST(id) FROM (SELECT id FROM sales ORDER BY id) q", [([1, 2, 3, 4],)]),
    ("SELECT COUNT(DISTINCT shop), COUNT(shop), COUNT(*) FROM sales", [(2, 3, 4)]),
    ("SELECT * FROM (VALUES (1, 'a'), (2, 'b')) t(n, s) ORDER BY n", [(1, "a"), (2, "b")]),
    ("select /*+ mapjoin(h) */ count(*) from sales s join shops h on s.shop = h.shop", [(2,)]),
]


def test_queries_of_every_form(odps: ODPS) -> None:
    make_sales(odps)
    for sql, wanted in QUERIES:
        assert rows(odps, sql) == wanted, sql


def test_a_row_checksum_is_the_sum_of_its_rows(odps: ODPS) -> None:
    make_sales(odps)
    item = "CONCAT_WS(CHR(1), COALESCE(CAST(id AS STRING), CHR(2)), COALESCE(shop, CHR(2)))"
    sql = (
        f"SELECT COUNT(*), SUM(CAST(CRC32({item}) AS DECIMAL(38,0))),"
        f" SUM(CAST(CONV(SUBSTR(MD5({item}), 1, 15), 16, 10) AS DECIMAL(38,0))) FROM sales"
    )
    texts = [f"{i}\x01{s}".encode() for i, s in ((1, "a"), (2, "a"), (3, "b"), (4, "\x02"))]
    crc = sum(zlib.crc32(t) for t in texts)
    md5 = sum(int(hashlib.md5(t).hexdigest()[:15], 16) for t in texts)
    assert rows(odps, sql) == [(4, crc, md5)]


def test_the_csv_answer_has_maxcomputes_text_forms(odps: ODPS) -> None:
    sql = (
        "SELECT DATETIME '2026-01-02 03:04:05.678' AS dt,"
        " TIMESTAMP '2026-01-02 03:04:05.678' AS ts, TIMESTAMP_NTZ '2026-01-02 03:04:05' AS tn,"
        " DATE '2026-01-02' AS da, true AS b, 0.1 AS f,"
        " 'say \"x\", y' AS s, NULL AS n, ARRAY('a', NULL) AS l, 1, 2L + 1"
    )
    with odps.execute_sql(sql).open_reader(tunnel=False) as reader:
        raw = reader.raw
    head, row = raw.strip().split("\n")
    assert head == '"dt","ts","tn","da","b","f","s","n","l","_c9","_c10"'
    assert row == (
        "2026-01-02 03:04:05,2026-01-02 03:04:05.678,2026-01-02 03:04:05,2026-01-02,true,0.1,"
        '"say ""x"", y",\\N,"[""a"",null]",1,3'
    )


def test_results_keep_their_types_through_the_instance_tunnel(odps: ODPS) -> None:
    sql = (
        "SELECT DATETIME '2026-01-02 03:04:05' AS dt, TIMESTAMP '2026-01-02 03:04:05' AS ts,"
        " TIMESTAMP_NTZ '2026-01-02 03:04:05' AS tn, 1 AS i, 1L AS b, 1.5 AS d, 1.5BD AS e,"
        " SUM(1) AS s, ARRAY(1L) AS l"
    )
    with odps.execute_sql(sql).open_reader(tunnel=True) as reader:
        types = {c.name: str(c.type).lower() for c in reader.schema.columns}
    assert types == {
        "dt": "datetime",
        "ts": "timestamp",
        "tn": "timestamp_ntz",
        "i": "int",
        "b": "bigint",
        "d": "double",
        "e": "decimal(2,1)",
        "s": "bigint",
        "l": "array<bigint>",
    }


QUERY_ERRORS = [
    ("SELECT nothing FROM shops", "ODPS-0130071"),
    ("SELECT frobnicate(1)", "ODPS-0130071"),
    ("SELECT read_text('/etc/passwd')", "ODPS-0130071"),
    ("SELECT * FROM read_parquet('x')", "ODPS-0130161"),
    ("SELECT ROW_NUMBER() FROM shops", "ODPS-0130071"),
    ("SELECT LENGTH(DISTINCT shop) FROM shops", "ODPS-0130071"),
    ("SELECT SUBSTR('a')", "ODPS-0130071"),
    ("SELECT CAST('x' AS BIGINT)", "ODPS-0123091"),
    ("SELECT CAST(300 AS TINYINT)", "ODPS-0123091"),
    ("SELECT 9223372036854775807 + 1L", "ODPS-0121095"),
    ("SELECT 1 UNION SELECT", "ODPS-0130161"),
    ("SELECT shop FROM shops WHERE shop LIKE", "ODPS-0130161"),
    ("SELECT shop, COUNT(*) FROM shops", "ODPS-0130071"),
    ("SELECT 'open", "ODPS-0130161"),
    ("EXPLAIN SELECT nothing FROM shops", "ODPS-0130071"),
]


def test_queries_that_are_wrong_fail_by_code(odps: ODPS) -> None:
    make_sales(odps)
    for sql, code in QUERY_ERRORS:
        with pytest.raises(errors.ODPSError) as refused:
            odps.execute_sql(sql)
        assert code in str(refused.value), (sql, refused.value)
        assert "LINE 1" not in str(refused.value) and "mms_" not in str(refused.value), sql
    with pytest.raises(errors.ODPSError, match="runs in UTC"):
        run(odps, "SELECT 1", **{"odps.sql.timezone": "Asia/Shanghai"})


def test_an_instant_finer_than_a_microsecond_is_refused_not_cut(odps: ODPS) -> None:
    run(odps, "CREATE TABLE fine (a BIGINT, ts TIMESTAMP)")
    for nanos in (1_700_000_000_123_456_000, 1_700_000_000_123_456_789):
        batch = pa.record_batch(
            [pa.array([1]), pa.array([nanos], pa.timestamp("ns"))], names=["a", "ts"]
        )
        upload = TableTunnel(odps).create_upload_session("fine")
        with upload.open_arrow_writer(0) as writer:
            writer.write(batch)
        upload.commit([0])
        if nanos % 1000 == 0:
            assert rows(odps, "SELECT CAST(ts AS STRING) FROM fine") == [
                ("2023-11-14 22:13:20.123456",)
            ]
    assert rows(odps, "SELECT COUNT(a) FROM fine") == [(2,)]
    for sql in ("SELECT * FROM fine", "SELECT MAX(ts) FROM fine"):
        with pytest.raises(errors.ODPSError, match="finer than a microsecond"):
            odps.execute_sql(sql)


def test_text_answers_of_show_and_desc(odps: ODPS) -> None:
    run(odps, "CREATE TABLE s1 (a BIGINT COMMENT 'it') PARTITIONED BY (pt STRING) LIFECYCLE 3")
    run(odps, "CREATE TABLE s2 (a BIGINT)", "INSERT INTO s1 PARTITION (pt='1') VALUES (1), (2)")
    listed = text(odps, "SHOW TABLES LIKE 's*'").split()
    assert [line.split(":")[1] for line in listed] == ["s1", "s2"]
    assert text(odps, "SHOW PARTITIONS s1").split() == ["pt=1"]
    described = text(odps, "DESC EXTENDED s1")
    assert "bigint" in described and "RecordCount: 2" in described and "it" in described
    assert "PartitionRecordCount: 2" in text(odps, "DESC s1 PARTITION (pt='1')")
    with pytest.raises(errors.ODPSError, match="not partitioned"):
        text(odps, "SHOW PARTITIONS s2")
