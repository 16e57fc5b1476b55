"""The clusters and SQL warehouses of the workspace front: state machines driven by the clock.

TERMINATED -start-> PENDING -(start_seconds)-> RUNNING -delete-> TERMINATING -> TERMINATED, as the
public Clusters API 2.0/2.1 names them; a cluster marked to fail ends its start in TERMINATED with a
termination reason. A warehouse goes the same way under other names (STOPPED, STARTING, RUNNING,
STOPPING), after the public Warehouses API 2.0.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

_STOP_SECONDS = 0.5


class ClusterError(Exception):
    """An answer of status 400 with this error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotRunning(Exception):
    """SQL was sent to compute that cannot take it now."""

    def __init__(self, name: str, state: str, starting: bool) -> None:
        super().__init__(f"{name} is in state {state}")
        self.starting = starting


@dataclass
class Cluster:
    cluster_id: str
    name: str
    state: str = "RUNNING"
    start_seconds: float = 1.0
    fails: bool = False
    since: float = 0.0
    reason: dict[str, Any] | None = None
    generation: int = 0  # counts starts: what ran before the last one is gone

    def start(self) -> None:
        self.state, self.since = "PENDING", time.monotonic()
        self.generation += 1

    def advance(self, now: float) -> None:
        if self.state == "PENDING" and now - self.since >= self.start_seconds:
            self.state, self.since = ("TERMINATED" if self.fails else "RUNNING"), now
            if self.fails:
                self.reason = {
                    "code": "CLOUD_PROVIDER_LAUNCH_FAILURE",
                    "type": "CLOUD_FAILURE",
                    "parameters": {"azure_error_code": "QuotaExceeded"},
                }
        elif self.state == "TERMINATING" and now - self.since >= _STOP_SECONDS:
            self.state, self.since = "TERMINATED", now
            self.reason = {"code": "USER_REQUEST", "type": "SUCCESS"}

    def info(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "cluster_id": self.cluster_id,
            "cluster_name": self.name,
            "state": self.state,
            "state_message": "",
            "spark_version": "16.4.x-scala2.13",
            "node_type_id": "Standard_D4ds_v5",
            "num_workers": 1,
            "data_security_mode": "USER_ISOLATION",
            "cluster_source": "UI",
        }
        if self.state == "TERMINATED" and self.reason:
            result["termination_reason"] = self.reason
        return result


class Clusters:
    """All clusters; thread-safe. Every call first lets the clock act on every cluster."""

    def __init__(self, clusters: list[Cluster]) -> None:
        self._clusters = {cluster.cluster_id: cluster for cluster in clusters}
        self._lock = threading.Lock()

    def _advance(self) -> None:
        now = time.monotonic()
        for cluster in self._clusters.values():
            cluster.advance(now)

    def _find(self, cluster_id: str) -> Cluster:
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            raise ClusterError("INVALID_PARAMETER_VALUE", f"Cluster {cluster_id} does not exist")
        return cluster

    def get(self, cluster_id: str) -> dict[str, Any]:
        with self._lock:
            self._advance()
            return self._find(cluster_id).info()

    def list(self) -> list[dict[str, Any]]:
        with self._lock:
            self._advance()
            return [cluster.info() for cluster in self._clusters.values()]

    def start(self, cluster_id: str) -> None:
        with self._lock:
            self._advance()
            cluster = self._find(cluster_id)
            if cluster.state not in ("TERMINATED", "ERROR"):
                raise ClusterError(
                    "INVALID_STATE",
                    f"Cluster {cluster_id} is in unexpected state {cluster.state.title()}.",
                )
            cluster.start()

    def enter(self, cluster_id: str, auto_start: bool) -> int:
        """The generation of a cluster that takes SQL now; raises NotRunning, having started it if
        it was stopped and `auto_start` says so."""
        with self._lock:
            self._advance()
            cluster = self._find(cluster_id)
            if cluster.state in ("RUNNING", "RESIZING"):
                return cluster.generation
            if cluster.state == "TERMINATED" and auto_start:
                cluster.start()
            starting = cluster.state in ("PENDING", "RESTARTING")
            starting = starting or (cluster.state == "TERMINATING" and auto_start)
            raise NotRunning(f"Cluster {cluster_id}", cluster.state, starting)

    def has(self, cluster_id: str) -> bool:
        return cluster_id in self._clusters

    def delete(self, cluster_id: str) -> None:
        with self._lock:
            self._advance()
            cluster = self._find(cluster_id)
            if cluster.state in ("RUNNING", "PENDING"):
                cluster.state, cluster.since = "TERMINATING", time.monotonic()

    def control(self, change: dict[str, Any]) -> dict[str, Any]:
        """Sets state, start_seconds or fails of a cluster at once, for a test."""
        with self._lock:
            self._advance()
            cluster = self._find(str(change.get("cluster_id")))
            if "state" in change and change["state"] != cluster.state:
                cluster.state = str(change["state"])
                cluster.generation += 1
            cluster.start_seconds = float(change.get("start_seconds", cluster.start_seconds))
            cluster.fails = bool(change.get("fails", cluster.fails))
            cluster.since = time.monotonic()
            return cluster.info()


_WAREHOUSE_STATES = {
    "PENDING": "STARTING",
    "RUNNING": "RUNNING",
    "TERMINATING": "STOPPING",
    "TERMINATED": "STOPPED",
}


def warehouse_info(info: dict[str, Any]) -> dict[str, Any]:
    """A warehouse as the Warehouses API shows it, out of what Cluster.info() tells."""
    warehouse_id = info["cluster_id"]
    return {
        "id": warehouse_id,
        "name": info["cluster_name"],
        "state": _WAREHOUSE_STATES.get(info["state"], info["state"]),
        "cluster_size": "2X-Small",
        "auto_stop_mins": 10,
        "num_clusters": 1,
        "warehouse_type": "PRO",
        "enable_serverless_compute": False,
        "odbc_params": {"path": f"/sql/1.0/warehouses/{warehouse_id}", "protocol": "https"},
    }
