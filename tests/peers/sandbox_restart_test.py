"""What a killed sandbox still knows when it is started again: by PyODPS and by our client."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import urllib3
from odps import ODPS, errors
from odps.tunnel import InstanceTunnel, TableTunnel
from sandbox_fixtures import (  # noqa: F401
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    PROJECT,
    Sandbox,
    make_table,
    put,
    sandbox,
)

ROWS = 12_345


@pytest.fixture()
def filled(sandbox: Sandbox) -> Iterator[ODPS]:  # noqa: F811
    client = sandbox.client()
    make_table(client)
    upload = TableTunnel(client).create_upload_session("t")
    batch = pa.record_batch([pa.array(range(ROWS)), pa.array(["x"] * ROWS)], ["a", "b"])
    put(upload, 0, batch)
    upload.commit([0])
    yield client


def read_by_our_client(box: Sandbox, instance: str, file: Path) -> pa.Table:
    program = Path(os.environ["MMS_BIN"]).parent / "client_tunnel"
    command = [program, "result", box.url + "/api", PROJECT, ACCESS_KEY_ID, instance]
    done = subprocess.run(
        [*command, "arrow", "lz4", file],
        env=dict(os.environ, CLIENT_SECRET=ACCESS_KEY_SECRET),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    with pa.ipc.open_file(file) as reader:
        return reader.read_all()


def test_instances_and_their_results_outlive_a_kill(
    sandbox: Sandbox, filled: ODPS, tmp_path: Path  # noqa: F811
) -> None:
    query = filled.execute_sql("SELECT a, CAST(b AS CHAR(3)) AS c FROM t ORDER BY a LIMIT 20000")
    session = InstanceTunnel(filled).create_download_session(query)
    shown = filled.execute_sql("SHOW TABLES")
    wrong = filled.run_sql("SELECT * FROM nowhere")
    with pytest.raises(errors.NoSuchTable) as before:
        wrong.wait_for_success(interval=0.1)
    sandbox.kill()
    sandbox.restart()
    client = sandbox.client()

    again = client.get_instance(query.id)
    assert again.is_terminated() and again.is_successful()
    assert again.start_time == query.start_time and again.end_time is not None
    assert "ORDER BY a" in again.get_sql_query()
    with again.open_reader(tunnel=True, limit=False) as reader:
        assert [str(c.type) for c in reader.schema.columns] == ["BIGINT", "CHAR(3)"]
        assert [record[0] for record in reader] == list(range(ROWS))
    with again.open_reader(tunnel=False) as reader:
        assert next(iter(reader)).values == ["0", "x"]
    kept = InstanceTunnel(client).create_download_session(query.id, download_id=session.id)
    assert kept.count == ROWS
    with kept.open_record_reader(ROWS - 2, 2) as reader:
        assert [record[0] for record in reader] == [ROWS - 2, ROWS - 1]
    ours = read_by_our_client(sandbox, query.id, tmp_path / "result.arrow")
    assert ours.column("a").to_pylist() == list(range(ROWS))

    assert client.get_instance(shown.id).open_reader().raw.strip().endswith(":t")
    with pytest.raises(errors.NoSuchTable) as after:
        client.get_instance(wrong.id).wait_for_success()
    assert str(after.value).split("\n")[-1] == str(before.value).split("\n")[-1]
    listed = [instance.id for instance in client.list_instances()]
    assert {query.id, shown.id, wrong.id} <= set(listed)


def test_an_instance_that_ran_when_the_sandbox_died_has_failed(
    sandbox: Sandbox, filled: ODPS  # noqa: F811
) -> None:
    slow = "SHA2(" * 60 + "b" + ", 512)" * 60
    running = filled.run_sql(f"SELECT MAX({slow}) FROM t")
    while running.get_task_statuses()["AnonymousSQLTask"].status.value != "RUNNING":
        time.sleep(0.01)
    sandbox.kill()
    sandbox.restart()
    after = sandbox.client().get_instance(running.id)
    assert after.is_terminated() and not after.is_successful()
    with pytest.raises(errors.ODPSError, match="the sandbox ended while this instance ran"):
        after.wait_for_success()


def test_a_stopped_sandbox_fails_what_it_did_not_finish(
    sandbox: Sandbox, filled: ODPS  # noqa: F811
) -> None:
    slow = "SHA2(" * 60 + "b" + ", 512)" * 60
    left = [filled.run_sql(f"SELECT MAX({slow}) FROM t") for _ in range(12)]
    assert sandbox.stop() == 0
    sandbox.restart()
    client = sandbox.client()
    for instance in left:
        again = client.get_instance(instance.id)
        if not again.is_successful():  # some may have been quicker than the stop
            with pytest.raises(errors.ODPSError, match="the sandbox ended while"):
                again.wait_for_success()
    assert not client.get_instance(left[-1].id).is_successful()


def test_a_download_session_goes_on_after_a_kill(
    sandbox: Sandbox, filled: ODPS  # noqa: F811
) -> None:
    download = TableTunnel(filled).create_download_session("t")
    sandbox.kill()
    sandbox.restart()
    client = sandbox.client()
    again = TableTunnel(client).create_download_session("t", download_id=download.id)
    assert again.count == ROWS
    with again.open_arrow_reader(0, ROWS) as reader:
        assert reader.read().num_rows == ROWS
    client.execute_sql("INSERT INTO t VALUES (1, 'y')")
    with pytest.raises(errors.ODPSError, match="TableModified|changed since"):
        again.open_arrow_reader(0, ROWS)


@pytest.mark.parametrize("size", [0, 1000])
def test_a_file_that_a_power_cut_left_short_fails_its_readers(
    sandbox: Sandbox, filled: ODPS, size: int  # noqa: F811
) -> None:
    sandbox.kill()
    (file,) = sandbox.files("t")
    os.truncate(file, size)
    sandbox.restart()
    client = sandbox.client()
    with pytest.raises(errors.ODPSError):
        client.execute_sql("SELECT MAX(b) FROM t")
    download = TableTunnel(client).create_download_session("t")
    with pytest.raises((errors.ODPSError, urllib3.exceptions.ProtocolError)):
        with download.open_arrow_reader(0, ROWS) as reader:
            reader.read()


def test_results_that_nobody_asks_for_leave_no_file_behind(
    sandbox: Sandbox, filled: ODPS  # noqa: F811
) -> None:
    """A kill while a result is written: its half file goes, those of ended instances stay."""
    kept = filled.execute_sql("SELECT a FROM t")
    filled.run_sql("SELECT a, SHA2(b, 512) FROM t ORDER BY SHA2(b, 256)")
    sandbox.kill()
    sandbox.restart()
    files = {path.name for path in (sandbox.data / ".results").glob("*.parquet*")}
    assert f"{kept.id}.parquet" in files
    assert all(sandbox.client().exist_instance(name.split(".")[0]) for name in files)
