"""Values that a MaxCompute cell cannot hold, at their very boundary, under each policy: what
arrives (read by PyODPS), what the report counts, and what the plan had said might happen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Sandbox
from deltalake import DeltaTable, Field, Schema, convert_to_deltalake, write_deltalake
from deltalake.schema import PrimitiveType
from local_run import LocalRun, changed, may_change

CELL = 8 << 20
NANOS_MIN = -9223372036854775  # microseconds that Arrow's nanoseconds hold
NANOS_MAX = 9223372036854775
YEAR_1 = -62135596800000000
YEAR_9999 = 253402300799999999


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    return LocalRun(mms_bin, sandbox, tmp_path)


def text(values: list[bytes | None]) -> pa.Array:
    """STRING values of any bytes."""
    binary = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(binary), binary.buffers())


def delta(folder: Path, table: pa.Table) -> Path:
    """As any writer may have left it: the log says nothing of the values."""
    folder.mkdir()
    pq.write_table(table, folder / "part-0.parquet", write_statistics=False)
    convert_to_deltalake(folder)
    return folder


def column(sandbox: Sandbox, table: str, name: str, partition: str | None = None) -> list[Any]:
    """In the order of `id`."""
    with sandbox.odps().get_table(table).open_reader(partition=partition) as reader:
        rows = sorted((record["id"], record[name]) for record in reader)
    return [value for _, value in rows]


LONG = [b"x" * CELL, b"x" * (CELL - 1) + "é".encode(), b"y" * (CELL + 1), b"", None]
BAD = [b"fine", b"caf\xc3", b"\xed\xa0\x80!", b"a\x00b", None]


def texts(values: list[bytes | None]) -> pa.Table:
    return pa.table({"id": pa.array(range(len(values)), pa.int64()), "note": text(values)})


@pytest.mark.parametrize(
    ("policy", "change", "expected"),
    [
        ("null", "null_too_long", ["x" * CELL, None, None, "", None]),
        ("truncate", "cut", ["x" * CELL, "x" * (CELL - 1), "y" * CELL, "", None]),
    ],
)
def test_a_long_value(
    local: LocalRun, tmp_path: Path, policy: str, change: str, expected: list[str | None]
) -> None:
    local.table(delta(tmp_path / "long", texts(LONG)), "long_values")
    local.config["policy"]["on_long_value"] = policy
    assert may_change(local.plan()["long_values"]) == {("note", change)}
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["long_values"]
    assert report["verdict"] == "Match"
    assert changed(report) == {("note", change): 2}
    got = [
        value.encode() if isinstance(value, str) else value
        for value in column(local.sandbox, "long_values", "note")
    ]
    assert got == [None if value is None else value.encode() for value in expected]


@pytest.mark.parametrize(
    ("policy", "change", "expected"),
    [
        ("null", "null_bad_utf8", ["fine", None, None, "a\0b", None]),
        (
            "replace",
            "utf8_replaced",
            ["fine", "caf\ufffd", "\ufffd\ufffd\ufffd!", "a\0b", None],
        ),
    ],
)
def test_bytes_that_are_no_utf8(
    local: LocalRun, tmp_path: Path, policy: str, change: str, expected: list[str | None]
) -> None:
    nested = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3, 4, 5]), text(BAD))
    table = texts(BAD).append_column("tags", nested)
    local.table(delta(tmp_path / "bad", table), "bad_text")
    local.config["policy"]["on_bad_utf8"] = policy
    assert may_change(local.plan()["bad_text"]) == {("note", change), ("tags", change)}
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["bad_text"]
    assert report["verdict"] == "Match"
    assert changed(report) == {("note", change): 2, ("tags", change): 2}
    assert column(local.sandbox, "bad_text", "note") == expected
    assert column(local.sandbox, "bad_text", "tags") == [[value] for value in expected]


def test_nothing_is_counted_where_nothing_is_changed(local: LocalRun, tmp_path: Path) -> None:
    table = texts([b"a", "é".encode(), None, b"x" * CELL])
    local.table(delta(tmp_path / "good", table), "good_text")
    local.config["policy"] |= {"on_bad_utf8": "replace", "on_long_value": "truncate"}
    assert local.run().code == 0
    report = local.report()["good_text"]
    assert (report["changed"], report["record_blocks"], report["verdict"]) == ([], 0, "Match")


def instants() -> pa.Table:
    values = [YEAR_1, NANOS_MIN - 1, NANOS_MIN, 0, NANOS_MAX, NANOS_MAX + 1, YEAR_9999, None]
    return pa.table(
        {
            "id": pa.array(range(len(values)), pa.int64()),
            "at": pa.array(values, pa.timestamp("us", tz="UTC")),
            "part": pa.array([f"p{i % 2}" for i in range(len(values))]),
        }
    )


def far_table(folder: Path) -> Path:
    write_deltalake(folder, instants(), partition_by=["part"])
    return folder


def shown(sandbox: Sandbox, table: str) -> list[str | None]:
    query = f"SELECT id, CAST(at AS STRING) AS at FROM {table} ORDER BY id LIMIT 100"
    with sandbox.odps().execute_sql(query).open_reader() as reader:
        return [row["at"] for row in reader]


def test_a_timestamp_beyond_nanoseconds_goes_record_by_record(
    local: LocalRun, tmp_path: Path
) -> None:
    local.table(far_table(tmp_path / "far"), "far")
    assert may_change(local.plan()["far"]) == set()
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["far"]
    assert (report["verdict"], report["changed"]) == ("Match", [])
    assert report["record_blocks"] == 2  # a block each of p0 and p1
    got = shown(local.sandbox, "far")
    assert got[0].startswith("0001-01-01 00:00:00")
    assert got[6].startswith("9999-12-31 23:59:59.999999")
    assert got[7] in (None, "\\N")
    # And again, from the target alone.
    assert local.run("verify").code == 0


def test_a_timestamp_beyond_nanoseconds_is_null_and_counted(
    local: LocalRun, tmp_path: Path
) -> None:
    local.table(far_table(tmp_path / "far"), "far")
    local.config["policy"]["on_timestamp_range"] = "null"
    assert may_change(local.plan()["far"]) == {("at", "null_timestamp_range")}
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["far"]
    assert report["verdict"] == "Match"
    assert changed(report) == {("at", "null_timestamp_range"): 4}
    assert report["record_blocks"] == 0
    nulls = [value in (None, "\\N") for value in shown(local.sandbox, "far")]
    assert nulls == [True, True, False, False, False, True, True, True]


@pytest.mark.parametrize(
    ("table", "policy", "code", "named"),
    [
        (texts(LONG), {}, "VALUE_TOO_LONG", ["column note", "8388609 bytes", '"xxx']),
        (texts(BAD), {}, "VALUE_UTF8", ["column note", '"caf\\xC3"']),
        (
            instants(),
            {"on_timestamp_range": "fail"},
            "VALUE_TIMESTAMP_RANGE",
            ["column at", "0001-01-01 00:00:00"],
        ),
    ],
)
def test_fail_names_table_column_and_value_and_a_policy_mends_it(
    local: LocalRun,
    tmp_path: Path,
    table: pa.Table,
    policy: dict[str, str],
    code: str,
    named: list[str],
) -> None:
    local.table(delta(tmp_path / "t", table), "refused")
    local.config["policy"] |= policy
    assert local.run().code != 0
    report = local.report()["refused"]
    assert report["error"]["code"] == code
    assert report["verdict"] == "Failed"
    for words in named:
        assert any(words in reason for reason in report["reasons"]), report["reasons"]
    # The same state folder goes on under another policy.
    local.config["policy"] |= {
        "on_long_value": "null",
        "on_bad_utf8": "null",
        "on_timestamp_range": "null",
    }
    again = local.run()
    assert again.code == 0, again.out + again.err
    assert local.report()["refused"]["verdict"] == "Match"


def test_a_failed_table_is_planned_at_the_newest_version(local: LocalRun, tmp_path: Path) -> None:
    folder = delta(tmp_path / "t", texts(BAD))
    local.table(folder, "mended")
    assert local.run().code != 0
    write_deltalake(folder, texts([b"now fine"]), mode="overwrite")
    again = local.run()
    assert again.code == 0, again.out + again.err
    report = local.report()["mended"]
    assert (report["verdict"], report["version"], report["rows_target"]) == ("Match", 1, 1)


def far_days() -> pa.Table:
    """Dates outside of the years 1 to 9999, as Spark writes them, in a list too."""
    days = pa.array([-719163, -719162, 0, 2932896, 2932897, None], pa.int32()).cast(pa.date32())
    lists = pa.ListArray.from_arrays(pa.array(range(7), pa.int32()), days)
    return pa.table({"id": pa.array(range(6), pa.int64()), "day": days, "all": lists})


def test_a_date_outside_the_years_fails_by_file_and_column_or_is_null_and_counted(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = delta(tmp_path / "days", far_days().slice(1, 3))
    local.table(folder, "days")
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert local.report()["days"]["verdict"] == "Match"

    write_deltalake(folder, far_days(), mode="overwrite")
    risk = {risk["source"]: risk for risk in local.plan()["days"]["values_at_risk"]}["day"]
    assert risk["outcome"].startswith("fails its partition")
    assert local.run().code != 0
    report = local.report()["days"]
    assert report["error"]["code"] == "VALUE_DATE_RANGE"
    reason = next(reason for reason in report["reasons"] if "VALUE_DATE_RANGE" in reason)
    assert "column day: 0000-12-31 lies outside" in reason
    assert "file part-" in reason and ".parquet" in reason

    local.config["policy"]["on_timestamp_range"] = "null"
    null = "null_date_range"
    assert may_change(local.plan()["days"]) == {("day", null), ("all", null)}
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["days"]
    assert report["verdict"] == "Match"
    assert changed(report) == {("day", null): 2, ("all", null): 2}
    query = "SELECT id, CAST(day AS STRING) AS day FROM days ORDER BY id LIMIT 100"
    with local.sandbox.odps().execute_sql(query).open_reader() as reader:
        days = [None if row["day"] == "\\N" else row["day"] for row in reader]
    assert days == [None, "0001-01-01", "1970-01-01", "9999-12-31", None, None]


def varchar_table(folder: Path) -> Path:
    limited = {"__CHAR_VARCHAR_TYPE_STRING": "varchar(3)"}
    schema = Schema(
        [
            Field("id", PrimitiveType("long"), nullable=True),
            Field("note", PrimitiveType("string"), nullable=True, metadata=limited),
        ]
    )
    DeltaTable.create(folder, schema=schema)
    values = ["ééé", "abcd", None]
    rows = pa.table({"id": pa.array(range(3), pa.int64()), "note": pa.array(values, pa.string())})
    write_deltalake(folder, rows, mode="append")
    return folder


def test_varchar_is_kept_and_measured_in_characters(local: LocalRun, tmp_path: Path) -> None:
    local.table(varchar_table(tmp_path / "v"), "limited")
    local.config["policy"] |= {"varchar": "keep", "on_long_value": "truncate"}
    run = local.run()
    assert run.code == 0, run.out + run.err
    table = local.sandbox.odps().get_table("limited")
    assert str(table.table_schema["note"].type).lower() == "varchar(3)"
    assert column(local.sandbox, "limited", "note") == ["ééé", "abc", None]
    assert changed(local.report()["limited"]) == {("note", "cut"): 1}


def test_partition_values_and_names_are_mapped_counted_and_never_merged(
    local: LocalRun, tmp_path: Path
) -> None:
    rows = pa.table({"unit-price": [1, 2, 3], "day%hour": ["a/b", "plain", None]})
    folder = tmp_path / "mapped"
    write_deltalake(folder, rows, partition_by=["day%hour"])
    local.table(folder, "mapped")
    local.config["policy"] |= {
        "column_name_map": {"-": "_", "%": "_"},
        "partition_value_map": {"/": "_"},
        "null_partition": "unknown",
    }
    run = local.run()
    assert run.code == 0, run.out + run.err
    table = local.sandbox.odps().get_table("mapped")
    assert [item.name for item in table.table_schema.columns] == ["unit_price", "day_hour"]
    assert sorted(part.partition_spec.kv["day_hour"] for part in table.partitions) == [
        "a_b",
        "plain",
        "unknown",
    ]
    report = local.report()["mapped"]
    assert changed(report) == {("day_hour", "partition_value_mapped"): 1}
    write_deltalake(folder, pa.table({"unit-price": [4], "day%hour": ["a_b"]}), mode="append")
    assert local.run().code != 0
    assert local.report()["mapped"]["error"]["code"] == "PARTITION_COLLISION"


def test_partition_levels_beyond_the_limit_become_ordinary_columns(
    local: LocalRun, tmp_path: Path
) -> None:
    names = [f"l{i}" for i in range(5)]
    rows = {name: ["v", "v", "v"] for name in names}
    rows |= {
        "id": [1, 2, 3],
        "day": [datetime(2024, 3, 10, tzinfo=UTC).date()] * 2 + [None],
        "n": [7, None, 9],
    }
    folder = tmp_path / "levels"
    write_deltalake(folder, pa.table(rows), partition_by=[*names, "day", "n"])
    local.table(folder, "levels")
    assert local.run().code != 0
    assert local.report()[f"file://{folder}"]["error"]["code"] == "PARTITION_LEVELS"
    local.config["policy"]["max_partition_levels"] = 5
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert local.report()["levels"]["verdict"] == "Match"
    only = ",".join(f"{name}='v'" for name in names)
    assert [str(value) for value in column(local.sandbox, "levels", "day", only)] == [
        "2024-03-10",
        "2024-03-10",
        "None",
    ]
    assert column(local.sandbox, "levels", "n", only) == [7, None, 9]
