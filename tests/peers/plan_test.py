"""What `mms plan` says before anything is made: a verdict on each column, values at risk."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun, changed


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    return LocalRun(mms_bin, sandbox, tmp_path)


def orders(rows: int = 2) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "price": pa.array([Decimal("0.00000000000000000001")] * rows, pa.decimal128(38, 20)),
            "note": pa.array(["x"] * rows),
            "day": pa.array([f"a/{number}" for number in range(rows)]),
        }
    )


def test_each_column_has_a_verdict_and_the_table_their_counts(
    local: LocalRun, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "orders", orders(), partition_by=["day"])
    local.table(tmp_path / "orders", "orders")
    local.config["policy"] |= {"on_long_value": "truncate", "partition_value_map": {"/": "_"}}
    plan = local.plan()["orders"]
    columns = plan["columns"] + plan["partition_columns"]
    assert {column["source"]: column["fidelity"] for column in columns} == {
        "id": "lossless",
        "price": "widening",
        "note": "lossy",
        "day": "lossy",
    }
    assert plan["fidelity"] == {
        "lossless": 1,
        "widening": 1,
        "lossy": 2,
        "refused": 0,
        "left_out": 0,
    }
    text = local.text("plan")
    assert "4 columns: 1 lossless, 1 widening, 2 lossy" in text
    assert "column price DECIMAL(38,20) -> price STRING: widening; DECIMAL(38,20) becomes" in text
    assert "column note STRING -> note STRING: lossy; a value may be cut" in text
    assert "(partition_value_map)" in text
    assert "column id" not in text


def test_a_refused_table_tells_its_columns_apart(local: LocalRun, tmp_path: Path) -> None:
    table = orders().rename_columns(["id-1", "price", "note", "day"])
    write_deltalake(tmp_path / "orders", table)
    local.table(tmp_path / "orders", "orders")
    refused = next(iter(local.plan().values()))
    assert refused["verdict"] == "Refused"
    assert [column["source"] for column in refused["columns"]] == ["id-1"]
    assert refused["columns"][0]["fidelity"] == "refused"
    assert refused["columns"][0]["target"] is None
    assert "id-1" in refused["columns"][0]["note"]
    assert refused["fidelity"] == {
        "lossless": 2,
        "widening": 1,
        "lossy": 0,
        "refused": 1,
        "left_out": 0,
    }
    assert "4 columns: 2 lossless, 1 widening, 1 refused" in local.text("plan")
    local.config["policy"]["column_name_map"] = {"-": "_"}
    assert local.plan()["orders"]["fidelity"]["refused"] == 0


def instants(*texts: str) -> pa.Table:
    values = pa.array([datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts])
    return pa.table({"at": values.cast(pa.timestamp("us", "UTC")), "note": pa.array(texts)})


def risks(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {risk["source"]: risk for risk in plan["values_at_risk"]}


def test_values_at_risk_are_told_by_the_logs_statistics(local: LocalRun, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "far", instants("2024-01-01", "2025-06-30"))
    write_deltalake(tmp_path / "far", instants("2024-01-01", "9999-12-31"), mode="append")
    write_deltalake(tmp_path / "near", instants("2024-01-01"))
    local.table(tmp_path / "far", "far")
    local.table(tmp_path / "near", "near")
    plans = local.plan()
    far = risks(plans["far"])["at"]
    assert (far["files"], far["files_within"], far["files_beyond"], far["files_unknown"]) == (
        2,
        1,
        1,
        0,
    )
    assert far["highest"].startswith("9999-12-31") and far["lowest"] is None
    assert "record by record" in far["outcome"]
    assert risks(plans["far"])["note"]["files_unknown"] == 2, "no statistics tell a length"
    assert risks(plans["near"])["at"]["files_within"] == 1
    text = local.text("plan")
    assert "values of at TIMESTAMP: 1 of 2 files reach 9999-12-31" in text
    assert text.count("values of at") == 1, "what is proved to be within is not told"
    assert "8 MiB" in text
    local.config["policy"]["on_timestamp_range"] = "null"
    assert "NULL" in risks(local.plan()["far"])["at"]["outcome"]


def test_what_is_said_of_values_is_what_the_run_then_finds(
    local: LocalRun, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "far", instants("2024-01-01"))
    write_deltalake(tmp_path / "far", instants("9999-12-31", "0001-01-01"), mode="append")
    local.table(tmp_path / "far", "far")
    local.config["policy"]["on_timestamp_range"] = "null"
    assert risks(local.plan()["far"])["at"]["files_beyond"] == 1
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert changed(local.report()["far"]) == {("at", "null_timestamp_range"): 2}


def test_without_statistics_nothing_is_claimed(local: LocalRun, tmp_path: Path) -> None:
    write_deltalake(
        tmp_path / "bare",
        instants("2024-01-01"),
        configuration={"delta.dataSkippingNumIndexedCols": "0"},
    )
    local.table(tmp_path / "bare", "bare")
    bare = risks(local.plan()["bare"])["at"]
    assert (bare["files"], bare["files_within"], bare["files_unknown"]) == (1, 0, 1)
    text = local.text("plan")
    assert "values of at TIMESTAMP: not known of 1 of 1 file whether values are outside" in text


BARE = {"delta.dataSkippingNumIndexedCols": "0"}  # no column has statistics in the log


def test_footers_tell_what_no_statistics_do(local: LocalRun, tmp_path: Path) -> None:
    near = instants("2024-01-01").append_column("many", pa.array([[datetime(2024, 1, 1)]]))
    write_deltalake(tmp_path / "bare", near, configuration=BARE)
    far = instants("9999-12-31").append_column("many", pa.array([[datetime(1, 1, 1)]]))
    write_deltalake(tmp_path / "bare", far, mode="append")
    long = instants("2024-01-01").append_column("many", pa.array([[datetime(2024, 1, 1)]]))
    long = long.set_column(1, "note", pa.array(["".join(map(chr, range(256, 50_000))) * 80]))
    write_deltalake(tmp_path / "bare", long, mode="append")
    write_deltalake(tmp_path / "told", pa.table({"n": [1]}))
    local.table(tmp_path / "bare", "bare")
    local.table(tmp_path / "told", "told")

    plans = local.plan("--footers")
    told = risks(plans["bare"])
    figures = ["files", "files_within", "files_beyond", "files_unknown", "files_by_footer"]
    assert [told["at"][figure] for figure in figures] == [3, 2, 1, 0, 3]
    assert told["at"]["highest"] == "9999-12-31T00:00:00.000000Z" and told["at"]["lowest"] is None
    assert [told["many.element"][figure] for figure in figures] == [3, 2, 1, 0, 3]
    assert told["many.element"]["lowest"] == "0001-01-01T00:00:00.000000Z"
    assert [told["note"][figure] for figure in figures] == [3, 2, 0, 1, 2], "8 MiB are not proved"
    reads = plans["bare"]["footers"]
    assert (reads["files"], reads["requests"], reads["files_unread"]) == (3, 3, 0)
    assert 0 < reads["bytes"] <= sum(
        file.stat().st_size for file in (tmp_path / "bare").glob("*.parquet")
    )
    assert reads["error"] is None
    assert plans["told"]["footers"]["files"] == 0, "it has nothing that footers could tell"
    (total,) = local.run("plan", "--footers").of("summary")
    assert total["footers"] == reads

    text = local.text("plan", "--footers")
    assert "values of at TIMESTAMP: 1 of 3 files reach 9999-12-31T00:00:00.000000Z" in text
    assert "not known of 1 of 3 files whether values are longer than 8 MiB" in text
    assert "footers of 3 files were read by 3 requests" in text
    assert "no statistics tell whether" not in text

    # Without being asked none is read.
    plain = local.plan()["bare"]
    assert plain["footers"] is None
    assert risks(plain)["at"]["files_unknown"] == 3
    assert risks(plain)["note"]["files_unknown"] == 3


def test_what_statistics_prove_costs_no_footer(local: LocalRun, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", instants("2024-01-01").drop(["note"]))
    write_deltalake(tmp_path / "t", instants("2025-01-01").drop(["note"]), mode="append")
    local.table(tmp_path / "t", "t")
    plan = local.plan("--footers")["t"]
    assert plan["footers"]["requests"] == 0
    assert (risks(plan)["at"]["files_within"], risks(plan)["at"]["files_by_footer"]) == (2, 0)


def test_a_footer_that_cannot_be_read_is_named_and_nothing_claimed(
    local: LocalRun, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "t", instants("2024-01-01"), configuration=BARE)
    (first,) = (tmp_path / "t").glob("*.parquet")
    for _ in range(2):
        write_deltalake(tmp_path / "t", instants("2025-01-01"), mode="append")
    (second, _) = sorted(set((tmp_path / "t").glob("*.parquet")) - {first})
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    local.table(tmp_path / "t", "t")
    outcome = local.run("plan", "--footers")
    assert outcome.code == 0, outcome.out + outcome.err
    (plan,) = outcome.of("plan")
    reads = plan["footers"]
    assert (reads["files"], reads["files_unread"]) == (1, 2)
    assert first.name in reads["error"] or second.name in reads["error"]
    at = risks(plan)["at"]
    assert (at["files"], at["files_within"], at["files_unknown"]) == (3, 1, 2)
    assert "footers not read: of 2 files, the first since" in local.text("plan", "--footers")


def estimate(local: LocalRun, *arguments: str) -> dict[str, Any]:
    return local.run("plan", *arguments).of("summary")[0]["estimate"]


def test_what_a_run_takes_is_estimated_and_unknown_is_null(
    local: LocalRun, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        write_deltalake(tmp_path / name, orders(3), partition_by=["day"])
        local.table(tmp_path / name, name)
    local.config["policy"]["partition_value_map"] = {"/": "_"}
    plan = local.plan()["one"]
    first = estimate(local)
    assert (first["tables"], first["units"], first["blocks"]) == (2, 6, 6)
    assert first["bytes"] == 2 * plan["bytes"] > 0
    assert (first["rate_mib"], first["rate_from"], first["hours"]) == (None, None, None)
    assert first["cost"] is None and first["windows"] is None
    assert {line["payer"] for line in first["lines"]} == {
        "Azure",
        "Network",
        "MaxCompute",
        "Databricks",
    }
    given = estimate(
        local, "--rate-mib", "0.001", "--window", "22:00-04:30", "--price", "azure.egress.gb=100000"
    )
    assert given["rate_from"] == "given" and given["window_hours"] == 6.5
    assert given["hours"] == pytest.approx(first["bytes"] / (1 << 20) / 0.001 / 3600)
    assert given["windows"] == 1
    azure = next(line for line in given["lines"] if line["payer"] == "Azure")
    assert azure["cost"] == pytest.approx(first["bytes"] / 1e9 * 100_000)
    assert given["cost"] is None, "what MaxCompute takes has no price"
    assert next(line for line in given["lines"] if line["payer"] == "Databricks")["cost"] == 0


def test_a_run_that_copied_gives_its_rate_and_what_is_copied_is_left_out(
    local: LocalRun, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "one", orders(3), partition_by=["day"])
    local.table(tmp_path / "one", "one")
    local.config["policy"]["partition_value_map"] = {"/": "_"}
    run = local.run()
    assert run.code == 0, run.out + run.err
    rate = run.of("summary")[0]["rate"]
    assert rate["bytes"] == local.report()["one"]["bytes"] and rate["duration_ms"] > 0
    done = estimate(local)
    assert (done["tables"], done["units"], done["bytes"], done["hours"]) == (0, 0, 0, 0)
    assert done["rate_from"] == "last run"
    assert done["rate_mib"] == pytest.approx(
        rate["bytes"] / (1 << 20) / (rate["duration_ms"] / 1000)
    )
    write_deltalake(tmp_path / "two", orders(3), partition_by=["day"])
    local.table(tmp_path / "two", "two")
    more = estimate(local)
    assert (more["tables"], more["units"]) == (1, 3)
    assert more["hours"] == pytest.approx(more["bytes"] / (1 << 20) / done["rate_mib"] / 3600)
    assert "1 table in 3 units" in local.text("plan")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--window", "22:00"], "PLAN_WINDOW"),
        (["--window", "25:00-26:00"], "PLAN_WINDOW"),
        (["--price", "azure.egress.gb"], "CONFIG_VALUE"),
        (["--price", "azure.egress.gb=much"], "CONFIG_VALUE"),
        (["--price", "azure.gb=1"], "CONFIG_UNKNOWN_KEY"),
    ],
)
def test_what_is_no_window_and_no_price_is_named(
    local: LocalRun, tmp_path: Path, arguments: list[str], code: str
) -> None:
    write_deltalake(tmp_path / "one", orders())
    local.table(tmp_path / "one", "one")
    assert local.run("plan", *arguments).of("error")[-1]["code"] == code


def instances(local: LocalRun) -> int:
    """SQL statements that the sandbox has run so far."""
    return sum(1 for _ in local.sandbox.odps().list_instances())


@pytest.mark.parametrize(
    "policy",
    [
        {"verify": "none"},
        {"verify": "count"},
        {"verify": "checksum"},
        {"verify": "checksum", "verify_by": "select"},
        {"verify": "count", "create_partition": "session"},
    ],
)
def test_the_statements_that_a_run_takes_are_foretold(
    local: LocalRun, tmp_path: Path, policy: dict[str, str]
) -> None:
    days = [f"d{number:03}" for number in range(70)]  # more than a first page of partitions
    table = pa.table({"n": list(range(70)), "day": days})
    write_deltalake(tmp_path / "parts", table, partition_by=["day"])
    write_deltalake(tmp_path / "whole", pa.table({"n": [1]}))
    for name in ("parts", "whole"):
        local.table(tmp_path / name, name)
    local.config["policy"] |= policy
    plan = estimate(local, "--price", "maxcompute.statement=2")
    (line,) = [line for line in plan["lines"] if line["unit"] == "statement"]
    assert line["cost"] == 2 * line["quantity"] > 0
    before = instances(local)
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert instances(local) - before == line["quantity"]
    (again,) = [line for line in estimate(local)["lines"] if line["unit"] == "statement"]
    assert again["quantity"] == 0 and again["cost"] == 0, "nothing is left to do"


def test_statements_that_depend_on_what_is_found_are_not_foretold(
    local: LocalRun, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "keyed", pa.table({"n": [1]}))
    local.table(tmp_path / "keyed", "keyed", kind="pk_delta", primary_key=["n"])
    (line,) = [line for line in estimate(local)["lines"] if line["unit"] == "statement"]
    assert line["quantity"] is None and line["cost"] is None
