"""A state folder that cannot be written: full, or read-only. The run ends by itself with an error
that names it, loses nothing that was done, and the same command goes on once there is room.

Folders of a fixed size are file systems in memory, which only root may mount: skipped elsewhere.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Sandbox, fill, start_sandbox, stop_sandbox
from crash_case import Case, Source, describe, faults_fired, make_rows, set_faults
from deltalake import write_deltalake


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    lake = tmp_path_factory.mktemp("lake")
    write_deltalake(lake / "many", make_rows(0, 600, 60), partition_by=["part"])
    write_deltalake(lake / "keyed", make_rows(0, 300, 3), partition_by=["part"])
    return [
        describe("many", lake / "many"),
        describe("keyed", lake / "keyed", kind="pk_delta", primary_key=["id"]),
    ]


@pytest.fixture(scope="module")
def target(mms_bin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    server = start_sandbox(mms_bin, tmp_path_factory.mktemp("disk") / "sandbox")
    try:
        yield server
    finally:
        stop_sandbox(server)


@pytest.fixture
def case(
    mms_bin: str,
    target: Sandbox,
    sources: list[Source],
    disk: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Case]:
    folder = tmp_path / f"d{abs(hash(request.node.nodeid)) % 10**9}"
    folder.mkdir()
    case = Case(mms_bin, target, sources, folder)
    case.state = disk / "state"
    case.config["state"] = str(case.state)
    yield case
    set_faults(target)


def ends_for_the_disk(case: Case, code: int) -> None:
    assert code not in (0, 1) and code > 0, case.log()
    assert "STATE_DISK_FULL" in case.log()


@pytest.mark.parametrize("left_kb", [0, 50, 100, 200])
def test_a_run_on_a_full_disk_ends_by_name_and_goes_on_when_there_is_room(
    case: Case, disk: Path, left_kb: int
) -> None:
    fill(disk, left_kb)
    ends_for_the_disk(case, case.start().wait(timeout=60))
    (disk / "filler").unlink()
    before = case.units()
    case.finish()
    case.check(before)


@pytest.mark.parametrize("call", ["create_upload", "put_block", "commit_upload", "submit_instance"])
def test_a_disk_that_fills_up_while_a_call_is_out_costs_no_row(
    case: Case, disk: Path, call: str
) -> None:
    set_faults(case.target, {"call": call, "nth": 5, "delay_ms": 300})
    process = case.start()
    try:
        while not faults_fired(case.target):
            assert process.poll() is None, case.log()
            time.sleep(0.002)  # for the call to come
        fill(disk, 0)
        ends_for_the_disk(case, process.wait(timeout=60))
    finally:
        process.kill()
        process.wait(timeout=20)
    (disk / "filler").unlink()
    before = case.units()
    case.finish()
    case.check(before)


def test_a_read_only_state_folder_is_named_and_nothing_is_begun(
    case: Case, disk: Path, remount: Callable[[str], None]
) -> None:
    assert case.start(fault="after committed:3").wait(timeout=60) < 0
    before = case.units()
    remount("ro")
    code = case.start().wait(timeout=60)
    remount("rw")
    assert code not in (0, 1) and code > 0, case.log()
    assert "STATE_NOT_WRITABLE" in case.log()
    assert case.units() == before
    case.finish()
    case.check(before)


@pytest.fixture
def remount(disk: Path) -> Callable[[str], None]:
    return lambda mode: subprocess.run(
        ["mount", "-o", f"remount,{mode}", str(disk)], check=True
    ) and None
