"""The Unity Catalog objects that the workspace front shows, made from Delta tables on disk.

Shapes follow the public REST reference of Unity Catalog 2.1 (TableInfo, ColumnInfo) and the models
of databricks-sdk 0.156. A schema is a folder whose sub-folders with a `_delta_log` are its tables;
a file `catalog.json` in it adds what no log can tell: views, and aliases of tables with a mask or
a row filter.
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import delta_log

_NAMESPACE = uuid.UUID("6a0d4f5e-6c0e-4d63-9d9b-0f7b1f3f3c11")
OWNER = "owner@example.com"

# Delta's name of a primitive -> (SQL spelling, ColumnTypeName).
_PRIMITIVES = {
    "byte": ("tinyint", "BYTE"),
    "short": ("smallint", "SHORT"),
    "integer": ("int", "INT"),
    "long": ("bigint", "LONG"),
    "float": ("float", "FLOAT"),
    "double": ("double", "DOUBLE"),
    "boolean": ("boolean", "BOOLEAN"),
    "string": ("string", "STRING"),
    "binary": ("binary", "BINARY"),
    "date": ("date", "DATE"),
    "timestamp": ("timestamp", "TIMESTAMP"),
    "timestamp_ntz": ("timestamp_ntz", "TIMESTAMP_NTZ"),
    "variant": ("variant", "VARIANT"),
    "void": ("void", "NULL"),
}


def stable_id(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


def _quoted(name: str) -> str:
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"


def type_text(kind: Any) -> str:
    """The SQL spelling of a Delta type."""
    if isinstance(kind, str):
        return _PRIMITIVES[kind][0] if kind in _PRIMITIVES else kind
    if kind["type"] == "array":
        return f"array<{type_text(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{type_text(kind['keyType'])},{type_text(kind['valueType'])}>"
    fields = (f"{_quoted(field['name'])}:{type_text(field['type'])}" for field in kind["fields"])
    return f"struct<{','.join(fields)}>"


def column_info(field: dict[str, Any], position: int, partitions: list[str]) -> dict[str, Any]:
    """ColumnInfo of a StructField of the Delta schema."""
    kind, metadata = field["type"], field.get("metadata") or {}
    info: dict[str, Any] = {
        "name": field["name"],
        # char and varchar are strings to Delta; the declared type is in the metadata.
        "type_text": metadata.get("__CHAR_VARCHAR_TYPE_STRING") or type_text(kind),
        "type_json": json.dumps(field, ensure_ascii=False, separators=(",", ":")),
        "position": position,
        "nullable": field["nullable"],
    }
    if not isinstance(kind, str):
        info["type_name"] = kind["type"].upper()
    elif kind.startswith("decimal"):
        precision, scale = kind[len("decimal(") : -1].split(",")
        info |= {"type_name": "DECIMAL", "type_precision": int(precision), "type_scale": int(scale)}
    else:
        info["type_name"] = _PRIMITIVES[kind][1] if kind in _PRIMITIVES else "USER_DEFINED_TYPE"
    if metadata.get("comment"):
        info["comment"] = metadata["comment"]
    if field["name"] in partitions:
        info["partition_index"] = partitions.index(field["name"])
    return info


@dataclass(frozen=True)
class Schema:
    """One schema: its folder (None for an empty one) and where its tables lie in the container."""

    name: str
    folder: Path | None
    prefix: str


class Catalog:
    """One catalog with its schemas; thread-safe. Every call sees the folders as they are then."""

    def __init__(self, name: str, root: str, schemas: list[Schema]) -> None:
        """`root` is the abfss URL of the container, without a slash at the end."""
        self.name = name
        self._root = root
        self._schemas = {schema.name: schema for schema in schemas}
        self._metastore_id = stable_id("metastore")
        self._synthetic: dict[str, tuple[str, int]] = {}
        self._cache: dict[Path, tuple[tuple[str, ...], delta_log.Snapshot]] = {}
        self._lock = threading.Lock()

    @property
    def metastore_id(self) -> str:
        return self._metastore_id

    def _common(self, full_name: str, created_ms: int, updated_ms: int) -> dict[str, Any]:
        return {
            "full_name": full_name,
            "owner": OWNER,
            "metastore_id": self._metastore_id,
            "created_at": created_ms,
            "created_by": OWNER,
            "updated_at": updated_ms,
            "updated_by": OWNER,
            "browse_only": False,
        }

    def catalogs(self) -> list[dict[str, Any]]:
        kinds = {self.name: "MANAGED_CATALOG", "system": "SYSTEM_CATALOG"}
        return [
            {
                "name": name,
                "catalog_type": kind,
                "isolation_mode": "OPEN",
                "id": stable_id("catalog", name),
                **self._common(name, 1_700_000_000_000, 1_700_000_000_000),
            }
            for name, kind in kinds.items()
        ]

    def schemas(self) -> list[dict[str, Any]]:
        with self._lock:
            names = sorted({*self._schemas, *self._extra_schemas(), *self._synthetic})
        return [
            {
                "name": name,
                "catalog_name": self.name,
                "catalog_type": "MANAGED_CATALOG",
                "schema_id": stable_id("schema", name),
                **self._common(f"{self.name}.{name}", 1_700_000_000_000, 1_700_000_000_000),
            }
            for name in names
        ]

    def _side_files(self) -> list[tuple[Schema, dict[str, Any]]]:
        result = []
        for schema in self._schemas.values():
            path = schema.folder / "catalog.json" if schema.folder else None
            if path and path.is_file():
                result.append((schema, json.loads(path.read_text("utf-8"))))
        return result

    def _extra_schemas(self) -> set[str]:
        return {
            entry["schema"]
            for _, side in self._side_files()
            for entry in [*side.get("views", []), *side.get("aliases", [])]
            if "schema" in entry
        }

    def add_synthetic(self, schema: str, like: str, count: int) -> None:
        """A schema of `count` tables that all show the columns of `like` ("schema.table")."""
        with self._lock:
            self._synthetic[schema] = (like, count)

    def tables(self, schema_name: str) -> list[dict[str, Any]]:
        """TableInfo of every table and view of a schema, by name."""
        found: dict[str, dict[str, Any]] = {}
        schema = self._schemas.get(schema_name)
        if schema and schema.folder:
            for folder in sorted(schema.folder.iterdir()):
                if (folder / "_delta_log").is_dir():
                    info = self._delta_table(schema, folder)
                    found[info["name"]] = info
        for home, side in self._side_files():
            for view in side.get("views", []):
                if view.get("schema", home.name) == schema_name:
                    found[view["name"]] = self._view(schema_name, view)
            for alias in side.get("aliases", []):
                if alias.get("schema", home.name) == schema_name:
                    found[alias["name"]] = self._alias(schema_name, home, alias)
        if schema_name in self._synthetic:
            found.update(self._synthetic_tables(schema_name))
        return [found[name] for name in sorted(found)]

    def table(self, schema_name: str, name: str) -> dict[str, Any] | None:
        return next((t for t in self.tables(schema_name) if t["name"] == name), None)

    def by_id(self, table_id: str) -> dict[str, Any] | None:
        for schema in self.schemas():
            for table in self.tables(schema["name"]):
                if table["table_id"] == table_id:
                    return table
        return None

    def _snapshot(self, folder: Path) -> delta_log.Snapshot:
        names = delta_log.log_names(folder)
        with self._lock:
            cached = self._cache.get(folder)
        if cached and cached[0] == names:
            return cached[1]
        snapshot = delta_log.read_snapshot(folder)
        with self._lock:
            self._cache[folder] = (names, snapshot)
        return snapshot

    def _delta_table(self, schema: Schema, folder: Path) -> dict[str, Any]:
        snapshot = self._snapshot(folder)
        full_name = f"{self.name}.{schema.name}.{folder.name}"
        protocol = snapshot.protocol
        properties = snapshot.configuration | {
            "delta.minReaderVersion": str(protocol["minReaderVersion"]),
            "delta.minWriterVersion": str(protocol["minWriterVersion"]),
            "delta.lastUpdateVersion": str(snapshot.version),
            "delta.lastCommitTimestamp": str(snapshot.updated_at_ms),
        }
        for feature in protocol.get("writerFeatures") or protocol.get("readerFeatures") or []:
            properties[f"delta.feature.{feature}"] = "supported"
        partitions = snapshot.partition_columns
        created_ms = int(snapshot.metadata.get("createdTime") or snapshot.updated_at_ms)
        info = {
            "name": folder.name,
            "catalog_name": self.name,
            "schema_name": schema.name,
            "table_type": "EXTERNAL",
            "data_source_format": "DELTA",
            "columns": [
                column_info(field, position, partitions)
                for position, field in enumerate(snapshot.schema["fields"])
            ],
            "storage_location": f"{self._root}/{schema.prefix}/{folder.name}",
            "properties": properties,
            "table_id": stable_id("table", full_name, snapshot.metadata["id"]),
            **self._common(full_name, created_ms, snapshot.updated_at_ms),
        }
        if snapshot.metadata.get("description"):
            info["comment"] = snapshot.metadata["description"]
        return info

    def _view(self, schema_name: str, view: dict[str, Any]) -> dict[str, Any]:
        full_name = f"{self.name}.{schema_name}.{view['name']}"
        info = {
            "name": view["name"],
            "catalog_name": self.name,
            "schema_name": schema_name,
            "table_type": "VIEW",
            "data_source_format": "UNKNOWN_DATA_SOURCE_FORMAT",
            "columns": [column_info(f, i, []) for i, f in enumerate(view["columns"])],
            "view_definition": view["view_definition"],
            "properties": {},
            "table_id": stable_id("view", full_name),
            **self._common(full_name, 1_700_000_000_000, 1_700_000_000_000),
        }
        if view.get("comment"):
            info["comment"] = view["comment"]
        return info

    def _alias(self, schema_name: str, home: Schema, alias: dict[str, Any]) -> dict[str, Any]:
        assert home.folder is not None
        info = self._delta_table(home, home.folder / alias["like"])
        full_name = f"{self.name}.{schema_name}.{alias['name']}"
        info |= {
            "name": alias["name"],
            "schema_name": schema_name,
            "full_name": full_name,
            "table_id": stable_id("alias", full_name),
        }
        if "row_filter" in alias:
            info["row_filter"] = alias["row_filter"]
        if "mask" in alias:
            for column in info["columns"]:
                if column["name"] == alias["mask"]["column"]:
                    column["mask"] = {"function_name": alias["mask"]["function_name"]}
        return info

    def _synthetic_tables(self, schema_name: str) -> dict[str, dict[str, Any]]:
        like, count = self._synthetic[schema_name]
        source_schema, _, source = like.partition(".")
        model = self.table(source_schema, source)
        if model is None:
            raise ValueError(f"no table {like} to make synthetic tables from")
        width = len(str(count - 1))
        result = {}
        for number in range(count):
            name = f"t{number:0{width}d}"
            full_name = f"{self.name}.{schema_name}.{name}"
            result[name] = model | {
                "name": name,
                "schema_name": schema_name,
                "full_name": full_name,
                "table_id": stable_id("synthetic", full_name),
            }
        return result
