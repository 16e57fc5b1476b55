"""Tables without a Delta log: folders of files that Spark wrote, moved from storage and read back
by PyODPS, value by value against what Spark reads of them (tests/corpus/README.md, schema `kinds`).
"""

from __future__ import annotations

import datetime
import io
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from azure.storage.blob import BlobServiceClient
from conftest import LAKEHOUSE, Mms, Sandbox, start_sandbox, stop_sandbox
from crossing_test import expected_rows, key
from deltalake import DeltaTable
from source_test import Source
from value_text import odps_rows

READ = ("parquet_plain", "parquet_grown", "clone", "orc_plain", "csv_plain", "json_plain")
# Days before 1582 as Spark's former releases wrote them, beyond nanoseconds: read by SQL.
OLD = ("parquet_old_calendar", "delta_old_calendar")
# A partition value that MaxCompute does not take as it is.
MAPPED = ("parquet_parts", "orc_parts", "csv_parts", "json_parts")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """lakehouse.json of a lakehouse with the schema `kinds`."""
    folder = tmp_path_factory.mktemp("kinds")
    command = [sys.executable, str(LAKEHOUSE)]
    up = [*command, "up", "--dir", str(folder), "--scale", "0.01", "--kinds"]
    subprocess.run(up, check=True)
    try:
        yield json.loads((folder / "lakehouse.json").read_text("utf-8"))
    finally:
        subprocess.run([*command, "down", "--dir", str(folder)], check=True)


def run_of(binary: str, lake: dict[str, Any], sandbox: Sandbox, folder: Path) -> Mms:
    mms = Mms(binary, lake, sandbox, folder)
    mms.config["policy"]["partition_value_map"] = {"/": "_"}
    return mms


@pytest.fixture(scope="module")
def moved(
    mms_bin: str, kinds: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mms, Sandbox]]:
    """All readable tables of the schema, moved once."""
    folder = tmp_path_factory.mktemp("file_tables")
    sandbox = start_sandbox(mms_bin, folder / "sandbox")
    try:
        mms = run_of(mms_bin, kinds, sandbox, folder)
        mms.config["tables"] = [{"include": [f"kinds.{name}" for name in (*READ, *OLD, *MAPPED)]}]
        outcome = mms.run("run")
        assert outcome.code == 0, outcome.out + outcome.err
        yield mms, sandbox
    finally:
        stop_sandbox(sandbox)


def entry_of(lake: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in lake["kinds"] if entry["table"] == name)


def entry_version(lake: dict[str, Any], name: str) -> int:
    return DeltaTable(entry_of(lake, name)["folder"]).version()


def wanted(lake: dict[str, Any], name: str) -> Counter[str]:
    rows = expected_rows(entry_of(lake, name))
    if name in MAPPED:
        for row in rows:
            if row["country"] is not None:
                row["country"] = row["country"].replace("/", "_")
    return Counter(map(key, rows))


@pytest.mark.parametrize("name", [*READ, *MAPPED])
def test_every_value_is_what_spark_reads(
    name: str, moved: tuple[Mms, Sandbox], kinds: dict[str, Any]
) -> None:
    got = Counter(map(key, odps_rows(moved[1].odps(), name)))
    want = wanted(kinds, name)
    assert got == want, (
        f"not in the source: {list((got - want).items())[:3]}, "
        f"missing at the target: {list((want - got).items())[:3]}"
    )


def test_footers_tell_of_a_parquet_table_and_of_no_other(moved: tuple[Mms, Sandbox]) -> None:
    """Without a log nothing else tells; the old calendar's days are those of the reader."""
    told = {line["target_table"]: line for line in moved[0].run("plan", "--footers").of("plan")}
    for name in ("parquet_plain", "parquet_old_calendar", "delta_old_calendar"):
        plan = told[name]
        assert plan["footers"]["files"] == plan["files"] > 0, plan
        assert plan["footers"]["files_unread"] == 0
        assert plan["values_at_risk"], name
        for risk in plan["values_at_risk"]:
            assert risk["files"] == plan["files"]
            counted = risk["files_within"] + risk["files_beyond"] + risk["files_unknown"]
            assert counted == plan["files"]
    days = {risk["source"]: risk for risk in told["parquet_old_calendar"]["values_at_risk"]}
    assert days["day"]["files_within"] == days["day"]["files_by_footer"] > 0, days
    assert told["orc_plain"]["values_at_risk"] is None


@pytest.mark.parametrize("name", OLD)
def test_days_of_the_old_calendar_are_what_spark_reads(
    name: str, moved: tuple[Mms, Sandbox], kinds: dict[str, Any]
) -> None:
    columns = "physical, CAST(day AS STRING) AS day, CAST(at AS STRING) AS at"
    query = f"SELECT {columns} FROM {name} LIMIT 100"
    with moved[1].odps().execute_sql(query).open_reader() as reader:
        got = Counter((row["physical"], row["day"], row["at"]) for row in reader)
    rows = expected_rows(entry_of(kinds, name))
    assert got == Counter((row["physical"], row["day"], row["at"]) for row in rows)
    assert len(got) == 12, "six days, each in both physical types"


def test_the_report_proves_them_and_knows_no_version(
    moved: tuple[Mms, Sandbox], kinds: dict[str, Any]
) -> None:
    report = {line["target_table"]: line for line in moved[0].run("report").of("report_table")}
    for name in (*READ, *OLD, *MAPPED):
        table = report[name]
        assert table["verdict"] == "Match", table
        assert table["source_checksum"] == table["target_checksum"] is not None
        assert table["rows_copied"] == table["rows_target"] == sum(wanted(kinds, name).values())
        if name in ("clone", "delta_old_calendar"):
            assert table["version"] == entry_version(kinds, name)
        else:
            assert (table["version"], table["rows_source"]) == (None, None), "nothing tells them"


def test_a_second_run_has_nothing_to_do(moved: tuple[Mms, Sandbox]) -> None:
    again = moved[0].run("run")
    assert again.code == 0, again.err
    plan = {line["target_table"]: line for line in moved[0].run("plan").of("plan")}
    assert plan["parquet_parts"]["units_committed"] == plan["parquet_parts"]["units"] == 9


def test_sync_counts_them_by_their_footers(
    mms_bin: str, kinds: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    mms = run_of(mms_bin, kinds, sandbox, tmp_path)
    included = ["kinds.parquet_*", "kinds.orc_*"]
    mms.config["tables"] = [{"include": included, "exclude": "*.parquet_old_calendar"}]
    first = mms.run("sync")
    assert first.code == 0, first.out + first.err
    tables = {line["source"].split(".")[-1]: line for line in first.of("source_table")}
    plain, parts = ("parquet_plain", "orc_plain"), ("parquet_parts", "orc_parts")
    for name, rows, partitions in (
        *((name, 60, None) for name in plain),
        *((name, 60, 9) for name in parts),
    ):
        table = tables[name]
        assert (table["rows"], table["partitions"]) == (rows, partitions), table
        assert (table["version"], table["count_source"]) == (None, "footer")
    assert [line["change"] for line in mms.run("sync").of("source_table")] == ["unchanged"] * 5


def test_a_kept_source_knows_no_version_of_them(
    mms_bin: str, kinds: dict[str, Any], tmp_path: Path
) -> None:
    source = Source(mms_bin, kinds, tmp_path)
    source.add()
    source.good("sync", "sales", "--schema", "kinds", "--table", "parquet_plain")
    (table,) = source.good("tables", "sales").of("source_table")
    assert (table["version"], table["rows"], table["count_source"]) == (None, 60, "footer")


def upload(lake: dict[str, Any], name: str, files: dict[str, bytes | None]) -> None:
    """Puts files of a table into the container of the others; None removes one."""
    secret = (Path(lake["sas_file"]).parent / "azurite.key").read_text("utf-8")
    container = BlobServiceClient(lake["endpoint"], credential=secret).get_container_client(
        lake["container"]
    )
    for path, data in files.items():
        blob = f"kinds/{name}/{path}"
        if data is None:
            container.delete_blob(blob)
        else:
            container.upload_blob(blob, data, overwrite=True)


def parquet(**columns: list[Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def orc(compression: str, **columns: list[Any]) -> bytes:
    out = io.BytesIO()
    pyarrow.orc.write_table(pa.table(columns), out, compression=compression)
    return out.getvalue()


def put_table(lake: dict[str, Any], name: str, fields: list[dict[str, Any]], **change: Any) -> None:
    """A table of the catalog beside the others; its files are wherever `upload` puts them."""
    location = entry_of(lake, "parquet_plain")["location"].rsplit("/", 1)[0] + f"/{name}"
    told = {"data_source_format": "PARQUET", "storage_location": location, **change}
    body = json.dumps({"schema": "own", "name": name, "columns": fields, "change": told}).encode()
    url = f"{lake['workspace']}/__front/table"
    with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=60):
        pass


def field(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}


def test_what_spark_hides_is_hidden_and_what_a_job_replaced_is_not_read(
    mms_bin: str, kinds: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    put_table(kinds, "odd", [field("N", "long"), field("label", "string")])
    upload(
        kinds,
        "odd",
        {
            "part-1.parquet": parquet(n=[1, 2], LABEL=["a", None]),
            "part-2.parquet": parquet(n=[3]),
            "part-old.parquet": parquet(n=[99]),
            "empty.parquet": b"",
            "_spare/part-1.parquet": b"no parquet",
            ".part.crc": b"no parquet",
            "_started_7": b"",
            "_committed_7": json.dumps({"added": [], "removed": ["part-old.parquet"]}).encode(),
        },
    )
    mms = run_of(mms_bin, kinds, sandbox, tmp_path)
    mms.config["tables"] = [{"include": "own.odd"}]
    outcome = mms.run("run")
    assert outcome.code == 0, outcome.out + outcome.err
    rows = sorted(odps_rows(sandbox.odps(), "odd"), key=lambda row: row["n"])
    assert rows == [
        {"n": "1", "label": "a"},
        {"n": "2", "label": None},
        {"n": "3", "label": None},
    ]

    upload(kinds, "odd", {"part-2.parquet": parquet(n=[4]), "part-1.parquet": None})
    outcome = mms.run("run")
    assert outcome.code == 0, outcome.out + outcome.err
    assert odps_rows(sandbox.odps(), "odd") == [{"n": "4", "label": None}], "planned anew"

    for path, code in (
        ("deep/part-3.parquet", "TABLE_FILE_MISPLACED"),
        ("_started_8", "TABLE_COMMIT_OPEN"),
    ):
        upload(kinds, "odd", {path: parquet(n=[5])})
        outcome = mms.run("run")
        assert outcome.code == 4, outcome.out + outcome.err
        assert code in outcome.out
        upload(kinds, "odd", {path: None})


def test_orc_of_any_compression_is_read_and_what_cannot_be_is_named(
    mms_bin: str, kinds: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    fields = [field("N", "long"), field("at", "timestamp"), field("label", "string")]
    put_table(kinds, "packed", fields, data_source_format="ORC")
    at = datetime.datetime(1899, 12, 31, 23, 59, 59, 999999)
    codecs = ("uncompressed", "zlib", "snappy", "lz4", "zstd")
    files = {
        f"{codec}.orc": orc(codec, LABEL=[codec, None], n=[place, -place], At=[at, None])
        for place, codec in enumerate(codecs, 1)
    }
    upload(kinds, "packed", {**files, "without.orc": orc("zstd", other=[1, 2])})
    mms = run_of(mms_bin, kinds, sandbox, tmp_path)
    mms.config["tables"] = [{"include": "own.packed"}]
    outcome = mms.run("run")
    assert outcome.code == 0, outcome.out + outcome.err
    got = odps_rows(sandbox.odps(), "packed")
    rows = Counter((row["n"], row["at"], row["label"]) for row in got)
    (text,) = {row[1] for row in rows if row[1] is not None}
    assert "1899-12-31" in text and "59.999999" in text, text
    want = Counter({(None, None, None): 2})
    for place, codec in enumerate(codecs, 1):
        want.update([(str(place), text, codec), (str(-place), None, None)])
    assert rows == want

    beyond = pa.array([32_503_680_000], pa.timestamp("s"))
    for name, file, code in (
        ("far", orc("zstd", n=[1], at=beyond), "FILE_UNSUPPORTED"),
        ("nameless", orc("zstd", _col0=[1]), "FILE_UNSUPPORTED"),
        ("other_type", orc("zstd", n=["1"]), "FILE_TYPE_DIFFERS"),
        ("broken", b"no ORC, and long enough to have a tail", "FILE_UNREADABLE"),
    ):
        upload(kinds, "packed", {f"{name}.orc": file})
        outcome = mms.run("run")
        assert outcome.code != 0
        assert code in outcome.out and f"packed/{name}.orc" in outcome.out, outcome.out
        upload(kinds, "packed", {f"{name}.orc": None})


@pytest.mark.parametrize("change", ["written_again", "removed"])
def test_a_file_written_again_or_removed_after_the_plan_is_named(
    change: str, mms_bin: str, kinds: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    put_table(kinds, change, [field("n", "long")])
    upload(kinds, change, {"a.parquet": parquet(n=[1]), "b.parquet": parquet(n=[2])})
    mms = run_of(mms_bin, kinds, sandbox, tmp_path)
    mms.config["tables"] = [{"include": f"own.{change}"}]
    mms.environment["MMS_FAULT"] = "after save plan"
    mms.run("run")
    del mms.environment["MMS_FAULT"]
    again = change == "written_again"
    upload(kinds, change, {"b.parquet": parquet(n=[3]) if again else None})
    changed = mms.run("run")
    assert changed.code != 0
    assert "STORAGE_CHANGED" in changed.out and f"{change}/b.parquet" in changed.out
    outcome = mms.run("run")
    assert outcome.code == 0, outcome.out + outcome.err
    rows = sorted(row["n"] for row in odps_rows(sandbox.odps(), change))
    assert rows == (["1", "3"] if again else ["1"])


def test_what_changes_how_files_are_read_is_refused_by_name(
    mms_bin: str, kinds: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    options = {"option.pathGlobFilter": "*.pq"}
    put_table(kinds, "globbed", [field("n", "long")], properties=options)
    put_table(kinds, "words", [field("n", "long")], data_source_format="AVRO")
    mms = run_of(mms_bin, kinds, sandbox, tmp_path)
    mms.config["tables"] = [{"include": "own.globbed"}]
    (line,) = mms.run("plan").of("plan")
    assert line["error"]["code"] == "TABLE_OPTION_UNSUPPORTED", "also where SQL could be tried"
    del mms.config["source"]["cluster"]
    mms.config["tables"] = [{"include": ["own.globbed", "own.words"]}]
    outcome = mms.run("plan")
    codes = {line["source"]: line["error"]["code"] for line in outcome.of("plan")}
    assert codes == {
        "main.own.globbed": "TABLE_OPTION_UNSUPPORTED",
        "main.own.words": "TABLE_FORMAT_UNSUPPORTED",
    }
