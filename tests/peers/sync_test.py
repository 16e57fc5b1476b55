"""`mms sync` judged by delta-rs and the lakehouse's own description: what it reads, that it reads
again only what was committed since, and what it makes of tables that are bad, gone or not allowed.

Tables that change lie in local folders, which the workspace lists by file: locations; one lies in
Azurite. The metadata is looked at in its file, beside the command's own words.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from azure.storage.blob import BlobServiceClient
from conftest import Outcome
from deltalake import DeltaTable, write_deltalake


def control(lake: dict[str, Any], method: str, action: str, body: Any = None) -> Any:
    """A control call of the workspace front (tools/lakehouse/README.md)."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{lake['workspace']}/__front/{action}", data, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


class Sync:
    """`mms sync` with a state folder of its own."""

    def __init__(self, binary: str, lake: dict[str, Any], folder: Path) -> None:
        self.binary, self.folder, self.state = binary, folder, folder / "state"
        self.file = folder / "mms.yaml"
        self.config: dict[str, Any] = {
            "source": {
                "workspace": lake["workspace"],
                "catalog": lake["catalog"],
                "token": f"file:{lake['token_file']}",
                "storage": {
                    "account": lake["account"],
                    "sas": f"file:{lake['sas_file']}",
                    "endpoint": lake["endpoint"],
                },
            },
            "target": {
                "project": "dw",
                "endpoint": "http://127.0.0.1:1/api",
                "access_key_id": "nobody",
                "access_key_secret": "env:SYNC_TEST_SECRET",
            },
            "tables": [{"include": "synced.*"}],
            "state": str(self.state),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        self.file.write_text(json.dumps(self.config), "utf-8")  # JSON is YAML
        return subprocess.Popen(
            [self.binary, "sync", "-f", str(self.file), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SYNC_TEST_SECRET": "unused"},
        )

    def run(self, *arguments: str) -> Outcome:
        process = self.start("--json", *arguments)
        out, err = process.communicate(timeout=240)
        events = [json.loads(line) for line in out.splitlines()]
        return Outcome(process.returncode, out, err, events)

    def good(self, *arguments: str) -> Outcome:
        outcome = self.run(*arguments)
        assert outcome.code == 0, outcome.out + outcome.err
        return outcome

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(f"file:{self.state}/metadata.db?mode=ro", uri=True)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def partitions(self, where: str) -> list[str]:
        rows = self.sql(f"SELECT value_list FROM partitions WHERE {where} ORDER BY value_list")
        return [json.loads(values)[0] for (values,) in rows]


def tables(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {line["source"].split(".", 1)[-1]: line for line in outcome.of("source_table")}


def summary(outcome: Outcome) -> dict[str, Any]:
    (line,) = outcome.of("sync")
    return line


@pytest.fixture
def sync(mms_bin: str, lake: dict[str, Any], tmp_path: Path) -> Iterator[Sync]:
    yield Sync(mms_bin, lake, tmp_path)
    control(lake, "DELETE", "table")
    control(lake, "DELETE", "fault")


@pytest.fixture
def put(lake: dict[str, Any], tmp_path: Path) -> Callable[..., Path]:
    """put(name, parts={value: rows}): a table of schema `synced`, partitioned by `p`."""

    def make(name: str, parts: dict[str, int] | None = None, schema: str = "synced") -> Path:
        folder = tmp_path / "tables" / name
        if parts is not None:
            write_deltalake(str(folder), rows(parts), partition_by=["p"])
        entry = {"schema": schema, "name": name, "folder": str(folder)}
        control(
            lake, "POST", "table", {**entry, "change": {"storage_location": folder.as_uri()}}
        )
        return folder

    return make


def rows(parts: dict[str, int]) -> pa.Table:
    values = [value for value, count in parts.items() for _ in range(count)]
    return pa.table({"p": values, "n": list(range(len(values)))})


def test_the_corpus_is_read_as_delta_rs_and_spark_read_it(sync: Sync, lake: dict[str, Any]) -> None:
    sync.config["tables"] = [{"include": ["corpus.*", "tpch.*"]}]
    outcome = sync.run()
    assert outcome.code == 4, outcome.out + outcome.err  # refused: a view, an unknown feature
    seen = tables(outcome)
    for entry in lake["tables"]:
        table = seen[f"{entry['schema']}.{entry['table']}"]
        if entry["table"] == "unknown_feature":
            assert table["error"]["code"] == "DELTA_FEATURE_UNSUPPORTED"
            assert table["state"] == "refused"
            continue
        assert table["error"] is None, table
        for field in ("version", "files", "bytes"):
            assert table[field] == entry[field], (entry, table)
        if entry["rows"] is not None:
            assert (table["rows"], table["count_source"]) == (entry["rows"], "log"), table
        assert table["change"] == "new"
    assert seen["corpus.v1"]["error"]["code"] == "TABLE_KIND_UNSUPPORTED"
    assert seen["tpch.lineitem"]["partitions"] > 80
    assert sync.sql("SELECT name, deleted FROM databases ORDER BY name") == [
        ("corpus", 0),
        ("tpch", 0),
    ]
    totals = summary(outcome)
    assert totals["tables"] == len(seen)
    assert totals["partitions"] == sum(t["partitions"] or 0 for t in seen.values())

    again = sync.run()
    assert summary(again)["new"] == summary(again)["updated"] == 0, again.err
    assert summary(again)["read"] == 0, "nothing was committed since"
    assert tables(again)["tpch.lineitem"]["rows"] == seen["tpch.lineitem"]["rows"]


def test_only_the_partition_that_was_written_is_updated(sync: Sync, put: Any) -> None:
    folder = put("orders", {"a": 3, "b": 2, "c": 1})
    put("quiet", {"a": 1})
    first = tables(sync.good())["synced.orders"]
    assert (first["rows"], first["partitions"], first["files"]) == (6, 3, 3)
    assert sync.partitions("updated = 1") == []

    write_deltalake(str(folder), rows({"b": 5}), mode="append")
    second = sync.good()
    orders = tables(second)["synced.orders"]
    assert (orders["rows"], orders["version"], orders["change"]) == (11, 1, "updated")
    assert orders["updated"] is True
    assert tables(second)["synced.quiet"]["change"] == "unchanged"
    assert sync.partitions("updated = 1") == ["b"]
    assert sync.sql("SELECT row_count, files FROM partitions WHERE updated = 1") == [(7, 2)]
    assert (summary(second)["read"], summary(second)["updated"]) == (1, 1)
    assert "updated: main.synced.orders" in second.err

    assert tables(sync.good())["synced.orders"]["updated"] is True, "until a job clears it"


def test_optimize_and_vacuum_mark_nothing(sync: Sync, put: Any) -> None:
    folder = put("orders", {"a": 3, "b": 2})
    write_deltalake(str(folder), rows({"a": 4}), mode="append")
    sync.good()
    DeltaTable(str(folder)).optimize.compact()
    outcome = sync.good()
    orders = tables(outcome)["synced.orders"]
    assert summary(outcome)["read"] == 1, "the log has a new version"
    assert (orders["version"], orders["files"], orders["rows"]) == (2, 2, 9)
    assert (orders["change"], orders["updated"]) == ("unchanged", False)
    assert sync.partitions("updated = 1") == []
    DeltaTable(str(folder)).vacuum(
        retention_hours=0, dry_run=False, enforce_retention_duration=False
    )
    write_deltalake(str(folder), rows({"b": 1}), mode="append")
    sync.good()
    assert sync.partitions("updated = 1") == ["b"]


def test_partitions_come_and_go(sync: Sync, put: Any) -> None:
    folder = put("orders", {"a": 3, "b": 2})
    sync.good()
    DeltaTable(str(folder)).delete("p = 'a'")
    write_deltalake(str(folder), rows({"c": 1}), mode="append")
    orders = tables(sync.good())["synced.orders"]
    assert (orders["partitions"], orders["rows"]) == (2, 3)
    assert sync.partitions("deleted = 1") == ["a"]
    assert sync.partitions("deleted = 0") == ["b", "c"]
    write_deltalake(str(folder), rows({"a": 1}), mode="append")
    sync.good()
    assert sync.partitions("deleted = 1") == []
    assert sync.partitions("updated = 1") == ["a"]


def test_commits_that_were_cleaned_up_leave_the_files_to_decide(sync: Sync, put: Any) -> None:
    folder = put("orders", {"a": 3, "b": 2})
    sync.good()
    for _ in range(3):
        write_deltalake(str(folder), rows({"b": 1}), mode="append")
    DeltaTable(str(folder)).create_checkpoint()
    for version in range(3):
        (folder / f"_delta_log/{version:020d}.json").unlink()
    assert tables(sync.good())["synced.orders"]["rows"] == 8
    assert sync.partitions("updated = 1") == ["b"]


def test_a_table_made_again_under_its_name_is_compared_whole(sync: Sync, put: Any) -> None:
    folder = put("orders", {"a": 3, "b": 2})
    sync.good()
    shutil.rmtree(folder)
    write_deltalake(str(folder), rows({"a": 1, "z": 1}), partition_by=["p"])
    orders = tables(sync.good())["synced.orders"]
    assert (orders["version"], orders["rows"], orders["change"]) == (0, 2, "updated")
    assert sync.partitions("updated = 1") == ["a"]
    assert sync.partitions("deleted = 1") == ["b"]


def test_a_bad_table_keeps_what_was_known_and_stops_no_other(
    sync: Sync, put: Any, lake: dict[str, Any]
) -> None:
    listed = put("bad", {"a": 1})
    put("fine", {"a": 2})
    bad = listed.with_name("where bad lies")  # the workspace front reads the other one
    shutil.copytree(listed, bad)
    entry = {"schema": "synced", "name": "bad", "change": {"storage_location": bad.as_uri()}}
    control(lake, "POST", "table", entry)
    sync.good()
    (bad / "_delta_log/00000000000000000001.json").write_text('{"add": nonsense', "utf-8")
    outcome = sync.run()
    assert outcome.code == 6, outcome.err
    table = tables(outcome)["synced.bad"]
    assert table["error"]["code"] == "DELTA_LOG_INVALID"
    assert (table["state"], table["version"], table["rows"]) == ("failed", 0, 1)
    assert "failed: main.synced.bad" in outcome.err
    assert tables(outcome)["synced.fine"]["error"] is None
    (result,) = sync.sql("SELECT result_json FROM scans ORDER BY id DESC LIMIT 1")[0]
    assert [failed["name"] for failed in json.loads(result)["failed"]] == ["main.synced.bad"]
    (bad / "_delta_log/00000000000000000001.json").unlink()
    assert tables(sync.good())["synced.bad"]["error"] is None


def test_what_left_the_catalog_is_deleted_once_the_list_was_whole(
    sync: Sync, put: Any, lake: dict[str, Any]
) -> None:
    for name in ("one", "two"):
        put(name, {"a": 1})
    put("other", {"a": 1}, schema="synced_too")
    sync.config["tables"] = [{"include": ["synced.*", "synced_too.*"]}]
    sync.good()
    control(lake, "POST", "table", {"schema": "synced", "name": "two", "drop": True})
    control(lake, "POST", "table", {"schema": "synced_too", "name": "other", "drop": True})

    control(lake, "POST", "fault", {"match": "/tables\\?.*schema_name=synced&", "status": 400})
    assert sync.run().code != 0
    assert sync.sql("SELECT name FROM tables WHERE deleted = 1 AND database_name = 'synced'") == []
    control(lake, "DELETE", "fault")

    sync.config["tables"] = [{"include": "synced.*"}]
    outcome = sync.good()
    assert tables(outcome)["synced.two"]["deleted"] is True
    assert tables(outcome)["synced.one"]["deleted"] is False
    assert sync.sql("SELECT name FROM databases WHERE deleted = 1") == [("synced_too",)]
    put("two")
    assert tables(sync.good())["synced.two"]["deleted"] is False


def test_a_table_dropped_between_list_and_read_is_deleted_not_failed(
    sync: Sync, put: Any, lake: dict[str, Any]
) -> None:
    put("fine", {"a": 1})
    gone = put("gone", {"a": 1})
    change = {"storage_location": (gone / "nowhere").as_uri()}
    entry = {"schema": "synced", "name": "gone", "change": change}
    control(lake, "POST", "table", entry)
    outcome = sync.run()
    assert outcome.code == 6, "listed and still there: its log is missing"
    assert tables(outcome)["synced.gone"]["error"]["code"] == "DELTA_NOT_FOUND"
    fault = {"status": 404, "error_code": "TABLE_DOES_NOT_EXIST", "message": "no such table"}
    control(lake, "POST", "fault", {"match": r"/tables/main\.synced\.gone", **fault})
    outcome = sync.good()
    assert tables(outcome)["synced.gone"]["deleted"] is True


def test_a_token_that_may_only_browse_is_told_for_each_table(
    sync: Sync, lake: dict[str, Any]
) -> None:
    sync.config["source"]["token"] = f"file:{lake['limited_token_file']}"
    sync.config["tables"] = [{"include": "tpch.*"}]
    outcome = sync.run()
    assert outcome.code in (3, 4, 6), outcome.err
    for table in tables(outcome).values():
        assert table["error"]["code"] == "TABLE_BROWSE_ONLY"
        assert table["rows"] is None


def test_one_schema_or_named_tables_alone(sync: Sync, put: Any) -> None:
    for name in ("one", "two"):
        put(name, {"a": 1})
    put("other", {"a": 1}, schema="synced_too")
    sync.config["tables"] = [{"include": ["synced.*", "synced_too.*"]}]
    assert set(tables(sync.good("--schema", "synced"))) == {"synced.one", "synced.two"}
    assert set(tables(sync.good("--table", "synced_too.other"))) == {"synced_too.other"}
    assert set(tables(sync.good("--table", "*.t*"))) == {"synced.two"}
    assert sync.sql("SELECT COUNT(*) FROM tables WHERE deleted = 1") == [(0,)]
    unknown = sync.run("--table", "synced.nothing")
    assert (unknown.code, unknown.of("error")[0]["code"]) == (3, "DATABRICKS_TABLE_NOT_FOUND")
    sync.config["tables"] = [{"include": "synced.one"}]
    outside = sync.run("--table", "synced.two")
    assert (outside.code, outside.of("error")[0]["code"]) == (3, "TABLES_NOT_FOUND")


def test_the_metadata_is_listed_without_network_or_secrets(sync: Sync, put: Any) -> None:
    none = sync.run("--list")
    assert (none.code, none.of("error")[0]["code"]) == (3, "METADATA_NOT_FOUND")
    put("orders", {"a": 1})
    put("parts", {"a": 1})
    sync.good()
    sync.config["source"]["workspace"] = "http://127.0.0.1:1"
    sync.config["source"]["token"] = "env:NOT_SET_ANYWHERE"
    assert set(tables(sync.good("--list"))) == {"synced.orders", "synced.parts"}
    assert set(tables(sync.good("--list", "synced.O*"))) == {"synced.orders"}
    process = sync.start("--list", "parts")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "main.synced.parts" in out, err
    assert "orders" not in out


def test_a_killed_scan_leaves_whole_tables_and_the_next_goes_on(sync: Sync, put: Any) -> None:
    count = 120
    source = put("t000", {f"p{i:03d}": 1 for i in range(40)})
    for i in range(1, count):
        shutil.copytree(source, source.parent / f"t{i:03d}")
        put(f"t{i:03d}")
    process = sync.start()
    read = "SELECT COUNT(*) FROM tables WHERE state = 1"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if sync.sql(read)[0][0] >= 10:
                break
        except sqlite3.OperationalError:
            continue  # not made yet
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    done = sync.sql(read)[0][0]
    assert 10 <= done < count, f"killed too early or too late: {done} of {count}"
    assert sync.sql("PRAGMA integrity_check") == [("ok",)]
    assert sync.sql(
        "SELECT COUNT(*) FROM tables t WHERE state = 1 AND partitions <> "
        "(SELECT COUNT(*) FROM partitions p WHERE p.table_id = t.id)"
    ) == [(0,)]
    outcome = sync.good()
    assert summary(outcome)["read"] == count - done
    assert summary(outcome)["tables"] == count
    assert sync.sql("SELECT COUNT(*) FROM partitions") == [(40 * count,)]
    states = sync.sql("SELECT state FROM scans ORDER BY id")
    assert states == [(4,), (1,)], "interrupted, done"


def test_a_change_in_azure_is_found_by_one_listing(
    sync: Sync, lake: dict[str, Any], tmp_path: Path
) -> None:
    key = (Path(lake["sas_file"]).parent / "azurite.key").read_text("utf-8")
    container = BlobServiceClient(lake["endpoint"], credential=key).get_container_client(
        lake["container"]
    )
    folder = tmp_path / "in azure"
    write_deltalake(str(folder), rows({"a": 3, "b": 2}), partition_by=["p"])

    def upload(but: set[Path]) -> None:
        for path in folder.rglob("*"):
            if path.is_file() and path not in but:
                name = f"synced/in azure/{path.relative_to(folder)}"
                container.upload_blob(name, path.read_bytes())

    upload(set())
    location = f"abfss://{lake['container']}@{lake['account']}.dfs.core.windows.net/synced/in azure"
    sync.config["tables"] = [{"location": location, "as": "in_azure"}]
    first = sync.good()
    assert first.of("source_table")[0]["rows"] == 5
    assert summary(sync.good())["read"] == 0
    old = {path for path in folder.rglob("*") if path.is_file()}
    for _ in range(11):
        write_deltalake(str(folder), rows({"b": 1}), mode="append")
    upload(old)
    outcome = sync.good()
    (table,) = outcome.of("source_table")
    assert (table["version"], table["rows"], table["change"]) == (11, 16, "updated")
    assert sync.partitions("updated = 1") == ["b"]
    assert summary(sync.good())["read"] == 0


def test_a_silent_workspace_does_not_hold_a_stop_back(sync: Sync, lake: dict[str, Any]) -> None:
    sync.config["tables"] = [{"include": "corpus.*"}]
    control(lake, "POST", "fault", {"match": "/tables", "delay_ms": 5000})
    control(lake, "DELETE", "log")
    process = sync.start()
    while not control(lake, "GET", "log"):  # the schemas: the tables are asked for next
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert time.monotonic() - begun < 3
