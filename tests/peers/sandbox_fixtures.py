"""Fixtures that run `mms sandbox` as a process of its own and reach it by official clients only.

MMS_BIN names the binary under test. Import the fixtures into a test file or a conftest by name.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS
from odps import options as odps_options
from odps.tunnel import TableTunnel

ACCESS_KEY_ID = "peer_test_id"
ACCESS_KEY_SECRET = "peer-test-secret-7f3a"
PROJECT = "rehearsal"
READY = re.compile(r"mms sandbox ready at (http://\S+) \(project (\w+), data (.+)\)")


@dataclasses.dataclass
class Sandbox:
    """One running sandbox; `restart` keeps the data folder and takes a new port."""

    data: Path
    arguments: list[str] = dataclasses.field(default_factory=list)
    process: subprocess.Popen[str] | None = None
    url: str = ""

    def start(self) -> None:
        command = [os.environ["MMS_BIN"], "sandbox", "--listen", "127.0.0.1:0"]
        command += ["--data", str(self.data), "--project", PROJECT]
        command += ["--access-key-id", ACCESS_KEY_ID, "--access-key-secret", "env:PEER_TEST_SECRET"]
        environment = dict(os.environ, PEER_TEST_SECRET=ACCESS_KEY_SECRET)
        self.process = subprocess.Popen(
            command + self.arguments,
            stdout=subprocess.PIPE,
            stderr=(self.data.parent / "sandbox.err").open("a"),
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        ready = READY.match(line)
        assert ready, f"no ready line but {line!r}: {self.errors()}"
        self.url = ready.group(1)

    def stop(self) -> int:
        """SIGTERM, as a user would stop it; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=30)

    def restart(self) -> None:
        self.start()

    def errors(self) -> str:
        return (self.data.parent / "sandbox.err").read_text()

    @property
    def address(self) -> tuple[str, int]:
        parts = urllib.parse.urlsplit(self.url)
        assert parts.hostname and parts.port
        return parts.hostname, parts.port

    def client(self, secret: str = ACCESS_KEY_SECRET, **options: object) -> ODPS:
        """PyODPS as its users make it, once a process: else the first client's host would stay."""
        odps_options.logview_host = None
        return ODPS(ACCESS_KEY_ID, secret, PROJECT, endpoint=self.url + "/api", **options)

    def files(self, table: str, schema: str = "default") -> list[Path]:
        """The committed Parquet files of a table."""
        return sorted((self.data / PROJECT / schema / table).rglob("*.parquet"))


@pytest.fixture()
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    box = Sandbox(tmp_path / "data")
    box.start()
    yield box
    assert box.process is not None
    if box.process.poll() is None:
        assert box.stop() == 0, box.errors()


@pytest.fixture()
def odps(sandbox: Sandbox) -> ODPS:
    return sandbox.client()


ROWS = pa.record_batch([pa.array(range(100)), pa.array([f"v{i}" for i in range(100)])], ["a", "b"])


def set_faults(client: ODPS, *rules: dict[str, Any]) -> None:
    client.rest.post(client.endpoint + "/mms/faults", data=json.dumps({"faults": rules}))


def fired(client: ODPS) -> list[int]:
    answer = client.rest.get(client.endpoint + "/mms/faults").json()
    return [rule["fired"] for rule in answer["faults"]]


def counters(client: ODPS) -> dict[str, Any]:
    return client.rest.get(client.endpoint + "/mms/counters").json()


def make_table(client: ODPS, name: str = "t") -> None:
    client.create_table(name, "a bigint, b string", if_not_exists=True)


def begin(client: ODPS, table: str = "t") -> Any:
    return TableTunnel(client).create_upload_session(table)


def put(upload: Any, block: int = 0, rows: pa.RecordBatch = ROWS) -> None:
    with upload.open_arrow_writer(block) as writer:
        writer.write(rows)


def count(client: ODPS, table: str = "t") -> int:
    with client.execute_sql(f"SELECT COUNT(*) AS n FROM {table}").open_reader() as reader:
        return int(next(iter(reader))[0])
