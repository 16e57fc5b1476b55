"""Exactly once, whatever dies when.

`mms run` is killed with SIGKILL at random moments (itself or one of its workers) and at every named
fault point, then the same command is run again until it is done. Each case copies the same three
Delta tables into tables of its own and must end with exit code 0, every table `Match`, rows counted
and summed through PyODPS as at the source (none lost, none doubled), and every partition that was
committed before the kill untouched: same generation, same upload session in the ledger.

MMS_CRASH_SEED repeats a series of random moments; the seed is printed with every failure.
MMS_CRASH_KILLS sets how many (20).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import DeltaTable, write_deltalake

SEED = int(os.environ.get("MMS_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
KILLS = int(os.environ.get("MMS_CRASH_KILLS", "20"))
# State numbers of src/migration/ledger/ledger.h.
COMMITTING, COMMITTED, VERIFIED = 2, 3, 4
FAULT_POINTS = [
    "after_plan_saved",
    "after_create_table",
    "after_begin_load:5",
    "after_session:5",
    "after_first_block:5",
    "before_commit_sent:5",
    "after_commit_sent:5",
    "after_committed:5",
    "after_verified:5",
]


@dataclass(frozen=True)
class Source:
    """A Delta table and what SQL must find in its copy."""

    name: str
    folder: Path
    rows: int
    distinct: int
    total: int


def make_rows(first: int, count: int, parts: int) -> pa.Table:
    ids = range(first, first + count)
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "amount": pa.array([i * 7 % 1000 / 4 for i in ids], pa.float64()),
            "note": pa.array([None if i % 11 == 0 else f"row {i}" for i in ids], pa.string()),
            "part": pa.array([f"p{i % parts:03}" for i in ids], pa.string()),
        }
    )


def describe(name: str, folder: Path) -> Source:
    ids = DeltaTable(folder).to_pyarrow_table(columns=["id"])["id"].to_pylist()
    return Source(name, folder, len(ids), len(set(ids)), sum(ids))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Many small partitions; several files, hence blocks; files that rows were deleted from."""
    lake = tmp_path_factory.mktemp("lake")
    write_deltalake(lake / "many", make_rows(0, 6000, 60), partition_by=["part"])
    for first in range(0, 400_000, 100_000):
        write_deltalake(lake / "files", make_rows(first, 100_000, 1), mode="append")
    write_deltalake(lake / "pruned", make_rows(0, 4000, 8), partition_by=["part"])
    DeltaTable(lake / "pruned").delete("part = 'p003' OR id < 100")
    return [describe(name, lake / name) for name in ("many", "files", "pruned")]


@pytest.fixture(scope="module")
def target(mms_bin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    server = start_sandbox(mms_bin, tmp_path_factory.mktemp("crash") / "sandbox")
    try:
        yield server
    finally:
        stop_sandbox(server)


def children_of(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text("ascii").split()]
        except OSError:
            continue  # the thread has ended meanwhile
    return found


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Case:
    """One state folder and its own target tables."""

    def __init__(self, binary: str, target: Sandbox, sources: list[Source], folder: Path) -> None:
        self.binary, self.target, self.sources = binary, target, sources
        self.suffix = folder.name.replace("-", "_").lower()
        self.state = folder / "state"
        self.file = folder / "mms.yaml"
        self.config: dict[str, Any] = {
            "source": {},
            "target": target.target(),
            "tables": [
                {"location": f"file://{source.folder}", "as": self.table(source)}
                for source in sources
            ],
            # Small splits, so that the table of a few files is several blocks.
            "policy": {"verify": "checksum", "tasks": 3, "workers": 2, "split_mb": 1},
            "state": str(self.state),
        }

    def table(self, source: Source) -> str:
        return f"{source.name}_{self.suffix}"

    def start(self, fault: str = "") -> subprocess.Popen[str]:
        self.file.write_text(json.dumps(self.config), "utf-8")  # JSON is YAML
        environment = {**os.environ, "MMS_TEST_SECRET": self.target.secret}
        environment.pop("MMS_FAULT", None)
        if fault:
            environment["MMS_FAULT"] = fault
        with (self.file.parent / "log").open("ab") as log:
            return subprocess.Popen(
                [self.binary, "run", "-f", str(self.file), "--json"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                text=True,
            )

    def units(self) -> dict[tuple[str, str], tuple[int, int, str]]:
        """(target table, partition) -> (state, generation, session), from the ledger on disk."""
        file = self.state / "ledger.db"
        if not file.exists() or file.stat().st_size == 0:
            return {}
        # A copy, since reading may have to recover what the killed process left.
        with tempfile.TemporaryDirectory() as folder:
            for part in self.state.glob("ledger.db*"):
                shutil.copy(part, folder)
            ledger = sqlite3.connect(Path(folder) / file.name)
            try:
                rows = ledger.execute(
                    "SELECT t.target_table, u.partition, u.state, u.generation, u.session_id "
                    "FROM units u JOIN tables t ON t.id = u.table_id"
                ).fetchall()
            except sqlite3.OperationalError as error:
                assert "no such table" in str(error), error  # killed before the schema was made
                return {}
            finally:
                ledger.close()
        return {
            (table, partition): (state, generation, session)
            for table, partition, state, generation, session in rows
        }

    def finish(self) -> None:
        """The same command until it is done."""
        for _ in range(3):
            if self.start().wait(timeout=180) == 0:
                return
        pytest.fail(f"seed {SEED}: not done after three runs: {self.log()}")

    def log(self) -> str:
        return (self.file.parent / "log").read_text("utf-8")[-4000:]

    def report(self) -> dict[str, dict[str, Any]]:
        done = subprocess.run(
            [self.binary, "report", "-f", str(self.file), "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return {line["target_table"]: line for line in lines if line["type"] == "report_table"}

    def check(self, before: dict[tuple[str, str], tuple[int, int, str]]) -> None:
        """All is at the target once, and what was committed before the kill was left alone."""
        after = self.units()
        for key, (state, generation, session) in before.items():
            if state >= COMMITTED:
                assert after[key] == (VERIFIED, generation, session), f"seed {SEED}: {key} again"
            elif state == COMMITTING:
                # The commit is this session's to make; nothing here lets a session vanish.
                assert after[key][1] == generation, f"seed {SEED}: {key} loaded past its commit"
        assert {state for state, _, _ in after.values()} == {VERIFIED}
        report = self.report()
        wanted = {self.table(source): source for source in self.sources}
        for table in wanted:
            assert report[table]["verdict"] == "Match", f"seed {SEED}: {report[table]}"
        query = " UNION ALL ".join(
            f"SELECT '{table}' AS name, COUNT(*) AS n, COUNT(DISTINCT id) AS d, SUM(id) AS s "
            f"FROM {table}"
            for table in wanted
        )
        with self.target.odps().execute_sql(query).open_reader() as reader:
            found = {row["name"]: (int(row["n"]), int(row["d"]), int(row["s"])) for row in reader}
        assert found == {
            table: (source.rows, source.distinct, source.total) for table, source in wanted.items()
        }, f"seed {SEED}"


@pytest.fixture
def case(mms_bin: str, target: Sandbox, sources: list[Source], tmp_path: Path) -> Case:
    folder = tmp_path / f"c{tmp_path.name}"[:40]
    folder.mkdir()
    return Case(mms_bin, target, sources, folder)


@pytest.fixture(scope="module")
def duration_s(
    mms_bin: str, target: Sandbox, sources: list[Source], tmp_path_factory: pytest.TempPathFactory
) -> float:
    """How long an undisturbed run takes: the moments are spread over it."""
    undisturbed = Case(mms_bin, target, sources, tmp_path_factory.mktemp("undisturbed"))
    start = time.monotonic()
    assert undisturbed.start().wait(timeout=180) == 0, undisturbed.log()
    taken = time.monotonic() - start
    undisturbed.check({})
    return taken


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_kill_at_a_random_moment_loses_and_doubles_nothing(
    case: Case, duration_s: float, kill: int
) -> None:
    moment = random.Random(SEED * 1000 + kill)
    delay_s = moment.uniform(0.02, 1.0) * duration_s
    victim_is_worker = kill % 3 == 2
    process = case.start()
    workers: list[int] = []
    deadline = time.monotonic() + delay_s
    while time.monotonic() < deadline and process.poll() is None:
        workers = children_of(process.pid) or workers
        time.sleep(0.005)
    if victim_is_worker and workers:
        try:
            os.kill(moment.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            pass  # it had just ended by itself: an undisturbed run, which must end right too
        assert process.wait(timeout=180) == 0, f"seed {SEED}: {case.log()}"
        case.check({})
        return
    process.kill()
    process.wait(timeout=20)
    gone = time.monotonic() + 10
    while any(map(is_alive, workers)) and time.monotonic() < gone:
        time.sleep(0.01)
    assert not any(map(is_alive, workers)), "workers outlive their parent"
    before = case.units()
    case.finish()
    case.check(before)


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_a_crash_at_a_named_point_is_resumed(case: Case, point: str) -> None:
    assert case.start(fault=point).wait(timeout=180) == -signal.SIGKILL, case.log()
    before = case.units()
    assert before or point == "after_plan_saved" or not case.state.exists()
    case.finish()
    case.check(before)


def test_a_crash_after_the_service_committed_does_not_commit_a_second_session(case: Case) -> None:
    assert case.start(fault="after_commit_sent").wait(timeout=180) == -signal.SIGKILL, case.log()
    before = case.units()
    waiting = {key: unit for key, unit in before.items() if unit[0] == COMMITTING}
    assert waiting, "the crash left no unit whose commit the ledger does not know of"
    case.finish()
    after = case.units()
    for key, (_, generation, session) in waiting.items():
        assert after[key] == (VERIFIED, generation, session)
    case.check(before)


def test_a_crash_while_blocks_are_sent_begins_that_partition_with_a_new_session(case: Case) -> None:
    assert case.start(fault="after_first_block:3").wait(timeout=180) == -signal.SIGKILL
    before = case.units()
    half_loaded = {key: unit for key, unit in before.items() if unit[0] == 1 and unit[2]}
    case.finish()
    after = case.units()
    for key, (_, generation, session) in half_loaded.items():
        assert after[key][1] == generation + 1
        assert after[key][2] != session
    case.check(before)


def test_crashes_one_after_another_still_end_right(case: Case) -> None:
    for count in (2, 9, 17, 30):
        code = case.start(fault=f"before_commit_sent:{count}").wait(timeout=180)
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
    assert case.start(fault="after_committed:4").wait(timeout=180) == -signal.SIGKILL, case.log()
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
    case.check({})
    report = case.report()[case.table(source)]
    assert report["version"] == table.version()
    assert report["rows_target"] == 600, "partitions that are gone at the source are empty"
