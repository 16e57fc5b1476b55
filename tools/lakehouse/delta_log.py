"""Reads a Delta table's log from a local folder: protocol, metadata, live files, counts.

A plain replay for the test side, after the public Delta protocol: the newest complete checkpoint
(classic, multi-part, or v2 with sidecars), then the JSON commits after it. It shares nothing with
the product's reader, so that each can catch the other's mistakes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_COMMIT = re.compile(r"^(\d{20})\.json$")
_CLASSIC = re.compile(r"^(\d{20})\.checkpoint\.parquet$")
_PART = re.compile(r"^(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet$")
_V2 = re.compile(r"^(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)$")
_ACTIONS = ("protocol", "metaData", "add", "remove", "sidecar", "commitInfo")


@dataclass
class Snapshot:
    """A table at its newest version."""

    version: int
    protocol: dict[str, Any]
    metadata: dict[str, Any]
    updated_at_ms: int
    files: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Any]:
        return json.loads(self.metadata["schemaString"])

    @property
    def partition_columns(self) -> list[str]:
        return list(self.metadata.get("partitionColumns") or [])

    @property
    def configuration(self) -> dict[str, str]:
        return dict(self.metadata.get("configuration") or {})

    @property
    def size_bytes(self) -> int:
        return sum(int(add["size"]) for add in self.files.values())

    @property
    def rows(self) -> int | None:
        """Live rows, or None when a file's statistics do not tell."""
        total = 0
        for add in self.files.values():
            records = json.loads(add.get("stats") or "{}").get("numRecords")
            if records is None:
                return None
            vector = add.get("deletionVector") or {}
            total += int(records) - int(vector.get("cardinality") or 0)
        return total


def log_names(table: Path) -> tuple[str, ...]:
    """The names in the log folder: equal names mean an unchanged table."""
    return tuple(sorted(entry.name for entry in (table / "_delta_log").iterdir()))


def _parquet_actions(path: Path) -> Iterator[dict[str, Any]]:
    file = pq.ParquetFile(path)
    wanted = [name for name in file.schema_arrow.names if name in _ACTIONS]
    for batch in file.iter_batches(columns=wanted):
        for row in batch.to_pylist(maps_as_pydicts="strict"):
            yield {name: value for name, value in row.items() if value is not None}


def _json_actions(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _actions(path: Path) -> Iterator[dict[str, Any]]:
    return _parquet_actions(path) if path.suffix == ".parquet" else _json_actions(path)


def _checkpoint(names: Iterable[str]) -> tuple[int, list[str]]:
    """Version and files of the newest complete checkpoint; (-1, []) when there is none."""
    found: dict[int, list[str]] = {}
    parts: dict[tuple[int, int], list[str]] = {}
    for name in names:
        if match := _CLASSIC.match(name) or _V2.match(name):
            found.setdefault(int(match[1]), [name])
        elif match := _PART.match(name):
            parts.setdefault((int(match[1]), int(match[3])), []).append(name)
    for (version, count), members in parts.items():
        if len(members) == count:
            found.setdefault(version, members)
    newest = max(found, default=-1)
    return newest, found.get(newest, [])


def _vector_id(action: dict[str, Any]) -> str:
    vector = action.get("deletionVector")
    if not vector:
        return ""
    return f"{vector['storageType']}{vector['pathOrInlineDv']}@{vector.get('offset')}"


def _apply(snapshot: Snapshot, action: dict[str, Any]) -> None:
    if "protocol" in action:
        snapshot.protocol = action["protocol"]
    elif "metaData" in action:
        snapshot.metadata = action["metaData"]
    elif "add" in action:
        add = action["add"]
        snapshot.files[(add["path"], _vector_id(add))] = add
    elif "remove" in action:
        remove = action["remove"]
        snapshot.files.pop((remove["path"], _vector_id(remove)), None)
    elif "commitInfo" in action:
        info = action["commitInfo"]
        snapshot.updated_at_ms = int(info.get("timestamp") or snapshot.updated_at_ms)


def read_snapshot(table: Path) -> Snapshot:
    """Raises ValueError naming the table when its log is not complete."""
    log = table / "_delta_log"
    names = log_names(table)
    version, members = _checkpoint(names)
    snapshot = Snapshot(version, {}, {}, 0)
    for member in members:
        for action in _actions(log / member):
            if "sidecar" in action:
                for inner in _actions(log / "_sidecars" / action["sidecar"]["path"]):
                    _apply(snapshot, inner)
            else:
                _apply(snapshot, action)
    commits = sorted(int(match[1]) for name in names if (match := _COMMIT.match(name)))
    for number in commits:
        if number <= snapshot.version:
            continue
        if number != snapshot.version + 1:
            raise ValueError(f"{table}: commit {snapshot.version + 1} is missing from the log")
        for action in _actions(log / f"{number:020d}.json"):
            _apply(snapshot, action)
        snapshot.version = number
    if not snapshot.metadata or not snapshot.protocol:
        raise ValueError(f"{table}: no metadata or no protocol in the log")
    if not snapshot.updated_at_ms:
        snapshot.updated_at_ms = int(snapshot.metadata.get("createdTime") or 0)
    return snapshot
