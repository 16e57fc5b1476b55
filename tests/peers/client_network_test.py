"""Whole runs of `mms` under the conditions of real networks: keys that expire in mid-run, bearer
tokens, a private certificate authority, proxies. The sandbox and the proxies tell what arrived.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import local_proxies
import pyarrow as pa
import pytest
from conftest import Sandbox, start_sandbox, stop_sandbox
from deltalake import write_deltalake
from local_run import LocalRun

ROWS = 5_000
KEY_A, KEY_B = "temporary-a", "temporary-b"
SECRETS = {
    "NETWORK_SECRET": "network-test-secret-3d52",
    "NETWORK_TOKEN_A": "network-test-token-a-91c4",
    "NETWORK_TOKEN_B": "network-test-token-b-77e0",
    "NETWORK_BEARER": "network-test-bearer-5be8",
    "NETWORK_PROXY_PASSWORD": "network-test-proxy-0a6d",
}
USERS = f"""
users:
  - name: a
    access_key_id: {KEY_A}
    access_key_secret: env:NETWORK_SECRET
    security_token: env:NETWORK_TOKEN_A
    grants: [{{project: dw, rights: [owner]}}]
  - name: b
    access_key_id: {KEY_B}
    access_key_secret: env:NETWORK_SECRET
    security_token: env:NETWORK_TOKEN_B
    grants: [{{project: dw, rights: [owner]}}]
  - name: bearer
    bearer_token: env:NETWORK_BEARER
    grants: [{{project: dw, rights: [owner]}}]
"""


@pytest.fixture
def served(
    mms_bin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "users.yaml").write_text(USERS)
    server = start_sandbox(
        mms_bin, tmp_path / "sandbox", "--users", str(tmp_path / "users.yaml")
    )
    try:
        yield server
    finally:
        stop_sandbox(server)


@pytest.fixture
def local(mms_bin: str, served: Sandbox, tmp_path: Path) -> LocalRun:
    local = LocalRun(mms_bin, served, tmp_path)
    for name in ("first", "second"):
        write_deltalake(tmp_path / name, pa.table({"id": list(range(ROWS))}))
        local.table(tmp_path / name, name)
    return local


def address_of(sandbox: Sandbox) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(sandbox.endpoint)
    assert parts.hostname and parts.port
    return parts.hostname, parts.port


def assert_copied(local: LocalRun) -> str:
    """Runs, compares, and returns all that was printed."""
    ran = local.run()
    assert ran.code == 0, ran.out + ran.err
    report = local.report()
    assert {(line["verdict"], line["rows_target"]) for line in report.values()} == {("Match", ROWS)}
    assert set(report) == {"first", "second"}
    printed = ran.out + ran.err
    for secret in SECRETS.values():
        assert secret not in printed
    return printed


def rest(sandbox: Sandbox, method: str, path: str, **arguments: Any) -> Any:
    odps = sandbox.odps()
    return getattr(odps.rest, method)(odps.endpoint + path, **arguments).json()


def without_key(local: LocalRun, **target: str) -> None:
    for name in ("access_key_id", "access_key_secret"):
        del local.config["target"][name]
    local.config["target"].update(target)


def key_json(key_id: str, token: str) -> str:
    return json.dumps(
        {
            "AccessKeyId": key_id,
            "AccessKeySecret": SECRETS["NETWORK_SECRET"],
            "SecurityToken": SECRETS[token],
        }
    )


@pytest.mark.parametrize(
    "way, call",
    [
        ("key_file", "put_block"),
        ("key_file", "commit_upload"),
        ("key_command", "create_upload"),
        ("key_command", "get_instance"),
    ],
)
def test_a_temporary_key_that_expires_in_mid_run_is_renewed(
    local: LocalRun, served: Sandbox, tmp_path: Path, way: str, call: str
) -> None:
    """From the first such call on, every call with the first key is refused."""
    current, following = tmp_path / "key.json", tmp_path / "next.json"
    current.write_text(key_json(KEY_A, "NETWORK_TOKEN_A"))
    following.write_text(key_json(KEY_B, "NETWORK_TOKEN_B"))
    without_key(local, **{way: str(current) if way == "key_file" else f"cat {current}"})
    rest(
        served,
        "post",
        "/mms/faults",
        data=json.dumps({"faults": [{"call": call, "nth": 1, "key_gone": True, "delay_ms": 1000}]}),
    )
    process = local.start("run")
    # The key has not been refused yet: the rule waits a second first.
    while not any(rule["fired"] for rule in rest(served, "get", "/mms/faults")["faults"]):
        assert process.poll() is None, process.communicate()
    following.rename(current)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert {line["rows_target"] for line in local.report().values()} == {ROWS}
    assert rest(served, "get", "/mms/faults")["faults"][0]["fired"] == 1
    for secret in SECRETS.values():
        assert secret not in out + err


def test_a_bearer_token_alone_copies_and_compares(local: LocalRun) -> None:
    without_key(local, bearer_token="env:NETWORK_BEARER")
    assert_copied(local)


def test_a_private_authority_is_trusted_by_its_file(
    local: LocalRun, served: Sandbox, tmp_path: Path
) -> None:
    authority = local_proxies.make_authority(tmp_path, "ours")
    stranger = local_proxies.make_authority(tmp_path, "stranger")
    context = local_proxies.make_server_context(tmp_path, authority)
    with local_proxies.tls_front(address_of(served), context) as front:
        local.config["target"]["endpoint"] = front.address + "/api"
        for ca_file in (None, str(stranger), str(tmp_path / "nowhere.pem")):
            local.config["target"].pop("ca_file", None)
            if ca_file:
                local.config["target"]["ca_file"] = ca_file
            refused = local.run("check")
            assert refused.code == 3, refused.out + refused.err
            printed = refused.out + refused.err
            assert "HTTP_TLS" in printed and "ca_file" in printed, printed
        assert front.targets == []
        local.config["target"]["ca_file"] = str(authority)
        assert local.run("check").code == 0
        assert_copied(local)
        assert len(front.targets) > 1


def test_a_proxy_carries_every_connection(
    local: LocalRun, served: Sandbox, tmp_path: Path
) -> None:
    authority = local_proxies.make_authority(tmp_path, "ours")
    context = local_proxies.make_server_context(tmp_path, authority)
    password = SECRETS["NETWORK_PROXY_PASSWORD"]
    with (
        local_proxies.tls_front(address_of(served), context) as front,
        local_proxies.http_proxy("joe", password) as proxy,
    ):
        local.config["target"] |= {
            "endpoint": front.address + "/api",
            "ca_file": str(authority),
            "proxy": proxy.address,
            "proxy_user": "joe",
            "proxy_password": "env:NETWORK_PROXY_PASSWORD",
        }
        assert_copied(local)
        assert proxy.targets and len(proxy.targets) == len(front.targets)
        assert set(proxy.targets) == {front.address.removeprefix("https://")}
        local.config["target"]["proxy_user"] = "jim"
        refused = local.run("check")
        assert refused.code == 3, refused.out + refused.err
        assert "HTTP_PROXY_DENIED" in refused.out + refused.err
        assert password not in refused.out + refused.err


def test_a_socks_proxy_carries_every_connection(local: LocalRun, served: Sandbox) -> None:
    with local_proxies.socks_proxy() as proxy:
        local.config["target"]["proxy"] = proxy.address
        assert_copied(local)
        host, port = address_of(served)
        assert proxy.targets and set(proxy.targets) == {f"{host}:{port}"}
        calls = rest(served, "get", "/mms/counters")["calls"]
        assert calls["put_block"]["calls"] == 2
