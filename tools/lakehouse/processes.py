"""Servers of the testbed as processes: started apart, found again by id, ended by id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

_STOP_TIMEOUT_S = 20


def start_mark(pid: int) -> str | None:
    """When the process began, in kernel ticks: tells a process from a later one of the same id."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def entry(what: str, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What `stop` needs to find the process again, as JSON."""
    return {"what": what, "pid": process.pid, "mark": start_mark(process.pid)}


def stop(entries: list[dict[str, Any]]) -> None:
    """SIGTERM, then SIGKILL; only to processes that are still the ones we started."""

    def alive() -> list[int]:
        known = (e for e in entries if e["mark"] is not None)
        return [e["pid"] for e in known if start_mark(e["pid"]) == e["mark"]]

    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in alive():
            os.kill(pid, number)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        if not alive():
            return
    raise SystemExit(f"processes {alive()} do not end")


def free_port() -> int:
    """A port that was free a moment ago; who loses the race for it starts again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_open(process: subprocess.Popen[bytes], port: int, timeout_s: float) -> bool:
    """False when the process ended by itself, as it does when another took the port."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    raise SystemExit(f"port {port} did not open within {timeout_s} s")
