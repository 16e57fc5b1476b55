"""A Delta log written commit by commit, for states that no writer at hand makes: column mapping
whose columns swap names, and another history under the id of a table.
"""

from __future__ import annotations

import itertools
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

# (name, type, physical name); a type that is a list is a struct of such fields.
Field = tuple[str, Any, str]


class DeltaByHand:
    """A table that begins with `fields` and no rows. Without `mapped` physical names are unused."""

    def __init__(
        self, folder: Path, fields: list[Field], partitions: list[str] = [], mapped: bool = True
    ) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder, self.partitions, self.mapped = folder, partitions, mapped
        self.log = folder / "_delta_log"
        self.log.mkdir(parents=True)
        self.version = -1
        self.ids: dict[str, int] = {}  # by physical name, as a writer keeps them
        self.files = itertools.count()
        versions = (2, 5) if mapped else (1, 2)
        protocol = {"minReaderVersion": versions[0], "minWriterVersion": versions[1]}
        self.commit({"protocol": protocol}, self.metadata(fields))

    def field(self, field: Field) -> dict[str, Any]:
        name, kind, physical = field
        metadata = {
            "delta.columnMapping.id": self.ids.setdefault(physical, len(self.ids) + 1),
            "delta.columnMapping.physicalName": physical,
        }
        return {
            "name": name,
            "type": self.struct(kind) if isinstance(kind, list) else kind,
            "nullable": True,
            "metadata": metadata if self.mapped else {},
        }

    def struct(self, fields: list[Field]) -> dict[str, Any]:
        return {"type": "struct", "fields": [self.field(field) for field in fields]}

    def metadata(self, fields: list[Field]) -> dict[str, Any]:
        mapping = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "99"}
        return {
            "metaData": {
                "id": "11111111-1111-1111-1111-111111111111",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps(self.struct(fields)),
                "partitionColumns": self.partitions,
                "configuration": mapping if self.mapped else {},
                "createdTime": 1,
            }
        }

    def commit(self, *actions: dict[str, Any]) -> None:
        self.version += 1
        info = {"commitInfo": {"timestamp": int(time.time() * 1000), "operation": "WRITE"}}
        lines = "".join(json.dumps(action) + "\n" for action in (info, *actions))
        (self.log / f"{self.version:020}.json").write_text(lines, "utf-8")

    def file(self, rows: pa.Table, **partition: str) -> dict[str, Any]:
        """A new file and its action; columns, and those of partitions, by their physical names."""
        path = f"part-{next(self.files):05}.parquet"
        pq.write_table(rows, self.folder / path)
        return {
            "add": {
                "path": path,
                "partitionValues": partition,
                "size": (self.folder / path).stat().st_size,
                "modificationTime": int(time.time() * 1000),
                "dataChange": True,
                "stats": json.dumps({"numRecords": rows.num_rows}),
            }
        }

    def remove(self, file: dict[str, Any]) -> dict[str, Any]:
        added = file["add"]
        return {
            "remove": {
                "path": added["path"],
                "deletionTimestamp": int(time.time() * 1000),
                "dataChange": True,
                "extendedFileMetadata": True,
                "partitionValues": added["partitionValues"],
                "size": added["size"],
            }
        }

    def go_back(self, version: int) -> None:
        """As a backup of then has it: later commits are gone, and their files stay."""
        while self.version > version:
            (self.log / f"{self.version:020}.json").unlink()
            self.version -= 1
