"""A crash at every point that the product names, and with every call that changes something on its
way.

The points come from the binary (`mms version --json`): before, during and after each write to the
ledger; before and after each call to MaxCompute; what the workflow has between those. One that no
run here reaches fails its test, so a new one cannot be left out. `During` a call is the peer's to
make: the sandbox holds the call, its sender dies, and the call is carried out late, while the next
run is on its way or done.

After each crash the same command must end with 0, every table `Match`, its rows counted and summed
through PyODPS as at the source, and what was committed before untouched.

MMS_CHAOS=1 crashes at several passings of each point and at each statement of a run, as `make
chaos` does; otherwise a late passing is taken, or the only one.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import REPOSITORY, Sandbox, start_sandbox, stop_sandbox
from crash_case import (
    SEED,
    Case,
    Source,
    children_of,
    describe,
    faults_fired,
    make_rows,
    set_faults,
    wait_until_dead,
)
from deltalake import write_deltalake

NUMBERS = itertools.count(1)  # of target tables
THOROUGH = os.environ.get("MMS_CHAOS", "") == "1"
PASSINGS = [1, 2, 3, 6] if THOROUGH else [3, 1]
LATE_MS = 600
# Steps that `mms run` itself does not take, and who does.
ELSEWHERE = {
    "fetch project": "mms check",
    "list schemas": "a destination schema: tests/peers/target_schema_test.py crashes there",
    "list tables": "mms check",
    "make logview token": "a person who asks for a link",
    "cancel instance": "Ctrl-C",
    "put block": "a worker",
    "read rows": "a worker",
    "read instance rows": "a worker",
    "forget mismatches": "a retry: tests/peers/compare_again_test.py crashes there",
    "drop partitions": "a policy: tests/peers/dropped_partition_test.py crashes there",
    "remove unit": "a policy: tests/peers/dropped_partition_test.py crashes there",
}
# Of the calls that change something: as the sandbox's fault rules call them.
LATE_CALLS = {
    "submit sql": "submit_instance",
    "create upload": "create_upload",
    "put block": "put_block",
    "commit upload": "commit_upload",
    "create download": "create_download",
    "create instance download": "create_download",
    "cancel instance": None,
    "make logview token": None,
}


@dataclass
class Provoke:
    """What has to go wrong, or to be there, for a step to be taken at all."""

    rules: list[dict[str, Any]] = field(default_factory=list)
    plan_first: bool = False


PROVOKED = {
    "list instances": Provoke([{"call": "submit_instance", "nth": 2, "drop_answer": True}]),
    "fetch instance source": Provoke([{"call": "submit_instance", "nth": 2, "drop_answer": True}]),
    "fetch download": Provoke([{"call": "create_download", "initiating_ms": 100}]),
    "fetch instance download": Provoke([{"call": "create_download", "initiating_ms": 100}]),
    "set unit error": Provoke([{"call": "create_upload", "every": 2, "status": 403}]),
    "set table plan": Provoke(plan_first=True),
}


def fault_points() -> dict[str, list[str]]:
    binary = os.environ.get("MMS_BIN", str(REPOSITORY / "build/release/mms"))
    told = subprocess.run([binary, "version", "--json"], capture_output=True, text=True, check=True)
    points: dict[str, list[str]] = json.loads(told.stdout)["fault_points"]
    return points


POINTS = fault_points()
STEPS_ON_THE_WAY = [
    point
    for kind in ("ledger", "calls", "workflow")
    for point in POINTS[kind]
    if point.partition(" ")[2] not in ELSEWHERE
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Partitions, one of them without rows; several blocks; a PK table, which goes by staging; a
    table at the target that lacks a column."""
    lake = tmp_path_factory.mktemp("lake")
    write_deltalake(lake / "parts", make_rows(0, 600, 6), partition_by=["part"])
    add_empty_partition(lake / "parts")
    for first in range(0, 180_000, 60_000):
        write_deltalake(lake / "blocks", make_rows(first, 60_000, 1), mode="append")
    write_deltalake(lake / "keyed", make_rows(0, 300, 3), partition_by=["part"])
    write_deltalake(lake / "grown", make_rows(0, 300, 3))
    grown = "CREATE TABLE {table} (id BIGINT, amount DOUBLE, part STRING)"
    return [
        describe("parts", lake / "parts"),
        describe("blocks", lake / "blocks"),
        describe("keyed", lake / "keyed", kind="pk_delta", primary_key=["id"]),
        describe("grown", lake / "grown", before=grown),
    ]


def add_empty_partition(table: Path) -> None:
    file = table / "part=none" / "empty.parquet"
    file.parent.mkdir()
    pq.write_table(make_rows(0, 0, 1).drop_columns(["part"]), file)
    add = {"path": "part=none/empty.parquet", "partitionValues": {"part": "none"},
           "size": file.stat().st_size, "modificationTime": 0, "dataChange": True,
           "stats": json.dumps({"numRecords": 0})}
    log = table / "_delta_log" / f"{1:020}.json"
    log.write_text(json.dumps({"add": add}) + "\n", "utf-8")


@pytest.fixture(scope="module")
def target(mms_bin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    server = start_sandbox(mms_bin, tmp_path_factory.mktemp("points") / "sandbox")
    try:
        yield server
    finally:
        stop_sandbox(server)


class Cases:
    """Makes cases, each with tables of its own."""

    def __init__(self, binary: str, target: Sandbox, sources: list[Source], folder: Path) -> None:
        self.binary, self.target, self.sources, self.folder = binary, target, sources, folder

    def make(self, provoke: Provoke | None = None) -> Case:
        folder = self.folder / f"c{next(NUMBERS)}"
        folder.mkdir()
        set_faults(self.target)
        case = Case(self.binary, self.target, self.sources, folder)
        case.config["policy"] |= {"verify_by": "select", "on_extra_column": "add"}
        if provoke and provoke.plan_first:
            assert case.start(verb="plan").wait(timeout=60) == 0, case.log()
            # Of another kind, which loads alike: that is noted in the plan.
            self.target.odps().execute_sql(
                f"CREATE TABLE {case.table(self.sources[1])} "
                "(id BIGINT, amount DOUBLE, note STRING, part STRING) "
                "TBLPROPERTIES ('table.format.version'='2')",
                hints={"odps.table.append2.enable": "true"},
            )
        return case


@pytest.fixture
def cases(mms_bin: str, target: Sandbox, sources: list[Source], tmp_path: Path) -> Iterator[Cases]:
    yield Cases(mms_bin, target, sources, tmp_path)
    set_faults(target)


@pytest.mark.parametrize("point", STEPS_ON_THE_WAY)
def test_a_crash_at_each_point_is_resumed(cases: Cases, point: str) -> None:
    provoke = PROVOKED.get(point.partition(" ")[2], Provoke())
    reached = 0
    for passing in PASSINGS:
        case = cases.make(provoke)
        set_faults(cases.target, *provoke.rules)
        code = case.start(fault=f"{point}:{passing}").wait(timeout=60)
        if code != -signal.SIGKILL:
            assert code == 0 or provoke.rules, case.log()
            continue
        reached += 1
        set_faults(cases.target)
        before = case.units()
        case.finish()
        case.check(before)
        if not THOROUGH:
            return
    assert reached, f"no run comes to '{point}': give it a case, or say in ELSEWHERE who does"


def test_no_run_takes_the_steps_of_others(cases: Cases) -> None:
    case = cases.make()
    points = [f"{moment} {step}" for step in ELSEWHERE for moment in ("before", "after")]
    named = {*POINTS["calls"], *POINTS["ledger"], *POINTS["workflow"]}
    points = [point for point in points if point in named]
    assert {point.partition(" ")[2] for point in points} == ELSEWHERE.keys()
    assert case.start(fault=",".join(points)).wait(timeout=60) == 0, case.log()
    case.check({})


def late_cases() -> list[Any]:
    assert set(LATE_CALLS) == set(POINTS["late_calls"]), "a call that changes something has no case"
    found = []
    for call, name in LATE_CALLS.items():
        if name is None:
            continue
        times = 24 if call == "submit sql" else 7
        for number in range(1, 1 + (times if THOROUGH else 4 if call == "submit sql" else 1)):
            victims = ["worker", "parent"] if call == "put block" else ["parent"]
            found += [
                pytest.param(name, number, times, victim, id=f"{call}-{number}-{victim}")
                for victim in victims
            ]
    return found


@pytest.mark.parametrize(("call", "number", "times", "victim"), late_cases())
def test_a_call_that_is_carried_out_when_its_sender_is_dead_does_no_harm(
    cases: Cases, call: str, number: int, times: int, victim: str
) -> None:
    # Each of them, or by the seed some.
    nth = number if THOROUGH else random.Random(SEED + number).randrange(times) + 1
    case = cases.make()
    set_faults(cases.target, {"call": call, "nth": nth, "delay_ms": LATE_MS})
    process = case.start()
    while not faults_fired(cases.target) and process.poll() is None:
        time.sleep(0.002)  # for the call to come
    late = time.monotonic() + LATE_MS / 1000
    if process.poll() is not None:  # fewer such calls in a run
        assert process.returncode == 0, case.log()
        case.check({})
        return
    workers = children_of(process.pid)
    if victim == "worker":
        for worker in workers:  # one of them has sent it
            os.kill(worker, signal.SIGKILL)
        assert process.wait(timeout=60) == 0, f"seed {SEED}: {case.log()}"
        case.check({})
        return
    process.kill()
    process.wait(timeout=20)
    wait_until_dead(workers)
    before = case.units()
    case.finish()
    case.check(before)
    while time.monotonic() < late + 0.1:  # for the late call
        time.sleep(0.01)
    case.check(before)
