"""A client of the Spark Thrift Server in its own (Hive) dialect over HTTP, for the test side.

Messages are the classes that databricks-sql-connector ships (generated from the public TCLIService
IDL); only FetchResults is decoded here, column by column straight into Arrow, since a Python object
a value would be too slow for results of millions of rows. Safe to use from many threads: each call
has a connection of its own. The dialect differs from Databricks' in this: protocol HIVE_V8, Basic
authorization, columns only, and hasMoreRows is always false, so that one reads until nothing comes.
"""

from __future__ import annotations

import base64
import http.client
import re
import struct
from typing import Any

import numpy as np
import pyarrow as pa
from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

_TIMEOUT_S = 600
_HIVE_V8 = 7
# Thrift's type ids (public protocol specification) -> numpy's and struct's fixed-width types.
_FIXED = {2: ">i1", 3: ">i1", 4: ">f8", 6: ">i2", 8: ">i4", 10: ">i8"}
_SCALARS = {2: ">b", 3: ">b", 4: ">d", 6: ">h", 8: ">i", 10: ">q"}
_STRING, _STRUCT, _MAP, _SET, _LIST = 11, 12, 13, 14, 15
# TColumn's member -> Arrow's type of the values.
_COLUMNS = {
    1: pa.bool_(),
    2: pa.int8(),
    3: pa.int16(),
    4: pa.int32(),
    5: pa.int64(),
    6: pa.float64(),
    7: pa.string(),
    8: pa.binary(),
}


class SqlError(Exception):
    """The server refused a statement, or a call."""

    def __init__(self, message: str, sql_state: str | None = None) -> None:
        super().__init__(message)
        found = re.search(r"SQLSTATE: (\w{5})", message)
        self.sql_state = sql_state or (found[1] if found else None)


class Strings:
    """A list<string> of a message: where the bytes lie, not yet cut apart."""

    def __init__(self, data: bytes, at: int, count: int) -> None:
        sizes = np.empty(count, dtype=np.int32)
        start, unpack = at, struct.Struct(">i").unpack_from
        for index in range(count):
            (size,) = unpack(data, at)
            sizes[index] = size
            at += 4 + size
        self.end = at
        self.offsets = np.zeros(count + 1, dtype=np.int32)
        np.cumsum(sizes, out=self.offsets[1:])
        # The bytes without the four of each length.
        kept = np.ones(at - start, dtype=bool)
        lengths_at = self.offsets[:-1].astype(np.int64) + 4 * np.arange(count)
        for byte in range(4):
            kept[lengths_at + byte] = False
        self.data = np.frombuffer(data, np.uint8, at - start, start)[kept]


class Reader:
    """Values of a message in the binary protocol; structs as {field id: value}."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return value

    def _bytes(self) -> bytes:
        size = self._take(">i")
        value = self._data[self._at : self._at + size]
        self._at += size
        return value

    def message(self) -> dict[int, Any]:
        kind = self._take(">I") & 0xFF
        self._bytes()
        self._take(">i")
        value = self.value(_STRUCT)
        if kind == TMessageType.EXCEPTION:
            raise SqlError(f"the server answered: {value.get(1, b'').decode()}")
        return value

    def value(self, kind: int) -> Any:
        if kind in _FIXED:
            return self._take(_SCALARS[kind])
        if kind == _STRING:
            return self._bytes()
        if kind == _STRUCT:
            fields = {}
            while field_kind := self._take(">b"):
                number = self._take(">h")
                fields[number] = self.value(field_kind)
            return fields
        if kind == _MAP:
            key_kind, value_kind, count = self._take(">b"), self._take(">b"), self._take(">i")
            return [(self.value(key_kind), self.value(value_kind)) for _ in range(count)]
        if kind in (_LIST, _SET):
            return self._list(self._take(">b"), self._take(">i"))
        raise SqlError(f"the server sent a value of the unknown Thrift type {kind}")

    def _list(self, kind: int, count: int) -> Any:
        if kind in _FIXED:
            form = np.dtype(_FIXED[kind])
            values = np.frombuffer(self._data, form, count, self._at)
            self._at += form.itemsize * count
            return values
        if kind == _STRING:
            strings = Strings(self._data, self._at, count)
            self._at = strings.end
            return strings
        return [self.value(kind) for _ in range(count)]


def arrow_column(column: dict[int, Any]) -> pa.Array:
    """The Arrow array of a TColumn. The bitmap of nulls may end before the rows do."""
    ((number, content),) = column.items()
    kind, values = _COLUMNS[number], content[1]
    count = len(values.offsets) - 1 if isinstance(values, Strings) else len(values)
    nulls = np.unpackbits(np.frombuffer(content[2], np.uint8), bitorder="little")
    valid = np.ones(count, dtype=bool)
    marked = min(count, len(nulls))
    valid[:marked] = nulls[:marked] == 0
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    if isinstance(values, Strings):
        buffers = [bitmap, pa.py_buffer(values.offsets), pa.py_buffer(values.data)]
    elif pa.types.is_boolean(kind):
        buffers = [bitmap, pa.py_buffer(np.packbits(values != 0, bitorder="little").tobytes())]
    else:
        buffers = [bitmap, pa.py_buffer(values.astype(values.dtype.newbyteorder("=")))]
    return pa.Array.from_buffers(kind, count, buffers)


def thrift_columns(columns: list[pa.Array]) -> bytes:
    """The reverse: list<TColumn> in the binary protocol."""
    numbers = {kind: number for number, kind in _COLUMNS.items()}
    parts = [struct.pack(">bi", _STRUCT, len(columns))]
    for column in columns:
        number, count = numbers[column.type], len(column)
        parts.append(struct.pack(">bh", _STRUCT, number))
        if number >= 7:
            parts += [struct.pack(">bhbi", _LIST, 1, _STRING, count), _thrift_strings(column)]
        else:
            values = column.fill_null(False if number == 1 else 0)
            numpy_values = values.to_numpy(zero_copy_only=False)
            thrift_kind = {1: 2, 2: 3, 3: 6, 4: 8, 5: 10, 6: 4}[number]
            parts.append(struct.pack(">bhbi", _LIST, 1, thrift_kind, count))
            parts.append(numpy_values.astype(_FIXED[thrift_kind]).tobytes())
        nulls = column.is_null().to_numpy(zero_copy_only=False)
        # As Hive does it: the bitmap ends with its last null.
        bitmap = np.packbits(nulls, bitorder="little").tobytes().rstrip(b"\0")
        parts += [struct.pack(">bhi", _STRING, 2, len(bitmap)), bitmap, b"\0\0"]
    return b"".join(parts)


def _thrift_strings(column: pa.Array) -> bytes:
    """Each value after its length."""
    values = column.cast(pa.binary()).fill_null(b"")
    count = len(values)
    _, offsets_buffer, data_buffer = values.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[values.offset : values.offset + count + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    result = np.empty(4 * count + last - first, dtype=np.uint8)
    starts = (offsets[:-1] - first).astype(np.int64) + 4 * np.arange(count)
    kept = np.ones(len(result), dtype=bool)
    lengths = np.diff(offsets).astype(">i4").view(np.uint8).reshape(count, 4)
    for byte in range(4):
        result[starts + byte] = lengths[:, byte]
        kept[starts + byte] = False
    if last > first:
        result[kept] = np.frombuffer(data_buffer, np.uint8)[first:last]
    return result.tobytes()


class HiveClient:
    """Calls one server; `address` is host:port."""

    def __init__(self, address: str, user: str = "front") -> None:
        self._address = address
        self._basic = "Basic " + base64.b64encode(f"{user}:x".encode()).decode()

    def _post(self, method: str, request: Any) -> bytes:
        buffer = TMemoryBuffer()
        protocol = TBinaryProtocol(buffer)
        protocol.writeMessageBegin(method, TMessageType.CALL, 0)
        getattr(TCLIService, f"{method}_args")(request).write(protocol)
        protocol.writeMessageEnd()
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_S)
        try:
            headers = {"Authorization": self._basic, "Content-Type": "application/x-thrift"}
            connection.request("POST", "/cliservice", buffer.getvalue(), headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise SqlError(f"{method}: HTTP {answer.status} from the Spark Thrift Server")
        return body

    def call(self, method: str, request: Any) -> Any:
        """The response, whatever its status says."""
        protocol = TBinaryProtocol(TMemoryBuffer(self._post(method, request)))
        _, kind, _ = protocol.readMessageBegin()
        if kind == TMessageType.EXCEPTION:
            error = TApplicationException()
            error.read(protocol)
            raise SqlError(f"{method}: {error.message}")
        result = getattr(TCLIService, f"{method}_result")()
        result.read(protocol)
        return result.success

    def checked(self, method: str, request: Any) -> Any:
        """The response; raises SqlError when its status is no success."""
        response = self.call(method, request)
        if response.status.statusCode > ttypes.TStatusCode.STILL_EXECUTING_STATUS:
            raise SqlError(response.status.errorMessage or method, response.status.sqlState)
        return response

    def open_session(self, configuration: dict[str, str] | None = None) -> ttypes.TSessionHandle:
        request = ttypes.TOpenSessionReq(client_protocol=_HIVE_V8, configuration=configuration)
        return self.checked("OpenSession", request).sessionHandle

    def close_session(self, session: ttypes.TSessionHandle) -> None:
        self.call("CloseSession", ttypes.TCloseSessionReq(session))

    def fetch(self, operation: ttypes.TOperationHandle, rows: int) -> list[pa.Array]:
        """The next rows as columns; all of length 0 at the end."""
        orientation = ttypes.TFetchOrientation.FETCH_NEXT
        request = ttypes.TFetchResultsReq(operation, orientation, rows)
        response = Reader(self._post("FetchResults", request)).message()[0]
        if response[1][1] > ttypes.TStatusCode.STILL_EXECUTING_STATUS:
            state = response[1].get(3)
            raise SqlError(response[1].get(5, b"").decode(), state and state.decode())
        return [arrow_column(column) for column in response[3].get(3, [])]

    def execute(self, session: ttypes.TSessionHandle, statement: str) -> list[pa.Array]:
        """All rows of a small result. Runs in the call, so use it for quick statements only."""
        request = ttypes.TExecuteStatementReq(session, statement, runAsync=False)
        operation = self.checked("ExecuteStatement", request).operationHandle
        blocks = []
        try:
            while operation.hasResultSet:
                block = self.fetch(operation, 10_000)
                if not block or not len(block[0]):
                    break
                blocks.append(block)
        finally:
            self.call("CloseOperation", ttypes.TCloseOperationReq(operation))
        return [pa.concat_arrays(parts) for parts in zip(*blocks)]
