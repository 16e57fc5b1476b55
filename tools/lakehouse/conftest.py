"""One lakehouse (TPC-H scale 0.01, small pages) for the tests of this folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient

from front_driver import ThriftCalls, client, control, secret

_HERE = Path(__file__).resolve().parent


def _lakehouse(*arguments: str) -> None:
    subprocess.run([sys.executable, str(_HERE / "lakehouse.py"), *arguments], check=True)


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    directory = tmp_path_factory.mktemp("lakehouse")
    _lakehouse("up", "--dir", str(directory), "--scale", "0.01", "--page-size", "4", "--kinds")
    try:
        yield json.loads((directory / "lakehouse.json").read_text("utf-8"))
    finally:
        _lakehouse("down", "--dir", str(directory))
        assert list(directory.iterdir()) == []


@pytest.fixture
def workspace(lake: dict[str, Any]) -> WorkspaceClient:
    return client(lake, secret(lake, "token"))


@pytest.fixture
def faults(lake: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    yield lambda **rule: control(lake, "POST", "fault", rule)
    control(lake, "DELETE", "fault")


@pytest.fixture
def changes(lake: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """changes(action, **body): POST /__front/action; everything is put back afterwards."""
    yield lambda action, /, **body: control(lake, "POST", action, body)
    for name in ("grants", "vending", "table"):
        control(lake, "DELETE", name)


@pytest.fixture(scope="session")
def sql_lake(lake: dict[str, Any], spark_address: str) -> dict[str, Any]:
    """The lakehouse once its workspace answers SQL."""
    control(lake, "POST", "sql", {"server": spark_address})
    return lake


@pytest.fixture
def sql(sql_lake: dict[str, Any]) -> Iterator[ThriftCalls]:
    """Bare Thrift calls to the running cluster; settings of the front go back to their values."""
    yield ThriftCalls(sql_lake, sql_lake["http_path"], secret(sql_lake, "token"))
    control(sql_lake, "DELETE", "sql")
