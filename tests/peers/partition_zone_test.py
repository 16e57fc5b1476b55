"""Partition values that older writers put down by their own clock, without a zone.

The log is written by hand, as Spark wrote it before Delta noted UTC. What the values mean is
reckoned by Python's zoneinfo; PyODPS reads what came.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Sandbox
from local_run import LocalRun

ZONE = "America/Los_Angeles"
# In winter, in summer, in the hour that passed twice, at a clock before there were zones, and one
# that says UTC itself.
ZONELESS = [
    "2024-01-01 03:11:11",
    "2024-07-01 11:11:11.25",
    "2024-11-03 01:30:00",
    "1850-06-01 00:00:00",
]
ZONED = "2024-07-01T20:00:00.000000Z"


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    return LocalRun(mms_bin, sandbox, tmp_path)


def in_utc(value: str, zone: str) -> datetime:
    if value == ZONED:
        return datetime(2024, 7, 1, 20, tzinfo=timezone.utc)
    moment = datetime.fromisoformat(value[:19])
    micros = int((value[20:] or "0").ljust(6, "0"))
    local = moment.replace(microsecond=micros, tzinfo=ZoneInfo(zone))
    return local.astimezone(timezone.utc)


def text(moment: datetime) -> str:
    shown = moment.strftime("%Y-%m-%d %H:%M:%S")
    return shown + (f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else "")


def write(folder: Path, columns: list[str], values: list[dict[str, str]]) -> None:
    """A Delta table of one row for each value of its partition columns."""
    (folder / "_delta_log").mkdir(parents=True)
    fields = [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]
    for column in columns:
        kind = "timestamp" if column == "at" else "string"
        fields.append({"name": column, "type": kind, "nullable": True, "metadata": {}})
    actions: list[dict[str, Any]] = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {
            "metaData": {
                "id": "5c4a3f0e-0000-4000-8000-000000000031",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": columns,
                "configuration": {},
                "createdTime": 0,
            }
        },
    ]
    for i, partition in enumerate(values):
        path = folder / f"part-{i}.parquet"
        pq.write_table(pa.table({"id": pa.array([i], pa.int64())}), path)
        actions.append(
            {
                "add": {
                    "path": path.name,
                    "partitionValues": partition,
                    "size": path.stat().st_size,
                    "modificationTime": 0,
                    "dataChange": True,
                    "stats": json.dumps({"numRecords": 1}),
                }
            }
        )
    log = folder / "_delta_log" / f"{0:020}.json"
    log.write_text("\n".join(json.dumps(action) for action in actions) + "\n", "utf-8")


def partitions(local: LocalRun) -> dict[str, int]:
    """Partition -> the id of its row, as PyODPS reads them."""
    table = local.sandbox.odps().get_table("events")
    rows = {}
    for partition in table.partitions:
        with table.open_reader(partition=partition.name) as reader:
            rows[partition.partition_spec["at"]] = next(iter(reader))[0]
    return rows


@pytest.mark.parametrize("zone", [None, ZONE])
def test_values_without_a_zone_are_those_of_the_zone_that_is_told(
    local: LocalRun, tmp_path: Path, zone: str | None
) -> None:
    values = [*ZONELESS, ZONED]
    write(tmp_path / "events", ["at"], [{"at": value} for value in values])
    local.table(tmp_path / "events", "events")
    if zone:
        local.config["source"]["legacy_partition_time_zone"] = zone

    for _ in range(2):  # what was not read again is still warned of
        sync = local.run("sync")
        assert sync.code == 0, sync.err
        assert sync.of("sync")[0]["warnings"] == 1
        assert 'partition column at: values such as "2024-' in sync.err
        assert f"taken as those of {zone}" in sync.err if zone else "taken as UTC" in sync.err
    assert "no time zone" in sync.of("source_table")[0]["warning"]

    planned = local.plan()["events"]
    assert any(f"{zone or 'UTC'}" in line for line in planned["warnings"]), planned["warnings"]
    run = local.run()
    assert run.code == 0, run.out + run.err
    expected = {text(in_utc(value, zone or "UTC")): i for i, value in enumerate(values)}
    assert partitions(local) == expected
    if zone:
        assert expected["2024-01-01 11:11:11"] == 0
        assert expected["2024-11-03 08:30:00"] == 2


@pytest.mark.parametrize("zone", [None, ZONE])
def test_so_are_those_of_a_level_that_becomes_a_column(
    local: LocalRun, tmp_path: Path, zone: str | None
) -> None:
    values = [*ZONELESS, ZONED]
    rows = [{"region": "eu", "at": value} for value in values]
    rows.append({"region": "eu", "at": ""})
    write(tmp_path / "events", ["region", "at"], rows)
    local.table(tmp_path / "events", "events")
    local.config["policy"]["max_partition_levels"] = 1
    if zone:
        local.config["source"]["legacy_partition_time_zone"] = zone
    planned = local.plan()["events"]
    assert any("partition column at" in line for line in planned["warnings"]), planned["warnings"]
    run = local.run()
    assert run.code == 0, run.out + run.err
    table = local.sandbox.odps().get_table("events")
    with table.open_reader(partition="region=eu", arrow=True) as reader:
        arrived = reader.read_all().to_pydict()
    moments = {}
    for row, moment in zip(arrived["id"], arrived["at"], strict=True):
        moments[row] = moment and moment.replace(tzinfo=timezone.utc).timestamp()
    expected: dict[int, float | None] = {
        i: in_utc(value, zone or "UTC").timestamp() for i, value in enumerate(values)
    }
    expected[len(values)] = None
    assert moments == expected
    assert local.report()["events"]["verdict"] == "Match"


def test_a_zone_that_does_not_exist_is_refused_by_its_key(local: LocalRun, tmp_path: Path) -> None:
    write(tmp_path / "events", ["at"], [{"at": ZONED}])
    local.table(tmp_path / "events", "events")
    local.config["source"]["legacy_partition_time_zone"] = "Mars/Olympus"
    refused = local.run("plan")
    assert refused.code == 3, refused.out + refused.err
    assert "legacy_partition_time_zone must name a time zone" in refused.err
    local.config["source"]["legacy_partition_time_zone"] = ZONE
    sync = local.run("sync")
    assert sync.of("sync")[0]["warnings"] == 0
    assert sync.of("source_table")[0]["warning"] is None
