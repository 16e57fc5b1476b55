"""A plan that was frozen into a file and is run: exactly that, or a stop before any table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Outcome, Sandbox
from deltalake import DeltaTable, write_deltalake
from local_run import LocalRun


class Frozen(LocalRun):
    """`mms plan --out`, and `mms run` of what it wrote."""

    def __init__(self, binary: str, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(binary, sandbox, folder)
        self.path = folder / "plan.json"

    def freeze(self) -> dict[str, Any]:
        done = self.run("plan", "--out", str(self.path))
        assert done.code in (0, 4), done.out + done.err
        return json.loads(self.path.read_text("utf-8"))

    def run_plan(self, *arguments: str, fault: str = "") -> Outcome:
        environment = {**os.environ, "MMS_TEST_SECRET": self.sandbox.secret}
        environment.pop("MMS_FAULT", None)
        if fault:
            environment["MMS_FAULT"] = fault
        done = subprocess.run(
            [self.binary, "run", str(self.path), "--json", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            timeout=240,
            check=False,
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Outcome(done.returncode, done.stdout, done.stderr, events)

    def refused(self, code: str, *arguments: str) -> str:
        """The message of a run that stopped with `code`, having made nothing."""
        before = self.at_target()
        done = self.run_plan(*arguments)
        assert done.code == 3, done.out + done.err
        error = done.of("error")[-1]
        assert error["code"] == code, error
        assert self.at_target() == before
        return error["where"] + ": " + error["message"]

    def at_target(self) -> list[str]:
        return sorted(table.name for table in self.sandbox.odps().list_tables())

    def ids(self, table: str) -> list[int]:
        with self.sandbox.odps().get_table(table).open_reader() as reader:
            return sorted(record["id"] for record in reader)


@pytest.fixture
def frozen(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> Frozen:
    return Frozen(mms_bin, sandbox, tmp_path)


def rows(*ids: int) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.int64()), "note": pa.array([f"n{i}" for i in ids])})


def test_what_was_frozen_is_copied_whatever_was_written_since(
    frozen: Frozen, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        write_deltalake(tmp_path / name, rows(1, 2))
        frozen.table(tmp_path / name, name)
    document = frozen.freeze()
    assert [table["target_table"] for table in document["tables"]] == ["one", "two"]
    assert document["tables"][0]["columns"] == [
        "id BIGINT -> id BIGINT",
        "note STRING -> note STRING",
    ]
    assert (document["tables"][0]["version"], document["tables"][0]["units"]) == (0, 1)
    assert frozen.sandbox.secret not in frozen.path.read_text("utf-8")
    write_deltalake(tmp_path / "one", rows(3), mode="append")
    write_deltalake(tmp_path / "three", rows(9))  # chosen by the file today, not by the plan
    frozen.table(tmp_path / "three", "three")
    frozen.file.write_text(json.dumps(frozen.config), "utf-8")
    done = frozen.run_plan("-f", str(frozen.file))
    assert done.code == 0, done.out + done.err
    assert done.of("summary")[0]["verdicts"]["Match"] == 2
    assert frozen.at_target() == ["one", "two"]
    assert frozen.ids("one") == [1, 2]
    again = frozen.run_plan("-f", str(frozen.file))
    assert again.code == 0 and frozen.ids("one") == [1, 2]


def test_the_migration_file_is_the_one_of_then_or_is_named(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", rows(1))
    frozen.table(tmp_path / "one", "one")
    frozen.freeze()
    frozen.config["policy"]["tasks"] = 3
    frozen.file.write_text(json.dumps(frozen.config), "utf-8")
    assert "--config" in frozen.refused("PLAN_CONFIG_CHANGED")
    frozen.config["policy"]["on_long_value"] = "truncate"
    frozen.file.write_text(json.dumps(frozen.config), "utf-8")
    text = frozen.refused("PLAN_DIFFERS", "--config", str(frozen.file))
    assert "one" in text and "policy" in text
    del frozen.config["policy"]["on_long_value"]
    frozen.file.write_text(json.dumps(frozen.config), "utf-8")
    done = frozen.run_plan("--config", str(frozen.file))
    assert done.code == 0, done.out + done.err


@pytest.mark.parametrize("damage", ["flip", "cut", "none", "line", "later"])
def test_an_edited_plan_is_not_run(frozen: Frozen, tmp_path: Path, damage: str) -> None:
    write_deltalake(tmp_path / "one", rows(1))
    frozen.table(tmp_path / "one", "one")
    frozen.freeze()
    text = frozen.path.read_text("utf-8")
    changed = {
        "flip": text.replace('"version":0', '"version":1'),
        "cut": text[: len(text) // 2],
        "none": '{"some": "json"}\n',
        "line": text + "\n",
        "later": text.replace('"schema":1', '"schema":2'),
    }[damage]
    assert changed != text
    frozen.path.write_text(changed, "utf-8")
    if damage == "later":
        assert frozen.run_plan().of("error")[-1]["code"] == "PLAN_FORMAT"
    else:
        assert "plan.json" in frozen.refused("PLAN_CHANGED")


def test_another_target_or_a_changed_one_stops_it(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", rows(1))
    frozen.table(tmp_path / "one", "one")
    frozen.freeze()
    odps = frozen.sandbox.odps()
    odps.create_table("one", "id bigint, note string")
    text = frozen.refused("PLAN_DIFFERS")
    assert "one" in text and "is there now" in text
    frozen.freeze()
    odps.delete_table("one")
    odps.create_table("one", "id bigint, note string, more string")
    frozen.config["policy"]["on_missing_column"] = "null"
    assert "one" in frozen.refused("PLAN_DIFFERS")
    frozen.config["target"]["endpoint"] = frozen.config["target"]["endpoint"].replace(
        "127.0.0.1", "localhost"
    )
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps(frozen.config), "utf-8")
    assert "localhost" in frozen.refused("PLAN_OTHER_TARGET", "--config", str(other))


def test_a_version_that_is_gone_or_of_another_table_stops_it(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", rows(1))
    write_deltalake(tmp_path / "two", rows(1))
    frozen.table(tmp_path / "one", "one")
    frozen.table(tmp_path / "two", "two")
    frozen.freeze()
    write_deltalake(tmp_path / "two", rows(2), mode="overwrite")
    (tmp_path / "two" / "_delta_log" / f"{0:020}.json").rename(tmp_path / "log0")
    assert "two" in frozen.refused("PLAN_VERSION_GONE")
    (tmp_path / "log0").rename(tmp_path / "two" / "_delta_log" / f"{0:020}.json")
    os.rename(tmp_path / "one", tmp_path / "before")
    write_deltalake(tmp_path / "one", rows(1))
    text = frozen.refused("PLAN_DIFFERS")
    assert "one" in text and "another table" in text


def test_no_newer_version_is_taken_for_files_that_are_gone(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", rows(1))
    frozen.table(tmp_path / "one", "one")
    frozen.freeze()
    write_deltalake(tmp_path / "one", rows(2), mode="overwrite")
    table = DeltaTable(tmp_path / "one")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    done = frozen.run_plan()
    assert done.code == 3, done.out + done.err
    assert done.of("summary")[0]["verdicts"]["Failed"] == 1
    assert frozen.at_target() == ["one"] and frozen.ids("one") == []
    assert frozen.run().code == 0, "without a plan the newest version is copied"
    assert frozen.ids("one") == [2]


def test_an_older_plan_does_not_bring_back_what_a_later_run_replaced(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", rows(1))
    frozen.table(tmp_path / "one", "one")
    frozen.freeze()
    assert frozen.run_plan().code == 0
    write_deltalake(tmp_path / "one", rows(2), mode="append")
    older = frozen.path.read_text("utf-8")
    frozen.freeze()
    assert frozen.run_plan().code == 0
    assert frozen.ids("one") == [1, 2]
    frozen.path.write_text(older, "utf-8")
    assert "version 1, the plan has version 0" in frozen.refused("PLAN_DIFFERS")
    assert frozen.ids("one") == [1, 2]


def test_a_new_plan_is_of_the_newest_version_as_long_as_nothing_was_begun(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", rows(1))
    frozen.table(tmp_path / "one", "one")
    assert frozen.freeze()["tables"][0]["version"] == 0
    write_deltalake(tmp_path / "one", rows(2), mode="append")
    assert frozen.plan()["one"]["version"] == 0, "a plan without --out keeps what was planned"
    assert frozen.freeze()["tables"][0]["version"] == 1
    killed = frozen.run_plan(fault="after first block")
    assert killed.code == -signal.SIGKILL
    write_deltalake(tmp_path / "one", rows(3), mode="append")
    assert frozen.freeze()["tables"][0]["version"] == 1, "what was begun is finished"
    assert frozen.run_plan().code == 0
    assert frozen.ids("one") == [1, 2]


def test_a_killed_run_of_a_plan_goes_on_by_the_same_command(
    frozen: Frozen, tmp_path: Path
) -> None:
    table = pa.table(
        {"id": pa.array(range(6), pa.int64()), "day": pa.array([f"d{i}" for i in range(6)])}
    )
    write_deltalake(tmp_path / "parts", table, partition_by=["day"])
    frozen.table(tmp_path / "parts", "parts")
    assert frozen.freeze()["tables"][0]["units"] == 6
    killed = frozen.run_plan(fault="after committed:2")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    write_deltalake(tmp_path / "parts", table, partition_by=["day"], mode="append")
    done = frozen.run_plan()
    assert done.code == 0, done.out + done.err
    assert frozen.report()["parts"]["rows_target"] == 6
    assert frozen.run_plan().code == 0


def test_what_is_to_be_appended_is_appended_however_often_it_is_planned(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", rows(1, 2))
    frozen.table(tmp_path / "one", "one")
    assert frozen.run().code == 0
    write_deltalake(tmp_path / "one", rows(3), mode="append")
    for _ in range(2):
        (planned,) = frozen.freeze()["tables"]
        assert (planned["appends"], planned["version"]) == (True, 1)
    new_bytes = frozen.plan()["one"]["bytes"]
    killed = frozen.run_plan(fault="after first block")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    done = frozen.run_plan()
    assert done.code == 0, done.out + done.err
    assert frozen.ids("one") == [1, 2, 3]
    assert frozen.report()["one"]["bytes"] == new_bytes, "only what is new was read"


def test_partitions_that_are_dropped_are_in_the_plan_and_a_killed_run_goes_on(
    frozen: Frozen, tmp_path: Path
) -> None:
    table = pa.table({"id": pa.array(range(4), pa.int64()), "day": ["d0", "d1", "d2", "d3"]})
    write_deltalake(tmp_path / "parts", table, partition_by=["day"])
    frozen.table(tmp_path / "parts", "parts")
    frozen.config["policy"]["on_dropped_partition"] = "drop"
    assert frozen.run().code == 0
    DeltaTable(tmp_path / "parts").delete("day = 'd1'")
    write_deltalake(tmp_path / "parts", table.slice(2, 1), partition_by=["day"], mode="append")
    (planned,) = frozen.freeze()["tables"]
    assert (planned["dropped"], planned["units"], planned["units_committed"]) == (1, 3, 2)
    left = {"dropped": 1, "emptied": 0, "extra": 0, "kept": 0}
    assert frozen.plan()["parts"]["left_partitions"] == left
    text = frozen.text("plan", "--ddl")
    assert "left the source: 1 partition; 1 to be dropped" in text
    assert "DROP IF EXISTS" in text and text.count("d1") == 1
    killed = frozen.run_plan(fault="after drop partitions")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    killed = frozen.run_plan(fault="after first block")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    done = frozen.run_plan()
    assert done.code == 0, done.out + done.err
    partitions = frozen.sandbox.odps().get_table("parts").partitions
    assert sorted(part.name for part in partitions) == ["day='d0'", "day='d2'", "day='d3'"]
    assert frozen.report()["parts"]["rows_target"] == 4


def test_refused_tables_are_left_out_by_name_and_the_others_run(
    frozen: Frozen, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "good", rows(1))
    write_deltalake(tmp_path / "bad", rows(1).rename_columns(["id", "no-te"]))
    frozen.table(tmp_path / "good", "good")
    frozen.table(tmp_path / "bad", "bad")
    document = frozen.freeze()
    left_out = [table for table in document["tables"] if "left_out" in table]
    assert [table["left_out"] for table in left_out] == ["NAME_INVALID"]
    assert left_out[0]["source"].endswith("/bad")
    done = frozen.run_plan()
    assert done.code == 0, done.out + done.err
    assert frozen.at_target() == ["good"]
