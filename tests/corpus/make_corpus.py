"""Makes corpus.tar.gz: Delta tables written by Spark 4 + Delta 4, and what Spark read back; or,
with --kinds, kinds.tar.gz: tables of other kinds.

Run once per change of the corpus, never by the demo or the tests (README.md says how). Inputs:
the packages of requirements.txt, the jars of DELTA_JARS, Java 17. Output: one archive with

    corpus/<table>/...            the table, Delta log included
    corpus/catalog.json           objects without a log of their own (views) for the workspace front
    expected/<table>.json         schema, partition columns, Delta version, row count, notes
    expected/<table>.jsonl        every row, an object a line, in the text form of expected.py

The tables themselves are described in tables.py and kinds.py; of the latter the folder is kinds/,
and absolute paths in a log begin with @ROOT@ where the folder's own URL has to stand. A failure of
any statement ends the run.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

import expected
import kinds
import tables

DELTA_JARS = (
    "delta-spark_2.13-4.0.0.jar",
    "delta-storage-4.0.0.jar",
    "antlr4-runtime-4.13.1.jar",
)


def open_session(jars: Path, work: Path) -> SparkSession:
    paths = [jars / name for name in DELTA_JARS]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise SystemExit(f"missing jars: {', '.join(missing)}; README.md tells how to get them")
    settings = {
        "spark.driver.extraClassPath": ":".join(str(path) for path in paths),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "2",
        # Dates before 1582 and the like are written in the proleptic Gregorian calendar.
        "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    }
    builder = SparkSession.builder.master("local[2]").appName("corpus")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def read_back(spark: SparkSession, name: str, path: Path) -> DataFrame:
    """As Spark reads it; files without a log by the schema that their catalog has."""
    files = kinds.FILES.get(name)
    if files is None:
        return spark.read.format("delta").load(str(path))
    reader = spark.read.format(files.format).options(**files.options).schema(files.schema)
    return reader.load(str(path))


def describe_files(files: kinds.Files, frame: DataFrame) -> dict[str, Any]:
    """What Delta's log tells of the others."""
    return {
        "format": files.format,
        "options": files.options,
        "partition_columns": list(files.partitions),
        "fields": json.loads(frame.schema.json())["fields"],
    }


def write_expected(spark: SparkSession, table: tables.Table, lake: Path, out: Path) -> int:
    """Reads the table back by Spark and writes its two expected files; returns the row count."""
    path = lake / table.name
    files = kinds.FILES.get(table.name)
    description: dict[str, Any] = {} if files else expected.describe(path)
    description["note"] = table.note
    description.update(table.facts)
    if table.finish:
        table.finish(path)
        # Spark must read the table as it is shipped, not as it remembers it.
        spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    if table.read_by_spark:
        frame = read_back(spark, table.name, path)
        if files:
            description.update(describe_files(files, frame))
        lines = expected.rows_as_lines(frame)
        description["columns"] = expected.columns(frame.schema)
        description["rows"] = len(lines)
        description["partitions"] = expected.partitions(
            [json.loads(line) for line in lines], description["partition_columns"]
        )
        (out / f"{table.name}.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    else:
        description["columns"] = None
        description["rows"] = None
        description["partitions"] = None
    description["read_by_spark"] = table.read_by_spark
    text = json.dumps(description, indent=1, ensure_ascii=False, sort_keys=True)
    (out / f"{table.name}.json").write_text(text + "\n", "utf-8")
    return description["rows"] or 0


def is_hadoop_checksum(path: Path) -> bool:
    """Hadoop's local file system puts `.name.crc` beside each file; Delta's own `N.crc` stays."""
    return path.name.startswith(".") and path.name.endswith(".crc")


def make_movable(lake: Path) -> None:
    """Puts @ROOT@ for this folder's URL into the log that names files of another table."""
    for log in lake.glob("clone/_delta_log/*.*"):
        if log.suffix != ".json":
            log.unlink()  # checkpoints and checksums repeat the commits, old URL and all
            continue
        text = log.read_text("utf-8")
        for url in (lake.as_uri(), f"file:{lake}"):
            text = text.replace(url, "@ROOT@")
        log.write_text(text, "utf-8")


def pack(root: Path, archive: Path) -> None:
    """One archive whose bytes depend on names and contents alone: sorted, no times, no owners."""
    files = sorted(p for p in root.rglob("*") if p.is_file() and not is_hadoop_checksum(p))
    with archive.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in files:
                info = tarfile.TarInfo(str(path.relative_to(root)))
                info.size = path.stat().st_size
                info.mode = 0o644
                with path.open("rb") as content:
                    tar.addfile(info, content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jars", type=Path, required=True, help="folder with the Delta jars")
    parser.add_argument("--work", type=Path, required=True, help="scratch folder, emptied first")
    parser.add_argument("--kinds", action="store_true", help="make kinds.tar.gz")
    parser.add_argument("--only", nargs="*", help="make these tables alone (for a trial)")
    here = Path(__file__).resolve().parent
    parser.add_argument("--archive", type=Path)
    options = parser.parse_args()
    name = "kinds" if options.kinds else "corpus"
    module = kinds if options.kinds else tables
    archive = options.archive or here / f"{name}.tar.gz"

    shutil.rmtree(options.work, ignore_errors=True)
    root = options.work / "root"
    lake, out = root / name, root / "expected"
    lake.mkdir(parents=True)
    out.mkdir()
    spark = open_session(options.jars, options.work)
    for table in module.all_tables():
        if options.only and table.name not in options.only:
            continue
        started = time.monotonic()
        table.make(tables.Maker(spark, lake, options.work), table.name)
        rows = write_expected(spark, table, lake, out)
        seconds = time.monotonic() - started
        print(f"{table.name}: {rows} rows, {seconds:.1f} s", file=sys.stderr)
    catalog = json.dumps(module.CATALOG, indent=1, ensure_ascii=False)
    (lake / "catalog.json").write_text(catalog + "\n", "utf-8")
    spark.stop()
    make_movable(lake)
    pack(root, archive)
    print(f"{archive}: {archive.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
