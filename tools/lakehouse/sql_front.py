"""The Thrift side of the workspace front: Databricks' dialect in front of a Spark Thrift Server.

A client of the Databricks protocol (SPARK_CLI_SERVICE_PROTOCOL V1..V9) opens a session here and one
behind; its statements go on as sql_text.py puts them; its rows come back in the form it asked for
and the settings allow: columns, Arrow batches, links to Arrow files, each of the last two with LZ4,
and together with the first reply when it wants direct results. Message classes are those that
databricks-sql-connector ships. Thread-safe; waits for the server behind without a lock.

Only statements that change nothing are passed on: the tables lie in a cache that others use too.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

import spark_types
from hive_client import HiveClient, SqlError
from spark_types import Native, SparkType
from sql_results import Form, Links, Result, Shape
from sql_rows import Caller, RowSets, SqlSettings
from sql_text import Statement

_SPARK_V1 = 0xA501
_STATE = ttypes.TOperationState
_TERMINAL = {
    _STATE.FINISHED_STATE,
    _STATE.CANCELED_STATE,
    _STATE.CLOSED_STATE,
    _STATE.ERROR_STATE,
    _STATE.TIMEDOUT_STATE,
}
# Settings that Databricks names in its own way; any other that is not Spark's is let be.
_SETTINGS = {"timezone": "spark.sql.session.timeZone", "ansi_mode": "spark.sql.ansi.enabled"}
_METADATA_CALLS = (
    "GetCatalogs",
    "GetColumns",
    "GetFunctions",
    "GetSchemas",
    "GetTables",
    "GetTableTypes",
    "GetTypeInfo",
)
_FINISH_TIMEOUT_S = 600


@dataclass
class Session:
    caller: Caller
    upstream: ttypes.TSessionHandle
    client: HiveClient
    protocol: int
    schema: str = "default"
    zone: str = ""  # empty: to be asked
    operations: set[bytes] = field(default_factory=set)


@dataclass
class Operation:
    session: Session
    upstream: ttypes.TOperationHandle | None = None
    error: SqlError | None = None
    names: list[str] = field(default_factory=list)
    types: list[SparkType] | None = None
    asked: Any = None
    result: Result | None = None
    form: Form = Form.COLUMNS
    canceled: bool = False


def method_of(message: bytes) -> str:
    """The Thrift method that a request calls; empty when it is no message."""
    try:
        name, _, _ = TBinaryProtocol(TMemoryBuffer(message)).readMessageBegin()
    except Exception:  # whatever the library says of bytes that are no message
        return ""
    return str(name)


def _done() -> ttypes.TStatus:
    return ttypes.TStatus(ttypes.TStatusCode.SUCCESS_STATUS)


def _failed(message: str, state: str | None = None, code: str = "ERROR") -> ttypes.TStatus:
    return ttypes.TStatus(
        getattr(ttypes.TStatusCode, f"{code}_STATUS"),
        sqlState=state,
        errorMessage=message,
        displayMessage=_display(message),
    )


def _display(message: str) -> str:
    """What a user is shown: the text from its error class on, without Java's names before it."""
    found = re.findall(r"\[[A-Z][A-Z0-9_.]+\] ", message)
    return message[message.rindex(found[-1]) :] if found else message


class UnknownHandle(Exception):
    pass


class SqlFront:
    def __init__(
        self,
        settings: SqlSettings,
        partition_columns: Callable[[str, str], list[str]],
        refusal: Callable[[str, str, str], str | None],
        catalog: str,
    ) -> None:
        """`refusal(user, schema, table)` says why the user may not read a table, or None."""
        self.settings = settings
        self.links = Links()
        self._row_sets = RowSets(settings, self.links)
        self._catalog = catalog
        self._partition_columns = partition_columns
        self._refusal = refusal
        self._folder = tempfile.TemporaryDirectory(prefix="front-results-")
        self._sessions: dict[bytes, Session] = {}
        self._operations: dict[bytes, Operation] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Ends the sessions behind, as a front that stops must."""
        for key in list(self._sessions):
            self._drop(key)
        self._folder.cleanup()

    # --- messages -------------------------------------------------------------

    def serve(self, caller: Caller, message: bytes) -> bytes:
        """The reply to one call."""
        protocol = TBinaryProtocol(TMemoryBuffer(message))
        name, _, sequence = protocol.readMessageBegin()
        arguments_class = getattr(TCLIService, f"{name}_args", None)
        handler = self._handlers().get(name)
        out = TMemoryBuffer()
        writer = TBinaryProtocol(out)
        if arguments_class is None or handler is None:
            error = TApplicationException(TApplicationException.UNKNOWN_METHOD, f"no {name} here")
            writer.writeMessageBegin(name, TMessageType.EXCEPTION, sequence)
            error.write(writer)
        else:
            arguments = arguments_class()
            arguments.read(protocol)
            response = self._respond(name, handler, caller, arguments.req)
            writer.writeMessageBegin(name, TMessageType.REPLY, sequence)
            getattr(TCLIService, f"{name}_result")(success=response).write(writer)
        writer.writeMessageEnd()
        return out.getvalue()

    def _handlers(self) -> dict[str, Callable[[Caller, Any], Any]]:
        handlers: dict[str, Callable[[Caller, Any], Any]] = {
            "OpenSession": self._open_session,
            "CloseSession": self._close_session,
            "GetInfo": self._get_info,
            "ExecuteStatement": self._execute,
            "GetOperationStatus": self._operation_status,
            "GetResultSetMetadata": self._metadata,
            "FetchResults": self._fetch_results,
            "CancelOperation": self._cancel,
            "CloseOperation": self._close_operation,
        }
        for name in _METADATA_CALLS:
            handlers[name] = self._metadata_call(name)
        return handlers

    def _respond(
        self, name: str, handler: Callable[[Caller, Any], Any], caller: Caller, request: Any
    ) -> Any:
        response_class = getattr(ttypes, f"T{name}Resp")
        code = caller.fault.get("thrift_status")
        try:
            if code:
                message = caller.fault.get("message", "fault")
                return response_class(status=_failed(message, caller.fault.get("sql_state"), code))
            return handler(caller, request)
        except UnknownHandle as error:
            return response_class(status=_failed(str(error), "HY000", "INVALID_HANDLE"))
        except SqlError as error:
            return response_class(status=_failed(str(error), error.sql_state))

    # --- sessions -------------------------------------------------------------

    def _open_session(self, caller: Caller, request: Any) -> Any:
        offered = request.client_protocol_i64 or request.client_protocol or 0
        protocol = min(offered, self.settings.protocol) if offered >= _SPARK_V1 else offered
        namespace = request.initialNamespace or ttypes.TNamespace()
        catalog = namespace.catalogName or self._catalog
        if catalog.lower() not in (self._catalog, "hive_metastore", "spark_catalog"):
            message = f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{catalog}' was not found."
            raise SqlError(message, "42704")
        configuration = dict(request.configuration or {})
        schema = namespace.schemaName or configuration.pop("use:database", "default")
        client = HiveClient(self.settings.server)
        upstream = client.open_session({"use:database": schema} if schema != "default" else None)
        session = Session(caller, upstream, client, protocol, schema)
        for name, value in configuration.items():
            spark_name = _SETTINGS.get(name.lower(), name)
            if spark_name.startswith("spark.sql."):
                client.execute(upstream, f"SET {spark_name}={value}")
        key = os.urandom(16)
        with self._lock:
            self._sessions[key] = session
        return ttypes.TOpenSessionResp(
            status=_done(),
            serverProtocolVersion=protocol,
            sessionHandle=ttypes.TSessionHandle(
                ttypes.THandleIdentifier(key, os.urandom(16)), protocol
            ),
            configuration={},
            initialNamespace=ttypes.TNamespace(self._catalog, schema),
            canUseMultipleCatalogs=True,
        )

    def _session(self, caller: Caller, handle: ttypes.TSessionHandle) -> Session:
        key = handle.sessionId.guid
        with self._lock:
            session = self._sessions.get(key)
        opener = session and session.caller
        if session is None or opener is None or opener.user != caller.user:
            raise UnknownHandle(f"Invalid SessionHandle: {key.hex()}")
        if (opener.compute, opener.generation) != (caller.compute, caller.generation):
            self._drop(key)
            raise UnknownHandle(f"Invalid SessionHandle: {key.hex()}, the cluster was restarted")
        return session

    def _drop(self, key: bytes) -> None:
        with self._lock:
            session = self._sessions.pop(key, None)
            gone = [self._operations.pop(o) for o in session.operations] if session else []
        for operation in gone:
            if operation.result:
                operation.result.close(self.links)
        if session:
            try:
                session.client.close_session(session.upstream)
            except (OSError, SqlError):
                pass  # the server behind has ended before us: nothing is left open there

    def end_sessions(self, compute: str) -> None:
        """The cluster has stopped: whatever ran on it is gone."""
        with self._lock:
            keys = [k for k, s in self._sessions.items() if s.caller.compute == compute]
        for key in keys:
            self._drop(key)

    def _close_session(self, caller: Caller, request: Any) -> Any:
        self._session(caller, request.sessionHandle)
        self._drop(request.sessionHandle.sessionId.guid)
        return ttypes.TCloseSessionResp(_done())

    def _get_info(self, caller: Caller, request: Any) -> Any:
        session = self._session(caller, request.sessionHandle)
        return session.client.call(
            "GetInfo", ttypes.TGetInfoReq(session.upstream, request.infoType)
        )

    # --- statements -----------------------------------------------------------

    def _execute(self, caller: Caller, request: Any) -> Any:
        session = self._session(caller, request.sessionHandle)
        operation = Operation(session, asked=request)
        try:
            statement = self._put(session, request)
            text = statement.text
            if statement.reads_rows and self._wants_arrow(operation):
                text = self._describe(operation, text)
            upstream = ttypes.TExecuteStatementReq(
                session.upstream,
                text,
                runAsync=bool(request.runAsync),
                queryTimeout=request.queryTimeout or 0,
            )
            response = session.client.checked("ExecuteStatement", upstream)
            operation.upstream = response.operationHandle
        except SqlError as error:
            operation.error = error
        return self._answer("ExecuteStatement", caller, operation)

    def _put(self, session: Session, request: Any) -> Statement:
        """The statement in Spark's words, if the user may run it."""
        statement = Statement(request.statement, self._catalog)
        statement.bind([_literal(parameter) for parameter in request.parameters or []])
        if not statement.changes_nothing:
            raise SqlError(
                "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: this workspace is read-only.",
                "42501",
            )
        for parts in statement.table_names():
            schema, table = parts if len(parts) == 2 else (session.schema, parts[0])
            reason = self._refusal(session.caller.user, schema, table)
            if reason:
                raise SqlError(
                    f"[INSUFFICIENT_PERMISSIONS] Insufficient privileges: {reason}", "42501"
                )

        def columns_of(parts: tuple[str, ...]) -> list[str]:
            pair = parts if len(parts) == 2 else (session.schema, parts[-1])
            return self._partition_columns(pair[0], pair[1])

        statement.show_partitions(columns_of)
        used = statement.used_schema()
        session.schema = used or session.schema
        if statement.sets_something:
            session.zone = ""
        return statement

    def _describe(self, operation: Operation, text: str) -> str:
        """Learns the columns of a query; returns the query that brings them unharmed."""
        session = operation.session
        try:
            described = session.client.execute(session.upstream, f"DESCRIBE QUERY {text}")
        except SqlError:
            return text  # the statement itself will fail with its own words
        operation.names = described[0].to_pylist()
        operation.types = [spark_types.parse(kind) for kind in described[1].to_pylist()]
        native = Native.of(operation.asked.useArrowNativeTypes)
        columns = [f"c{index}" for index in range(len(operation.names))]
        wanted = [
            spark_types.carrier(kind, column, native)
            for kind, column in zip(operation.types, columns)
        ]
        if not any(wanted):
            return text
        selected = ", ".join(w or column for w, column in zip(wanted, columns))
        return f"SELECT {selected} FROM (\n{text}\n) AS t({', '.join(columns)})"

    def _metadata_call(self, name: str) -> Callable[[Caller, Any], Any]:
        def answer(caller: Caller, request: Any) -> Any:
            session = self._session(caller, request.sessionHandle)
            passed = getattr(ttypes, f"T{name}Req")(session.upstream)
            for key in ("schemaName", "tableName", "tableTypes", "columnName", "functionName"):
                if hasattr(passed, key):
                    setattr(passed, key, getattr(request, key))
            upstream = session.client.checked(name, passed).operationHandle
            operation = Operation(session, upstream, asked=ttypes.TExecuteStatementReq())
            operation.asked.getDirectResults = request.getDirectResults
            return self._answer(name, caller, operation)

        return answer

    def _answer(self, name: str, caller: Caller, operation: Operation) -> Any:
        """The response to a call that started an operation."""
        key = os.urandom(16)
        with self._lock:
            self._operations[key] = operation
            operation.session.operations.add(key)
        handle = ttypes.TOperationHandle(
            ttypes.THandleIdentifier(key, os.urandom(16)),
            operation.upstream.operationType if operation.upstream else 0,
            True if operation.upstream is None else operation.upstream.hasResultSet,
        )
        response = getattr(ttypes, f"T{name}Resp")(status=_done(), operationHandle=handle)
        asked = operation.asked.getDirectResults
        if asked and self.settings.direct_results:
            response.directResults = self._direct_results(caller, key, operation, asked)
        elif operation.error and not getattr(operation.asked, "runAsync", False):
            response.status = _failed(str(operation.error), operation.error.sql_state)
        return response

    def _direct_results(
        self, caller: Caller, key: bytes, operation: Operation, asked: Any
    ) -> ttypes.TSparkDirectResults:
        self._wait(operation, self.settings.direct_wait_seconds)
        status = self._primed(operation)
        direct = ttypes.TSparkDirectResults(operationStatus=status)
        self._strike_state(caller, status)
        if status.operationState == _STATE.FINISHED_STATE and status.hasResultSet is not False:
            direct.resultSetMetadata = self._result_metadata(operation)
            request = ttypes.TFetchResultsReq(maxRows=asked.maxRows)
            direct.resultSet = self._rows(caller, operation, request)
            if not direct.resultSet.hasMoreRows:
                self._forget(key)
                direct.closeOperation = ttypes.TCloseOperationResp(_done())
        return direct

    # --- operations -----------------------------------------------------------

    def _operation(self, caller: Caller, handle: ttypes.TOperationHandle) -> Operation:
        key = handle.operationId.guid
        with self._lock:
            operation = self._operations.get(key)
        if operation is None or operation.session.caller.user != caller.user:
            raise UnknownHandle(f"Invalid OperationHandle: {key.hex()}")
        opener = operation.session.caller
        if (opener.compute, opener.generation) != (caller.compute, caller.generation):
            raise UnknownHandle(f"Invalid OperationHandle: {key.hex()}, the cluster was restarted")
        return operation

    def _status(self, operation: Operation) -> Any:
        """GetOperationStatusResp of one poll; the server behind waits up to half a second."""
        if operation.error:
            message = str(operation.error)
            return ttypes.TGetOperationStatusResp(
                _done(),
                operationState=_STATE.ERROR_STATE,
                sqlState=operation.error.sql_state,
                errorMessage=message,
                displayMessage=_display(message),
            )
        response = operation.session.client.checked(
            "GetOperationStatus", ttypes.TGetOperationStatusReq(operation.upstream)
        )
        if response.errorMessage:
            response.displayMessage = _display(response.errorMessage)
        return response

    def _primed(self, operation: Operation) -> Any:
        """The status, of a finished statement only once its first rows are there: the server behind
        computes rows when they are fetched, and what fails then must show as the statement's."""
        status = self._status(operation)
        if status.operationState == _STATE.FINISHED_STATE and status.hasResultSet is not False:
            try:
                self._result(operation).has_more_than(0)
            except SqlError as error:
                operation.error = error
                return self._status(operation)
        return status

    def _wait(self, operation: Operation, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        status = self._status(operation)
        while status.operationState not in _TERMINAL and time.monotonic() < deadline:
            status = self._status(operation)
        return status

    @staticmethod
    def _strike_state(caller: Caller, status: Any) -> None:
        state = caller.fault.get("state")
        if state:
            status.operationState = getattr(_STATE, f"{state}_STATE")
            status.errorMessage = status.displayMessage = caller.fault.get("message", "fault")
            status.sqlState = caller.fault.get("sql_state")

    def _operation_status(self, caller: Caller, request: Any) -> Any:
        status = self._primed(self._operation(caller, request.operationHandle))
        self._strike_state(caller, status)
        return status

    def _cancel(self, caller: Caller, request: Any) -> Any:
        operation = self._operation(caller, request.operationHandle)
        if operation.upstream:
            return operation.session.client.call(
                "CancelOperation", ttypes.TCancelOperationReq(operation.upstream)
            )
        return ttypes.TCancelOperationResp(_done())

    def _forget(self, key: bytes) -> None:
        with self._lock:
            operation = self._operations.pop(key)
            operation.session.operations.discard(key)
        if operation.result:
            operation.result.close(self.links)
        if operation.upstream:
            operation.session.client.call(
                "CloseOperation", ttypes.TCloseOperationReq(operation.upstream)
            )

    def _close_operation(self, caller: Caller, request: Any) -> Any:
        self._operation(caller, request.operationHandle)
        self._forget(request.operationHandle.operationId.guid)
        return ttypes.TCloseOperationResp(_done())

    # --- rows -----------------------------------------------------------------

    def _wants_arrow(self, operation: Operation) -> bool:
        spark = operation.session.protocol >= _SPARK_V1
        return bool(operation.asked.canReadArrowResult and self.settings.arrow and spark)

    def _zone(self, session: Session) -> str:
        if not session.zone:
            asked = session.client.execute(session.upstream, "SELECT current_timezone()")
            session.zone = asked[0].to_pylist()[0]
        return session.zone

    def _result(self, operation: Operation) -> Result:
        """The rows of a finished operation, and the form they go out in; made once."""
        if operation.result:
            return operation.result
        status = self._wait(operation, _FINISH_TIMEOUT_S)
        if status.operationState != _STATE.FINISHED_STATE:
            raise SqlError(status.errorMessage or "the statement did not finish", status.sqlState)
        session, asked = operation.session, operation.asked
        arrow = self._wants_arrow(operation)
        if operation.types is None:
            request = ttypes.TGetResultSetMetadataReq(operation.upstream)
            columns = session.client.checked("GetResultSetMetadata", request).schema.columns
            operation.names = [column.columnName for column in columns]
            operation.types = [spark_types.of_thrift(column) for column in columns]
        native = Native.of(asked.useArrowNativeTypes) if arrow else Native()
        lz4 = bool(arrow and asked.canDecompressLZ4Result and self.settings.lz4)
        zone = self._zone(session) if arrow else ""
        shape = Shape(operation.names, operation.types, native, zone, lz4)
        upstream, client = operation.upstream, session.client
        result = Result(lambda rows: client.fetch(upstream, rows), shape, Path(self._folder.name))
        if asked.resultRowLimit:
            result.limit(asked.resultRowLimit)
        if arrow:
            links = asked.canDownloadResult and self.settings.links
            large = links and result.has_more_than(self.settings.links_from_rows - 1)
            operation.form = Form.LINKS if large else Form.ARROW
        operation.result = result
        return result

    def _result_metadata(self, operation: Operation) -> Any:
        shape = self._result(operation).shape
        response = ttypes.TGetResultSetMetadataResp(
            _done(), shape.table_schema(), operation.form.value, shape.lz4
        )
        if operation.form is not Form.COLUMNS:
            response.arrowSchema = shape.arrow_schema().serialize().to_pybytes()
        response.isStagingOperation = False
        return response

    def _metadata(self, caller: Caller, request: Any) -> Any:
        return self._result_metadata(self._operation(caller, request.operationHandle))

    def _fetch_results(self, caller: Caller, request: Any) -> Any:
        operation = self._operation(caller, request.operationHandle)
        response = self._rows(caller, operation, request)
        if request.includeResultSetMetadata:
            response.resultSetMetadata = self._result_metadata(operation)
        return response

    def _rows(self, caller: Caller, operation: Operation, request: Any) -> Any:
        result, form = self._result(operation), operation.form
        if request.startRowOffset is not None:
            result.seek(request.startRowOffset)
        elif request.orientation == ttypes.TFetchOrientation.FETCH_FIRST:
            result.seek(0)
        row_set, more = self._row_sets.next(caller, result, form, request.maxRows or 0)
        return ttypes.TFetchResultsResp(_done(), more, row_set)


def _literal(parameter: ttypes.TSparkParameter) -> tuple[str | None, str]:
    """Name and SQL literal of a statement's parameter."""
    value = parameter.value
    if value is None:
        return parameter.name, "NULL"
    given = next(
        (v for v in (value.stringValue, value.doubleValue, value.booleanValue) if v is not None), ""
    )
    text = str(given).replace("\\", "\\\\").replace("'", "\\'")
    return parameter.name, f"CAST('{text}' AS {parameter.type or 'STRING'})"
