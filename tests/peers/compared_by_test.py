"""By what a verdict was reached stands in each form of report and in the evidence; what values
have shown is neither lifted nor weakened by a count of rows."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidence_test import unpack
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401


def replace(jobs: Jobs, table: str, values: list[int]) -> None:
    with jobs.sandbox.odps().get_table(table).open_writer(overwrite=True) as writer:
        writer.write([[value] for value in values])


def compare(jobs: Jobs, job: dict[str, Any], method: str, code: int = 0) -> None:
    jobs.good_job("verify", str(job["id"]), "--by", method)
    jobs.good_job("run", code=code)


def told(jobs: Jobs, job: dict[str, Any]) -> tuple[str, list[str]]:
    (line,) = jobs.good_job("report", str(job["id"])).of("report_table")
    return line["verdict"], line["compared_by"]


def read(jobs: Jobs, job: dict[str, Any], form: str) -> str:
    command = [jobs.binary, "job", "report", str(job["id"]), "--state", str(jobs.state)]
    done = subprocess.run([*command, "--format", form], capture_output=True, text=True, check=True)
    return done.stdout


def partition(jobs: Jobs, job: dict[str, Any]) -> dict[str, Any]:
    """Of the job's last bundle."""
    bundle = jobs.show(job)["evidence"][-1]
    (line,) = dict(unpack(Path(bundle)))["partitions.jsonl"].splitlines()
    checked = subprocess.run(
        [jobs.binary, "report", "--check", bundle], capture_output=True, text=True, check=True
    )
    return {**json.loads(line), "check": checked.stdout}


def test_a_count_lifts_no_difference_of_values_and_every_form_tells_by_what_it_was_compared(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("people", 3)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move()
    assert told(jobs, job) == ("Match", ["checksum"])
    assert "(1 by checksum)" in partition(jobs, job)["check"]

    compare(jobs, job, "count")
    assert told(jobs, job) == ("Match", ["checksum_then_count"])
    line = partition(jobs, job)
    assert line["compared_by"] == "checksum_then_count"
    assert line["target_checksum"] == line["source_checksum"] is not None

    replace(jobs, "people", [5, 6, 7])
    compare(jobs, job, "checksum", code=7)
    compare(jobs, job, "count", code=7)
    assert told(jobs, job) == ("Mismatch", ["checksum_then_count"])
    line = partition(jobs, job)
    assert (line["verdict"], line["compared_by"]) == ("Mismatch", "checksum_then_count")
    assert "values differ in column n; no count lifts that" in line["difference"], line
    (task,) = jobs.tasks(job)
    assert task["status"] == "VERIFICATION_FAILED"

    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run")
    assert told(jobs, job) == ("Match", ["checksum"])


def test_a_verdict_by_count_shows_no_checksum(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("people", 3)
    jobs.good("sync", "sales", "--schema", "moved")
    job = jobs.move()
    replace(jobs, "people", [5, 6])
    compare(jobs, job, "count", code=7)
    replace(jobs, "people", [5, 6, 7])
    compare(jobs, job, "count")
    assert told(jobs, job) == ("Match", ["count"])
    text = read(jobs, job, "text").splitlines()
    assert text[1].split()[-3:] == ["-", "Match", "count"], text
    (row,) = csv.DictReader(read(jobs, job, "csv").splitlines())
    assert (row["verdict"], row["compared_by"]) == ("Match", "count")
    assert row["target_checksum"] == ""
    page = read(jobs, job, "html")
    assert '<td class="c">-</td><td class="t">count</td></tr>' in page
    assert "Of these, 1 match by their count of rows alone" in page
    line = partition(jobs, job)
    assert (line["compared_by"], line["target_checksum"]) == ("count", None)
    assert "1 Match (1 by count)" in line["check"]

    # What only a count has seen is no ground to append to: all is copied.
    compare(jobs, job, "checksum", code=7)
