"""A data source with a target, tables for it, and the verbs of `mms job` on it, for tests. Whoever
imports the fixtures has them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Outcome, Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from source_test import Source
from sync_test import control, rows


# Projects without schemas, where all tables share one space of names; target_schema_test.py has
# those with.
FLAT = [word for name in ("dw", "dw2", "jobs") for word in ("--flat-project", name)]


class Jobs(Source):
    """A data source with a target, and the verbs on its jobs."""

    def __init__(
        self, binary: str, lake: dict[str, Any], sandbox: Sandbox, folder: Path, **settings: str
    ) -> None:
        super().__init__(binary, lake, folder)
        self.sandbox = sandbox
        secret = folder / "secret"
        secret.write_text(sandbox.secret, "utf-8")
        self.settings |= {"mc.job.project": "jobs", "mc.projects": "dw2", **settings}
        self.add()
        target = {
            "endpoint": f"{sandbox.endpoint}/api",
            "access_key_id": sandbox.access_key_id,
            "access_key_secret": f"file:{secret}",
        }
        flags = [flag for item in target.items() for flag in ("--set", "=".join(item))]
        shown = self.good("target", "set", *flags)
        assert sandbox.secret not in shown.out

    def start_job(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.binary, *arguments, "--state", str(self.state), "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def job(self, *arguments: str, **environment: str) -> Outcome:
        process = self.start_job("job", *arguments, **environment)
        out, err = process.communicate(timeout=240)
        assert self.sandbox.secret not in out + err
        events = [json.loads(line) for line in out.splitlines()]
        return Outcome(process.returncode, out, err, events)

    def good_job(self, *arguments: str, code: int = 0) -> Outcome:
        outcome = self.job(*arguments)
        assert outcome.code == code, outcome.out + outcome.err
        return outcome

    def create(self, *arguments: str, name: str = "move", schema: str = "moved") -> dict[str, Any]:
        outcome = self.good_job(
            "create", name, "--source", "sales", "--schema", schema, *arguments
        )
        (job,) = outcome.of("job")
        return job

    def refused(self, *arguments: str, schema: str = "moved") -> str:
        outcome = self.job("create", "x", "--source", "sales", "--schema", schema, *arguments)
        assert outcome.code not in (0, 1), outcome.out + outcome.err
        return outcome.err

    def tasks(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        return self.good_job("tasks", str(job["id"]), "--page-size", "1000").of("job_task")

    def show(self, job: dict[str, Any]) -> dict[str, Any]:
        (shown,) = self.good_job("show", str(job["id"])).of("job")
        return shown

    def move(self, *arguments: str, **names: str) -> dict[str, Any]:
        """A job from its making to its end, which is that all has been done."""
        job = self.create(*arguments, **names)
        self.good_job("run")
        shown = self.show(job)
        assert shown["status"] == "DONE", self.tasks(job)
        return shown

    def counts(self, table: str, project: str = "dw") -> dict[str, int]:
        """Rows of each partition, "" of a table without, as PyODPS counts them."""
        odps = self.sandbox.odps()
        found = odps.get_table(table, project=project)
        parted = bool(found.table_schema.partitions)
        names = [partition.name for partition in found.partitions] if parted else [None]
        counts = {}
        for name in names:
            with found.open_reader(partition=name) as reader:
                spec = "" if name is None else name.split("=")[1].strip("'")
                counts[spec] = reader.count
        return counts


@pytest.fixture
def service(mms_bin: str, tmp_path: Path) -> Iterator[Sandbox]:
    server = start_sandbox(mms_bin, tmp_path / "sandbox", *FLAT)
    try:
        yield server
    finally:
        stop_sandbox(server)


@pytest.fixture
def make_jobs(
    mms_bin: str, lake: dict[str, Any], service: Sandbox, tmp_path: Path
) -> Callable[..., Jobs]:
    return lambda **settings: Jobs(mms_bin, lake, service, tmp_path, **settings)


@pytest.fixture
def put(lake: dict[str, Any], tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """put(name, {partition: rows}) makes a table of schema `moved`, put(name, n) one without."""

    def make(name: str, parts: dict[str, int] | int) -> Path:
        folder = tmp_path / "tables" / name
        if isinstance(parts, int):
            write_deltalake(str(folder), pa.table({"n": list(range(parts))}))
        else:
            write_deltalake(str(folder), rows(parts), partition_by=["p"])
        entry = {"schema": "moved", "name": name, "folder": str(folder)}
        control(lake, "POST", "table", {**entry, "change": {"storage_location": folder.as_uri()}})
        return folder

    yield make
    control(lake, "DELETE", "table")
    control(lake, "DELETE", "fault")
