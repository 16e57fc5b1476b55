"""Faults that a test asks the workspace front to commit, and the log of what clients asked for.

POST /__front/fault takes one rule, DELETE /__front/fault forgets them all. A rule is an object:

    match         regular expression searched in path and query (required)
    method        GET, POST ...; absent: any
    after         let this many matching requests pass first (0)
    count         then strike this many times; absent: until deleted
    status        answer with this HTTP status instead of the real answer
    error_code, message   of the JSON error body (with status)
    retry_after   value of the Retry-After header (with status)
    delay_ms      wait before anything else
    drop          "before": close without an answer; "body": close half-way through the body
    html          answer 200 with an HTML page, as a captive proxy does
    page          on lists: "empty": no objects, but a token; "repeat": the request's token again

GET /__front/log[?since=N] shows the requests so far, without credentials; DELETE empties it.
"""

from __future__ import annotations

import collections
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

_KEYS = {
    "match": str,
    "method": str,
    "after": int,
    "count": int,
    "status": int,
    "error_code": str,
    "message": str,
    "retry_after": (int, str),
    "delay_ms": int,
    "drop": str,
    "html": bool,
    "page": str,
}
_CHOICES = {"drop": ("before", "body"), "page": ("empty", "repeat")}
_LOG_LENGTH = 20_000


@dataclass
class _Armed:
    rule: dict[str, Any]
    pattern: re.Pattern[str]
    passes_left: int
    strikes_left: int | None


class Faults:
    """The rules in force; thread-safe."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    def add(self, rule: Any) -> None:
        """Raises ValueError for a rule that says nothing or something unknown."""
        if not isinstance(rule, dict) or "match" not in rule:
            raise ValueError("a fault is an object with at least the key match")
        for key, value in rule.items():
            if key not in _KEYS or not isinstance(value, _KEYS[key]):
                raise ValueError(f"fault: key {key} is unknown or of the wrong type")
            if key in _CHOICES and value not in _CHOICES[key]:
                raise ValueError(f"fault: {key} must be one of {', '.join(_CHOICES[key])}")
        try:
            pattern = re.compile(rule["match"])
        except re.error as error:
            raise ValueError(f"fault: match is no regular expression: {error}") from error
        with self._lock:
            self._armed.append(_Armed(rule, pattern, rule.get("after", 0), rule.get("count")))

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def pending(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{**a.rule, "left": a.strikes_left} for a in self._armed]

    def take(self, method: str, path: str) -> dict[str, Any] | None:
        """The first rule that strikes this request; counts it."""
        with self._lock:
            for armed in self._armed:
                if armed.strikes_left == 0 or not armed.pattern.search(path):
                    continue
                if armed.rule.get("method", method) != method:
                    continue
                if armed.passes_left > 0:
                    armed.passes_left -= 1
                    continue
                if armed.strikes_left is not None:
                    armed.strikes_left -= 1
                return armed.rule
        return None


class RequestLog:
    """The last requests; thread-safe. Never holds header values but the user agent."""

    def __init__(self) -> None:
        self._entries: collections.deque[dict[str, Any]] = collections.deque(maxlen=_LOG_LENGTH)
        self._next = 1
        self._lock = threading.Lock()

    def add(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self._entries.append({"n": self._next, "at": time.time(), **entry})
            self._next += 1

    def entries(self, since: int) -> list[dict[str, Any]]:
        with self._lock:
            return [entry for entry in self._entries if entry["n"] > since]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
