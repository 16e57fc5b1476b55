"""Tables that come over SQL: the corpus, which has to be as it is from storage, and what comes in
no other way. The SQL is a real Spark's, behind the workspace front.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import REFUSED, Mms, Sandbox, start_sandbox, stop_sandbox
from crossing_test import FAR, expected_rows, key
from sync_test import control
from value_text import odps_rows

# What is refused either way.
OUT = {*REFUSED, "v1"}
CORPUS = [{"include": "corpus.*", "exclude": [f"corpus.{name}" for name in sorted(OUT)]}]


@pytest.fixture(scope="module")
def sql_lake(lake: dict[str, Any], spark_address: str) -> Iterator[dict[str, Any]]:
    control(lake, "POST", "sql", {"server": spark_address})
    yield lake
    control(lake, "DELETE", "fault")
    control(lake, "DELETE", "sql")


# Tables of the schema `kinds` that have no files for us, and the tables they are like.
OTHER_KINDS = {
    "streamed": ("corpus.plain", {"table_type": "STREAMING_TABLE"}),
    "materialized": ("corpus.parts", {"table_type": "MATERIALIZED_VIEW"}),
    "federated": (
        "corpus.types",
        {
            "table_type": "FOREIGN",
            "data_source_format": "POSTGRESQL_FORMAT",
            "storage_location": None,
        },
    ),
}


def by_sql(mms: Mms) -> Mms:
    mms.config["source"]["jdbc"] = True
    return mms


@pytest.fixture(scope="module")
def moved(
    mms_bin: str, sql_lake: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mms, Sandbox, dict[str, Any]]]:
    """The corpus moved once by `jdbc: true`."""
    folder = tmp_path_factory.mktemp("by-sql")
    sandbox = start_sandbox(mms_bin, folder / "sandbox")
    try:
        mms = by_sql(Mms(mms_bin, sql_lake, sandbox, folder))
        mms.config["tables"] = CORPUS
        run = mms.run("run")
        report = {table["source"]: table for table in mms.run("report").of("report_table")}
        assert run.code == 0, run.out + run.err
        yield mms, sandbox, report
    finally:
        stop_sandbox(sandbox)


def test_the_corpus_by_sql_equals_the_corpus_from_files(
    moved: tuple[Mms, Sandbox, dict[str, Any]], sql_lake: dict[str, Any]
) -> None:
    _, sandbox, report = moved
    odps = sandbox.odps()
    wanted = [t for t in sql_lake["tables"] if t["schema"] == "corpus" and t["table"] not in OUT]
    assert {name: table["verdict"] for name, table in report.items()} == {
        f"main.corpus.{entry['table']}": "Match" for entry in wanted
    }
    for entry in [entry for entry in wanted if entry["table"] not in FAR]:
        got = Counter(map(key, odps_rows(odps, entry["table"])))
        want = Counter(map(key, expected_rows(entry)))
        assert got == want, (
            f"{entry['table']}: not in the source: {list((got - want).items())[:3]}, "
            f"missing at the target: {list((want - got).items())[:3]}"
        )


def values_of(sandbox: Sandbox, name: str) -> Counter[str]:
    """The rows as PyODPS reads them; what Python's timestamps cannot show, as text by SQL."""
    odps = sandbox.odps()
    if name not in FAR:
        return Counter(map(key, odps_rows(odps, name)))
    columns = [column.name for column in odps.get_table(name).table_schema.columns]
    texts = ", ".join(f"CAST(`{column}` AS STRING) AS `{column}`" for column in columns)
    with odps.execute_sql(f"SELECT {texts} FROM {name} LIMIT 1000").open_reader() as reader:
        return Counter(key({column: row[column] for column in columns}) for row in reader)


def test_from_storage_and_by_sql_the_corpus_ends_in_equal_tables(
    moved: tuple[Mms, Sandbox, dict[str, Any]], mms: Mms, sandbox: Sandbox
) -> None:
    _, sandbox_by_sql, by_sql_report = moved
    mms.config["tables"] = CORPUS
    run = mms.run("run")
    assert run.code == 0, run.out + run.err
    report = {table["source"]: table for table in mms.run("report").of("report_table")}
    assert set(report) == set(by_sql_report)
    for source, table in report.items():
        other = by_sql_report[source]
        for figure in ("version", "rows_target", "target_checksum"):
            assert table[figure] == other[figure], (source, figure)
        name = table["target_table"]
        assert values_of(sandbox, name) == values_of(sandbox_by_sql, name), source


def test_what_maxcompute_cannot_take_is_refused_by_sql_as_from_storage(
    mms: Mms, sql_lake: dict[str, Any]
) -> None:
    names = ("bad_parts", "renamed")
    by_sql(mms).config["tables"] = [{"include": [f"corpus.{name}" for name in names]}]
    plan = mms.run("plan").of("plan")
    codes = {line["source"]: line["error"]["code"] for line in plan}
    assert codes == {f"main.corpus.{name}": REFUSED[name] for name in names}


@pytest.fixture(scope="module")
def guarded(
    mms_bin: str, sql_lake: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mms, Sandbox]]:
    """What has no files that may be read, beside a table that has some; moved once."""
    for name, (like, change) in OTHER_KINDS.items():
        entry = {"schema": "kinds", "name": name, "like": like, "change": change}
        control(sql_lake, "POST", "table", entry)
    folder = tmp_path_factory.mktemp("guarded")
    sandbox = start_sandbox(mms_bin, folder / "sandbox")
    try:
        mms = Mms(mms_bin, sql_lake, sandbox, folder)
        mms.config["tables"] = [
            {"include": "corpus.v1", "views": True},
            {"include": ["guarded.*", "kinds.*", "corpus.plain"]},
        ]
        run = mms.run("run")
        assert run.code == 0, run.out + run.err
        yield mms, sandbox
    finally:
        stop_sandbox(sandbox)
        control(sql_lake, "DELETE", "table")


def rows_of(lake: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return expected_rows(next(t for t in lake["tables"] if t["table"] == name))


def test_a_view_and_guarded_tables_come_as_the_user_sees_them(
    guarded: tuple[Mms, Sandbox], sql_lake: dict[str, Any]
) -> None:
    mms, sandbox = guarded
    report = {table["source"]: table for table in mms.run("report").of("report_table")}
    assert {table["verdict"] for table in report.values()} == {"Match"} and len(report) == 7
    plain, odps = rows_of(sql_lake, "plain"), sandbox.odps()
    hide = lambda name: None if name is None else name[:1] + "***"
    wanted = {
        "v1": [{"id": r["id"], "name": r["name"]} for r in plain if r["name"] is not None],
        "filtered": [row for row in plain if int(row["id"]) % 2 == 0],
        "masked": [{**row, "name": hide(row["name"])} for row in plain],
        **{
            name: rows_of(sql_lake, like.removeprefix("corpus."))
            for name, (like, _) in OTHER_KINDS.items()
        },
    }
    for name, rows in wanted.items():
        assert Counter(map(key, odps_rows(odps, name))) == Counter(map(key, rows)), name
    plans = {line["target_table"]: line for line in mms.run("plan").of("plan")}
    assert any("row filter" in text for text in plans["filtered"]["warnings"])
    assert any("column mask" in text for text in plans["masked"]["warnings"])


def test_only_what_has_no_version_is_copied_again(guarded: tuple[Mms, Sandbox]) -> None:
    mms, _ = guarded

    def generations() -> dict[str, int]:
        with sqlite3.connect(mms.folder / "state/ledger.db") as ledger:
            return dict(
                ledger.execute(
                    "SELECT target_table, max(generation) FROM tables JOIN units"
                    " ON units.table_id = tables.id GROUP BY target_table"
                )
            )

    before = generations()
    again = mms.run("run")
    assert again.code == 0, again.out + again.err
    after = generations()
    assert {name for name in after if after[name] > before[name]} == {
        *("v1", "filtered", "masked"),
        *OTHER_KINDS,
    }


def test_without_a_place_for_sql_the_refusal_says_so(mms: Mms) -> None:
    del mms.config["source"]["cluster"]
    mms.config["tables"] = [{"include": "guarded.*"}]
    run = mms.run("run")
    assert run.code == 4, run.out + run.err
    for table in mms.run("report").of("report_table"):
        assert "source.warehouse" in table["error"]["message"]
    mms.config["source"]["jdbc"] = True
    assert "source.jdbc reads every table by SQL" in mms.run("plan").err
