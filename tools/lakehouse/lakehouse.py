"""Brings up a lakehouse on this machine: Azurite with Delta tables, and their workspace.

    python lakehouse.py up --dir DIR [--sql] [--tls] [--kinds] [--scale 0.1] ...
    python lakehouse.py down --dir DIR

`up` makes the data (kept in $MMS_CACHE/lakehouse by content), starts Azurite and the
workspace front on free loopback ports, uploads every table to the container `lake`, and writes
DIR/lakehouse.json, last: when that file is there, everything answers. Secrets are in files of mode
0600 that it names. With --sql it also starts a Spark Thrift Server, which answers the SQL of the
workspace. `down` ends the servers by process id and removes what `up` wrote.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azurite
import delta_log
import open_server
import other_kinds
import processes
import spark_server
import tls
import tpch
from unity_catalog import OWNER
from workspace import LIMITED, ORG_ID

CATALOG = "main"
CONTAINER = "lake"
CLUSTER_ID = "0101-120000-lakehous"
WAREHOUSE_ID = "00aa11bb22cc33dd"
_HERE = Path(__file__).resolve().parent
_CORPUS = _HERE.parent.parent / "tests/corpus/corpus.tar.gz"
_KINDS = _CORPUS.with_name("kinds.tar.gz")
_ROOT = f"abfss://{CONTAINER}@{azurite.ACCOUNT}.dfs.core.windows.net"
_CACHE = azurite.cache_root() / "lakehouse"
_SAS_LIFE_S = 7 * 24 * 3600
_FRONT_TIMEOUT_S = 30
_SECRETS = ("token", "limited_token", "sas", "expired_sas", "azurite.key", "tls.key")
_OWN_FILES = (
    *_SECRETS,
    "lakehouse.json",
    "front.json",
    "front.out",
    "front.log",
    "azurite.log",
    "tls.crt",
)


def say(text: str) -> None:
    print(f"lakehouse: {text}", file=sys.stderr, flush=True)


# --- data ---------------------------------------------------------------------


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    """The folder NAME of the cache, made whole or not at all."""
    folder = _CACHE / name
    if folder.is_dir():
        return folder
    _CACHE.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=_CACHE))
    try:
        make(scratch)
        try:
            scratch.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another `up` made the same meanwhile
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def tpch_folder(scale: float) -> Path:
    """TPC-H of this scale; the key holds the maker and the pinned packages."""
    digest = hashlib.sha256()
    for source in ("tpch.py", "requirements.txt"):
        digest.update((_HERE / source).read_bytes())
    name = f"tpch-{scale:g}-{digest.hexdigest()[:12]}"
    if not (_CACHE / name).is_dir():
        say(f"making TPC-H tables of scale {scale:g} (kept for next time)")
    return _cached(name, lambda folder: tpch.make(scale, folder))


def corpus_folder(archive: Path) -> Path:
    """The unpacked archive: corpus/<table> and expected/<table>.json(l)."""
    if not archive.is_file():
        raise SystemExit(f"{archive} is not there: name the corpus by --corpus")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:16]
    return _cached(f"corpus-{digest}", lambda folder: _unpack(archive, folder))


def kinds_folder() -> Path:
    """The unpacked kinds.tar.gz: kinds/<table>, expected/, and stored/ (other_kinds.py)."""
    digest = hashlib.sha256(_KINDS.read_bytes())
    digest.update(Path(other_kinds.__file__).read_bytes())
    name = f"kinds-{digest.hexdigest()[:16]}"

    def make(folder: Path) -> None:
        _unpack(_KINDS, folder)
        other_kinds.settle(folder, _CACHE / name, f"{_ROOT}/{other_kinds.SCHEMA}")

    return _cached(name, make)


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        # Debian 12's Python 3.11.2 is older than extraction filters.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(folder)


def describe_tables(schema: str, folder: Path, expected: Path | None) -> list[dict[str, Any]]:
    """The table entries of lakehouse.json; rows is null when the log's statistics do not tell."""
    result = []
    for table in sorted(folder.iterdir()):
        if not (table / "_delta_log").is_dir():
            continue
        snapshot = delta_log.read_snapshot(table)
        entry: dict[str, Any] = {
            "schema": schema,
            "table": table.name,
            "rows": snapshot.rows,
            "bytes": snapshot.size_bytes,
            "files": len(snapshot.files),
            "version": snapshot.version,
            "location": f"{_ROOT}/{schema}/{table.name}",
            "folder": str(table),
            "expected": None,
        }
        if expected and (expected / f"{table.name}.json").is_file():
            entry["expected"] = str(expected / f"{table.name}.json")
        result.append(entry)
    return result


# --- processes ----------------------------------------------------------------


def start_front(directory: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The front of DIRECTORY/front.json, once it answers; and its address."""
    command = [sys.executable, str(_HERE / "workspace_front.py")]
    command += ["--config", str(directory / "front.json")]
    # A thread answers each connection; with a heap for each, what is free in one stays unused by
    # the others, and the front's size tells nothing of what it holds.
    environment = os.environ | {"MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    out_path = directory / "front.out"
    with out_path.open("wb") as out, (directory / "front.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    deadline = time.monotonic() + _FRONT_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        text = out_path.read_text("utf-8")
        if text.endswith("\n"):
            return process, json.loads(text)["workspace"]
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise SystemExit(f"the workspace front did not start: see {directory / 'front.log'}")


# --- commands -----------------------------------------------------------------


def _front_config(directory: Path, folders: dict[str, Path], page_size: int) -> dict[str, Any]:
    schemas: dict[str, Any] = {
        name: {"dir": str(folder), "prefix": name} for name, folder in folders.items()
    }
    schemas["default"] = {}
    clusters = [
        {"id": CLUSTER_ID, "name": "lakehouse", "state": "RUNNING"},
        {"id": "0102-120000-stopped0", "name": "stopped", "state": "TERMINATED"},
        {"id": "0103-120000-broken00", "name": "broken", "state": "TERMINATED", "fails": True},
    ]
    return {
        "catalog": CATALOG,
        "account": azurite.ACCOUNT,
        "container": CONTAINER,
        "schemas": schemas,
        "clusters": clusters,
        "warehouses": [{"id": WAREHOUSE_ID, "name": "lakehouse", "state": "TERMINATED"}],
        "page_size": page_size,
        "token_file": str(directory / "token"),
        "limited_token_file": str(directory / "limited_token"),
        "key_file": str(directory / "azurite.key"),
    }


def tables_of(scale: float, corpus: Path = _CORPUS) -> dict[str, Path]:
    """Schema to folder of tables; makes what is not in the cache yet."""
    return {"corpus": corpus_folder(corpus) / "corpus", "tpch": tpch_folder(scale)}


def start_spark(directory: Path, folders: dict[str, Path]) -> spark_server.SparkServer:
    """A Spark Thrift Server over these tables and those of the schema kinds, in its own folder."""
    folders = {**folders, other_kinds.SCHEMA: kinds_folder() / "kinds"}
    return spark_server.start(directory, spark_server.metastore(folders, _cached))


def _add_kinds(folders: dict[str, Path], store: azurite.Azurite) -> list[dict[str, Any]]:
    """Uploads the schema kinds and adds it to the folders; returns what is said of its tables."""
    folder = kinds_folder() / "kinds"
    folders[other_kinds.SCHEMA] = folder
    tables = [table for table in folder.iterdir() if table.is_dir()]
    container = store.container(CONTAINER)
    azurite.upload(container, [(t, f"{other_kinds.SCHEMA}/{t.name}") for t in tables])
    stored = folder.parent / "stored"
    azurite.upload(container, [(stored, other_kinds.SCHEMA)])
    return other_kinds.describe(folder, _ROOT)


def _write_secrets(directory: Path, key: str, dialect: str) -> None:
    for name, user in (("token", OWNER), ("limited_token", LIMITED)):
        token = f"dapi{secrets.token_hex(16)}"
        if dialect == "open":
            token = open_server.make_token(user, _SAS_LIFE_S)
        azurite.write_secret(directory / name, token)
    azurite.write_secret(directory / "sas", azurite.make_sas(key, -3600, _SAS_LIFE_S))
    azurite.write_secret(directory / "expired_sas", azurite.make_sas(key, -7200, -3600))


def _write_whole(path: Path, value: Any) -> None:
    """Readers see the old file or the new one, never a part."""
    scratch = path.with_name(path.name + ".new")
    scratch.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
    scratch.rename(path)


def up(options: argparse.Namespace) -> None:
    directory = options.dir.resolve()
    if (directory / "lakehouse.json").exists():
        raise SystemExit(f"{directory} already holds a lakehouse: end it by `down` first")
    directory.mkdir(parents=True, exist_ok=True)
    entry = azurite.find_entry(options.azurite)
    folders = tables_of(options.scale, options.corpus)
    expected = folders["corpus"].parent / "expected"
    tables = [
        table
        for schema, folder in folders.items()
        for table in describe_tables(
            schema, folder, expected if schema == "corpus" else None
        )
    ]
    started: list[dict[str, Any]] = []
    # A SIGTERM to `up` must not leave servers behind: let it run the clean-up below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        say("starting Azurite")
        store = azurite.start(entry, directory)
        started.append(processes.entry("azurite", store.process))
        _write_secrets(directory, store.key, options.dialect)
        began = time.monotonic()
        pairs = [(Path(t["folder"]), f"{t['schema']}/{t['table']}") for t in tables]
        sent = azurite.upload(store.container(CONTAINER), pairs)
        seconds = time.monotonic() - began
        say(f"uploaded {len(tables)} tables, {sent / 1e6:.1f} MB, in {seconds:.1f} s")
        kinds = _add_kinds(folders, store) if options.kinds else []
        config = _front_config(directory, folders, options.page_size)
        if options.kinds:
            config["tables"] = other_kinds.entries(folders[other_kinds.SCHEMA], _ROOT)
        if options.sql:
            say("starting Spark")
            spark = start_spark(directory / "spark", folders)
            started.append(processes.entry("spark", spark.process))
            config["sql"] = {"server": spark.address}
        config["dialect"] = options.dialect
        if options.tls:
            config["tls"] = tls.write_pair(directory)
        _write_whole(directory / "front.json", config)
        front, workspace = start_front(directory)
        started.append(processes.entry("workspace front", front))
        _write_whole(
            directory / "lakehouse.json",
            {
                "workspace": workspace,
                "catalog": CATALOG,
                "cluster": CLUSTER_ID,
                "warehouse": WAREHOUSE_ID,
                "http_path": f"/sql/protocolv1/o/{ORG_ID}/{CLUSTER_ID}",
                "ca_file": str(directory / "tls.crt") if options.tls else None,
                "account": azurite.ACCOUNT,
                "container": CONTAINER,
                "endpoint": store.endpoint,
                "token_file": str(directory / "token"),
                "limited_token_file": str(directory / "limited_token"),
                "sas_file": str(directory / "sas"),
                "expired_sas_file": str(directory / "expired_sas"),
                "expected_dir": str(expected),
                "pids": [process["pid"] for process in started],
                "processes": started,
                "tables": tables,
                "kinds": kinds,
            },
        )
    except BaseException:
        processes.stop(started)
        raise
    say(f"workspace {workspace}, blobs {store.endpoint}, description {directory}/lakehouse.json")


def down(options: argparse.Namespace) -> None:
    directory = options.dir.resolve()
    description = directory / "lakehouse.json"
    if not description.is_file():
        say(f"nothing to end in {directory}")
        return
    known = json.loads(description.read_text("utf-8"))["processes"]
    processes.stop(known)
    for name in _OWN_FILES:
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / "spark", ignore_errors=True)
    say(f"ended {len(known)} processes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start and fill everything")
    start.add_argument("--dir", type=Path, required=True)
    start.add_argument("--scale", type=float, default=0.1, help="TPC-H scale factor")
    start.add_argument("--sql", action="store_true", help="with a Spark Thrift Server")
    start.add_argument("--kinds", action="store_true", help="with the schema kinds")
    start.add_argument("--tls", action="store_true", help="the workspace speaks https")
    start.add_argument(
        "--dialect",
        choices=("databricks", "open"),
        default="databricks",
        help="open: the REST side as the open-source Unity Catalog server has it",
    )
    start.add_argument("--corpus", type=Path, default=_CORPUS)
    start.add_argument("--azurite", help="npm prefix, package folder or script of Azurite")
    start.add_argument("--page-size", type=int, default=50, help="objects a page by default")
    start.set_defaults(run=up)
    stop = commands.add_parser("down", help="end everything that up started")
    stop.add_argument("--dir", type=Path, required=True)
    stop.set_defaults(run=down)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
