"""The Java SDK as a judge: compiles tests/peers/java once and runs it against a sandbox.

Set-up has put odps-sdk-core and what it needs into the cache (tools/setup/steps/java_peer.sh). The
classes lie beside them, in a folder named after a hash of the sources, so that they are compiled
again only when a source changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from sandbox_fixtures import ACCESS_KEY_ID, ACCESS_KEY_SECRET, PROJECT, Sandbox

SOURCES = Path(__file__).resolve().parent / "java"
CACHE = Path(os.environ.get("MMS_CACHE", Path.home() / ".cache/open-mms")) / "java-peer"
# Arrow Java 4 reaches into java.nio; Netty would like to.
JVM = ["--add-opens=java.base/java.nio=ALL-UNNAMED", "-Xmx1g", "-XX:+UseSerialGC"]
JVM += ["-Dfile.encoding=UTF-8", "-XX:TieredStopAtLevel=1"]
LIMIT_S = 540

# Besides the one key of sandbox_fixtures: who the program also comes as.
STS_TOKEN = "peer-test-sts-token-1d7b"
BEARER_TOKEN = "peer-test-bearer-token-90c2"
SECRETS = {
    "PEER_TEST_SECRET": ACCESS_KEY_SECRET,
    "PEER_TEST_STS_TOKEN": STS_TOKEN,
    "PEER_TEST_BEARER_TOKEN": BEARER_TOKEN,
}
USERS = f"""
users:
  - name: temporary
    access_key_id: temporary
    access_key_secret: env:PEER_TEST_SECRET
    security_token: env:PEER_TEST_STS_TOKEN
    grants: [{{project: {PROJECT}, rights: [owner]}}]
  - name: bearer
    bearer_token: env:PEER_TEST_BEARER_TOKEN
    grants: [{{project: {PROJECT}, rights: [owner]}}]
  - name: guest
    access_key_id: guest
    access_key_secret: env:PEER_TEST_SECRET
    grants: [{{project: {PROJECT}, rights: [list]}}]
"""


def classes() -> Path:
    """The folder of the classes. They are compiled beside it; then it gets its name."""
    sources = sorted(SOURCES.glob("peer/*.java"))
    pins = [SOURCES / "pom.xml", SOURCES / "jars.sha256"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources + pins))
    folder = CACHE / "classes" / digest.hexdigest()[:16]
    if folder.is_dir():
        return folder
    assert (CACHE / "jars").is_dir(), "the SDK's jars are not there: run `make setup`"
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = tempfile.mkdtemp(prefix="compiling-", dir=folder.parent)
    command = ["javac", "-encoding", "UTF-8", "-Xlint:-options", "-nowarn", "-d", work]
    command += ["-classpath", str(CACHE / "jars/*"), *map(str, sources)]
    compiled = subprocess.run(command, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    try:
        os.rename(work, folder)
    except OSError:  # another test run was faster
        shutil.rmtree(work)
        assert folder.is_dir()
    return folder


def run(*arguments: str) -> list[str]:
    """The program's lines. The secret goes by its environment."""
    command = ["java", *JVM, "-classpath", f"{classes()}:{CACHE / 'jars'}/*", "peer.Main"]
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        encoding="utf-8",
        env=dict(os.environ, **SECRETS),
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def check(sandbox: Sandbox, mapped_url: str, pattern: str = ".*") -> dict[str, dict[str, Any]]:
    """What each check found, by its name."""
    lines = run("check", sandbox.url, mapped_url, PROJECT, ACCESS_KEY_ID, pattern)
    return {line["check"]: line for line in map(json.loads, lines)}
