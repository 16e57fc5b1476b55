"""PyODPS, unmodified, against `mms sandbox`.

What its users do must work; what MaxCompute refuses must fail.
"""

from __future__ import annotations

import datetime
import decimal
import os
import random
import subprocess
import sys
import threading
import time

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from odps import ODPS, errors, options, types
from odps.models import TableSchema
from odps.tunnel import TableTunnel
from sandbox_fixtures import ACCESS_KEY_SECRET, PROJECT, Sandbox, odps, sandbox  # noqa: F401

options.sql.settings = {"odps.sql.type.system.odps2": True}

UTC = datetime.timezone.utc
LOCAL = datetime.datetime.now().astimezone().tzinfo


def write_arrow(client: ODPS, table: str, data: pa.RecordBatch, **session: object) -> None:
    """One block, one commit, through the tunnel API."""
    upload = TableTunnel(client).create_upload_session(table, **session)
    with upload.open_arrow_writer(0) as writer:
        writer.write(data)
    upload.commit([0])


def count(client: ODPS, table: str, where: str = "") -> int:
    with client.execute_sql(f"SELECT COUNT(*) AS n FROM {table} {where}").open_reader() as reader:
        return int(next(iter(reader))[0])


def test_creates_writes_arrow_reads_and_counts(odps: ODPS, sandbox: Sandbox) -> None:
    table = odps.create_table("t1", "a bigint, b string", if_not_exists=True)
    assert odps.exist_table("t1")
    assert [c.name for c in table.table_schema.columns] == ["a", "b"]
    batch = pa.record_batch([pa.array([1, 2, None]), pa.array(["x", None, "é"])], names=["a", "b"])
    write_arrow(odps, "t1", batch)
    with table.open_reader(arrow=True) as reader:
        assert reader.read_all().to_pydict() == {"a": [1, 2, None], "b": ["x", None, "é"]}
    assert count(odps, "t1") == 3
    stored = pa.parquet.read_table(sandbox.files("t1")[0])
    assert stored.to_pydict() == {"a": [1, 2, None], "b": ["x", None, "é"]}


def test_writes_and_reads_records_of_every_type(odps: ODPS) -> None:
    columns = (
        "ti tinyint, si smallint, i int, bi bigint, f float, d double, bo boolean, s string,"
        "n binary, da date, dt datetime, ts timestamp, de decimal(38,18), ch char(3),"
        "vc varchar(9), ar array<int>, ma map<string,bigint>, st struct<x:int,y:string>"
    )
    table = odps.create_table("every", columns)
    row = [
        -128,
        32767,
        -(2**31),
        2**63 - 1,
        1.5,
        -0.1,
        True,
        "naïve 中",
        b"\x00\xff",
        datetime.date(1, 1, 1),
        datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        pd.Timestamp("2026-01-02 03:04:05.123456789", tz="UTC"),
        decimal.Decimal("-1.000000000000000001"),
        "abc",
        "é",
        [1, None],
        {"k": 1, "l": None},
        {"x": 1, "y": None},
    ]
    odps.write_table("every", [row, [None] * len(row)])
    rows = [record.values for record in odps.read_table("every")]
    assert rows[1] == [None] * len(row)
    for column, got, wanted in zip(table.table_schema.columns, rows[0], row):
        if column.name in ("dt", "ts"):  # PyODPS shows instants in the machine's zone
            got = got.tz_localize(LOCAL) if column.name == "ts" and got.tzinfo is None else got
            assert got.astimezone(UTC) == wanted, column.name
        elif column.name == "st":
            assert tuple(got) == (1, None)
        else:
            assert got == wanted, column.name


def test_arrow_values_of_every_type_come_back_bit_exact(odps: ODPS) -> None:
    odps.create_table(
        "exact",
        "ts timestamp, tn timestamp_ntz, de decimal(38,18), da date, n binary, l array<string>,"
        "m map<string,int>, s struct<x:bigint,y:array<int>>, f double",
    )
    schema = pa.schema(
        [
            ("ts", pa.timestamp("ns")),
            ("tn", pa.timestamp("ns")),
            ("de", pa.decimal128(38, 18)),
            ("da", pa.date32()),
            ("n", pa.binary()),
            ("l", pa.list_(pa.string())),
            ("m", pa.map_(pa.string(), pa.int32())),
            ("s", pa.struct([("x", pa.int64()), ("y", pa.list_(pa.int32()))])),
            ("f", pa.float64()),
        ]
    )
    values = [
        [-1, 1_700_000_000_123_456_789, None],
        [-9_000_000_000_000_000_001, 0, None],
        [decimal.Decimal("99999999999999999999.999999999999999999"), decimal.Decimal(0), None],
        [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None],
        [b"", b"\x00\xff", None],
        [["a", None], [], None],
        [[("k", 1), ("l", None)], [], None],
        [{"x": 1, "y": [1, None]}, {"x": None, "y": None}, None],
        [-0.0, float("inf"), None],
    ]
    batch = pa.record_batch(
        [pa.array(v, type=f.type) for v, f in zip(values, schema)], schema=schema
    )
    write_arrow(odps, "exact", batch)
    with odps.get_table("exact").open_reader(arrow=True) as reader:
        read = reader.read_all()
    for name in schema.names:
        kept = read.column(name).combine_chunks()
        wanted = batch.column(batch.schema.get_field_index(name))
        if pa.types.is_timestamp(kept.type):
            kept, wanted = kept.cast(pa.int64()), wanted.cast(pa.int64())
        assert kept.to_pylist() == wanted.to_pylist(), name


def test_partitions_are_added_filled_counted_and_dropped(odps: ODPS, sandbox: Sandbox) -> None:
    table = odps.create_table("tp", ("a bigint", "pt string, hh int"), lifecycle=7)
    table.create_partition("pt='x',hh=1", if_not_exists=True)
    table.create_partition("pt=y,hh=02", if_not_exists=True)
    assert table.exist_partition("pt='x',hh=1")
    assert not table.exist_partition("pt='z',hh=1")
    batch = pa.record_batch([pa.array([1, 2, 3])], names=["a"])
    write_arrow(odps, "tp", batch, partition_spec="pt='x',hh=1")
    with table.open_writer(partition="pt=y,hh=2", arrow=True) as writer:
        writer.write(batch)
        writer.write(batch)
    assert count(odps, "tp") == 9
    assert count(odps, "tp", "WHERE pt='y' AND hh = 2") == 6
    assert count(odps, "tp", "WHERE pt='y' AND a > 1") == 4
    assert [p.name for p in table.partitions] == ["pt='x',hh='1'", "pt='y',hh='2'"]
    sql = "SELECT pt, hh, COUNT(*) AS n, SUM(a) AS s FROM tp GROUP BY pt, hh ORDER BY pt DESC"
    with odps.execute_sql(sql).open_reader(tunnel=False) as reader:
        assert [record.values for record in reader] == [["y", "2", "6", "12"], ["x", "1", "3", "6"]]
    with table.open_reader(partition="pt=x,hh=1") as reader:
        assert [record["a"] for record in reader] == [1, 2, 3]
    assert sandbox.files("tp")[0].parent.name == "hh=1"
    table.delete_partition("pt='y',hh=2")
    assert count(odps, "tp") == 3
    table.truncate(partition_spec="pt=x,hh=1")
    assert count(odps, "tp") == 0 and sandbox.files("tp") == []
    table.drop()
    assert not odps.exist_table("tp")


def test_one_statement_adds_many_partitions_and_ten_thousand_are_counted(odps: ODPS) -> None:
    table = odps.create_table("many", ("a bigint", "pt string"))
    for start in range(0, 10_000, 2_500):
        parts = " ".join(f"PARTITION (pt='p{i:05}')" for i in range(start, start + 2_500))
        odps.execute_sql(f"ALTER TABLE many ADD IF NOT EXISTS {parts}")
    batch = pa.record_batch([pa.array([7])], names=["a"])
    for i in (0, 5_000, 9_999):
        write_arrow(odps, "many", batch, partition_spec=f"pt=p{i:05}")
    assert sum(1 for _ in table.partitions) == 10_000
    sql = "SELECT pt, COUNT(*) AS n FROM many GROUP BY pt ORDER BY pt"
    with odps.execute_sql(sql).open_reader(tunnel=True) as reader:
        assert [tuple(r.values) for r in reader] == [("p00000", 1), ("p05000", 1), ("p09999", 1)]
    assert count(odps, "many", "WHERE pt >= 'p05000'") == 2


def test_overwrite_replaces_and_append_adds(odps: ODPS, sandbox: Sandbox) -> None:
    table = odps.create_table("o", "a bigint")
    one = pa.record_batch([pa.array([1])], names=["a"])
    two = pa.record_batch([pa.array([2, 2])], names=["a"])
    write_arrow(odps, "o", one)
    write_arrow(odps, "o", two)
    assert count(odps, "o") == 3
    write_arrow(odps, "o", two, overwrite=True)
    assert count(odps, "o") == 2 and len(sandbox.files("o")) == 1
    empty = TableTunnel(odps).create_upload_session("o", overwrite=True)
    empty.commit([])
    assert count(odps, "o") == 0
    with table.open_reader(arrow=True) as reader:
        assert reader.count == 0


def test_a_block_is_replaced_by_its_id_and_a_session_commits_once(odps: ODPS) -> None:
    odps.create_table("b", "a bigint")
    upload = TableTunnel(odps).create_upload_session("b")
    for value in (1, 2):
        with upload.open_arrow_writer(5) as writer:
            writer.write(pa.record_batch([pa.array([value])], names=["a"]))
    upload.reload()
    assert list(upload.get_block_list()) == [5]
    upload.commit([5])
    assert [r[0] for r in odps.read_table("b")] == [2]
    assert upload.status == upload.Status.Closed
    with pytest.raises(errors.ODPSError) as refused:
        upload._complete_upload()
    assert refused.value.code == "StatusConflict"
    assert count(odps, "b") == 1


@pytest.mark.parametrize("algorithm", ["zlib", "zstd", "lz4", "snappy"])
def test_compressed_blocks_both_ways(odps: ODPS, algorithm: str) -> None:
    from odps.tunnel import CompressOption

    try:
        option = CompressOption(CompressOption.CompressAlgorithm(f"odps_{algorithm}"))
    except ValueError:
        name = f"ODPS_{algorithm.upper()}"
        option = CompressOption(getattr(CompressOption.CompressAlgorithm, name))
    codec_modules = {"zstd": "zstandard", "lz4": "lz4", "snappy": "snappy"}
    if algorithm in codec_modules:
        pytest.importorskip(codec_modules[algorithm])
    odps.create_table("z", "a bigint, b string")
    batch = pa.record_batch(
        [pa.array(range(50_000)), pa.array([f"v{i}" for i in range(50_000)])], names=["a", "b"]
    )
    upload = TableTunnel(odps).create_upload_session("z", compress_option=option)
    with upload.open_arrow_writer(0, compress=True) as writer:
        writer.write(batch)
    upload.commit([0])
    download = TableTunnel(odps).create_download_session("z", compress_option=option)
    with download.open_arrow_reader(0, 50_000, compress=True) as reader:
        assert reader.read().num_rows == 50_000
    with download.open_record_reader(49_990, 10, compress=True) as reader:
        assert [r[1] for r in reader] == [f"v{i}" for i in range(49_990, 50_000)]


def test_ranges_and_columns_are_cut_exactly(odps: ODPS) -> None:
    odps.create_table("r", "a bigint, b string, c double")
    rows = 150_000
    batch = pa.record_batch(
        [pa.array(range(rows)), pa.array([str(i) for i in range(rows)]), pa.array([0.5] * rows)],
        names=["a", "b", "c"],
    )
    upload = TableTunnel(odps).create_upload_session("r")
    for block in range(3):
        with upload.open_arrow_writer(block) as writer:
            writer.write(batch.slice(block * 50_000, 50_000))
    upload.commit([0, 1, 2])
    download = TableTunnel(odps).create_download_session("r")
    assert download.count == rows
    with download.open_arrow_reader(49_999, 60_002, columns=["b"]) as reader:
        got = reader.read()
    assert got.column("b").to_pylist() == [str(i) for i in range(49_999, 110_001)]
    with download.open_record_reader(99_998, 4, columns=["a", "c"]) as reader:
        assert [tuple(r.values) for r in reader] == [(99_998 + i, 0.5) for i in range(4)]


def test_checksum_functions_give_the_published_values(odps: ODPS) -> None:
    sql = (
        "SELECT CRC32('ABC') AS c, MD5('Spark') AS m, SHA2('ABC', 256) AS s,"
        " CONV(SUBSTR('ff00', 1, 2), 16, 10) AS v,"
        " CONCAT_WS(CHR(1), 'a', COALESCE(NULL, 'b')) AS w,"
        " LENGTH('中é') AS n, LENGTHB('中é') AS nb, HEX('AB') AS h"
    )
    with odps.execute_sql(sql).open_reader(tunnel=True) as reader:
        record = next(iter(reader))
    assert record["c"] == 2743272264
    assert record["m"] == "8cde774d6f7333752ed72cacddb05126"
    assert record["s"].startswith("b5d4045c3f466fa9")
    assert (record["v"], record["w"], record["n"], record["nb"]) == ("255", "a\x01b", 2, 5)
    assert record["h"] == "4142"


def test_aggregates_over_bigint_and_decimal_keep_their_types(odps: ODPS) -> None:
    odps.create_table("agg", "a bigint, d decimal(10,2), s string")
    odps.write_table("agg", [[2**40, decimal.Decimal("1.25"), "b"], [1, None, None]])
    sql = (
        "SELECT SUM(a) AS sa, SUM(d) AS sd, MIN(s) AS ms, COUNT(d) AS cd, MAX(a), "
        "SUM(CAST(CRC32(s) AS DECIMAL(38,0))) AS x FROM agg"
    )
    with odps.execute_sql(sql).open_reader(tunnel=True) as reader:
        record = next(iter(reader))
    assert record["sa"] == 2**40 + 1 and record["sd"] == decimal.Decimal("1.25")
    assert (record["ms"], record["cd"], record["_c4"]) == ("b", 1, 2**40)
    assert record["x"] == 1908338681  # zlib.crc32(b"b")


def test_an_added_column_is_null_in_older_rows(odps: ODPS) -> None:
    odps.create_table("ev", "a bigint")
    odps.write_table("ev", [[1]])
    odps.execute_sql("ALTER TABLE ev ADD COLUMNS (b string COMMENT 'new')")
    odps.write_table("ev", [[2, "x"]])
    assert sorted((r[0], r[1]) for r in odps.read_table("ev")) == [(1, None), (2, "x")]
    assert count(odps, "ev", "WHERE b IS NULL") == 1


def test_text_answers_of_show_and_desc(odps: ODPS) -> None:
    columns = "a bigint comment 'it', b decimal(5,2)"
    odps.create_table("show_me", (columns, "pt string"), lifecycle=3)
    odps.execute_sql("ALTER TABLE show_me ADD PARTITION (pt='1') PARTITION (pt='2')")

    def text(sql: str) -> str:
        with odps.execute_sql(sql).open_reader() as reader:
            return reader.raw

    assert text("SHOW PARTITIONS show_me").split() == ["pt=1", "pt=2"]
    assert "show_me" in text("SHOW TABLES LIKE 'show*'")
    created = text("SHOW CREATE TABLE show_me")
    assert "`b` DECIMAL(5,2)" in created and "LIFECYCLE 3" in created
    assert "decimal(5,2)" in text("DESC show_me")
    odps.execute_sql("DROP TABLE show_me")
    odps.execute_sql(created)
    assert odps.get_table("show_me").table_schema.partitions[0].name == "pt"


def test_table_lists_page_and_describe(odps: ODPS) -> None:
    for name in ("la", "lb", "other"):
        odps.create_table(name, "a bigint", comment="c " + name)
    assert [t.name for t in odps.list_tables(prefix="l")] == ["la", "lb"]
    table = odps.get_table("lb")
    assert table.comment == "c lb" and table.size == 0
    odps.write_table("lb", [[1]])
    table.reload()
    assert table.record_num == 1 and table.size > 0


def test_schemas_hold_tables_of_their_own(odps: ODPS) -> None:
    odps.execute_sql("CREATE SCHEMA IF NOT EXISTS s1", hints={"odps.namespace.schema": "true"})
    odps.create_table("same", "a bigint", schema="s1")
    odps.create_table("same", "b string")
    odps.write_table("same", [[1]], schema="s1")
    assert odps.get_table("same", schema="s1").table_schema.columns[0].name == "a"
    assert odps.get_table("same").table_schema.columns[0].name == "b"
    hints = {"odps.namespace.schema": "true", "odps.sql.allow.namespace.schema": "true"}
    with odps.execute_sql("SELECT COUNT(*) FROM s1.same", hints=hints).open_reader() as reader:
        assert int(next(iter(reader))[0]) == 1


def test_errors_reach_the_client_as_its_own_classes(odps: ODPS) -> None:
    with pytest.raises(errors.NoSuchTable):
        odps.execute_sql("SELECT * FROM nowhere")
    with pytest.raises(errors.ParseError, match=r"ODPS-0130161:\[1,8\]"):
        odps.execute_sql("SELECT FROM x")
    with pytest.raises(errors.ODPSError, match="ODPS-0130071"):
        odps.execute_sql("SELECT frobnicate(1)")
    odps.create_table("e", ("a bigint", "pt string"))
    with pytest.raises(errors.ODPSError, match="already exists"):
        odps.create_table("e", "a bigint")
    with pytest.raises(errors.NoSuchPartition):
        TableTunnel(odps).create_upload_session("e", partition_spec="pt=none")
    with pytest.raises(errors.NoSuchTable):
        TableTunnel(odps).create_download_session("nowhere")
    for ddl in ("CREATE TABLE 1x (a BIGINT)", "CREATE TABLE x (a BIGINT, a STRING)"):
        with pytest.raises(errors.ODPSError):
            odps.execute_sql(ddl)
    with pytest.raises(errors.ODPSError):
        odps.execute_sql("ALTER TABLE e ADD PARTITION (pt='a/b')")


def test_a_wrong_key_or_project_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(errors.Unauthorized):
        sandbox.client(secret="wrong").exist_table("t")
    assert ACCESS_KEY_SECRET not in sandbox.errors()
    other = ODPS("peer_test_id", ACCESS_KEY_SECRET, "not_there", endpoint=sandbox.url + "/api")
    with pytest.raises(errors.NoSuchProject):
        other.get_table("t").reload()


def test_the_regional_signature_is_accepted(sandbox: Sandbox) -> None:
    client = sandbox.client(region_name="cn-hangzhou")
    client.create_table("v4", "a bigint")
    client.write_table("v4", [[1]])
    assert count(client, "v4") == 1


def test_an_instance_runs_first_and_can_be_waited_for(odps: ODPS) -> None:
    instance = odps.run_sql("SELECT 1 AS one")
    assert instance.status.value == "Running"
    instance.wait_for_success()
    assert instance.is_terminated() and instance.is_successful()
    assert "SELECT 1" in instance.get_sql_query()


WRITER_THAT_DIES = """
import os, sys, time
import pyarrow as pa
from odps import ODPS
from odps.tunnel import TableTunnel
endpoint, upload_id = sys.argv[1:]
client = ODPS("peer_test_id", os.environ["PEER_TEST_SECRET"], "rehearsal", endpoint=endpoint)
upload = TableTunnel(client).create_upload_session("cut", upload_id=upload_id)
writer = upload.open_arrow_writer(0)
for _ in range(20):
    writer.write(pa.record_batch([pa.array(range(100_000))], names=["a"]))
writer.flush()
time.sleep(0.3)
os._exit(9)
"""


def test_a_block_cut_by_a_dying_writer_leaves_the_earlier_one(
    odps: ODPS, sandbox: Sandbox
) -> None:
    odps.create_table("cut", "a bigint")
    upload = TableTunnel(odps).create_upload_session("cut")
    with upload.open_arrow_writer(0) as writer:
        writer.write(pa.record_batch([pa.array([1])], names=["a"]))
    dying = subprocess.run(
        [sys.executable, "-c", WRITER_THAT_DIES, sandbox.url + "/api", upload.id],
        env=dict(os.environ, PEER_TEST_SECRET=ACCESS_KEY_SECRET),
        timeout=120,
    )
    assert dying.returncode == 9
    upload.reload()
    assert list(upload.get_block_list()) == [0]
    upload.commit([0])
    assert [r[0] for r in odps.read_table("cut")] == [1]


def test_a_kill_at_any_moment_of_a_commit_leaves_old_or_new_whole(sandbox: Sandbox) -> None:
    sandbox.client().create_table("atomic", "a bigint")
    blocks = 40
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    old = 0
    for generation in range(1, 7):
        client = sandbox.client()
        upload = TableTunnel(client).create_upload_session("atomic", overwrite=True)
        for block in range(blocks):
            with upload.open_arrow_writer(block) as writer:
                writer.write(pa.record_batch([pa.array([generation] * 3)], names=["a"]))
        commit = threading.Thread(target=lambda: commit_quietly(upload, blocks))
        commit.start()
        time.sleep(moments.uniform(0, 0.03))
        sandbox.kill()
        commit.join()
        sandbox.restart()
        rows = [r[0] for r in sandbox.client().read_table("atomic")]
        wanted = [[generation] * 3 * blocks, [old] * 3 * blocks if old else []]
        assert rows in wanted, f"seed {seed}: {len(rows)} rows of {sorted(set(rows))}"
        assert len(sandbox.files("atomic")) == len(rows) // 3
        old = rows[0] if rows else 0


def commit_quietly(upload: object, blocks: int) -> None:
    """The sandbox dies under this call."""
    try:
        upload.commit(list(range(blocks)))  # type: ignore[attr-defined]
    except Exception:  # whatever the client makes of a lost peer
        pass


def test_sessions_and_data_survive_a_restart(sandbox: Sandbox) -> None:
    client = sandbox.client()
    client.create_table("keep", "a bigint")
    client.write_table("keep", [[1], [2]])
    upload = TableTunnel(client).create_upload_session("keep")
    with upload.open_arrow_writer(3) as writer:
        writer.write(pa.record_batch([pa.array([3])], names=["a"]))
    sandbox.kill()
    sandbox.restart()
    client = sandbox.client()
    assert count(client, "keep") == 2
    again = TableTunnel(client).create_upload_session("keep", upload_id=upload.id)
    assert list(again.get_block_list()) == [3]
    again.commit([3])
    assert sorted(r[0] for r in client.read_table("keep")) == [1, 2, 3]


def test_a_second_sandbox_on_the_same_data_is_refused(sandbox: Sandbox) -> None:
    second = Sandbox(sandbox.data)
    with pytest.raises(AssertionError, match="SANDBOX_DATA_LOCKED"):
        second.start()
    assert second.process is not None and second.process.wait(timeout=30) != 0


def test_schema_objects_of_pyodps_make_tables(odps: ODPS) -> None:
    schema = TableSchema.from_lists(["a", "b"], ["bigint", "string"], ["pt"], ["string"])
    table = odps.create_table(f"{PROJECT}.from_schema", schema, comment="it's")
    assert table.comment == "it's"
    assert table.table_schema.partitions[0].type == types.string
