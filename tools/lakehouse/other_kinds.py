"""The schema `kinds`: external files without a log, a shallow clone, and what is no table.

Unpacks tests/corpus/kinds.tar.gz and says of each what the catalog shows and what Spark is told.
A clone names files of another table by URL, so its log is there twice: for Spark with the URL of
the folder on disk, for the object store with its own.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from unity_catalog import type_text

SCHEMA = "kinds"
_ROOT = "@ROOT@"


def _with_root(log: Path, root: str) -> None:
    for commit in log.glob("*.json"):
        commit.write_text(commit.read_text("utf-8").replace(_ROOT, root), "utf-8")


def settle(folder: Path, final: Path, url: str) -> None:
    """Finishes an unpacked archive that will lie at `final`, and at `url` in the object store."""
    log = folder / "kinds/clone/_delta_log"
    shutil.copytree(log, folder / "stored/clone/_delta_log")
    _with_root(log, (final / "kinds").as_uri())
    _with_root(folder / "stored/clone/_delta_log", url)
    files = []
    for path in sorted((folder / "expected").glob("*.json")):
        known = json.loads(path.read_text("utf-8"))
        if "format" in known:
            keys = ("format", "options", "partition_columns", "fields")
            files.append({"name": path.stem, **{key: known[key] for key in keys}})
    side = folder / "kinds/catalog.json"
    catalog = json.loads(side.read_text("utf-8")) | {"files": files}
    side.write_text(json.dumps(catalog, indent=1) + "\n", "utf-8")


def _side(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "catalog.json").read_text("utf-8"))


def entries(folder: Path, root: str) -> list[dict[str, Any]]:
    """What the front's catalog is told (Catalog.put) beyond the Delta tables and views it finds in
    the folder; `root` is the container's URL. Options of a format are properties `option.NAME`."""
    side = _side(folder)
    result = []
    for files in side["files"]:
        change = {
            "data_source_format": files["format"].upper(),
            "storage_location": f"{root}/{SCHEMA}/{files['name']}",
            "partitions": files["partition_columns"],
            "properties": {f"option.{key}": value for key, value in files["options"].items()},
        }
        entry = {"schema": SCHEMA, "name": files["name"], "columns": files["fields"]}
        result.append({**entry, "change": change})
    for other in side["others"]:
        change = {key: value for key, value in other.items() if key not in ("name", "like")}
        if other["table_type"] == "FOREIGN":
            change["storage_location"] = None
        entry = {"schema": SCHEMA, "name": other["name"], "like": other["like"]}
        result.append({**entry, "change": change})
    clone = {"table_type": "EXTERNAL_SHALLOW_CLONE"}
    return [*result, {"schema": SCHEMA, "name": "clone", "change": clone}]


def statements(folder: Path) -> list[str]:
    """What registers the same with Spark, after the Delta tables of the folder."""
    side = _side(folder)
    result = []
    for files in side["files"]:
        columns = ", ".join(f"`{f['name']}` {type_text(f['type'])}" for f in files["fields"])
        options = ", ".join(f"'{key}' '{value}'" for key, value in files["options"].items())
        parts = ", ".join(files["partition_columns"])
        name = f"{SCHEMA}.{files['name']}"
        result.append(
            f"CREATE TABLE {name} ({columns}) USING {files['format']}"
            + (f" OPTIONS ({options})" if options else "")
            + (f" PARTITIONED BY ({parts})" if parts else "")
            + f" LOCATION '{folder / files['name']}'"
        )
        if parts:
            result.append(f"ALTER TABLE {name} RECOVER PARTITIONS")
    for other in side["others"]:
        result.append(f"CREATE VIEW {SCHEMA}.{other['name']} AS SELECT * FROM {other['like']}")
    return result


def describe(folder: Path, root: str) -> list[dict[str, Any]]:
    """The `kinds` of lakehouse.json: every table of the schema and what Spark read from it."""
    side, expected = _side(folder), folder.parent / "expected"
    formats = {files["name"]: files["format"] for files in side["files"]}
    names = [path.stem for path in sorted(expected.glob("*.json"))]
    return [
        {
            "schema": SCHEMA,
            "table": name,
            "format": formats.get(name, "delta"),
            "location": f"{root}/{SCHEMA}/{name}",
            "folder": str(folder / name),
            "expected": str(expected / f"{name}.json"),
        }
        for name in names
    ]
