"""PyODPS, unmodified: what conformance_lines.py asks and sandbox_test.py does not hold yet.

One sandbox serves all cases; each has tables of its own.
"""

from __future__ import annotations

import decimal
import json
from collections.abc import Iterator

import pandas as pd
import port_mapping
import pyarrow as pa
import pytest
from odps import ODPS, errors, options
from odps.models import TableSchema
from odps.tunnel import CompressOption, InstanceTunnel, TableTunnel
from sandbox_fixtures import ACCESS_KEY_ID, ACCESS_KEY_SECRET, PROJECT, Sandbox

options.sql.settings = {"odps.sql.type.system.odps2": True}

MANY = 12_345
LIMIT = 10_000


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("pyodps") / "data")
    sandbox.start()
    yield sandbox
    assert sandbox.stop() == 0, sandbox.errors()


@pytest.fixture()
def odps(box: Sandbox) -> ODPS:
    return box.client()


def put(client: ODPS, table: str, batch: pa.RecordBatch, **session: object) -> None:
    upload = TableTunnel(client).create_upload_session(table, **session)
    with upload.open_arrow_writer(0) as writer:
        writer.write(batch)
    upload.commit([0])


def count(client: ODPS, table: str) -> int:
    with client.execute_sql(f"SELECT COUNT(*) AS n FROM {table}").open_reader() as reader:
        return int(next(iter(reader))[0])


# Around the tables ------------------------------------------------------------------------


def test_the_project_document_has_owner_times_and_properties(odps: ODPS) -> None:
    project = odps.get_project()
    project.reload()
    assert project.owner and project.creation_time and project.last_modified_time
    assert project.get_property("odps.sql.type.system.odps2") == "true"
    assert odps.exist_project(PROJECT) and not odps.exist_project("nowhere")


def test_the_tenant_tells_whether_names_have_three_parts(odps: ODPS) -> None:
    assert odps.default_tenant.get_parameter("odps.namespace.schema") in ("true", "false")


def test_a_logview_address_names_the_service_the_instance_and_a_token(odps: ODPS) -> None:
    instance = odps.execute_sql("SELECT 1 AS one")
    address = instance.get_logview_address()
    assert address.startswith(odps.endpoint.removesuffix("/api") + "/logview/?h=")
    assert f"&i={instance.id}" in address and address.split("&token=")[1]


def test_a_usage_report_is_taken(odps: ODPS) -> None:
    url = odps.get_project().resource() + "/logs"
    assert odps.rest.put(url, data=json.dumps({"a.b": 1})).ok


def test_the_tunnel_is_found_behind_a_port_mapping(box: Sandbox) -> None:
    with port_mapping.to(box.address) as url:
        client = ODPS(ACCESS_KEY_ID, ACCESS_KEY_SECRET, PROJECT, endpoint=url + "/api")
        client.create_table("mapped_py", "a bigint")
        client.write_table("mapped_py", [[1], [2]])
        assert [record[0] for record in client.read_table("mapped_py")] == [1, 2]
        assert TableTunnel(client).tunnel_rest.endpoint == url


def test_errors_carry_code_text_and_request_id(odps: ODPS) -> None:
    with pytest.raises(errors.NoSuchTable) as rest:
        odps.get_table("nowhere").reload()
    assert rest.value.request_id and "nowhere" in str(rest.value)
    with pytest.raises(errors.NoSuchTable) as tunnel:
        TableTunnel(odps).create_upload_session("nowhere")
    assert tunnel.value.request_id and tunnel.value.status_code == 404


def test_schemas_are_made_listed_and_dropped(odps: ODPS) -> None:
    odps.create_schema("py_s")
    assert odps.exist_schema("py_s")
    assert {"py_s", "default"} <= {schema.name for schema in odps.list_schemas()}
    odps.delete_schema("py_s")
    assert not odps.exist_schema("py_s")


# Tables and partitions --------------------------------------------------------------------


def test_a_table_made_twice_needs_if_not_exists(odps: ODPS) -> None:
    odps.create_table("twice_py", "a bigint")
    odps.create_table("twice_py", "b string", if_not_exists=True)
    assert odps.get_table("twice_py").table_schema.names == ["a"]
    with pytest.raises(errors.ODPSError, match="already exists"):
        odps.create_table("twice_py", "a bigint")


def test_extended_facts_of_a_table(odps: ODPS) -> None:
    table = odps.create_table("ext_py", "a bigint", table_properties={"x.y": "z"})
    odps.write_table("ext_py", [[1], [2]])
    table.reload_extend_info()
    assert table.physical_size > 0 and table.file_num >= 1
    assert table.is_transactional is False and table.primary_key is None
    assert table.is_archived is False


def test_truncate_and_drop_take_the_rows_away(odps: ODPS) -> None:
    table = odps.create_table("gone_py", "a bigint")
    odps.write_table("gone_py", [[1]])
    table.truncate()
    assert count(odps, "gone_py") == 0
    table.drop()
    odps.delete_table("gone_py", if_exists=True)
    with pytest.raises(errors.ODPSError):
        odps.delete_table("gone_py")


def test_primary_key_tables_tell_their_key(odps: ODPS) -> None:
    table = odps.create_table(
        "key_py", "k bigint not null, v string", primary_key=["k"], transactional=True
    )
    table.reload_extend_info()
    assert table.primary_key == ["k"] and table.is_transactional


def test_partition_lists_by_part_of_a_spec_and_in_reverse(odps: ODPS) -> None:
    table = odps.create_table("parts_py", ("a bigint", "pt string, hh int"))
    for i in range(4):
        table.create_partition(f"pt='p{i % 2}',hh={i}")
    put(odps, "parts_py", pa.record_batch([pa.array([1, 2])], ["a"]), partition_spec="pt=p1,hh=3")
    names = [p.name for p in table.iterate_partitions(spec="pt='p1'")]
    assert names == ["pt='p1',hh='1'", "pt='p1',hh='3'"]
    backward = [p.name for p in table.iterate_partitions(reverse=True)]
    assert backward == sorted(backward, reverse=True) and len(backward) == 4
    filled = table.get_partition("pt=p1,hh=3")
    assert filled.record_num == 2 and filled.size > 0
    assert table.get_max_partition().name == "pt='p1',hh='3'"
    assert table.exist_partitions("pt='p0'") and not table.exist_partitions("pt='p9'")


@pytest.mark.parametrize("spec", ["pt=a,hh=1", "pt='a',hh='1'", "pt='a', hh=1"])
def test_a_partition_is_found_by_every_form_of_its_spec(odps: ODPS, spec: str) -> None:
    table = odps.create_table("forms_py", ("a bigint", "pt string, hh int"), if_not_exists=True)
    table.create_partition(spec, if_not_exists=True)
    assert [p.name for p in table.partitions] == ["pt='a',hh='1'"]
    put(odps, "forms_py", pa.record_batch([pa.array([1])], ["a"]), partition_spec=spec)
    assert TableTunnel(odps).create_download_session("forms_py", partition_spec=spec).count >= 1


def test_six_partition_levels_and_not_seven(odps: ODPS) -> None:
    keys = [f"p{i}" for i in range(6)]
    schema = TableSchema.from_lists(["a"], ["bigint"], keys, ["string"] * 6)
    table = odps.create_table("six_py", schema)
    spec = ",".join(f"{key}='v'" for key in keys)
    table.create_partition(spec)
    assert table.exist_partition(spec)
    seven = TableSchema.from_lists(["a"], ["bigint"], [*keys, "p6"], ["string"] * 7)
    with pytest.raises(errors.ODPSError):
        odps.create_table("seven_py", seven)


def test_what_is_wrong_with_a_partition_is_told_by_code(odps: ODPS) -> None:
    odps.create_table("wrong_py", ("a bigint", "pt string"))
    odps.create_table("flat_py", "a bigint")
    tunnel = TableTunnel(odps)
    for code, table, spec in (
        ("NoSuchPartition", "wrong_py", "pt=x"),
        ("MissingPartitionSpec", "wrong_py", None),
        ("InvalidPartitionSpec", "flat_py", "pt=x"),
    ):
        with pytest.raises(errors.ODPSError) as refused:
            tunnel.create_upload_session(table, partition_spec=spec)
        assert refused.value.code == code


# SQL instances ----------------------------------------------------------------------------


def test_a_csv_result_keeps_quotes_line_ends_and_nulls(odps: ODPS) -> None:
    odps.create_table("csv_py", "a bigint, s string")
    odps.write_table("csv_py", [[1, 'q"uo,te\nline 中'], [None, ""]])
    instance = odps.execute_sql("SELECT a, s, 1 FROM csv_py LIMIT 9")
    with instance.open_reader(tunnel=False) as reader:
        rows = list(reader)
    assert [row.values[:2] for row in rows] == [["1", 'q"uo,te\nline 中'], [None, ""]]
    assert rows[0]["_c2"] == "1"


def test_the_query_text_arrives_as_written(odps: ODPS) -> None:
    text = "a<b>&amp; ]] > 中文 \\t"  # PyODPS sends CDATA, so that its users have no ]]>
    with odps.execute_sql(f"SELECT  '{text}' AS t -- a < comment").open_reader(
        tunnel=False
    ) as reader:
        assert next(iter(reader))[0] == text.replace("\\t", "\t")


def test_set_statements_and_settings_of_any_kind(odps: ODPS) -> None:
    hints = {"odps.sql.allow.fullscan": True, "odps.sql.x": 7, "un.known": "é\"'"}
    instance = odps.execute_sql("SET odps.sql.y=true;\nSELECT 1 AS one", hints=hints)
    assert instance.is_successful()


def test_a_running_query_is_cancelled(odps: ODPS) -> None:
    odps.create_table("cancel_py", "s string")
    put(odps, "cancel_py", pa.record_batch([pa.array([f"{i}" for i in range(20_000)])], ["s"]))
    slow = "SHA2(" * 60 + "s" + ", 512)" * 60
    instance = odps.run_sql(f"SELECT MAX({slow}) AS m FROM cancel_py")
    instance.stop()
    instance.wait_for_completion(interval=0.1)
    assert not instance.is_successful()
    assert [s.status.value for s in instance.get_task_statuses().values()] == ["CANCELLED"]


def test_summary_progress_detail_source_and_priority(odps: ODPS) -> None:
    instance = odps.execute_sql("SELECT '<&>' AS t", priority=5)
    assert instance.get_task_summary() is not None
    assert instance.get_task_progress() is not None
    assert isinstance(instance.get_task_detail(), dict)
    assert instance.get_sql_query().rstrip(";") == "SELECT '<&>' AS t"
    assert instance.priority == 5


def test_instances_are_listed_and_unknown_ones_told(odps: ODPS) -> None:
    instance = odps.execute_sql("SELECT 1 AS one")
    assert instance.id in [one.id for one in odps.list_instances(only_owner=True)]
    assert odps.exist_instance(instance.id)
    assert not odps.exist_instance("20260101000000000gnone")


# Instance tunnel --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(box: Sandbox) -> str:
    client = box.client()
    client.create_table("many_py", "a bigint, s string, t timestamp")
    numbers = list(range(MANY))
    batch = pa.record_batch(
        [
            pa.array(numbers),
            pa.array([f"s{i}" for i in numbers]),
            pa.array([i * 1_000_000_007 for i in numbers], pa.timestamp("us")).cast(
                pa.timestamp("ns")
            ),
        ],
        ["a", "s", "t"],
    )
    put(client, "many_py", batch)
    return client.execute_sql("SELECT a, s, t FROM many_py ORDER BY a LIMIT 100000").id


def test_a_result_is_read_in_ranges_and_columns(odps: ODPS, many: str) -> None:
    session = InstanceTunnel(odps).create_download_session(many)
    assert session.count == MANY
    with session.open_record_reader(9_999, 3) as reader:
        assert [(r["a"], r["s"]) for r in reader] == [(i, f"s{i}") for i in range(9_999, 10_002)]
    with session.open_record_reader(5, 2, columns=["s"]) as reader:
        assert [r.values for r in reader] == [["s5"], ["s6"]]


def test_a_result_is_read_as_arrow_with_its_timestamps(odps: ODPS, many: str) -> None:
    session = InstanceTunnel(odps).create_download_session(many)
    with session.open_arrow_reader(9_000, 2_000) as reader:
        table = pa.Table.from_batches(list(reader))
    assert table.column("a").to_pylist() == list(range(9_000, 11_000))
    nanos = table.column("t").cast(pa.timestamp("ns")).cast(pa.int64()).to_pylist()
    apart = {b - a for a, b in zip(nanos, nanos[1:])}
    assert apart == {1_000_000_007_000}


@pytest.mark.parametrize("codec", ["raw", "zlib", "snappy", "lz4"])
def test_a_result_is_read_with_a_codec(odps: ODPS, many: str, codec: str) -> None:
    session = InstanceTunnel(odps).create_download_session(many, compress_option=option(codec))
    with session.open_record_reader(0, MANY, compress=codec != "raw") as reader:
        assert [record["a"] for record in reader] == list(range(MANY))


def test_a_limited_result_has_ten_thousand_rows(odps: ODPS, many: str) -> None:
    assert InstanceTunnel(odps).create_download_session(many, limit=True).count == LIMIT
    with odps.get_instance(many).open_reader(tunnel=True, limit=False) as reader:
        assert sum(1 for _ in reader) == MANY


TYPED = (
    "c CHAR(3), v VARCHAR(9), j JSON, s STRING, dt DATETIME, ts TIMESTAMP, tn TIMESTAMP_NTZ,"
    " d DATE, e DECIMAL(10,2), l ARRAY<VARCHAR(4)>, m MAP<CHAR(2),DATETIME>, x STRUCT<y:CHAR(1)>"
)
TYPED_ALL = {name: kind.lower() for name, kind in (pair.split() for pair in TYPED.split(", "))}
TYPED_QUERIES = {
    "SELECT * FROM typed_py": TYPED_ALL,
    "SELECT * FROM (SELECT * FROM typed_py) q": TYPED_ALL,
    "WITH w AS (SELECT * FROM typed_py) SELECT * FROM w UNION ALL SELECT * FROM typed_py": (
        TYPED_ALL
    ),
    "SELECT c AS a, t.v AS b, x.y AS y, l[0] AS l0, m['k'] AS mk FROM typed_py t": {
        "a": "char(3)",
        "b": "varchar(9)",
        "y": "char(1)",
        "l0": "varchar(4)",
        "mk": "datetime",
    },
    "SELECT CAST(s AS CHAR(2)) AS a, CAST(s AS VARCHAR(7)) AS b, CAST(c AS STRING) AS t,"
    " CAST(ts AS DATETIME) AS dt FROM typed_py": {
        "a": "char(2)",
        "b": "varchar(7)",
        "t": "string",
        "dt": "datetime",
    },
    "SELECT a.*, z.v AS w FROM (SELECT c, dt FROM typed_py) a"
    " LEFT JOIN (SELECT v, c FROM typed_py) z ON a.c = z.c": {
        "c": "char(3)",
        "dt": "datetime",
        "w": "varchar(9)",
    },
    "SELECT q FROM (SELECT c FROM typed_py) AS n(q)": {"q": "char(3)"},
    "SELECT k, w FROM typed_py LATERAL VIEW EXPLODE(m) e AS k, w": {
        "k": "char(2)",
        "w": "datetime",
    },
    "SELECT MAX(v) AS v, MIN(dt) AS dt, MAX(ts) AS ts FROM typed_py": {
        "v": "varchar(9)",
        "dt": "datetime",
        "ts": "timestamp",
    },
    # What is made of them is STRING: two lengths, an expression.
    "SELECT v FROM typed_py UNION ALL SELECT CAST('a' AS VARCHAR(2))": {"v": "string"},
    "SELECT CONCAT(c, v) AS t, COALESCE(c, 'z') AS u FROM typed_py": {"t": "string", "u": "string"},
}


def test_a_result_has_the_types_its_columns_were_declared_with(odps: ODPS) -> None:
    odps.execute_sql(f"CREATE TABLE typed_py ({TYPED})")
    for sql, wanted in TYPED_QUERIES.items():
        instance = odps.execute_sql(sql)
        session = InstanceTunnel(odps).create_download_session(instance)
        # PyODPS writes the names inside a struct in back quotes.
        types = {column.name: str(column.type).lower() for column in session.schema.columns}
        got = {name: kind.replace("`", "") for name, kind in types.items()}
        assert got == wanted, sql
    odps.execute_sql("CREATE TABLE typed_copy_py AS SELECT c, v, dt FROM typed_py")
    schema = odps.get_table("typed_copy_py").table_schema
    assert [str(c.type).lower() for c in schema] == ["char(3)", "varchar(9)", "datetime"]


def test_what_is_no_select_falls_back_to_its_text(odps: ODPS) -> None:
    odps.create_table("shown_py", "a bigint")
    show = odps.execute_sql("SHOW TABLES LIKE 'shown_py'")
    with pytest.raises(errors.InstanceTypeNotSupported):
        InstanceTunnel(odps).create_download_session(show.id)
    with show.open_reader() as reader:
        assert "shown_py" in reader.raw


# Values -----------------------------------------------------------------------------------


def test_nested_values_three_deep_as_records_and_arrow(odps: ODPS) -> None:
    deep = "array<map<string,struct<x:bigint,y:array<decimal(10,2)>>>>"
    odps.create_table("deep_py", f"v {deep}")
    inner = {"x": 5, "y": [decimal.Decimal("1.50"), None]}
    rows = [[[{"a": inner, "b": None}, None, {}]], [[]], [None]]
    odps.write_table("deep_py", rows)
    with odps.get_table("deep_py").open_reader(arrow=True) as reader:
        read = reader.read_all().column("v").to_pylist()
    assert read == [[[("a", inner), ("b", None)], None, []], [], None]
    back = [record[0] for record in odps.read_table("deep_py")]
    assert back[1:] == [[], None] and back[0][1:] == [None, {}]
    assert tuple(back[0][0]["a"]) == (5, [decimal.Decimal("1.50"), None])


def test_json_and_not_null_columns(odps: ODPS) -> None:
    odps.create_table("json_py", "j json", hints={"odps.sql.type.json.enable": "true"})
    odps.write_table("json_py", [[{"a": [1, None, "é"]}], [None]])
    values = [record[0] for record in odps.read_table("json_py")]
    assert values == [{"a": [1, None, "é"]}, None]
    odps.create_table("needs_py", "k bigint not null, v string")
    with pytest.raises(errors.ODPSError):
        odps.write_table("needs_py", [[None, "x"]])


def test_the_smallest_bigint_goes_by_records_and_arrow(odps: ODPS) -> None:
    odps.create_table("min_py", "a bigint")
    odps.write_table("min_py", [[-(2**63) + 1]])
    put(odps, "min_py", pa.record_batch([pa.array([-(2**63)])], ["a"]))
    with odps.get_table("min_py").open_reader(arrow=True) as reader:
        assert reader.read_all().column("a").to_pylist() == [-(2**63) + 1, -(2**63)]


def test_records_over_many_chunks(odps: ODPS) -> None:
    rows = 150_000
    odps.create_table("large_py", "a bigint, s string")
    upload = TableTunnel(odps).create_upload_session("large_py")
    for block in range(3):
        with upload.open_record_writer(block) as writer:
            for i in range(block * 50_000, (block + 1) * 50_000):
                writer.write(upload.new_record([i, None if i % 7 == 0 else f"s{i}"]))
    upload.commit([0, 1, 2])
    with odps.get_table("large_py").open_reader(arrow=True) as reader:
        table = reader.read_all()
    assert table.column("a").to_pylist() == list(range(rows))
    assert table.column("s").to_pylist() == [
        None if i % 7 == 0 else f"s{i}" for i in range(rows)
    ]


def test_blocks_without_rows_and_of_many_batches(odps: ODPS) -> None:
    odps.create_table("batches_py", "a bigint")
    upload = TableTunnel(odps).create_upload_session("batches_py")
    with upload.open_arrow_writer(0):
        pass
    with upload.open_record_writer(1):
        pass
    with upload.open_arrow_writer(2) as writer:
        for i in range(30):
            writer.write(pa.record_batch([pa.array(range(i))], ["a"]))
    upload.commit([0, 1, 2])
    assert count(odps, "batches_py") == sum(range(30))


# Codecs -----------------------------------------------------------------------------------


def option(codec: str) -> CompressOption | None:
    if codec == "raw":
        return None
    return CompressOption(CompressOption.CompressAlgorithm[f"ODPS_{codec.upper()}"])


CODECS = ["raw", "zlib", "snappy", "lz4", "zstd"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", ["records", "arrow"])
def test_a_codec_both_ways(odps: ODPS, form: str, codec: str) -> None:
    name = f"codec_{form}_{codec}"
    odps.create_table(name, "a bigint, s string")
    tunnel, numbers = TableTunnel(odps), range(30_000)
    upload = tunnel.create_upload_session(name, compress_option=option(codec))
    compress = codec != "raw"
    if form == "arrow":
        with upload.open_arrow_writer(0, compress=compress) as writer:
            text = pa.array([f"text {i}" for i in numbers])
            writer.write(pa.record_batch([pa.array(numbers), text], ["a", "s"]))
    else:
        with upload.open_record_writer(0, compress=compress) as writer:
            for i in numbers:
                writer.write(upload.new_record([i, f"text {i}"]))
    upload.commit([0])
    download = tunnel.create_download_session(name, compress_option=option(codec))
    with download.open_arrow_reader(9, 29_991, compress=compress) as reader:
        assert reader.read().column("s").to_pylist() == [f"text {i}" for i in numbers[9:]]
    with download.open_record_reader(0, 30_000, compress=compress) as reader:
        assert [tuple(record.values) for record in reader] == [(i, f"text {i}") for i in numbers]


@pytest.mark.parametrize("codec", ["zlib", "lz4"])
def test_the_unfinished_stream_of_the_buffered_arrow_writer_is_refused(
    odps: ODPS, codec: str
) -> None:
    name = f"unfinished_{codec}"
    odps.create_table(name, "a bigint")
    upload = TableTunnel(odps).create_upload_session(name, compress_option=option(codec))
    with pytest.raises(errors.ODPSError) as refused:
        with upload.open_arrow_writer(compress=True) as writer:
            writer.write(pa.record_batch([pa.array(range(1000))], ["a"]))
    assert refused.value.code == "MalformedDataStream"
    assert upload.get_block_list() == []


# Sessions ---------------------------------------------------------------------------------


def test_session_states_lists_and_refusals(odps: ODPS) -> None:
    odps.create_table("states_py", "a bigint")
    tunnel = TableTunnel(odps)
    upload = tunnel.create_upload_session("states_py")
    assert upload.status == upload.Status.Normal and upload.get_block_list() == []
    with upload.open_record_writer(3) as writer:
        writer.write(upload.new_record([1]))
    assert count(odps, "states_py") == 0
    with pytest.raises(errors.ODPSError):
        upload.commit([3, 4])
    again = tunnel.create_upload_session("states_py", upload_id=upload.id)
    with again.open_arrow_writer(0) as writer:
        writer.write(pa.record_batch([pa.array([2])], ["a"]))
    again.commit([0, 3])
    upload.reload()
    assert upload.status == upload.Status.Closed
    assert [record[0] for record in odps.read_table("states_py")] == [2, 1]
    for made in (tunnel.create_upload_session, tunnel.create_download_session):
        key = "upload_id" if made == tunnel.create_upload_session else "download_id"
        with pytest.raises(errors.ODPSError):
            made("states_py", **{key: "no-such-session"})


def test_the_schema_of_a_session_has_every_type_and_the_keys(odps: ODPS) -> None:
    types = ["tinyint", "decimal(38,18)", "varchar(9)", "array<map<string,struct<x:int>>>"]
    names = [f"c{i}" for i in range(len(types))]
    schema = TableSchema.from_lists(names, types, ["pt"], ["string"])
    table = odps.create_table("schema_py", schema)
    table.create_partition("pt=1")
    upload = TableTunnel(odps).create_upload_session("schema_py", partition_spec="pt=1")
    columns = upload.schema.simple_columns
    assert [str(column.type) for column in columns] == [str(c.type) for c in schema.simple_columns]
    assert [column.name for column in upload.schema.partitions] == ["pt"]


def test_bad_block_ids_and_row_ranges(odps: ODPS) -> None:
    odps.create_table("bad_py", "a bigint")
    upload = TableTunnel(odps).create_upload_session("bad_py")
    with pytest.raises(errors.ODPSError) as refused:
        with upload.open_arrow_writer(20_000) as writer:
            writer.write(pa.record_batch([pa.array([1])], ["a"]))
    assert refused.value.code == "InvalidBlockID"
    download = TableTunnel(odps).create_download_session("bad_py")
    with pytest.raises(errors.ODPSError) as refused:
        with download.open_record_reader(5, 1) as reader:
            list(reader)
    assert refused.value.code == "InvalidRowRange"


def test_buffered_writers_of_both_forms(odps: ODPS) -> None:
    table = odps.create_table("buffered_py", "a bigint")
    with table.open_writer() as writer:
        writer.write([[i] for i in range(1000)])
    with table.open_writer(arrow=True) as writer:
        writer.write(pd.DataFrame({"a": range(1000)}))
    assert count(odps, "buffered_py") == 2000


def test_an_asynchronous_session_and_data_that_changed(odps: ODPS) -> None:
    odps.create_table("changed_py", "a bigint")
    odps.write_table("changed_py", [[1]])
    tunnel = TableTunnel(odps)
    before = tunnel.create_download_session("changed_py", async_mode=True)
    assert before.count == 1
    odps.write_table("changed_py", [[2]])
    with pytest.raises(errors.ODPSError) as refused:
        with before.open_record_reader(0, 1) as reader:
            list(reader)
    assert refused.value.code == "TableModified"
