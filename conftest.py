"""What all Python tests share: one Spark Thrift Server for the session, if a test wants SQL."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_LAKEHOUSE = Path(__file__).resolve().parent / "tools/lakehouse"


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
