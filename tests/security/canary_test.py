"""No secret leaves the places it was given to.

Canaries stand in every secret setting; `mms` succeeds with them, fails with them in each way it
can, and is killed with them in its hands. Afterwards every output, every file it or the sandbox
wrote, and the command line and environment of its workers are searched for them: as they are,
percent-encoded, in JSON escapes, in hex, and in base64 at each of the three alignments.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FAKE_SAS = "sv=2024-11-04&ss=b&srt=co&sp=rl&se=2099-01-01T00:00:00Z&sig="


def canary(name: str) -> str:
    """Unlike anything else, and with characters that every encoding changes."""
    return f"canary/{name}+{secrets.token_hex(8)}=="


def forms(secret: str) -> dict[str, bytes]:
    """The ways a secret may be spelled."""
    quoted = urllib.parse.quote(secret, safe="")
    found = {
        "raw": secret.encode(),
        "percent": quoted.encode(),
        "percent lower": re.sub(r"%..", lambda match: match.group().lower(), quoted).encode(),
        "percent but slash": urllib.parse.quote(secret, safe="/").encode(),
        "json": json.dumps(secret)[1:-1].replace("/", "\\/").encode(),
        "hex": secret.encode().hex().encode(),
    }
    for shift in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            text = encode(b"\0" * shift + secret.encode())
            # Without the characters that neighbours change.
            found[f"{name} at {shift}"] = text[4 if shift else 0 : -4]
    return found


@dataclass
class Search:
    """Secrets that must not be found, and the places already searched."""

    canaries: dict[str, str]
    places: int = 0
    leaks: list[str] = field(default_factory=list)

    def look(self, place: str, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        self.places += 1
        for name, secret in self.canaries.items():
            for spelling, needle in forms(secret).items():
                at = data.find(needle)
                if at >= 0:
                    before = data[max(0, at - 80) : at]
                    self.leaks.append(f"{name} ({spelling}) in {place} after {before!r}")

    def look_below(self, folder: Path, but: set[Path]) -> None:
        for file in folder.rglob("*"):
            if file.is_file() and file not in but:
                self.look(str(file.relative_to(folder)), file.read_bytes())


class Watcher(threading.Thread):
    """Reads command lines and environments of a process's children while it lives."""

    def __init__(self, process: subprocess.Popen[str], search: Search) -> None:
        super().__init__(daemon=True)
        self.process, self.search, self.seen = process, search, set[int]()

    def run(self) -> None:
        while self.process.poll() is None:
            self.read("the parent", self.process.pid, ["cmdline"])
            for child in self.children():
                self.seen.add(child)
                self.read("a worker", child, ["cmdline", "environ"])
            time.sleep(0.02)

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task")
        found: list[int] = []
        try:
            threads = os.listdir(tasks)
        except OSError:
            return found  # the process has ended
        for thread in threads:
            try:
                children = (tasks / thread / "children").read_text("ascii")
            except OSError:
                continue  # that thread has ended
            found += [int(child) for child in children.split()]
        return found

    def read(self, who: str, pid: int, names: list[str]) -> None:
        for name in names:
            try:
                content = Path(f"/proc/{pid}/{name}").read_bytes()
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                return  # it has ended
            # Between fork and exec a child still shows what its parent was started with.
            if who == "a worker" and b"worker" not in command.split(b"\0"):
                return
            self.search.look(f"{name} of {who}", content)


class Scene:
    """A configuration whose secrets are all canaries, in a folder that is searched at the end."""

    def __init__(self, binary: str, folder: Path, search: Search) -> None:
        self.binary, self.folder, self.search = binary, folder, search
        self.file = folder / "mms.yaml"
        self.given: set[Path] = set()
        self.environment = dict(os.environ)
        self.config: dict[str, Any] = {}
        self.workers: set[int] = set()

    def by_file(self, name: str) -> str:
        path = self.folder / f"{name}.secret"
        path.write_text(self.search.canaries[name] + "\n", "utf-8")
        self.given.add(path)
        return f"file:{path}"

    def by_variable(self, name: str) -> str:
        variable = f"MMS_CANARY_{name.upper()}"
        self.environment[variable] = self.search.canaries[name]
        return f"env:{variable}"

    def run(self, *arguments: str, kill_after_s: float | None = None) -> int:
        self.file.write_text(json.dumps(self.config), "utf-8")
        process = subprocess.Popen(
            [self.binary, *arguments, "-f", str(self.file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.folder,
        )
        watcher = Watcher(process, self.search)
        watcher.start()
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            process.send_signal(signal.SIGABRT)  # would leave a core if cores were allowed
        out, err = process.communicate(timeout=180)
        watcher.join()
        self.workers |= watcher.seen
        self.search.look(f"stdout of mms {' '.join(arguments)}", out)
        self.search.look(f"stderr of mms {' '.join(arguments)}", err)
        return process.returncode

    def close(self) -> None:
        self.search.look_below(self.folder, self.given)
        assert self.search.leaks == [], "\n".join(self.search.leaks)
        assert self.search.places > 3


@dataclass
class StrictSandbox:
    """A sandbox that asks for key and STS token, both canaries."""

    endpoint: str
    process: subprocess.Popen[str]


def start_sandbox(binary: str, folder: Path, search: Search) -> StrictSandbox:
    environment = {
        **os.environ,
        "SANDBOX_SECRET": search.canaries["key_secret"],
        "SANDBOX_TOKEN": search.canaries["sts"],
    }
    command = [binary, "sandbox", "--listen", "127.0.0.1:0", "--data", str(folder / "sandbox")]
    command += ["--project", "dw", "--access-key-id", "tester"]
    command += ["--access-key-secret", "env:SANDBOX_SECRET"]
    command += ["--security-token", "env:SANDBOX_TOKEN"]
    with (folder / "sandbox.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    search.look("the sandbox's ready line", line)
    match = re.search(r"http://[0-9.]+:\d+", line)
    assert match, (folder / "sandbox.log").read_text("utf-8")
    search.look("cmdline of the sandbox", Path(f"/proc/{process.pid}/cmdline").read_bytes())
    return StrictSandbox(match.group(), process)


@pytest.fixture
def search(lake: dict[str, Any]) -> Search:
    """The lakehouse's own token and SAS are the canaries of what must work."""
    sas = Path(lake["sas_file"]).read_text("utf-8").strip()
    return Search(
        {
            "token": Path(lake["token_file"]).read_text("utf-8").strip(),
            "sas": sas,
            "sas_signature": urllib.parse.parse_qs(sas.lstrip("?"))["sig"][0],
            "key_secret": canary("key-secret"),
            "sts": canary("sts"),
            "wrong_token": canary("wrong-token"),
            "wrong_secret": canary("wrong-secret"),
            "wrong_sts": canary("wrong-sts"),
            "wrong_signature": canary("wrong-signature"),
        }
    )


@pytest.fixture
def scene(
    mms_bin: str, lake: dict[str, Any], search: Search, tmp_path: Path
) -> Iterator[Scene]:
    scene = Scene(mms_bin, tmp_path, search)
    sandbox = start_sandbox(mms_bin, tmp_path, search)
    scene.config = {
        "source": {
            "workspace": lake["workspace"],
            "catalog": lake["catalog"],
            "token": scene.by_variable("token"),
            "storage": {
                "account": lake["account"],
                "sas": scene.by_file("sas"),
                "endpoint": lake["endpoint"],
            },
        },
        "target": {
            "project": "dw",
            "endpoint": sandbox.endpoint + "/api",
            "access_key_id": "tester",
            "access_key_secret": scene.by_variable("key_secret"),
            "security_token": scene.by_variable("sts"),
        },
        "tables": [{"include": "corpus.plain"}, {"include": "corpus.parts"}],
        "policy": {"tasks": 2, "workers": 2},
        "state": "state",
    }
    try:
        yield scene
    finally:
        sandbox.process.terminate()
        assert sandbox.process.wait(timeout=20) == 0
    scene.close()


def test_a_run_that_succeeds_keeps_its_secrets(scene: Scene) -> None:
    assert scene.run("check") == 0
    assert scene.run("sync", "--json") == 0
    assert scene.run("plan", "--ddl") == 0
    assert scene.run("run") == 0
    assert scene.workers, "workers were seen while they lived"
    assert scene.run("verify", "--json") == 0
    assert scene.run("report") == 0
    assert scene.run("report", "--json") == 0


@pytest.mark.parametrize("output", [[], ["--json"]])
def test_wrong_credentials_are_told_without_being_shown(scene: Scene, output: list[str]) -> None:
    scene.search.canaries["wrong_sas"] = FAKE_SAS + urllib.parse.quote(
        scene.search.canaries["wrong_signature"], safe=""
    )
    right = json.dumps(scene.config)
    wrong = [
        ("source", "token", "wrong_token"),
        ("storage", "sas", "wrong_sas"),
        ("target", "access_key_secret", "wrong_secret"),
        ("target", "security_token", "wrong_sts"),
    ]
    for section, key, name in wrong:
        scene.config = json.loads(right)
        holder = scene.config["source"] if section == "storage" else scene.config
        holder[section][key] = scene.by_variable(name)
        scene.config["state"] = f"state_{name}"
        assert scene.run("check", *output) == 3, name
        assert scene.run("run", *output) == 3, name


def test_literal_and_misplaced_secrets_are_refused_without_being_shown(scene: Scene) -> None:
    right = json.dumps(scene.config)
    secret = scene.search.canaries["wrong_secret"]
    changes: list[tuple[str, Any]] = [
        ("access_key_secret", secret),
        ("access_key_secret", [secret]),
        ("access_key_secret", {"env": secret}),
        ("security_token", secret),
        ("endpoint", f"http://user:{secret}@127.0.0.1:1/api"),
        ("endpoint", f"http://127.0.0.1:1/api?sig={secret}"),
    ]
    for key, value in changes:
        scene.config = json.loads(right)
        scene.config["target"][key] = value
        assert scene.run("run") == 3, (key, type(value))
        assert scene.run("report", "--json") == 3, (key, type(value))
    scene.file.unlink()  # it holds what was typed


def test_peers_that_break_or_echo_make_no_secret_visible(scene: Scene) -> None:
    """An unreachable host, and one that sends back all it was told with an error."""
    right = json.dumps(scene.config)
    with EchoServer() as echo:
        for endpoint, code in ((echo.address, None), ("http://127.0.0.1:1", 5)):
            for section in ("workspace", "storage", "target"):
                scene.config = json.loads(right)
                scene.config["state"] = f"state_{section}_{code}"
                if section == "workspace":
                    scene.config["source"]["workspace"] = endpoint
                elif section == "storage":
                    scene.config["source"]["storage"]["endpoint"] = endpoint + "/lake"
                else:
                    scene.config["target"]["endpoint"] = endpoint + "/api"
                ended = scene.run("run", "--json")
                assert ended == code or (code is None and ended not in (0, -6)), section
        assert echo.requests > 3, "the echo was asked"


def test_a_crash_leaves_no_core_and_no_secret_in_the_state(scene: Scene) -> None:
    scene.config["tables"] = [{"include": "tpch.*"}]
    assert scene.run("run", kill_after_s=1.5) in (-signal.SIGABRT, 0)
    assert not list(scene.folder.glob("core*"))
    assert scene.run("run") == 0


class EchoServer:
    """Answers every request with status 403 and the whole request, header and body, as text."""

    def __init__(self) -> None:
        self.requests = 0
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> EchoServer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(timeout=10)

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                try:
                    told = peer.recv(65536)
                    self.requests += 1
                    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(told)}\r\n"
                    head += "Content-Type: text/plain\r\nConnection: close\r\n\r\n"
                    peer.sendall(head.encode() + told)
                except OSError:
                    continue


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    secret = canary("itself")
    for spelling, needle in forms(secret).items():
        search = Search({"itself": secret})
        (tmp_path / "file").write_bytes(b"before " + needle + b" after")
        search.look_below(tmp_path, set())
        assert search.leaks, spelling
    for prefix in ("", "a", "ab", "abc"):
        search = Search({"itself": secret})
        search.look("base64", base64.b64encode((prefix + secret + "tail").encode()))
        assert search.leaks, prefix
