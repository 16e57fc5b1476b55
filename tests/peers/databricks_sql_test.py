"""Our SQL channel against a real Spark: directly, and behind the workspace front in every form.

The client is the program client_sql (client_sql.cc), which stands beside the binary under test.
What it reads is compared with what Spark itself read when the corpus was made.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/lakehouse"))

from front_driver import as_lines, control, expected_lines, secret  # noqa: E402

# Tables of the corpus whose values say something about a form of results.
FLAT = ["deleted", "empty", "far_instants", "instants", "odd_parts", "plain", "types", "widened"]
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "columns": ({}, "arrow=0"),
    "columns_by_fetch": ({"rows_per_fetch": 7}, "arrow=0,direct=0"),
    "arrow": ({}, "links=0,lz4=0"),
    "arrow_lz4": ({"rows_per_batch": 3, "rows_per_fetch": 20}, "links=0"),
    "links": ({"links_from_rows": 0, "rows_per_link": 7, "links_per_fetch": 2}, "lz4=0"),
    "links_lz4": ({"links_from_rows": 0, "rows_per_link": 50}, "direct=0"),
    "older_server": ({"protocol": 0xA502}, "-"),
}
NUMBERS = "SELECT id, concat('row ', id) AS label FROM range({0}) ORDER BY id"


class Client:
    """client_sql at one address."""

    def __init__(self, url: str, dialect: str, secret_text: str, folder: Path) -> None:
        self.url, self.dialect, self.secret, self.folder = url, dialect, secret_text, folder

    def run(self, statement: str, options: str = "-", file: str = "-") -> Any:
        program = Path(os.environ["MMS_BIN"]).parent / "client_sql"
        return subprocess.run(
            [program, self.url, self.dialect, "tester", options, file, statement],
            env=dict(os.environ, CLIENT_SECRET=self.secret),
            capture_output=True,
            text=True,
            timeout=900,
        )

    def rows(self, statement: str, options: str = "-", wanted: pa.Schema | None = None) -> pa.Table:
        if wanted is not None:
            with pa.ipc.new_file(self.folder / "wanted.arrow", wanted):
                pass
            options = f"{'' if options == '-' else options + ','}wanted={self.folder}/wanted.arrow"
        file = self.folder / "rows.arrow"
        done = self.run(statement, options, str(file))
        assert done.returncode == 0, done.stderr
        return pa.ipc.open_file(file).read_all()

    def refusal(self, statement: str, options: str = "-") -> str:
        """The line of the error, which never shows the token."""
        done = self.run(statement, options)
        assert done.returncode == 1, done.stdout + done.stderr
        assert self.secret not in done.stderr
        return done.stderr.strip()

    def count(self, statement: str, options: str = "-") -> tuple[int, int]:
        """Rows, and the peak of the client's memory in KiB."""
        done = self.run(statement, options)
        assert done.returncode == 0, done.stderr
        words = done.stdout.split()
        return int(words[0]), int(words[4])


def json_of(column: str) -> str:
    """The expression that our client would select for a nested column."""
    program = Path(os.environ["MMS_BIN"]).parent / "client_sql"
    done = subprocess.run([program, "json", column], capture_output=True, text=True, check=True)
    return f"{done.stdout.strip()} AS {column}"


def assert_numbers(table: pa.Table, rows: int) -> None:
    assert table.column("id").to_pylist() == list(range(rows))
    assert table.column("label").to_pylist() == [f"row {i}" for i in range(rows)]


@pytest.fixture
def spark(mms_bin: str, spark_address: str, tmp_path: Path) -> Client:
    """At the Spark Thrift Server itself."""
    os.environ["MMS_BIN"] = mms_bin
    return Client(f"http://{spark_address}/cliservice", "hive", "any-password", tmp_path)


@pytest.fixture
def front(
    mms_bin: str, lake: dict[str, Any], spark_address: str, tmp_path: Path
) -> Iterator[Client]:
    """At the workspace front, which puts everything back afterwards."""
    os.environ["MMS_BIN"] = mms_bin
    control(lake, "POST", "sql", {"server": spark_address})
    url = lake["workspace"] + lake["http_path"]
    yield Client(url, "databricks", secret(lake, "token"), tmp_path)
    control(lake, "DELETE", "fault")
    control(lake, "DELETE", "sql")


@pytest.fixture
def faults(lake: dict[str, Any], front: Client) -> Callable[..., None]:
    return lambda **rule: control(lake, "POST", "fault", rule)


def calls(lake: dict[str, Any], since: int = 0) -> list[dict[str, Any]]:
    return control(lake, "GET", f"log?since={since}")


# --- values --------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_values_are_what_spark_read(lake: dict[str, Any], front: Client, form: str) -> None:
    settings, options = FORMS[form]
    control(lake, "POST", "sql", settings)
    # The values are the same on every way; all of them in columns: see Spark itself below.
    for table in FLAT if form == "arrow" else ["deleted", "empty", "types"]:
        found = front.rows(f"SELECT * FROM main.corpus.{table}", options)
        assert as_lines(found) == expected_lines(lake, table), table


@pytest.mark.parametrize("form", ["arrow", "links_lz4"])
def test_nested_values_come_in_their_types(
    lake: dict[str, Any], front: Client, form: str
) -> None:
    settings, options = FORMS[form]
    control(lake, "POST", "sql", settings)
    found = front.rows("SELECT * FROM main.corpus.nested", options)
    assert as_lines(found) == expected_lines(lake, "nested")


def test_spark_itself_is_read_the_same(
    lake: dict[str, Any], front: Client, spark: Client
) -> None:
    for table in FLAT:
        wanted = front.rows(f"SELECT * FROM main.corpus.{table} LIMIT 0").schema
        found = spark.rows(f"SELECT * FROM corpus.{table}", "-", wanted)
        assert found.schema == wanted
        assert as_lines(found) == expected_lines(lake, table), table


def test_nested_text_is_refused_unless_nothing_is_lost_in_it(
    lake: dict[str, Any], front: Client, spark: Client
) -> None:
    wanted = front.rows("SELECT * FROM main.corpus.nested LIMIT 0").schema
    assert "[SQL_NESTED_TEXT]" in spark.refusal("SELECT * FROM corpus.nested")
    nested = [i for i, field in enumerate(wanted) if pa.types.is_nested(field.type)]
    columns = [json_of(name) if i in nested else name for i, name in enumerate(wanted.names)]
    json = f"json={''.join(map(str, nested))}"
    found = spark.rows(f"SELECT {', '.join(columns)} FROM corpus.nested", json, wanted)
    assert as_lines(found) == expected_lines(lake, "nested")


def test_nested_text_without_strings_is_read(spark: Client) -> None:
    wanted = pa.schema(
        [
            ("a", pa.list_(pa.int32())),
            ("s", pa.struct([("x", pa.decimal128(5, 2)), ("d", pa.list_(pa.date32()))])),
            ("m", pa.map_(pa.int32(), pa.timestamp("us", "UTC"))),
        ]
    )
    found = spark.rows(
        "SELECT array(1, null) AS a, named_struct('x', cast(1.5 AS decimal(5,2)),"
        " 'd', array(date'2020-01-02')) AS s, map(1, timestamp'1970-01-01 00:00:01.5') AS m"
        " UNION ALL SELECT null, null, null",
        "-",
        wanted,
    )
    assert found.schema == wanted
    (first, second) = sorted(found.to_pylist(), key=lambda row: row["a"] is None)
    assert first["a"] == [1, None] and str(first["s"]["x"]) == "1.50"
    assert str(first["s"]["d"][0]) == "2020-01-02"
    assert first["m"][0][1].isoformat() == "1970-01-01T00:00:01.500000+00:00"
    assert second == {"a": None, "s": None, "m": None}


@pytest.mark.parametrize("side", ["spark", "front"])
def test_values_at_their_borders(request: pytest.FixtureRequest, side: str) -> None:
    client: Client = request.getfixturevalue(side)
    digits = "9" * 38
    for options in ["-", "arrow=0"]:
        found = client.rows(
            f"SELECT cast('{digits}' AS decimal(38,0)) AS big,"
            f" cast('-0.{digits}' AS decimal(38,38)) AS small, float('nan') AS f,"
            " cast('-Infinity' AS double) AS d, cast(0.1 AS float) AS tenth,"
            " date'0001-01-01' AS first, date'9999-12-31' AS last,"
            " timestamp'0001-01-01 00:00:00' AS t0, timestamp'9999-12-31 23:59:59.999999' AS t1,"
            " cast(null AS int) AS nothing, null AS void, x'00FF' AS bytes,"
            " '中é\\n\"' AS text, cast(-128 AS tinyint) AS tiny, true AS yes",
            options,
        ).to_pylist()[0]
        assert format(found["big"], "f") == digits and format(found["small"], "f") == f"-0.{digits}"
        assert repr(found["f"]) == "nan" and repr(found["d"]) == "-inf"
        assert found["tenth"] == pytest.approx(0.1) and found["tenth"] != 0.1  # 32 bits
        assert str(found["first"]) == "0001-01-01" and str(found["last"]) == "9999-12-31"
        assert found["t0"].isoformat() == "0001-01-01T00:00:00+00:00"
        assert found["t1"].isoformat() == "9999-12-31T23:59:59.999999+00:00"
        assert found["nothing"] is None and found["void"] is None
        assert found["bytes"] == b"\0\xff" and found["text"] == '中é\n"'
        assert found["tiny"] == -128 and found["yes"] is True


# --- statements ----------------------------------------------------------------


def test_a_long_result_is_read_to_its_end(spark: Client, front: Client) -> None:
    assert_numbers(spark.rows(NUMBERS.format(2_500)), 2_500)  # hasMoreRows is always false
    assert_numbers(front.rows(NUMBERS.format(2_500), "arrow=0"), 2_500)


@pytest.mark.parametrize("side", ["spark", "front"])
def test_an_error_of_the_server_is_told(request: pytest.FixtureRequest, side: str) -> None:
    client: Client = request.getfixturevalue(side)
    for statement, code, state, words in [
        ("SELECT nope", "SQL_STATEMENT", "42703 UNRESOLVED_COLUMN", "`nope` cannot be resolved"),
        ("SELECT * FROM corpus.none", "SQL_NOT_FOUND", "42P01 TABLE_OR_VIEW", "`none`"),
    ]:
        line = client.refusal(statement)
        assert line.startswith(f"statement {statement}: the SQL server says: "), line
        assert state in line and words in line and line.endswith(f"[{code}]"), line


def test_describe_detail_is_read_with_nested_values_as_text(spark: Client) -> None:
    row = spark.rows("DESCRIBE DETAIL corpus.parts", "text=1").to_pylist()[0]
    assert row["format"] == "delta" and row["numFiles"] == 12
    assert row["partitionColumns"].startswith("[") and '"country"' in row["partitionColumns"]


def test_show_partitions_is_read(front: Client) -> None:
    assert front.rows("SHOW PARTITIONS main.corpus.parts").num_rows == 6


def test_results_come_over_tls_by_a_known_authority_alone(
    front: Client, start_front: Callable[..., dict[str, Any]], spark_address: str, tmp_path: Path
) -> None:
    lake = start_front(with_tls=True, sql={"server": spark_address})
    control(lake, "POST", "sql", {"links_from_rows": 0, "rows_per_link": 20})
    url = lake["workspace"] + lake["http_path"]
    secure = Client(url, "databricks", front.secret, tmp_path)
    found = secure.rows("SELECT * FROM main.corpus.plain", f"ca={lake['ca_file']}")
    assert as_lines(found) == expected_lines(lake, "plain")
    links = [call for call in calls(lake) if call["path"].startswith("/results/")]
    assert links and not any(call["with_token"] for call in links)
    control(lake, "DELETE", "log")
    assert secure.refusal("SELECT 1").endswith("[HTTP_TLS]")
    assert calls(lake) == [], "the token went to a server that proved nothing"


# --- memory --------------------------------------------------------------------


def test_five_million_rows_stream_through_little_memory(
    front: Client, spark: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    for client, form, rows in [(front, "links", 5_000_000), (spark, "columns", 500_000)]:
        started = time.monotonic()
        statement = f"SELECT id, concat('row ', id) AS label FROM range({rows})"
        counted, peak_kib = client.count(statement)
        assert counted == rows and 0 < peak_kib < 128 << 10
        with capsys.disabled():
            spent = time.monotonic() - started
            print(f" {form}: {rows} rows, {spent:.0f} s, {peak_kib >> 10} MiB", end="")


# --- faults --------------------------------------------------------------------


def test_throttling_is_waited_out_on_any_call(front: Client, faults: Callable[..., None]) -> None:
    faults(thrift="ExecuteStatement", count=2, status=429, retry_after=1)
    faults(thrift="OpenSession", count=1, status=503)
    started = time.monotonic()
    assert_numbers(front.rows(NUMBERS.format(10)), 10)
    assert time.monotonic() - started > 3


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"drop": "before"},
        {"drop": "body"},
        {"thrift_status": "INVALID_HANDLE", "after": 0},
    ],
    ids=str,
)
def test_a_failed_fetch_is_resumed_or_started_again(
    lake: dict[str, Any], front: Client, faults: Callable[..., None], fault: dict[str, Any]
) -> None:
    control(lake, "POST", "sql", {"rows_per_fetch": 10})
    faults(thrift="FetchResults", **{"after": 2, "count": 1, **fault})
    assert_numbers(front.rows(NUMBERS.format(50), "arrow=0,direct=0"), 50)


def test_a_result_lost_in_the_middle_is_an_error(
    lake: dict[str, Any], front: Client, faults: Callable[..., None]
) -> None:
    control(lake, "POST", "sql", {"rows_per_fetch": 10})
    faults(thrift="FetchResults", after=2, count=1, thrift_status="INVALID_HANDLE")
    line = front.refusal(NUMBERS.format(50), "arrow=0,direct=0")
    assert line.endswith("[SQL_RESULT_LOST]") and "20 rows came before" in line


def test_a_statement_is_not_repeated_after_500(
    lake: dict[str, Any], front: Client, faults: Callable[..., None]
) -> None:
    control(lake, "DELETE", "log")
    faults(thrift="ExecuteStatement", count=1, status=500)
    assert front.refusal(NUMBERS.format(10)).endswith("[DATABRICKS_UNAVAILABLE]")
    assert [c.get("thrift") for c in calls(lake)].count("ExecuteStatement") == 1


def test_a_forgotten_session_is_opened_again(front: Client, faults: Callable[..., None]) -> None:
    faults(thrift="ExecuteStatement", count=1, thrift_status="INVALID_HANDLE")
    assert_numbers(front.rows(NUMBERS.format(10)), 10)
    faults(thrift="ExecuteStatement", count=1, status=404)
    assert_numbers(front.rows(NUMBERS.format(10)), 10)


def test_a_wrong_token_is_told_and_not_shown(front: Client, tmp_path: Path) -> None:
    wrong = Client(front.url, "databricks", "dapi-wrong-token", tmp_path)
    assert wrong.refusal("SELECT 1").endswith(("[DATABRICKS_TOKEN_INVALID]", "[DATABRICKS_DENIED]"))


def test_a_sign_in_page_is_no_result(front: Client, faults: Callable[..., None]) -> None:
    for method in ("OpenSession", "ExecuteStatement", "FetchResults"):
        faults(thrift=method, count=1, html=True)
        line = front.refusal(NUMBERS.format(10), "direct=0")
        assert line.endswith("[SQL_ANSWER]") and "not Thrift" in line


@pytest.mark.parametrize(
    "rows", ["none", "empty_batch", "expired_links", "claim_more", "deny_more"]
)
def test_odd_replies_lose_no_row(
    lake: dict[str, Any], front: Client, faults: Callable[..., None], rows: str
) -> None:
    if rows == "expired_links":
        control(lake, "POST", "sql", {"links_from_rows": 0, "rows_per_link": 20})
    faults(thrift="FetchResults", count=1, rows=rows)
    assert_numbers(front.rows(NUMBERS.format(100), "direct=0"), 100)


def test_a_bad_lz4_frame_gives_no_row(front: Client, faults: Callable[..., None]) -> None:
    faults(thrift="FetchResults", rows="garbled_batch")
    line = front.refusal(NUMBERS.format(100), "direct=0,links=0")
    assert line.endswith(("[SQL_ARROW_BYTES]", "[SQL_ROWS_DIFFER]"))


def test_links_that_fail_are_read_in_the_end(
    lake: dict[str, Any], front: Client, faults: Callable[..., None]
) -> None:
    control(lake, "POST", "sql", {"links_from_rows": 0, "rows_per_link": 10, "links_per_fetch": 3})
    faults(match="^/results/", after=1, count=1, status=403)
    faults(match="^/results/", after=3, count=1, body="truncated")
    faults(match="^/results/", after=4, count=1, body="garbled")
    faults(match="^/results/", after=5, count=1, drop="body")
    faults(match="^/results/", after=6, count=1, status=500)
    assert_numbers(front.rows(NUMBERS.format(200)), 200)
    links = [call for call in calls(lake) if call["path"].startswith("/results/")]
    assert links and not any(call["with_token"] for call in links)


def test_links_voided_in_the_middle_are_asked_for_again(
    lake: dict[str, Any], front: Client, faults: Callable[..., None]
) -> None:
    control(lake, "POST", "sql", {"links_from_rows": 0, "rows_per_link": 10, "links_per_fetch": 4})
    faults(match="^/results/", delay_ms=50)
    voided = threading.Timer(1.0, lambda: control(lake, "POST", "expire-links"))
    voided.start()
    assert_numbers(front.rows(NUMBERS.format(600), "downloads=1"), 600)
    voided.join()


def test_links_that_stay_refused_end_in_an_error(
    lake: dict[str, Any], front: Client, faults: Callable[..., None]
) -> None:
    control(lake, "POST", "sql", {"links_from_rows": 0, "rows_per_link": 10})
    faults(match="^/results/", status=403)
    line = front.refusal(NUMBERS.format(100))
    assert line.endswith("[SQL_LINK_REFUSED]") and "sig=" not in line
    control(lake, "DELETE", "fault")
    assert_numbers(front.rows(NUMBERS.format(100), "links=0"), 100)


def test_someone_elses_stop_is_no_success(front: Client, faults: Callable[..., None]) -> None:
    for state, code in [("CANCELED", "SQL_STOPPED"), ("TIMEDOUT", "SQL_TIMEOUT")]:
        faults(thrift="GetOperationStatus", count=1, state=state)
        assert front.refusal(NUMBERS.format(10), "direct=0").endswith(f"[{code}]")


def test_a_cluster_that_stops_in_between_is_waited_for(
    lake: dict[str, Any], front: Client
) -> None:
    stopped = {"cluster_id": lake["cluster"], "state": "TERMINATED", "start_seconds": 2}
    control(lake, "POST", "cluster", stopped)
    try:
        assert_numbers(front.rows(NUMBERS.format(10)), 10)  # 503 until it has started
    finally:
        control(lake, "POST", "cluster", {"cluster_id": lake["cluster"], "state": "RUNNING"})


@pytest.fixture
def end_cluster(lake: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """Ends the cluster, which the next call starts again."""
    cluster = {"cluster_id": lake["cluster"]}
    yield lambda: control(
        lake, "POST", "cluster", cluster | {"state": "TERMINATED", "start_seconds": 1}
    )
    control(lake, "POST", "cluster", cluster | {"state": "RUNNING"})


def await_calls(lake: dict[str, Any], method: str, count: int) -> None:
    until = time.monotonic() + 60
    while [call.get("thrift") for call in calls(lake)].count(method) < count:
        assert time.monotonic() < until, f"{method} was not called {count} times"
        time.sleep(0.02)


def test_a_cluster_that_ends_before_the_first_row_loses_nothing(
    lake: dict[str, Any], front: Client, faults: Callable[..., None], end_cluster: Any
) -> None:
    control(lake, "DELETE", "log")
    faults(thrift="GetOperationStatus", delay_ms=500)

    def end() -> None:
        await_calls(lake, "ExecuteStatement", 1)
        end_cluster()

    ending = threading.Thread(target=end)
    ending.start()
    assert_numbers(front.rows(NUMBERS.format(50), "direct=0"), 50)
    ending.join()
    assert [call.get("thrift") for call in calls(lake)].count("ExecuteStatement") >= 2


def test_a_cluster_that_ends_among_the_rows_is_an_error(
    lake: dict[str, Any], front: Client, faults: Callable[..., None], end_cluster: Any
) -> None:
    control(lake, "POST", "sql", {"rows_per_fetch": 10})
    control(lake, "DELETE", "log")
    faults(thrift="FetchResults", after=2, delay_ms=300)

    def end() -> None:
        await_calls(lake, "FetchResults", 3)
        end_cluster()

    ending = threading.Thread(target=end)
    ending.start()
    line = front.refusal(NUMBERS.format(1000), "arrow=0,direct=0")
    ending.join()
    assert line.endswith("[SQL_RESULT_LOST]") and "rows came before" in line, line


def test_a_reply_that_comes_too_late_is_asked_for_again_by_its_first_row(
    lake: dict[str, Any], front: Client, faults: Callable[..., None]
) -> None:
    control(lake, "POST", "sql", {"rows_per_fetch": 10})
    faults(thrift="FetchResults", after=2, count=1, delay_ms=3000)
    assert_numbers(front.rows(NUMBERS.format(50), "arrow=0,direct=0,call=1500"), 50)


def test_a_statement_is_cancelled_here_and_at_the_server(
    lake: dict[str, Any], front: Client, faults: Callable[..., None]
) -> None:
    front.count("SELECT 1")  # the first one waits for Spark
    faults(thrift="GetOperationStatus", state="RUNNING")  # for ever
    for options, code in [("cancel=1500", "CANCELLED"), ("timeout=1", "SQL_TIMEOUT")]:
        control(lake, "DELETE", "log")
        assert front.refusal("SELECT 1", f"direct=0,{options}").endswith(f"[{code}]")
        methods = [call.get("thrift") for call in calls(lake)]
        assert "CancelOperation" in methods and methods.count("CloseOperation") == 1, methods


@pytest.mark.parametrize("held", ["OpenSession", "ExecuteStatement", "FetchResults"])
def test_a_cancel_waits_for_no_silent_server(
    lake: dict[str, Any], front: Client, faults: Callable[..., None], held: str
) -> None:
    front.count("SELECT 1")
    faults(thrift=held, delay_ms=8000)
    begun = time.monotonic()
    assert front.refusal("SELECT 1", "direct=0,cancel=1000").endswith("[CANCELLED]")
    assert time.monotonic() - begun < 6
