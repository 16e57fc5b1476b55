"""What every peer test stands on: the binary, a lakehouse, sandboxes, and a way to run `mms`.

The binary is build/release/mms, or MMS_BIN. Servers bind loopback ports of their own and end with
the test session; nothing is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LAKEHOUSE = REPOSITORY / "tools/lakehouse/lakehouse.py"
# Tables of the corpus that MaxCompute cannot take as they are: each must be refused by name.
REFUSED = {
    "bad_parts": "PARTITION_VALUE_INVALID",
    "renamed": "NAME_INVALID",
    "unknown_feature": "DELTA_FEATURE_UNSUPPORTED",
}


OUTCOMES = pytest.StashKey[dict[str, bool]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-conformance", action="store_true", help="write docs/conformance.md anew"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the outcomes of the others runs after them."""
    items.sort(key=lambda item: "outcomes" in getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    seen = item.config.stash[OUTCOMES]
    if report.when == "call" or not report.passed:
        seen[item.nodeid] = report.passed and seen.get(item.nodeid, True)
    return report


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> dict[str, bool]:
    """Node id to "passed", of every test that has run in this session."""
    return request.config.stash[OUTCOMES]


@pytest.fixture(scope="session")
def mms_bin() -> str:
    path = os.environ.get("MMS_BIN", str(REPOSITORY / "build/release/mms"))
    assert Path(path).is_file(), f"{path} is not there: `make build` first, or set MMS_BIN"
    return path


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """lakehouse.json of a running lakehouse (TPC-H at scale 0.01 and the corpus)."""
    folder = tmp_path_factory.mktemp("lakehouse")
    command = [sys.executable, str(LAKEHOUSE)]
    subprocess.run([*command, "up", "--dir", str(folder), "--scale", "0.01"], check=True)
    try:
        yield json.loads((folder / "lakehouse.json").read_text("utf-8"))
    finally:
        subprocess.run([*command, "down", "--dir", str(folder)], check=True)


@dataclass
class Sandbox:
    """A running `mms sandbox`."""

    endpoint: str
    data: Path
    project: str
    access_key_id: str
    secret: str
    process: subprocess.Popen[str]

    def target(self) -> dict[str, str]:
        """The `target:` of a configuration; the secret is in the environment of Mms.run."""
        return {
            "project": self.project,
            "endpoint": self.endpoint + "/api",
            "access_key_id": self.access_key_id,
            "access_key_secret": "env:MMS_TEST_SECRET",
        }

    def odps(self) -> Any:
        from odps import ODPS

        return ODPS(self.access_key_id, self.secret, self.project, endpoint=self.endpoint + "/api")


def start_sandbox(mms_bin: str, data: Path, *arguments: str) -> Sandbox:
    secret = secrets.token_hex(16)
    command = [mms_bin, "sandbox", "--listen", "127.0.0.1:0", "--data", str(data)]
    command += ["--project", "dw", "--access-key-id", "tester"]
    command += ["--access-key-secret", "env:MMS_TEST_SECRET", *arguments]
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "MMS_TEST_SECRET": secret},
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.search(r"http://[0-9.]+:\d+", line)
    assert match, f"the sandbox did not start: {line!r} {log.read_text('utf-8')}"
    return Sandbox(match.group(), data, "dw", "tester", secret, process)


def stop_sandbox(sandbox: Sandbox) -> None:
    sandbox.process.terminate()
    assert sandbox.process.wait(timeout=20) == 0, "the sandbox did not end cleanly on SIGTERM"


@pytest.fixture
def sandbox(mms_bin: str, tmp_path: Path) -> Iterator[Sandbox]:
    server = start_sandbox(mms_bin, tmp_path / "sandbox")
    try:
        yield server
    finally:
        stop_sandbox(server)


@dataclass
class Outcome:
    code: int
    out: str
    err: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("type") == kind]


class Mms:
    """Runs the CLI on a lakehouse and a sandbox from a configuration in a folder of its own."""

    def __init__(self, binary: str, lake: dict[str, Any], sandbox: Sandbox, folder: Path) -> None:
        self.binary, self.folder, self.sandbox = binary, folder, sandbox
        self.file = folder / "mms.yaml"
        self.environment = {**os.environ, "MMS_TEST_SECRET": sandbox.secret}
        self.config: dict[str, Any] = {
            "source": {
                "workspace": lake["workspace"],
                "catalog": lake["catalog"],
                "cluster": lake["cluster"],
                "token": f"file:{lake['token_file']}",
                "storage": {
                    "account": lake["account"],
                    "sas": f"file:{lake['sas_file']}",
                    "endpoint": lake["endpoint"],
                },
            },
            "target": sandbox.target(),
            "tables": [{"include": "*.*"}],
            "policy": {"verify": "checksum", "tasks": 4, "workers": 2},
            "state": str(folder / "state"),
        }

    def write(self) -> None:
        # JSON is YAML.
        self.file.write_text(json.dumps(self.config, indent=1), "utf-8")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        self.write()
        return subprocess.Popen(
            [self.binary, *arguments, "-f", str(self.file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            **options,
        )

    def run(self, *arguments: str, timeout_s: float = 300) -> Outcome:
        """`mms ARGUMENTS -f FILE --json`, its exit code and its lines."""
        process = self.start(*arguments, "--json")
        out, err = process.communicate(timeout=timeout_s)
        events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        return Outcome(process.returncode, out, err, events)


@pytest.fixture
def mms(mms_bin: str, lake: dict[str, Any], sandbox: Sandbox, tmp_path: Path) -> Mms:
    return Mms(mms_bin, lake, sandbox, tmp_path)


@pytest.fixture
def make_mms(mms_bin: str, lake: dict[str, Any], tmp_path: Path) -> Callable[[Sandbox], Mms]:
    return lambda sandbox: Mms(mms_bin, lake, sandbox, tmp_path)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Eight MiB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"only root may mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, left_kb: int) -> None:
    """Takes all of the disk but so much, also while others write there."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        while (free := os.statvfs(disk)).f_bavail * free.f_frsize > left_kb * 1024:
            take = free.f_bavail * free.f_frsize - left_kb * 1024
            with contextlib.suppress(OSError):  # another was faster: what is left now
                os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), take)
