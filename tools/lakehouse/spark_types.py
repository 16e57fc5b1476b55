"""Spark SQL types as the front needs them: read from DESCRIBE QUERY, shown in Thrift and Arrow.

A result reaches the front in Hive's columns, where dates, decimals, instants and everything nested
are text. `carrier` says what expression to ask for instead so that no text of a guess has to be
parsed (an instant travels as microseconds, a nested value as JSON), `arrow_values` makes of it what
Databricks puts into Arrow batches, native or as text as the client wants it (TSparkArrowTypes).
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from databricks.sql.thrift_api.TCLIService import ttypes

_JSON_OPTIONS = (
    "map('ignoreNullFields', 'false', 'timeZone', 'UTC', 'timestampFormat',"
    " 'yyyy-MM-dd HH:mm:ss.SSSSSS', 'timestampNTZFormat', 'yyyy-MM-dd HH:mm:ss.SSSSSS')"
)
_ARROW = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp_ntz": pa.timestamp("us"),
}
_THRIFT = {
    "boolean": ttypes.TTypeId.BOOLEAN_TYPE,
    "tinyint": ttypes.TTypeId.TINYINT_TYPE,
    "smallint": ttypes.TTypeId.SMALLINT_TYPE,
    "int": ttypes.TTypeId.INT_TYPE,
    "bigint": ttypes.TTypeId.BIGINT_TYPE,
    "float": ttypes.TTypeId.FLOAT_TYPE,
    "double": ttypes.TTypeId.DOUBLE_TYPE,
    "binary": ttypes.TTypeId.BINARY_TYPE,
    "date": ttypes.TTypeId.DATE_TYPE,
    "timestamp": ttypes.TTypeId.TIMESTAMP_TYPE,
    "timestamp_ntz": ttypes.TTypeId.TIMESTAMP_TYPE,
    "decimal": ttypes.TTypeId.DECIMAL_TYPE,
    "array": ttypes.TTypeId.ARRAY_TYPE,
    "map": ttypes.TTypeId.MAP_TYPE,
    "struct": ttypes.TTypeId.STRUCT_TYPE,
    "void": ttypes.TTypeId.NULL_TYPE,
}
NESTED = ("array", "map", "struct")


@dataclass(frozen=True)
class SparkType:
    """`name` is the bare name; `inner` holds element, key and value, or the fields' types."""

    name: str
    inner: tuple[SparkType, ...] = ()
    fields: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0
    text: str = field(default="", compare=False)


def parse(text: str) -> SparkType:
    """A type as Spark's simpleString spells it."""
    text = text.strip()
    head, bracket, _ = text.partition("<")
    if bracket and head in NESTED and text.endswith(">"):
        parts = _split(text[len(head) + 1 : -1])
        if head != "struct":
            return SparkType(head, tuple(parse(part) for part in parts), text=text)
        pairs = [part.partition(":") for part in parts if part]
        inner = tuple(parse(kind) for _, _, kind in pairs)
        return SparkType(head, inner, tuple(name for name, _, _ in pairs), text=text)
    if text.startswith("decimal("):
        precision, scale = text[len("decimal(") : -1].split(",")
        return SparkType("decimal", precision=int(precision), scale=int(scale), text=text)
    if text.startswith(("varchar(", "char(", "string")):
        return SparkType("string", text=text)
    return SparkType(text, text=text)


def _split(text: str) -> list[str]:
    """The parts between commas that are in no brackets."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


@dataclass(frozen=True)
class Native:
    """What the client takes as Arrow's own type instead of text."""

    timestamps: bool = False
    decimals: bool = False
    nested: bool = False

    @staticmethod
    def of(asked: ttypes.TSparkArrowTypes | None) -> Native:
        asked = asked or ttypes.TSparkArrowTypes()
        return Native(
            timestamps=bool(asked.timestampAsArrow),
            decimals=bool(asked.decimalAsArrow),
            nested=bool(asked.complexTypesAsArrow),
        )


def carrier(kind: SparkType, column: str, native: Native) -> str | None:
    """The expression that brings a column unharmed through Hive's columns; None: as it is."""
    if kind.name in NESTED:
        return f"to_json({column}, {_JSON_OPTIONS})"
    if kind.name == "timestamp" and native.timestamps:
        return f"unix_micros({column})"
    return None


def arrow_type(kind: SparkType, native: Native, zone: str) -> pa.DataType:
    """The type in Arrow results; what is not native travels as text."""
    if kind.name == "timestamp":
        return pa.timestamp("us", zone) if native.timestamps else pa.string()
    if kind.name == "timestamp_ntz" and not native.timestamps:
        return pa.string()
    if kind.name == "decimal" and native.decimals:
        return pa.decimal128(kind.precision, kind.scale)
    if kind.name in NESTED and native.nested:
        inner = [arrow_type(part, native, zone) for part in kind.inner]
        if kind.name == "array":
            return pa.list_(inner[0])
        if kind.name == "map":
            return pa.map_(inner[0], inner[1])
        return pa.struct([pa.field(n, t) for n, t in zip(kind.fields, inner)])
    return _ARROW.get(kind.name, pa.string())


def arrow_field(name: str, kind: SparkType, native: Native, zone: str) -> pa.Field:
    metadata = {"Spark:DataType:SqlName": kind.text.upper()}
    return pa.field(name, arrow_type(kind, native, zone), metadata=metadata)


def arrow_values(values: pa.Array, kind: SparkType, native: Native, zone: str) -> pa.Array:
    """Turns what `carrier` brought into the type of `arrow_type`."""
    wanted = arrow_type(kind, native, zone)
    if values.type == wanted:
        return values
    if kind.name in NESTED:
        convert = _from_json(kind, native)
        objects = [None if v is None else convert(_load(v)) for v in values.to_pylist()]
        return pa.array(objects, wanted)
    if kind.name == "timestamp":
        if pa.types.is_integer(values.type):
            return values.view(wanted)
        # A statement that could not be asked for microseconds (SHOW, DESCRIBE) sends wall clocks.
        return pc.assume_timezone(values.cast(pa.timestamp("us")), zone, ambiguous="earliest")
    return values.cast(wanted)


def _load(text: str) -> Any:
    return json.loads(text, parse_float=_Number, parse_int=_Number)


class _Number(str):
    """A number of JSON, still in its own digits."""


def _from_json(kind: SparkType, native: Native) -> Callable[[Any], Any]:
    """How Spark's to_json is read back for this type."""
    inner = [_from_json(part, native) for part in kind.inner]

    def checked(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda value: None if value is None else convert(value)

    if kind.name == "array":
        return checked(lambda value: [inner[0](element) for element in value])
    if kind.name == "map":
        return checked(lambda value: [(inner[0](k), inner[1](v)) for k, v in value.items()])
    if kind.name == "struct":
        return checked(
            lambda value: {n: convert(value.get(n)) for n, convert in zip(kind.fields, inner)}
        )
    if kind.name in ("tinyint", "smallint", "int", "bigint"):
        return checked(int)
    if kind.name in ("float", "double"):
        return checked(float)
    if kind.name == "binary":
        return checked(base64.b64decode)
    if kind.name == "date":
        return checked(dt.date.fromisoformat)
    if kind.name == "boolean":
        return lambda value: value == "true" if isinstance(value, str) else value
    if kind.name == "decimal" and native.decimals:
        return checked(lambda value: _decimal(value, kind))
    if kind.name == "timestamp" and native.timestamps:
        return checked(lambda value: _clock(value).replace(tzinfo=dt.timezone.utc))
    if kind.name == "timestamp_ntz" and native.timestamps:
        return checked(_clock)
    return checked(str)


def _decimal(text: str, kind: SparkType) -> Decimal:
    whole, _, fraction = f"{Decimal(text):f}".partition(".")
    return Decimal(f"{whole}.{fraction:0<{kind.scale}}" if kind.scale else whole)


def _clock(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")


def column_desc(name: str, kind: SparkType, position: int) -> ttypes.TColumnDesc:
    """The column in a TTableSchema; everything that Thrift has no name for is a string."""
    qualifiers = None
    if kind.name == "decimal":
        values = {"precision": kind.precision, "scale": kind.scale}
        qualifiers = ttypes.TTypeQualifiers(
            {key: ttypes.TTypeQualifierValue(i32Value=number) for key, number in values.items()}
        )
    primitive = ttypes.TPrimitiveTypeEntry(
        _THRIFT.get(kind.name, ttypes.TTypeId.STRING_TYPE), qualifiers
    )
    entry = ttypes.TTypeEntry(primitiveEntry=primitive)
    return ttypes.TColumnDesc(name, ttypes.TTypeDesc([entry]), position, "")


def of_thrift(desc: ttypes.TColumnDesc) -> SparkType:
    """The type that a TColumnDesc of the Thrift Server tells; nested ones are text by then."""
    entry = desc.typeDesc.types[0].primitiveEntry
    if entry.type == ttypes.TTypeId.DECIMAL_TYPE and entry.typeQualifiers:
        found = entry.typeQualifiers.qualifiers
        precision, scale = found["precision"].i32Value, found["scale"].i32Value
        return parse(f"decimal({precision},{scale})")
    names = {number: name for name, number in _THRIFT.items() if name != "timestamp_ntz"}
    name = names.get(entry.type, "string")
    return parse("string" if name in NESTED else name)
