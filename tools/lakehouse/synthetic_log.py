"""Writes a Delta log of any size whose data files do not exist, for tests of metadata alone.

    python synthetic_log.py --out DIR/TABLE --partitions 10000 --files 10 [--checkpoint]

One commit of `partitions` x `files` adds with statistics, partitioned by the string `part`; with
--checkpoint delta-rs writes the classic checkpoint of it. The numbers vary with nothing: the same
arguments give the same log.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

_CREATED_MS = 1_700_000_000_000
_FIELDS = [("id", "long"), ("name", "string"), ("amount", "decimal(18,2)"), ("part", "string")]


def rows_of(partition: int, file: int) -> int:
    return 1000 + (partition * 31 + file * 7) % 500


def size_of(partition: int, file: int) -> int:
    return 50_000 + (partition * 131 + file * 17) % 9_000


def _actions(partitions: int, files: int) -> Iterator[dict[str, Any]]:
    fields = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in _FIELDS]
    yield {"commitInfo": {"timestamp": _CREATED_MS, "operation": "WRITE"}}
    yield {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}
    yield {
        "metaData": {
            "id": "5f1d0b8e-7a55-4d0a-9d68-2f2a3f7c9e10",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": fields}),
            "partitionColumns": ["part"],
            "configuration": {},
            "createdTime": _CREATED_MS,
        }
    }
    for partition in range(partitions):
        value = f"p{partition:07d}"
        for file in range(files):
            rows = rows_of(partition, file)
            stats = {
                "numRecords": rows,
                "minValues": {"id": 0, "name": "a", "amount": 0.01},
                "maxValues": {"id": rows, "name": "z", "amount": 99999.99},
                "nullCount": {"id": 0, "name": 3, "amount": 0},
            }
            yield {
                "add": {
                    "path": f"part={value}/part-{file:05d}-{partition:07d}.snappy.parquet",
                    "partitionValues": {"part": value},
                    "size": size_of(partition, file),
                    "modificationTime": _CREATED_MS + partition,
                    "dataChange": True,
                    "stats": json.dumps(stats),
                }
            }


def write(folder: Path, partitions: int, files: int = 1, checkpoint: bool = False) -> None:
    """Writes FOLDER/_delta_log; the folder must not hold one yet."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    with (log / f"{0:020d}.json").open("w", encoding="utf-8") as commit:
        for action in _actions(partitions, files):
            commit.write(json.dumps(action, separators=(",", ":")) + "\n")
    if checkpoint:
        DeltaTable(str(folder)).create_checkpoint()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--partitions", type=int, default=100)
    parser.add_argument("--files", type=int, default=1, help="a partition")
    parser.add_argument("--checkpoint", action="store_true")
    options = parser.parse_args()
    write(options.out, options.partitions, options.files, options.checkpoint)


if __name__ == "__main__":
    main()
