"""Statements through PyODPS as its users run them, for the tests of the sandbox's SQL."""

from __future__ import annotations

import json

from odps import ODPS


def run(client: ODPS, *statements: str, **hints: str) -> None:
    for sql in statements:
        client.execute_sql(sql, hints=hints or None)


def rows(client: ODPS, sql: str) -> list[tuple[object, ...]]:
    """Typed rows, by instance tunnel."""
    with client.execute_sql(sql).open_reader(tunnel=True) as reader:
        return [tuple(record.values) for record in reader]


def cells(client: ODPS, sql: str) -> list[list[str | None]]:
    """The CSV answer, as text."""
    with client.execute_sql(sql).open_reader(tunnel=False) as reader:
        return [list(record.values) for record in reader]


def text(client: ODPS, sql: str) -> str:
    with client.execute_sql(sql).open_reader() as reader:
        return str(reader.raw)


def reserved(client: ODPS, table: str) -> dict[str, object]:
    """The extended table document's `Reserved`, as it is on the wire."""
    answer = client.rest.get(client.get_table(table).resource() + "?extended")
    schema = answer.text.split("<![CDATA[")[1].split("]]>")[0]
    return dict(json.loads(json.loads(schema)["Reserved"]))
