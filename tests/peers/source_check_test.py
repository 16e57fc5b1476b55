"""`mms check` against the workspace look-alike; databricks-sdk judges what is granted.
"""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Mms
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError

RIGHTS = ("USE CATALOG", "USE SCHEMA", "SELECT", "BROWSE", "EXECUTE")
NEEDED = RIGHTS[:3]  # the others are only asked for
LIMITED = "limited@example.com"
SCHEMA = ("schema", "main.corpus")
TABLE = ("table", "main.corpus.plain")


class Front:
    """The test's side of the workspace."""

    def __init__(self, lake: dict[str, Any]) -> None:
        self.lake = lake

    def send(self, method: str, action: str, body: dict[str, Any] | None = None) -> None:
        request = urllib.request.Request(
            f"{self.lake['workspace']}/__front/{action}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def grant(self, securable: tuple[str, str], *privileges: str, to: str = LIMITED) -> None:
        kind, name = securable
        self.send(
            "POST",
            "grants",
            {"type": kind, "name": name, "principal": to, "grant": list(privileges)},
        )


@pytest.fixture
def mms(mms: Mms) -> Mms:
    """Without a place to run SQL: sql_check_test.py has one."""
    del mms.config["source"]["cluster"]
    return mms


@pytest.fixture
def front(lake: dict[str, Any]) -> Iterator[Front]:
    front = Front(lake)
    try:
        yield front
    finally:
        front.send("DELETE", "grants")
        front.send("DELETE", "fault")


@pytest.fixture
def limited(mms: Mms, lake: dict[str, Any]) -> Mms:
    """`mms` with the token of a user who has USE CATALOG and BROWSE alone."""
    mms.config["source"]["token"] = f"file:{lake['limited_token_file']}"
    mms.config["tables"] = [{"include": "corpus.plain"}]
    return mms


def check(mms: Mms) -> tuple[int, dict[str, dict[str, Any]]]:
    done = mms.run("check")
    steps = {step["name"]: step for step in done.of("check")}
    assert steps, done.out + done.err
    assert all(
        {"outcome", "detail", "remedy", "duration_ms", "error"} <= set(step)
        for step in steps.values()
    )
    return done.code, steps


def outcomes(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {right: steps[f"Right {right}"]["outcome"] for right in RIGHTS}


@contextlib.contextmanager
def web_page() -> Iterator[str]:
    """The address of a server that has never heard of Databricks."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404, "Not here")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def judged(lake: dict[str, Any], token_file: str, user: str, groups: list[str]) -> dict[str, str]:
    """The same by databricks-sdk: privileges on corpus.plain, with what is inherited."""
    client = WorkspaceClient(
        host=lake["workspace"], token=Path(lake[token_file]).read_text("utf-8").strip()
    )
    held = set()
    for principal in [user, *groups]:
        try:
            answer = client.grants.get_effective("table", TABLE[1], principal=principal)
        except DatabricksError:
            continue
        for assignment in answer.privilege_assignments or []:
            held |= {p.privilege.value for p in assignment.privileges}
    everything = "ALL_PRIVILEGES" in held
    return {
        right: "ok"
        if everything or right.replace(" ", "_") in held
        else "failed"
        if right in NEEDED
        else "warning"
        for right in RIGHTS
    }


def test_the_owners_token_has_every_right(mms: Mms, lake: dict[str, Any]) -> None:
    mms.config["tables"] = [{"include": "corpus.plain"}]
    code, steps = check(mms)
    assert code == 0, steps
    assert outcomes(steps) == judged(lake, "token_file", "owner@example.com", [])
    assert {step["outcome"] for step in steps.values()} <= {"ok", "unknown"}
    assert "rights rl" in steps["Storage SAS"]["detail"]
    assert "hours left" in steps["Storage SAS"]["detail"]
    assert "main.corpus.plain" in steps[f"Storage {lake['account']}"]["detail"]
    assert "Databricks cluster" not in steps and "SQL" not in steps


def test_each_missing_right_comes_with_its_statement(
    limited: Mms, lake: dict[str, Any], front: Front
) -> None:
    code, steps = check(limited)
    assert code == 3
    expected = judged(lake, "limited_token_file", LIMITED, ["users"])
    assert outcomes(steps) == expected
    assert expected["USE CATALOG"] == "ok" and expected["SELECT"] == "failed"
    assert f"GRANT USE SCHEMA ON SCHEMA `main`.`corpus` TO `{LIMITED}`;" in (
        steps["Right USE SCHEMA"]["detail"]
    )
    assert f"GRANT SELECT ON TABLE `main`.`corpus`.`plain` TO `{LIMITED}`;" in (
        steps["Right SELECT"]["detail"]
    )
    assert expected["EXECUTE"] == "warning" and steps["Right EXECUTE"]["error"] is None
    assert f"GRANT EXECUTE ON SCHEMA `main`.`corpus` TO `{LIMITED}`;" in (
        steps["Right EXECUTE"]["remedy"]
    )


def test_doing_what_each_step_says_ends_in_a_check_that_passes(
    limited: Mms, lake: dict[str, Any], front: Front
) -> None:
    front.grant(SCHEMA, "USE_SCHEMA")
    front.grant(TABLE, "SELECT")
    code, steps = check(limited)
    assert code == 0, steps
    assert outcomes(steps) == judged(lake, "limited_token_file", LIMITED, ["users"])
    assert steps["Right SELECT"]["outcome"] == "ok"
    assert steps["Right EXECUTE"]["outcome"] == "warning"
    front.grant(SCHEMA, "EXECUTE")
    code, steps = check(limited)
    assert code == 0, steps
    assert outcomes(steps) == dict.fromkeys(RIGHTS, "ok")


def test_a_groups_grant_counts(limited: Mms, lake: dict[str, Any], front: Front) -> None:
    front.send("POST", "grants", {"principal": LIMITED, "groups": ["movers"]})
    front.grant(SCHEMA, "ALL_PRIVILEGES", to="movers")
    code, steps = check(limited)
    assert outcomes(steps) == judged(lake, "limited_token_file", LIMITED, ["users", "movers"])
    assert code == 0, steps
    assert "granted to movers" in steps["Right USE SCHEMA"]["detail"]


def test_an_owner_needs_no_grant(limited: Mms, front: Front) -> None:
    front.grant(SCHEMA, "USE_SCHEMA")
    front.send("POST", "grants", {"type": "table", "name": TABLE[1], "owner": LIMITED})
    _, steps = check(limited)
    assert steps["Right SELECT"]["outcome"] == "ok"
    assert "owner of table main.corpus.plain" in steps["Right SELECT"]["detail"]
    assert steps[f"Storage {limited.config['source']['storage']['account']}"]["outcome"] == "ok"


def test_rights_that_the_workspace_does_not_tell_are_never_granted(
    limited: Mms, front: Front
) -> None:
    refusal = {"match": "permissions/", "status": 404, "error_code": "ENDPOINT_NOT_FOUND"}
    front.send("POST", "fault", refusal)
    _, steps = check(limited)
    assert outcomes(steps) == dict.fromkeys(RIGHTS, "unknown")
    front.grant(SCHEMA, "USE_SCHEMA")
    front.grant(TABLE, "SELECT")
    code, steps = check(limited)
    assert code == 0
    assert outcomes(steps) == {
        "USE CATALOG": "ok",
        "USE SCHEMA": "ok",
        "SELECT": "ok",
        "BROWSE": "unknown",
        "EXECUTE": "unknown",
    }
    assert "could be read" in steps["Right SELECT"]["detail"]


def test_a_wrong_token_is_told_from_a_wrong_workspace(mms: Mms, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("dapi-wrong", "utf-8")
    mms.config["source"]["token"] = f"file:{token}"
    code, steps = check(mms)
    assert code == 3
    assert steps["Databricks workspace"]["outcome"] == "ok"
    assert steps["Databricks token"]["error"]["code"] == "DATABRICKS_TOKEN_INVALID"
    assert "source.token" in steps["Databricks token"]["remedy"]
    with web_page() as address:
        mms.config["source"]["workspace"] = address
        code, steps = check(mms)
    assert code == 3
    assert steps["Databricks workspace"]["error"]["code"] == "DATABRICKS_WORKSPACE"
    assert "Databricks token" not in steps


def test_a_sas_that_has_ended_is_told_before_the_storage_is_asked(
    mms: Mms, lake: dict[str, Any]
) -> None:
    mms.config["tables"] = [{"include": "corpus.plain"}]
    mms.config["source"]["storage"]["sas"] = f"file:{lake['expired_sas_file']}"
    code, steps = check(mms)
    assert code == 3
    assert steps["Storage SAS"]["error"]["code"] == "STORAGE_SAS_EXPIRED"
    assert "make a new SAS" in steps["Storage SAS"]["remedy"]


def test_a_cluster_that_is_not_there_is_named(mms: Mms) -> None:
    mms.config["tables"] = [{"include": "corpus.plain"}]
    mms.config["source"]["cluster"] = "0101-000000-nobody"
    code, steps = check(mms)
    assert code == 3
    step = steps["Databricks cluster"]
    assert step["error"]["code"] == "DATABRICKS_CLUSTER_NOT_FOUND"
    assert "CAN ATTACH TO" in step["remedy"]
    assert "SQL" not in steps


def test_what_the_open_source_server_lacks_is_unknown_and_never_granted(
    mms: Mms, lake: dict[str, Any], start_front: Callable[..., dict[str, Any]]
) -> None:
    workspace = start_front(dialect="open", authorization=False)["workspace"]
    mms.config["source"] |= {"workspace": workspace, "cluster": lake["cluster"]}
    mms.config["tables"] = [{"include": "corpus.plain"}]
    code, steps = check(mms)
    assert code == 0, steps
    assert "open-source Unity Catalog" in steps["Databricks workspace"]["detail"]
    told = {name: step["outcome"] for name, step in steps.items()}
    for name in ("Databricks token", "Row filters and masks", "Databricks cluster", "SQL"):
        assert told[name] == "unknown", steps[name]
    # A table could be read, which needs the first three.
    assert outcomes(steps) == {
        **dict.fromkeys(NEEDED, "ok"),
        "BROWSE": "unknown",
        "EXECUTE": "unknown",
    }
    assert "could be read" in steps["Right SELECT"]["detail"]
    assert told[f"Storage {lake['account']}"] == "ok"


def test_ten_thousand_tables_come_page_by_page(
    mms: Mms, start_front: Callable[..., dict[str, Any]]
) -> None:
    big = Front(start_front(page_size=1000, page_cap=1000))
    wish = {"schema": "big", "like": "corpus.plain", "count": 10_000, "real": 1}
    big.send("POST", "synthetic", wish)
    # One of the pages is empty, which is no end.
    big.send("POST", "fault", {"match": "/tables[?].*page_token", "page": "empty", "count": 1})
    mms.config["source"]["workspace"] = big.lake["workspace"]
    mms.config["tables"] = [{"include": "big.*"}]
    code, steps = check(mms)
    assert code == 0, steps
    assert steps["Tables"]["detail"] == "10000 chosen"
