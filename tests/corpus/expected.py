"""The typed text form in which the corpus keeps what Spark read, and the description of a table.

Form of a value, the same at every depth (the type is in expected/<table>.json):

    integers, decimals       string, plain digits with the full scale ("1.50", "-128")
    float, double            string: repr of the value as a double; NaN, Infinity, -Infinity, -0.0
    boolean                  true, false
    string, char, varchar    string
    binary                   string, upper-case hexadecimal
    date                     "YYYY-MM-DD"
    timestamp                "YYYY-MM-DD HH:MM:SS.ffffff", the instant in UTC
    timestamp_ntz            the same, the wall clock as stored
    array                    list
    map                      list of [key, value] pairs in the stored order
    struct                   object
    null                     null

Spark itself makes the text (casts under session zone UTC): Python's datetime cannot hold every
value and collecting timestamps shifts them by the zone of the machine. Rows are sorted by
their text.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

_KEPT = (T.BooleanType, T.DoubleType, T.FloatType)


def as_text(value: Column, kind: T.DataType) -> Column:
    """The expression that turns a value of this type into text, leaf by leaf."""
    if isinstance(kind, T.StructType):
        fields = [as_text(value.getField(f.name), f.dataType).alias(f.name) for f in kind.fields]
        return F.when(value.isNotNull(), F.struct(*fields))
    if isinstance(kind, T.ArrayType):
        return F.transform(value, lambda element: as_text(element, kind.elementType))
    if isinstance(kind, T.MapType):
        return F.transform(
            F.map_entries(value),
            lambda entry: F.struct(
                as_text(entry.getField("key"), kind.keyType).alias("key"),
                as_text(entry.getField("value"), kind.valueType).alias("value"),
            ),
        )
    if isinstance(kind, T.BinaryType):
        return F.hex(value)
    return value if isinstance(kind, _KEPT) else value.cast("string")


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _with_microseconds(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}"


def to_json(value: Any, kind: T.DataType) -> Any:
    if value is None:
        return None
    if isinstance(kind, T.StructType):
        return {f.name: to_json(value[i], f.dataType) for i, f in enumerate(kind.fields)}
    if isinstance(kind, T.ArrayType):
        return [to_json(element, kind.elementType) for element in value]
    if isinstance(kind, T.MapType):
        return [[to_json(e[0], kind.keyType), to_json(e[1], kind.valueType)] for e in value]
    if isinstance(kind, (T.DoubleType, T.FloatType)):
        return _float_text(value)
    if isinstance(kind, (T.TimestampType, T.TimestampNTZType)):
        return _with_microseconds(value)
    return value


def rows_as_lines(frame: DataFrame) -> list[str]:
    fields = frame.schema.fields
    texts = [as_text(F.col(f"`{f.name}`"), f.dataType).alias(f.name) for f in fields]
    lines = []
    for row in frame.select(*texts).collect():
        values = {f.name: to_json(row[i], f.dataType) for i, f in enumerate(fields)}
        lines.append(json.dumps(values, ensure_ascii=False))
    return sorted(lines)


def columns(schema: T.StructType) -> list[dict[str, Any]]:
    """Name, Spark type text, nullability, comment; `declared` where it is char or varchar."""
    result = []
    for field in schema.fields:
        column = {
            "name": field.name,
            "type": field.dataType.simpleString(),
            "nullable": field.nullable,
            "comment": field.metadata.get("comment"),
        }
        declared = field.metadata.get("__CHAR_VARCHAR_TYPE_STRING")
        if declared:
            column["declared"] = declared
        result.append(column)
    return result


def partitions(rows: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]] | None:
    """Row count per combination of partition values; null for a table without partitions."""
    if not names:
        return None
    counts: dict[str, int] = {}
    for row in rows:
        key = json.dumps([row[name] for name in names], ensure_ascii=False)
        counts[key] = counts.get(key, 0) + 1
    return [{"values": json.loads(key), "rows": counts[key]} for key in sorted(counts)]


def describe(path: Path) -> dict[str, Any]:
    """Delta version, protocol and partition columns, straight from the log of a new table."""
    log = path / "_delta_log"
    versions = sorted(int(p.stem) for p in log.glob("*.json") if p.stem.isdigit())
    found: dict[str, Any] = {}
    for version in versions:
        for line in (log / f"{version:020d}.json").read_text("utf-8").splitlines():
            action = json.loads(line)
            for name in ("protocol", "metaData"):
                if name in action:
                    found[name] = action[name]
    return {
        "delta_version": versions[-1],
        "protocol": found["protocol"],
        "partition_columns": found["metaData"]["partitionColumns"],
        "configuration": found["metaData"]["configuration"],
    }
