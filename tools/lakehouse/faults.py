"""Faults that a test asks the workspace front to commit, and the log of what clients asked for.

POST /__front/fault takes one rule, DELETE /__front/fault forgets them all. A rule is an object:

    match         regular expression searched in path and query
    thrift        Thrift method, for calls of the SQL side; one of match and thrift is required
    method        GET, POST ...; absent: any
    after         let this many matching requests pass first (0)
    count         then strike this many times; absent: until deleted
    status        answer with this HTTP status instead of the real answer
    error_code, message   of the JSON error body (with status)
    retry_after   value of the Retry-After header (with status)
    delay_ms      wait before anything else
    drop          "before": close without an answer; "body": close half-way through the body
    html          answer 200 with an HTML page, as a captive proxy does
    body          "truncated": half of it as if it were all; "garbled": wrong from the middle on
    page          on lists: "empty": no objects, but a token; "repeat": the request's token again

and for Thrift calls, which are answered with HTTP status 200:

    thrift_status "ERROR" or "INVALID_HANDLE": the response is this status alone, nothing is done
    state         an operation's state: "ERROR", "CANCELED", "CLOSED", "TIMEDOUT", "RUNNING"
    sql_state, message    of the two above
    rows          where rows are fetched, also with ExecuteStatement: "claim_more", "deny_more": a
                  wrong hasMoreRows; "none": no rows this time, but more to come; "empty_batch": an
                  Arrow batch without rows among the others; "garbled_batch": the last one is
                  broken (a bad LZ4 frame, if compressed); "expired_links"

What strikes instead of the real answer (status, html, thrift_status) leaves the call undone; what
harms the answer on its way (drop, body) leaves it done.

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
    "thrift": str,
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
    "body": str,
    "page": str,
    "thrift_status": str,
    "state": str,
    "sql_state": str,
    "rows": str,
}
_CHOICES = {
    "drop": ("before", "body"),
    "body": ("truncated", "garbled"),
    "page": ("empty", "repeat"),
    "thrift_status": ("ERROR", "INVALID_HANDLE"),
    "state": ("ERROR", "CANCELED", "CLOSED", "TIMEDOUT", "RUNNING"),
    "rows": ("claim_more", "deny_more", "none", "empty_batch", "garbled_batch", "expired_links"),
}
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
        if not isinstance(rule, dict) or not {"match", "thrift"} & set(rule):
            raise ValueError("a fault is an object with at least one of the keys match and thrift")
        for key, value in rule.items():
            if key not in _KEYS or not isinstance(value, _KEYS[key]):
                raise ValueError(f"fault: key {key} is unknown or of the wrong type")
            if key in _CHOICES and value not in _CHOICES[key]:
                raise ValueError(f"fault: {key} must be one of {', '.join(_CHOICES[key])}")
        try:
            pattern = re.compile(rule.get("match", ""))
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

    def take(self, method: str, path: str, thrift: str = "") -> dict[str, Any] | None:
        """The first rule that strikes this request; counts it. `thrift` is the call's method."""
        with self._lock:
            for armed in self._armed:
                if armed.strikes_left == 0 or not armed.pattern.search(path):
                    continue
                if armed.rule.get("method", method) != method:
                    continue
                if armed.rule.get("thrift", thrift) != thrift:
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
