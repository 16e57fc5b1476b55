"""A Databricks workspace look-alike for tests and the demo: REST over real Delta tables.

    python workspace_front.py --config FILE

Serves, on the loopback address: Unity Catalog 2.1 (catalogs, schemas, tables, table-summaries,
permissions, temporary table credentials), SCIM Me, clusters 2.0/2.1, warehouses, with bearer
tokens (given, or by OAuth: sign_in.py), paging and errors as the public REST reference and
databricks-sdk 0.156 have them; SQL by Thrift at the http paths of clusters and warehouses
(sql_front.py), and the result files its links
lead to. Endpoints below /__front/ (see `_control` and faults.py) are for the test that drives it
and ask for no token. When ready it prints one line of JSON with its address; SIGTERM ends it.

The configuration is JSON: catalog, account, container, schemas {name: {dir, prefix}}, clusters
[{id, name, state, start_seconds, fails}], token_file, limited_token_file, sas_file, page_size (what
the server takes for max_results=0), page_cap, tls {cert, key}, warehouses [as clusters], sql
{settings of sql_rows.py}, tables [entries of Catalog.put], dialect ("open": as the open-source
Unity Catalog server answers, see open_server.py) and authorization (false: that server asks for no
token). Only token_file, account, container, catalog and schemas are required.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from clusters import ClusterError, Clusters, NotRunning
from paging import ApiError, Request
from sql_front import method_of
from sql_rows import Caller, garbled
from workspace import ORG_ID, Workspace

_BODY_MAX_BYTES = 1 << 20
_SQL_PATH = re.compile(
    r"/sql/(?:protocolv1/o/\d+/(?P<cluster>[^/]+)"
    r"|1\.0/(?:warehouses|endpoints)/(?P<warehouse>[^/]+))"
)
_RESULT_PATH = re.compile(r"/results/([0-9a-f]+)")
_EXPIRED = (
    b'<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>Server'
    b" failed to authenticate the request. Signature not valid in the specified time frame."
    b"</Message></Error>"
)
_TWICE = (
    b'<?xml version="1.0" encoding="utf-8"?><Error><Code>InvalidAuthenticationInfo</Code><Message>'
    b"A signed link and an Authorization header exclude each other.</Message></Error>"
)
_UC = "/api/2.1/unity-catalog"
_Handler = Callable[[Workspace, Request], dict[str, Any]]
_ROUTES: list[tuple[str, str, _Handler]] = [
    ("GET", rf"{_UC}/catalogs", Workspace.list_catalogs),
    ("GET", rf"{_UC}/catalogs/[^/]+", Workspace.get_catalog),
    ("GET", rf"{_UC}/schemas", Workspace.list_schemas),
    ("GET", rf"{_UC}/schemas/[^/]+", Workspace.get_schema),
    ("GET", rf"{_UC}/tables", Workspace.list_tables),
    ("GET", rf"{_UC}/tables/[^/]+", Workspace.get_table),
    ("GET", rf"{_UC}/tables/[^/]+/exists", Workspace.table_exists),
    ("GET", rf"{_UC}/table-summaries", Workspace.table_summaries),
    ("GET", rf"{_UC}/current-metastore-assignment", Workspace.metastore_assignment),
    ("GET", rf"{_UC}/(effective-)?permissions/[^/]+/[^/]+", Workspace.permissions),
    (
        "POST",
        r"/api/2\.[01]/unity-catalog/temporary-table-credentials",
        Workspace.table_credentials,
    ),
    ("GET", r"/api/2\.0/preview/scim/v2/Me", Workspace.me),
    ("GET", r"/api/2\.[01]/clusters/get", Workspace.get_cluster),
    ("GET", r"/api/2\.[01]/clusters/list", Workspace.list_clusters),
    ("POST", r"/api/2\.[01]/clusters/start", Workspace.start_cluster),
    ("POST", r"/api/2\.[01]/clusters/delete", Workspace.delete_cluster),
    ("GET", r"/api/2\.0/permissions/clusters/[^/]+", Workspace.cluster_permissions),
    ("GET", r"/api/2\.0/sql/warehouses", Workspace.list_warehouses),
    ("GET", r"/api/2\.0/sql/warehouses/[^/]+", Workspace.get_warehouse),
    ("POST", r"/api/2\.0/sql/warehouses/[^/]+/start", Workspace.start_warehouse),
    ("POST", r"/api/2\.0/sql/warehouses/[^/]+/stop", Workspace.stop_warehouse),
]


class FrontHandler(BaseHTTPRequestHandler):
    """One connection; answers are sent in one piece so that no delay algorithm splits them."""

    protocol_version = "HTTP/1.1"
    server_version = "workspace-front"
    workspace: Workspace
    scheme: str

    def log_message(self, format: str, *args: Any) -> None:
        pass  # RequestLog keeps what tests need

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                if len(body) + size > _BODY_MAX_BYTES:
                    raise ApiError(413, "BAD_REQUEST", "Request body too large.")
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body
        length = int(self.headers.get("Content-Length") or 0)
        if length > _BODY_MAX_BYTES:
            raise ApiError(413, "BAD_REQUEST", "Request body too large.")
        return self.rfile.read(length)

    def _serve(self) -> None:
        started = time.monotonic()
        status, answer, headers, fault, thrift = 500, b"", {}, None, ""
        try:
            raw = self._read_body()
            if urlsplit(self.path).path.startswith("/__front/"):
                self._send(*self._control(raw))
                return
            if _SQL_PATH.fullmatch(urlsplit(self.path).path):
                thrift = method_of(raw)
            fault = self.workspace.faults.take(self.command, self.path, thrift)
            if fault and "delay_ms" in fault:
                time.sleep(fault["delay_ms"] / 1000)
            status, answer, headers = self._answer(raw, fault or {})
        except ApiError as error:
            if error.status == 413:
                self.close_connection = True  # the rest of the body was not read
            status, answer = error.status, _error_body(error.code, str(error))
        except ClusterError as error:
            status, answer = 400, _error_body(error.code, str(error))
        except Exception as error:  # a defect here must show in the test, not hang it
            print(f"{self.command} {self.path}: {error!r}", file=sys.stderr, flush=True)
            status, answer = 500, _error_body("INTERNAL_ERROR", f"front: {error!r}")
        # Logged before it is sent: who has the answer finds it in the log.
        self.workspace.log.add(
            {
                "method": self.command,
                # The query of a result's link is its signature.
                "path": self.path.partition("?sig=")[0],
                **({"thrift": thrift} if thrift else {}),
                "status": status,
                "ms": round((time.monotonic() - started) * 1000, 1),
                "user_agent": self.headers.get("User-Agent", ""),
                "with_token": "Authorization" in self.headers,
                "fault": fault,
            }
        )
        harm = (fault or {}).get("body")
        answer = answer[: len(answer) // 2] if harm == "truncated" else answer
        answer = garbled(answer) if harm == "garbled" else answer
        self._send(status, answer, headers, (fault or {}).get("drop"))

    def _answer(self, raw: bytes, fault: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        if fault.get("html"):
            page = b"<!DOCTYPE html><html><body>Please sign in to the network.</body></html>"
            return 200, page, {"Content-Type": "text/html"}
        if "status" in fault:
            headers = {}
            if "retry_after" in fault:
                headers["Retry-After"] = str(fault["retry_after"])
            code = fault.get("error_code", "TEMPORARILY_UNAVAILABLE")
            message = fault.get("message", "fault")
            headers["X-Thriftserver-Error-Message"] = f"{code}: {message}"
            return fault["status"], _error_body(code, message), headers
        path = urlsplit(self.path).path
        if found := _RESULT_PATH.fullmatch(path):
            return self._result_file(found[1])
        if open_server := self.workspace.open_server:
            token = self.headers.get("Authorization")
            status, kind, body = open_server.answer(self.command, self.path, raw, token)
            return status, body, {"Content-Type": kind}
        if path == "/.well-known/databricks-config":
            raise ApiError(404, "ENDPOINT_NOT_FOUND", "Not found.")
        if path.startswith("/oidc/"):
            status, result = self._sign_in(path, raw)
            return status, json.dumps(result).encode(), {}
        user = self.workspace.user_of(self.headers.get("Authorization"))
        if found := _SQL_PATH.fullmatch(path):
            return self._sql(found, raw, user, fault)
        for method, pattern, handler in _ROUTES:
            if method == self.command and re.fullmatch(pattern, path):
                result = handler(self.workspace, self._request(raw, user, fault))
                return 200, json.dumps(result, ensure_ascii=False).encode(), {}
        raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{self.command} {path}'")

    def _sign_in(self, path: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        origin = f"{self.scheme}://{self.headers.get('Host', '')}"
        if (self.command, path) == ("GET", "/oidc/.well-known/oauth-authorization-server"):
            return 200, {
                "authorization_endpoint": f"{origin}/oidc/v1/authorize",
                "token_endpoint": f"{origin}/oidc/v1/token",
            }
        if (self.command, path) == ("POST", "/oidc/v1/token"):
            return self.workspace.sign_ins.answer(self.headers.get("Authorization", ""), raw)
        raise ApiError(404, "ENDPOINT_NOT_FOUND", "Not found.")

    def _sql(
        self, found: re.Match[str], raw: bytes, user: str, fault: dict[str, Any]
    ) -> tuple[int, bytes, dict[str, str]]:
        """One Thrift call to the cluster or warehouse of the path."""
        sql = self.workspace.sql
        known = self.workspace.clusters if found["cluster"] else self.workspace.warehouses
        compute = unquote(found["cluster"] or found["warehouse"])
        try:
            generation = self._enter(known, compute, sql.settings.auto_start)
        except NotRunning as error:
            sql.end_sessions(compute)
            code = "TEMPORARILY_UNAVAILABLE" if error.starting else "INVALID_STATE"
            headers = {"X-Thriftserver-Error-Message": f"{code}: {error}"}
            if not error.starting:
                return 400, _error_body(code, str(error)), headers
            return 503, _error_body(code, str(error)), {**headers, "Retry-After": "1"}
        if self.command != "POST" or not sql.settings.server:
            raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No SQL for {self.command} {self.path}")
        base = f"{self.scheme}://{self.headers.get('Host', '')}"
        reply = sql.serve(Caller(user, compute, generation, base, fault), raw)
        return 200, reply, {"Content-Type": "application/x-thrift"}

    @staticmethod
    def _enter(known: Clusters, compute: str, auto_start: bool) -> int:
        if not known.has(compute):
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"{compute} does not exist")
        return known.enter(compute, auto_start)

    def _result_file(self, name: str) -> tuple[int, bytes, dict[str, str]]:
        xml = {"Content-Type": "application/xml"}
        if "Authorization" in self.headers:
            return 400, _TWICE, xml
        signature = dict(parse_qsl(urlsplit(self.path).query)).get("sig", "")
        link = self.workspace.sql.links.get(name, signature)
        if link is None:
            return 403, _EXPIRED, xml
        return 200, b"".join(link.chunk.read()), {"Content-Type": "application/octet-stream"}

    def _request(self, raw: bytes, user: str, fault: dict[str, Any]) -> Request:
        parts = urlsplit(self.path)
        try:
            body = json.loads(raw) if raw else {}
        except ValueError as error:
            raise ApiError(400, "MALFORMED_REQUEST", f"Invalid JSON: {error}") from error
        if not isinstance(body, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "The body must be a JSON object.")
        segments = [unquote(segment) for segment in parts.path.split("/")]
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(self.command, parts.path, segments, query, body, user, fault.get("page"))

    def _control(self, raw: bytes) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(self.path)
        action = (self.command, parts.path.removeprefix("/__front/"))
        workspace = self.workspace
        try:
            body = json.loads(raw) if raw else {}
            if action == ("GET", "log"):
                since = int(dict(parse_qsl(parts.query)).get("since", "0"))
                result: Any = workspace.log.entries(since)
            elif handler := workspace.controls().get(action):
                result = handler(body)
            else:
                return 404, _error_body("ENDPOINT_NOT_FOUND", f"no control {action}"), {}
        except (ValueError, KeyError, TypeError, ClusterError) as error:
            return 400, _error_body("INVALID_PARAMETER_VALUE", str(error)), {}
        return 200, json.dumps({} if result is None else result).encode(), {}

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], drop: str | None = None
    ) -> None:
        self.close_connection = self.close_connection or drop is not None
        if drop == "before":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        head = f"HTTP/1.1 {status} {self.responses.get(status, ('Status',))[0]}\r\n"
        fields = {
            "Content-Type": "application/json",
            **headers,
            "Content-Length": str(len(body)),
            **({} if self.workspace.open_server else {"x-databricks-org-id": ORG_ID}),
            "Date": self.date_time_string(),
        }
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        if self.command == "HEAD":
            body = b""
        sent = body[: len(body) // 2] if drop == "body" else body
        self.wfile.write(head.encode("latin-1") + b"\r\n" + sent)
        if drop == "body":
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


def _error_body(code: str, message: str) -> bytes:
    return json.dumps({"error_code": code, "message": message}, ensure_ascii=False).encode()


class FrontServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    config = json.loads(options.config.read_text("utf-8"))
    workspace = Workspace(config)
    scheme = "https" if config.get("tls") else "http"
    handler = type("Handler", (FrontHandler,), {"workspace": workspace, "scheme": scheme})
    server = FrontServer(("127.0.0.1", options.port), handler)
    if config.get("tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config["tls"]["cert"], config["tls"]["key"])
        # The handshake is each connection's own affair: here it would hold up all others.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    print(json.dumps({"workspace": address, "pid": os.getpid()}), flush=True)
    stop.wait()
    server.shutdown()
    server.server_close()
    workspace.sql.close()


if __name__ == "__main__":
    main()
