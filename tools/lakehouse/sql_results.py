"""The rows of one statement on their way to the client, in the form the client takes.

Rows come from the Spark Thrift Server block by block and only when asked for. What is handed out
is written to a file at once and stays there until the result is closed (links: until they expire),
so that a client may ask again from a row offset, and a result of any size costs the memory of a
block or two. Thread-safe: one lock a result.
"""

from __future__ import annotations

import enum
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import lz4.frame
import pyarrow as pa
from databricks.sql.thrift_api.TCLIService import ttypes

import spark_types
from hive_client import thrift_columns
from spark_types import Native, SparkType

_BLOCK_ROWS = 20_000


class Form(enum.Enum):
    COLUMNS = ttypes.TSparkRowSetType.COLUMN_BASED_SET
    ARROW = ttypes.TSparkRowSetType.ARROW_BASED_SET
    LINKS = ttypes.TSparkRowSetType.URL_BASED_SET


@dataclass(frozen=True)
class Shape:
    """What the rows look like to the client."""

    names: list[str]
    types: list[SparkType]
    native: Native
    zone: str
    lz4: bool

    def arrow_schema(self) -> pa.Schema:
        fields = zip(self.names, self.types)
        return pa.schema(
            [spark_types.arrow_field(n, kind, self.native, self.zone) for n, kind in fields]
        )

    def table_schema(self) -> ttypes.TTableSchema:
        columns = enumerate(zip(self.names, self.types), 1)
        return ttypes.TTableSchema(
            [spark_types.column_desc(name, kind, at) for at, (name, kind) in columns]
        )

    def record_batch(self, columns: list[pa.Array]) -> pa.RecordBatch:
        arrays = [
            spark_types.arrow_values(values, kind, self.native, self.zone)
            for values, kind in zip(columns, self.types)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.arrow_schema())


@dataclass(frozen=True)
class Chunk:
    """Some rows as they were handed out. `pieces` are (bytes in the file, rows)."""

    start: int
    rows: int
    path: Path
    pieces: list[tuple[int, int]]
    plain_bytes: int

    def read(self) -> list[bytes]:
        with self.path.open("rb") as file:
            return [file.read(size) for size, _ in self.pieces]


class Result:
    """One statement's rows."""

    def __init__(self, fetch: Callable[[int], list[pa.Array]], shape: Shape, folder: Path) -> None:
        """`fetch(n)` gives the next rows, up to n, as columns; columns of length 0 at the end."""
        self.shape = shape
        self._fetch = fetch
        self._folder = folder
        self._pending: list[list[pa.Array]] = []
        self._ended = False
        self.closed = False
        self._empty: list[pa.Array] = []
        self._limit: int | None = None
        self._chunks: list[Chunk] = []
        self._cursor = 0
        self._lock = threading.Lock()

    def limit(self, rows: int) -> None:
        """At most this many rows (the client's resultRowLimit)."""
        self._limit = rows

    def _pending_rows(self) -> int:
        return sum(len(block[0]) for block in self._pending)

    def _pull_more_than(self, rows: int) -> None:
        """Until more rows than this wait in memory, or nothing comes any more."""
        while not self._ended and self._pending_rows() <= rows:
            block = self._fetch(_BLOCK_ROWS)
            if block and self._limit is not None:
                block = [column[: self._limit] for column in block]
                self._limit -= len(block[0])
            if not block or not len(block[0]):
                self._ended, self._empty = True, block
            else:
                self._pending.append(block)

    def has_more_than(self, rows: int) -> bool:
        """Whether more rows than this are still to be handed out; pulls them."""
        with self._lock:
            self._pull_more_than(rows)
            return self._pending_rows() > rows

    def _cut(self, rows: int) -> list[pa.Array]:
        """The next rows out of memory."""
        taken: list[list[pa.Array]] = []
        while rows and self._pending:
            block = self._pending[0]
            part = [column[:rows] for column in block]
            rest = [column[len(part[0]) :] for column in block]
            taken.append(part)
            rows -= len(part[0])
            if len(rest[0]):
                self._pending[0] = rest
            else:
                self._pending.pop(0)
        return [pa.concat_arrays(parts) for parts in zip(*taken)]

    def seek(self, offset: int) -> None:
        """The next `take` begins with the chunk that holds this row."""
        with self._lock:
            for index, chunk in enumerate(self._chunks):
                if chunk.start <= offset < chunk.start + chunk.rows:
                    self._cursor = index
                    return
            self._cursor = len(self._chunks)

    @property
    def next_row(self) -> int:
        with self._lock:
            return self._next_row()

    def _next_row(self) -> int:
        if self._cursor < len(self._chunks):
            return self._chunks[self._cursor].start
        return self._chunks[-1].start + self._chunks[-1].rows if self._chunks else 0

    def take(self, form: Form, rows: int, batch_rows: int) -> tuple[Chunk | None, bool]:
        """The next chunk, None at the end; and whether rows follow it."""
        with self._lock:
            if self._cursor == len(self._chunks):
                self._pull_more_than(rows)
                columns = self._cut(rows)
                if not columns:
                    return None, False
                self._chunks.append(self._write(form, columns, batch_rows))
            chunk = self._chunks[self._cursor]
            self._cursor += 1
            return chunk, self._cursor < len(self._chunks) or bool(self._pending)

    def _write(self, form: Form, columns: list[pa.Array], batch_rows: int) -> Chunk:
        rows = len(columns[0])
        if form is Form.COLUMNS:
            pieces = [(thrift_columns(columns), rows)]
        elif form is Form.ARROW:
            pieces = [
                (self.shape.record_batch(part).serialize().to_pybytes(), len(part[0]))
                for start in range(0, rows, batch_rows)
                if (part := [column[start : start + batch_rows] for column in columns])
            ]
        else:
            sink = pa.BufferOutputStream()
            table = pa.Table.from_batches([self.shape.record_batch(columns)])
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table, batch_rows)
            pieces = [(sink.getvalue().to_pybytes(), rows)]
        plain_bytes = sum(len(piece) for piece, _ in pieces)
        if self.shape.lz4 and form is not Form.COLUMNS:
            pieces = [(lz4.frame.compress(piece), count) for piece, count in pieces]
        path = self._folder / os.urandom(16).hex()
        with path.open("wb") as file:
            for piece, _ in pieces:
                file.write(piece)
        return Chunk(
            self._next_row(), rows, path, [(len(p), count) for p, count in pieces], plain_bytes
        )

    def no_rows(self) -> bytes:
        """The columns of a reply that holds no row (any more)."""
        return thrift_columns(self._empty)

    def empty_batch(self) -> bytes:
        """An Arrow batch without a row, as a piece of a chunk."""
        batch = self.shape.record_batch([column[:0] for column in self._empty_columns()])
        piece = batch.serialize().to_pybytes()
        return lz4.frame.compress(piece) if self.shape.lz4 else piece

    def _empty_columns(self) -> list[pa.Array]:
        block = self._pending[0] if self._pending else self._empty
        return block or [pa.array([], pa.string())] * len(self.shape.names)

    def close(self, links: Links) -> None:
        """Removes the files, but for those that a link still names."""
        with self._lock:
            self.closed = True
            for chunk in self._chunks:
                if not links.holds(chunk.path):
                    chunk.path.unlink(missing_ok=True)


@dataclass
class Link:
    result: Result
    chunk: Chunk
    signature: str
    expires: float


@dataclass
class Links:
    """The files that clients may fetch without a token, for a while; thread-safe."""

    _links: dict[str, Link] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, result: Result, chunk: Chunk, seconds: float) -> tuple[str, Link]:
        """A new link to a chunk and its name. Also forgets what has expired."""
        self._sweep()
        name = os.urandom(16).hex()
        link = Link(result, chunk, os.urandom(16).hex(), time.time() + seconds)
        with self._lock:
            self._links[name] = link
        return name, link

    def get(self, name: str, signature: str) -> Link | None:
        """None when there is no such link (any more)."""
        with self._lock:
            link = self._links.get(name)
        if link is None or link.signature != signature or time.time() >= link.expires:
            return None
        return link

    def holds(self, path: Path) -> bool:
        with self._lock:
            return any(link.chunk.path == path for link in self._links.values())

    def expire_all(self) -> int:
        """Every link so far is void from now on; returns how many."""
        with self._lock:
            for link in self._links.values():
                link.expires = 0
            return len(self._links)

    def _sweep(self) -> None:
        now = time.time()
        with self._lock:
            gone = [name for name, link in self._links.items() if link.expires <= now]
            expired = [self._links.pop(name) for name in gone]
        for link in expired:
            if link.result.closed and not self.holds(link.chunk.path):
                link.chunk.path.unlink(missing_ok=True)
