"""All that the source sends keeps to its network profile: log, files and sign-in go through the
proxy, to the address and under the CA that the profile names. The storage's name is in no DNS, so
nothing reaches it in another way.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure_peer
import local_proxies
import pyarrow as pa
import pytest
from azure_peer import (  # noqa: F401
    CLIENT,
    CLIENT_SECRET,
    HOST,
    TENANT,
    Certificates,
    SignIn,
    azurite,
    certificates,
)
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun

ROWS = 200_000
FILE_BYTES = 1_000_000  # at least


@pytest.fixture(scope="session")
def storage(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[azurite.Azurite]:
    folder = tmp_path_factory.mktemp("storage")
    values = [(i * 2654435761) * 40503 % (1 << 62) for i in range(ROWS)]
    write_deltalake(folder / "t", pa.table({"v": pa.array(values, pa.int64())}))
    storage = azure_peer.start_storage(folder, certificates)
    try:
        assert azure_peer.upload(storage, folder / "t", "t", certificates.ca) > FILE_BYTES
        yield storage
    finally:
        azure_peer.stop_storage(storage)


@pytest.fixture
def local(
    mms_bin: str,
    sandbox: Sandbox,
    storage: azurite.Azurite,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> LocalRun:
    for name in list(os.environ):
        if name.lower() in ("no_proxy", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    sas = tmp_path / "sas"
    sas.write_text(azurite.make_sas(storage.key, -60, 600), "utf-8")
    local = LocalRun(mms_bin, sandbox, tmp_path)
    local.config["tables"] = [{"location": f"az://{azure_peer.CONTAINER}/t", "as": "t"}]
    local.config["networks"] = {"azure": {"ca_file": str(certificates.ca)}}
    local.config["source"] = {
        "network": "azure",
        "storage": {"sas": f"file:{sas}", "endpoint": f"https://{HOST}"},
    }
    return local


def assert_moved(local: LocalRun) -> None:
    run = local.run()
    assert run.code == 0, run.out + run.err
    report = local.report()["t"]
    assert (report["verdict"], report["rows_target"]) == ("Match", ROWS), report


@pytest.mark.parametrize("kind", ["http", "socks"])
def test_log_and_files_go_through_the_proxy(
    local: LocalRun, storage: azurite.Azurite, tmp_path: Path, kind: str
) -> None:
    profile: dict[str, Any] = local.config["networks"]["azure"]
    password = tmp_path / "proxy_password"
    password.write_text("proxy-canary", "utf-8")
    started = (
        local_proxies.http_proxy("mms", "proxy-canary")
        if kind == "http"
        else local_proxies.socks_proxy()
    )
    with started as proxy:
        proxy.routes[HOST] = ("127.0.0.1", storage.port)
        profile["proxy"] = proxy.address
        if kind == "http":
            profile |= {"proxy_user": "mms", "proxy_password": f"file:{password}"}
        assert local.run("plan").code == 0
        assert proxy.targets and set(proxy.targets) == {f"{HOST}:443"}, "the log"
        log_bytes = proxy.bytes_back
        assert_moved(local)
        assert set(proxy.targets) == {f"{HOST}:443"}
        assert proxy.bytes_back - log_bytes > FILE_BYTES, "the files"


def test_a_proxy_that_is_not_told_who_asks_says_so(local: LocalRun, tmp_path: Path) -> None:
    password = tmp_path / "proxy_password"
    password.write_text("wrong-proxy-canary", "utf-8")
    with local_proxies.http_proxy("mms", "proxy-canary") as proxy:
        local.config["networks"]["azure"] |= {
            "proxy": proxy.address,
            "proxy_user": "mms",
            "proxy_password": f"file:{password}",
        }
        refused = local.run("plan")
        assert refused.code == 3, refused.out + refused.err
        assert "HTTP_PROXY_DENIED" in refused.out + refused.err
        assert "proxy-canary" not in refused.out + refused.err
        assert proxy.refused > 0 and proxy.targets == []


def test_a_host_is_reached_where_the_profile_says(
    local: LocalRun, storage: azurite.Azurite
) -> None:
    local.config["networks"]["azure"]["addresses"] = {HOST: f"127.0.0.1:{storage.port}"}
    assert_moved(local)


def test_a_service_principal_signs_in_through_the_profile(
    local: LocalRun, storage: azurite.Azurite, tmp_path: Path
) -> None:
    secret = tmp_path / "client_secret"
    secret.write_text(CLIENT_SECRET, "utf-8")
    sign_in = SignIn()
    try:
        # By SOCKS: an HTTP proxy is not asked to CONNECT for a plain http address.
        with local_proxies.socks_proxy() as proxy:
            proxy.routes[HOST] = ("127.0.0.1", storage.port)
            local.config["networks"]["azure"]["proxy"] = proxy.address
            local.config["source"]["storage"] = {
                "tenant_id": TENANT,
                "client_id": CLIENT,
                "client_secret": f"file:{secret}",
                "authority": sign_in.url,
                "endpoint": f"https://{HOST}",
            }
            assert_moved(local)
            assert set(proxy.targets) == {f"{HOST}:443", sign_in.url.removeprefix("http://")}
            assert sign_in.asked
    finally:
        sign_in.stop()


def test_a_certificate_of_an_unknown_authority_is_refused(
    local: LocalRun, storage: azurite.Azurite
) -> None:
    local.config["networks"]["azure"] = {"addresses": {HOST: f"127.0.0.1:{storage.port}"}}
    plan = local.run("plan")
    assert plan.code == 4, plan.out + plan.err
    assert "HTTP_TLS" in plan.out + plan.err


def test_a_proxy_that_is_away_is_an_error_that_says_so(local: LocalRun) -> None:
    with local_proxies.socks_proxy() as proxy:
        local.config["networks"]["azure"]["proxy"] = proxy.address
    plan = local.run("plan")
    assert plan.code == 5, plan.out + plan.err
    assert "STORAGE_UNREACHABLE" in plan.out + plan.err
