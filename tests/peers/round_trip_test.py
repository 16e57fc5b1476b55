"""Values on their whole way: delta-rs writes a Delta table, `mms run` moves it into the sandbox,
PyODPS and the Java SDK read it, as Arrow and as records: no value differs.

Each type has its borders and 10,000 drawn values. A failure prints the seed; ROUND_TRIP_SEED sets
it.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import java_peer
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from odps import options
from sandbox_fixtures import ACCESS_KEY_ID, ACCESS_KEY_SECRET, PROJECT, Sandbox
from value_text import read_arrow

SEED = int(os.environ.get("ROUND_TRIP_SEED", random.SystemRandom().randrange(2**32)))
DRAWN = 10_000
TABLE = "round_trip"
I64_MIN = -(2**63)
# Microseconds that nanoseconds of 64 bits can hold.
US_MIN, US_MAX = -(2**63) // 1000 + 1, (2**63 - 1) // 1000
EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()


@dataclasses.dataclass
class Kind:
    """A type in Arrow, its borders, and how one more value is drawn."""

    type: pa.DataType
    borders: list[Any]
    draw: Callable[[random.Random], Any]


def integers(kind: pa.DataType, least: int, most: int) -> Kind:
    borders = [least, least + 1, -1, 0, 1, most - 1, most]
    return Kind(kind, borders, lambda r: r.randint(least, most) >> r.randrange(kind.bit_width))


def decimals(precision: int, scale: int) -> Kind:
    most = 10**precision - 1
    exact = decimal.Context(prec=80)
    number = lambda unscaled: decimal.Decimal(unscaled).scaleb(-scale, exact)
    draw = lambda r: number(r.randint(-most, most) // 10 ** r.randrange(precision))
    return Kind(pa.decimal128(precision, scale), [number(v) for v in (-most, -1, 0, 1, most)], draw)


def text(r: random.Random) -> str:
    return "".join(r.choice("aZ09 \t\n\r\"'\\,|\0é中😀") for _ in range(r.randrange(40)))


def floats(kind: pa.DataType, form: str) -> Kind:
    size = struct.calcsize(form)
    draw = lambda r: struct.unpack(form, r.randbytes(size))[0]
    least = struct.unpack(form, (1).to_bytes(size, "little"))[0]
    inf = float("inf")
    return Kind(kind, [0.0, -0.0, 1.5, least, -least, inf, -inf, float("nan")], draw)


def listed(item: Kind) -> Kind:
    draw = lambda r: [maybe(r, item) for _ in range(r.randrange(4))]
    return Kind(pa.list_(item.type), [[], [None], list(item.borders)], draw)


def mapped(key: Kind, value: Kind) -> Kind:
    def draw(r: random.Random) -> list[tuple[Any, Any]]:
        return list({key.draw(r): maybe(r, value) for _ in range(r.randrange(4))}.items())

    pairs = list(zip(key.borders, [*value.borders, None]))
    return Kind(pa.map_(key.type, value.type), [[], pairs], draw)


def structured(**fields: Kind) -> Kind:
    kind = pa.struct([(name, field.type) for name, field in fields.items()])
    draw = lambda r: {name: maybe(r, field) for name, field in fields.items()}
    empty = dict.fromkeys(fields)
    first = {name: field.borders[0] for name, field in fields.items()}
    return Kind(kind, [empty, first], draw)


def maybe(r: random.Random, kind: Kind) -> Any:
    return None if r.random() < 0.1 else kind.draw(r)


I64 = (-(2**63) + 1, 2**63 - 1)
STRING = Kind(pa.string(), ["", "\0", "a'\"\\\n\t,|", "中é😀", "x" * 70_000], text)
BIGINT = integers(pa.int64(), *I64)
INSTANTS = [US_MIN, -1, 0, 1, 951_826_554_123_456, US_MAX]
DRAW_INSTANT = lambda r: r.randint(US_MIN, US_MAX)
KINDS = {
    "ti": integers(pa.int8(), -128, 127),
    "si": integers(pa.int16(), -(2**15), 2**15 - 1),
    "i": integers(pa.int32(), -(2**31), 2**31 - 1),
    "bi": BIGINT,
    # Apart, since the Java SDK takes no record with -2^63.
    "bi_least": Kind(pa.int64(), [I64_MIN], BIGINT.draw),
    "f": floats(pa.float32(), "<f"),
    "d": floats(pa.float64(), "<d"),
    "bo": Kind(pa.bool_(), [True, False], lambda r: r.random() < 0.5),
    "s": STRING,
    "n": Kind(pa.binary(), [b"", b"\0", bytes(range(256))], lambda r: r.randbytes(r.randrange(30))),
    "da": Kind(
        pa.date32(),
        [
            datetime.date(1, 1, 1),
            datetime.date(1582, 10, 4),
            datetime.date(1582, 10, 15),
            datetime.date(1969, 12, 31),
            datetime.date(2024, 2, 29),
            datetime.date(9999, 12, 31),
        ],
        lambda r: datetime.date.fromordinal(r.randint(1, datetime.date.max.toordinal())),
    ),
    "ts": Kind(pa.timestamp("us", "UTC"), INSTANTS, DRAW_INSTANT),
    "tn": Kind(pa.timestamp("us"), INSTANTS, DRAW_INSTANT),
    "d1": decimals(1, 0),
    "d10": decimals(10, 2),
    "d38": decimals(38, 0),
    "d38_18": decimals(38, 18),
    "li": listed(integers(pa.int32(), -(2**31), 2**31 - 1)),
    "lt": listed(Kind(pa.timestamp("us", "UTC"), INSTANTS, DRAW_INSTANT)),
    "ma": mapped(STRING, BIGINT),
    "st": structured(x=BIGINT, y=STRING, z=decimals(10, 2)),
    "deep": listed(mapped(STRING, structured(x=BIGINT, y=listed(decimals(10, 2))))),
}


def source_table() -> pa.Table:
    r = random.Random(SEED)
    rows = 1 + max(len(kind.borders) for kind in KINDS.values()) + DRAWN
    columns = [pa.array(range(rows), pa.int64())]
    for kind in KINDS.values():
        values = [*kind.borders, None]
        values += [maybe(r, kind) for _ in range(rows - len(values))]
        columns.append(pa.array(values, kind.type))
    return pa.table(columns, ["id", *KINDS])


# Texts as the Java program prints them (tests/peers/java/peer/ValueText.java) ---------------


def value_text(value: Any, kind: pa.DataType) -> Any:
    """`value` as pyarrow gives it, but timestamps as integers of their unit."""
    if value is None or pa.types.is_boolean(kind):
        return value
    if pa.types.is_list(kind):
        return [value_text(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {field.name: value_text(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        pairs = [[value_text(k, kind.key_type), value_text(v, kind.item_type)] for k, v in value]
        return sorted(pairs, key=lambda pair: json.dumps(pair[0]))
    if pa.types.is_floating(kind):
        form = "f" if kind.bit_width == 32 else "d"
        value = float("nan") if value != value else value  # one NaN for all
        return struct.pack(">" + form, value).hex()
    if pa.types.is_decimal(kind):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def raw(array: pa.Array) -> pa.Array:
    """The array with timestamps as text "seconds.nanoseconds"; everything else as it is."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        each = {"us": 1_000, "ns": 1}[kind.unit]
        nanos = [None if v is None else v * each for v in array.cast(pa.int64()).to_pylist()]
        spelled = [None if n is None else f"{n // 10**9}.{n % 10**9:09}" for n in nanos]
        return pa.array(spelled, pa.string())
    if pa.types.is_list(kind) and pa.types.is_timestamp(kind.value_type):
        return pa.ListArray.from_arrays(array.offsets, raw(array.values), mask=array.is_null())
    return array


def rows_of(table: pa.Table) -> dict[str, list[Any]]:
    """The texts of a table's rows by their id."""
    columns = []
    for column in table.columns:
        array = raw(column.combine_chunks())
        columns.append([value_text(value, array.type) for value in array.to_pylist()])
    return {row[0]: list(row) for row in zip(*columns, strict=True)}


def java_rows(sandbox: Sandbox, form: str, columns: list[str]) -> dict[str, list[Any]]:
    arguments = [sandbox.url, PROJECT, ACCESS_KEY_ID, TABLE, form, ",".join(columns)]
    kinds = {"id": pa.int64(), **{name: kind.type for name, kind in KINDS.items()}}
    found = {}
    for line in java_peer.run("print", *arguments):
        row = json.loads(line)
        ordered = [in_order(value, kinds[name]) for name, value in zip(columns, row, strict=True)]
        assert ordered[0] not in found
        found[ordered[0]] = ordered
    return found


def in_order(value: Any, kind: pa.DataType) -> Any:
    """Pairs of maps in the order that value_text has them."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [in_order(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {field.name: in_order(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        pairs = [[key, in_order(item, kind.item_type)] for key, item in value]
        return sorted(pairs, key=lambda pair: json.dumps(pair[0]))
    return value


def compare(got: dict[str, list[Any]], wanted: dict[str, list[Any]], columns: list[str]) -> None:
    assert got.keys() == wanted.keys(), f"seed {SEED}: {len(got)} rows, not {len(wanted)}"
    differ: dict[str, tuple[Any, Any]] = {}
    count = 0
    for key, row in wanted.items():
        for name, have, want in zip(columns, got[key], row, strict=True):
            if have != want:
                count += 1
                differ.setdefault(name, (have, want))
    assert not differ, f"seed {SEED}: {count} values differ; the first by column: {differ}"


# The way ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source() -> pa.Table:
    return source_table()


@pytest.fixture(scope="module")
def moved(source: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("round_trip")
    write_deltalake(str(folder / "lake"), source)
    sandbox = Sandbox(folder / "data")
    sandbox.start()
    try:
        config = {
            "target": {
                "project": PROJECT,
                "endpoint": sandbox.url + "/api",
                "access_key_id": ACCESS_KEY_ID,
                "access_key_secret": "env:PEER_TEST_SECRET",
            },
            "tables": [{"location": f"file://{folder / 'lake'}", "as": TABLE}],
            "state": str(folder / "state"),
        }
        (folder / "mms.yaml").write_text(json.dumps(config))  # JSON is YAML
        run = subprocess.run(
            [os.environ["MMS_BIN"], "run", "-f", str(folder / "mms.yaml")],
            capture_output=True,
            text=True,
            env=dict(os.environ, PEER_TEST_SECRET=ACCESS_KEY_SECRET),
            timeout=120,
        )
        assert run.returncode == 0, f"seed {SEED}: {run.stdout} {run.stderr}"
        yield sandbox
    finally:
        assert sandbox.stop() == 0, sandbox.errors()


@pytest.fixture(scope="module")
def wanted(source: pa.Table) -> dict[str, list[Any]]:
    return rows_of(source)


@pytest.fixture()
def instants_in_utc() -> Iterator[None]:
    options.local_timezone = False
    yield
    options.local_timezone = None


@pytest.mark.usefixtures("instants_in_utc")
def test_pyodps_reads_every_value_as_it_was(
    moved: Sandbox, wanted: dict[str, list[Any]]
) -> None:
    table = moved.client().get_table(TABLE)
    with table.open_reader(arrow=True) as reader:
        compare(rows_of(read_arrow(reader, table)), wanted, ["id", *KINDS])


@pytest.mark.parametrize("form", ["arrow", "records"])
def test_the_java_sdk_reads_every_value_as_it_was(
    moved: Sandbox, source: pa.Table, wanted: dict[str, list[Any]], form: str
) -> None:
    columns = [name for name in ["id", *KINDS] if form == "arrow" or name != "bi_least"]
    if form == "records":
        wanted = rows_of(source.select(columns))
    compare(java_rows(moved, form, columns), wanted, columns)
