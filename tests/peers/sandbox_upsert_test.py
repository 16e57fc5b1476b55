"""Upserts, stream uploads and timestamps of every year, by PyODPS, unmodified, on the sandbox."""

from __future__ import annotations

import contextlib
import random
import threading
import time

import pytest
from odps import ODPS, errors
from odps.tunnel import TableTunnel
from odps.tunnel.checksum import Checksum
from odps.tunnel.tabletunnel import TableUpsertSession
from sandbox_fixtures import (  # noqa: F401
    Sandbox,
    count,
    fired,
    make_table,
    odps,
    sandbox,
    set_faults,
)

# Upserts and streams ----------------------------------------------------------------------


def make_keyed(client: ODPS, partitioned: bool = False) -> None:
    client.execute_sql(
        "CREATE TABLE keyed (id BIGINT NOT NULL, name STRING, at DATETIME, PRIMARY KEY (id)) "
        + ("PARTITIONED BY (pt STRING) " if partitioned else "")
        + 'TBLPROPERTIES ("transactional"="true", "write.bucket.num"="4")'
    )


def names(client: ODPS, where: str = "") -> dict[int, str]:
    sql = f"SELECT id, name FROM keyed {where} ORDER BY id LIMIT 10000"
    with client.execute_sql(sql).open_reader() as reader:
        return {int(record[0]): record[1] for record in reader}


@pytest.mark.parametrize("compressed", [False, True])
def test_upserts_merge_by_key_and_the_last_change_wins(odps: ODPS, compressed: bool) -> None:
    make_keyed(odps)
    session = TableTunnel(odps).create_upsert_session("keyed", slot_num=2)
    stream = session.open_upsert_stream(compress=compressed)
    for i in range(500):
        stream.upsert(session.new_record([i, f"first {i}", None]))
    stream.flush()
    for i in range(0, 500, 10):
        stream.upsert(session.new_record([i, f"second {i}", None]))
    for i in range(5, 500, 10):
        stream.delete(session.new_record([i, None, None]))
    stream.close()
    assert names(odps) == {}  # nothing before the commit
    session.commit()
    wanted = {i: f"first {i}" for i in range(500) if i % 10 != 5}
    wanted |= {i: f"second {i}" for i in range(0, 500, 10)}
    assert names(odps) == wanted

    later = TableTunnel(odps).create_upsert_session("keyed")
    stream = later.open_upsert_stream()
    stream.delete(later.new_record([0, None, None]))
    stream.upsert(later.new_record([5, "back", None]))
    stream.delete(later.new_record([100_000, None, None]))
    stream.close()
    later.commit()
    del wanted[0]
    assert names(odps) == wanted | {5: "back"}


def test_upserts_go_to_one_partition_and_outlive_a_restart(sandbox: Sandbox) -> None:
    client = sandbox.client()
    make_keyed(client, partitioned=True)
    for pt in ("a", "b"):
        client.get_table("keyed").create_partition(f"pt='{pt}'")
        session = TableTunnel(client).create_upsert_session("keyed", partition_spec=f"pt='{pt}'")
        stream = session.open_upsert_stream()
        stream.upsert(session.new_record([1, f"in {pt}", None]))
        stream.close()
        if pt == "a":
            session.commit()
    session.close()
    sandbox.kill()
    sandbox.restart()
    client = sandbox.client()
    again = TableTunnel(client).create_upsert_session(
        "keyed", partition_spec="pt='b'", upsert_id=session.id
    )
    assert again.status == again.Status.Normal
    again.commit()
    assert names(client, "WHERE pt = 'a'") == {1: "in a"}
    assert names(client, "WHERE pt = 'b'") == {1: "in b"}


def test_an_aborted_upsert_leaves_nothing(odps: ODPS, sandbox: Sandbox) -> None:
    make_keyed(odps)
    session = TableTunnel(odps).create_upsert_session("keyed")
    stream = session.open_upsert_stream()
    stream.upsert(session.new_record([1, "x", None]))
    stream.close()
    session.abort()
    session.reload()
    assert session.status == session.Status.Aborted
    assert names(odps) == {}
    staged = [path for path in sandbox.data.rglob("*.parquet") if session.id in str(path)]
    assert staged == []


def test_a_kill_at_any_moment_of_an_upsert_commit_leaves_old_or_new_whole(
    sandbox: Sandbox,
) -> None:
    client = sandbox.client()
    make_keyed(client)
    upsert_all(client, "turn 0").commit()
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    state = "turn 0"
    for turn in range(1, 6):
        session = upsert_all(client, f"turn {turn}")
        committing = threading.Thread(target=commit_quietly, args=(session,))
        committing.start()
        time.sleep(moments.uniform(0, 0.06))  # the kill is to fall anywhere into the commit
        sandbox.kill()
        session.close()
        sandbox.restart()
        committing.join()
        client = sandbox.client()
        rows = names(client)
        assert len(rows) == 2_000
        assert set(rows.values()) in ({state}, {f"turn {turn}"})
        state = rows[0]


def upsert_all(client: ODPS, name: str) -> TableUpsertSession:
    session = TableTunnel(client).create_upsert_session("keyed")
    stream = session.open_upsert_stream()
    for i in range(2_000):
        stream.upsert(session.new_record([i, name, None]))
    stream.close()
    return session


def commit_quietly(session: TableUpsertSession) -> None:
    """The sandbox dies under it: the error is expected, its kind is of no interest."""
    with contextlib.suppress(Exception):
        session.commit(async_=True)


def test_what_upserts_refuse(odps: ODPS) -> None:
    make_table(odps)
    with pytest.raises(errors.ODPSError, match="no primary key"):
        TableTunnel(odps).create_upsert_session("t")
    make_keyed(odps)
    session = TableTunnel(odps).create_upsert_session("keyed")
    stream = session.open_upsert_stream()
    stream.upsert(session.new_record([None, "no key", None]))
    with pytest.raises(errors.ODPSError, match="id is NOT NULL"):
        stream.close()


def test_a_lost_answer_of_an_upsert_commit_is_asked_for_again(odps: ODPS) -> None:
    make_keyed(odps)
    session = TableTunnel(odps).create_upsert_session("keyed")
    stream = session.open_upsert_stream()
    stream.upsert(session.new_record([1, "once", None]))
    stream.close()
    set_faults(odps, {"call": "commit_upsert", "times": 1, "drop_answer": True})
    session.commit()  # PyODPS repeats it
    assert names(odps) == {1: "once"}
    assert fired(odps) == [1]


def test_stream_uploads_are_visible_at_once(odps: ODPS) -> None:
    make_table(odps)
    session = TableTunnel(odps).create_stream_upload_session("t")
    for turn in range(3):
        with session.open_record_writer(compress=turn == 1) as writer:
            for i in range(10):
                writer.write(session.new_record([i, f"v{i}"]))
        assert count(odps) == 10 * (turn + 1)
    session.abort()
    with pytest.raises(errors.ODPSError, match="does not exist"):
        session.reload(force=True)


# Timestamps outside the nanosecond range --------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def zigzag(value: int) -> bytes:
    return varint((value << 1) ^ (value >> 63) if value >= 0 else ((-value) << 1) - 1)


def record_block(rows: list[tuple[int, int, int]]) -> bytes:
    """(id, seconds, nanoseconds) of a table (id BIGINT, at TIMESTAMP): PyODPS cannot write years
    that pandas does not have."""
    checksum = Checksum("crc32c")
    body = b""
    for number, seconds, nanos in rows:
        crc = Checksum("crc32c")
        crc.update_int(1)
        crc.update_long(number)
        crc.update_int(2)
        crc.update_long(seconds)
        crc.update_int(nanos)
        value = crc.getvalue() & 0xFFFFFFFF
        checksum.update_int(value if value < 2**31 else value - 2**32)
        body += varint(1 << 3) + zigzag(number)
        body += varint(2 << 3 | 2) + zigzag(seconds) + zigzag(nanos)
        body += varint(33553408 << 3) + varint(value)
    body += varint(33554430 << 3) + zigzag(len(rows))
    return body + varint(33554431 << 3) + varint(checksum.getvalue() & 0xFFFFFFFF)


YEAR_1 = -62_135_596_800
YEAR_9999 = 253_402_300_799


def test_timestamps_of_the_years_1_to_9999_are_kept(odps: ODPS, sandbox: Sandbox) -> None:
    odps.execute_sql("CREATE TABLE times (id BIGINT, at TIMESTAMP)")
    narrow = [(1, 0, 1_000), (2, 1_700_000_000, 999_999_000)]
    wide = [(3, YEAR_1, 0), (4, YEAR_9999, 999_999_000), (5, -1, 1_000)]
    for block in (narrow, wide):
        put_raw(odps, "times", record_block(block))
    kinds = {path.name.endswith(".us.parquet") for path in sandbox.files("times")}
    assert kinds == {False, True}  # narrow files and wide ones, side by side
    sql = "SELECT id, at FROM times ORDER BY id LIMIT 10"
    with odps.execute_sql(sql).open_reader(tunnel=False) as reader:
        shown = [line.split(",")[1].strip('"') for line in reader.raw.splitlines()[1:]]
    assert shown[2] == "0001-01-01 00:00:00"
    assert shown[3] == "9999-12-31 23:59:59.999999"
    fine = [(6, 0, 1), (7, 1_700_000_000, 999_999_999)]
    put_raw(odps, "times", record_block(fine))
    assert read_raw(odps, "times") == record_block(narrow + wide + fine)
    download = TableTunnel(odps).create_download_session("times")
    with pytest.raises(errors.ODPSError, match="outside the years 1677 to 2262"):
        with download.open_arrow_reader(0, 5) as reader:
            reader.read()
    with download.open_arrow_reader(0, 2) as reader:
        assert reader.read().num_rows == 2


def test_sql_reads_wall_clocks_of_every_year_beside_each_other(odps: ODPS) -> None:
    odps.execute_sql("CREATE TABLE times (id BIGINT, at TIMESTAMP_NTZ)")
    put_raw(odps, "times", record_block([(1, 0, 1_000), (2, 1_700_000_000, 999_999_000)]))
    put_raw(odps, "times", record_block([(3, YEAR_1, 0), (4, YEAR_9999, 999_999_000)]))
    with odps.execute_sql("SELECT MIN(at), MAX(at) FROM times").open_reader(tunnel=False) as reader:
        assert reader.raw.splitlines()[1] == "0001-01-01 00:00:00,9999-12-31 23:59:59.999999"
    sql = "SELECT id FROM times WHERE at < CAST('1900-01-01 00:00:00' AS TIMESTAMP_NTZ)"
    with odps.execute_sql(sql).open_reader(tunnel=False) as reader:
        assert reader.raw.splitlines()[1:] == ["3"]


def test_what_no_one_unit_can_hold_is_refused_by_name(odps: ODPS) -> None:
    odps.execute_sql("CREATE TABLE times (id BIGINT, at TIMESTAMP)")
    with pytest.raises(errors.ODPSError, match="column at.*finer than a microsecond"):
        put_raw(odps, "times", record_block([(1, YEAR_1, 0), (2, 0, 1)]))
    with pytest.raises(errors.ODPSError, match="outside the years 0001 to 9999"):
        put_raw(odps, "times", record_block([(1, YEAR_9999 + 1, 0)]))
    # More rows than one batch holds: what was written in nanoseconds is rewritten.
    many = [(i, i, 0) for i in range(20_000)] + [(20_000, YEAR_1, 0)]
    put_raw(odps, "times", record_block(many))
    assert count(odps, "times") == 20_001
    assert read_raw(odps, "times") == record_block(many)


def put_raw(client: ODPS, table: str, body: bytes) -> None:
    tunnel = TableTunnel(client)
    upload = tunnel.create_upload_session(table)
    url = client.get_table(table).table_resource(endpoint=tunnel.tunnel_rest.endpoint)
    tunnel.tunnel_rest.put(url, data=body, params={"uploadid": upload.id, "blockid": "0"})
    upload.commit([0])


def read_raw(client: ODPS, table: str) -> bytes:
    tunnel = TableTunnel(client)
    download = tunnel.create_download_session(table)
    url = client.get_table(table).table_resource(endpoint=tunnel.tunnel_rest.endpoint)
    params = {"downloadid": download.id, "data": "", "rowrange": f"(0,{download.count})"}
    return tunnel.tunnel_rest.get(url, params=params).content
