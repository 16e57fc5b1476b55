"""The workspace's catalog under change: rights, vended credentials, tables that come and go."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import azurite
import pytest
import synthetic_log
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service import catalog as uc
from deltalake import DeltaTable

import delta_log
from front_driver import client, control, secret

LIMITED = "limited@example.com"


@pytest.fixture
def limited(lake: dict[str, Any]) -> WorkspaceClient:
    return client(lake, secret(lake, "limited_token"))


# --- rights --------------------------------------------------------------------


def names(found: Any) -> list[str | None]:
    return [table.name for table in found]


def test_select_on_some_tables_shows_those(limited: WorkspaceClient, changes: Any) -> None:
    changes("grants", type="schema", name="main.corpus", principal=LIMITED, grant=["USE_SCHEMA"])
    for table in ("plain", "types"):
        name = f"main.corpus.{table}"
        changes("grants", type="table", name=name, principal="analysts", grant=["SELECT"])
    with pytest.raises(PermissionDenied, match="SELECT on Table 'main.corpus.plain'"):
        limited.tables.get("main.corpus.plain")
    changes("grants", principal=LIMITED, groups=["analysts"])
    assert limited.tables.get("main.corpus.plain").storage_location
    assert names(limited.tables.list("main", "corpus")) == ["plain", "types"]
    everything = limited.tables.list("main", "corpus", include_browse=True)
    browsed = {table.name: table.browse_only for table in everything}
    assert browsed["plain"] is False and browsed["parts"] is True
    assert [g.display for g in limited.current_user.me().groups or []] == ["users", "analysts"]


def test_rights_are_inherited_owned_and_taken_away(
    workspace: WorkspaceClient, limited: WorkspaceClient, changes: Any
) -> None:
    changes(
        "grants", type="schema", name="main.tpch", principal=LIMITED, grant=["USE_SCHEMA", "SELECT"]
    )
    assert len(list(limited.tables.list("main", "tpch"))) == 8
    own = limited.grants.get_effective("table", "main.tpch.nation", principal=LIMITED)
    held = {p.privilege: p for a in own.privilege_assignments or [] for p in a.privileges or []}
    assert held[uc.Privilege.SELECT].inherited_from_name == "main.tpch"
    assert held[uc.Privilege.USE_CATALOG].inherited_from_type == uc.SecurableType.CATALOG
    assert workspace.grants.get("table", "main.tpch.nation").privilege_assignments in (None, [])
    with pytest.raises(PermissionDenied, match="MANAGE"):
        limited.grants.get_effective("table", "main.tpch.nation")
    changes("grants", type="schema", name="main.tpch", principal=LIMITED, revoke=["SELECT"])
    with pytest.raises(PermissionDenied, match="SELECT"):
        limited.tables.get("main.tpch.nation")
    changes("grants", type="table", name="main.tpch.nation", owner=LIMITED)
    assert limited.tables.get("main.tpch.nation").owner == LIMITED
    assert limited.grants.get_effective("table", "main.tpch.nation").privilege_assignments


# --- vended credentials --------------------------------------------------------


def vend(user: WorkspaceClient, table: str) -> Any:
    table_id = user.tables.get(f"main.{table}").table_id or ""
    return user.temporary_table_credentials.generate_temporary_table_credentials(
        table_id=table_id, operation=uc.TableOperation.READ
    )


def test_vended_credentials_live_as_long_as_told(
    lake: dict[str, Any], workspace: WorkspaceClient, changes: Any
) -> None:
    changes("vending", seconds=2)
    vended = vend(workspace, "corpus.plain")
    assert vended.azure_user_delegation_sas
    sas = vended.azure_user_delegation_sas.sas_token
    assert abs((vended.expiration_time or 0) / 1000 - time.time()) < 3
    blobs = ContainerClient(lake["endpoint"], lake["container"], credential=sas)
    assert list(blobs.list_blob_names(name_starts_with="corpus/plain/"))
    deadline = time.monotonic() + 20
    while True:
        try:
            list(blobs.list_blob_names(name_starts_with="corpus/plain/"))
        except HttpResponseError as error:
            assert error.status_code == 403
            return
        assert time.monotonic() < deadline


def test_vending_is_refused_for_its_reason(
    workspace: WorkspaceClient, limited: WorkspaceClient, changes: Any
) -> None:
    rights = {"principal": LIMITED, "grant": ["USE_SCHEMA", "ALL_PRIVILEGES"]}
    changes("grants", type="schema", name="main.corpus", **rights)
    with pytest.raises(PermissionDenied, match="EXTERNAL USE SCHEMA on Schema 'main.corpus'"):
        vend(limited, "corpus.plain")
    rights["grant"] = ["EXTERNAL_USE_SCHEMA"]
    changes("grants", type="schema", name="main.corpus", **rights)
    assert vend(limited, "corpus.plain").url.endswith("/corpus/plain")
    for table in ("guarded.masked", "guarded.filtered"):
        with pytest.raises(PermissionDenied, match="row filter or column mask"):
            vend(workspace, table)
    changes("vending", kind="aad")
    assert vend(workspace, "corpus.plain").azure_aad
    changes("vending", external_access=False)
    with pytest.raises(PermissionDenied, match="not enabled on the metastore"):
        vend(workspace, "corpus.plain")


# --- tables that come and go ---------------------------------------------------


def test_tables_appear_change_and_vanish_between_lists(
    lake: dict[str, Any], workspace: WorkspaceClient, changes: Any
) -> None:
    before = {t.name: t.updated_at for t in workspace.tables.list("main", "tpch")}
    changes("table", schema="tpch", name="added", like="corpus.parts")
    changes("table", schema="tpch", name="nation", change={"updated_at": 1_900_000_000_000})
    changes("table", schema="tpch", name="region", drop=True)
    after = {t.name: t for t in workspace.tables.list("main", "tpch")}
    assert set(after) == set(before) - {"region"} | {"added"}
    changed = {name for name in before if name in after and after[name].updated_at != before[name]}
    assert changed == {"nation"}
    assert [c.name for c in after["added"].columns or [] if c.partition_index is not None] == [
        "dt",
        "country",
    ]
    with pytest.raises(NotFound):
        workspace.tables.get("main.tpch.region")
    changes("table", schema="tpch", name="added", change={"table_type": "FOREIGN", "comment": "x"})
    assert workspace.tables.get("main.tpch.added").table_type == uc.TableType.FOREIGN
    control(lake, "DELETE", "table")
    assert {t.name: t.updated_at for t in workspace.tables.list("main", "tpch")} == before


def test_a_catalog_of_thousands_with_a_real_log_behind_some(
    lake: dict[str, Any], workspace: WorkspaceClient, changes: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "many_parts"
    synthetic_log.write(folder, partitions=100, files=2, checkpoint=True)
    key = Path(lake["token_file"]).with_name("azurite.key").read_text("utf-8")
    blobs = ContainerClient(lake["endpoint"], lake["container"], credential=key)
    azurite.upload(blobs, [(folder, "synthetic/many_parts")])
    changes("table", schema="models", name="many", folder=str(folder), prefix="synthetic")
    changes("synthetic", schema="many", like="models.many", count=10_000, real=500)
    changes("table", schema="many", name="t0007", change={"updated_at": 1_900_000_000_000})
    started = time.monotonic()
    found = list(workspace.tables.list("main", "many", max_results=100))
    print(f"10,000 tables listed in {time.monotonic() - started:.1f} s")
    assert [t.name for t in found] == [f"t{n:04d}" for n in range(10_000)]
    assert len({t.table_id for t in found}) == 10_000
    assert [t.name for t in found if t.updated_at == 1_900_000_000_000] == ["t0007"]
    assert len({t.storage_location for t in found}) == 9_501
    assert vend(workspace, "many.t0499").url == vend(workspace, "many.t0000").url
    options = {
        "azure_storage_account_name": lake["account"],
        "azure_storage_endpoint": lake["endpoint"],
        "azure_storage_sas_key": secret(lake, "sas"),
        "allow_http": "true",
    }
    read = DeltaTable("az://lake/synthetic/many_parts", storage_options=options)
    assert len(read.file_uris()) == 200
    snapshot = delta_log.read_snapshot(folder)
    wanted = sum(synthetic_log.rows_of(p, f) for p in range(100) for f in range(2))
    assert (snapshot.rows, len(snapshot.files)) == (wanted, 200)


# --- other kinds of tables -------------------------------------------------------


def test_other_kinds_are_listed_as_what_they_are(
    lake: dict[str, Any], workspace: WorkspaceClient
) -> None:
    found = {t.name: t for t in workspace.tables.list("main", "kinds")}
    for table in lake["kinds"]:
        info = found[table["table"]]
        assert info.data_source_format == uc.DataSourceFormat[table["format"].upper()]
        assert info.storage_location == table["location"]
        expected = json.loads(Path(table["expected"]).read_text("utf-8"))
        assert [c.type_text for c in info.columns or []] == [c["type"] for c in expected["columns"]]
        parts = {c.partition_index: c.name for c in info.columns or []}
        parts.pop(None, None)
        assert [parts[index] for index in sorted(parts)] == expected["partition_columns"]
    kinds = {name: info.table_type for name, info in found.items() if info.table_type}
    assert kinds["clone"] == uc.TableType.EXTERNAL_SHALLOW_CLONE
    assert kinds["streamed"] == uc.TableType.STREAMING_TABLE
    assert kinds["materialized"] == uc.TableType.MATERIALIZED_VIEW
    assert kinds["labels"] == uc.TableType.VIEW
    assert found["federated"].table_type == uc.TableType.FOREIGN
    assert found["federated"].storage_location is None
    assert (found["csv_parts"].properties or {})["option.sep"] == "|"


def test_files_of_other_kinds_lie_where_they_are_said_to(lake: dict[str, Any]) -> None:
    blobs = ContainerClient(lake["endpoint"], lake["container"], credential=secret(lake, "sas"))
    names = set(blobs.list_blob_names(name_starts_with="kinds/"))
    assert any(n.startswith("kinds/csv_parts/dt=2024-01-01/country=a%2Fb c/") for n in names)
    log = blobs.download_blob("kinds/clone/_delta_log/00000000000000000000.json").readall()
    paths = [json.loads(line)["add"]["path"] for line in log.splitlines() if b'"add"' in line]
    root = f"abfss://{lake['container']}@{lake['account']}.dfs.core.windows.net/"
    assert len(paths) == 2
    for path in paths:
        assert path.removeprefix(root) in names
