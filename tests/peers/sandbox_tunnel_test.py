"""The sandbox on a bad day, by PyODPS, unmodified: faults on order, limits, users and rights.

Fault rules and counters are asked for through PyODPS's own signed requests.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import requests
import urllib3
from odps import ODPS, errors
from odps.accounts import BearerTokenAccount, StsAccount
from odps.tunnel import TableTunnel
from sandbox_fixtures import (  # noqa: F401
    PROJECT,
    Sandbox,
    begin,
    count,
    counters,
    fired,
    make_table,
    odps,
    put,
    sandbox,
    set_faults,
)

# Faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, code",
    [(500, "InternalServerError"), (503, "ServiceUnavailable"), (400, "InvalidArgument")],
)
def test_a_refused_block_leaves_no_trace(
    odps: ODPS, sandbox: Sandbox, status: int, code: str
) -> None:
    make_table(odps)
    upload = begin(odps)
    set_faults(odps, {"call": "put_block", "nth": 1, "status": status})
    with pytest.raises(errors.ODPSError) as refused:
        put(upload)
    assert refused.value.code == code
    assert refused.value.request_id
    assert upload.get_block_list() == []
    assert fired(odps) == [1]
    put(upload)
    upload.commit([0])
    assert count(odps) == 100
    assert "fault rule 0 fired (1) on put_block" in sandbox.errors()


def test_pyodps_outlives_a_429_on_session_create(odps: ODPS) -> None:
    make_table(odps)
    rule = {"call": "create_upload", "times": 1, "status": 429, "hold_client_ms": 5}
    set_faults(odps, rule | {"retry_after_s": 1})
    put(upload := begin(odps))
    upload.commit([0])
    assert fired(odps) == [1]
    assert count(odps) == 100


@pytest.mark.parametrize("status", [429, 503])
def test_pyodps_outlives_a_refusal_of_each_session_call(odps: ODPS, status: int) -> None:
    make_table(odps)
    calls = ["create_upload", "get_upload", "commit_upload", "create_download"]
    set_faults(odps, *({"call": call, "nth": 1, "status": status} for call in calls))
    put(upload := begin(odps))
    assert list(upload.get_block_list()) == [0]
    upload.commit([0])
    assert TableTunnel(odps).create_download_session("t").count == 100
    assert fired(odps) == [1, 1, 1, 1]
    assert count(odps) == 100


def test_the_answer_of_a_429_carries_what_the_rule_says(odps: ODPS) -> None:
    make_table(odps)
    set_faults(
        odps,
        {"call": "list_partitions", "status": 308},
        {"call": "get_table", "status": 429, "retry_after_s": 7, "code": "Throttling"},
    )
    with pytest.raises(errors.ODPSError) as refused:
        odps.get_table("t").reload()
    assert refused.value.code == "Throttling"
    assert refused.value.status_code == 429


def test_a_block_cut_in_mid_body_is_not_there(odps: ODPS) -> None:
    make_table(odps)
    upload = begin(odps)
    set_faults(odps, {"call": "put_block", "nth": 1, "cut_after_bytes": 100})
    with pytest.raises((requests.exceptions.ConnectionError, errors.ODPSError, OSError)):
        put(upload)
    assert upload.get_block_list() == []
    put(upload)
    upload.commit([0])
    assert count(odps) == 100


def test_a_download_cut_in_mid_body_is_never_taken_for_whole(odps: ODPS) -> None:
    make_table(odps)
    put(upload := begin(odps))
    upload.commit([0])
    download = TableTunnel(odps).create_download_session("t")
    # PyODPS goes on where the first answer was cut, and gives up when every one is.
    set_faults(odps, {"call": "read_download", "nth": 1, "cut_after_bytes": 200})
    with download.open_arrow_reader(0, 100) as reader:
        assert reader.read().num_rows == 100
    assert fired(odps) == [1]
    set_faults(odps, {"call": "read_download", "cut_after_bytes": 200})
    with pytest.raises((urllib3.exceptions.HTTPError, requests.exceptions.RequestException)):
        with download.open_arrow_reader(0, 100) as reader:
            reader.read()


def test_a_commit_whose_answer_is_lost_has_happened(odps: ODPS) -> None:
    make_table(odps)
    put(upload := begin(odps))
    set_faults(odps, {"call": "commit_upload", "drop_answer": True, "times": 1})
    # PyODPS asks again by itself and is told that the session is committed.
    with pytest.raises((requests.exceptions.ConnectionError, errors.ODPSError)):
        upload.commit([0])
    upload.reload()
    assert upload.status.value.upper() == "CLOSED"
    assert count(odps) == 100


def test_a_lost_submit_answer_leaves_the_statement_done(odps: ODPS) -> None:
    set_faults(odps, {"call": "submit_instance", "drop_answer": True, "times": 1})
    with pytest.raises((requests.exceptions.ConnectionError, errors.ODPSError)):
        odps.execute_sql("CREATE TABLE lost (a BIGINT)")
    wait_until(lambda: odps.exist_table("lost"))


def wait_until(met: Any, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_a_session_that_is_gone_stays_gone(odps: ODPS) -> None:
    make_table(odps)
    put(upload := begin(odps))
    set_faults(odps, {"call": "get_upload", "session_gone": True, "times": 1})
    for _ in range(2):
        with pytest.raises(errors.ODPSError) as gone:
            upload.reload()
        assert gone.value.code == "NoSuchUpload"
    put(again := begin(odps))
    again.commit([0])
    assert count(odps) == 100


def test_a_delay_delays(odps: ODPS) -> None:
    set_faults(odps, {"call": "list_tables", "delay_ms": 300, "times": 1})
    begun = time.monotonic()
    list(odps.list_tables())
    assert time.monotonic() - begun >= 0.3


def test_a_download_session_is_waited_for(odps: ODPS) -> None:
    make_table(odps)
    put(upload := begin(odps))
    upload.commit([0])
    set_faults(odps, {"call": "create_download", "initiating_ms": 400})
    begun = time.monotonic()
    asynchronous = TableTunnel(odps).create_download_session("t")
    assert asynchronous.count == 100 and time.monotonic() - begun > 0.4
    assert counters(odps)["calls"]["get_download"]["calls"] >= 2
    begun = time.monotonic()
    blocking = TableTunnel(odps).create_download_session("t", async_mode=False)
    assert blocking.count == 100 and time.monotonic() - begun > 0.4
    rest = TableTunnel(odps).tunnel_rest
    path = f"{rest.endpoint}/projects/{PROJECT}/tables/t"
    made = rest.post(path, params={"downloads": "", "asyncmode": "true"}).json()
    assert made["Status"] == "initiating" and "RecordCount" not in made
    with pytest.raises(errors.ODPSError, match="INITIATING"):
        rest.get(path, params={"data": "", "downloadid": made["DownloadID"]})


def test_a_broken_request_is_told_what_is_wrong(sandbox: Sandbox) -> None:
    for request, status in (
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
    ):
        with socket.create_connection(sandbox.address, timeout=20) as peer:
            peer.sendall(request)
            answer = b"".join(iter(lambda: peer.recv(4096), b""))
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 " + status) and b"x-odps-request-id: " in head
        for element in (b"<Code>", b"<Message>", b"<RequestId>", b"<HostId>"):
            assert element in body


def test_rules_come_from_a_file_at_the_start_and_are_checked(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('{"faults": [{"call": "list_tables", "nth": 1, "status": 501}]}')
    box = Sandbox(tmp_path / "data", ["--faults", str(rules)])
    box.start()
    client = box.client()
    with pytest.raises(errors.ODPSError):
        list(client.list_tables())
    assert list(client.list_tables()) == []
    with pytest.raises(errors.ODPSError, match="fault rule 1: 'put' is not a call"):
        set_faults(client, {"call": "any", "status": 500}, {"call": "put", "status": 500})
    assert box.stop() == 0


# Limits -----------------------------------------------------------------------------------


@pytest.fixture()
def strict(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Windows a hundred times shorter: 5 minutes are 3 s, 15 s are 150 ms; or by another scale."""
    scale = getattr(request, "param", "0.01")
    flags = ["--enforce-limits", "--limit-window-scale", scale, "--limit-slots", "4"]
    box = Sandbox(tmp_path / "data", [*flags, "--limit-block-rate", "1"])
    box.start()
    yield box
    assert box.stop() == 0, box.errors()


def test_a_limits_number_without_limits_is_refused(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "data", ["--limit-slots", "4"])
    with pytest.raises(AssertionError, match="--enforce-limits"):
        box.start()
    assert box.process is not None and box.process.wait(timeout=20) == 2


# 15 s for 500 sessions, also on a machine with other work.
@pytest.mark.parametrize("strict", ["0.05"], indirect=True)
def test_the_501st_session_of_a_window_is_refused_and_pyodps_waits(strict: Sandbox) -> None:
    client = strict.client()
    make_table(client)
    deadline = time.monotonic() + 60
    while counters(client)["limits"]["upload_sessions"]["refused"] == 0:
        begin(client)  # PyODPS answers a 429 by waiting and asking again
        assert time.monotonic() < deadline
    seen = counters(client)
    limit = seen["limits"]["upload_sessions"]
    assert limit["enforced"] and limit["number"] == 500 and limit["peak"] == 500
    assert seen["calls"]["create_upload"]["refused_by_limit"] == limit["refused"]


def test_a_slot_too_many_is_refused(strict: Sandbox) -> None:
    client = strict.client()
    make_table(client)
    set_faults(client, {"call": "read_download", "delay_ms": 1})
    big = pa.record_batch([pa.array(range(120_000)), pa.array(["x"] * 120_000)], ["a", "b"])
    outcomes: list[str] = []

    def writer(block: int) -> None:
        try:
            put(upload, block, big)
            outcomes.append("written")
        except errors.ODPSError as error:
            outcomes.append(error.code)

    upload = begin(client)
    threads = [threading.Thread(target=writer, args=(block,)) for block in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) == {"written", "SlotExceeded"}
    assert outcomes.count("written") >= 4


def test_a_block_comes_no_faster_than_its_rate(strict: Sandbox) -> None:
    client = strict.client()
    make_table(client)
    upload = begin(client)
    rows = pa.record_batch([pa.array(range(80_000)), pa.array(["y" * 5] * 80_000)], ["a", "b"])
    begun = time.monotonic()
    put(upload, 0, rows)  # 1.3 MB at 1 MB/s
    assert time.monotonic() - begun > 1.0
    upload.commit([0])
    download = TableTunnel(client).create_download_session("t")
    begun = time.monotonic()
    with download.open_arrow_reader(0, 80_000) as reader:
        assert reader.read().num_rows == 80_000
    assert time.monotonic() - begun > 1.0


def test_nothing_is_refused_without_the_flag(odps: ODPS) -> None:
    make_table(odps)
    for _ in range(510):
        begin(odps)
    seen = counters(odps)
    assert all(limit["refused"] == 0 for limit in seen["limits"].values())
    assert seen["calls"]["create_upload"] == {
        "calls": 510,
        "failed": 0,
        "faults": 0,
        "refused_by_limit": 0,
    }


def test_a_session_ends_with_its_life(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "data", ["--session-seconds", "1"])
    box.start()
    client = box.client()
    make_table(client)
    put(upload := begin(client))
    wait_until(lambda: is_gone(upload))
    assert count(client) == 0
    assert box.stop() == 0


def is_gone(upload: Any) -> bool:
    try:
        upload.reload()
    except errors.ODPSError as error:
        return error.code == "NoSuchUpload"
    return False


# Users and rights -------------------------------------------------------------------------

USERS = """
users:
  - name: boss
    access_key_id: boss
    access_key_secret: env:BOSS_SECRET
    grants: [{project: "*", rights: [owner]}]
  - name: loader
    access_key_id: loader
    access_key_secret: env:LOADER_SECRET
    security_token: env:LOADER_TOKEN
    grants:
      - {project: %s, rights: [list, create_instance, describe, update]}
  - name: reader
    bearer_token: env:READER_TOKEN
    grants:
      - {project: %s, rights: [list, describe, create_instance, select]}
  - name: stranger
    access_key_id: stranger
    access_key_secret: env:STRANGER_SECRET
"""


@pytest.fixture()
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    for name in ("BOSS_SECRET", "LOADER_SECRET", "LOADER_TOKEN", "READER_TOKEN", "STRANGER_SECRET"):
        monkeypatch.setenv(name, name.lower() + "-value")
    users = tmp_path / "users.yaml"
    users.write_text(USERS % (PROJECT, PROJECT.upper()))
    box = Sandbox(tmp_path / "data", ["--users", str(users)])
    box.start()
    make_table(as_user(box, "boss"))
    yield box
    assert box.stop() == 0, box.errors()


def as_user(box: Sandbox, name: str) -> ODPS:
    return ODPS(name, f"{name}_secret-value", PROJECT, endpoint=box.url + "/api")


def as_loader(box: Sandbox) -> ODPS:
    account = StsAccount("loader", "loader_secret-value", "loader_token-value")
    return ODPS(account=account, project=PROJECT, endpoint=box.url + "/api")


def as_reader(box: Sandbox) -> ODPS:
    account = BearerTokenAccount("reader_token-value")
    return ODPS(account=account, project=PROJECT, endpoint=box.url + "/api")


def test_a_temporary_key_loads_and_reads_no_row(shared: Sandbox) -> None:
    loader = as_loader(shared)
    put(upload := begin(loader))
    upload.commit([0])
    with pytest.raises(errors.NoPermission):
        loader.execute_sql("SELECT * FROM t")
    with pytest.raises(errors.ODPSError) as refused:
        TableTunnel(loader).create_download_session("t")
    assert refused.value.code == "NoPermission"
    with pytest.raises(errors.NoPermission, match="odps:CreateTable"):
        loader.execute_sql("CREATE TABLE mine (a BIGINT)")
    with pytest.raises(errors.NoPermission, match="odps:Drop"):
        loader.execute_sql("DROP TABLE t")
    with pytest.raises(errors.NoPermission):
        counters(loader)
    without_token = as_user(shared, "loader")
    with pytest.raises(errors.ODPSError, match="0410051"):
        list(without_token.list_tables())


def test_a_bearer_token_reads_and_writes_nothing(shared: Sandbox) -> None:
    boss = as_user(shared, "boss")
    put(upload := begin(boss))
    upload.commit([0])
    reader = as_reader(shared)
    assert count(reader) == 100
    with pytest.raises(errors.ODPSError) as refused:
        begin(reader)
    assert refused.value.code == "NoPermission"


def test_a_user_without_grants_sees_nothing(shared: Sandbox) -> None:
    stranger = as_user(shared, "stranger")
    with pytest.raises(errors.NoPermission):
        list(stranger.list_tables())
    with pytest.raises(errors.NoPermission):
        stranger.get_project().reload()
    with pytest.raises(errors.NoPermission, match="odps:CreateInstance"):
        stranger.execute_sql("SELECT 1")


def test_instances_belong_to_who_submitted_them(shared: Sandbox) -> None:
    boss, reader = as_user(shared, "boss"), as_reader(shared)
    instance = boss.execute_sql("SELECT 1 AS one")
    with pytest.raises(errors.NoPermission):
        reader.get_instance(instance.id).reload()
    own = reader.execute_sql("SELECT 2 AS two")
    assert [i.id for i in reader.list_instances()] == [own.id]
    boss.get_instance(own.id).reload()
    assert {i.id for i in boss.list_instances()} >= {own.id, instance.id}


def test_a_bad_users_file_is_refused_by_line(tmp_path: Path) -> None:
    users = tmp_path / "users.yaml"
    users.write_text("users:\n  - name: a\n    access_key_id: a\n    access_key_secret: literal\n")
    box = Sandbox(tmp_path / "data", ["--users", str(users)])
    with pytest.raises(AssertionError, match="SECRET_LITERAL"):
        box.start()
    assert box.process is not None and box.process.wait(timeout=20) == 3
    assert os.environ.get("PEER_TEST_SECRET") is None


# Instances ----------------------------------------------------------------------------------


def test_what_pyodps_asks_of_an_instance_is_answered(odps: ODPS) -> None:
    instance = odps.run_sql("SELECT 1 AS one")
    begun = time.monotonic()
    instance.reload(blocking=True)  # waits at the server
    assert time.monotonic() - begun < 5
    instance.wait_for_success()
    (task,) = instance.get_task_names()
    progress = instance.get_task_progress(task)
    assert progress.stages[0].terminated_workers == 1
    assert "100%" in progress.get_stage_progress_formatted_string()
    summary = instance.get_task_summary(task)
    assert summary["Instance"]["InstanceId"] == instance.id
    assert "run time" in summary.summary_text
    assert instance.get_sql_query() == "SELECT 1 AS one;"
    assert instance.get_logview_address().startswith("http://")


def test_instances_are_listed_by_status_time_and_page(odps: ODPS) -> None:
    ids = [odps.execute_sql("SELECT 1 AS one").id for _ in range(5)]
    listed = [i.id for i in odps.list_instances(status="Terminated")]
    assert sorted(listed) == sorted(ids)
    assert list(odps.list_instances(status="Running")) == []
    assert list(odps.list_instances(start_time=time.time() + 3600)) == []
    assert len(list(odps.list_instances(start_time=time.time() - 3600, only_owner=True))) == 5
    endpoint = f"{odps.endpoint}/projects/{PROJECT}/instances"
    page = odps.rest.get(endpoint, params={"maxitems": "2"}).text
    assert page.count("<Name>") == 2 and "<Marker>" in page


def test_a_download_reads_what_is_there_when_the_check_is_off(odps: ODPS) -> None:
    make_table(odps)
    put(upload := begin(odps))
    upload.commit([0])
    tunnel = TableTunnel(odps)
    url = odps.get_table("t").table_resource(endpoint=tunnel.tunnel_rest.endpoint)
    checked = tunnel.create_download_session("t")
    params = {"downloads": "", "disable_modified_check": "true"}
    session = tunnel.tunnel_rest.post(url, params=params).json()
    put(upload := begin(odps))
    upload.commit([0])
    with pytest.raises(errors.ODPSError, match="changed since"):
        with checked.open_arrow_reader(0, 100) as reader:
            reader.read()
    unchecked = tunnel.create_download_session("t", download_id=session["DownloadID"])
    with unchecked.open_arrow_reader(0, 100) as reader:
        assert reader.read().num_rows == 100


def test_the_head_of_a_table_is_shown(odps: ODPS) -> None:
    make_table(odps)
    put(upload := begin(odps))
    upload.commit([0])
    table = odps.get_table("t")
    assert [tuple(row.values) for row in table.head(3)] == [(0, "v0"), (1, "v1"), (2, "v2")]
    assert [row[0] for row in table.head(2, columns=["b"])] == ["v0", "v1"]
