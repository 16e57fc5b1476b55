"""The REST side in the dialect of the open-source Unity Catalog server, over the same tables.

As observed on a snapshot of that server of August 2026: every field present and null when unset,
columns in the order of registration, pages cut before rights are looked at, tokens that are names,
plain-text 404s, privileges spelt with blanks. It has no clusters, no SQL, no effective permissions.
With authorization it takes JWTs alone; without it, it asks nobody for anything.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from grants import Grants
from paging import ApiError
from unity_catalog import Catalog, stable_id
from vending import Vending

_UC = "/api/2.1/unity-catalog"
_PAGE_CAP = 100
_TABLE_KEYS = (
    "name catalog_name schema_name table_type data_source_format columns storage_location comment"
    " properties owner created_at created_by updated_at updated_by table_id view_definition"
    " view_dependencies"
).split()
_SCHEMA_KEYS = (
    "name catalog_name comment properties full_name owner created_at created_by updated_at"
    " updated_by schema_id"
).split()
_CATALOG_KEYS = (
    "name comment properties owner created_at created_by updated_at updated_by id"
).split()
_COLUMN_KEYS = (
    "name type_text type_json type_name type_precision type_scale type_interval_type position"
    " comment nullable partition_index"
).split()
# What can be granted there; the rest of Databricks' privileges does not exist.
_PRIVILEGES = {"USE_CATALOG", "USE_SCHEMA", "SELECT", "EXECUTE", "MODIFY"}
Answer = tuple[int, str, bytes]


def make_token(user: str, seconds: float | None) -> str:
    """A token in the shape of that server's: a JWT of RS512. Nobody here checks the signature: the
    front knows its tokens letter by letter."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    claims: dict[str, Any] = {"sub": user, "iss": "internal", "iat": int(time.time())}
    claims |= {"jti": str(uuid.uuid4()), "type": "ACCESS"}
    if seconds is not None:
        claims["exp"] = int(time.time() + seconds)
    head = part(json.dumps({"alg": "RS512", "typ": "JWT"}).encode())
    return f"{head}.{part(json.dumps(claims).encode())}.{part(uuid.uuid4().bytes * 16)}"


def _is_live_token(token: str) -> bool:
    parts = token.split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(payload)
    except (IndexError, ValueError):
        return False
    return len(parts) == 3 and claims.get("exp", time.time() + 1) > time.time()


@dataclass
class Call:
    method: str
    segments: list[str]
    query: dict[str, str]
    body: dict[str, Any]
    user: str


def _text(status: int, description: str) -> Answer:
    text = f"Status: {status}\nDescription: {description}"
    return status, "text/plain; charset=utf-8", text.encode()


def error_body(code: str, message: str) -> bytes:
    info = "type.googleapis.com/google.rpc.ErrorInfo"
    details = [{"reason": code, "@type": info}]
    return json.dumps({"error_code": code, "details": details, "message": message}).encode()


class OpenServer:
    """Thread-safe, as far as what it is given is."""

    def __init__(
        self,
        catalog: Catalog,
        grants: Grants,
        vending: Vending,
        user_of: Callable[[str], str | None] | None,
    ) -> None:
        """`user_of(token)` knows the users; None: authorization is disabled."""
        self._catalog = catalog
        self._grants = grants
        self._vending = vending
        self._user_of = user_of
        self._routes: list[tuple[str, str, Callable[[Call], dict[str, Any]]]] = [
            ("GET", rf"{_UC}/catalogs", self._list_catalogs),
            ("GET", rf"{_UC}/catalogs/[^/]+", self._get_catalog),
            ("GET", rf"{_UC}/schemas", self._list_schemas),
            ("GET", rf"{_UC}/schemas/[^/]+", self._get_schema),
            ("GET", rf"{_UC}/tables", self._list_tables),
            ("GET", rf"{_UC}/tables/[^/]+", self._get_table),
            ("GET", rf"{_UC}/permissions/(catalog|schema|table)/[^/]+", self._permissions),
            ("GET", rf"{_UC}/metastore_summary", self._metastore),
            ("POST", rf"{_UC}/temporary-table-credentials", self._table_credentials),
            ("POST", rf"{_UC}/temporary-path-credentials", self._path_credentials),
            ("GET", r"/api/1\.0/unity-control/scim2/Me", self._me),
        ]

    def answer(self, method: str, target: str, raw: bytes, authorization: str | None) -> Answer:
        path, _, query = target.partition("?")
        if "%00" in path:
            return _text(400, "Bad Request")
        found = [(m, handler) for m, form, handler in self._routes if re.fullmatch(form, path)]
        inside = path.startswith((_UC + "/", "/api/1.0/unity-control/"))
        if not found and not (inside and self._user_of):
            return _text(404, "Not Found")
        try:
            user = self._authorized(authorization)
            if not found:
                raise ApiError(500, "INTERNAL", "Couldn't unwrap service.")
            for known, handler in found:
                if known == method:
                    result = handler(self._call(method, path, query, raw, user))
                    return 200, "application/json", json.dumps(result, ensure_ascii=False).encode()
            return _text(405, "Method Not Allowed")
        except ApiError as error:
            return error.status, "application/json", error_body(error.code, str(error))

    @staticmethod
    def _call(method: str, path: str, query: str, raw: bytes, user: str) -> Call:
        try:
            body = json.loads(raw) if raw else {}
        except ValueError as error:
            raise ApiError(400, "INVALID_ARGUMENT", f"Malformed body: {error}") from error
        # An encoded unit separator is read as a dot, as an encoded dot is.
        segments = [unquote(segment).replace("\x1f", ".") for segment in path.split("/")]
        return Call(method, segments, dict(parse_qsl(query, keep_blank_values=True)), body, user)

    def _authorized(self, authorization: str | None) -> str:
        if self._user_of is None:
            return ""
        if not authorization or not authorization.startswith("Bearer "):
            raise ApiError(401, "UNAUTHENTICATED", "No authorization found.")
        token = authorization.removeprefix("Bearer ").strip()
        user = self._user_of(token) if _is_live_token(token) else None
        if user is None:
            raise ApiError(401, "UNAUTHENTICATED", "Invalid access token.")
        return user

    # --- rights ---------------------------------------------------------------

    def _holds(self, user: str, privilege: str, kind: str, name: str) -> bool:
        return self._user_of is None or self._grants.holds(user, privilege, kind, name)

    def _may_read(self, user: str, table: str) -> bool:
        return self._user_of is None or self._grants.missing_to_read(user, table) is None

    @staticmethod
    def _demand(allowed: bool) -> None:
        if not allowed:
            raise ApiError(403, "PERMISSION_DENIED", "Access denied.")

    # --- names ----------------------------------------------------------------

    def _known_catalog(self, name: str) -> None:
        if name != self._catalog.name:
            raise ApiError(404, "CATALOG_NOT_FOUND", f"Catalog not found: {name}")

    def _known_schema(self, full_name: str) -> str:
        parts = full_name.split(".")
        if len(parts) != 2:
            raise ApiError(400, "INVALID_ARGUMENT", f"Invalid schema name: {full_name}")
        self._known_catalog(parts[0])
        if parts[1] not in self._catalog.schema_names():
            raise ApiError(404, "SCHEMA_NOT_FOUND", f"Schema not found: {full_name}")
        return parts[1]

    def _known_table(self, full_name: str) -> dict[str, Any]:
        parts = full_name.split(".")
        if len(parts) != 3:
            raise ApiError(400, "INVALID_ARGUMENT", f"Invalid table name: {full_name}")
        schema = self._known_schema(".".join(parts[:2]))
        table = self._catalog.table(schema, parts[2])
        if table is None:
            raise ApiError(404, "TABLE_NOT_FOUND", f"Table not found: {full_name}")
        return table

    @staticmethod
    def _parameter(call: Call, name: str) -> str:
        if name not in call.query:
            message = f"Mandatory parameter/header is missing: {name}"
            raise ApiError(400, "INVALID_ARGUMENT", message)
        return call.query[name]

    # --- lists ----------------------------------------------------------------

    @staticmethod
    def _page(
        call: Call, key: str, names: list[str], show: Callable[[str], dict[str, Any] | None]
    ) -> dict[str, Any]:
        """Cut by name, then thinned out by rights (`show` gives None); a full page has a token."""
        text = call.query.get("max_results", "0")
        if not re.fullmatch(r"\d+", text):
            raise ApiError(400, "INVALID_ARGUMENT", f"Invalid max_results: {text}")
        size = int(text) if 0 < int(text) <= _PAGE_CAP else _PAGE_CAP
        after = call.query.get("page_token", "")
        page = [name for name in sorted(names) if name > after][:size]
        token = page[-1] if len(page) == size else None
        shown = [entry for name in page if (entry := show(name)) is not None]
        return {key: shown, "next_page_token": token}

    def _list_catalogs(self, call: Call) -> dict[str, Any]:
        info = self._catalog_info()
        seen = self._holds(call.user, "USE_CATALOG", "catalog", self._catalog.name)
        names = [self._catalog.name]
        return self._page(call, "catalogs", names, lambda _: info if seen else None)

    def _list_schemas(self, call: Call) -> dict[str, Any]:
        self._known_catalog(self._parameter(call, "catalog_name"))

        def show(name: str) -> dict[str, Any] | None:
            full_name = f"{self._catalog.name}.{name}"
            seen = self._holds(call.user, "USE_SCHEMA", "schema", full_name)
            return self._schema_info(name) if seen else None

        return self._page(call, "schemas", self._catalog.schema_names(), show)

    def _list_tables(self, call: Call) -> dict[str, Any]:
        catalog = self._parameter(call, "catalog_name")
        schema = self._known_schema(f"{catalog}.{self._parameter(call, 'schema_name')}")
        emptied = {}
        if call.query.get("omit_columns") == "true":
            emptied["columns"] = []
        if call.query.get("omit_properties") == "true":
            emptied["properties"] = {}

        def show(name: str) -> dict[str, Any] | None:
            table = self._catalog.table(schema, name)
            if table is None or not self._may_read(call.user, table["full_name"]):
                return None
            return self._table_info(table) | emptied

        return self._page(call, "tables", self._catalog.table_names(schema), show)

    # --- objects --------------------------------------------------------------

    def _get_catalog(self, call: Call) -> dict[str, Any]:
        self._known_catalog(call.segments[-1])
        self._demand(self._holds(call.user, "USE_CATALOG", "catalog", call.segments[-1]))
        return self._catalog_info()

    def _get_schema(self, call: Call) -> dict[str, Any]:
        name = self._known_schema(call.segments[-1])
        self._demand(self._holds(call.user, "USE_SCHEMA", "schema", call.segments[-1]))
        return self._schema_info(name)

    def _get_table(self, call: Call) -> dict[str, Any]:
        table = self._known_table(call.segments[-1])
        self._demand(self._may_read(call.user, table["full_name"]))
        return self._table_info(table)

    def _catalog_info(self) -> dict[str, Any]:
        info = next(c for c in self._catalog.catalogs() if c["name"] == self._catalog.name)
        return self._shaped(info | {"properties": {}}, _CATALOG_KEYS)

    def _schema_info(self, name: str) -> dict[str, Any]:
        info = next(s for s in self._catalog.schemas() if s["name"] == name)
        return self._shaped(info | {"properties": {}}, _SCHEMA_KEYS)

    def _shaped(self, info: dict[str, Any], keys: list[str]) -> dict[str, Any]:
        """All these keys and no other; nobody has a name without authorization."""
        unnamed = () if self._user_of else ("owner", "created_by", "updated_by")
        return {key: None if key in unnamed else info.get(key) for key in keys}

    def _table_info(self, table: dict[str, Any]) -> dict[str, Any]:
        info = self._shaped(table, _TABLE_KEYS)
        mark = zlib.crc32(table["full_name"].encode())
        bare, turned = bool(mark & 1), bool(mark & 2)
        columns = [_column(column, bare, table["table_type"]) for column in table["columns"]]
        # Some registrants send columns in another order than their positions.
        info["columns"] = columns[1:] + columns[:1] if turned else columns
        if table["table_type"] == "VIEW":
            info["data_source_format"] = None
            named = re.findall(rf"\b{self._catalog.name}\.\w+\.\w+", table["view_definition"])
            info["view_dependencies"] = {
                "dependencies": [
                    {"table": {"table_full_name": name}, "function": None} for name in named
                ]
            }
        if info["storage_location"] is not None:
            info["storage_location"] = quote(info["storage_location"], safe="/:@!$&'()*+,;=~")
        return info

    def _metastore(self, call: Call) -> dict[str, Any]:
        return {"metastore_id": self._catalog.metastore_id}

    def _permissions(self, call: Call) -> dict[str, Any]:
        kind, name = call.segments[-2:]
        if kind == "catalog":
            self._known_catalog(name)
        elif kind == "schema":
            self._known_schema(name)
        else:
            self._known_table(name)
        all_seen = self._user_of is None or self._grants.owns(call.user, kind, name)
        assignments = []
        for principal, held in self._grants.direct(kind, name).items():
            privileges = [p.replace("_", " ") for p in held if p in _PRIVILEGES]
            if privileges and (all_seen or principal == call.user):
                assignments.append({"principal": principal, "privileges": privileges})
        return {"privilege_assignments": assignments}

    def _me(self, call: Call) -> dict[str, Any]:
        if self._user_of is None:
            raise ApiError(500, "INTERNAL", "User not found: anonymous")
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": stable_id("user", call.user),
            "userName": call.user,
            "displayName": call.user.partition("@")[0],
            "active": True,
            "emails": [{"type": "work", "value": call.user, "primary": True}],
        }

    # --- credentials ----------------------------------------------------------

    def _vended(self, url: str) -> dict[str, Any]:
        found = self._vending.credentials(url)
        return {
            "aws_temp_credentials": None,
            "azure_user_delegation_sas": found.get("azure_user_delegation_sas"),
            "gcp_oauth_token": None,
            "expiration_time": found["expiration_time"],
            "url": url,
        }

    @staticmethod
    def _operation(call: Call, known: tuple[str, ...]) -> str:
        operation = call.body.get("operation")
        if operation is None:
            raise ApiError(500, "INTERNAL", "operation is missing")
        if operation not in known:
            raise ApiError(400, "INVALID_ARGUMENT", f"Unknown operation: {operation}")
        return str(operation)

    def _table_credentials(self, call: Call) -> dict[str, Any]:
        operation = self._operation(call, ("READ", "READ_WRITE"))
        try:
            table_id = str(uuid.UUID(str(call.body.get("table_id"))))
        except ValueError as error:
            raise ApiError(400, "INVALID_ARGUMENT", f"Invalid table id: {error}") from error
        table = self._catalog.by_id(table_id)
        if table is None:
            raise ApiError(404, "TABLE_NOT_FOUND", f"Table not found: {table_id}")
        self._demand(self._may_read(call.user, table["full_name"]))
        if operation == "READ_WRITE":
            self._demand(self._holds(call.user, "MODIFY", "table", table["full_name"]))
        if table.get("storage_location") is None:
            raise ApiError(400, "INVALID_ARGUMENT", "Storage location is null.")
        return self._vended(self._table_info(table)["storage_location"])

    def _path_credentials(self, call: Call) -> dict[str, Any]:
        self._operation(call, ("PATH_READ", "PATH_READ_WRITE", "PATH_CREATE_TABLE"))
        url = str(call.body.get("url", ""))
        if not url.startswith(self._catalog.root):
            raise ApiError(400, "FAILED_PRECONDITION", f"No storage credential for {url}")
        if not url.removeprefix(self._catalog.root).strip("/"):
            raise ApiError(400, "INVALID_ARGUMENT", "The root of a container has no credentials.")
        return self._vended(url)


def _column(column: dict[str, Any], bare: bool, table_type: str) -> dict[str, Any]:
    """The eleven keys; `bare` is the older form of type_json, a type without its field."""
    # Precision and scale are kept only if a registrant sends them, and none does.
    known = {k: v for k, v in column.items() if k not in ("type_precision", "type_scale")}
    info = {key: known.get(key) for key in _COLUMN_KEYS}
    if table_type == "VIEW":
        info["type_json"] = None
    elif bare:
        info["type_json"] = json.dumps(json.loads(column["type_json"])["type"], ensure_ascii=False)
    return info
