"""SQL of a Databricks client, cut into tokens and put into words that Spark's own catalog knows.

The Thrift Server has one catalog without a name: `main.sales.orders` becomes `sales.orders`,
wherever it is a name and nowhere else (not in literals, comments, aliases). What open-source Delta
lacks and clients use is put otherwise: SHOW PARTITIONS becomes a SELECT DISTINCT, USE CATALOG names
Spark's catalog. Lexical rules are those of Spark's public SQL reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*)
      |(?P<comment>/\*)
      |(?P<string>[rR](?:'[^']*'|"[^"]*")|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
      |(?P<quoted>`(?:``|[^`])*`)
      |(?P<word>\w+)
      |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_READING = {"select", "with", "values", "table", "from", "("}
_HARMLESS = _READING | {"show", "describe", "desc", "explain", "set", "use", "reset"}
_BEFORE_TABLE = {"from", "join", "table", "partitions", "detail", "history", "columns"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str

    @property
    def name(self) -> str | None:
        """The identifier it is, as Spark compares it; None for anything else."""
        if self.kind == "word":
            return self.text.lower()
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`").lower()
        return None


def _comment_end(text: str, at: int) -> int:
    """After a bracketed comment, which may hold others."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(text)


def tokens_of(text: str) -> list[Token]:
    """Every letter of the text is in exactly one token."""
    result, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match and match.lastgroup
        kind, end = match.lastgroup, match.end()
        if kind == "comment":
            kind, end = "blank", _comment_end(text, at)
        result.append(Token(kind, text[at:end]))
        at = end
    return result


class Statement:
    """One statement; `text` is what to send to Spark."""

    def __init__(self, text: str, catalog: str) -> None:
        self._catalog = catalog.lower()
        self._tokens = tokens_of(text)
        while self._tokens and (self._tokens[-1].kind == "blank" or self._tokens[-1].text == ";"):
            self._tokens.pop()
        self._drop_catalog()

    @property
    def text(self) -> str:
        return "".join(token.text for token in self._tokens)

    @property
    def _words(self) -> list[Token]:
        return [token for token in self._tokens if token.kind != "blank"]

    def _starts(self, *names: str) -> bool:
        words = self._words
        return len(words) >= len(names) and all(
            token.kind != "quoted" and token.text.lower() == name
            for token, name in zip(words, names)
        )

    @property
    def reads_rows(self) -> bool:
        """Whether it is a query, whose types DESCRIBE QUERY tells."""
        return any(self._starts(word) for word in _READING)

    @property
    def changes_nothing(self) -> bool:
        return any(self._starts(word) for word in _HARMLESS)

    @property
    def sets_something(self) -> bool:
        return self._starts("set") or self._starts("reset")

    def used_schema(self) -> str | None:
        """The schema that USE [SCHEMA] changes to."""
        if not self._starts("use"):
            return None
        words = self._words[1:]
        if len(words) > 1 and words[0].text.lower() in ("schema", "database"):
            words = words[1:]
        return words[-1].name

    def _drop_catalog(self) -> None:
        places = [i for i, token in enumerate(self._tokens) if token.kind != "blank"]
        words = self._words
        dropped: set[int] = set()
        for n, token in enumerate(words):
            after_dot = n > 0 and words[n - 1].text == "."
            if token.name != self._catalog or after_dot:
                continue
            parts = _chain(words, n)
            if len(parts) >= 3 or (len(parts) == 2 and self._names_schema(words, n)):
                dropped |= set(range(places[n], places[n + 2]))
        self._tokens = [t for i, t in enumerate(self._tokens) if i not in dropped]
        if self._starts("use", "catalog") and [t.name for t in words[2:]] == [self._catalog]:
            self._tokens = tokens_of("SET CATALOG spark_catalog")
        elif self._starts("show") and [t.name for t in words[-2:]] in (
            ["in", self._catalog],
            ["from", self._catalog],
        ):
            self._tokens = self._tokens[: places[-2] - 1]  # SHOW SCHEMAS IN main

    def _names_schema(self, words: list[Token], at: int) -> bool:
        """Whether catalog.name at this place is a schema: only in statements about schemas."""
        before = words[at - 1].text.lower() if at else ""
        if self._starts("use"):
            return True
        if self._starts("show"):
            return before in ("in", "from")
        return before in ("schema", "database")

    def table_names(self) -> list[tuple[str, ...]]:
        """Dotted names that may be tables; the catalog is gone from them."""
        words, found = self._words, []
        for n, token in enumerate(words):
            if token.name is None or (n > 0 and words[n - 1].text == "."):
                continue
            parts = tuple(_chain(words, n))
            before = words[n - 1].text.lower() if n else ""
            if len(parts) >= 2:
                found.append(parts[:2])
            elif before in _BEFORE_TABLE:
                found.append(parts)
        return found

    def show_partitions(self, columns_of: Callable[[tuple[str, ...]], list[str]]) -> None:
        """SHOW PARTITIONS t [PARTITION (spec)] -> SELECT DISTINCT, if t is known as partitioned."""
        if not self._starts("show", "partitions"):
            return
        words = self._words
        parts = _chain(words, 2)
        columns = columns_of(tuple(parts))
        if not columns:
            return
        names = ", ".join("`" + column.replace("`", "``") + "`" for column in columns)
        table = ".".join("`" + part.replace("`", "``") + "`" for part in parts)
        text = f"SELECT DISTINCT {names} FROM {table}"
        rest = words[2 + 2 * len(parts) - 1 :]
        if rest and rest[0].text.lower() == "partition":
            inside = rest[2:-1]
            text += " WHERE " + " ".join("AND" if t.text == "," else t.text for t in inside)
        self._tokens = tokens_of(f"{text} ORDER BY {names}")

    def bind(self, parameters: list[tuple[str | None, str]]) -> None:
        """Puts literals in the place of `?` and `:name`; (name or None, literal) each."""
        named = {name.lower(): literal for name, literal in parameters if name}
        ordinal = iter([literal for name, literal in parameters if not name])
        result: list[Token] = []
        for token in self._tokens:
            if token.text == "?":
                result += tokens_of(next(ordinal, "?"))
            elif result and result[-1].text == ":" and token.name in named:
                result.pop()
                result += tokens_of(named[token.name or ""])
            else:
                result.append(token)
        self._tokens = result


def _chain(words: list[Token], at: int) -> list[str]:
    """The parts of the dotted name that begins here."""
    parts = [words[at].name or ""]
    while at + 2 < len(words) and words[at + 1].text == "." and words[at + 2].name is not None:
        at += 2
        parts.append(words[at].name or "")
    return parts
