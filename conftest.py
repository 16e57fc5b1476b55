"""What all Python tests share: one Spark Thrift Server, if a test wants SQL, more workspaces over a
lakehouse, and the way tests are spread over processes (pytest -n)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_REPOSITORY = Path(__file__).resolve().parent
_LAKEHOUSE = _REPOSITORY / "tools/lakehouse"


class SharedServers(LoadScopeScheduling):
    """Gives a file whole to one process, and files whose tests share what is costly, or look at
    each other's outcome, to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        path = _REPOSITORY / file
        if path.parent == _LAKEHOUSE or "spark_address" in path.read_text("utf-8"):
            return "spark"
        lines = _REPOSITORY / "tests/peers/conformance_lines.py"
        if path.name == "conformance_test.py" or f'"{path.name}::' in lines.read_text("utf-8"):
            return "conformance"
        return file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedServers:
    return SharedServers(config, log)


@pytest.fixture(scope="session")
def spark_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a Spark Thrift Server over the corpus and TPC-H at scale 0.01. Any workspace
    front answers SQL by it once it is told: POST /__front/sql {"server": address}."""
    sys.path.insert(0, str(_LAKEHOUSE))
    import lakehouse

    directory = tmp_path_factory.mktemp("spark")
    server = lakehouse.start_spark(directory, lakehouse.tables_of(0.01))
    try:
        yield server.address
    finally:
        server.stop()


@pytest.fixture(scope="session")
def start_front(
    lake: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., dict[str, Any]]]:
    """start_front(key=value, ...): one more workspace over the lakehouse, its configuration changed
    by these keys; returns its lakehouse.json."""
    sys.path.insert(0, str(_LAKEHOUSE))
    import lakehouse
    import processes
    import tls

    started = []

    def start(**keys: Any) -> dict[str, Any]:
        directory = tmp_path_factory.mktemp("front")
        config = json.loads(Path(lake["token_file"]).with_name("front.json").read_text("utf-8"))
        if keys.pop("with_tls", False):
            keys["tls"] = tls.write_pair(directory)
        (directory / "front.json").write_text(json.dumps(config | keys), "utf-8")
        process, workspace = lakehouse.start_front(directory)
        started.append(process)
        told = {"workspace": workspace, "ca_file": keys.get("tls", {}).get("cert")}
        files = {key: keys[key] for key in ("token_file", "limited_token_file") if key in keys}
        return lake | told | files

    yield start
    processes.stop([processes.entry("front", process) for process in started])
