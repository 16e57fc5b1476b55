"""The codec of a run's blocks: a named one is tried before the first block and replaced by raw when
the service does not take it; `auto` compresses for a slow link and leaves a fast one alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun

# Codec of the configuration -> its tokens for Arrow and for record blocks.
CODINGS = {
    "deflate": ("deflate", "deflate"),
    "snappy": ("x-snappy-framed", "x-snappy-framed"),
    "lz4": ("x-odps-lz4-frame", "x-lz4-frame"),
    "zstd": ("zstd", "zstd"),
}


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    return LocalRun(mms_bin, sandbox, tmp_path)


def set_faults(sandbox: Sandbox, *faults: dict[str, Any]) -> None:
    odps = sandbox.odps()
    odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": list(faults)}))


def fired(sandbox: Sandbox) -> list[int]:
    odps = sandbox.odps()
    return [rule["fired"] for rule in odps.rest.get(odps.endpoint + "/mms/faults").json()["faults"]]


def watch(coding: str, call: str) -> dict[str, Any]:
    """A rule that only counts: it delays by next to nothing."""
    return {"call": call, "coding": coding, "delay_ms": 1}


def numbers(folder: Path, rows: int) -> Path:
    """Rows that shrink to a fraction; more than 64 KiB of file for 100,000 of them."""
    values = pa.array([(i * 2654435761) % 100_003 for i in range(rows)], pa.int64())
    write_deltalake(folder, pa.table({"n": values, "text": [f"row {i}" for i in range(rows)]}))
    return folder


def check(local: LocalRun, names: list[str]) -> None:
    report = local.report()
    assert {name: report[name]["verdict"] for name in names} == dict.fromkeys(names, "Match")


@pytest.mark.parametrize("codec", list(CODINGS))
def test_a_named_codec_is_tried_and_then_used_both_ways(
    local: LocalRun, tmp_path: Path, codec: str
) -> None:
    local.table(numbers(tmp_path / "rows", 1000), "coded")
    local.config["target"]["codec"] = codec
    arrow, record = CODINGS[codec]
    rules = [watch(arrow, "put_block"), watch(arrow, "read_download")]
    if record != arrow:
        rules.append(watch(record, "put_block"))
    set_faults(local.sandbox, *rules)
    run = local.run()
    assert run.code == 0, run.out + run.err
    check(local, ["coded"])
    # A probe of each form, the block; the read-back.
    assert fired(local.sandbox) == ([3, 1] if record == arrow else [2, 1, 1])
    summary = run.of("summary")[0]
    assert summary["codec"] == {"name": codec, "reason": ""}
    assert local.run("report").of("summary")[0]["last_run"]["codec"] == summary["codec"]


def test_a_codec_that_the_service_refuses_is_replaced_by_raw_and_told_once(
    local: LocalRun, tmp_path: Path
) -> None:
    names = ["one", "two", "three"]
    for name in names:
        local.table(numbers(tmp_path / name, 1000), name)
    local.config["target"]["codec"] = "lz4"
    refusal = {"call": "put_block", "coding": "x-odps-lz4-frame", "status": 400}
    set_faults(local.sandbox, refusal, watch("x-odps-lz4-frame", "read_download"))
    run = local.run()
    assert run.code == 0, run.out + run.err
    check(local, names)
    assert fired(local.sandbox) == [1, 0], "one probe; no block and no read-back by it"
    why = "the service does not take lz4 blocks"
    assert run.err.count(why) == 1, run.err
    codec = run.of("summary")[0]["codec"]
    assert codec["name"] == "raw"
    assert why in codec["reason"]
    report = local.run("report")
    assert report.of("summary")[0]["last_run"]["codec"] == codec


def test_auto_compresses_a_fast_link_only_where_it_measured_a_gain(
    local: LocalRun, tmp_path: Path
) -> None:
    """How fast the loopback is depends on what else runs; what follows from its speed does not."""
    local.table(numbers(tmp_path / "rows", 200_000), "fast")
    set_faults(local.sandbox, *(watch(arrow, "read_download") for arrow, _ in CODINGS.values()))
    run = local.run()
    assert run.code == 0, run.out + run.err
    check(local, ["fast"])
    codec = run.of("summary")[0]["codec"]
    found = re.findall(r"([0-9.]+) MB/s (?:by )?(\w+)", codec["reason"])
    speeds = {name: float(speed) for speed, name in found}
    raw, fastest = speeds.pop("raw"), max(speeds.values(), default=0.0)
    reads = dict(zip(CODINGS, fired(local.sandbox)))
    if codec["name"] == "raw":
        assert fastest <= raw * 1.25 + 1, codec  # the reason has whole numbers
        assert sum(reads.values()) == 0
    else:
        assert speeds[codec["name"]] == fastest >= raw * 1.25 - 1, codec
        assert [name for name, count in reads.items() if count] == [codec["name"]]


def test_auto_compresses_for_a_slow_link_by_what_the_service_takes(
    local: LocalRun, tmp_path: Path
) -> None:
    local.table(numbers(tmp_path / "rows", 200_000), "slow")
    local.config["target"]["bandwidth_mb"] = 2
    set_faults(
        local.sandbox,
        {"call": "put_block", "coding": "zstd", "status": 400},
        watch("x-odps-lz4-frame", "put_block"),
        watch("x-odps-lz4-frame", "read_download"),
    )
    run = local.run()
    assert run.code == 0, run.out + run.err
    check(local, ["slow"])
    codec = run.of("summary")[0]["codec"]
    assert codec["name"] == "lz4", codec
    measured, probed, block, read = 1, 1, 1, 1
    assert fired(local.sandbox) == [1, measured + probed + block, read]
    assert "blocks go lz4" in run.err


def test_auto_does_not_ask_for_blocks_that_are_too_small_to_tell(
    local: LocalRun, tmp_path: Path
) -> None:
    local.table(numbers(tmp_path / "rows", 100), "small")
    run = local.run()
    assert run.code == 0, run.out + run.err
    check(local, ["small"])
    summary = run.of("summary")[0]
    assert summary["codec"] is None
    assert summary["pacing"]["blocks"]["granted"] == 1
