"""What the workspace front answers, one method an endpoint: Unity Catalog, identity, clusters.

Paging, errors and rights follow the public REST reference; workspace_front.py does the HTTP.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from clusters import Cluster, Clusters
from faults import Faults, RequestLog
from unity_catalog import OWNER, Catalog, Schema, stable_id

ORG_ID = "4242424242424242"
_USERS = {"full": OWNER, "limited": "limited@example.com"}
_NOT_FOUND = {
    "catalog": "CATALOG_DOES_NOT_EXIST",
    "schema": "SCHEMA_DOES_NOT_EXIST",
    "table": "TABLE_DOES_NOT_EXIST",
}


class ApiError(Exception):
    """An answer with a Databricks error body."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def _missing(kind: str, name: str) -> ApiError:
    return ApiError(404, _NOT_FOUND[kind], f"{kind.title()} '{name}' does not exist.")


@dataclasses.dataclass
class Request:
    method: str
    path: str
    segments: list[str]
    query: dict[str, str]
    body: dict[str, Any]
    user: str
    page_fault: str | None

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"


class Workspace:
    """Everything the handlers share; thread-safe."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        root = f"abfss://{config['container']}@{config['account']}.dfs.core.windows.net"
        schemas = [
            Schema(
                name, Path(entry["dir"]) if entry.get("dir") else None, entry.get("prefix", name)
            )
            for name, entry in config["schemas"].items()
        ]
        self.catalog = Catalog(config["catalog"], root, schemas)
        self.clusters = Clusters(
            [
                Cluster(
                    entry["id"],
                    entry.get("name", entry["id"]),
                    entry.get("state", "RUNNING"),
                    float(entry.get("start_seconds", 1)),
                    bool(entry.get("fails", False)),
                )
                for entry in config.get("clusters", [])
            ]
        )
        self.faults = Faults()
        self.log = RequestLog()
        self._page_size = int(config.get("page_size", 50))
        self._page_cap = int(config.get("page_cap", 100))
        self._page_key = os.urandom(16)

    def user_of(self, header: str | None) -> str:
        """ "full" or "limited". The files are read each time, so that a test can rotate a token."""
        if not header or not header.startswith("Bearer "):
            raise ApiError(
                401,
                "401",
                "Credential was not sent or was of an unsupported type for this API.",
            )
        given = header.removeprefix("Bearer ").strip().encode()
        for user, key in (("full", "token_file"), ("limited", "limited_token_file")):
            if self._config.get(key):
                token = Path(self._config[key]).read_text("utf-8").strip().encode()
                if token and hmac.compare_digest(given, token):
                    return user
        raise ApiError(403, "403", "Invalid access token.")

    # --- paging ---------------------------------------------------------------

    def page(self, request: Request, key: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
        """One page; without max_results everything at once, the real service's legacy mode."""
        text = request.query.get("max_results")
        token = request.query.get("page_token")
        if text is not None and not re.fullmatch(r"-?\d+", text):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "max_results must be a number.")
        wanted = int(text) if text is not None else None
        if wanted is not None and wanted < 0:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "max_results must not be negative.")
        offset = self._offset(request, token) if token else 0
        if wanted is None and not token:
            size = len(objects)
        else:
            size = min(wanted or self._page_size, self._page_cap)
        if request.page_fault == "empty":
            return {key: [], "next_page_token": self._token(request, offset)}
        page: dict[str, Any] = {key: objects[offset : offset + size]}
        if request.page_fault == "repeat" and token:
            page["next_page_token"] = token
        elif offset + size < len(objects):
            page["next_page_token"] = self._token(request, offset + size)
        return page

    def _signature(self, request: Request, offset: int) -> bytes:
        """Ties a token to its list: the other parameters must be repeated with it."""
        others = sorted(
            i for i in request.query.items() if i[0] not in ("page_token", "max_results")
        )
        message = json.dumps([request.path, others, offset]).encode()
        return hmac.new(self._page_key, message, hashlib.sha256).digest()[:12]

    def _token(self, request: Request, offset: int) -> str:
        raw = offset.to_bytes(4, "big") + self._signature(request, offset) + os.urandom(3)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def _offset(self, request: Request, token: str) -> int:
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            raw = b""
        offset = int.from_bytes(raw[:4], "big")
        if not hmac.compare_digest(raw[4:16], self._signature(request, offset)):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "Invalid page token.")
        return offset

    # --- Unity Catalog --------------------------------------------------------

    def list_catalogs(self, request: Request) -> dict[str, Any]:
        return self.page(request, "catalogs", self.catalog.catalogs())

    def get_catalog(self, request: Request) -> dict[str, Any]:
        return self._catalog(request.segments[-1])

    def _catalog(self, name: str) -> dict[str, Any]:
        for catalog in self.catalog.catalogs():
            if catalog["name"] == name.lower():
                return catalog
        raise _missing("catalog", name)

    def list_schemas(self, request: Request) -> dict[str, Any]:
        name = self._required(request, "catalog_name")
        self._catalog(name)
        schemas = self.catalog.schemas() if name.lower() == self.catalog.name else []
        return self.page(request, "schemas", schemas)

    def get_schema(self, request: Request) -> dict[str, Any]:
        return self._schema(request.segments[-1])

    def _schema(self, full_name: str) -> dict[str, Any]:
        catalog, _, name = full_name.lower().partition(".")
        self._catalog(catalog)
        for schema in self.catalog.schemas() if catalog == self.catalog.name else []:
            if schema["name"] == name:
                return schema
        raise _missing("schema", full_name)

    @staticmethod
    def _required(request: Request, name: str) -> str:
        value = request.query.get(name, "")
        if not value:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required parameter: {name}")
        return value

    def _seen(self, request: Request, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What this user sees: without SELECT only the names that BROWSE shows, and on request."""
        if request.user == "full":
            return tables
        if not request.flag("include_browse"):
            return []
        hidden = ("view_definition", "storage_location", "properties")
        return [
            {k: v for k, v in table.items() if k not in hidden} | {"browse_only": True}
            for table in tables
        ]

    def list_tables(self, request: Request) -> dict[str, Any]:
        catalog = self._required(request, "catalog_name")
        schema = self._schema(f"{catalog}.{self._required(request, 'schema_name')}")
        tables = self._seen(request, self.catalog.tables(schema["name"]))
        dropped = {"delta_runtime_properties_kvpairs"}
        for parameter, key in (("omit_columns", "columns"), ("omit_properties", "properties")):
            if request.flag(parameter):
                dropped.add(key)
        if request.flag("omit_username"):
            dropped |= {"owner", "created_by", "updated_by"}
        tables = [{k: v for k, v in table.items() if k not in dropped} for table in tables]
        return self.page(request, "tables", tables)

    def _table(self, request: Request, full_name: str) -> dict[str, Any]:
        parts = full_name.lower().split(".")
        if len(parts) != 3:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"'{full_name}' is not a table name.")
        self._schema(f"{parts[0]}.{parts[1]}")
        table = self.catalog.table(parts[1], parts[2])
        seen = self._seen(request, [table]) if table else []
        if table and not seen:
            raise ApiError(
                403, "PERMISSION_DENIED", f"User does not have SELECT on Table '{full_name}'."
            )
        if not seen:
            raise _missing("table", full_name)
        return seen[0]

    def get_table(self, request: Request) -> dict[str, Any]:
        table = dict(self._table(request, request.segments[-1]))
        if request.flag("include_delta_metadata") and table["table_type"] != "VIEW":
            pairs = {k: v for k, v in table.get("properties", {}).items() if k.startswith("delta.")}
            table["delta_runtime_properties_kvpairs"] = {"delta_runtime_properties": pairs}
        return table

    def table_exists(self, request: Request) -> dict[str, Any]:
        try:
            self._table(request, request.segments[-2])
        except ApiError as error:
            if error.code != "TABLE_DOES_NOT_EXIST":
                raise
            return {"table_exists": False}
        return {"table_exists": True}

    def table_summaries(self, request: Request) -> dict[str, Any]:
        self._catalog(self._required(request, "catalog_name"))
        schema_like = _like(request.query.get("schema_name_pattern", "%"))
        table_like = _like(request.query.get("table_name_pattern", "%"))
        tables = [
            {"full_name": table["full_name"], "table_type": table["table_type"]}
            for schema in self.catalog.schemas()
            if schema_like.fullmatch(schema["name"])
            for table in self.catalog.tables(schema["name"])
            if table_like.fullmatch(table["name"])
        ]
        return self.page(request, "tables", tables)

    def metastore_assignment(self, request: Request) -> dict[str, Any]:
        return {
            "workspace_id": int(ORG_ID),
            "metastore_id": self.catalog.metastore_id,
            "default_catalog_name": self.catalog.name,
        }

    def permissions(self, request: Request) -> dict[str, Any]:
        effective = request.segments[-3] == "effective-permissions"
        kind, name = request.segments[-2].lower(), request.segments[-1]
        if kind == "catalog":
            self._catalog(name)
        elif kind == "schema":
            self._schema(name)
        elif kind == "table":
            if self.catalog.table(*(name.lower().split(".") + ["", ""])[1:3]) is None:
                raise _missing("table", name)
        else:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Unknown securable type {kind}.")
        wanted = request.query.get("max_results", "0")
        if wanted.isdigit() and 1 <= int(wanted) <= 149:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "max_results must be 0 or at least 150.")
        granted = {
            _USERS["full"]: ["USE_CATALOG", "USE_SCHEMA", "SELECT", "BROWSE", "EXECUTE"],
            _USERS["limited"]: ["USE_CATALOG", "BROWSE"],
        }
        assignments = []
        for principal, privileges in granted.items():
            if request.query.get("principal", principal) != principal:
                continue
            if not effective:
                privileges = privileges if kind == "catalog" else []
                entries: list[Any] = list(privileges)
            else:
                origin = {
                    "inherited_from_type": "CATALOG",
                    "inherited_from_name": self.catalog.name,
                }
                inherited = origin if kind != "catalog" else {}
                entries = [{"privilege": privilege, **inherited} for privilege in privileges]
            if entries:
                assignments.append({"principal": principal, "privileges": entries})
        return {"privilege_assignments": assignments}

    def table_credentials(self, request: Request) -> dict[str, Any]:
        if request.body.get("operation") not in ("READ", "READ_WRITE"):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "operation must be READ or READ_WRITE.")
        table = self.catalog.by_id(str(request.body.get("table_id")))
        if table is None:
            raise _missing("table", str(request.body.get("table_id")))
        sas_file = self._config.get("sas_file")
        guarded = "row_filter" in table or any("mask" in c for c in table["columns"])
        allowed = request.user == "full" and table["table_type"] != "VIEW" and not guarded
        if not sas_file or not allowed or request.body["operation"] == "READ_WRITE":
            raise ApiError(
                403,
                "PERMISSION_DENIED",
                f"User does not have EXTERNAL USE SCHEMA on Schema '{table['schema_name']}'.",
            )
        sas = Path(sas_file).read_text("utf-8").strip()
        return {
            "azure_user_delegation_sas": {"sas_token": sas},
            "expiration_time": int((time.time() + 3600) * 1000),
            "url": table["storage_location"],
        }

    # --- the rest of the workspace --------------------------------------------

    def me(self, request: Request) -> dict[str, Any]:
        name = _USERS[request.user]
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": str(int(stable_id("user", name)[:8], 16)),
            "userName": name,
            "displayName": name.partition("@")[0],
            "active": True,
            "emails": [{"type": "work", "value": name, "primary": True}],
            "groups": [{"display": "users", "type": "direct", "value": "1"}],
        }

    def get_cluster(self, request: Request) -> dict[str, Any]:
        return self.clusters.get(self._required(request, "cluster_id"))

    def list_clusters(self, request: Request) -> dict[str, Any]:
        return {"clusters": self.clusters.list()}

    def start_cluster(self, request: Request) -> dict[str, Any]:
        self.clusters.start(str(request.body.get("cluster_id", "")))
        return {}

    def delete_cluster(self, request: Request) -> dict[str, Any]:
        self.clusters.delete(str(request.body.get("cluster_id", "")))
        return {}


def _like(pattern: str) -> re.Pattern[str]:
    """SQL LIKE, any letter case."""
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.IGNORECASE)
