"""Pages of lists as Databricks cuts them: sizes, opaque tokens, faults that strike lists."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any


class ApiError(Exception):
    """An answer with an error body."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclasses.dataclass
class Request:
    method: str
    path: str
    segments: list[str]
    query: dict[str, str]
    body: dict[str, Any]
    user: str
    page_fault: str | None

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"

    def required(self, name: str) -> str:
        value = self.query.get(name, "")
        if not value:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required parameter: {name}")
        return value


class Pages:
    def __init__(self, size: int, cap: int) -> None:
        """`size` is what max_results=0 gives, `cap` the most that a number gives."""
        self._size = size
        self._cap = cap
        self._key = os.urandom(16)

    def page(
        self, request: Request, key: str, objects: Sequence[Any], show: Callable[[Any], Any] = dict
    ) -> dict[str, Any]:
        """One page, each object as `show` makes it (None: it has gone meanwhile); without
        max_results everything at once, the real service's legacy mode."""
        text = request.query.get("max_results")
        token = request.query.get("page_token")
        if text is not None and not re.fullmatch(r"-?\d+", text):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "max_results must be a number.")
        wanted = int(text) if text is not None else None
        if wanted is not None and wanted < 0:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "max_results must not be negative.")
        offset = self._offset(request, token) if token else 0
        if wanted is None and not token:
            size = len(objects)
        else:
            size = min(wanted or self._size, self._cap)
        if request.page_fault == "empty":
            return {key: [], "next_page_token": self._token(request, offset)}
        shown = [show(entry) for entry in objects[offset : offset + size]]
        page: dict[str, Any] = {key: [entry for entry in shown if entry is not None]}
        if request.page_fault == "repeat" and token:
            page["next_page_token"] = token
        elif offset + size < len(objects):
            page["next_page_token"] = self._token(request, offset + size)
        return page

    def _signature(self, request: Request, offset: int) -> bytes:
        """Ties a token to its list: the other parameters must be repeated with it."""
        others = sorted(
            i for i in request.query.items() if i[0] not in ("page_token", "max_results")
        )
        message = json.dumps([request.path, others, offset]).encode()
        return hmac.new(self._key, message, hashlib.sha256).digest()[:12]

    def _token(self, request: Request, offset: int) -> str:
        raw = offset.to_bytes(4, "big") + self._signature(request, offset) + os.urandom(3)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def _offset(self, request: Request, token: str) -> int:
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            raw = b""
        offset = int.from_bytes(raw[:4], "big")
        if not hmac.compare_digest(raw[4:16], self._signature(request, offset)):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "Invalid page token.")
        return offset
