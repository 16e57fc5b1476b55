"""Peers of the Azure tests: a sign-in service like Microsoft Entra ID's, and an Azurite that takes
its tokens over https.

Azurite reads a token's claims and leaves its signature unchecked, so a token made here will do.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import local_proxies
import pytest
from local_run import LocalRun

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools/lakehouse"))
import azurite  # noqa: E402

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
CLIENT_SECRET = "client-secret-of-the-tests"
CONTAINER = "lake"
# A name that no DNS has: what reaches it has gone through a proxy or an address override.
HOST = f"{azurite.ACCOUNT}.blob.storage.invalid"


@dataclass
class Certificates:
    """A CA, and a certificate by it for 127.0.0.1 and HOST."""

    ca: Path
    cert: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    ca = local_proxies.make_authority(folder, "ca")
    cert, key = local_proxies.make_certificate(folder, ca, f"IP:127.0.0.1,DNS:{HOST}")
    return Certificates(ca, cert, key)


def make_token(life_s: float) -> str:
    def part(claims: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now - 600,
        "nbf": now - 600,
        "exp": int(now + life_s),
        "oid": CLIENT,
        "tid": TENANT,
        "jti": str(time.monotonic_ns()),
    }
    return ".".join([part({"typ": "JWT", "alg": "RS256"}), part(claims), "c2lnbmF0dXJl"])


class SignIn:
    """Answers client_credentials grants; what it was asked and gave is kept."""

    def __init__(self, life_s: float = 3600) -> None:
        self.life_s = life_s
        self.first_life_s: float | None = None  # of the first token; it says `life_s` all the same
        self.asked: list[dict[str, str]] = []
        self.tokens: list[str] = []
        sign_in = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                size = int(self.headers["content-length"])
                form = {k: v[0] for k, v in parse_qs(self.rfile.read(size).decode()).items()}
                status, answer = sign_in.answer(self.path, form)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        assert path == f"/{TENANT}/oauth2/v2.0/token", path
        assert form["grant_type"] == "client_credentials", form
        assert form["scope"] == "https://storage.azure.com/.default", form
        self.asked.append(form)
        if (form["client_id"], form["client_secret"]) != (CLIENT, CLIENT_SECRET):
            text = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 0"
            return 401, {"error": "invalid_client", "error_description": text}
        first, self.first_life_s = self.first_life_s, None
        token = make_token(self.life_s if first is None else first)
        self.tokens.append(token)
        return 200, {"token_type": "Bearer", "expires_in": int(self.life_s), "access_token": token}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def start_storage(folder: Path, certificates: Certificates | None = None) -> azurite.Azurite:
    """An Azurite of its own; with certificates by https, and then it takes tokens too."""
    arguments: list[str] = []
    if certificates:
        arguments = ["--cert", str(certificates.cert), "--key", str(certificates.key)]
        arguments += ["--oauth", "basic"]
    return azurite.start(azurite.find_entry(None), folder, arguments)


def stop_storage(storage: azurite.Azurite) -> None:
    storage.process.terminate()
    storage.process.wait(timeout=20)


def upload(storage: azurite.Azurite, folder: Path, prefix: str, ca: Path | None = None) -> int:
    container = storage.container(CONTAINER, str(ca) if ca else None)
    return azurite.upload(container, [(folder, prefix)])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def sign_in() -> Iterator[SignIn]:
    service = SignIn()
    yield service
    service.stop()


def use_principal(
    local: LocalRun, storage: azurite.Azurite, ca: Path, sign_in: SignIn, **network: Any
) -> None:
    secret = local.file.parent / "client_secret"
    secret.write_text(CLIENT_SECRET, "utf-8")
    local.config["networks"] = {"azure": {"ca_file": str(ca), **network}}
    local.config["source"] = {
        "network": "azure",
        "storage": {
            "auth": "service_principal",
            "tenant_id": TENANT,
            "client_id": CLIENT,
            "client_secret": f"file:{secret}",
            "authority": sign_in.url,
            "endpoint": storage.endpoint,
        },
    }


def use_sas(local: LocalRun, storage: azurite.Azurite, life_s: int, **network: Any) -> Path:
    file = local.file.parent / "sas"
    file.write_text("?" + azurite.make_sas(storage.key, -60, life_s) + "\n", "utf-8")
    if network:
        local.config["networks"] = {"azure": network}
    local.config["source"] = {
        "storage": {"sas": f"file:{file}", "endpoint": storage.endpoint},
        **({"network": "azure"} if network else {}),
    }
    return file
