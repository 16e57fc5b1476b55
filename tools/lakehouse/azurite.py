"""Azurite as the object store of the testbed: starts it, signs SAS tokens, uploads folders.

Azurite is the public Azure Storage emulator. It listens on the loopback address only, keeps blobs
in memory, and knows two accounts with a key made at random. The key reaches it through its
environment variable AZURITE_ACCOUNTS and lies in a file of mode 0600, never on a command line.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ResourceTypes,
    generate_account_sas,
)

import processes

ACCOUNT = "lakestore"
OTHER_ACCOUNT = "otherstore"  # for what lies in another account than its table
_ENTRY = Path("node_modules/azurite/dist/src/blob/main.js")
_START_TIMEOUT_S = 60


@dataclass
class Azurite:
    """A running Azurite; `key` is a secret."""

    process: subprocess.Popen[bytes]
    port: int
    key: str
    scheme: str = "http"

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/{ACCOUNT}"

    def container(
        self, name: str, ca_file: str | None = None, account: str = ACCOUNT
    ) -> ContainerClient:
        service = BlobServiceClient(
            self.endpoint.replace(ACCOUNT, account),
            credential={"account_name": account, "account_key": self.key},
            connection_verify=ca_file or True,
        )
        return service.get_container_client(name)


def write_secret(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, from its first moment."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def cache_root() -> Path:
    """Where set-up keeps what it gets: MMS_CACHE, else ~/.cache/open-mms."""
    return Path(os.environ.get("MMS_CACHE") or Path.home() / ".cache/open-mms")


def find_entry(given: str | None) -> Path:
    """The script to run: from --azurite, AZURITE_PATH, or the cache; a folder is an npm prefix."""
    cache = cache_root() / "azurite-3.35.0"
    for candidate in (given, os.environ.get("AZURITE_PATH"), str(cache)):
        if not candidate:
            continue
        path = Path(candidate).expanduser()
        for script in (path, path / _ENTRY, path / "dist/src/blob/main.js"):
            if script.is_file():
                return script.resolve()
        if candidate == given:
            break
    raise SystemExit(
        "Azurite is not there: install the npm package azurite@3.35.0 with"
        " `npm install --prefix DIR` and name DIR by --azurite or AZURITE_PATH"
    )


def start(
    entry: Path, directory: Path, arguments: Sequence[str] = (), quiet: bool = True
) -> Azurite:
    """Starts Azurite in the background; its output goes to DIRECTORY/azurite.log: without `quiet`
    a line for each request. With --cert among the further arguments it speaks https."""
    node = os.environ.get("NODE") or shutil.which("node")
    if not node:
        raise SystemExit("node is not on PATH: install Node.js 18 or newer, or set NODE")
    key = base64.b64encode(os.urandom(64)).decode()
    write_secret(directory / "azurite.key", key)
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key};{OTHER_ACCOUNT}:{key}"}
    log_path = directory / "azurite.log"
    for _ in range(3):
        port = processes.free_port()
        command = [node, str(entry), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
        command += [*(["--silent"] if quiet else []), *arguments]
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=directory,
                env=environment,
                start_new_session=True,
            )
        if processes.wait_until_open(process, port, _START_TIMEOUT_S):
            return Azurite(process, port, key, "https" if "--cert" in arguments else "http")
    raise SystemExit(f"Azurite ends as soon as it starts: see {log_path}")


def make_sas(key: str, start_s: int, end_s: int) -> str:
    """An account SAS for reading and listing, valid between two moments relative to now."""
    now = dt.datetime.now(dt.timezone.utc)
    return generate_account_sas(
        ACCOUNT,
        key,
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, list=True),
        now + dt.timedelta(seconds=end_s),
        start=now + dt.timedelta(seconds=start_s),
        protocol="https,http",
    )


def upload(container: ContainerClient, folders: Iterable[tuple[Path, str]]) -> int:
    """Uploads (folder, blob prefix) pairs; returns the bytes sent.

    A blob's name is the path of the file on disk, letter by letter: a Delta log names its files by
    URL, so the path of the log decoded exactly once is the name. The client encodes the name for
    the request; a name that holds `%2F` travels as `%252F`.
    """
    files = [
        (path, f"{prefix}/{path.relative_to(folder).as_posix()}")
        for folder, prefix in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]

    def put(item: tuple[Path, str]) -> int:
        path, name = item
        with path.open("rb") as content:
            container.upload_blob(name, content, overwrite=True)
        return path.stat().st_size

    if not container.exists():
        container.create_container()
    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(put, files))
