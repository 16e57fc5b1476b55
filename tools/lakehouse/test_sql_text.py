"""How the front reads SQL and types: no server is needed for these."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

import hive_client
import spark_types
from spark_types import Native
from sql_text import Statement, tokens_of

ALL = Native(timestamps=True, decimals=True, nested=True)


def put(text: str) -> str:
    return Statement(text, "main").text


@pytest.mark.parametrize(
    "given, wanted",
    [
        ("SELECT * FROM main.sales.orders", "SELECT * FROM sales.orders"),
        ("SELECT * FROM `main` . sales.`o``x` t;  ", "SELECT * FROM sales.`o``x` t"),
        ("SELECT MAIN.sales.orders.id FROM a", "SELECT sales.orders.id FROM a"),
        ("SELECT 'main.a.b', \"main.a.b\"", "SELECT 'main.a.b', \"main.a.b\""),
        (r"SELECT 'it\'s main.a.b', r'\main.a.b'", r"SELECT 'it\'s main.a.b', r'\main.a.b'"),
        ("SELECT 1 -- main.a.b\n, 2", "SELECT 1 -- main.a.b\n, 2"),
        ("SELECT /* /* main.a.b */ */ main.a.b", "SELECT /* /* main.a.b */ */ a.b"),
        ("SELECT main.id FROM t AS main", "SELECT main.id FROM t AS main"),
        ("SELECT x.main.a.b FROM x", "SELECT x.main.a.b FROM x"),
        ("SELECT `main.a.b` FROM x", "SELECT `main.a.b` FROM x"),
        ("USE main.sales", "USE sales"),
        ("USE SCHEMA main.sales", "USE SCHEMA sales"),
        ("USE CATALOG `main`", "SET CATALOG spark_catalog"),
        ("SHOW TABLES IN main.sales LIKE 'x'", "SHOW TABLES IN sales LIKE 'x'"),
        ("SHOW SCHEMAS IN main", "SHOW SCHEMAS"),
        ("DESCRIBE SCHEMA main.sales", "DESCRIBE SCHEMA sales"),
        ("DESCRIBE DETAIL main.sales.orders", "DESCRIBE DETAIL sales.orders"),
        ("SELECT * FROM main.a.b VERSION AS OF 3", "SELECT * FROM a.b VERSION AS OF 3"),
    ],
)
def test_the_catalog_is_dropped_from_names_alone(given: str, wanted: str) -> None:
    assert put(given) == wanted
    assert "".join(token.text for token in tokens_of(given)) == given


def test_show_partitions_becomes_a_query() -> None:
    def shown(text: str) -> str:
        statement = Statement(text, "main")
        statement.show_partitions(lambda parts: ["d t", "c"] if parts == ("a", "b") else [])
        return statement.text

    wanted = "SELECT DISTINCT `d t`, `c` FROM `a`.`b`"
    assert shown("show partitions main.a.b") == f"{wanted} ORDER BY `d t`, `c`"
    filtered = shown("SHOW PARTITIONS main.a.b PARTITION (c = 'x', `d t` = 1)")
    assert filtered == f"{wanted} WHERE c = 'x' AND `d t` = 1 ORDER BY `d t`, `c`"
    assert shown("SHOW PARTITIONS main.a.flat") == "SHOW PARTITIONS a.flat"


def test_what_a_statement_is() -> None:
    assert Statement("(SELECT 1)", "main").reads_rows
    assert Statement("/* x */ with a as (select 1) select * from a", "main").reads_rows
    assert not Statement("SHOW TABLES", "main").reads_rows
    for text in ("DELETE FROM a.b", "INSERT INTO a.b SELECT 1", "DROP TABLE a", "", "`select` 1"):
        assert not Statement(text, "main").changes_nothing
    joined = Statement("SELECT a.x FROM main.s.t a JOIN u ON true", "main")
    assert {("s", "t"), ("u",)} <= set(joined.table_names())


def test_parameters_are_put_where_they_belong() -> None:
    statement = Statement("SELECT ?, ':n', :n, a:b, ? FROM t -- ?", "main")
    statement.bind([(None, "1"), ("n", "'x'"), (None, "2")])
    assert statement.text == "SELECT 1, ':n', 'x', a:b, 2 FROM t"


@pytest.mark.parametrize(
    "text, arrow",
    [
        ("bigint", "int64"),
        ("decimal(38,18)", "decimal128(38, 18)"),
        ("timestamp", "timestamp[us, tz=UTC]"),
        ("timestamp_ntz", "timestamp[us]"),
        ("varchar(10)", "string"),
        ("interval day to second", "string"),
        ("array<array<decimal(4,2)>>", "list<item: list<item: decimal128(4, 2)>>"),
        ("map<string,struct<a b:int,c:array<date>>>", None),
    ],
)
def test_types_are_read_from_their_spelling(text: str, arrow: str | None) -> None:
    kind = spark_types.parse(text)
    found = spark_types.arrow_type(kind, ALL, "UTC")
    if arrow:
        assert str(found) == arrow
    else:
        fields = [pa.field("a b", pa.int32()), pa.field("c", pa.list_(pa.date32()))]
        assert found == pa.map_(pa.string(), pa.struct(fields))
    plain = spark_types.arrow_type(kind, Native(), "UTC")
    assert plain == pa.string() or text == "bigint"


def test_nested_values_keep_every_digit() -> None:
    kind = spark_types.parse("array<struct<p:decimal(38,18),d:double,t:timestamp,b:binary>>")
    row = '[{"p":1.5,"d":"NaN","t":"0001-01-01 00:00:00.000001","b":"AP8="},null]'
    found = spark_types.arrow_values(pa.array([row, None]), kind, ALL, "UTC")
    value = found[0][0]
    assert value["p"].as_py() == Decimal("1.500000000000000000")
    assert str(value["d"]) == "nan" and value["b"].as_py() == b"\x00\xff"
    assert value["t"].value == -62_135_596_800_000_000 + 1
    assert found[0].as_py()[1] is None and not found[1].is_valid


def test_columns_survive_the_way_to_thrift_and_back() -> None:
    columns = [
        pa.array([True, None, False, True]),
        pa.array([-128, 127, None, 0], pa.int8()),
        pa.array([None, -32768, 32767, 0], pa.int16()),
        pa.array([1, None, -(2**31), None], pa.int32()),
        pa.array([2**63 - 1, -(2**63), None, 7], pa.int64()),
        pa.array([0.1, float("-inf"), None, -0.0], pa.float64()),
        pa.array(["", None, "中文", "x" * 1000]),
        pa.array([b"\0", b"", None, b"\xff"], pa.binary()),
    ]
    for rows in (columns, [c[1:3] for c in columns], [c[:0] for c in columns]):
        reader = hive_client.Reader(hive_client.thrift_columns(rows))
        found = [hive_client.arrow_column(column) for column in reader.value(15)]
        for column, wanted in zip(found, rows):
            column.validate(full=True)
            assert column.equals(wanted) and column.type == wanted.type
