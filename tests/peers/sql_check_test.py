"""`mms check` where a cluster or warehouse is set: its state, and SELECT 1 by a real Spark behind
the workspace look-alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Mms

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/lakehouse"))

from front_driver import control  # noqa: E402


@pytest.fixture
def cluster(mms: Mms, lake: dict[str, Any], spark_address: str) -> Iterator[Mms]:
    """With a cluster that answers; what a test did to it is put back."""
    control(lake, "POST", "sql", {"server": spark_address})
    mms.config["tables"] = [{"include": "corpus.plain"}]
    yield mms
    control(lake, "DELETE", "fault")
    control(lake, "DELETE", "sql")
    control(lake, "POST", "cluster", {"cluster_id": lake["cluster"], "state": "RUNNING"})


def check(mms: Mms, *flags: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    done = mms.run("check", *flags)
    steps = {step["name"]: step for step in done.of("check")}
    assert steps, done.out + done.err
    return done.code, steps, done.err


def sql_calls(lake: dict[str, Any]) -> int:
    """How often SQL was begun. Later calls may be those of an earlier test's session."""
    calls = control(lake, "GET", "log")
    return sum(call.get("thrift") == "OpenSession" for call in calls)


def test_a_running_cluster_answers_select_1(cluster: Mms, lake: dict[str, Any]) -> None:
    code, steps, _ = check(cluster)
    assert code == 0, steps
    assert "RUNNING" in steps["Databricks cluster"]["detail"]
    assert "USER_ISOLATION" in steps["Databricks cluster"]["detail"]
    assert steps["SQL"]["outcome"] == "ok" and "SELECT 1" in steps["SQL"]["detail"]
    del cluster.config["source"]["cluster"]
    cluster.config["source"]["warehouse"] = lake["warehouse"]
    code, steps, _ = check(cluster, "--start-compute")
    assert code == 0, steps
    assert steps["SQL warehouse"]["outcome"] == steps["SQL"]["outcome"] == "ok"


def test_a_stopped_cluster_is_started_only_when_asked_for(
    cluster: Mms, lake: dict[str, Any]
) -> None:
    # Not by a call that an earlier test left behind, which the workspace holds for seconds.
    control(lake, "POST", "sql", {"auto_start": False})
    stopped = {"cluster_id": lake["cluster"], "state": "TERMINATED", "start_seconds": 2}
    control(lake, "POST", "cluster", stopped)
    control(lake, "DELETE", "log")
    code, steps, _ = check(cluster)
    assert code == 0, steps
    assert "TERMINATED" in steps["Databricks cluster"]["detail"]
    assert steps["SQL"]["outcome"] == "unknown"
    assert "--start-compute" in steps["SQL"]["remedy"]
    asked = [call["path"] for call in control(lake, "GET", "log")]
    assert sql_calls(lake) == 0 and not any(path.endswith("/start") for path in asked)
    code, steps, told = check(cluster, "--start-compute")
    assert code == 0, steps
    assert steps["SQL"]["outcome"] == "ok", steps["SQL"]
    assert sql_calls(lake) > 0
    assert "waits for cluster" in told


def test_a_server_that_refuses_sql_fails_the_step_alone(cluster: Mms, lake: dict[str, Any]) -> None:
    control(lake, "POST", "fault", {"thrift": "OpenSession", "status": 403, "message": "no right"})
    code, steps, _ = check(cluster)
    assert code == 3
    assert steps["SQL"]["error"]["code"] == "DATABRICKS_DENIED"
    assert "CAN ATTACH TO" in steps["SQL"]["detail"]
    assert steps[f"Storage {lake['account']}"]["outcome"] == "ok"
