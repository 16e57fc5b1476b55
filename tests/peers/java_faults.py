"""The fault rules that the checks of tests/peers/java/peer/FaultChecks.java run under: each strikes
one call on a table of its own.
"""

from __future__ import annotations

from typing import Any

CALLS = {
    "create": "create_upload",
    "fetch": "get_upload",
    "block": "put_block",
    "commit": "commit_upload",
    "download": "create_download",
    "read": "read_download",
}
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"status": 429, "retry_after_s": 1, "hold_client_ms": 10},
    "500": {"status": 500},
    "503": {"status": 503},
    "cut": {"cut_after_bytes": 5_000},
    "lost": {"drop_answer": True},
}
STRUCK = [
    "create_429",
    "create_503",
    "fetch_429",
    "fetch_503",
    "commit_429",
    "commit_503",
    "commit_lost",
    "block_429",
    "block_500",
    "block_cut",
    "block_lost",
    "download_429",
    "download_503",
    "read_429",
    "read_503",
    "read_cut",
]


def rules() -> list[dict[str, Any]]:
    made = [
        {"call": CALLS[call], "object": f"java_fault_{name}", "nth": 1, **FAULTS[fault]}
        for name in STRUCK
        for call, fault in [name.split("_")]
    ]
    wait = {"call": "create_download", "object": "java_fault_download_initiating"}
    return [*made, {**wait, "initiating_ms": 700}]
