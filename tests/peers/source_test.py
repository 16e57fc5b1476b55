"""`mms source` against the lakehouse: a data source is added, scanned, listed, kept started,
stopped and removed, with kills in between. What it finds is held against the lakehouse's own
description.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import local_proxies
import pytest
from conftest import Outcome


class Source:
    """Verbs of `mms source` on one state folder."""

    def __init__(self, binary: str, lake: dict[str, Any], folder: Path) -> None:
        self.binary, self.state = binary, folder / "state"
        self.token = Path(lake["token_file"]).read_text("utf-8").strip()
        self.settings = {
            "db.workspace.url": lake["workspace"],
            "db.catalog": lake["catalog"],
            "db.access.token": f"file:{lake['token_file']}",
            "azure.auth.type": "SAS",
            "azure.sas.token": f"file:{lake['sas_file']}",
            "azure.storage.account": lake["account"],
            "azure.storage.endpoint": lake["endpoint"],
            "mc.default.project": "dw",
            "mc.job.project": "dw",
        }

    def start(self, verb: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.binary, "source", verb, *arguments, "--state", str(self.state), "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, verb: str, *arguments: str) -> Outcome:
        process = self.start(verb, *arguments)
        out, err = process.communicate(timeout=120)
        assert self.token not in out + err
        events = [json.loads(line) for line in out.splitlines()]
        return Outcome(process.returncode, out, err, events)

    def good(self, verb: str, *arguments: str) -> Outcome:
        outcome = self.run(verb, *arguments)
        assert outcome.code == 0, outcome.out + outcome.err
        return outcome

    def add(self, **changes: str) -> dict[str, Any]:
        settings = {**self.settings, **changes}
        flags = [flag for item in settings.items() for flag in ("--set", "=".join(item))]
        (line,) = self.good("add", "sales", *flags).of("source")
        return line

    def status(self) -> dict[str, Any]:
        (line,) = self.good("status", "sales").of("source_status")
        return line

    def wait_for(self, query: str, process: subprocess.Popen[str]) -> None:
        """Until `query` on the service's database finds a row."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            database = sqlite3.connect(f"file:{self.state}/service.db?mode=ro", uri=True)
            try:
                if database.execute(query).fetchone():
                    return
            finally:
                database.close()
        pytest.fail(f"{query}: not seen; exit {process.poll()}")

    def keep_started(self) -> subprocess.Popen[str]:
        process = self.start("start", "sales")
        self.wait_for("SELECT 1 FROM data_sources WHERE status = 2", process)
        return process


@pytest.fixture
def source(mms_bin: str, lake: dict[str, Any], tmp_path: Path) -> Source:
    return Source(mms_bin, lake, tmp_path)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def test_a_source_is_added_scanned_listed_and_removed(source: Source, lake: dict[str, Any]) -> None:
    added = source.add()
    assert added["status"] == "INIT"
    assert added["config"]["db.access.token"] == "********"
    (scan,) = source.good("sync", "sales", "--schema", "tpch").of("source_scan")
    assert (scan["schema"], scan["source_schema"]) == (1, "tpch")
    of_schema = [table for table in lake["tables"] if table["schema"] == "tpch"]
    wanted = {f"main.tpch.{table['table']}": table for table in of_schema}
    assert scan["status"] == "DONE"
    assert scan["progress"] == 10_000
    assert scan["result"]["tables"] == len(wanted)
    listed = {line["source"]: line for line in source.good("tables", "sales").of("source_table")}
    assert listed.keys() == wanted.keys()
    for name, table in listed.items():
        for field in ("version", "files", "bytes"):
            assert table[field] == wanted[name][field], name
    status = source.status()
    assert status["status"] == "STOPPED", "its process has ended"
    assert status["updated_ms"] is not None
    instance = status["instance"]
    assert instance["spans"] == 1
    assert instance["unit_seconds"] == instance["running_ms"] * 4 // 1000
    assert instance["cost"] is None
    for file in source.state.rglob("*"):
        if file.is_file():
            assert source.token.encode() not in file.read_bytes(), file
            assert file.stat().st_mode & 0o077 == 0, file
    source.good("remove", "sales")
    assert not list((source.state / "sources").iterdir())
    assert source.good("list").of("source") == []


def test_a_killed_scan_is_gone_on_with_by_the_next_process(source: Source) -> None:
    source.add()
    process = source.start("sync", "sales", "--schema", "tpch")
    source.wait_for("SELECT 1 FROM scans WHERE status = 1", process)
    kill(process)
    (scan,) = source.good("sync", "sales", "--schema", "tpch").of("source_scan")
    assert scan["status"] == "DONE"
    assert scan["interruptions"] == 1
    assert scan["id"] == 1_000_000, "the scan that was asked for, no second one"


def test_a_kept_source_is_stopped_from_another_process_and_put_right_after_a_kill(
    source: Source,
) -> None:
    source.add()
    process = source.keep_started()
    assert source.status()["status"] == "STARTED"
    second = source.run("update", "sales", "--set", "task.max.num=3")
    assert second.code == 3
    assert "STATE_IN_USE" in second.err
    (start,) = source.good("tasks", "sales").of("source_task")
    assert (start["task_type"], start["status"]) == ("SOURCE_START", "DONE")
    assert start["running"] is False
    source.good("stop", "sales")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert source.status()["status"] == "STOPPED"

    kill(source.keep_started())
    status = source.status()
    assert status["status"] == "STOPPED", "what was kept in a dead process runs no more"
    assert status["instance"]["spans"] == 2
    source.good("stop", "sales")
    source.good("update", "sales", "--set", "task.max.num=3")


def test_a_wrong_token_leaves_the_source_failed_with_the_reason(
    source: Source, tmp_path: Path
) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("dapi-not-the-token", "utf-8")
    source.add(**{"db.access.token": f"file:{wrong}"})
    outcome = source.run("sync", "sales")
    assert outcome.code == 3, outcome.out + outcome.err
    status = source.status()
    assert status["status"] == "START_FAILED"
    assert status["scan"]["status"] == "FAILED"
    assert status["instance"]["spans"] == 0
    assert status["failed_step"]["name"] == "Databricks token"
    assert status["failed_step"]["remedy"]
    right = f"db.access.token={source.settings['db.access.token']}"
    refused = source.run("update", "sales", "--set", "db.catalog=none", "--set", right, "--test")
    assert refused.code == 3, refused.out + refused.err
    (task,) = refused.of("source_task")
    assert [step["outcome"] for step in task["result"]["steps"]][:3] == ["ok", "ok", "failed"]
    assert source.run("sync", "sales").code == 3, "nothing of it was stored"
    source.good("update", "sales", "--set", right)
    tasks = source.good("tasks", "sales").of("source_task")
    told = [(task["task_type"], task["cause"], task["status"]) for task in tasks]
    assert told == [
        ("CONFIG_UPDATE", "user", "DONE"),
        ("SOURCE_START", "scan", "FAILED"),
        ("CONFIG_UPDATE", "user", "FAILED"),
        ("SOURCE_START", "scan", "FAILED"),
    ]
    assert wrong.read_text("utf-8") not in json.dumps(tasks)
    source.good("sync", "sales", "--schema", "tpch")


def test_the_automatic_shutdown_ends_a_source_that_has_nothing_to_do(source: Source) -> None:
    source.add()
    outcome = source.good("start", "sales", "--idle-minutes", "0")
    assert "nothing waits or runs" in outcome.err
    assert source.status()["status"] == "STOPPED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mc.default.project": "2bad"}, "CONFIG_VALUE"),
        ({"db.access.token": "dapi-in-the-open"}, "SECRET_LITERAL"),
        ({"no.such.key": "x"}, "CONFIG_UNKNOWN_KEY"),
        ({"db.catalog": ""}, "CONFIG_MISSING"),
    ],
)
def test_settings_that_are_wrong_add_nothing(
    source: Source, change: dict[str, str], code: str
) -> None:
    settings = {**source.settings, **change}
    flags = [flag for item in settings.items() for flag in ("--set", "=".join(item))]
    outcome = source.run("add", "sales", *flags)
    assert outcome.code == 3
    assert f"[{code}]" in outcome.err
    assert "dapi-in-the-open" not in outcome.out + outcome.err


def test_what_is_fixed_stays(source: Source) -> None:
    source.add()
    outcome = source.run("update", "sales", "--set", "mc.default.project=other")
    assert outcome.code == 3
    assert "[CONFIG_FIXED]" in outcome.err
    source.good("update", "sales", "--rename", "vertrieb")
    assert source.run("show", "sales").code == 3
    (shown,) = source.good("show", "vertrieb").of("source")
    assert shown["config"]["mc.default.project"] == "dw"


def test_a_source_keeps_to_the_network_it_names(
    source: Source, lake: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workspace and storage have certificates of a private authority, and a proxy that asks for a
    password stands before them: only the profile knows both."""
    for name in list(os.environ):
        if name.lower() in ("no_proxy", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    authority = local_proxies.make_authority(tmp_path, "roots")
    context = local_proxies.make_server_context(tmp_path, authority)
    password = tmp_path / "password"
    password.write_text("proxy-canary", "utf-8")
    fronts = [urlsplit(lake[key]) for key in ("workspace", "endpoint")]
    (at, storage_at) = [(str(front.hostname), int(front.port or 0)) for front in fronts]
    with (
        local_proxies.tls_front(at, context) as workspace,
        local_proxies.tls_front(storage_at, context) as storage,
        local_proxies.http_proxy("mms", "proxy-canary") as proxy,
    ):
        assert "[NETWORK_NOT_FOUND]" in source.run("add", "sales", *flags_of(source, "office")).err
        monkeypatch.chdir(tmp_path)  # a CA file is found from where the command runs
        settings = [f"proxy={proxy.address}", "proxy_user=mms", f"proxy_password=file:{password}"]
        flags = [flag for text in settings for flag in ("--set", text)]
        (network,) = source.good("network", "add", "office", *flags).of("source_network")
        assert network["config"]["proxy_password"] == "********"
        source.settings["db.workspace.url"] = workspace.address
        source.settings["azure.storage.endpoint"] = storage.address + fronts[1].path
        source.good("add", "sales", *flags_of(source, "office"))
        distrusted = source.run("test", "sales")
        assert distrusted.code != 0
        assert workspace.refused > 0
        source.good("network", "update", "office", "--set", "ca_file=roots.pem")
        direct = source.run("test", "sales", "--networklink", "direct")
        assert direct.code != 0, "without the profile nobody trusts them"
        proxy.targets.clear()
        source.good("sync", "sales", "--schema", "tpch")
        hosts = {urlsplit(front.address).netloc for front in (workspace, storage)}
        assert set(proxy.targets) == hosts
        assert proxy.refused == 0
    kept = source.run("network", "remove", "office")
    assert kept.code == 3
    assert "[NETWORK_IN_USE]" in kept.err
    assert "(sales)" in kept.err
    (shown,) = source.good("network", "show", "office").of("source_network")
    assert shown["sources"] == ["sales"]
    source.good("update", "sales", "--networklink", "direct")
    source.good("network", "remove", "office")
    assert source.good("network", "list").of("source_network") == []
    for file in source.state.rglob("*"):
        if file.is_file():
            assert b"proxy-canary" not in file.read_bytes(), file


def flags_of(source: Source, network: str) -> list[str]:
    settings = [flag for item in source.settings.items() for flag in ("--set", "=".join(item))]
    return ["--networklink", network, *settings]
