"""MaxCompute's values in the text form of the corpus (tests/corpus/expected.py), read by PyODPS.

PyODPS gives Arrow tables; the text is made here from the Arrow values. Nothing of the product is
used.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from odps import ODPS

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_EPOCH_DAYS = date(1970, 1, 1).toordinal()


def _timestamp(value: int, unit: str) -> str:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    seconds, rest = divmod(value, per_second)
    nanos = rest * (10**9 // per_second)
    assert nanos % 1000 == 0, f"{value} {unit} has more than microseconds"
    days, left = divmod(seconds, 86400)
    day = date.fromordinal(_EPOCH_DAYS + days).isoformat()
    return f"{day} {left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}.{nanos // 1000:06}"


def _float(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def texts(array: pa.Array) -> list[Any]:
    """The values of an Arrow array in text form."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        raw = array.cast(pa.int64()).to_pylist()
        return [None if value is None else _timestamp(value, kind.unit) for value in raw]
    if pa.types.is_date32(kind):
        raw = array.cast(pa.int32()).to_pylist()
        to_text = lambda days: date.fromordinal(_EPOCH_DAYS + days).isoformat()
        return [None if value is None else to_text(value) for value in raw]
    if pa.types.is_struct(kind):
        fields = [texts(array.field(i)) for i in range(kind.num_fields)]
        names = [kind.field(i).name for i in range(kind.num_fields)]
        valid = array.is_valid().to_pylist()
        rows = zip(*fields, strict=True) if fields else [() for _ in valid]
        return [
            dict(zip(names, row, strict=True)) if ok else None
            for row, ok in zip(rows, valid, strict=True)
        ]
    if pa.types.is_map(kind):
        return [
            None if not entry.is_valid else _pairs(entry.values) for entry in array
        ]
    if pa.types.is_list(kind):
        return [texts(one.values) if one.is_valid else None for one in array]
    return [_leaf(value, kind) for value in array.to_pylist()]


def _pairs(entries: pa.StructArray) -> list[list[Any]]:
    keys, values = texts(entries.field(0)), texts(entries.field(1))
    return [list(pair) for pair in zip(keys, values, strict=True)]


def _leaf(value: Any, kind: pa.DataType) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if pa.types.is_floating(kind):
        return _float(value)
    if isinstance(value, bytes):
        return value.hex().upper()
    if pa.types.is_decimal(kind):
        return format(value, "f")
    return str(value)


def table_rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = [texts(column.combine_chunks()) for column in table.columns]
    names = table.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def odps_rows(odps: ODPS, name: str) -> list[dict[str, Any]]:
    """Every row of a MaxCompute table, partition columns included, in the text form."""
    table = odps.get_table(name)
    keys = [column.name for column in table.table_schema.partitions]
    if not keys:
        with table.open_reader(arrow=True) as reader:
            return table_rows(read_arrow(reader, table))
    rows: list[dict[str, Any]] = []
    for partition in table.iterate_partitions():
        spec = dict(partition.partition_spec.kv)
        fixed = {key: None if value == NULL_PARTITION else value for key, value in spec.items()}
        with table.open_reader(partition=str(partition.partition_spec), arrow=True) as reader:
            data = read_arrow(reader, table)
        data = data.select([name for name in data.column_names if name not in keys])
        rows += [{**row, **fixed} for row in table_rows(data)]
    return rows


def read_arrow(reader: Any, table: Any) -> pa.Table:
    """All rows. PyODPS 0.13 labels a DECIMAL(p,0) column with scale 18 (0 counts as "not given"),
    though the sixteen bytes of each value are right: put the declared type back on them."""
    data = reader.read_all()
    for index, name in enumerate(data.column_names):
        kind = table.table_schema[name].type
        if not str(kind).lower().startswith("decimal") or kind.scale != 0:
            continue
        values = data.column(index).combine_chunks()
        right = pa.decimal128(kind.precision, 0)
        values = pa.Array.from_buffers(right, len(values), values.buffers(), offset=values.offset)
        data = data.set_column(index, name, values)
    return data
