"""A table that was dropped at the target after `mms run` had copied into it: the plan says that it
is made again with all its rows, and run does that, also in the midst of a run that was killed.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun
from sync_test import rows


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    write_deltalake(str(tmp_path / "orders"), rows({"a": 3, "b": 4}), partition_by=["p"])
    made = LocalRun(mms_bin, sandbox, tmp_path)
    made.table(tmp_path / "orders", "orders")
    return made


def counts(local: LocalRun) -> dict[str, int]:
    table = local.sandbox.odps().get_table("orders")
    found = {}
    for partition in table.partitions:
        with table.open_reader(partition=partition.name) as reader:
            found[partition.name] = reader.count
    return found


def assert_whole(local: LocalRun, *wanted: int) -> None:
    assert list(counts(local).values()) == list(wanted)
    report = local.report()["orders"]
    assert (report["verdict"], report["rows_target"]) == ("Match", sum(wanted)), report


def test_it_is_made_again_with_all_its_rows_as_the_plan_says(
    local: LocalRun, tmp_path: Path
) -> None:
    assert local.run().code == 0
    local.sandbox.odps().delete_table("orders")
    write_deltalake(str(tmp_path / "orders"), rows({"b": 1}), mode="append")
    planned = local.plan()["orders"]
    assert any("is not there any more" in text for text in planned["warnings"]), planned
    assert planned["units"] == 2, planned
    done = local.run()
    assert done.code == 0, done.out + done.err
    assert_whole(local, 3, 5)


def test_what_was_left_out_meanwhile_is_not_taken_for_copied(
    local: LocalRun, tmp_path: Path
) -> None:
    assert local.run().code == 0
    local.sandbox.odps().delete_table("orders")
    local.config["tables"][0]["partitions"] = "p = 'b'"
    done = local.run()
    assert done.code == 0, done.out + done.err
    assert_whole(local, 4)
    del local.config["tables"][0]["partitions"]
    done = local.run()
    assert done.code == 0, done.out + done.err
    assert_whole(local, 3, 4)


def test_a_run_that_was_killed_goes_on_with_all_of_it(local: LocalRun) -> None:
    local.config["policy"]["tasks"] = 1
    killed = local.run(fault="after committed")
    assert killed.code == -signal.SIGKILL, killed.out + killed.err
    local.sandbox.odps().delete_table("orders")
    done = local.run()
    assert done.code == 0, done.out + done.err
    assert_whole(local, 3, 4)
