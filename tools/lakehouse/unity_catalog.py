"""The Unity Catalog objects that the workspace front shows, made from Delta tables on disk.

Shapes follow the public REST reference of Unity Catalog 2.1 (TableInfo, ColumnInfo) and the models
of databricks-sdk 0.156. A schema is a folder whose sub-folders with a `_delta_log` are its tables;
a file `catalog.json` in it adds what no log can tell: views, aliases of tables with a mask or a row
filter. Entries add to that or change it while the front runs (`Catalog.put`).
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
_LONG_AGO_MS = 1_700_000_000_000

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


@dataclass(frozen=True)
class Synthetic:
    """A schema of `count` tables that all show the columns of the table `like`.

    The first `real` of them lie where that table lies, log and all; the others nowhere."""

    like: tuple[str, str]
    count: int
    real: int

    def name(self, number: int) -> str:
        return f"t{number:0{len(str(self.count - 1))}d}"

    def number(self, name: str) -> int | None:
        number = int(name[1:]) if name[1:].isdigit() else self.count
        return number if number < self.count and self.name(number) == name else None


Key = tuple[str, str]
_ENTRY_KEYS = {"schema", "name", "drop", "like", "folder", "prefix", "columns", "change"}


class Catalog:
    """One catalog with its schemas; thread-safe. Every call sees the folders as they are then."""

    def __init__(self, name: str, root: str, schemas: list[Schema]) -> None:
        """`root` is the abfss URL of the container, without a slash at the end."""
        self.name = name
        self.root = root
        self._schemas = {schema.name: schema for schema in schemas}
        self._metastore_id = stable_id("metastore")
        self._synthetic: dict[str, Synthetic] = {}
        self._entries: dict[Key, dict[str, Any]] = {}
        self._ids: dict[str, Key] = {}
        self._cache: dict[Path, tuple[tuple[str, ...], delta_log.Snapshot]] = {}
        self._lock = threading.RLock()

    @property
    def metastore_id(self) -> str:
        return self._metastore_id

    # --- what a test changes --------------------------------------------------

    def put(self, entry: dict[str, Any]) -> None:
        """Adds a table, or changes or drops one, from now on. Keys, besides schema and name:

        drop    true: there is no such table any more
        like    "schema.table": as that one; folder, prefix: the Delta table of a folder, told to
                lie below this path of the container; columns: Delta's fields of anything else
        change  keys of TableInfo (and row_filter; mask {column, function_name}) over all that

        Raises ValueError for an entry that says something else."""
        if not {"schema", "name"} <= set(entry) <= _ENTRY_KEYS:
            raise ValueError(f"table: keys are {', '.join(sorted(_ENTRY_KEYS))}")
        with self._lock:
            key = (str(entry["schema"]), str(entry["name"]))
            before = self._entries.get(key, {})
            changes = before.get("change", {}) | entry.get("change", {})
            self._entries[key] = {**before, "drop": False, **entry, "change": changes}

    def reset(self) -> None:
        """Forgets every synthetic schema and every entry."""
        with self._lock:
            self._entries.clear()
            self._synthetic.clear()
            self._ids.clear()

    def add_synthetic(self, schema: str, like: str, count: int, real: int = 0) -> None:
        source, _, table = like.partition(".")
        if self.table(source, table) is None:
            raise ValueError(f"no table {like} to make synthetic tables from")
        with self._lock:
            self._synthetic[schema] = Synthetic((source, table), count, real)

    # --- what there is --------------------------------------------------------

    def catalogs(self) -> list[dict[str, Any]]:
        kinds = {self.name: "MANAGED_CATALOG", "system": "SYSTEM_CATALOG"}
        return [
            {
                "name": name,
                "catalog_type": kind,
                "isolation_mode": "OPEN",
                "id": stable_id("catalog", name),
                **self._common(name, _LONG_AGO_MS, _LONG_AGO_MS),
            }
            for name, kind in kinds.items()
        ]

    def schema_names(self) -> list[str]:
        with self._lock:
            added = {schema for (schema, _), e in self._entries.items() if not e["drop"]}
            return sorted({*self._schemas, *self._side_schemas(), *self._synthetic, *added})

    def schemas(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "catalog_name": self.name,
                "catalog_type": "MANAGED_CATALOG",
                "schema_id": stable_id("schema", name),
                **self._common(f"{self.name}.{name}", _LONG_AGO_MS, _LONG_AGO_MS),
            }
            for name in self.schema_names()
        ]

    def table_names(self, schema_name: str) -> list[str]:
        """In the order of the lists."""
        names = set()
        schema = self._schemas.get(schema_name)
        if schema and schema.folder:
            folders = (f for f in schema.folder.iterdir() if (f / "_delta_log").is_dir())
            names |= {folder.name for folder in folders}
        names |= {s["name"] for home, s in self._sides() if s.get("schema", home) == schema_name}
        with self._lock:
            if synthetic := self._synthetic.get(schema_name):
                names |= {synthetic.name(number) for number in range(synthetic.count)}
            for (home, name), entry in self._entries.items():
                if home == schema_name:
                    (names.discard if entry["drop"] else names.add)(name)
        return sorted(names)

    def tables(self, schema_name: str) -> list[dict[str, Any]]:
        """TableInfo of every table and view of a schema, by name."""
        return [t for n in self.table_names(schema_name) if (t := self.table(schema_name, n))]

    def table(self, schema_name: str, name: str) -> dict[str, Any] | None:
        with self._lock:
            entry = self._entries.get((schema_name, name), {})
        if entry.get("drop"):
            return None
        if "like" in entry:
            source, _, like = entry["like"].partition(".")
            base = self._renamed(self.table(source, like), schema_name, name)
        elif "folder" in entry:
            folder = Path(entry["folder"])
            place = Schema(schema_name, None, entry.get("prefix", schema_name))
            base = self._delta_table(place, folder, name)
        elif "columns" in entry:
            base = self._bare(schema_name, name, entry["columns"])
        else:
            base = self._own_table(schema_name, name)
        return base and _changed(base, entry.get("change", {}))

    def by_id(self, table_id: str) -> dict[str, Any] | None:
        with self._lock:
            key = self._ids.get(table_id)
        if key is None or self.table(*key) is None:
            found = {
                (self._table_id(schema, name)): (schema, name)
                for schema in self.schema_names()
                for name in self.table_names(schema)
            }
            with self._lock:
                self._ids = found
            key = found.get(table_id)
        return self.table(*key) if key else None

    # --- how it is put together -----------------------------------------------

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

    def _sides(self) -> list[tuple[str, dict[str, Any]]]:
        """What the catalog.json files tell: the schema of the file and a view or alias each."""
        result = []
        for schema in self._schemas.values():
            path = schema.folder / "catalog.json" if schema.folder else None
            if path and path.is_file():
                side = json.loads(path.read_text("utf-8"))
                entries = [*side.get("views", []), *side.get("aliases", [])]
                result += [(schema.name, entry) for entry in entries]
        return result

    def _side_schemas(self) -> set[str]:
        return {entry.get("schema", home) for home, entry in self._sides()}

    def _own_table(self, schema_name: str, name: str) -> dict[str, Any] | None:
        """What folders, side files and synthetic schemas hold under this name."""
        schema = self._schemas.get(schema_name)
        if schema and schema.folder and name and (schema.folder / name / "_delta_log").is_dir():
            return self._delta_table(schema, schema.folder / name, name)
        for home, side in self._sides():
            if (side.get("schema", home), side["name"]) == (schema_name, name):
                if "view_definition" in side:
                    return self._view(schema_name, side)
                change = {key: side[key] for key in ("row_filter", "mask") if key in side}
                like = self._renamed(self.table(home, side["like"]), schema_name, name)
                return like and _changed(like, change)
        with self._lock:
            synthetic = self._synthetic.get(schema_name)
        number = synthetic.number(name) if synthetic else None
        if synthetic is None or number is None:
            return None
        info = self._renamed(self.table(*synthetic.like), schema_name, name)
        if info and number >= synthetic.real:
            info["storage_location"] = f"{self.root}/{schema_name}/{name}"
        return info

    def _table_id(self, schema_name: str, name: str) -> str:
        with self._lock:
            plain = schema_name in self._synthetic and (schema_name, name) not in self._entries
        if plain:
            return stable_id("alias", f"{self.name}.{schema_name}.{name}")
        info = self.table(schema_name, name)
        return info["table_id"] if info else ""

    def _renamed(
        self, info: dict[str, Any] | None, schema_name: str, name: str
    ) -> dict[str, Any] | None:
        full_name = f"{self.name}.{schema_name}.{name}"
        return info and info | {
            "name": name,
            "schema_name": schema_name,
            "full_name": full_name,
            "table_id": stable_id("alias", full_name),
        }

    def snapshot(self, folder: Path) -> delta_log.Snapshot:
        names = delta_log.log_names(folder)
        with self._lock:
            cached = self._cache.get(folder)
        if cached and cached[0] == names:
            return cached[1]
        snapshot = delta_log.read_snapshot(folder)
        with self._lock:
            self._cache[folder] = (names, snapshot)
        return snapshot

    def _delta_table(self, schema: Schema, folder: Path, name: str) -> dict[str, Any]:
        snapshot = self.snapshot(folder)
        full_name = f"{self.name}.{schema.name}.{name}"
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
            "name": name,
            "catalog_name": self.name,
            "schema_name": schema.name,
            "table_type": "EXTERNAL",
            "data_source_format": "DELTA",
            "columns": [
                column_info(field, position, partitions)
                for position, field in enumerate(snapshot.schema["fields"])
            ],
            "storage_location": f"{self.root}/{schema.prefix}/{folder.name}",
            "properties": properties,
            "table_id": stable_id("table", full_name, snapshot.metadata["id"]),
            **self._common(full_name, created_ms, snapshot.updated_at_ms),
        }
        if snapshot.metadata.get("description"):
            info["comment"] = snapshot.metadata["description"]
        return info

    def _bare(self, schema_name: str, name: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
        """What has columns and nothing else, until its entry or view says more."""
        full_name = f"{self.name}.{schema_name}.{name}"
        return {
            "name": name,
            "catalog_name": self.name,
            "schema_name": schema_name,
            "table_type": "EXTERNAL",
            "data_source_format": "UNKNOWN_DATA_SOURCE_FORMAT",
            "columns": [column_info(f, i, []) for i, f in enumerate(fields)],
            "properties": {},
            "table_id": stable_id("view", full_name),
            **self._common(full_name, _LONG_AGO_MS, _LONG_AGO_MS),
        }

    def _view(self, schema_name: str, view: dict[str, Any]) -> dict[str, Any]:
        info = self._bare(schema_name, view["name"], view["columns"])
        info |= {"table_type": "VIEW", "view_definition": view["view_definition"]}
        if view.get("comment"):
            info["comment"] = view["comment"]
        return info


def _changed(info: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """TableInfo with some of its keys set anew; `partitions` and `mask` reach into the columns."""
    info = {**info, **{k: v for k, v in change.items() if k not in ("mask", "partitions")}}
    info["columns"] = [dict(column) for column in info["columns"]]
    for column in info["columns"]:
        mask = change.get("mask")
        if mask and column["name"] == mask["column"]:
            column["mask"] = {"function_name": mask["function_name"]}
        if column["name"] in change.get("partitions", []):
            column["partition_index"] = change["partitions"].index(column["name"])
    return info
