"""The workspace front's own sign-in: OAuth for service principals of Databricks, as the public
reference and databricks-sdk 0.156 have it (client_credentials, HTTP Basic, scope all-apis).

A test names the principals and how long their tokens live (POST /__front/oauth, an object):

    client_id, client_secret   a principal that may sign in
    user                       whose rights its tokens have (the owner's)
    seconds                    how long tokens are told to live, and do (3600)
    lives                      how long they do really, when that differs
    revoke                     true: every token given so far is refused from now on
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qs

_KEYS = {"client_id", "client_secret", "user", "seconds", "lives", "revoke"}


class SignIns:
    """Principals and the tokens they were given; thread-safe."""

    def __init__(self, user: str) -> None:
        self._default_user = user
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._principals: dict[str, tuple[str, str]] = {}
            self._tokens: dict[str, tuple[str, float]] = {}
            self._seconds: float = 3600
            self._lives: float | None = None

    def change(self, wish: dict[str, Any]) -> None:
        if set(wish) - _KEYS:
            raise ValueError(f"oauth: unknown keys {sorted(set(wish) - _KEYS)}")
        with self._lock:
            if "client_id" in wish:
                user = str(wish.get("user", self._default_user))
                self._principals[wish["client_id"]] = (wish["client_secret"], user)
            self._seconds = wish.get("seconds", self._seconds)
            self._lives = wish.get("lives", self._lives)
            if wish.get("revoke"):
                self._tokens.clear()

    def user_of(self, token: str) -> str | None:
        with self._lock:
            user, until = self._tokens.get(token, ("", 0.0))
        return user if time.time() < until else None

    def answer(self, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Of POST /oidc/v1/token."""
        form = {key: values[0] for key, values in parse_qs(body.decode("utf-8")).items()}
        if form.get("grant_type") != "client_credentials" or form.get("scope") != "all-apis":
            return 400, {"error": "invalid_request", "error_description": "Unsupported grant."}
        try:
            scheme, _, encoded = authorization.partition(" ")
            client, _, given = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            scheme = ""
        with self._lock:
            secret, user = self._principals.get(client if scheme == "Basic" else "", ("", ""))
            if not secret or not secrets.compare_digest(secret, given):
                told = "Client authentication failed"
                return 401, {"error": "invalid_client", "error_description": told}
            token = "eyJ." + secrets.token_urlsafe(24)
            lives = self._seconds if self._lives is None else self._lives
            self._tokens[token] = (user, time.time() + lives)
            return 200, {
                "access_token": token,
                "token_type": "Bearer",
                "scope": "all-apis",
                "expires_in": int(self._seconds),
            }
