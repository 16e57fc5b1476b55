"""What the workspace front answers, one method an endpoint: Unity Catalog, identity, clusters.

Paging, errors and rights follow the public REST reference; workspace_front.py does the HTTP.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clusters import Cluster, Clusters, warehouse_info
from faults import Faults, RequestLog
from grants import Grants
from open_server import OpenServer
from paging import ApiError, Pages, Request
from sign_in import SignIns
from sql_front import SqlFront
from sql_rows import SqlSettings
from unity_catalog import OWNER, Catalog, Schema, stable_id
from vending import Vending

ORG_ID = "4242424242424242"
LIMITED = "limited@example.com"
_TOKEN_FILES = {"token_file": OWNER, "limited_token_file": LIMITED}
_NOT_FOUND = {
    "catalog": "CATALOG_DOES_NOT_EXIST",
    "schema": "SCHEMA_DOES_NOT_EXIST",
    "table": "TABLE_DOES_NOT_EXIST",
}


def _missing(kind: str, name: str) -> ApiError:
    return ApiError(404, _NOT_FOUND[kind], f"{kind.title()} '{name}' does not exist.")


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
        self.clusters = _clusters(config.get("clusters", []))
        self.warehouses = _clusters(config.get("warehouses", []))
        settings = SqlSettings()
        settings.change(config.get("sql", {}))
        self.sql = SqlFront(settings, self.partition_columns, self.refusal, self.catalog.name)
        self.grants = Grants(self.catalog.name, OWNER, LIMITED)
        self.sign_ins = SignIns(OWNER)
        self.vending = Vending(config.get("key_file", ""))
        self.faults = Faults()
        self.log = RequestLog()
        self.open_server: OpenServer | None = None
        if config.get("dialect") == "open":
            known = self.user_by_token if config.get("authorization", True) else None
            self.open_server = OpenServer(self.catalog, self.grants, self.vending, known)
        self._reset_tables()
        self._pages = Pages(int(config.get("page_size", 50)), int(config.get("page_cap", 100)))

    def user_of(self, header: str | None) -> str:
        """The user's name. The files are read each time, so that a test can rotate a token."""
        if not header or not header.startswith("Bearer "):
            raise ApiError(
                401,
                "401",
                "Credential was not sent or was of an unsupported type for this API.",
            )
        user = self.user_by_token(header.removeprefix("Bearer ").strip())
        if user is None:
            raise ApiError(403, "403", "Invalid access token.")
        return user

    def user_by_token(self, given: str) -> str | None:
        for key, user in _TOKEN_FILES.items():
            if self._config.get(key):
                token = Path(self._config[key]).read_text("utf-8").strip().encode()
                if token and hmac.compare_digest(given.encode(), token):
                    return user
        return self.sign_ins.user_of(given)

    # --- what SQL asks of the catalog ------------------------------------------

    def partition_columns(self, schema: str, table: str) -> list[str]:
        """In their order; none for what is not partitioned or not there."""
        info = self.catalog.table(schema, table) or {"columns": []}
        columns = [c for c in info["columns"] if c.get("partition_index") is not None]
        return [c["name"] for c in sorted(columns, key=lambda c: c["partition_index"])]

    def refusal(self, user: str, schema: str, table: str) -> str | None:
        """Why the user may not read the table by SQL; None if he may or there is no such table."""
        if self.catalog.table(schema, table) is None:
            return None
        return self.grants.missing_to_read(user, f"{self.catalog.name}.{schema}.{table}")

    # --- Unity Catalog --------------------------------------------------------

    def list_catalogs(self, request: Request) -> dict[str, Any]:
        return self._pages.page(request, "catalogs", self.catalog.catalogs())

    def get_catalog(self, request: Request) -> dict[str, Any]:
        return self._catalog(request.segments[-1])

    def _catalog(self, name: str) -> dict[str, Any]:
        for catalog in self.catalog.catalogs():
            if catalog["name"] == name.lower():
                return catalog
        raise _missing("catalog", name)

    def list_schemas(self, request: Request) -> dict[str, Any]:
        name = request.required("catalog_name")
        self._catalog(name)
        schemas = self.catalog.schemas() if name.lower() == self.catalog.name else []
        return self._pages.page(request, "schemas", schemas)

    def get_schema(self, request: Request) -> dict[str, Any]:
        return self._schema(request.segments[-1])

    def _schema(self, full_name: str) -> dict[str, Any]:
        catalog, _, name = full_name.lower().partition(".")
        self._catalog(catalog)
        for schema in self.catalog.schemas() if catalog == self.catalog.name else []:
            if schema["name"] == name:
                return schema
        raise _missing("schema", full_name)

    def _seen(self, request: Request, table: dict[str, Any]) -> dict[str, Any] | None:
        """As this user sees it: without SELECT only what BROWSE shows, and only on request."""
        if self.grants.missing_to_read(request.user, table["full_name"]) is None:
            return table
        browses = self.grants.holds(request.user, "BROWSE", "table", table["full_name"])
        if not browses or not request.flag("include_browse"):
            return None
        hidden = ("view_definition", "storage_location", "properties")
        return {k: v for k, v in table.items() if k not in hidden} | {"browse_only": True}

    def list_tables(self, request: Request) -> dict[str, Any]:
        catalog = request.required("catalog_name")
        schema = self._schema(f"{catalog}.{request.required('schema_name')}")["name"]
        names = self.catalog.table_names(schema)
        if not self.grants.holds(request.user, "SELECT", "schema", f"{self.catalog.name}.{schema}"):
            tables = ((name, self.catalog.table(schema, name)) for name in names)
            names = [name for name, table in tables if table and self._seen(request, table)]
        dropped = {"delta_runtime_properties_kvpairs"}
        for parameter, key in (("omit_columns", "columns"), ("omit_properties", "properties")):
            if request.flag(parameter):
                dropped.add(key)
        if request.flag("omit_username"):
            dropped |= {"owner", "created_by", "updated_by"}

        def show(name: str) -> dict[str, Any] | None:
            table = self.catalog.table(schema, name)
            table = table and self._seen(request, self._owned(table))
            return table and {k: v for k, v in table.items() if k not in dropped}

        return self._pages.page(request, "tables", names, show)

    def _owned(self, table: dict[str, Any]) -> dict[str, Any]:
        owner = self.grants.owner("table", table["full_name"])
        return table if owner == table["owner"] else {**table, "owner": owner}

    def _table(self, request: Request, full_name: str) -> dict[str, Any]:
        parts = full_name.lower().split(".")
        if len(parts) != 3:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"'{full_name}' is not a table name.")
        self._schema(f"{parts[0]}.{parts[1]}")
        table = self.catalog.table(parts[1], parts[2])
        if table is None:
            raise _missing("table", full_name)
        seen = self._seen(request, self._owned(table))
        if seen is None:
            reason = self.grants.missing_to_read(request.user, table["full_name"])
            raise ApiError(403, "PERMISSION_DENIED", reason or "")
        return seen

    def get_table(self, request: Request) -> dict[str, Any]:
        table = dict(self._table(request, request.segments[-1]))
        if request.flag("include_delta_metadata") and table["data_source_format"] == "DELTA":
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
        self._catalog(request.required("catalog_name"))
        schema_like = _like(request.query.get("schema_name_pattern", "%"))
        table_like = _like(request.query.get("table_name_pattern", "%"))
        keys = [
            (schema, name)
            for schema in self.catalog.schema_names()
            if schema_like.fullmatch(schema)
            for name in self.catalog.table_names(schema)
            if table_like.fullmatch(name)
        ]

        def show(key: tuple[str, str]) -> dict[str, Any] | None:
            table = self.catalog.table(*key)
            return table and {k: table[k] for k in ("full_name", "table_type")}

        return self._pages.page(request, "tables", keys, show)

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
            parts = name.lower().split(".")
            if len(parts) != 3 or self.catalog.table(parts[1], parts[2]) is None:
                raise _missing("table", name)
        else:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Unknown securable type {kind}.")
        name, wanted = name.lower(), request.query.get("max_results", "0")
        if wanted.isdigit() and 1 <= int(wanted) <= 149:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "max_results must be 0 or at least 150.")
        principal = request.query.get("principal")
        own = principal in (request.user, *self.grants.groups(request.user))
        may_see = self.grants.owns(request.user, kind, name)
        may_see = may_see or self.grants.holds(request.user, "MANAGE", kind, name)
        if not own and not may_see:
            raise ApiError(
                403, "PERMISSION_DENIED", f"User does not have MANAGE on {kind.title()} '{name}'."
            )
        assignments = [
            {"principal": holder, "privileges": privileges}
            for holder, privileges in self._privileges(kind, name, effective).items()
            if principal in (None, holder)
        ]
        return {"privilege_assignments": assignments}

    def _privileges(self, kind: str, name: str, effective: bool) -> dict[str, list[Any]]:
        if not effective:
            return {p: list(held) for p, held in self.grants.direct(kind, name).items()}
        result: dict[str, list[Any]] = {}
        for principal, held in self.grants.effective(kind, name).items():
            result[principal] = [
                {"privilege": privilege}
                if origin == (kind, name)
                else {
                    "privilege": privilege,
                    "inherited_from_type": origin[0].upper(),
                    "inherited_from_name": origin[1],
                }
                for privilege, origin in held
            ]
        return result

    def table_credentials(self, request: Request) -> dict[str, Any]:
        if request.body.get("operation") not in ("READ", "READ_WRITE"):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "operation must be READ or READ_WRITE.")
        table = self.catalog.by_id(str(request.body.get("table_id")))
        if table is None:
            raise _missing("table", str(request.body.get("table_id")))
        schema = f"{self.catalog.name}.{table['schema_name']}"
        reason = self.grants.missing_to_read(request.user, table["full_name"])
        if not self.vending.external_access:
            reason = "External access is not enabled on the metastore."
        elif not self.grants.holds(request.user, "EXTERNAL_USE_SCHEMA", "schema", schema):
            reason = f"User does not have EXTERNAL USE SCHEMA on Schema '{schema}'."
        elif "row_filter" in table or any("mask" in column for column in table["columns"]):
            reason = "Table with a row filter or column mask cannot be accessed from outside."
        elif request.body["operation"] == "READ_WRITE":
            reason = reason or f"User does not have MODIFY on Table '{table['full_name']}'."
        if reason:
            raise ApiError(403, "PERMISSION_DENIED", reason)
        if table.get("storage_location") is None or table["data_source_format"] != "DELTA":
            raise ApiError(
                400, "INVALID_PARAMETER_VALUE", f"No credentials for a {table['table_type']}."
            )
        return self.vending.credentials(table["storage_location"])

    # --- the rest of the workspace --------------------------------------------

    def me(self, request: Request) -> dict[str, Any]:
        name = request.user
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": str(int(stable_id("user", name)[:8], 16)),
            "userName": name,
            "displayName": name.partition("@")[0],
            "active": True,
            "emails": [{"type": "work", "value": name, "primary": True}],
            "groups": [
                {"display": group, "type": "direct", "value": str(number)}
                for number, group in enumerate(self.grants.groups(name), 1)
            ],
        }

    def get_cluster(self, request: Request) -> dict[str, Any]:
        return self.clusters.get(request.required("cluster_id"))

    def list_clusters(self, request: Request) -> dict[str, Any]:
        return {"clusters": self.clusters.list()}

    def start_cluster(self, request: Request) -> dict[str, Any]:
        self.clusters.start(str(request.body.get("cluster_id", "")))
        return {}

    def delete_cluster(self, request: Request) -> dict[str, Any]:
        self.clusters.delete(str(request.body.get("cluster_id", "")))
        return {}

    def cluster_permissions(self, request: Request) -> dict[str, Any]:
        """Everyone may attach, the owner manages; only who manages may ask."""
        cluster_id = request.segments[-1]
        self.clusters.get(cluster_id)
        if request.user != OWNER:
            message = f"{request.user} does not have CAN_MANAGE on Cluster {cluster_id}"
            raise ApiError(403, "PERMISSION_DENIED", message)
        levels = [("user_name", OWNER, "CAN_MANAGE"), ("group_name", "users", "CAN_ATTACH_TO")]
        return {
            "object_id": f"/clusters/{cluster_id}",
            "object_type": "cluster",
            "access_control_list": [
                {kind: name, "all_permissions": [{"permission_level": level, "inherited": False}]}
                for kind, name, level in levels
            ],
        }

    def list_warehouses(self, request: Request) -> dict[str, Any]:
        return {"warehouses": [warehouse_info(info) for info in self.warehouses.list()]}

    def get_warehouse(self, request: Request) -> dict[str, Any]:
        return warehouse_info(self.warehouses.get(self._warehouse(request.segments[-1])))

    def start_warehouse(self, request: Request) -> dict[str, Any]:
        name = self._warehouse(request.segments[-2])
        if self.warehouses.get(name)["state"] == "TERMINATED":
            self.warehouses.start(name)
        return {}

    def stop_warehouse(self, request: Request) -> dict[str, Any]:
        self.warehouses.delete(self._warehouse(request.segments[-2]))
        return {}

    def _warehouse(self, name: str) -> str:
        if not self.warehouses.has(name):
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {name} does not exist.")
        return name

    def controls(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        """What a test may ask for below /__front/, by method and name."""
        return {
            ("POST", "fault"): self.faults.add,
            ("GET", "fault"): lambda _: self.faults.pending(),
            ("DELETE", "fault"): lambda _: self.faults.clear(),
            ("DELETE", "log"): lambda _: self.log.clear(),
            ("POST", "cluster"): self.control_compute,
            ("POST", "sql"): self.sql.settings.change,
            ("DELETE", "sql"): lambda _: self.sql.settings.reset(),
            ("POST", "expire-links"): lambda _: self.sql.links.expire_all(),
            ("POST", "grants"): self.grants.change,
            ("DELETE", "grants"): lambda _: self.grants.reset(),
            ("POST", "oauth"): self.sign_ins.change,
            ("DELETE", "oauth"): lambda _: self.sign_ins.reset(),
            ("POST", "vending"): self.vending.change,
            ("DELETE", "vending"): lambda _: self.vending.reset(),
            ("POST", "table"): self.catalog.put,
            ("POST", "synthetic"): lambda body: self.catalog.add_synthetic(**body),
            ("DELETE", "table"): lambda _: self._reset_tables(),
        }

    def _reset_tables(self) -> None:
        """The tables as the configuration has them."""
        self.catalog.reset()
        for entry in self._config.get("tables", []):
            self.catalog.put(entry)

    def control_compute(self, change: dict[str, Any]) -> dict[str, Any]:
        """A test sets the state of a cluster or a warehouse; what ran there is gone if it stops."""
        name = str(change.get("cluster_id"))
        known = self.warehouses if self.warehouses.has(name) else self.clusters
        info = known.control(change)
        if info["state"] not in ("RUNNING", "RESIZING"):
            self.sql.end_sessions(name)
        return info


def _clusters(entries: list[dict[str, Any]]) -> Clusters:
    return Clusters(
        [
            Cluster(
                entry["id"],
                entry.get("name", entry["id"]),
                entry.get("state", "RUNNING"),
                float(entry.get("start_seconds", 1)),
                bool(entry.get("fails", False)),
            )
            for entry in entries
        ]
    )


def _like(pattern: str) -> re.Pattern[str]:
    """SQL LIKE, any letter case."""
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.IGNORECASE)
