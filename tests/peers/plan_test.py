"""What `mms plan` says before anything is made: a verdict on each column, with its reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun


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
