"""What our client's blocks hold, judged by PyODPS: every type, both forms, every codec.

The client is the program client_tunnel (client_tunnel.cc), which stands beside the binary under
test. PyODPS is unmodified.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS
from odps.tunnel import TableTunnel
from sandbox_fixtures import (  # noqa: F401
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    PROJECT,
    Sandbox,
    odps,
    sandbox,
)

FORMS = ["arrow", "record"]
CODECS = ["raw", "deflate", "snappy", "lz4", "zstd"]
SEED = 20261125
ROWS = 10_000
BLOCK_ROWS = 3_000

I64 = (-(2**63), 2**63 - 1)
# Nanoseconds of 64 bits, in whole microseconds.
NS_RANGE = (-(2**63) // 1000 + 1, (2**63 - 1) // 1000 - 1)
US_OF_YEARS_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_999_999)


@dataclasses.dataclass
class Kind:
    """A MaxCompute type, its Arrow form, values at its borders, and one that is drawn."""

    sql: str
    arrow: pa.DataType
    borders: list[Any]
    draw: Any


def integer(bits: int, sql: str) -> Kind:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return Kind(
        sql,
        getattr(pa, f"int{bits}")(),
        [least, -1, 0, 1, most],
        lambda r: r.randint(least, most) >> r.randrange(bits),
    )


def text(r: random.Random) -> str:
    alphabet = "aZ09 \t\n\r\"'\\,\0é中😀"
    return "".join(r.choice(alphabet) for _ in range(r.randrange(40)))


def number(r: random.Random, digits: int, scale: int) -> decimal.Decimal:
    unscaled = r.randint(-(10**digits) + 1, 10**digits - 1) // 10 ** r.randrange(digits)
    return decimal.Decimal(unscaled).scaleb(-scale, decimal.Context(prec=60))


def day(r: random.Random) -> datetime.date:
    return datetime.date.fromordinal(r.randint(1, datetime.date.max.toordinal()))


KINDS = {
    "ti": integer(8, "tinyint"),
    "si": integer(16, "smallint"),
    "i": integer(32, "int"),
    "bi": integer(64, "bigint"),
    "f": Kind(
        "float",
        pa.float32(),
        [0.0, -0.0, 1.5, float("inf"), float("-inf"), 3.4028234663852886e38, 1.401298464324817e-45],
        lambda r: r.randint(-(2**24), 2**24) * 2.0 ** r.randint(-60, 60),
    ),
    "d": Kind(
        "double",
        pa.float64(),
        [0.0, -0.0, 0.1, float("inf"), float("-inf"), 1.7976931348623157e308, 5e-324],
        lambda r: r.gauss(0, 1) * 10.0 ** r.randint(-300, 300),
    ),
    "bo": Kind("boolean", pa.bool_(), [True, False], lambda r: r.random() < 0.5),
    "s": Kind("string", pa.string(), ["", "\0", "x" * 100_000], text),
    "vc": Kind("varchar(40)", pa.string(), ["", "é" * 40], lambda r: text(r)[:40]),
    "n": Kind("binary", pa.binary(), [b"", b"\x00\xff"], lambda r: r.randbytes(r.randrange(30))),
    "da": Kind("date", pa.date32(), [datetime.date.min, datetime.date.max], day),
    "dt": Kind("datetime", pa.timestamp("ms"), [-1, 0, 1], lambda r: r.randint(-(10**13), 10**13)),
    "ts": Kind("timestamp", pa.timestamp("us"), [-1, 0, *NS_RANGE], lambda r: r.randint(*NS_RANGE)),
    "tn": Kind(
        "timestamp_ntz", pa.timestamp("us"), [-1, 0, *NS_RANGE], lambda r: r.randint(*NS_RANGE)
    ),
    "de": Kind(
        "decimal(38,18)",
        pa.decimal128(38, 18),
        [decimal.Decimal("1E-18"), decimal.Decimal("-0." + "9" * 18), decimal.Decimal("9" * 20)],
        lambda r: number(r, 38, 18),
    ),
    "d0": Kind("decimal(9,0)", pa.decimal128(9, 0), [0, 999_999_999], lambda r: number(r, 9, 0)),
    "l": Kind(
        "array<string>",
        pa.list_(pa.string()),
        [[], [None], ["", None, "a"]],
        lambda r: [r.choice([None, text(r)]) for _ in range(r.randrange(4))],
    ),
    "m": Kind(
        "map<string,bigint>",
        pa.map_(pa.string(), pa.int64()),
        [[], [("k", None)]],
        lambda r: [(f"k{i}", r.choice([None, r.randint(*I64)])) for i in range(r.randrange(4))],
    ),
    "st": Kind(
        "struct<x:bigint,y:array<timestamp>>",
        pa.struct([("x", pa.int64()), ("y", pa.list_(pa.timestamp("us")))]),
        [{"x": None, "y": None}, {"x": 1, "y": []}, {"x": 1, "y": [None, -1]}],
        lambda r: {"x": r.randint(*I64), "y": [r.randint(*NS_RANGE)]},
    ),
}


def make_rows(names: list[str], rows: int) -> pa.Table:
    """The borders of each type, NULLs, and drawn values up to `rows`."""
    r = random.Random(SEED)
    columns = []
    for name in names:
        kind = KINDS[name]
        values = [None, *kind.borders]
        values += [None if r.random() < 0.05 else kind.draw(r) for _ in range(rows - len(values))]
        columns.append(pa.array(values, type=kind.arrow))
    return pa.table(columns, names=names)


def nanos(kind: pa.DataType) -> pa.DataType:
    """The Arrow form's type of a record form's."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("ns") if kind.unit == "us" else kind
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, nanos(field.type)) for field in kind])
    if pa.types.is_list(kind) and not pa.types.is_map(kind):
        return pa.list_(nanos(kind.value_type))
    return kind


def cast(table: pa.Table, to: Any) -> pa.Table:
    return table.cast(pa.schema([(field.name, to(field.type)) for field in table.schema]))


def micros(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us" if kind.unit == "ns" else kind.unit)  # and without a zone
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, micros(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(micros(kind.key_type), micros(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(micros(kind.value_type))
    return kind


class Client:
    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder

    def run(self, verb: str, table: str, form: str, codec: str) -> subprocess.CompletedProcess[str]:
        program = Path(os.environ["MMS_BIN"]).parent / "client_tunnel"
        where = [self.sandbox.url + "/api", PROJECT, ACCESS_KEY_ID, table, form, codec]
        return subprocess.run(
            [program, verb, *where, self.folder / "rows.arrow"],
            env=dict(os.environ, CLIENT_SECRET=ACCESS_KEY_SECRET),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def put(self, table: str, rows: pa.Table, form: str, codec: str) -> None:
        with pa.ipc.new_file(self.folder / "rows.arrow", rows.schema) as writer:
            writer.write_table(rows, max_chunksize=BLOCK_ROWS)
        done = self.run("put", table, form, codec)
        assert done.returncode == 0, done.stderr

    def get(self, table: str, form: str, codec: str) -> pa.Table:
        done = self.run("get", table, form, codec)
        assert done.returncode == 0, done.stderr
        return pa.ipc.open_file(self.folder / "rows.arrow").read_all()


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path) -> Client:  # noqa: F811
    return Client(sandbox, tmp_path)


def create(odps: ODPS, table: str, names: list[str]) -> None:
    columns = ", ".join(f"{name} {KINDS[name].sql}" for name in names)
    odps.execute_sql(f"CREATE TABLE {table} ({columns})")


def assert_same(found: pa.Table, wanted: pa.Table) -> None:
    assert found.num_rows == wanted.num_rows
    for name in wanted.column_names:
        kept, sent = found.column(name).to_pylist(), wanted.column(name).to_pylist()
        differing = [i for i, pair in enumerate(zip(kept, sent)) if repr(pair[0]) != repr(pair[1])]
        first = differing[0] if differing else 0
        assert not differing, f"{name}, seed {SEED}, row {first}: {kept[first]!r} {sent[first]!r}"


@pytest.mark.parametrize("form", FORMS)
def test_pyodps_reads_every_value_that_we_wrote(odps: ODPS, client: Client, form: str) -> None:
    rows = make_rows(list(KINDS), ROWS)
    create(odps, "every", list(KINDS))
    client.put("every", rows if form == "record" else cast(rows, nanos), form, "raw")
    session = TableTunnel(odps).create_download_session("every")
    assert session.count == ROWS
    with session.open_arrow_reader(0, ROWS) as reader:
        found = reader.read().rename_columns(rows.column_names)
    if isinstance(found, pa.RecordBatch):
        found = pa.Table.from_batches([found])
    # PyODPS 0.13 takes a scale of 0 for none, and reads such decimals with 18 places.
    assert_same(cast(found.drop_columns("d0"), micros), rows.drop_columns("d0"))
    plain = ["ti", "si", "i", "bi", "f", "d", "bo", "s", "vc", "n", "da", "de", "d0", "l", "m"]
    with session.open_record_reader(0, 100, columns=plain) as reader:
        for index, record in enumerate(reader):
            for name in plain:
                wanted = rows.column(name)[index].as_py()
                wanted = dict(wanted) if name == "m" and wanted is not None else wanted
                assert record[name] == wanted, f"{name} of record {index}"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", FORMS)
def test_every_codec_carries_every_type_both_ways(
    odps: ODPS, client: Client, form: str, codec: str
) -> None:
    rows = make_rows(list(KINDS), 4_000)
    create(odps, "coded", list(KINDS))
    client.put("coded", rows if form == "record" else cast(rows, nanos), form, codec)
    for back in FORMS:
        found = client.get("coded", back, codec)
        assert_same(found if back == "record" else cast(found, micros), rows)


def test_records_carry_the_years_1_to_9999(odps: ODPS, client: Client) -> None:
    r = random.Random(SEED)
    values = [None, *US_OF_YEARS_1_TO_9999, *NS_RANGE, -1, 0, 1]
    values += [r.randint(*US_OF_YEARS_1_TO_9999) for _ in range(ROWS - len(values))]
    lists = [None if value is None else [value, None] for value in values]
    nested = pa.array(lists, pa.list_(pa.timestamp("us")))
    micro = pa.array(values, pa.timestamp("us"))
    rows = pa.table([micro, micro, nested], names=["ts", "tn", "l"])
    odps.execute_sql("CREATE TABLE wide (ts TIMESTAMP, tn TIMESTAMP_NTZ, l ARRAY<TIMESTAMP>)")
    client.put("wide", rows, "record", "lz4")
    found = client.get("wide", "record", "lz4")
    assert found.column("ts").cast(pa.int64()).to_pylist() == values
    assert found.column("tn").cast(pa.int64()).to_pylist() == values
    assert found.column("l").combine_chunks().flatten().cast(pa.int64()).to_pylist() == [
        item for value in values if value is not None for item in (value, None)
    ]


def test_nanoseconds_are_refused_by_name_in_record_form(odps: ODPS, client: Client) -> None:
    odps.execute_sql("CREATE TABLE fine (ts TIMESTAMP)")
    fine = pa.table([pa.array([1], pa.timestamp("ns"))], names=["ts"])
    client.put("fine", fine, "record", "raw")
    assert client.get("fine", "arrow", "raw").column("ts").cast(pa.int64()).to_pylist() == [1]
    refused = client.run("get", "fine", "record", "raw")
    assert refused.returncode == 1
    assert "column ts" in refused.stderr and "[TUNNEL_TIMESTAMP_PRECISION]" in refused.stderr
