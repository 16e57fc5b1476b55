"""SQL of the workspace front, judged by databricks-sql-connector and by bare Thrift messages.

What comes back is compared with what Spark itself read when the corpus was made.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import lz4.frame
import pyarrow as pa
import pytest
from databricks import sql as databricks_sql
from databricks.sql.exc import RequestError, ServerOperationError
from databricks.sql.thrift_api.TCLIService import ttypes

from front_driver import (
    HttpFailure,
    ThriftCalls,
    as_lines,
    control,
    expected_lines,
    get_link,
    secret,
)

FORM = ttypes.TSparkRowSetType
DIRECT = ttypes.TSparkGetDirectResults(maxRows=100_000, maxBytes=10 << 20)
NATIVE = ttypes.TSparkArrowTypes(
    timestampAsArrow=True, decimalAsArrow=True, complexTypesAsArrow=True
)
NUMBERS = "SELECT id, concat('row ', id) AS label FROM range({0}) ORDER BY id"


def connection(lake: dict[str, Any], **options: Any) -> Any:
    """The official connector on the lakehouse's cluster."""
    if lake["workspace"].startswith("http:"):
        options["_connection_uri"] = lake["workspace"] + lake["http_path"]
    return databricks_sql.connect(
        server_hostname="127.0.0.1",
        http_path=lake["http_path"],
        access_token=options.pop("token", None) or secret(lake, "token"),
        enable_telemetry=False,
        _retry_delay_max=5,  # which the connector waits whatever Retry-After says
        **options,
    )


# --- what the official connector reads -----------------------------------------

FORMS = {
    "arrow": ({"links": False, "lz4": False}, {}),
    "arrow_lz4": ({"links": False, "rows_per_batch": 3}, {}),
    "links": ({"links_from_rows": 0, "rows_per_link": 7, "links_per_fetch": 2, "lz4": False}, {}),
    "links_lz4": ({"links_from_rows": 0, "rows_per_link": 50, "direct_results": False}, {}),
}
TABLES = [
    "deleted",
    "empty",
    "far_instants",
    "nested",
    "odd_parts",
    "renamed",
    "types",
    "widened",
]


@pytest.mark.parametrize("form", FORMS)
def test_the_connector_reads_what_spark_read(sql_lake: Any, sql: Any, form: str) -> None:
    settings, options = FORMS[form]
    control(sql_lake, "POST", "sql", settings)
    with connection(sql_lake, **options) as session, session.cursor() as cursor:
        for table in TABLES:
            if form != "arrow" and table not in ("deleted", "empty", "nested", "types"):
                continue  # the values are the same on every way; seen once is enough
            cursor.execute(f"SELECT * FROM main.corpus.{table}")
            assert as_lines(cursor.fetchall_arrow()) == expected_lines(sql_lake, table), table


def test_the_connector_reads_columns(sql_lake: Any, sql: Any) -> None:
    control(sql_lake, "POST", "sql", {"arrow": False})
    with connection(sql_lake) as session, session.cursor() as cursor:
        for table in ("deleted", "empty", "plain"):
            cursor.execute(f"SELECT * FROM main.corpus.{table}")
            assert as_lines(cursor.fetchall_arrow()) == expected_lines(sql_lake, table), table


def test_the_connector_reads_over_tls(
    sql_lake: Any, spark_address: str, start_front: Any
) -> None:
    tls_lake = start_front(with_tls=True, sql={"server": spark_address})
    port = int(tls_lake["workspace"].rpartition(":")[2])
    options = {"_port": port, "_tls_trusted_ca_file": tls_lake["ca_file"]}
    control(tls_lake, "POST", "sql", {"links_from_rows": 0, "rows_per_link": 20})
    with connection(tls_lake, **options) as session, session.cursor() as cursor:
        cursor.execute("SELECT * FROM main.corpus.plain")
        assert as_lines(cursor.fetchall_arrow()) == expected_lines(tls_lake, "plain")
    fetched = [e for e in control(tls_lake, "GET", "log") if e["path"].startswith("/results/")]
    assert len(fetched) == 5 and not any(e["with_token"] for e in fetched)


def test_spark_listens_on_the_loopback_address_alone(spark_address: str) -> None:
    host, _, port = spark_address.partition(":")
    socket.create_connection((host, int(port)), timeout=10).close()
    with pytest.raises(ConnectionRefusedError):  # whoever binds every address answers here too
        socket.create_connection(("127.0.0.2", int(port)), timeout=10)


# --- statements ----------------------------------------------------------------


def rows_of(cursor: Any, statement: str, parameters: Any = None) -> list[Any]:
    cursor.execute(statement, parameters)
    return [tuple(row) for row in cursor.fetchall()]


def test_statements_that_spark_alone_would_refuse(sql_lake: Any, sql: Any) -> None:
    with connection(sql_lake, catalog="main", schema="corpus") as session:
        cursor = session.cursor()
        partitions = rows_of(cursor, "SHOW PARTITIONS `main`.`corpus`.`parts`")
        assert len(partitions) == 6 and str(partitions[0][0]) == "2024-02-28"
        only = rows_of(cursor, "SHOW PARTITIONS parts PARTITION (country = 'cn')")
        assert only == [row for row in partitions if row[1] == "cn"]
        count = "SELECT COUNT(*) FROM main.corpus.checkpointed VERSION AS OF {0}"
        assert rows_of(cursor, count.format(12)) != rows_of(cursor, count.format(11))
        assert rows_of(cursor, "SELECT 'main.corpus.x' /* main.corpus.y */") == [("main.corpus.x",)]
        assert rows_of(cursor, "SELECT main.id FROM main.corpus.empty AS main") == []
        rows_of(cursor, "USE CATALOG main")
        rows_of(cursor, "USE main.tpch")
        assert rows_of(cursor, "SELECT COUNT(*) FROM region") == [(5,)]
        assert ("tpch", "nation", False) in rows_of(cursor, "SHOW TABLES IN main.tpch")
        cursor.execute("DESCRIBE DETAIL main.corpus.plain")
        detail = dict(zip([d[0] for d in cursor.description], cursor.fetchone()))
        assert (detail["format"], detail["numFiles"]) == ("delta", 2)
        assert rows_of(cursor, "SELECT :n + 1, :text", {"n": 41, "text": "it's \\"}) == [
            (42, "it's \\")
        ]
        cursor.close()


def test_errors_carry_spark_s_words(sql_lake: Any, sql: Any) -> None:
    with connection(sql_lake) as session, session.cursor() as cursor:
        with pytest.raises(ServerOperationError, match="^.TABLE_OR_VIEW_NOT_FOUND"):
            cursor.execute("SELECT * FROM main.corpus.nothing")
        with pytest.raises(ServerOperationError, match="read-only"):
            cursor.execute("DELETE FROM main.corpus.plain")
        with pytest.raises(ServerOperationError, match="^.DIVIDE_BY_ZERO"):
            cursor.execute("SELECT 1 / (id - id) FROM range(3)")
    session = sql.open_session()
    for statement, state in (("SELECT nothing FROM range(1)", "42703"), ("SELECT 1/0", "22012")):
        status = sql.wait(sql.execute(session, statement).operationHandle)
        assert (status.operationState, status.sqlState) == (5, state)


def test_zones_and_types_of_time(sql_lake: Any, sql: Any) -> None:
    statement = "SELECT TIMESTAMP'2024-10-27 02:30:00.5' AS at, TIMESTAMP_NTZ'0001-01-01' AS n"
    options = {"session_configuration": {"TIMEZONE": "Europe/Berlin"}}
    with connection(sql_lake, **options) as session, session.cursor() as cursor:
        cursor.execute(statement)
        table = cursor.fetchall_arrow()
        assert table.schema.field("at").type == pa.timestamp("us", "Europe/Berlin")
        assert table.schema.field("n").type == pa.timestamp("us")
        assert table["at"][0].value == 1_729_989_000_500_000  # the first of the two 02:30
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(statement)
        table = cursor.fetchall_arrow()
        assert table.schema.field("at").type.tz in ("UTC", "Etc/UTC")
        assert table["at"][0].value == 1_729_996_200_500_000


def test_rights_count_in_sql_too(sql_lake: Any, sql: Any) -> None:
    token = secret(sql_lake, "limited_token")
    with connection(sql_lake, token=token) as session, session.cursor() as cursor:
        with pytest.raises(ServerOperationError, match="USE SCHEMA on Schema 'main.corpus'"):
            cursor.execute("SELECT * FROM main.corpus.plain")
        assert rows_of(cursor, "SELECT 1") == [(1,)]


def test_a_mask_and_a_filter_show_in_sql(sql_lake: Any, sql: Any) -> None:
    with connection(sql_lake) as session, session.cursor() as cursor:
        names = rows_of(cursor, "SELECT DISTINCT name FROM main.guarded.masked ORDER BY name")
        assert names == [(None,), ("n***",)]
        assert rows_of(cursor, "SELECT COUNT(*) FROM main.guarded.filtered") == [(50,)]


# --- the protocol's own ways ---------------------------------------------------


def test_direct_results_close_a_small_result(sql: ThriftCalls) -> None:
    session = sql.open_session()
    small = sql.execute(session, NUMBERS.format(3), getDirectResults=DIRECT)
    direct = small.directResults
    assert direct.operationStatus.operationState == 2 and direct.closeOperation is not None
    assert direct.resultSetMetadata.resultFormat == FORM.ARROW_BASED_SET
    assert [b.rowCount for b in direct.resultSet.results.arrowBatches] == [3]
    gone = sql.call("CloseOperation", ttypes.TCloseOperationReq(small.operationHandle))
    assert gone.status.statusCode == ttypes.TStatusCode.INVALID_HANDLE_STATUS
    few = ttypes.TSparkGetDirectResults(maxRows=2, maxBytes=1)
    large = sql.execute(session, NUMBERS.format(3), getDirectResults=few)
    assert large.directResults.resultSet.hasMoreRows and large.directResults.closeOperation is None
    rest = sql.fetch(large.operationHandle)
    assert (rest.results.startRowOffset, rest.hasMoreRows) == (2, False)
    assert rest.results.arrowBatches[0].rowCount == 1


def test_a_client_that_can_do_less_gets_less(sql_lake: Any, sql: ThriftCalls) -> None:
    control(sql_lake, "POST", "sql", {"links_from_rows": 0})
    session = sql.open_session()
    for options, form in (
        ({"canReadArrowResult": False}, FORM.COLUMN_BASED_SET),
        ({"canDownloadResult": False}, FORM.ARROW_BASED_SET),
        ({"canDecompressLZ4Result": True}, FORM.URL_BASED_SET),
    ):
        handle = sql.execute(session, NUMBERS.format(5), **options).operationHandle
        assert sql.wait(handle).operationState == 2
        metadata = sql.call("GetResultSetMetadata", ttypes.TGetResultSetMetadataReq(handle))
        assert metadata.resultFormat == form
        assert metadata.lz4Compressed == ("canDecompressLZ4Result" in options)
        assert (metadata.arrowSchema is None) == (form == FORM.COLUMN_BASED_SET)
        assert [c.columnName for c in metadata.schema.columns] == ["id", "label"]


def test_types_that_are_not_native_are_text(sql: ThriftCalls) -> None:
    session = sql.open_session()
    statement = "SELECT 1.50BD AS d, TIMESTAMP'2024-01-01' AS t, array(1, NULL) AS a"
    for asked, kinds in (
        (None, ["string", "string", "string"]),
        (NATIVE, ["decimal128(3, 2)", "timestamp[us, tz=UTC]", "list<element: int32>"]),
    ):
        response = sql.execute(
            session, statement, getDirectResults=DIRECT, useArrowNativeTypes=asked
        )
        metadata = response.directResults.resultSetMetadata
        schema = pa.ipc.read_schema(pa.py_buffer(metadata.arrowSchema))
        assert [str(f.type).replace("item", "element") for f in schema] == kinds
        assert [c.typeDesc.types[0].primitiveEntry.type for c in metadata.schema.columns] == [
            ttypes.TTypeId.DECIMAL_TYPE,
            ttypes.TTypeId.TIMESTAMP_TYPE,
            ttypes.TTypeId.ARRAY_TYPE,
        ]


def read_link(lake: dict[str, Any], link: Any) -> pa.Table:
    status, body = get_link(lake, link.fileLink)
    assert status == 200
    plain = lz4.frame.decompress(body)
    assert len(plain) == link.bytesNum
    table = pa.ipc.open_stream(plain).read_all()
    assert table.num_rows == link.rowCount
    return table


def test_links_expire_and_are_asked_for_again(sql_lake: Any, sql: ThriftCalls) -> None:
    sizes = {"links_from_rows": 0, "rows_per_link": 10, "links_per_fetch": 3}
    control(sql_lake, "POST", "sql", sizes)
    session = sql.open_session()
    handle = sql.execute(session, NUMBERS.format(45), canDecompressLZ4Result=True).operationHandle
    first = sql.fetch(handle)
    links = first.results.resultLinks
    assert [(link.startRowOffset, link.rowCount) for link in links] == [(0, 10), (10, 10), (20, 10)]
    assert first.hasMoreRows and all(link.expiryTime > time.time() * 1000 for link in links)
    token = secret(sql_lake, "token")
    assert get_link(sql_lake, links[0].fileLink, Authorization=f"Bearer {token}")[0] == 400
    assert read_link(sql_lake, links[1])["id"].to_pylist() == list(range(10, 20))
    control(sql_lake, "POST", "expire-links")
    status, body = get_link(sql_lake, links[1].fileLink)
    assert status == 403 and b"Signature not valid in the specified time frame" in body
    again = sql.fetch(handle, startRowOffset=15).results.resultLinks
    assert [link.startRowOffset for link in again] == [10, 20, 30]
    assert read_link(sql_lake, again[0])["id"].to_pylist() == list(range(10, 20))
    last = sql.fetch(handle)
    assert [link.rowCount for link in last.results.resultLinks] == [5] and not last.hasMoreRows
    sql.call("CloseOperation", ttypes.TCloseOperationReq(handle))
    assert read_link(sql_lake, again[2])["id"].to_pylist() == list(range(30, 40))


def memory_mib(pid: int, key: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith(key))
    return int(line.split()[1]) // 1024


def test_a_large_result_is_never_held_whole(sql_lake: Any, sql: ThriftCalls) -> None:
    """5,000,000 rows, 120 MB as Arrow. What the allocators keep for a block or two differs from
    machine to machine and comes within the first fifth; held whole, the rest would add 96 MB.
    """
    front = next(p["pid"] for p in sql_lake["processes"] if p["what"] == "workspace front")
    control(sql_lake, "POST", "sql", {"rows_per_link": 200_000})
    session = sql.open_session()
    statement = "SELECT id, id * 3 AS a, -id AS b FROM range(5000000)"
    handle = sql.execute(session, statement).operationHandle
    assert sql.wait(handle).operationState == 2
    rows, more, early, late = 0, True, 0, 0
    while more:
        response = sql.fetch(handle)
        more = response.hasMoreRows
        for link in response.results.resultLinks:
            assert link.startRowOffset == rows
            rows += link.rowCount
        now = memory_mib(front, "VmRSS")
        early, late = (max(early, now), 0) if rows <= 1_000_000 else (early, max(late, now))
    assert rows == 5_000_000 and early and late
    sql.call("CloseSession", ttypes.TCloseSessionReq(session))
    print(f"the front held {early} MiB in the first fifth, {late} MiB after it")
    assert late - early < 60


def test_cancel(sql: ThriftCalls) -> None:
    session = sql.open_session()
    slow = "SELECT COUNT(*) FROM range(100000) a JOIN range(100000) b ON a.id * b.id % 7 = 3"
    handle = sql.execute(session, slow).operationHandle
    sql.call("CancelOperation", ttypes.TCancelOperationReq(handle))
    assert sql.wait(handle).operationState == ttypes.TOperationState.CANCELED_STATE


def test_sessions_belong_to_their_user(sql_lake: Any, sql: ThriftCalls) -> None:
    session = sql.open_session()
    other = ThriftCalls(sql_lake, sql_lake["http_path"], secret(sql_lake, "limited_token"))
    response = other.execute(session, "SELECT 1")
    assert response.status.statusCode == ttypes.TStatusCode.INVALID_HANDLE_STATUS


# --- compute -------------------------------------------------------------------


def test_a_stopped_cluster_starts_by_a_call(sql_lake: Any, sql: ThriftCalls) -> None:
    stopped = {"cluster_id": "0102-120000-stopped0", "state": "TERMINATED", "start_seconds": 2}
    control(sql_lake, "POST", "cluster", stopped)
    lake = sql_lake | {"http_path": f"/sql/protocolv1/o/0/{stopped['cluster_id']}"}
    calls = ThriftCalls(lake, lake["http_path"], secret(lake, "token"))
    with pytest.raises(HttpFailure) as refused:
        calls.open_session()
    assert refused.value.status == 503 and refused.value.headers["Retry-After"] == "1"
    assert "TEMPORARILY_UNAVAILABLE" in refused.value.headers["X-Thriftserver-Error-Message"]
    with connection(lake) as session, session.cursor() as cursor:  # retries until it runs
        assert rows_of(cursor, "SELECT 1") == [(1,)]
    control(sql_lake, "POST", "cluster", stopped | {"state": "ERROR"})
    with pytest.raises(HttpFailure, match="400"):
        calls.open_session()
    control(sql_lake, "POST", "sql", {"auto_start": False})
    control(sql_lake, "POST", "cluster", stopped)
    with pytest.raises(HttpFailure, match="400"):
        calls.open_session()


def test_what_ran_on_a_stopped_cluster_is_gone(sql_lake: Any, sql: ThriftCalls) -> None:
    session = sql.open_session()
    handle = sql.execute(session, NUMBERS.format(10)).operationHandle
    cluster = {"cluster_id": sql_lake["cluster"]}
    control(sql_lake, "POST", "cluster", cluster | {"state": "TERMINATED"})
    control(sql_lake, "POST", "cluster", cluster | {"state": "RUNNING"})
    for response in (sql.fetch(handle), sql.execute(session, "SELECT 1")):
        assert response.status.statusCode == ttypes.TStatusCode.INVALID_HANDLE_STATUS
    assert sql.open_session()


def test_a_warehouse_tells_its_state_and_starts(
    sql_lake: Any, workspace: Any, sql: ThriftCalls
) -> None:
    warehouse = sql_lake["warehouse"]
    control(sql_lake, "POST", "cluster", {"cluster_id": warehouse, "state": "TERMINATED"})
    assert workspace.warehouses.get(warehouse).state.value == "STOPPED"
    assert workspace.warehouses.start(warehouse).result().state.value == "RUNNING"
    assert [w.id for w in workspace.warehouses.list()] == [warehouse]
    lake = sql_lake | {"http_path": f"/sql/1.0/warehouses/{warehouse}"}
    with connection(lake) as session, session.cursor() as cursor:
        assert rows_of(cursor, "SELECT 2") == [(2,)]


# --- faults --------------------------------------------------------------------


def test_thrift_calls_can_be_made_to_fail(sql_lake: Any, sql: ThriftCalls, faults: Any) -> None:
    session = sql.open_session()
    faults(thrift="FetchResults", after=1, count=1, thrift_status="INVALID_HANDLE")
    faults(thrift="GetOperationStatus", count=1, status=500)
    handle = sql.execute(session, NUMBERS.format(9), canReadArrowResult=False).operationHandle
    with pytest.raises(HttpFailure, match="500"):
        sql.wait(handle)
    assert sql.wait(handle).operationState == 2
    assert sql.fetch(handle, maxRows=4).results.columns[0].i64Val.values == [0, 1, 2, 3]
    lost = sql.fetch(handle, maxRows=4)
    assert lost.status.statusCode == ttypes.TStatusCode.INVALID_HANDLE_STATUS
    assert sql.fetch(handle, maxRows=4).results.columns[0].i64Val.values == [4, 5, 6, 7]
    faults(thrift="GetOperationStatus", count=1, state="ERROR", sql_state="58030", message="lost")
    status = sql.wait(handle)
    assert (status.operationState, status.sqlState, status.errorMessage) == (5, "58030", "lost")
    seen = [e["thrift"] for e in control(sql_lake, "GET", "log") if e.get("thrift")]
    assert "FetchResults" in seen and "ExecuteStatement" in seen
    assert secret(sql_lake, "token") not in json.dumps(control(sql_lake, "GET", "log"))


def test_rows_can_be_spoilt(sql_lake: Any, sql: ThriftCalls, faults: Any) -> None:
    control(sql_lake, "POST", "sql", {"rows_per_batch": 2, "links": False})
    session = sql.open_session()

    def run(fault: str) -> tuple[Any, Any]:
        started = sql.execute(session, NUMBERS.format(6), canDecompressLZ4Result=True)
        handle = started.operationHandle
        faults(thrift="FetchResults", count=1, rows=fault)
        return handle, sql.fetch(handle)

    handle, response = run("claim_more")
    assert response.hasMoreRows and sql.fetch(handle).results.arrowBatches == []
    handle, response = run("none")
    assert response.hasMoreRows and response.results.arrowBatches == []
    assert sql.fetch(handle).results.startRowOffset == 0
    _, response = run("empty_batch")
    assert [b.rowCount for b in response.results.arrowBatches] == [2, 0, 2, 2]
    _, response = run("garbled_batch")
    with pytest.raises(RuntimeError):
        lz4.frame.decompress(response.results.arrowBatches[-1].batch)
    control(sql_lake, "POST", "sql", {"links": True, "links_from_rows": 0})
    _, response = run("expired_links")
    link = response.results.resultLinks[0]
    assert link.expiryTime < time.time() * 1000 and get_link(sql_lake, link.fileLink)[0] == 403


def test_link_bodies_can_be_spoilt(sql_lake: Any, sql: ThriftCalls, faults: Any) -> None:
    control(sql_lake, "POST", "sql", {"links_from_rows": 0})
    handle = sql.execute(sql.open_session(), NUMBERS.format(50)).operationHandle
    link = sql.fetch(handle).results.resultLinks[0].fileLink
    whole = get_link(sql_lake, link)[1]
    faults(match="/results/", count=1, body="truncated")
    assert get_link(sql_lake, link)[1] == whole[: len(whole) // 2]
    faults(match="/results/", count=1, body="garbled")
    spoilt = get_link(sql_lake, link)[1]
    assert len(spoilt) == len(whole) and spoilt != whole
    faults(match="/results/", count=1, status=403)
    assert get_link(sql_lake, link)[0] == 403


def test_the_connector_outlives_throttling(sql_lake: Any, sql: ThriftCalls, faults: Any) -> None:
    faults(thrift="ExecuteStatement", count=1, status=429, retry_after=1)
    with connection(sql_lake) as session, session.cursor() as cursor:
        assert rows_of(cursor, "SELECT 3") == [(3,)]
        faults(thrift="ExecuteStatement", count=1, status=500)
        with pytest.raises(RequestError):
            cursor.execute("SELECT 4")


def test_many_sessions_at_once(sql_lake: Any, sql: ThriftCalls) -> None:
    found: list[int] = []

    def run(number: int) -> None:
        with connection(sql_lake) as session, session.cursor() as cursor:
            found.append(rows_of(cursor, f"SELECT {number}")[0][0])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [0, 1, 2, 3]


# --- other kinds of tables -------------------------------------------------------


def test_other_kinds_answer_in_sql_what_spark_read(sql_lake: Any, sql: ThriftCalls) -> None:
    with connection(sql_lake) as session, session.cursor() as cursor:
        for table in sql_lake["kinds"]:
            cursor.execute(f"SELECT * FROM main.kinds.{table['table']}")
            expected = Path(table["expected"]).with_suffix(".jsonl").read_text("utf-8")
            assert as_lines(cursor.fetchall_arrow()) == expected.splitlines(), table["table"]
        others = {"streamed": "plain", "materialized": "parts", "federated": "types"}
        for name, like in others.items():
            cursor.execute(f"SELECT * FROM main.kinds.{name}")
            assert as_lines(cursor.fetchall_arrow()) == expected_lines(sql_lake, like), name
        assert rows_of(cursor, "SELECT COUNT(*) FROM main.kinds.labels") == [(44,)]
