"""The lakehouse judged by independent clients: databricks-sdk, deltalake and azure-storage-blob.

    python -m pytest tools/lakehouse

brings one lakehouse up (TPC-H scale 0.01), tests it, and ends it. Azurite is found as lakehouse.py
finds it: AZURITE_PATH or the cache.
"""

from __future__ import annotations

import http.client
import json
import os
import stat
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from databricks.sdk.service import catalog as uc
from databricks.sdk.service.compute import ClusterPermissionLevel, State
from deltalake import DeltaTable

from front_driver import as_lines, client, control, expected_lines, secret


def names_of(lake: dict[str, Any], schema: str) -> set[str]:
    return {t["table"] for t in lake["tables"] if t["schema"] == schema}


# --- signing in ----------------------------------------------------------------


def service_principal(lake: Any, client_secret: str) -> WorkspaceClient:
    discovery = "/oidc/.well-known/oauth-authorization-server"
    return WorkspaceClient(
        config=Config(
            host=lake["workspace"],
            discovery_url=lake["workspace"] + discovery,
            client_id="app-1",
            client_secret=client_secret,
            auth_type="oauth-m2m",
        )
    )


def test_sdk_signs_in_as_a_service_principal(lake: Any) -> None:
    control(lake, "POST", "oauth", {"client_id": "app-1", "client_secret": "dose-secret-1"})
    try:
        principal = service_principal(lake, "dose-secret-1")
        assert principal.current_user.me().user_name == "owner@example.com"
        control(lake, "POST", "oauth", {"revoke": True})
        with pytest.raises(PermissionDenied):
            principal.current_user.me()
        with pytest.raises(ValueError, match="invalid_client"):
            service_principal(lake, "dose-wrong").current_user.me()
    finally:
        control(lake, "DELETE", "oauth")


# --- Unity Catalog -------------------------------------------------------------


def test_sdk_lists_everything_through_pages(lake: Any, workspace: WorkspaceClient) -> None:
    control(lake, "DELETE", "log")
    assert "main" in {c.name for c in workspace.catalogs.list(max_results=1)}
    schemas = {s.name for s in workspace.schemas.list("main", max_results=2)}
    assert {"corpus", "tpch", "default", "guarded"} <= schemas
    tables = list(workspace.tables.list("main", "corpus", max_results=0))
    assert len({t.name for t in tables}) == len(tables)
    assert {t.name for t in tables} == names_of(lake, "corpus") | {"v1"}
    pages = [e for e in control(lake, "GET", "log") if "/tables?" in e["path"]]
    assert len(pages) == -(-len(tables) // 4)
    assert list(workspace.tables.list("main", "default", max_results=0)) == []


def test_max_results_is_honoured_and_capped(lake: Any, workspace: WorkspaceClient) -> None:
    control(lake, "POST", "synthetic", {"schema": "many", "like": "corpus.plain", "count": 1000})
    control(lake, "DELETE", "log")
    assert len(list(workspace.tables.list("main", "many", max_results=500))) == 1000
    assert len(control(lake, "GET", "log")) == 10, "the server lowers 500 to its cap of 100"


def test_every_table_parses_into_the_models(lake: Any, workspace: WorkspaceClient) -> None:
    for table in lake["tables"]:
        info = workspace.tables.get(f"main.{table['schema']}.{table['table']}")
        assert info.table_type == uc.TableType.EXTERNAL
        assert info.data_source_format == uc.DataSourceFormat.DELTA
        assert info.storage_location == table["location"]
        assert info.table_id and info.updated_at and info.created_at
        for position, column in enumerate(info.columns or []):
            assert column.position == position
            assert isinstance(column.type_name, uc.ColumnTypeName), column
            field = json.loads(column.type_json or "")
            assert field["name"] == column.name
            assert field["nullable"] == column.nullable
        if table["expected"]:
            expected = json.loads(Path(table["expected"]).read_text("utf-8"))
            parts = [c for c in info.columns or [] if c.partition_index is not None]
            parts.sort(key=lambda c: c.partition_index or 0)
            assert [c.name for c in parts] == expected["partition_columns"]
            for column, wanted in zip(info.columns or [], expected["columns"] or []):
                assert column.name == wanted["name"]
                assert column.type_text == wanted.get("declared", wanted["type"])
                assert column.comment == wanted["comment"]


def test_table_answers_tell_what_the_log_says(workspace: WorkspaceClient) -> None:
    plain = workspace.tables.get("main.corpus.plain", include_delta_metadata=True)
    assert plain.comment == "a plain table; two files"
    assert plain.delta_runtime_properties_kvpairs is not None
    columns = {c.name: c for c in plain.columns or []}
    assert columns["amount"].type_name == uc.ColumnTypeName.DECIMAL
    assert (columns["amount"].type_precision, columns["amount"].type_scale) == (10, 2)
    assert columns["name"].comment == "its 'name', or none"
    view = workspace.tables.get("main.corpus.v1")
    assert view.table_type == uc.TableType.VIEW and view.storage_location is None
    assert view.view_definition and "SELECT" in view.view_definition
    masked = workspace.tables.get("main.guarded.masked")
    assert [c.name for c in masked.columns or [] if c.mask] == ["name"]
    filtered = workspace.tables.get("main.guarded.filtered")
    assert filtered.row_filter and filtered.row_filter.input_column_names == ["id"]


def test_existence_summaries_assignment_and_me(workspace: WorkspaceClient) -> None:
    assert workspace.tables.exists("main.corpus.plain").table_exists is True
    assert workspace.tables.exists("main.corpus.nothing").table_exists is False
    found = workspace.tables.list_summaries(
        "main", schema_name_pattern="corpus", table_name_pattern="%parts", max_results=2
    )
    names = {t.full_name for t in found}
    assert names == {f"main.corpus.{n}" for n in ("parts", "odd_parts", "bad_parts", "typed_parts")}
    assert workspace.metastores.current().default_catalog_name == "main"
    assert workspace.current_user.me().user_name == "owner@example.com"


def test_names_that_do_not_exist(workspace: WorkspaceClient) -> None:
    for name in ("main.corpus.nothing", "main.nothing.plain", "nothing.corpus.plain"):
        with pytest.raises(NotFound, match="does not exist"):
            workspace.tables.get(name)


def test_wrong_and_missing_tokens(lake: Any) -> None:
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        list(client(lake, "dapi-wrong").tables.list("main", "corpus"))
    connection = http.client.HTTPConnection(urlsplit(lake["workspace"]).netloc, timeout=10)
    connection.request("GET", "/api/2.1/unity-catalog/catalogs")
    assert connection.getresponse().status == 401
    connection.close()


def test_rights_of_both_users(lake: Any, workspace: WorkspaceClient) -> None:
    grants = workspace.grants.get_effective("table", "main.corpus.plain").privilege_assignments
    held = {p.privilege for a in grants or [] for p in a.privileges or []}
    assert uc.Privilege.SELECT in held
    limited = client(lake, secret(lake, "limited_token"))
    assert list(limited.tables.list("main", "corpus")) == []
    seen = list(limited.tables.list("main", "corpus", include_browse=True))
    assert seen and all(t.browse_only and t.storage_location is None for t in seen)
    with pytest.raises(PermissionDenied, match="USE SCHEMA"):
        limited.tables.get("main.corpus.plain")


def test_page_tokens_are_checked(workspace: WorkspaceClient) -> None:
    def get(**query: Any) -> Any:
        base = {"catalog_name": "main", "schema_name": "corpus", "max_results": 2}
        return workspace.api_client.do(
            "GET", "/api/2.1/unity-catalog/tables", query={**base, **query}
        )

    token = get()["next_page_token"]
    assert len(get(page_token=token)["tables"]) == 2
    with pytest.raises((BadRequest, InvalidParameterValue), match="page token"):
        get(page_token=token, schema_name="tpch")
    with pytest.raises((BadRequest, InvalidParameterValue), match="page token"):
        get(page_token="anything")
    with pytest.raises((BadRequest, InvalidParameterValue), match="negative"):
        get(max_results=-1)


# --- faults --------------------------------------------------------------------


def test_throttling_is_outlived(workspace: WorkspaceClient, faults: Any) -> None:
    faults(
        match="/tables/", status=429, error_code="REQUEST_LIMIT_EXCEEDED", retry_after=1, count=2
    )
    started = time.monotonic()
    assert workspace.tables.get("main.corpus.plain").name == "plain"
    assert time.monotonic() - started >= 2


def test_an_empty_page_with_a_token_is_no_end(
    lake: Any, workspace: WorkspaceClient, faults: Any
) -> None:
    faults(match="/tables[?]", page="empty", count=1, after=1)
    found = {t.name for t in workspace.tables.list("main", "corpus", max_results=5)}
    assert found == names_of(lake, "corpus") | {"v1"}


def test_answers_cut_short_late_or_foreign(lake: Any, faults: Any) -> None:
    def get() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(lake["workspace"]).netloc, timeout=10)
        headers = {"Authorization": f"Bearer {secret(lake, 'token')}"}
        try:
            connection.request("GET", "/api/2.1/unity-catalog/catalogs", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    faults(match="/catalogs", drop="before", count=1)
    with pytest.raises(ConnectionError):
        get()
    faults(match="/catalogs", drop="body", count=1)
    with pytest.raises(http.client.IncompleteRead):
        get()
    faults(match="/catalogs", html=True, count=1)
    status, body = get()
    assert status == 200 and body.startswith(b"<!DOCTYPE html>")
    faults(match="/catalogs", status=401, error_code="UNAUTHENTICATED", count=1)
    assert get()[0] == 401
    faults(match="/catalogs", delay_ms=300, count=1)
    started = time.monotonic()
    assert get()[0] == 200
    assert time.monotonic() - started >= 0.3


def test_rotated_token(lake: Any) -> None:
    path = Path(lake["token_file"])
    old = path.read_text("utf-8")
    try:
        path.write_text("dapi-new", "utf-8")
        with pytest.raises((PermissionDenied, Unauthenticated)):
            client(lake, old).current_user.me()
        assert client(lake, "dapi-new").current_user.me().active
    finally:
        path.write_text(old, "utf-8")


# --- clusters ------------------------------------------------------------------


def test_cluster_states_follow_the_clock(lake: Any, workspace: WorkspaceClient) -> None:
    by_name = {c.cluster_name: c for c in workspace.clusters.list()}
    assert by_name["lakehouse"].cluster_id == lake["cluster"]
    stopped = by_name["stopped"].cluster_id or ""
    assert workspace.clusters.get(stopped).state == State.TERMINATED
    workspace.clusters.start(stopped)
    assert workspace.clusters.get(stopped).state == State.PENDING
    deadline = time.monotonic() + 10
    while workspace.clusters.get(stopped).state != State.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with pytest.raises(NotFound, match="does not exist"):
        workspace.clusters.get("0000-000000-nothing0")
    rights = workspace.clusters.get_permissions(lake["cluster"]).access_control_list or []
    levels = {a.user_name or a.group_name: a.all_permissions for a in rights}
    assert levels["users"][0].permission_level == ClusterPermissionLevel.CAN_ATTACH_TO
    with pytest.raises(PermissionDenied, match="CAN_MANAGE"):
        client(lake, secret(lake, "limited_token")).clusters.get_permissions(lake["cluster"])
    with pytest.raises(BadRequest):
        workspace.clusters.start(lake["cluster"])


# --- storage -------------------------------------------------------------------


def container(lake: dict[str, Any], sas: str) -> ContainerClient:
    return ContainerClient(lake["endpoint"], lake["container"], credential=sas)


def test_secrets_are_private_and_not_in_the_description(lake: Any) -> None:
    text = json.dumps(lake)
    for name in ("token", "limited_token", "sas", "expired_sas"):
        path = Path(lake[f"{name}_file"])
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert path.read_text("utf-8") not in text
    for process in lake["processes"]:
        command = Path(f"/proc/{process['pid']}/cmdline").read_bytes().decode()
        assert secret(lake, "token") not in command
        assert Path(lake["token_file"]).with_name("azurite.key").read_text("utf-8") not in command


def test_the_sas_reads_and_the_expired_one_does_not(lake: Any) -> None:
    names = [b.name for b in container(lake, secret(lake, "sas")).list_blobs("corpus/plain/")]
    assert any(name.endswith(".parquet") for name in names)
    with pytest.raises(HttpResponseError) as refused:
        list(container(lake, secret(lake, "expired_sas")).list_blobs("corpus/plain/"))
    assert refused.value.status_code == 403
    with pytest.raises(HttpResponseError) as refused:
        container(lake, secret(lake, "sas")).upload_blob("corpus/new", b"x")
    assert refused.value.status_code == 403


def test_vended_credentials_read(lake: Any, workspace: WorkspaceClient) -> None:
    table_id = workspace.tables.get("main.corpus.plain").table_id or ""
    vended = workspace.temporary_table_credentials.generate_temporary_table_credentials(
        table_id=table_id, operation=uc.TableOperation.READ
    )
    assert vended.azure_user_delegation_sas and vended.url
    sas = vended.azure_user_delegation_sas.sas_token or ""
    assert list(container(lake, sas).list_blobs("corpus/plain/_delta_log/"))


@pytest.mark.parametrize("table", ["odd_parts", "bad_parts", "renamed", "typed_parts"])
def test_a_path_of_the_log_decoded_once_names_the_blob(lake: Any, table: str) -> None:
    blobs = container(lake, secret(lake, "sas"))
    folder = Path(next(t["folder"] for t in lake["tables"] if t["table"] == table))
    seen = 0
    for commit in sorted((folder / "_delta_log").glob("*.json")):
        for line in commit.read_text("utf-8").splitlines():
            add = json.loads(line).get("add")
            if add:
                name = f"corpus/{table}/{unquote(add['path'])}"
                assert blobs.get_blob_client(name).get_blob_properties().size == add["size"]
                seen += 1
    assert seen


def open_table(lake: dict[str, Any], schema: str, table: str) -> DeltaTable:
    options = {
        "azure_storage_account_name": lake["account"],
        "azure_storage_endpoint": lake["endpoint"],
        "azure_storage_sas_key": secret(lake, "sas"),
        "allow_http": "true",
    }
    return DeltaTable(f"az://{lake['container']}/{schema}/{table}", storage_options=options)


# What deltalake 1.6 can read through pyarrow. It refuses deletion vectors, v2 checkpoints and type
# widening, reads columns under column mapping as nulls, and does not pad char(n).
@pytest.mark.parametrize(
    "table",
    [
        "bad_parts",
        "checkpointed",
        "clustered",
        "empty",
        "generated",
        "identity",
        "instants",
        "nested",
        "odd_parts",
        "parts",
        "plain",
        "tpch_tiny",
        "tracked",
        "types",
    ],
)
def test_deltalake_reads_from_azurite_what_spark_read(lake: Any, table: str) -> None:
    found = open_table(lake, "corpus", table).to_pyarrow_table()
    assert as_lines(found) == expected_lines(lake, table)


def test_tpch_row_counts_and_partitions(lake: Any) -> None:
    rows = {t["table"]: t["rows"] for t in lake["tables"] if t["schema"] == "tpch"}
    assert rows == {
        "customer": 1500,
        "lineitem": 60175,
        "nation": 25,
        "orders": 15000,
        "part": 2000,
        "partsupp": 8000,
        "region": 5,
        "supplier": 100,
    }
    lineitem = open_table(lake, "tpch", "lineitem")
    assert lineitem.metadata().partition_columns == ["l_shipmonth"]
    month = lineitem.to_pyarrow_table(filters=[("l_shipmonth", "=", "1995-03")])
    assert {d.strftime("%Y-%m") for d in month["l_shipdate"].to_pylist()} == {"1995-03"}


def test_counts_of_the_description_are_what_spark_counted(lake: Any) -> None:
    for table in lake["tables"]:
        if table["expected"]:
            expected = json.loads(Path(table["expected"]).read_text("utf-8"))
            assert table["version"] == expected["delta_version"], table
            if expected["read_by_spark"]:
                assert table["rows"] == expected["rows"], table
