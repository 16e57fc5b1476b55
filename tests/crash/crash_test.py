"""Exactly once, whatever dies when.

`mms run` is killed with SIGKILL at random moments (itself or one of its workers), then the same
command is run again until it is done. Each case copies the same Delta tables into tables of its own
and must end with exit code 0, every table `Match`, rows counted and summed through PyODPS as at the
source (none lost, none doubled), every partition that was committed before the kill untouched (same
generation, same upload session in the ledger), and no more blocks sent again than were under way.
Crashes at named points are those of points_test.py.

MMS_CRASH_SEED repeats a series of random moments; the seed is printed with every failure.
MMS_CRASH_KILLS sets how many (10); `make chaos` makes 300, and holds the next run to the seconds
within which it is to begin.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import Sandbox, start_sandbox, stop_sandbox
from crash_case import (
    COMMITTED,
    COMMITTING,
    SEED,
    VERIFIED,
    Case,
    Source,
    calls_of,
    children_of,
    describe,
    faults_fired,
    is_alive,
    make_rows,
    set_faults,
    wait_until_dead,
)
from deltalake import DeltaTable, write_deltalake

KILLS = int(os.environ.get("MMS_CRASH_KILLS", "10"))
MATCH = 1  # of src/migration/ledger/ledger.h
THOROUGH = os.environ.get("MMS_CHAOS", "") == "1"
BEGIN_MAX_S = 5
SESSIONS = 4
WORKERS = 2
WORKER_THREADS = 8
NUMBERS = itertools.count(1)  # of target tables


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Many small partitions; several files, hence blocks; files that rows were deleted from; a PK
    table, which goes by a staging table."""
    lake = tmp_path_factory.mktemp("lake")
    write_deltalake(lake / "many", make_rows(0, 6000, 60), partition_by=["part"])
    for first in range(0, 400_000, 100_000):
        write_deltalake(lake / "files", make_rows(first, 100_000, 1), mode="append")
    write_deltalake(lake / "pruned", make_rows(0, 4000, 8), partition_by=["part"])
    DeltaTable(lake / "pruned").delete("part = 'p003' OR id < 100")
    write_deltalake(lake / "keyed", make_rows(0, 400, 4), partition_by=["part"])
    return [
        *(describe(name, lake / name) for name in ("many", "files", "pruned")),
        describe("keyed", lake / "keyed", kind="pk_delta", primary_key=["id"]),
    ]


@pytest.fixture(scope="module")
def target(mms_bin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    server = start_sandbox(mms_bin, tmp_path_factory.mktemp("crash") / "sandbox")
    try:
        yield server
    finally:
        stop_sandbox(server)


@pytest.fixture
def make_case(
    mms_bin: str, target: Sandbox, sources: list[Source], tmp_path: Path
) -> Callable[[], Case]:
    def make() -> Case:
        folder = tmp_path / f"c{next(NUMBERS)}"
        folder.mkdir()
        case = Case(mms_bin, target, sources, folder)
        case.config["policy"]["sessions"] = SESSIONS
        return case

    return make


@pytest.fixture
def case(make_case: Callable[[], Case]) -> Case:
    return make_case()


@pytest.fixture(scope="module")
def duration_s(
    mms_bin: str, target: Sandbox, sources: list[Source], tmp_path_factory: pytest.TempPathFactory
) -> float:
    """How long an undisturbed run takes: the moments are spread over it. The first warms up."""
    taken = []
    for name in ("cold", "warm"):
        undisturbed = Case(mms_bin, target, sources, tmp_path_factory.mktemp(name))
        start = time.monotonic()
        assert undisturbed.start().wait(timeout=180) == 0, undisturbed.log()
        taken.append(time.monotonic() - start)
        undisturbed.check({})
    return min(taken)


@dataclass
class Figures:
    """What the random kills cost, printed at the end (pytest -s shows it)."""

    parents: int = 0
    workers: int = 0
    begin_s: list[float] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    sent_again: dict[str, list[int]] = field(default_factory=lambda: {"parent": [], "worker": []})

    def __str__(self) -> str:
        lines = [f"seed {SEED}: {self.parents} kills of the parent, {self.workers} of a worker"]
        if self.begin_s:
            lines.append(
                f"the next run begins its work after {max(self.begin_s):.3f} s at most "
                f"(median {statistics.median(self.begin_s):.3f} s), "
                f"ends after {max(self.whole_s):.2f} s at most"
            )
        for victim, blocks in self.sent_again.items():
            if blocks:
                lines.append(
                    f"a kill of a {victim}: {max(blocks)} blocks sent again at most, "
                    f"{statistics.mean(blocks):.2f} on average"
                )
        return "\n".join(lines)


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    found = Figures()
    yield found
    print(f"\n{found}")


def kill_at_random(
    make_case: Callable[[], Case], duration_s: float, moment: random.Random, victim: str
) -> tuple[Case, dict[str, int], int | None]:
    """A case whose run was struck while it ran: the calls before it, and the code it ended with."""
    while True:
        case = make_case()
        calls = calls_of(case.target)
        process = case.start()
        workers: list[int] = []
        deadline = time.monotonic() + moment.uniform(0.02, 1.0) * duration_s
        while process.poll() is None and (
            time.monotonic() < deadline or (victim == "worker" and not workers)
        ):
            workers = children_of(process.pid) or workers
            time.sleep(0.002)
        struck = moment.choice(workers) if victim == "worker" and workers else process.pid
        if not is_alive(struck):
            process.wait(timeout=180)
            continue  # too late: it had ended
        os.kill(struck, signal.SIGKILL)
        code = process.wait(timeout=180)
        if victim == "worker":
            assert code == 0, f"seed {SEED}: {case.log()}"
        elif code != -signal.SIGKILL:
            continue  # too late, by a hair
        wait_until_dead(workers)
        return case, calls, code


def resume(case: Case, figures: Figures) -> None:
    """Runs the same command until it is done, and notes when its first call came to the target."""
    known = calls_of(case.target)
    start = time.monotonic()
    process = case.start()
    seen = known
    while process.poll() is None and seen == known:
        seen = {**calls_of(case.target), "get_counters": known["get_counters"]}
    figures.begin_s.append(time.monotonic() - start)
    process.wait(timeout=180)
    if process.returncode != 0:
        case.finish()
    figures.whole_s.append(time.monotonic() - start)


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_kill_at_a_random_moment_loses_and_doubles_nothing(
    make_case: Callable[[], Case], duration_s: float, figures: Figures, kill: int
) -> None:
    victim = "worker" if kill % 3 == 2 else "parent"
    moment = random.Random(SEED * 1000 + kill)
    case, calls, _ = kill_at_random(make_case, duration_s, moment, victim)
    before = {} if victim == "worker" else case.units()
    noted = {} if victim == "worker" else case.noted_blocks()
    if victim == "parent":
        resume(case, figures)
        figures.parents += 1
        if THOROUGH:  # elsewhere a busy machine decides nothing
            assert figures.begin_s[-1] <= BEGIN_MAX_S, f"seed {SEED}"
    else:
        figures.workers += 1
    case.check(before)
    sent = calls_of(case.target)["put_block"] - calls.get("put_block", 0)
    again = sent - sum(case.blocks().values())
    figures.sent_again[victim].append(again)
    # What workers had in hand, and what was sent while the ledger's note was on its way to disk.
    most = WORKER_THREADS if victim == "worker" else WORKERS * WORKER_THREADS + SESSIONS
    assert 0 <= again <= most, f"seed {SEED}: {again} blocks sent again, {most} may be"
    for key in noted:
        kept = case.units()[key][1:] == before[key][1:]
        assert kept, f"seed {SEED}: {key} is not gone on with in its session"


def test_a_crash_after_the_service_committed_does_not_commit_a_second_session(case: Case) -> None:
    assert case.start(fault="after commit upload").wait(timeout=180) == -signal.SIGKILL, case.log()
    before = case.units()
    waiting = {key: unit for key, unit in before.items() if unit[0] == COMMITTING}
    assert waiting, "the crash left no unit whose commit the ledger does not know of"
    case.finish()
    after = case.units()
    for key, (_, generation, session) in waiting.items():
        assert after[key] == (VERIFIED, generation, session)
    case.check(before)


def test_a_crash_while_blocks_are_sent_goes_on_behind_those_that_were_noted(case: Case) -> None:
    assert case.start(fault="after note block:3").wait(timeout=180) == -signal.SIGKILL
    before = case.units()
    noted = case.noted_blocks()
    assert sum(noted.values()) >= 3
    calls = calls_of(case.target)
    case.finish()
    after = case.units()
    for key in noted:
        assert after[key][1:] == before[key][1:], "the same generation in the same session"
    sent = calls_of(case.target)["put_block"] - calls["put_block"]
    open_units = {key for key, unit in before.items() if unit[0] < COMMITTING}
    to_send = sum(count for key, count in case.blocks().items() if key in open_units)
    assert sent <= to_send - sum(noted.values()), "no block that was noted is sent again"
    case.check(before)


@pytest.mark.parametrize("levels", [("none", "checksum"), ("checksum", "count")])
def test_blocks_without_the_checksum_that_is_wanted_are_sent_again(
    case: Case, levels: tuple[str, str]
) -> None:
    case.config["policy"]["verify"] = levels[0]
    assert case.start(fault="after note block:3").wait(timeout=180) == -signal.SIGKILL
    noted = case.noted_blocks()
    case.config["policy"]["verify"] = levels[1]
    case.finish()
    verdicts = {
        (table, partition): verdict
        for table, partition, verdict in case.query(
            "SELECT t.target_table, u.partition, u.verdict FROM units u "
            "JOIN tables t ON t.id = u.table_id"
        )
    }
    assert {verdicts[key] for key in noted} == {MATCH}


def test_a_session_that_has_ended_is_not_gone_on_with(case: Case) -> None:
    assert case.start(fault="after note block:3").wait(timeout=180) == -signal.SIGKILL
    before = case.units()
    noted = case.noted_blocks()
    set_faults(case.target, {"call": "get_upload", "nth": 1, "session_gone": True})
    case.finish()
    assert faults_fired(case.target) == 1
    set_faults(case.target)
    after = case.units()
    anew = [key for key in noted if after[key][2] != before[key][2]]
    assert len(anew) == 1, "one session was lost"
    log = (case.file.parent / "log").read_text("utf-8")
    assert f"upload session {before[anew[0]][2]} cannot be gone on with: " in log
    assert after[anew[0]][1] == before[anew[0]][1] + 1
    case.check(before)


def test_crashes_one_after_another_still_end_right(case: Case) -> None:
    for count in (2, 9, 17, 30):
        code = case.start(fault=f"before commit upload:{count}").wait(timeout=180)
        assert code in (0, -signal.SIGKILL), case.log()
    before = case.units()
    case.finish()
    case.check(before)


def test_a_second_run_copies_nothing(case: Case) -> None:
    case.finish()
    before = case.units()
    case.finish()
    assert case.units() == before
    case.check(before)


def make_moving(folder: Path) -> Source:
    """A table of 10 partitions and 1,000 rows that its writers go on to change."""
    write_deltalake(folder, make_rows(0, 1000, 10), partition_by=["part"])
    return describe("moving", folder)


def interrupted(mms_bin: str, target: Sandbox, source: Source, folder: Path) -> Case:
    case = Case(mms_bin, target, [source], folder)
    case.config["policy"]["sessions"] = 1  # one partition after another: most are not begun yet
    assert case.start(fault="after committed:4").wait(timeout=180) == -signal.SIGKILL, case.log()
    states = sorted(state for state, _, _ in case.units().values())
    assert states[0] < COMMITTING and states[-1] >= COMMITTED
    return case


def test_a_resumed_table_is_the_version_it_began_with_and_a_later_run_brings_the_changes(
    mms_bin: str, target: Sandbox, tmp_path: Path
) -> None:
    source = make_moving(tmp_path / "moving")
    folder = tmp_path / "pinned"
    folder.mkdir()
    case = interrupted(mms_bin, target, source, folder)
    before = case.units()
    write_deltalake(source.folder, make_rows(1000, 5, 1), mode="append")  # into p000
    DeltaTable(source.folder).delete("part = 'p007'")
    case.finish()
    case.check(before)  # still the first version
    assert case.report()[case.table(source)]["version"] == 0

    first = case.units()
    newest = describe("moving", source.folder)
    case.sources = [newest]
    case.finish()
    case.check({})
    assert case.report()[case.table(source)]["version"] == DeltaTable(source.folder).version()
    changed = {key[1] for key, unit in case.units().items() if unit != first[key]}
    assert changed == {"part=p000", "part=p007"}, "only what changed is copied again"


def test_a_table_whose_pinned_files_are_gone_is_planned_at_the_newest_version(
    mms_bin: str, target: Sandbox, tmp_path: Path
) -> None:
    source = make_moving(tmp_path / "moving")
    folder = tmp_path / "vacuumed"
    folder.mkdir()
    case = interrupted(mms_bin, target, source, folder)
    write_deltalake(
        source.folder, make_rows(5000, 600, 6), mode="overwrite", partition_by=["part"]
    )
    table = DeltaTable(source.folder)
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    case.sources = [describe("moving", source.folder)]
    case.finish()
    # Partitions that the first plan made, and that left the source before they were loaded.
    case.check({}, verdict="ExtraInTarget")
    report = case.report()[case.table(source)]
    assert report["version"] == table.version()
    assert report["rows_target"] == 600, "partitions that are gone at the source are empty"
