"""A run of `mms` that is killed and run again, and what must be found at the target afterwards."""

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import DeltaTable

SEED = int(os.environ.get("MMS_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
# State numbers of src/migration/ledger/ledger.h.
LOADING, COMMITTING, COMMITTED, VERIFIED = 1, 2, 3, 4


@dataclass(frozen=True)
class Source:
    """A Delta table, how it is to be copied, and what SQL must find in its copy."""

    name: str
    folder: Path
    rows: int
    distinct: int
    total: int
    settings: dict[str, Any] = field(default_factory=dict)
    before: str = ""  # SQL run at the target first; {table} is the target table


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


def describe(name: str, folder: Path, before: str = "", **settings: Any) -> Source:
    ids = DeltaTable(folder).to_pyarrow_table(columns=["id"])["id"].to_pylist()
    return Source(name, folder, len(ids), len(set(ids)), sum(ids), settings, before)


def set_faults(target: Sandbox, *rules: dict[str, Any]) -> None:
    odps = target.odps()
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": rules}))


def faults_fired(target: Sandbox) -> int:
    odps = target.odps()
    rules = odps.rest.get(odps.endpoint + "/mms/faults").json()["faults"]
    return sum(rule["fired"] for rule in rules)


def calls_of(target: Sandbox) -> dict[str, int]:
    """How often each call came to the sandbox so far."""
    odps = target.odps()
    counters = odps.rest.get(odps.endpoint + "/mms/counters").json()["calls"]
    return {call: counts["calls"] for call, counts in counters.items()}


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


def wait_until_dead(pids: list[int]) -> None:
    """Workers, whose parent was killed: the kernel ends them."""
    gone = time.monotonic() + 10
    while any(map(is_alive, pids)) and time.monotonic() < gone:
        time.sleep(0.01)
    assert not any(map(is_alive, pids)), "workers outlive their parent"


class Case:
    """One state folder and its own target tables."""

    def __init__(self, binary: str, target: Sandbox, sources: list[Source], folder: Path) -> None:
        self.binary, self.target, self.sources = binary, target, sources
        self.suffix = folder.name.replace("-", "_").lower()
        self.state = folder / "state"
        self.file = folder / "mms.yaml"
        self.config: dict[str, Any] = {
            "source": {},
            "target": {**target.target(), "codec": "raw"},  # no blocks that only try a codec
            "tables": [
                {
                    "location": f"file://{source.folder}",
                    "as": self.table(source),
                    **source.settings,
                }
                for source in sources
            ],
            # Small splits, so that the table of a few files is several blocks.
            "policy": {
                "verify": "checksum",
                "tasks": 3,
                "workers": 2,
                "split_mb": 1,
                "on_dropped_partition": "empty",
            },
            "state": str(self.state),
        }
        for source in sources:
            if source.before:
                target.odps().execute_sql(source.before.format(table=self.table(source)))

    def table(self, source: Source) -> str:
        return f"{source.name}_{self.suffix}"

    def start(self, fault: str = "", verb: str = "run") -> subprocess.Popen[str]:
        self.file.write_text(json.dumps(self.config), "utf-8")  # JSON is YAML
        environment = {**os.environ, "MMS_TEST_SECRET": self.target.secret}
        environment.pop("MMS_FAULT", None)
        if fault:
            environment["MMS_FAULT"] = fault
        with (self.file.parent / "log").open("ab") as log:
            return subprocess.Popen(
                [self.binary, verb, "-f", str(self.file), "--json"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                text=True,
            )

    def units(self) -> dict[tuple[str, str], tuple[int, int, str]]:
        """(target table, partition) -> (state, generation, session), from the ledger on disk."""
        return {
            (table, partition): (state, generation, session)
            for table, partition, state, generation, session in self.query(
                "SELECT t.target_table, u.partition, u.state, u.generation, u.session_id "
                "FROM units u JOIN tables t ON t.id = u.table_id"
            )
        }

    def blocks(self) -> dict[tuple[str, str], int]:
        """(target table, partition) -> how many blocks are planned for it."""
        return {
            (table, partition): len(json.loads(plan)["splits"])
            for table, partition, plan in self.query(
                "SELECT t.target_table, u.partition, p.plan_json FROM units u "
                "JOIN tables t ON t.id = u.table_id JOIN unit_plans p ON p.unit_id = u.id"
            )
        }

    def noted_blocks(self) -> dict[tuple[str, str], int]:
        """(target table, partition) -> how many of its blocks the ledger knows to be sent."""
        return {
            (table, partition): count
            for table, partition, count in self.query(
                "SELECT t.target_table, u.partition, COUNT(*) FROM unit_blocks b "
                "JOIN units u ON u.id = b.unit_id JOIN tables t ON t.id = u.table_id "
                "GROUP BY t.target_table, u.partition"
            )
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        file = self.state / "ledger.db"
        if not file.exists() or file.stat().st_size == 0:
            return []
        # A copy, since reading may have to recover what the killed process left.
        with tempfile.TemporaryDirectory() as folder:
            for part in self.state.glob("ledger.db*"):
                shutil.copy(part, folder)
            ledger = sqlite3.connect(Path(folder) / file.name)
            try:
                return ledger.execute(sql).fetchall()
            except sqlite3.OperationalError as error:
                assert "no such table" in str(error), error  # killed before the schema was made
                return []
            finally:
                ledger.close()

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

    def check(
        self, before: dict[tuple[str, str], tuple[int, int, str]], verdict: str = "Match"
    ) -> None:
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
            assert report[table]["verdict"] == verdict, f"seed {SEED}: {report[table]}"
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
