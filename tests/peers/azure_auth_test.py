"""How storage and workspace are signed in to: a service principal's tokens and SAS of every life
against a real Azurite, credentials vended by the workspace front, and its own tokens. What lapses,
is rotated or refused in mid-run ends in every row or in a documented error; never in missing rows.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import azure_peer
import local_proxies
import pyarrow as pa
import pytest
from azure_peer import (  # noqa: F401
    CLIENT,
    CLIENT_SECRET,
    Certificates,
    SignIn,
    azurite,
    certificates,
    sign_in,
    use_principal,
    use_sas,
)
from conftest import Mms, Outcome, Sandbox
from deltalake import WriterProperties, write_deltalake
from local_proxies import Passed
from local_run import LocalRun
from unity_catalog import OWNER

ROWS = 200_000
MID_FILE_BYTES = 1_000_000  # by then log and footers are read, and of the first file a part


def wide_rows(rows: int, seed: int) -> pa.Table:
    """About ten bytes a row, which no compression takes away."""
    values = [(i * 2654435761 + seed) * 40503 % (1 << 62) for i in range(rows)]
    return pa.table({"id": pa.array(range(rows), pa.int64()), "v": pa.array(values, pa.int64())})


@pytest.fixture(scope="session")
def folder_of_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of two megabytes in twenty row groups each, so that one is read by many requests
    one after another."""
    folder = tmp_path_factory.mktemp("rows") / "t"
    groups = WriterProperties(max_row_group_size=ROWS // 20)
    for seed in (1, 2):
        rows = wide_rows(ROWS, seed)
        write_deltalake(folder, rows, mode="append", writer_properties=groups)
    return folder


@pytest.fixture(scope="session")
def secure(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, folder_of_rows: Path
) -> Iterator[azurite.Azurite]:
    """By https, with tokens."""
    storage = azure_peer.start_storage(tmp_path_factory.mktemp("secure"), certificates)
    try:
        azure_peer.upload(storage, folder_of_rows, "t", certificates.ca)
        yield storage
    finally:
        azure_peer.stop_storage(storage)


@pytest.fixture(scope="session")
def plain(
    tmp_path_factory: pytest.TempPathFactory, folder_of_rows: Path
) -> Iterator[azurite.Azurite]:
    storage = azure_peer.start_storage(tmp_path_factory.mktemp("plain"))
    try:
        azure_peer.upload(storage, folder_of_rows, "t")
        yield storage
    finally:
        azure_peer.stop_storage(storage)


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    local = LocalRun(mms_bin, sandbox, tmp_path)
    local.config["tables"] = [{"location": f"az://{azure_peer.CONTAINER}/t", "as": "t"}]
    return local


def assert_whole(local: LocalRun, rows: int = 2 * ROWS) -> None:
    report = local.report()["t"]
    assert (report["verdict"], report["rows_target"]) == ("Match", rows), report
    with local.sandbox.odps().get_table("t").open_reader() as reader:
        assert reader.count == rows


def wait_until(moment_s: float) -> None:
    """By the wall clock: a credential has really lapsed, which no clock of ours can say for it."""
    time.sleep(max(0.0, moment_s - time.time()))


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Passed]:
    """Between the source and everything else; it can hold a run in mid-file."""
    for name in list(os.environ):
        if name.lower() == "no_proxy":
            monkeypatch.delenv(name)
    with local_proxies.socks_proxy() as proxy:
        proxy.hold_bytes = MID_FILE_BYTES
        yield proxy


def test_a_service_principal_reads_log_and_files(
    local: LocalRun, secure: azurite.Azurite, certificates: Certificates, sign_in: SignIn
) -> None:
    use_principal(local, secure, certificates.ca, sign_in)
    local.config["policy"]["workers"] = 2
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert_whole(local)
    # One for the server and one for each worker, whatever they read.
    assert 2 <= len(sign_in.asked) <= 3
    for secret in [CLIENT_SECRET, *sign_in.tokens]:
        assert secret not in run.out + run.err
        for file in (local.file.parent / "state").rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_tokens_are_renewed_while_a_run_reads(
    local: LocalRun,
    secure: azurite.Azurite,
    certificates: Certificates,
    sign_in: SignIn,
    proxy: Passed,
) -> None:
    sign_in.life_s = 3  # the storage refuses each from then on
    use_principal(local, secure, certificates.ca, sign_in, proxy=proxy.address)
    asked: list[int] = []

    def hold() -> None:
        wait_until(time.time() + sign_in.life_s + 1)
        asked.append(len(sign_in.asked))

    proxy.hold = hold
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert_whole(local)
    assert asked and len(sign_in.asked) > asked[0], "read on without a new token"


def test_a_token_that_the_storage_refuses_is_replaced_once(
    local: LocalRun, secure: azurite.Azurite, certificates: Certificates, sign_in: SignIn
) -> None:
    sign_in.first_life_s = -300  # revoked, so to say: it claims an hour
    use_principal(local, secure, certificates.ca, sign_in)
    plan = local.run("plan")
    assert plan.code == 0, plan.out + plan.err
    assert len(sign_in.asked) == 2


def test_a_wrong_client_secret_is_told_so(
    local: LocalRun, secure: azurite.Azurite, certificates: Certificates, sign_in: SignIn
) -> None:
    use_principal(local, secure, certificates.ca, sign_in)
    (local.file.parent / "client_secret").write_text("client-secret-that-is-wrong", "utf-8")
    run = local.run()
    assert run.code == 3, run.out + run.err
    assert "AZURE_SIGN_IN" in run.out + run.err and "AADSTS7000215" in run.out + run.err
    assert "client-secret-that-is-wrong" not in run.out + run.err


def steps_of(check: Outcome) -> dict[str, dict[str, Any]]:
    steps = {step["name"]: step for step in check.of("check")}
    assert steps, check.out + check.err
    return steps


def test_a_principal_is_checked_by_its_token_and_by_what_it_reads(
    local: LocalRun, secure: azurite.Azurite, certificates: Certificates, sign_in: SignIn
) -> None:
    use_principal(local, secure, certificates.ca, sign_in)
    checked = local.run("check")
    assert checked.code == 0, checked.out + checked.err
    steps = steps_of(checked)
    assert f"application {CLIENT}" in steps["Azure service principal"]["detail"]
    assert "minutes" in steps["Azure service principal"]["detail"]
    assert steps[f"Storage {secure.endpoint}"]["outcome"] == "ok"
    (local.file.parent / "client_secret").write_text("client-secret-that-is-wrong", "utf-8")
    refused = local.run("check")
    assert refused.code == 3
    steps = steps_of(refused)
    step = steps["Azure service principal"]
    assert step["error"]["code"] == "AZURE_SIGN_IN" and "AADSTS7000215" in step["detail"]
    assert "source.storage.client_secret" in step["detail"]
    assert f"Storage {secure.endpoint}" not in steps, "it could not but fail for the same reason"
    assert steps["MaxCompute project"]["outcome"] == "ok"


SAS_LIFE_S = 10  # longer than it takes to come to the middle of a file


def test_a_sas_that_expires_in_mid_file_is_read_anew_from_its_file(
    local: LocalRun, plain: azurite.Azurite, proxy: Passed
) -> None:
    end_s = time.time() + SAS_LIFE_S
    file = use_sas(local, plain, SAS_LIFE_S, proxy=proxy.address)

    def hold() -> None:
        file.write_text(azurite.make_sas(plain.key, -60, 600), "utf-8")
        wait_until(end_s + 1)

    proxy.hold = hold
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert proxy.hold is None, "it ended before the middle of a file"
    assert_whole(local)


def test_a_sas_that_expires_without_another_stops_the_table_and_a_later_run_goes_on(
    local: LocalRun, plain: azurite.Azurite, proxy: Passed
) -> None:
    end_s = time.time() + SAS_LIFE_S
    file = use_sas(local, plain, SAS_LIFE_S, proxy=proxy.address)
    proxy.hold = lambda: wait_until(end_s + 1)
    run = local.run()
    assert run.code == 3, run.out + run.err
    assert proxy.hold is None, "it ended before the middle of a file"
    report = local.report()["t"]
    assert report["verdict"] != "Match"
    assert report["error"]["code"] == "STORAGE_SAS_EXPIRED", report
    # Nothing of it shows at the target.
    with local.sandbox.odps().get_table("t").open_reader() as reader:
        assert reader.count == 0
    file.write_text(azurite.make_sas(plain.key, -60, 600), "utf-8")
    again = local.run()
    assert again.code == 0, again.out + again.err
    assert_whole(local)


def front(lake: dict[str, Any], method: str, action: str, **body: Any) -> Any:
    """A call for the test that drives the workspace front."""
    url = f"{lake['workspace']}/__front/{action}"
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


@pytest.fixture
def vended(mms: Mms, lake: dict[str, Any]) -> Iterator[Mms]:
    """Neither a SAS nor a principal in the configuration."""
    mms.config["source"]["storage"] = {"auth": "vended", "endpoint": lake["endpoint"]}
    del mms.config["source"]["cluster"]  # no SQL is run here
    yield mms
    front(lake, "DELETE", "vending")
    front(lake, "DELETE", "grants")


def vendings(lake: dict[str, Any]) -> int:
    calls = front(lake, "GET", "log")
    return sum("/temporary-table-credentials" in call["path"] for call in calls)


def test_vended_credentials_move_tables_and_read_deletion_vectors(
    vended: Mms, lake: dict[str, Any]
) -> None:
    vended.config["tables"] = [{"include": ["tpch.*", "corpus.deleted"]}]
    run = vended.run("run")
    assert run.code == 0, run.out + run.err
    lines = vended.run("report").of("report_table")
    assert len(lines) == 9 and all(line["verdict"] == "Match" for line in lines), lines


def test_vended_credentials_are_renewed_while_a_run_reads(
    vended: Mms, lake: dict[str, Any], proxy: Passed
) -> None:
    front(lake, "POST", "vending", seconds=3)
    vended.config["networks"] = {"held": {"proxy": proxy.address}}
    vended.config["source"]["network"] = "held"
    vended.config["tables"] = [{"include": "tpch.lineitem"}]
    asked: list[int] = []

    def hold() -> None:
        wait_until(time.time() + 4)
        asked.append(vendings(lake))

    proxy.hold = hold
    run = vended.run("run")
    assert run.code == 0, run.out + run.err
    [line] = vended.run("report").of("report_table")
    assert line["verdict"] == "Match", line
    assert asked and vendings(lake) > asked[0], "read on without a new credential"


def test_vending_that_is_not_allowed_names_what_to_grant(
    vended: Mms, lake: dict[str, Any]
) -> None:
    vended.config["tables"] = [{"include": "tpch.*"}]

    def refusal() -> str:
        plan = vended.run("plan")
        text = plan.out + plan.err
        assert plan.code == 3, text
        assert "DATABRICKS_VENDING_DENIED" in text
        return text

    front(lake, "POST", "vending", external_access=False)
    assert "External access is not enabled" in (text := refusal())
    assert "external_access_enabled" in text
    front(lake, "DELETE", "vending")
    securable = {"type": "catalog", "name": lake["catalog"], "principal": OWNER}
    front(lake, "POST", "grants", **securable, revoke=["EXTERNAL_USE_SCHEMA"])
    assert "GRANT EXTERNAL USE SCHEMA ON SCHEMA `main`.`tpch` TO" in refusal()


def test_vending_is_a_step_of_the_check(vended: Mms, lake: dict[str, Any]) -> None:
    vended.config["tables"] = [{"include": "tpch.orders"}]
    checked = vended.run("check")
    assert checked.code == 0, checked.out + checked.err
    steps = steps_of(checked)
    step = steps[f"Vended credential {lake['account']}"]
    assert "main.tpch.orders: a SAS, rights rl; good for" in step["detail"], step
    assert steps[f"Storage {lake['account']}"]["outcome"] == "ok"
    securable = {"type": "catalog", "name": lake["catalog"], "principal": OWNER}
    front(lake, "POST", "grants", **securable, revoke=["EXTERNAL_USE_SCHEMA"])
    refused = vended.run("check")
    assert refused.code == 3
    steps = steps_of(refused)
    step = steps[f"Vended credential {lake['account']}"]
    assert step["error"]["code"] == "DATABRICKS_VENDING_DENIED"
    assert "GRANT EXTERNAL USE SCHEMA ON SCHEMA `main`.`tpch` TO" in step["detail"]
    assert f"Storage {lake['account']}" not in steps


def test_a_location_has_no_credentials_vended(vended: Mms, lake: dict[str, Any]) -> None:
    location = f"az://{lake['container']}/tpch/orders"
    vended.config["tables"] = [{"location": location, "as": "orders"}]
    plan = vended.run("plan")
    assert plan.code == 4, plan.out + plan.err
    assert "STORAGE_VENDED_LOCATION" in plan.out + plan.err


# --- what signs in to the workspace, while a run needs it ----------------------

CLIENT_OF_WORKSPACE = {"client_id": "app-of-the-workspace", "client_secret": "dose-of-the-tests"}


@pytest.fixture
def signed_in(vended: Mms, lake: dict[str, Any], tmp_path: Path) -> Iterator[Mms]:
    """As a service principal of Databricks, whose tokens open the storage too."""
    front(lake, "POST", "oauth", **CLIENT_OF_WORKSPACE)
    secret = tmp_path / "oauth_secret"
    secret.write_text(CLIENT_OF_WORKSPACE["client_secret"], "utf-8")
    source = vended.config["source"]
    del source["token"]
    source["oauth"] = {**CLIENT_OF_WORKSPACE, "client_secret": f"file:{secret}"}
    vended.config["tables"] = [{"include": "tpch.lineitem"}]
    yield vended
    front(lake, "DELETE", "oauth")


@contextlib.contextmanager
def in_mid_file(
    mms: Mms, lake: dict[str, Any], proxy: Passed, change: Callable[[], None]
) -> Iterator[None]:
    """`change` in the middle of a file; then every process must ask the workspace again, since
    what it was vended has lapsed."""
    front(lake, "POST", "vending", seconds=2)
    mms.config["networks"] = {"held": {"proxy": proxy.address}}
    mms.config["source"]["network"] = "held"

    def hold() -> None:
        change()
        wait_until(time.time() + 2)

    proxy.hold = hold
    yield
    assert proxy.hold is None, "it ended before the middle of a file"


def verdict(mms: Mms) -> str:
    [line] = mms.run("report").of("report_table")
    return str(line["verdict"])


def test_an_oauth_principal_checks_and_syncs(signed_in: Mms, lake: dict[str, Any]) -> None:
    front(lake, "DELETE", "log")
    for verb in ("check", "sync"):
        done = signed_in.run(verb)
        assert done.code == 0, done.out + done.err
        assert CLIENT_OF_WORKSPACE["client_secret"] not in done.out + done.err
    asked = [call["path"] for call in front(lake, "GET", "log")].count("/oidc/v1/token")
    assert asked == 2, "one a process"


def test_a_token_that_is_revoked_in_mid_run_is_replaced(
    signed_in: Mms, lake: dict[str, Any], proxy: Passed
) -> None:
    with in_mid_file(signed_in, lake, proxy, lambda: front(lake, "POST", "oauth", revoke=True)):
        run = signed_in.run("run")
    assert run.code == 0, run.out + run.err
    assert verdict(signed_in) == "Match"


def test_a_wrong_secret_of_the_workspace_is_told_so(signed_in: Mms, tmp_path: Path) -> None:
    (tmp_path / "oauth_secret").write_text("dose-that-is-wrong", "utf-8")
    plan = signed_in.run("plan")
    assert plan.code == 3, plan.out + plan.err
    assert "DATABRICKS_SIGN_IN" in plan.out + plan.err
    step = steps_of(signed_in.run("check"))["Databricks token"]
    assert step["error"]["code"] == "DATABRICKS_SIGN_IN"
    assert "source.oauth.client_secret" in step["remedy"]
    assert "source.token" not in step["remedy"] + step["detail"]
    assert "Client authentication failed" in plan.out + plan.err
    assert "dose-that-is-wrong" not in plan.out + plan.err


@pytest.fixture
def rotated(lake: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """Gives the workspace another token; the old one stays the test's to put back."""
    file = Path(lake["token_file"])
    before = file.read_text("utf-8")
    yield lambda: file.write_text("dapi-rotated-in-mid-run", "utf-8") and None
    file.write_text(before, "utf-8")


def test_a_token_rotated_in_mid_run_is_read_from_its_file(
    vended: Mms, lake: dict[str, Any], proxy: Passed, rotated: Callable[[], None]
) -> None:
    vended.config["tables"] = [{"include": "tpch.lineitem"}]
    with in_mid_file(vended, lake, proxy, rotated):
        run = vended.run("run")
    assert run.code == 0, run.out + run.err
    assert verdict(vended) == "Match"


def test_a_token_rotated_without_us_stops_the_table_and_a_later_run_goes_on(
    vended: Mms, lake: dict[str, Any], proxy: Passed, rotated: Callable[[], None], tmp_path: Path
) -> None:
    vended.config["tables"] = [{"include": "tpch.lineitem"}]
    ours = tmp_path / "our_token"
    ours.write_text(Path(lake["token_file"]).read_text("utf-8"), "utf-8")
    vended.config["source"]["token"] = f"file:{ours}"
    with in_mid_file(vended, lake, proxy, rotated):
        run = vended.run("run")
    assert run.code == 3, run.out + run.err
    [line] = vended.run("report").of("report_table")
    assert line["verdict"] != "Match"
    assert line["error"]["code"] == "DATABRICKS_TOKEN_INVALID", line
    ours.write_text(Path(lake["token_file"]).read_text("utf-8"), "utf-8")
    again = vended.run("run")
    assert again.code == 0, again.out + again.err
    assert verdict(vended) == "Match"


def test_sync_reads_by_vended_credentials(vended: Mms, lake: dict[str, Any]) -> None:
    before = vendings(lake)
    vended.config["tables"] = [{"include": ["tpch.*", "corpus.deleted"]}]
    done = vended.run("sync")
    assert done.code == 0, done.out + done.err
    assert len(done.of("source_table")) == 9
    assert vendings(lake) - before == 9, "one a table"
