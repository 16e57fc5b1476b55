"""`mms verify` finds what was done to rows behind its back, and says where: a table is copied, each
of its partitions is damaged in another way through PyODPS (read, changed, written over), and one
verification must name every partition that differs and the columns whose values do, and no other.
Partitions that were only written anew, their rows in another order and other blocks, stay whole.

MMS_MUTATION_SEED repeats the choice of rows; it is printed with every failure. The many damages are
those of src/migration/verify/mutation_test.cc.
"""

from __future__ import annotations

import os
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun
from odps.tunnel import TableTunnel

SEED = int(os.environ.get("MMS_MUTATION_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
TABLE = "damaged"
ROWS = 12  # of a partition
WHOLE = 5  # partitions that are written anew and stay whole
NESTED = {
    "list": pa.list_(pa.string()),
    "map": pa.map_(pa.string(), pa.int64()),
    "point": pa.struct([("x", pa.int32()), ("y", pa.string())]),
}


def set_values(table: pa.Table, column: str, change: Callable[[list[Any]], None]) -> pa.Table:
    """The column's values as Python has them (timestamps: their number), changed in place."""
    index = table.schema.get_field_index(column)
    kind = table.schema.field(index).type
    plain = table.column(index)
    if pa.types.is_timestamp(kind):
        plain = plain.cast(pa.int64())
    values = plain.to_pylist()
    change(values)
    return table.set_column(index, table.field(index), pa.array(values, plain.type).cast(kind))


def set_one(column: str, row: int, change: Callable[[Any], Any]) -> Callable[[pa.Table], pa.Table]:
    def put(values: list[Any]) -> None:
        values[row] = change(values[row])

    return lambda table: set_values(table, column, put)


def exchange(column: str, one: int, other: int) -> Callable[[pa.Table], pa.Table]:
    def swap(values: list[Any]) -> None:
        values[one], values[other] = values[other], values[one]

    return lambda table: set_values(table, column, swap)


def flip_double(value: float, bit: int) -> float:
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return float(struct.unpack("<d", struct.pack("<q", bits ^ 1 << bit))[0])


def swap_columns(one: str, other: str, rows: list[int]) -> Callable[[pa.Table], pa.Table]:
    def swap(table: pa.Table) -> pa.Table:
        ones, others = table[one].to_pylist(), table[other].to_pylist()
        for row in rows:
            ones[row], others[row] = others[row], ones[row]
        for name, values in ((one, ones), (other, others)):
            index = table.schema.get_field_index(name)
            table = table.set_column(
                index, table.field(index), pa.array(values, table.field(index).type)
            )
        return table

    return swap


def damages(choice: random.Random) -> dict[str, Callable[[pa.Table], pa.Table]]:
    """By what is done. Rows 0 and 1 hold empty values, rows 2 and 3 NULLs (make_rows)."""
    row = choice.randrange(4, ROWS)
    other = choice.choice([i for i in range(4, ROWS) if i != row])
    byte, bit = choice.randrange(3), choice.randrange(7)

    def flip_text(text: str) -> str:
        return text[:byte] + chr(ord(text[byte]) ^ 1) + text[byte + 1 :]

    def flip_binary(data: bytes) -> bytes:
        return data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]

    def keep(*rows: int) -> Callable[[pa.Table], pa.Table]:
        return lambda table: table.take(pa.array(rows, pa.int64()))

    everyone = list(range(ROWS))
    return {
        "a row lost": keep(*[i for i in everyone if i != row]),
        "a row doubled": keep(*everyone, row),
        "a row lost, another doubled": keep(*[other if i == row else i for i in everyone]),
        "all rows lost": keep(),
        "two columns swapped in a row": swap_columns("a", "b", [row]),
        "two columns swapped": swap_columns("note", "name", everyone),
        "NULL for an empty text": set_one("note", 0, lambda _: None),
        "an empty text for NULL": set_one("note", 2, lambda _: ""),
        "NULL for an empty list": set_one("list", 1, lambda _: None),
        "a microsecond more": set_one("at", row, lambda nanos: nanos + 1000),
        "a bit of a text": set_one("note", row, flip_text),
        "a bit of bytes": set_one("data", row, flip_binary),
        "a bit of an integer": set_one("a", row, lambda value: value ^ 1 << choice.randrange(40)),
        "a bit of a double": set_one(
            "share", row, lambda value: flip_double(value, choice.randrange(52))
        ),
        "a cent": set_one("price", row, lambda price: price + Decimal("0.01")),
        "a day": set_one("day", row, lambda day: day + timedelta(days=1)),
        "values exchanged between rows": exchange("id", row, other),
        "a value of a map": set_one("map", row, lambda pairs: [(pairs[0][0], -1), *pairs[1:]]),
    }


MOVED = "a row moved to another partition"


def make_rows(partitions: list[str]) -> pa.Table:
    every = [(part, i) for part in range(len(partitions)) for i in range(ROWS)]
    ids = [part * ROWS + i for part, i in every]

    def column(kind: pa.DataType, empty: Any, value: Callable[[int], Any]) -> pa.Array:
        rare = {0: empty, 1: empty, 2: None, 3: None}
        return pa.array([rare[i] if i in rare else value(ids[n]) for n, (_, i) in enumerate(every)],
                        kind)

    start = datetime(2024, 1, 1, tzinfo=UTC)
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "a": column(pa.int64(), 0, lambda n: n * 7),
            "b": column(pa.int64(), 0, lambda n: n * 7 + 1),
            "note": column(pa.string(), "", lambda n: f"note {n}"),
            "name": column(pa.string(), "", lambda n: f"name {n}"),
            "data": column(pa.binary(), b"", lambda n: f"data {n}".encode()),
            "share": column(pa.float64(), 0.0, lambda n: n / 7 + 1),
            "price": column(pa.decimal128(10, 2), Decimal(0), lambda n: Decimal(n) / 4),
            "day": column(pa.date32(), date(1970, 1, 1), lambda n: date(2024, 1, 1 + n % 28)),
            "at": column(pa.timestamp("us", "UTC"), start, lambda n: start + timedelta(seconds=n)),
            "list": column(NESTED["list"], [], lambda n: [f"x{n}", None, ""]),
            "map": column(NESTED["map"], [], lambda n: [("k", n), ("l", None)]),
            "point": column(NESTED["point"], {"x": 0, "y": ""}, lambda n: {"x": n, "y": "y"}),
            "part": pa.array([partitions[part] for part, _ in every]),
        }
    )


def read(sandbox: Sandbox, part: str) -> pa.Table:
    table = sandbox.odps().get_table(TABLE)
    with table.open_reader(partition=f"part='{part}'", arrow=True) as reader:
        return reader.read_all()


def write(sandbox: Sandbox, part: str, table: pa.Table, blocks: int = 1) -> None:
    upload = TableTunnel(sandbox.odps()).create_upload_session(
        TABLE, partition_spec=f"part='{part}'", overwrite=True
    )
    length = -(-max(table.num_rows, 1) // blocks)
    for block in range(blocks):
        with upload.open_arrow_writer(block) as writer:
            for batch in table.slice(block * length, length).combine_chunks().to_batches():
                writer.write(batch)
    upload.commit(list(range(blocks)))


def values_of(table: pa.Table, column: str) -> Counter[str]:
    return Counter(map(repr, table[column].to_pylist()))


def difference(part: str, before: pa.Table, after: pa.Table) -> str:
    """What must be said of a partition that was changed so."""
    start = f"partition part={part}: {before.num_rows} rows "
    if before.num_rows != after.num_rows:
        return f"{start}at the source, {after.num_rows} at the target"
    names = []
    for name in before.column_names:
        if values_of(before, name) == values_of(after, name):
            continue
        nulls = before[name].null_count, after[name].null_count
        told = f" ({nulls[0]} nulls at the source, {nulls[1]} at the target)"
        names.append(name + (told if nulls[0] != nulls[1] else ""))
    if not names:
        return (f"{start}on both sides; each column holds the right values, but they are joined "
                "into other rows")
    plural = "s" if len(names) > 1 else ""
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return f"{start}on both sides; values differ in column{plural} {listed}"


@pytest.fixture
def local(mms_bin: str, tmp_path: Path) -> Iterator[LocalRun]:
    server = start_sandbox(mms_bin, tmp_path / "sandbox")
    try:
        yield LocalRun(mms_bin, server, tmp_path)
    finally:
        stop_sandbox(server)


def damage_all(sandbox: Sandbox, partitions: list[str], choice: random.Random) -> dict[str, str]:
    """Each partition in its own way; the last ones stay whole. What must be said, by damage."""
    left = iter(partitions)
    wanted = {}
    for name, damage in damages(choice).items():
        part = next(left)
        before = read(sandbox, part)
        after = damage(before)
        assert not before.equals(after), f"seed {SEED}: {name} changes nothing"
        write(sandbox, part, after)
        wanted[name] = difference(part, before, after)
    giver, taker = next(left), next(left)
    given, taken = read(sandbox, giver), read(sandbox, taker)
    write(sandbox, giver, given.slice(1))
    write(sandbox, taker, pa.concat_tables([taken, given.slice(0, 1)]))
    wanted[f"{MOVED}: from"] = difference(giver, given, given.slice(1))
    wanted[f"{MOVED}: to"] = difference(
        taker, taken, pa.concat_tables([taken, given.slice(0, 1)])
    )
    whole = list(left)
    assert len(whole) == WHOLE
    for blocks, part in enumerate(whole, 1):
        rows = read(sandbox, part)
        write(sandbox, part, rows.take(choice.sample(range(ROWS), ROWS)), blocks)
    return wanted


def test_every_damage_is_named_by_partition_and_column_and_no_reordering_is_one(
    local: LocalRun, tmp_path: Path
) -> None:
    choice = random.Random(SEED)
    names = len(damages(choice)) + 2
    partitions = [f"p{i:02}" for i in range(names + WHOLE)]
    choice.shuffle(partitions)
    write_deltalake(tmp_path / "source", make_rows(partitions), partition_by=["part"])
    local.table(tmp_path / "source", TABLE)
    run = local.run()
    assert run.code == 0, run.out + run.err
    wanted = damage_all(local.sandbox, partitions, choice)
    for reading in ("sessions", "select"):
        local.config["policy"]["verify_by"] = reading
        verified = local.run("verify")
        assert verified.code == 7, verified.out + verified.err
        report = local.report()[TABLE]
        assert report["reasons_left_out"] == 0, report
        assert sorted(report["reasons"]) == sorted(wanted.values()), f"seed {SEED}: {reading}"
