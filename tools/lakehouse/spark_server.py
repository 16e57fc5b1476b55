"""A Spark Thrift Server in HTTP mode over the lakehouse's tables, on the loopback address.

Spark and Delta come from set-up (tools/setup/steps/spark.sh). Tables are external ones of a Hive
metastore in Derby, which registers a few dozen tables in a minute; so the metastore is made once,
kept in the cache under the names of what it holds, and copied for each server. One server serves
any number of workspace fronts at once. Derby lets one process in, so each server needs a folder of
its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import azurite
import delta_log
import other_kinds
import processes
from hive_client import HiveClient, SqlError

_HERE = Path(__file__).resolve().parent
_START_TIMEOUT_S = 120
_HEAP = "1g"
_CLASS = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
# What stands behind the functions that the corpus's catalog.json names as mask and row filter.
FUNCTIONS = {
    "main.guarded.hide": "concat(left({0}, 1), '***')",
    "main.guarded.own": "{0} % 2 = 0",
}


@dataclass
class SparkServer:
    process: subprocess.Popen[bytes]
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        processes.stop([processes.entry("spark", self.process)])
        self.process.wait()


def find_spark() -> Path:
    """Where set-up put Spark."""
    home = azurite.cache_root() / "spark"
    if not (home / "loopback_only.so").is_file():
        raise SystemExit(f"{home} is not there: `make setup` gets it")
    return home


def _settings(directory: Path) -> dict[str, str]:
    return {
        "spark.master": "local[2]",
        "spark.driver.memory": _HEAP,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={directory} -XX:+UseSerialGC"
        f" -Djava.io.tmpdir={directory}/tmp -XX:TieredStopAtLevel=1",
        "spark.local.dir": f"{directory}/tmp",
        "spark.ui.enabled": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": f"{directory}/warehouse",
        "spark.sql.session.timeZone": "UTC",
        # Small tables: what parallel plans cost is more than they gain.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        # A result is handed out partition by partition instead of being held in the driver.
        "spark.sql.thriftServer.incrementalCollect": "true",
        # DESCRIBE QUERY must spell the types of wide structs to their end.
        "spark.sql.debug.maxToStringFields": "10000",
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:;databaseName=metastore_db"
        ";create=true",
        "spark.hadoop.hive.exec.scratchdir": f"{directory}/tmp/hive",
        "spark.hadoop.hive.exec.local.scratchdir": f"{directory}/tmp/hive-local",
    }


def start(directory: Path, metastore: Path | None) -> SparkServer:
    """Starts a server in a folder of its own, with a copy of the metastore or a new one.

    Output goes to DIRECTORY/spark.log."""
    home = find_spark()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tmp").mkdir(exist_ok=True)
    if metastore:
        shutil.copytree(metastore, directory / "metastore_db", dirs_exist_ok=True)
    jars = ":".join(str(jar) for jar in sorted((home / "delta").glob("*.jar")))
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(directory),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "LD_PRELOAD": str(home / "loopback_only.so"),
    }
    lines = (f"{key}={value}\n" for key, value in _settings(directory).items())
    (directory / "spark.conf").write_text("".join(lines), "utf-8")
    for _ in range(3):
        port = processes.free_port()
        command = [str(home / "bin/spark-submit"), "--driver-class-path", jars]
        command += ["--properties-file", str(directory / "spark.conf"), "--class", _CLASS]
        command += ["--name", "lakehouse", "spark-internal"]
        for key, value in {
            "transport.mode": "http",
            "thrift.http.path": "cliservice",
            "thrift.http.port": str(port),
            "authentication": "NONE",
            "long.polling.timeout": "500ms",
        }.items():
            command += ["--hiveconf", f"hive.server2.{key}={value}"]
        with (directory / "spark.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=directory,
                env=environment,
                start_new_session=True,
            )
        if processes.wait_until_open(process, port, _START_TIMEOUT_S):
            return SparkServer(process, port)
    raise SystemExit(f"Spark ends as soon as it starts: see {directory / 'spark.log'}")


# --- tables -------------------------------------------------------------------


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _alias_view(alias: dict[str, object], columns: list[str]) -> str:
    """SELECT of a table behind a mask or a row filter, as the workspace's SQL shows it."""
    parts = [_quoted(name) for name in columns]
    where = ""
    mask, row_filter = alias.get("mask"), alias.get("row_filter")
    if isinstance(mask, dict):
        name = mask["column"]
        hidden = FUNCTIONS[mask["function_name"]].format(_quoted(name))
        parts[columns.index(name)] = f"{hidden} AS {_quoted(name)}"
    if isinstance(row_filter, dict):
        inputs = [_quoted(name) for name in row_filter["input_column_names"]]
        where = " WHERE " + FUNCTIONS[row_filter["function_name"]].format(*inputs)
    return f"SELECT {', '.join(parts)} FROM corpus.{_quoted(str(alias['like']))}{where}"


def _statements(folders: dict[str, Path]) -> list[str]:
    """What registers every table, view and guarded table; the tables come first."""
    tables, views = [], []
    for schema, folder in folders.items():
        tables.append(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for table in sorted(folder.iterdir()):
            if (table / "_delta_log").is_dir():
                name = f"{schema}.{_quoted(table.name)}"
                tables.append(f"CREATE TABLE {name} USING delta LOCATION '{table}'")
        side = folder / "catalog.json"
        known = json.loads(side.read_text("utf-8")) if side.is_file() else {}
        for view in known.get("views", []):
            text = view["view_definition"].replace("main.", "")
            views.append(f"CREATE VIEW {view.get('schema', schema)}.{view['name']} AS {text}")
        for alias in known.get("aliases", []):
            home = alias.get("schema", schema)
            fields = json.loads(_schema_string(folder / alias["like"]))["fields"]
            select = _alias_view(alias, [field["name"] for field in fields])
            views.append(f"CREATE SCHEMA IF NOT EXISTS {home}")
            views.append(f"CREATE VIEW {home}.{alias['name']} AS {select}")
        if schema == other_kinds.SCHEMA:
            views += other_kinds.statements(folder)
    return tables + views


def _schema_string(table: Path) -> str:
    return delta_log.read_snapshot(table).metadata["schemaString"]


def register(server: SparkServer, folders: dict[str, Path]) -> list[str]:
    """Creates the entries; returns those that Spark cannot read, with its reason."""
    client, refused = HiveClient(server.address), []
    session = client.open_session()
    for statement in _statements(folders):
        try:
            client.execute(session, statement)
        except SqlError as error:
            refused.append(f"{statement}: {error}")
    client.close_session(session)
    return refused


def _key(folders: dict[str, Path]) -> str:
    """What the metastore will hold, places included."""
    return hashlib.sha256("\n".join(_statements(folders)).encode()).hexdigest()[:12]


def metastore(
    folders: dict[str, Path], keep: Callable[[str, Callable[[Path], None]], Path]
) -> Path:
    """The metastore of these folders of tables ({schema: folder}); `keep` makes a cached folder."""

    def make(folder: Path) -> None:
        server = start(folder, None)
        try:
            refused = register(server, folders)
        finally:
            server.stop()
        # One table of the corpus is there to be refused.
        unexpected = [line for line in refused if "fromTheFuture" not in line]
        if unexpected:
            raise SystemExit("Spark cannot register: " + "; ".join(unexpected))

    return keep(f"metastore-{_key(folders)}", make) / "metastore_db"
