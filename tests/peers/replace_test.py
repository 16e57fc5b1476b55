"""A partition whose rows a job replaces shows its old rows or its new ones, all of them and none of
the others, to whoever reads it meanwhile: by SQL always, by a session that was made before it
either so or by TableModified, the service's word for "begin another". Read by PyODPS.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from conftest import Sandbox
from deltalake import write_deltalake
from odps import ODPS
from odps.errors import ODPSError
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401

VERSIONS = 4
ROWS = 20_000


def version(number: int) -> pa.Table:
    """More rows each time, and every one says which version it is of."""
    count = ROWS + number
    return pa.table({"p": ["a"] * count, "n": [number] * count})


def by_session(odps: ODPS) -> list[int]:
    with odps.get_table("orders").open_reader(partition="p='a'") as reader:
        return [record[0] for record in reader]


def by_sql(odps: ODPS) -> list[int]:
    with odps.execute_sql("SELECT n FROM orders WHERE p = 'a'").open_reader() as reader:
        return [int(record[0]) for record in reader]


class Readers:
    """Read on and on, each in a thread of its own, until told to end."""

    def __init__(self, sandbox: Sandbox, *reads: Callable[[ODPS], list[int]]) -> None:
        self.seen: list[tuple[int, int]] = []  # version and rows of each reading
        self.wrong: list[str] = []
        self.ending = threading.Event()
        self.threads = [
            threading.Thread(target=self.read_on, args=(sandbox.odps(), read)) for read in reads
        ]
        for thread in self.threads:
            thread.start()

    def read_on(self, odps: ODPS, read: Callable[[ODPS], list[int]]) -> None:
        try:
            while not self.ending.is_set():
                try:
                    values = read(odps)
                except ODPSError as refused:
                    if refused.code != "TableModified":
                        raise
                    continue
                versions = set(values)
                if len(versions) != 1:
                    self.wrong.append(f"{read.__name__}: versions {versions}, {len(values)} rows")
                self.seen += [(number, len(values)) for number in versions]
        except Exception as failure:  # told by the test, which would not hear of it otherwise
            self.wrong.append(f"{read.__name__}: {failure!r}")

    def end(self) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()


def test_who_reads_a_partition_while_a_job_replaces_it_sees_one_version_whole(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    orders = put("orders", {"a": 1})
    write_deltalake(str(orders), version(0), mode="overwrite")
    jobs.good("sync", "sales", "--schema", "moved")
    jobs.move()
    readers = Readers(jobs.sandbox, by_session, by_sql)
    try:
        for number in range(1, VERSIONS):
            write_deltalake(str(orders), version(number), mode="overwrite")
            jobs.good("sync", "sales", "--schema", "moved")
            jobs.move()
    finally:
        readers.end()
    assert not readers.wrong
    assert all(count == ROWS + number for number, count in readers.seen), set(readers.seen)
    assert {number for number, _ in readers.seen} >= {0, 1}, "it was read while it was replaced"
    assert jobs.counts("orders") == {"a": ROWS + VERSIONS - 1}
