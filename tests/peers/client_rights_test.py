"""What our client says of a user's rights, where the sandbox knows them.

The client is the program client_tunnel (client_tunnel.cc), which stands beside the binary under
test.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_fixtures import PROJECT, Sandbox

SECRET = "rights-secret-5c1e"
ALL = {
    "list": "list",
    "create_table": "create table",
    "create_instance": "create instance",
    "alter": "alter",
    "describe": "describe",
    "select": "select",
    "update": "tunnel",
    "download": "tunnel",
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A user with every right, and one more for each right, who lacks that one."""
    folder = tmp_path_factory.mktemp("rights")
    lines = ["users:"]
    for lacking in ["", *ALL]:
        rights = ", ".join(["drop", *(right for right in ALL if right != lacking)])
        name = f"without_{lacking}" if lacking else "whole"
        lines += [f"  - name: {name}", f"    access_key_id: {name}"]
        lines += ["    access_key_secret: env:RIGHTS_SECRET"]
        lines += [f"    grants: [{{project: {PROJECT}, rights: [{rights}]}}]"]
    (folder / "users.yaml").write_text("\n".join(lines) + "\n")
    os.environ["RIGHTS_SECRET"] = SECRET
    sandbox = Sandbox(folder / "data", ["--users", str(folder / "users.yaml")])
    sandbox.start()
    yield sandbox
    assert sandbox.stop() == 0
    del os.environ["RIGHTS_SECRET"]


def rights_of(box: Sandbox, user: str) -> dict[str, tuple[str, str]]:
    program = Path(os.environ["MMS_BIN"]).parent / "client_tunnel"
    done = subprocess.run(
        [program, "rights", box.url + "/api", PROJECT, user],
        env=dict(os.environ, CLIENT_SECRET=SECRET),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return {name: (state, grant) for name, state, grant in rows}


def test_a_user_with_every_right_has_them_all_and_leaves_no_table(box: Sandbox) -> None:
    rights = rights_of(box, "whole")
    assert set(rights) == set(ALL.values())
    assert set(rights.values()) == {("granted", "")}
    assert [table.name for table in box.client().list_tables()] == []


@pytest.mark.parametrize("lacking", ALL)
def test_the_right_that_is_missing_is_named_with_its_grant(box: Sandbox, lacking: str) -> None:
    rights = rights_of(box, f"without_{lacking}")
    name = ALL[lacking]
    state, grant = rights[name]
    assert state == "missing", rights
    assert grant.startswith("GRANT ") and grant.endswith(" TO USER <user>;")
    # Without an instance or a table of our own there is nothing to try the others on.
    if lacking not in ("create_table", "create_instance"):
        assert {state for right, (state, _) in rights.items() if right != name} == {"granted"}
