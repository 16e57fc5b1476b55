"""Row sets of the Databricks protocol: a result's next rows in one of its three forms.

Also here: the settings that a test may change, and the faults that strike rows (faults.py, `rows`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from databricks.sql.thrift_api.TCLIService import ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TType

from sql_results import Form, Links, Result


@dataclass
class SqlSettings:
    """What the SQL side does; a test may change each (POST /__front/sql)."""

    server: str = ""  # host:port of the Spark Thrift Server; empty: there is no SQL
    protocol: int = 0xA507  # the newest that is offered
    arrow: bool = True
    links: bool = True
    lz4: bool = True
    direct_results: bool = True
    direct_wait_seconds: float = 5
    auto_start: bool = True  # a call to a stopped cluster starts it
    links_from_rows: int = 20_000  # smaller results are sent inline even if links are wanted
    rows_per_fetch: int = 100_000
    rows_per_batch: int = 10_000
    rows_per_link: int = 50_000
    links_per_fetch: int = 4
    link_seconds: float = 900

    def change(self, values: dict[str, Any]) -> None:
        """Raises ValueError for a name or type that is not there."""
        kinds = {f.name: type(getattr(self, f.name)) for f in dataclasses.fields(self)}
        for name, value in values.items():
            wanted = kinds.get(name)
            if wanted is float and type(value) is int:
                value = float(value)
            if wanted is None or type(value) is not wanted:
                raise ValueError(f"sql: setting {name} is unknown or of the wrong type")
            setattr(self, name, value)

    def reset(self) -> None:
        """Everything as at first but the server."""
        first = SqlSettings()
        for name in (f.name for f in dataclasses.fields(self) if f.name != "server"):
            setattr(self, name, getattr(first, name))


@dataclass
class Caller:
    """Who asks: the user, the compute of the path and its life, where links are to lead."""

    user: str
    compute: str
    generation: int
    base_url: str
    fault: dict[str, Any]


class _ReadyColumns(ttypes.TRowSet):  # type: ignore[misc]
    """A row set whose columns are encoded already."""

    def __init__(self, start: int, columns: bytes) -> None:
        super().__init__(startRowOffset=start, rows=[])
        self._encoded = columns

    def write(self, protocol: TBinaryProtocol) -> None:
        protocol.writeFieldBegin("startRowOffset", TType.I64, 1)
        protocol.writeI64(self.startRowOffset)
        protocol.writeFieldBegin("rows", TType.LIST, 2)
        protocol.writeListBegin(TType.STRUCT, 0)
        protocol.writeFieldBegin("columns", TType.LIST, 3)
        protocol.trans.write(self._encoded)
        protocol.writeFieldStop()


def garbled(data: bytes) -> bytes:
    """The same length, wrong from the middle on."""
    half = len(data) // 2
    return data[:half] + bytes(byte ^ 0x5A for byte in data[half:])


class RowSets:
    def __init__(self, settings: SqlSettings, links: Links) -> None:
        self._settings = settings
        self._links = links

    def next(
        self, caller: Caller, result: Result, form: Form, rows_max: int
    ) -> tuple[ttypes.TRowSet, bool]:
        """The next rows, at most `rows_max` of them (0: as many as fit); and hasMoreRows."""
        start = result.next_row
        fault = caller.fault.get("rows")
        if fault == "none":
            return self._row_set(result, form, start), True
        if form is Form.LINKS:
            row_set, more = self._link_set(caller, result, start)
        else:
            row_set, more = self._inline_set(caller, result, form, rows_max)
        if fault in ("claim_more", "deny_more"):
            more = fault == "claim_more"
        return row_set, more

    @staticmethod
    def _row_set(result: Result, form: Form, start: int) -> ttypes.TRowSet:
        """A row set without rows."""
        if form is Form.COLUMNS:
            return _ReadyColumns(start, result.no_rows())
        row_set = ttypes.TRowSet(start, rows=[])
        if form is Form.ARROW:
            row_set.arrowBatches = []
        else:
            row_set.resultLinks = []
        return row_set

    def _inline_set(
        self, caller: Caller, result: Result, form: Form, rows_max: int
    ) -> tuple[ttypes.TRowSet, bool]:
        rows = min(rows_max or self._settings.rows_per_fetch, self._settings.rows_per_fetch)
        chunk, more = result.take(form, rows, self._settings.rows_per_batch)
        if chunk is None:
            return self._row_set(result, form, result.next_row), False
        pieces = chunk.read()
        if form is Form.COLUMNS:
            return _ReadyColumns(chunk.start, pieces[0]), more
        row_set = ttypes.TRowSet(chunk.start, rows=[])
        batches = [
            ttypes.TSparkArrowBatch(piece, rows) for piece, (_, rows) in zip(pieces, chunk.pieces)
        ]
        fault = caller.fault.get("rows")
        if fault == "empty_batch":
            batches.insert(len(batches) // 2, ttypes.TSparkArrowBatch(result.empty_batch(), 0))
        if fault == "garbled_batch":
            batches[-1].batch = garbled(batches[-1].batch)
        row_set.arrowBatches = batches
        return row_set, more

    def _link_set(
        self, caller: Caller, result: Result, start: int
    ) -> tuple[ttypes.TRowSet, bool]:
        row_set = self._row_set(result, Form.LINKS, start)
        more = True
        seconds = -1 if caller.fault.get("rows") == "expired_links" else self._settings.link_seconds
        while more and len(row_set.resultLinks) < self._settings.links_per_fetch:
            chunk, more = result.take(
                Form.LINKS, self._settings.rows_per_link, self._settings.rows_per_batch
            )
            if chunk is None:
                break
            if not row_set.resultLinks:
                row_set.startRowOffset = chunk.start
            name, link = self._links.add(result, chunk, seconds)
            row_set.resultLinks.append(
                ttypes.TSparkArrowResultLink(
                    f"{caller.base_url}/results/{name}?sig={link.signature}",
                    int(link.expires * 1000),
                    chunk.start,
                    chunk.rows,
                    chunk.plain_bytes,
                    {},
                )
            )
        return row_set, more
