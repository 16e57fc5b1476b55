"""Many partitions read back by one SELECT (`policy.verify_by: select`): the verdicts are those of a
download session a partition, whatever the values, the partitions and what became of them.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Outcome, Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun

PARTS = 6
TABLE = "parts"


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    local.config["policy"]["verify_by"] = "select"
    return local


def rows(count: int = 10 * PARTS, **more: Any) -> pa.Table:
    columns = {
        "id": pa.array(range(count), pa.int64()),
        "note": pa.array([None if i % 4 == 0 else f"n{i}" for i in range(count)]),
        "part": pa.array([f"p{i % PARTS}" for i in range(count)]),
    }
    return pa.table(columns | {name: [value] * count for name, value in more.items()})


@pytest.fixture
def copied(local: LocalRun, tmp_path: Path) -> LocalRun:
    """A table of PARTS partitions, at the target and compared."""
    write_deltalake(tmp_path / TABLE, rows(), partition_by=["part"])
    local.table(tmp_path / TABLE, TABLE)
    run = local.run()
    assert run.code == 0, run.out + run.err
    return local


def sessions(run: Outcome) -> tuple[int, int]:
    """Download sessions of tables and of SELECTs that a command asked for."""
    pacing = run.of("summary")[0]["pacing"]
    return pacing["download_sessions"]["granted"], pacing["instance_downloads"]["granted"]


def sql(sandbox: Sandbox, statement: str) -> None:
    sandbox.odps().execute_sql(statement)


def change_note(sandbox: Sandbox, part: str) -> None:
    """Another value in the first row of a partition, behind everybody's back."""
    for path in (sandbox.data / "dw").rglob("*.parquet"):
        table = pq.read_table(path)
        ids = table["id"].to_pylist()
        if f"p{ids[0] % PARTS}" != part:
            continue
        notes = ["changed", *table["note"].to_pylist()[1:]]
        index = table.schema.get_field_index("note")
        column = pa.array(notes, table.schema.field(index).type)
        pq.write_table(table.set_column(index, table.schema.field(index), column), path)
        return
    raise AssertionError(f"no file of partition {part}")


def test_run_and_verify_ask_for_one_session(copied: LocalRun) -> None:
    verified = copied.run("verify")
    assert verified.code == 0, verified.out + verified.err
    assert sessions(verified) == (0, 1)
    assert copied.report()[TABLE]["verdict"] == "Match"
    copied.config["policy"]["verify_by"] = "sessions"
    verified = copied.run("verify")
    assert verified.code == 0, verified.out + verified.err
    assert sessions(verified) == (PARTS, 0)
    copied.config["policy"]["verify_by"] = "auto"
    verified = copied.run("verify")
    assert sessions(verified) == (PARTS, 0), "few partitions keep their sessions"


def test_every_type_and_partition_value_comes_back_as_it_was(
    local: LocalRun, tmp_path: Path
) -> None:
    stamps = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2261, 7, 1, 1, 2, 3, 4, tzinfo=UTC),
        None,
    ]
    lists = [[], [1, None], None, [3]]
    structs = [{"x": 1, "at": stamps[1]}, None, {"x": None, "at": None}, {"x": 2, "at": stamps[0]}]
    points = pa.struct([("x", pa.int32()), ("at", pa.timestamp("us", "UTC"))])
    each = {
        "i8": pa.array([-128, 127, None, 0], pa.int8()),
        "i32": pa.array([-(2**31), 2**31 - 1, None, 0], pa.int32()),
        "i64": pa.array([-(2**63), 2**63 - 1, None, 0], pa.int64()),
        "f32": pa.array([1.5, float("nan"), None, -0.0], pa.float32()),
        "f64": pa.array([0.1, float("inf"), None, 5e-324], pa.float64()),
        "flag": pa.array([True, False, None, True]),
        "text": pa.array(["", "it's \"q\" \\ \t\n", None, "中文"]),
        "bytes": pa.array([b"", b"\x00\xff", None, b"x"]),
        "day": pa.array([date(1970, 1, 1), date(9999, 12, 31), None, date(1, 1, 1)]),
        "price": pa.array([Decimal("1.50"), Decimal("-99999999.99"), None, Decimal(0)],
                          pa.decimal128(10, 2)),
        "wide": pa.array([Decimal("0.000000000000000001"), None, Decimal(-1), Decimal(10) ** 19],
                         pa.decimal128(38, 18)),
        "at": pa.array(stamps, pa.timestamp("us", "UTC")),
        "local": pa.array([s and s.replace(tzinfo=None) for s in stamps], pa.timestamp("us")),
        "list": pa.array(lists, pa.list_(pa.int64())),
        "map": pa.array([[("a", 1)], [], None, [("b", None), ("c", 3)]],
                        pa.map_(pa.string(), pa.int32())),
        "point": pa.array(structs, points),
    }
    values = ["a/b", "it's", "x:y_$#.!@-z w", None]
    count = 4 * len(values)
    columns = {name: pa.concat_arrays([column] * len(values)) for name, column in each.items()}
    columns["level1"] = pa.array([values[i // 4] for i in range(count)])
    columns["level2"] = pa.array([[0, -7, 12][i % 3] for i in range(count)], pa.int32())
    folder = tmp_path / "types"
    write_deltalake(folder, pa.table(columns), partition_by=["level1", "level2"])
    local.table(folder, "types")
    local.config["policy"]["partition_value_map"] = {"/": "_", "'": "-"}
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert "SELECT does not work" not in run.err, run.err
    assert sessions(run) == (0, 1)
    report = local.report()["types"]
    assert (report["verdict"], report["rows_target"]) == ("Match", count)
    table = local.sandbox.odps().get_table("types")
    names = {str(part.partition_spec) for part in table.partitions}
    assert "level1='__HIVE_DEFAULT_PARTITION__',level2='-7'" in names, names


def test_timestamps_sent_record_by_record_are_read_by_their_own_session(
    local: LocalRun, tmp_path: Path
) -> None:
    stamps = [datetime(2024, 1, 1 + i // 2, tzinfo=UTC) for i in range(2 * PARTS)]
    stamps[0] = datetime(1, 1, 1, tzinfo=UTC)
    table = pa.table({"at": pa.array(stamps, pa.timestamp("us", "UTC")),
                      "part": [f"p{i // 2}" for i in range(2 * PARTS)]})
    write_deltalake(tmp_path / "far", table, partition_by=["part"])
    local.table(tmp_path / "far", "far")
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert sessions(run) == (1, 1)
    assert local.report()["far"]["verdict"] == "Match"


def test_partitions_of_before_and_after_a_column_was_added_are_both_proven(
    copied: LocalRun, tmp_path: Path
) -> None:
    more = rows(3, extra="new").set_column(2, "part", pa.array(["p0", "p7", "p8"]))
    write_deltalake(tmp_path / TABLE, more, mode="append", schema_mode="merge")
    copied.config["policy"]["on_extra_column"] = "add"
    run = copied.run()
    assert run.code == 0, run.out + run.err
    verified = copied.run("verify")
    assert verified.code == 0, verified.out + verified.err
    assert sessions(verified) == (0, 2)
    assert copied.report()[TABLE]["verdict"] == "Match"


def test_a_changed_value_is_7_and_named_by_partition_and_column(copied: LocalRun) -> None:
    change_note(copied.sandbox, "p3")
    verified = copied.run("verify")
    assert verified.code == 7, verified.out + verified.err
    assert sessions(verified) == (1, 1), "its own session has the last word"
    (reason,) = copied.report()[TABLE]["reasons"]
    assert reason == "partition part=p3: 10 rows on both sides; values differ in column note"


def test_partitions_gone_emptied_or_grown_are_7_and_named(copied: LocalRun) -> None:
    sql(copied.sandbox, f"ALTER TABLE {TABLE} DROP PARTITION (part='p1')")
    sql(copied.sandbox, f"TRUNCATE TABLE {TABLE} PARTITION (part='p2')")
    sql(copied.sandbox, f"INSERT INTO {TABLE} PARTITION (part='p4') SELECT -1, 'more'")
    verified = copied.run("verify")
    assert verified.code == 7, verified.out + verified.err
    assert sessions(verified) == (0, 1)
    assert sorted(copied.report()[TABLE]["reasons"]) == [
        "partition part=p1: not at the target; 10 rows were copied",
        "partition part=p2: 10 rows at the source, 0 at the target",
        "partition part=p4: 10 rows at the source, 11 at the target",
    ]


def test_a_table_that_is_gone_is_missing(copied: LocalRun) -> None:
    sql(copied.sandbox, f"DROP TABLE {TABLE}")
    verified = copied.run("verify")
    assert verified.code == 7, verified.out + verified.err
    assert copied.report()[TABLE]["verdict"] == "MissingInTarget"


def test_a_partition_without_rows_matches_while_it_is_there(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / TABLE
    write_deltalake(folder, rows(), partition_by=["part"])
    file = folder / "part=none" / "empty.parquet"
    file.parent.mkdir()
    pq.write_table(rows(0).select(["id", "note"]), file)
    add = {"path": "part=none/empty.parquet", "partitionValues": {"part": "none"},
           "size": file.stat().st_size, "modificationTime": 0, "dataChange": True,
           "stats": json.dumps({"numRecords": 0})}
    (folder / "_delta_log" / f"{1:020}.json").write_text(json.dumps({"add": add}) + "\n", "utf-8")
    local.table(folder, TABLE)
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert sessions(run) == (0, 1)
    report = local.report()[TABLE]
    assert (report["verdict"], report["units"]) == ("Match", PARTS + 1)
    sql(local.sandbox, f"ALTER TABLE {TABLE} DROP PARTITION (part='none')")
    assert local.run("verify").code == 7
    assert local.report()[TABLE]["reasons"] == [
        "partition part=none: not at the target; 0 rows were copied"
    ]


@pytest.fixture
def without_select(mms_bin: str, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox whose other user may do all that a run needs but SELECT."""
    rights = "[list, create_table, create_instance, alter, describe, update, download]"
    (tmp_path / "users.yaml").write_text(
        "users:\n  - {name: loader, access_key_id: loader, "
        "access_key_secret: env:MMS_TEST_SECRET, "
        f"grants: [{{project: dw, rights: {rights}}}]}}\n"
    )
    server = start_sandbox(mms_bin, tmp_path / "data", "--users", str(tmp_path / "users.yaml"))
    try:
        yield server
    finally:
        stop_sandbox(server)


def test_without_the_right_to_select_sessions_are_used_and_it_is_said_once(
    mms_bin: str, without_select: Sandbox, tmp_path: Path
) -> None:
    local = LocalRun(mms_bin, without_select, tmp_path)
    local.config["target"]["access_key_id"] = "loader"
    local.config["policy"]["verify_by"] = "select"
    write_deltalake(tmp_path / TABLE, rows(), partition_by=["part"])
    local.table(tmp_path / TABLE, TABLE)
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert run.err.count("reading many by one SELECT does not work") == 1, run.err
    assert "ODPS_DENIED" in run.err
    assert sessions(run) == (PARTS, 0)
    assert local.report()[TABLE]["verdict"] == "Match"


def set_faults(sandbox: Sandbox, *rules: dict[str, Any]) -> Callable[[], list[int]]:
    odps = sandbox.odps()
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": rules}))
    return lambda: [
        rule["fired"] for rule in odps.rest.get(odps.endpoint + "/mms/faults").json()["faults"]
    ]


def wait(fired: Callable[[], list[int]], process: subprocess.Popen[str]) -> None:
    while fired() == [0]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)  # no answer to wait for: the peer is silent on purpose


@pytest.mark.parametrize("call", ["submit_instance", "create_download", "read_download"])
def test_what_may_pass_is_tried_again(copied: LocalRun, call: str) -> None:
    fired = set_faults(copied.sandbox, {"call": call, "nth": 1, "status": 503})
    verified = copied.run("verify")
    assert fired() == [1]
    assert verified.code == 0, verified.out + verified.err
    assert "SELECT does not work" not in verified.err
    assert sessions(verified) == (0, 1)


def test_a_stop_does_not_wait_for_the_select(copied: LocalRun) -> None:
    fired = set_faults(copied.sandbox, {"call": "read_download", "nth": 1, "delay_ms": 60_000})
    process = copied.start("verify")
    wait(fired, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 130, out + err
    verified = copied.run("verify")
    assert verified.code == 0, verified.out + verified.err


def test_a_kill_while_a_group_is_read_repeats_nothing_but_reading(
    local: LocalRun, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / TABLE, rows(), partition_by=["part"])
    local.table(tmp_path / TABLE, TABLE)
    fired = set_faults(local.sandbox, {"call": "read_download", "nth": 1, "delay_ms": 60_000})
    process = local.start("run")
    wait(fired, process)
    process.kill()
    process.communicate()
    set_faults(local.sandbox)
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert sessions(run) == (0, 1)
    assert run.of("summary")[0]["pacing"]["upload_sessions"]["granted"] == 0
    assert local.report()[TABLE]["verdict"] == "Match"
