"""The yardstick: a folder outside this repository that holds the tables' generator, the servers,
the peers and the clock, so that what is measured does not measure itself. Here: getting it ready in
the cache, and its servers. What the folder must hold: FILES and benchd/ (Go)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# What A, A', the generator and the servers need of its requirements.txt. The Spark and DuckDB
# peers stay out: set-up would take minutes longer.
PACKAGES = {
    "azure-storage-blob",
    "deltalake",
    "google-crc32c",
    "numpy",
    "pandas",
    "pyarrow",
    "pyodps",
    "tpchgen-cli",
}
FILES = [
    "common.py",
    "gen.py",
    "peer_deltars.py",
    "requirements.txt",
    "run.py",
    "start.sh",
    "stop.sh",
]
SINK = "http://127.0.0.1:18480"
FRONT = "http://127.0.0.1:18490/bench"
PORTS = {18480: "sink", 18490: "blob front"}

DECLARE = """
import sys, common
from deltalake import DeltaTable
for table in sys.argv[1:]:
    uri, options = common.delta_source("front", table)
    common.declare(table, DeltaTable(uri, storage_options=options).to_pyarrow_dataset().schema)
"""


class BenchError(Exception):
    """What stands in the way, and what to do about it."""


@dataclass(frozen=True)
class Yardstick:
    folder: Path
    cache: Path

    @property
    def build(self) -> Path:
        return self.cache / "build"

    @property
    def data(self) -> Path:
        return self.cache / "data"

    @property
    def python(self) -> Path:
        return self.build / "venv" / "bin" / "python"

    def check(self) -> None:
        missing = [name for name in FILES if not (self.folder / name).is_file()]
        if missing:
            raise BenchError(
                f"{self.folder} is not a yardstick: no {', '.join(missing)}; "
                "name its folder with YARDSTICK=DIR or --yardstick DIR"
            )

    def facts(self, table: str) -> dict[str, int]:
        """Rows, bytes and files of a ready table."""
        return json.loads((self.data / "lake" / f"{table}.json").read_text())

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "BENCH_ROOT": str(self.data),
            "BENCH_SINK": SINK,
            "BENCH_FRONT": FRONT,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    # Set-up: each step costs nothing when it is done.

    def set_up(self, tables: list[str], scale: int) -> None:
        self.check()
        self.build.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        self._make_venv()
        self._build_servers()
        missing = [t for t in tables if not (self.data / "lake" / f"{t}.json").is_file()]
        if missing:
            say(f"set-up: generating {', '.join(missing)}")
            names = sorted({table.split("_sf")[0] for table in missing})
            command = ["gen.py", str(self.data), "--sf", str(scale), "--tables", ",".join(names)]
            self._call([str(self.python), *command], "the tables cannot be generated")

    def _make_venv(self) -> None:
        lines = (self.folder / "requirements.txt").read_text().splitlines()
        pins = [line for line in lines if re.split(r"[=<>~! ]", line)[0] in PACKAGES]
        key = hashlib.sha256("\n".join(pins).encode()).hexdigest()
        stamp = self.build / "venv.stamp"
        if stamp.is_file() and stamp.read_text() == key:
            return
        say("set-up: Python packages of the peers")
        venv = self.build / "venv"
        self._call(["/usr/bin/python3", "-m", "venv", str(venv)], "no venv; install python3-venv")
        pip = [str(self.python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        self._call([*pip, *pins], "the peers' packages cannot be installed")
        stamp.write_text(key)

    def _build_servers(self) -> None:
        sources = sorted((self.folder / "benchd").iterdir())
        key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
        stamp = self.build / "benchd.stamp"
        if stamp.is_file() and stamp.read_text() == key and (self.build / "benchd").is_file():
            return
        say("set-up: the yardstick's servers (go)")
        command = ["go", "build", "-o", str(self.build / "benchd"), "."]
        self._call(command, "benchd cannot be built; put go on PATH", self.folder / "benchd")
        stamp.write_text(key)

    def _call(self, command: list[str], trouble: str, folder: Path | None = None) -> None:
        try:
            done = subprocess.run(
                command,
                cwd=folder or self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise BenchError(f"{trouble} ({error})") from error
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise BenchError(f"{trouble}\n{tail}")

    # Servers

    @contextmanager
    def servers(self, tables: list[str]) -> Iterator[None]:
        """Sink and blob front up, `tables` declared to the sink; down at the end, by process id."""
        for port, name in PORTS.items():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    stop = f"{self.folder / 'stop.sh'} {self.data}"
                    raise BenchError(f"port {port} ({name}) is taken; if by an earlier run: {stop}")
        try:
            self._start(tables)
            yield
        finally:
            subprocess.run([self.folder / "stop.sh", self.data], check=False)

    def _start(self, tables: list[str]) -> None:
        # Into a file: the servers inherit the output, and a pipe would stay open with them.
        with open(self.data / "start.log", "w+") as log:
            done = subprocess.run(
                [self.folder / "start.sh", self.data, self.build],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            if done.returncode != 0:
                log.seek(0)
                raise BenchError(f"the servers do not start\n{log.read()}")
        self._call([str(self.python), "-c", DECLARE, *tables], "the sink does not take the tables")


def say(text: str) -> None:
    print(text, flush=True)
