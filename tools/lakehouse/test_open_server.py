"""The open-source server's dialect: each difference that a client must take, on the wire and by
databricks-sdk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from databricks.sdk.errors import DatabricksError, InternalError, NotFound, Unauthenticated
from databricks.sdk.service import catalog as uc

from azurite import write_secret
from front_driver import client, connect, control, secret
from open_server import make_token

UC = "/api/2.1/unity-catalog"
OWNER, LIMITED = "owner@example.com", "limited@example.com"


@pytest.fixture(scope="module")
def server(lake: Any, start_front: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One with authorization, a page cap of 100, and a table at a place with odd letters."""
    folder = tmp_path_factory.mktemp("tokens")
    write_secret(folder / "token", make_token(OWNER, 3600))
    write_secret(folder / "limited_token", make_token(LIMITED, None))
    plain = next(t["folder"] for t in lake["tables"] if t["table"] == "plain")
    odd = {"schema": "places", "name": "odd", "folder": plain, "prefix": "a b/ü 100%"}
    return start_front(
        dialect="open",
        tables=[odd],
        token_file=str(folder / "token"),
        limited_token_file=str(folder / "limited_token"),
    )


def ask(server: Any, path: str, name: str = "token", body: Any = None) -> tuple[int, str, str]:
    """Status, content type and text."""
    headers = {"Authorization": f"Bearer {secret(server, name)}"} if name else {}
    connection = connect(server)
    try:
        method = "POST" if body is not None else "GET"
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        assert "x-databricks-org-id" not in answer.headers
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def get(server: Any, path: str, name: str = "token", status: int = 200) -> Any:
    found, kind, text = ask(server, UC + path, name)
    assert (found, kind) == (status, "application/json"), text
    return json.loads(text)


def test_every_field_is_there_and_null(server: Any) -> None:
    table = get(server, "/tables/main.corpus.parts")
    assert len(table) == 17 and table["comment"] is None and table["view_definition"] is None
    assert {"full_name", "metastore_id", "row_filter"}.isdisjoint(table)
    assert all(len(column) == 11 for column in table["columns"])
    ordered = sorted(table["columns"], key=lambda c: c["position"])
    assert [c["partition_index"] for c in ordered] == [None, None, 0, 1]
    assert get(server, "/tables?catalog_name=main&schema_name=tpch")["next_page_token"] is None
    emptied = get(server, "/tables?catalog_name=main&schema_name=tpch&omit_columns=true")
    assert all(t["columns"] == [] for t in emptied["tables"])


def test_columns_come_in_any_order_and_types_in_three_forms(server: Any) -> None:
    tables = get(server, "/tables?catalog_name=main&schema_name=corpus")["tables"]
    turned, forms = set(), set()
    for table in tables:
        positions = [column["position"] for column in table["columns"]]
        assert sorted(positions) == list(range(len(positions)))
        turned.add(positions == sorted(positions))
        for column in table["columns"]:
            kind = column["type_json"] and json.loads(column["type_json"])
            forms.add(type(kind).__name__ + ("+name" if kind and "name" in kind else ""))
            assert column["type_precision"] is None
    assert turned == {True, False}
    assert forms == {"str", "dict", "dict+name", "NoneType"}
    view = next(t for t in tables if t["table_type"] == "VIEW")
    assert view["data_source_format"] is None and view["storage_location"] is None
    named = view["view_dependencies"]["dependencies"][0]["table"]["table_full_name"]
    assert named == "main.corpus.plain"


def test_pages_are_names_and_capped(server: Any) -> None:
    synthetic = {"schema": "many", "like": "corpus.plain", "count": 130}
    control(server, "POST", "synthetic", synthetic)
    base = "/tables?catalog_name=main&schema_name=many"
    for more in ("", "&max_results=0", "&max_results=101", "&max_results=1000"):
        page = get(server, base + more)
        assert (len(page["tables"]), page["next_page_token"]) == (100, "t099")
    rest = get(server, base + "&page_token=t099&max_results=30")
    assert (len(rest["tables"]), rest["next_page_token"]) == (30, "t129")
    assert get(server, base + "&page_token=t129") == {"tables": [], "next_page_token": None}
    found = client(server, secret(server, "token")).tables.list("main", "many", max_results=13)
    assert len({table.name for table in found}) == 130


def test_rights_thin_out_pages_that_are_cut_already(server: Any) -> None:
    for change in (
        {"type": "schema", "name": "main.tpch", "grant": ["USE_SCHEMA"]},
        {"type": "table", "name": "main.tpch.supplier", "grant": ["SELECT"]},
    ):
        control(server, "POST", "grants", {"principal": LIMITED, **change})
    base = "/tables?catalog_name=main&schema_name=tpch&max_results=3"
    pages, token = [], ""
    while token is not None:
        page = get(server, f"{base}&page_token={quote(token)}", "limited_token")
        token = page["next_page_token"]
        pages.append(([t["name"] for t in page["tables"]], token))
    assert pages == [([], "nation"), ([], "partsupp"), (["supplier"], None)]
    for path in ("/tables/main.tpch.nation", "/schemas/main.corpus"):
        assert get(server, path, "limited_token", 403)["message"] == "Access denied."
    assert get(server, "/tables/main.tpch.nothing", "limited_token", 404)
    rows = get(server, "/permissions/schema/main.tpch", "limited_token")
    assert rows == {
        "privilege_assignments": [{"principal": LIMITED, "privileges": ["USE SCHEMA"]}]
    }
    owner = get(server, "/permissions/catalog/main")["privilege_assignments"]
    assert owner[0] == {
        "principal": OWNER,
        "privileges": ["USE CATALOG", "USE SCHEMA", "SELECT", "EXECUTE"],
    }
    assert get(server, "/permissions/table/main.tpch.nation") == {"privilege_assignments": []}


def test_names_are_compared_letter_by_letter(server: Any) -> None:
    errors = {
        "/tables/MAIN.corpus.plain": "CATALOG_NOT_FOUND",
        "/tables/main.Corpus.plain": "SCHEMA_NOT_FOUND",
        "/tables/main.corpus.PLAIN": "TABLE_NOT_FOUND",
        "/tables/%60main%60.corpus.plain": "CATALOG_NOT_FOUND",
    }
    for path, code in errors.items():
        error = get(server, path, status=404)
        assert error["error_code"] == code and error["details"][0]["reason"] == code
    for dot in ("%2E", "%1F"):
        assert get(server, f"/tables/main{dot}corpus{dot}plain")["name"] == "plain"
    assert get(server, "/tables/main.corpus", status=400)["error_code"] == "INVALID_ARGUMENT"
    assert "schema_name" in get(server, "/tables?catalog_name=main", status=400)["message"]
    for size in ("abc", "-1"):
        path = f"/tables?catalog_name=main&schema_name=corpus&max_results={size}"
        assert get(server, path, status=400)["error_code"] == "INVALID_ARGUMENT"


def test_locations_are_encoded(server: Any) -> None:
    location = get(server, "/tables/main.places.odd")["storage_location"]
    assert location.endswith("/a%20b/%C3%BC%20100%25/plain")


def test_what_is_not_there_is_not_there_in_its_own_way(server: Any) -> None:
    for path in (
        "/api/2.0/preview/scim/v2/Me",
        "/api/2.0/clusters/list",
        "/api/2.0/unity-catalog/temporary-table-credentials",
        "/.well-known/databricks-config",
        "/sql/protocolv1/o/0/x",
    ):
        status, kind, text = ask(server, path)
        assert (status, kind.partition(";")[0]) == (404, "text/plain") and "Not Found" in text
    for path in ("/tables/main.corpus.plain/exists", "/effective-permissions/table/a.b.c"):
        assert get(server, path, status=500)["message"] == "Couldn't unwrap service."
        assert get(server, path, "", 401)["message"] == "No authorization found."
    assert ask(server, UC + "/tables/%00")[1].startswith("text/plain")
    assert ask(server, UC + "/catalogs", body={"name": "x"})[0] == 405


def test_tokens_are_jwts(server: Any) -> None:
    path = Path(server["token_file"])
    good = path.read_text("utf-8")
    for bad in ("dapi0123", make_token(OWNER, -5), good + "x"):
        try:
            if bad != good + "x":
                path.write_text(bad, "utf-8")  # known, and still no token or out of date
            with pytest.raises(Unauthenticated, match="Invalid access token"):
                client(server, bad).catalogs.get("main")
        finally:
            path.write_text(good, "utf-8")
    status, _, text = ask(server, "/api/1.0/unity-control/scim2/Me")
    assert status == 200 and json.loads(text)["userName"] == OWNER and "groups" not in text


def test_credentials(server: Any) -> None:
    def vend(name: str = "token", **body: Any) -> tuple[int, Any]:
        status, _, text = ask(server, UC + "/temporary-table-credentials", name, body)
        return status, json.loads(text)

    table_id = get(server, "/tables/main.corpus.plain")["table_id"]
    status, vended = vend(table_id=table_id, operation="READ")
    assert status == 200 and vended["aws_temp_credentials"] is None
    assert "sig=" in vended["azure_user_delegation_sas"]["sas_token"]
    assert set(vended) == {
        "aws_temp_credentials",
        "azure_user_delegation_sas",
        "gcp_oauth_token",
        "expiration_time",
        "url",
    }
    view = get(server, "/tables/main.corpus.v1")["table_id"]
    nothing = "00000000-0000-0000-0000-000000000000"
    assert vend(table_id=view, operation="READ")[0] == 400
    assert vend(table_id=nothing, operation="READ")[0] == 404
    assert vend(table_id="x", operation="READ")[0] == 400
    assert vend(table_id=table_id)[0] == 500
    assert vend(table_id=table_id, operation="WRITE")[0] == 400
    assert vend("limited_token", table_id=table_id, operation="READ")[0] == 403


def test_databricks_sdk_meets_it(server: Any) -> None:
    user = client(server, secret(server, "token"))
    assert [c.name for c in user.catalogs.list()] == ["main"]
    assert {"corpus", "tpch"} <= {s.name for s in user.schemas.list("main")}
    assert user.tables.get("main.corpus.types").table_type == uc.TableType.EXTERNAL
    with pytest.raises(NotFound):
        user.tables.get("main.corpus.nothing")
    with pytest.raises(InternalError, match="unwrap"):
        user.tables.exists("main.corpus.plain")
    with pytest.raises(NotFound):
        user.current_user.me()
    with pytest.raises(DatabricksError):
        list(user.clusters.list())


def test_without_authorization_nobody_is_asked(start_front: Any) -> None:
    server = start_front(dialect="open", authorization=False)
    table = get(server, "/tables/main.corpus.plain", "")
    assert table["owner"] is None and table["created_by"] is None
    assert ask(server, UC + "/effective-permissions/table/a.b.c", "")[0] == 404
    assert ask(server, "/api/1.0/unity-control/scim2/Me", "")[0] == 500
