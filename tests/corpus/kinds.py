"""Tables of other kinds: files without a Delta log, files of the old calendar, a shallow clone; and
what is no table of its own to a catalog (a streaming table, a foreign table, a view).

The same rows in each format, partitioned and not, so that a reader is judged by the format alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tables import Maker, Table

# Each row tells its number in every column; every fifth label and every seventh day is null.
_ROWS = (
    "SELECT id, CAST(id % 100 - 50 AS TINYINT) AS tiny, CAST(id * 100 - 3000 AS SMALLINT) AS small"
    ", CAST(id * 1000003 AS INT) AS whole, id * 0.1D AS ratio, CAST(id * 0.5 AS FLOAT) AS half"
    ", CAST(id * 1.2345 - 20 AS DECIMAL(20,4)) AS price, id % 3 = 0 AS even_third"
    ", CASE WHEN id % 5 = 0 THEN NULL WHEN id % 11 = 0 THEN '' ELSE {text} END AS label"
    ", IF(id % 7 = 0, NULL, date_add(DATE'2024-02-27', CAST(id AS INT))) AS day"
    ", TIMESTAMP'2024-03-10 01:59:59.999999' + make_dt_interval(0, id) AS at{more}"
    " FROM range({first}, {last})"
)
_TEXT = "concat('text ', id, ', \"quoted\"; 中 ', id % 4)"
_NESTED = (
    ", IF(id % 4 = 0, NULL, array(CAST(id AS INT), NULL)) AS items"
    ", named_struct('a', id, 'b', named_struct('c', concat('c', id), 'd', id * 0.25D)) AS deep"
)
_PARTS = (
    ", date_add(DATE'2024-01-01', CAST(id % 3 AS INT)) AS dt"
    ", CASE WHEN id % 4 = 0 THEN NULL WHEN id % 4 = 1 THEN 'a/b c' ELSE 'cn' END AS country"
)
_LEGACY = {
    "spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY",
    "spark.sql.parquet.int96RebaseModeInWrite": "LEGACY",
}
_OLD_DAYS = ["0001-01-01", "1500-02-28", "1582-10-04", "1582-10-15", "1899-12-31", "2024-02-29"]


def _write(m: Maker, name: str, select: str, **options: str) -> None:
    """One file more, or one a partition, in the table's format."""
    files = FILES.get(name, Files("delta", ""))
    writer = m.spark.sql(select).coalesce(1).write.format(files.format).mode("append")
    writer = writer.options(**files.options, **options)
    if files.partitions:
        writer = writer.partitionBy(*files.partitions)
    writer.save(m.path(name))


def _two_files(m: Maker, name: str, more: str, **options: str) -> None:
    for first, last in ((0, 40), (40, 60)):
        _write(m, name, _ROWS.format(text=_TEXT, more=more, first=first, last=last), **options)


def parquet_plain(m: Maker, name: str) -> None:
    _two_files(m, name, _NESTED + ", CAST(concat('b', id) AS BINARY) AS bytes")


def parquet_parts(m: Maker, name: str) -> None:
    _two_files(m, name, _PARTS)


def parquet_grown(m: Maker, name: str) -> None:
    """The second file has a column more, the first one has them in another order."""
    _write(m, name, "SELECT concat('old ', id) AS label, id FROM range(10)")
    grown = "SELECT id, concat('new ', id) AS label, id * 2 AS added FROM range(10, 20)"
    _write(m, name, grown)


def old_calendar(m: Maker, name: str) -> None:
    before = {key: m.spark.conf.get(key) for key in _LEGACY}
    for key, value in _LEGACY.items():
        m.spark.conf.set(key, value)
    for physical in ("INT96", "TIMESTAMP_MICROS"):
        rows = [
            f"SELECT {number} AS id, '{physical}' AS physical, DATE'{day}' AS day"
            f", TIMESTAMP'{day} 03:04:05.678901' AS at"
            for number, day in enumerate(_OLD_DAYS)
        ]
        m.spark.conf.set("spark.sql.parquet.outputTimestampType", physical)
        _write(m, name, " UNION ALL ".join(rows))
    m.spark.conf.unset("spark.sql.parquet.outputTimestampType")
    for key, value in before.items():
        m.spark.conf.set(key, value)


def orc_plain(m: Maker, name: str) -> None:
    _two_files(m, name, _NESTED)


def orc_parts(m: Maker, name: str) -> None:
    _two_files(m, name, _PARTS)


def csv_plain(m: Maker, name: str) -> None:
    _two_files(m, name, "")


def csv_parts(m: Maker, name: str) -> None:
    _two_files(m, name, _PARTS)


def json_plain(m: Maker, name: str) -> None:
    _two_files(m, name, _NESTED)


def json_parts(m: Maker, name: str) -> None:
    _two_files(m, name, _PARTS, compression="gzip")


def clone_source(m: Maker, name: str) -> None:
    m.create(
        name, "id BIGINT, label STRING", "TBLPROPERTIES ('delta.enableDeletionVectors'='true')"
    )
    m.append(name, "SELECT id, concat('row ', id) AS label FROM range(0, 100)")
    m.append(name, "SELECT id, concat('row ', id) AS label FROM range(100, 150)")
    m.sql(f"DELETE FROM {name} WHERE id % 10 = 3")


def clone(m: Maker, name: str) -> None:
    """Files and vectors of another table by absolute path, and some of its own."""
    m.sql(f"CREATE TABLE {name} SHALLOW CLONE clone_source LOCATION '{m.path(name)}'")
    m.append(name, "SELECT id, concat('own ', id) AS label FROM range(200, 220)")
    m.sql(f"DELETE FROM {name} WHERE id IN (0, 149, 210)")


@dataclass(frozen=True)
class Files:
    """How a table without a log is read: what its catalog knows."""

    format: str
    schema: str
    partitions: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)


_SCHEMA = (
    "id BIGINT, tiny TINYINT, small SMALLINT, whole INT, ratio DOUBLE, half FLOAT"
    ", price DECIMAL(20,4), even_third BOOLEAN, label STRING, day DATE, at TIMESTAMP"
)
_NESTED_SCHEMA = ", items ARRAY<INT>, deep STRUCT<a: BIGINT, b: STRUCT<c: STRING, d: DOUBLE>>"
_PARTS_SCHEMA = ", dt DATE, country STRING"
_PART_COLUMNS = ("dt", "country")
FILES = {
    "parquet_plain": Files("parquet", _SCHEMA + _NESTED_SCHEMA + ", bytes BINARY"),
    "parquet_parts": Files("parquet", _SCHEMA + _PARTS_SCHEMA, _PART_COLUMNS),
    "parquet_grown": Files("parquet", "id BIGINT, label STRING, added BIGINT"),
    "parquet_old_calendar": Files("parquet", "id INT, physical STRING, day DATE, at TIMESTAMP"),
    "orc_plain": Files("orc", _SCHEMA + _NESTED_SCHEMA),
    "orc_parts": Files("orc", _SCHEMA + _PARTS_SCHEMA, _PART_COLUMNS),
    "csv_plain": Files("csv", _SCHEMA, (), {"header": "true"}),
    "csv_parts": Files(
        "csv", _SCHEMA + _PARTS_SCHEMA, _PART_COLUMNS, {"sep": "|", "nullValue": "NULL"}
    ),
    "json_plain": Files("json", _SCHEMA + _NESTED_SCHEMA),
    "json_parts": Files("json", _SCHEMA + _PARTS_SCHEMA, _PART_COLUMNS),
}


def all_tables() -> list[Table]:
    return [
        Table("parquet_plain", "external Parquet, nested columns, two files", parquet_plain),
        Table("parquet_parts", "external Parquet by date and country, null and odd", parquet_parts),
        Table("parquet_grown", "external Parquet, one file without the last column", parquet_grown),
        Table(
            "parquet_old_calendar",
            "days before 1582 in the Julian calendar; one file INT96, one in microseconds",
            old_calendar,
        ),
        Table("delta_old_calendar", "the same files in a Delta table", old_calendar),
        Table("orc_plain", "external ORC, nested columns, two files", orc_plain),
        Table("orc_parts", "external ORC by date and country", orc_parts),
        Table("csv_plain", "external CSV with a header, quotes and nulls", csv_plain),
        Table("csv_parts", "external CSV without a header, other separator and null", csv_parts),
        Table("json_plain", "external JSON lines, nested columns", json_plain),
        Table("json_parts", "external JSON lines by date and country, gzip", json_parts),
        Table("clone_source", "what clone was made of; deletion vectors", clone_source),
        Table("clone", "shallow clone: absolute paths beside its own files", clone),
    ]


# What a catalog knows and no file says. `like` is "schema.table": the rows of that table.
CATALOG: dict[str, Any] = {
    "views": [
        {
            "name": "labels",
            "view_definition": "SELECT id, label FROM main.kinds.clone WHERE id < 50",
            "columns": [
                {"name": "id", "type": "long", "nullable": True, "metadata": {}},
                {"name": "label", "type": "string", "nullable": True, "metadata": {}},
            ],
        }
    ],
    "others": [
        {"name": "streamed", "like": "corpus.plain", "table_type": "STREAMING_TABLE"},
        {"name": "materialized", "like": "corpus.parts", "table_type": "MATERIALIZED_VIEW"},
        {
            "name": "federated",
            "like": "corpus.types",
            "table_type": "FOREIGN",
            "data_source_format": "POSTGRESQL_FORMAT",
        },
    ],
}
