"""The tables of the corpus: one function each, written through SQL or Delta's table builder.

Values are chosen so that a wrong reading shows: the limits of every type, nulls at every depth,
days around calendar and daylight-saving changes, names and partition values that need care.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable, IdentityGenerator
from pyspark.sql import SparkSession

from values import BAD_VALUES, FAR, INSTANTS, NESTED, NESTED_ROWS, ODD_VALUES, SPECIALS, TYPES


@dataclass
class Maker:
    """What a table function works with."""

    spark: SparkSession
    lake: Path
    work: Path

    def path(self, name: str) -> str:
        return str(self.lake / name)

    def sql(self, *statements: str) -> None:
        for statement in statements:
            self.spark.sql(statement)

    def create(self, name: str, columns: str, rest: str = "") -> None:
        """A catalog entry (so that names work in SQL) over a table at its place in the lake."""
        self.sql(f"CREATE TABLE {name} ({columns}) USING delta {rest} LOCATION '{self.path(name)}'")

    def append(self, name: str, select: str, files: int = 1) -> None:
        """One commit of exactly this many files (per partition: one)."""
        frame = self.spark.sql(select)
        frame = frame.repartition(files) if files > 1 else frame.coalesce(1)
        frame.write.format("delta").mode("append").save(self.path(name))

    def append_with(self, settings: dict[str, str], name: str, select: str) -> None:
        before = {key: self.spark.conf.get(key, None) for key in settings}
        for key, value in settings.items():
            self.spark.conf.set(key, value)
        try:
            self.append(name, select)
        finally:
            for key, value in before.items():
                if value is None:
                    self.spark.conf.unset(key)
                else:
                    self.spark.conf.set(key, value)


@dataclass
class Table:
    name: str
    note: str
    make: Callable[[Maker, str], None]
    read_by_spark: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    finish: Callable[[Path], None] | None = None


def plain(m: Maker, name: str) -> None:
    m.create(
        name,
        "id BIGINT NOT NULL COMMENT 'number of the row'"
        ", name STRING COMMENT 'its \\'name\\', or none'"
        ", amount DECIMAL(10,2), born DATE",
        "COMMENT 'a plain table; two files' TBLPROPERTIES ('owner.team'='sales')",
    )
    rows = "IF(id % 7 = 0, NULL, concat('name ', id)) AS name"
    rest = (
        "CAST(id * 1.25 AS DECIMAL(10,2)) AS amount"
        ", date_add(DATE'2020-02-27', CAST(id AS INT)) AS born"
    )
    m.append(name, f"SELECT id, {rows}, {rest} FROM range(0, 60)")
    m.append(name, f"SELECT id, {rows}, {rest} FROM range(60, 100)")


def types(m: Maker, name: str) -> None:
    m.create(name, "id INT, " + ", ".join(f"{column} {kind}" for column, kind, *_ in TYPES))
    rows: list[dict[str, str]] = [
        {column: values[which] for column, _, *values in TYPES} for which in range(3)
    ]
    rows += [{}, *SPECIALS]
    selects = []
    for number, row in enumerate(rows):
        # char and varchar are enforced by the writer; a cast to them is not allowed to matter here.
        casts = [
            f"CAST({row.get(column, 'NULL')} AS {'STRING' if 'CHAR' in kind else kind}) AS {column}"
            for column, kind, *_ in TYPES
        ]
        selects.append(f"SELECT {number} AS id, {', '.join(casts)}")
    half = len(selects) // 2
    for part in (selects[:half], selects[half:]):
        union = " UNION ALL ".join(part)
        m.sql(f"INSERT INTO {name} SELECT /*+ COALESCE(1) */ * FROM ({union})")


def _instants(m: Maker, name: str, values: list[str]) -> None:
    m.create(name, "id INT, physical STRING, at TIMESTAMP, wall TIMESTAMP_NTZ")
    number = 0
    for physical in ("INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS"):
        kept = values if physical != "TIMESTAMP_MILLIS" else values[:0]
        selects = []
        for value in [*kept, None]:
            text = "NULL" if value is None else f"'{value}'"
            selects.append(
                f"SELECT {number} AS id, '{physical}' AS physical, CAST({text} AS TIMESTAMP) AS at"
                f", CAST({text} AS TIMESTAMP_NTZ) AS wall"
            )
            number += 1
        if kept:
            settings = {"spark.sql.parquet.outputTimestampType": physical}
            m.append_with(settings, name, " UNION ALL ".join(selects))


def instants(m: Maker, name: str) -> None:
    _instants(m, name, INSTANTS)


def padded(m: Maker, name: str) -> None:
    m.create(name, "id INT, code CHAR(5), label VARCHAR(10)")
    m.sql(
        f"INSERT INTO {name} SELECT /*+ COALESCE(1) */ * FROM VALUES"
        " (1, '', ''), (2, 'a', 'a'), (3, '字', '字 '), (4, 'b  ', 'b  '), (5, NULL, NULL)"
        ", (6, '12345', '1234567890') AS t(id, code, label)"
    )


def far_instants(m: Maker, name: str) -> None:
    _instants(m, name, FAR)


def deleted(m: Maker, name: str) -> None:
    m.create(
        name, "id BIGINT, label STRING", "TBLPROPERTIES ('delta.enableDeletionVectors'='true')"
    )
    rows = "SELECT id, concat('row ', id) AS label FROM range"
    m.append(name, f"{rows}(0, 500)")
    m.append(name, f"{rows}(500, 1000)")
    m.append(name, f"{rows}(1000, 1020)")
    m.sql(
        f"DELETE FROM {name} WHERE id % 10 = 3",
        f"UPDATE {name} SET label = concat(label, ' changed') WHERE id IN (0, 499, 500, 777)",
        f"DELETE FROM {name} WHERE id BETWEEN 600 AND 640",
        f"DELETE FROM {name} WHERE id >= 1000",
    )


def _mapped(m: Maker, name: str, mode: str, renamed: str) -> None:
    m.create(
        name,
        "id INT, price DECIMAL(12,3), gone STRING, at STRUCT<x: INT, y: INT>, region INT",
        f"PARTITIONED BY (region) TBLPROPERTIES ('delta.columnMapping.mode'='{mode}')",
    )
    rows = "SELECT CAST(id AS INT) AS id, CAST(id * 0.5 AS DECIMAL(12,3)) AS {price}, {middle}"
    tail = " CAST(id % 3 AS INT) AS region FROM range({first}, {last})"
    point = "named_struct('x', CAST(id AS INT), 'y', CAST(-id AS INT)) AS at"
    old = (rows + ", " + tail).format(
        price="price", middle=f"'gone' AS gone, {point}", first=0, last=12
    )
    m.sql(f"INSERT INTO {name} BY NAME {old}")
    m.sql(
        f"ALTER TABLE {name} RENAME COLUMN price TO `{renamed}`",
        f"ALTER TABLE {name} DROP COLUMN gone",
        f"ALTER TABLE {name} ADD COLUMN note STRING COMMENT 'added later' AFTER id",
        f"ALTER TABLE {name} RENAME COLUMN at.y TO height",
    )
    middle = point.replace("'y'", "'height'") + ", concat('note ', id) AS note"
    new = (rows + ", " + tail).format(price=f"`{renamed}`", middle=middle, first=12, last=20)
    m.sql(f"INSERT INTO {name} BY NAME {new}")


def renamed(m: Maker, name: str) -> None:
    _mapped(m, name, "name", "unit price")


def mapped_by_id(m: Maker, name: str) -> None:
    _mapped(m, name, "id", "unit_price")


def nested(m: Maker, name: str) -> None:
    m.create(name, NESTED)
    # INSERT ... VALUES would store a null struct as a struct of nulls; from_json keeps them apart.
    options = "map('mode', 'FAILFAST', 'timestampFormat', 'yyyy-MM-dd HH:mm:ss[.SSSSSS]')"
    rows = [json.dumps({"id": i, **row}, ensure_ascii=False) for i, row in enumerate(NESTED_ROWS)]
    selects = [f"SELECT from_json('{row}', '{NESTED}', {options}) AS row" for row in rows]
    for half in (selects[:4], selects[4:]):
        m.append(name, f"SELECT row.* FROM ({' UNION ALL '.join(half)})")


def parts(m: Maker, name: str) -> None:
    m.create(name, "id BIGINT, amount INT, dt DATE, country STRING", "PARTITIONED BY (dt, country)")
    select = (
        "SELECT id, CAST(id * 3 AS INT) AS amount"
        ", date_add(DATE'2024-02-28', CAST(id % 3 AS INT)) AS dt"
        ", IF(id % 2 = 0, 'cn', 'de') AS country FROM range"
    )
    m.append(name, f"{select}(0, 300)")
    m.append(name, f"{select}(300, 600)")


def _string_parts(m: Maker, name: str, values: list[str | None]) -> None:
    m.create(name, "id INT, p STRING, q INT", "PARTITIONED BY (p, q)")
    rows = []
    for number, value in enumerate(values):
        text = (
            "NULL" if value is None else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        )
        for row in range(number + 1):
            rows.append(f"({number * 100 + row}, {text}, {number % 3 - 1})")
    m.append(name, f"SELECT * FROM VALUES {', '.join(rows)} AS t(id, p, q)")


def odd_parts(m: Maker, name: str) -> None:
    _string_parts(m, name, ODD_VALUES)


def bad_parts(m: Maker, name: str) -> None:
    _string_parts(m, name, BAD_VALUES)


def typed_parts(m: Maker, name: str) -> None:
    m.create(
        name,
        "id INT, p_int INT, p_date DATE, p_bool BOOLEAN, p_decimal DECIMAL(9,2), p_at TIMESTAMP",
        "PARTITIONED BY (p_int, p_date, p_bool, p_decimal, p_at)",
    )
    m.append(
        name,
        "SELECT * FROM VALUES"
        " (1, 7, DATE'2024-02-29', true, 1.50BD, TIMESTAMP'2024-03-10 07:00:00')"
        ", (2, 7, DATE'2024-02-29', true, 1.50BD, TIMESTAMP'2024-03-10 07:00:00')"
        ", (3, -2147483648, DATE'0001-01-01', false, -9999999.99BD"
        ", TIMESTAMP'1969-12-31 23:59:59.999999')"
        ", (4, 2147483647, DATE'9999-12-31', true, 0.00BD, TIMESTAMP'2038-01-19 03:14:08.5')"
        ", (5, NULL, NULL, NULL, NULL, NULL)"
        " AS t(id, p_int, p_date, p_bool, p_decimal, p_at)",
    )


def checkpointed(m: Maker, name: str) -> None:
    m.create(name, "id BIGINT, batch INT", "TBLPROPERTIES ('delta.checkpointInterval'='5')")
    for batch in range(8):
        m.append(name, f"SELECT id, {batch} AS batch FROM range({batch * 10}, {batch * 10 + 10})")
    m.sql(
        f"DELETE FROM {name} WHERE batch IN (1, 4)", f"UPDATE {name} SET batch = 60 WHERE id = 61"
    )
    m.append(name, "SELECT id, 8 AS batch FROM range(80, 90)")
    m.append(name, "SELECT id, 9 AS batch FROM range(90, 100)")


def _clean_log(path: Path) -> None:
    """Removes the commits before the last checkpoint, as Delta's own log clean-up does with age."""
    log = path / "_delta_log"
    last = json.loads((log / "_last_checkpoint").read_text("utf-8"))["version"]
    for file in log.iterdir():
        head = file.name.lstrip(".").split(".")[0]
        if head.isdigit() and int(head) < last:
            file.unlink()


def v2_checkpoint(m: Maker, name: str) -> None:
    m.create(
        name,
        "id BIGINT, k INT",
        "PARTITIONED BY (k) TBLPROPERTIES ('delta.checkpointPolicy'='v2'"
        ", 'delta.checkpointInterval'='3')",
    )
    for batch in range(7):
        first = batch * 10
        m.append(name, f"SELECT id, CAST(id % 2 AS INT) AS k FROM range({first}, {first + 10})")
    m.sql(f"DELETE FROM {name} WHERE id < 10")


def clustered(m: Maker, name: str) -> None:
    m.create(name, "id BIGINT, k STRING", "CLUSTER BY (k)")
    m.append(name, "SELECT id, concat('k', id % 4) AS k FROM range(40)", files=2)


def generated(m: Maker, name: str) -> None:
    (
        DeltaTable.create(m.spark)
        .location(m.path(name))
        .tableName(name)
        .addColumn("id", "BIGINT")
        .addColumn("at", "TIMESTAMP")
        .addColumn("day", "DATE", generatedAlwaysAs="CAST(at AS DATE)")
        .partitionedBy("day")
        .execute()
    )
    m.append(
        name, "SELECT id, TIMESTAMP'2024-01-01' + make_dt_interval(0, id * 9) AS at FROM range(8)"
    )


def identity(m: Maker, name: str) -> None:
    (
        DeltaTable.create(m.spark)
        .location(m.path(name))
        .tableName(name)
        .addColumn("id", "BIGINT", generatedAlwaysAs=IdentityGenerator(start=10, step=5))
        .addColumn("label", "STRING")
        .execute()
    )
    m.append(name, "SELECT concat('label ', id) AS label FROM range(6)")


def empty(m: Maker, name: str) -> None:
    m.create(name, "id BIGINT, name STRING, price DECIMAL(10,2)")


def widened(m: Maker, name: str) -> None:
    m.create(
        name,
        "id INT, small TINYINT, ratio FLOAT, day DATE, items ARRAY<SMALLINT>",
        "TBLPROPERTIES ('delta.enableTypeWidening'='true')",
    )
    m.append(
        name,
        "SELECT CAST(id AS INT) AS id, CAST(id - 3 AS TINYINT) AS small"
        ", CAST(id * 0.25 AS FLOAT) AS ratio"
        ", date_add(DATE'1969-12-30', CAST(id AS INT)) AS day"
        ", array(CAST(id AS SMALLINT), NULL) AS items"
        " FROM range(6)",
    )
    m.sql(
        f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.feature.timestampNtz'='supported')",
        f"ALTER TABLE {name} CHANGE COLUMN id TYPE BIGINT",
        f"ALTER TABLE {name} CHANGE COLUMN small TYPE INT",
        f"ALTER TABLE {name} CHANGE COLUMN ratio TYPE DOUBLE",
        f"ALTER TABLE {name} CHANGE COLUMN day TYPE TIMESTAMP_NTZ",
        f"ALTER TABLE {name} CHANGE COLUMN items.element TYPE INT",
    )
    m.append(
        name,
        "SELECT id + 9223372036854775800 AS id, CAST(id + 100000 AS INT) AS small"
        ", id * 0.1D AS ratio, TIMESTAMP_NTZ'2024-03-10 02:30:00.000001' AS day"
        ", array(CAST(id * 100000 AS INT)) AS items"
        " FROM range(6)",
    )


def tracked(m: Maker, name: str) -> None:
    m.create(
        name,
        "id BIGINT, v INT",
        "TBLPROPERTIES ('delta.enableRowTracking'='true', 'delta.enableInCommitTimestamps'='true'"
        ", 'delta.enableChangeDataFeed'='true')",
    )
    m.sql(f"ALTER TABLE {name} ADD CONSTRAINT positive CHECK (v >= 0)")
    m.append(name, "SELECT id, CAST(id AS INT) AS v FROM range(30)", files=2)
    m.sql(f"UPDATE {name} SET v = v + 100 WHERE id % 10 = 0")


def unknown_feature(m: Maker, name: str) -> None:
    shutil.copytree(m.path("plain"), m.path(name))
    commit = m.lake / name / "_delta_log" / f"{0:020d}.json"
    lines = []
    for line in commit.read_text("utf-8").splitlines():
        action = json.loads(line)
        if "protocol" in action:
            features = ["fromTheFuture"]
            action["protocol"] = {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": [*features, "appendOnly", "invariants"],
            }
        lines.append(json.dumps(action, ensure_ascii=False, separators=(",", ":")))
    commit.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    for stale in (m.lake / name / "_delta_log").glob("*.crc"):
        stale.unlink()  # version checksums repeat the protocol


def tpch_tiny(m: Maker, name: str) -> None:
    folder = m.work / "tpch"
    tool = Path(sys.executable).parent / "tpchgen-cli"
    subprocess.run([tool, "parquet", "-s", "0.001", "-T", "lineitem", "-o", folder], check=True)
    m.spark.read.parquet(str(folder / "lineitem.parquet")).createOrReplaceTempView("tpch_lineitem")
    frame = m.spark.sql(
        "SELECT *, date_format(l_shipdate, 'yyyy-MM') AS l_shipmonth FROM tpch_lineitem"
        " WHERE l_shipdate >= DATE'1995-01-01' AND l_shipdate < DATE'1996-01-01'"
    )
    writer = frame.coalesce(1).write.format("delta").partitionBy("l_shipmonth")
    writer.option("compression", "zstd").save(m.path(name))


def all_tables() -> list[Table]:
    future = {"refused_by": "reader feature fromTheFuture"}
    refused = {"values_refused_by_maxcompute": BAD_VALUES[:-1]}
    return [
        Table("plain", "comments, a NOT NULL column, two files", plain),
        Table("types", "every primitive at its limits; one row of nulls", types),
        Table(
            "instants",
            "timestamps within 1677..2262, one INT96 file and one of microseconds",
            instants,
        ),
        Table(
            "far_instants",
            "timestamps at the years 1, 1582 and 9999, physically as instants",
            far_instants,
        ),
        Table("padded", "char(5) stored short: Spark pads it with blanks when reading", padded),
        Table(
            "deleted",
            "deletion vectors: DELETE and UPDATE of scattered rows, one file emptied",
            deleted,
        ),
        Table("renamed", "column mapping by name: rename, drop, add; a blank in a name", renamed),
        Table("mapped_by_id", "column mapping by id: rename, drop, add", mapped_by_id),
        Table("nested", "array, map, struct three deep; null, empty and null inside", nested),
        Table("parts", "6 partitions by date and country, two files each", parts),
        Table("odd_parts", "partition values that need care and that MaxCompute takes", odd_parts),
        Table("bad_parts", "partition values that MaxCompute refuses", bad_parts, facts=refused),
        Table(
            "typed_parts",
            "partition columns of int, date, boolean, decimal, timestamp",
            typed_parts,
        ),
        Table(
            "checkpointed",
            "classic checkpoints; commits before the last one are gone",
            checkpointed,
            finish=_clean_log,
        ),
        Table(
            "v2_checkpoint",
            "checkpoints of format v2 with sidecars",
            v2_checkpoint,
            finish=_clean_log,
        ),
        Table("clustered", "CLUSTER BY: no partition columns", clustered),
        Table("generated", "partitioned by a generated column", generated),
        Table("identity", "an identity column from 10 by 5", identity),
        Table("empty", "no rows, no files", empty),
        Table("widened", "type widening, old files keep the narrow types", widened),
        Table("tracked", "row tracking, in-commit timestamps, change data feed, a CHECK", tracked),
        Table(
            "unknown_feature",
            "a copy of plain that asks for a reader feature nobody knows",
            unknown_feature,
            False,
            future,
        ),
        Table("tpch_tiny", "TPC-H lineitem shipped in 1995, partitioned by month, zstd", tpch_tiny),
    ]


# What a catalog knows and no Delta log says. `schema` defaults to corpus.
CATALOG = {
    "views": [
        {
            "name": "v1",
            "comment": "names of plain",
            "view_definition": "SELECT id, name FROM main.corpus.plain WHERE name IS NOT NULL",
            "columns": [
                {"name": "id", "type": "long", "nullable": False, "metadata": {}},
                {"name": "name", "type": "string", "nullable": True, "metadata": {}},
            ],
        }
    ],
    "aliases": [
        {
            "schema": "guarded",
            "name": "masked",
            "like": "plain",
            "mask": {"column": "name", "function_name": "main.guarded.hide"},
        },
        {
            "schema": "guarded",
            "name": "filtered",
            "like": "plain",
            "row_filter": {"function_name": "main.guarded.own", "input_column_names": ["id"]},
        },
    ],
}
