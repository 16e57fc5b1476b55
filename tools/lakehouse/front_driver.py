"""What tests use to drive a running front: control calls, secrets, clients, bare Thrift calls."""

from __future__ import annotations

import http.client
import json
import ssl
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from databricks.sdk import WorkspaceClient
from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer


def secret(lake: dict[str, Any], name: str) -> str:
    return Path(lake[f"{name}_file"]).read_text("utf-8")


def client(lake: dict[str, Any], token: str) -> WorkspaceClient:
    return WorkspaceClient(host=lake["workspace"], token=token, auth_type="pat")


def connect(lake: dict[str, Any]) -> http.client.HTTPConnection:
    address = urlsplit(lake["workspace"])
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=lake["ca_file"])
        return http.client.HTTPSConnection(address.netloc, timeout=60, context=context)
    return http.client.HTTPConnection(address.netloc, timeout=60)


def control(lake: dict[str, Any], method: str, action: str, body: Any = None) -> Any:
    connection = connect(lake)
    try:
        connection.request(method, f"/__front/{action}", json.dumps(body) if body else None)
        answer = connection.getresponse()
        result = json.loads(answer.read())
        assert answer.status == 200, result
        return result
    finally:
        connection.close()


class HttpFailure(Exception):
    def __init__(self, status: int, headers: Any) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers


class ThriftCalls:
    """Calls one http path of the front, message by message, as any client of the protocol may."""

    def __init__(self, lake: dict[str, Any], http_path: str, token: str) -> None:
        self._lake = lake
        self._path = http_path
        self._token = token

    def call(self, method: str, request: Any) -> Any:
        """The response struct; HttpFailure for any status but 200."""
        buffer = TMemoryBuffer()
        protocol = TBinaryProtocol(buffer)
        protocol.writeMessageBegin(method, TMessageType.CALL, 1)
        getattr(TCLIService, f"{method}_args")(request).write(protocol)
        protocol.writeMessageEnd()
        connection = connect(self._lake)
        try:
            headers = {"Authorization": f"Bearer {self._token}"}
            connection.request("POST", self._path, buffer.getvalue(), headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise HttpFailure(answer.status, answer.headers)
        reader = TBinaryProtocol(TMemoryBuffer(body))
        reader.readMessageBegin()
        result = getattr(TCLIService, f"{method}_result")()
        result.read(reader)
        return result.success

    def open_session(self) -> Any:
        request = ttypes.TOpenSessionReq(client_protocol_i64=0xA507)
        response = self.call("OpenSession", request)
        assert response.status.statusCode == ttypes.TStatusCode.SUCCESS_STATUS, response
        return response.sessionHandle

    def execute(self, session: Any, statement: str, **options: Any) -> Any:
        """ExecuteStatementResp; by default Arrow with links, without LZ4 and direct results."""
        values = {"canReadArrowResult": True, "canDownloadResult": True, "runAsync": True}
        request = ttypes.TExecuteStatementReq(session, statement, **{**values, **options})
        return self.call("ExecuteStatement", request)

    def fetch(self, operation: Any, **options: Any) -> Any:
        request = ttypes.TFetchResultsReq(operation, 0, **{"maxRows": 100_000, **options})
        return self.call("FetchResults", request)

    def wait(self, operation: Any) -> Any:
        """The first status that is terminal; each poll waits at the server."""
        request = ttypes.TGetOperationStatusReq(operation)
        while True:
            status = self.call("GetOperationStatus", request)
            if status.operationState not in (0, 1, 7):
                return status


def get_link(lake: dict[str, Any], link: str, **headers: str) -> tuple[int, bytes]:
    connection = connect(lake)
    try:
        parts = urlsplit(link)
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def as_text(value: Any, kind: pa.DataType) -> Any:
    """A value as tests/corpus/expected.py spells it."""
    if value is None or pa.types.is_boolean(kind):
        return value
    if pa.types.is_struct(kind):
        return {f.name: as_text(value[f.name], f.type) for f in kind}
    if pa.types.is_map(kind):
        return [[as_text(k, kind.key_type), as_text(v, kind.item_type)] for k, v in value]
    if pa.types.is_list(kind):
        return [as_text(element, kind.value_type) for element in value]
    if pa.types.is_decimal(kind):
        return format(Decimal(value), "f")
    if pa.types.is_timestamp(kind):
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    if pa.types.is_floating(kind):
        return repr(value).replace("inf", "Infinity").replace("nan", "NaN")
    if pa.types.is_binary(kind):
        return value.hex().upper()
    return str(value)


def as_lines(table: pa.Table) -> list[str]:
    """Rows as the files of the corpus's expected/ hold them."""
    return sorted(
        json.dumps({f.name: as_text(row[f.name], f.type) for f in table.schema}, ensure_ascii=False)
        for row in table.to_pylist()
    )


def expected_lines(lake: dict[str, Any], table: str) -> list[str]:
    return (Path(lake["expected_dir"]) / f"{table}.jsonl").read_text("utf-8").splitlines()
