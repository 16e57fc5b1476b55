"""Each end of a job leaves a signed bundle of its own, and none is ever replaced: not by a retry,
another comparison, a kill between two steps, or several processes that keep one at once. What
cannot be written is tried again by the process that runs."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidence_test import unpack
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401


def kept(jobs: Jobs, job: dict[str, Any]) -> list[Path]:
    """Oldest first; as `show` has them too."""
    listed = jobs.good_job("evidence", str(job["id"]), "--list").of("evidence_kept")
    assert [line["number"] for line in listed] == list(range(1, len(listed) + 1))
    paths = [Path(line["bundle"]) for line in listed]
    assert [line["size_bytes"] for line in listed] == [path.stat().st_size for path in paths]
    assert jobs.show(job)["evidence"] == [str(path) for path in paths]
    return paths


def check(jobs: Jobs, bundle: Path) -> dict[str, Any]:
    """Its manifest, once `mms report --check` has found it whole."""
    command = [jobs.binary, "report", "--check", str(bundle), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["manifest"]


def verdicts(bundle: Path) -> dict[tuple[str, str], str]:
    lines = map(json.loads, dict(unpack(bundle))["partitions.jsonl"].splitlines())
    return {(line["table"].split(".")[-1], line["partition"]): line["verdict"] for line in lines}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_end_of_a_job_leaves_a_bundle_and_replaces_none(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1"})
    orders = put("orders", {"a": 3, "b": 4})
    put("people", 9)
    jobs.good("sync", "sales", "--schema", "moved")
    (file,) = (orders / "p=b").iterdir()
    aside = file.rename(tmp_path / "aside")
    job = jobs.create(name="first")
    assert kept(jobs, job) == []
    jobs.good_job("run", code=6)
    (first,) = kept(jobs, job)
    manifest = check(jobs, first)
    told = manifest["job"]
    assert (told["id"], told["name"], told["status"]) == (job["id"], "first", "FAILED")
    assert (told["bundle"], told["follows"]) == (1, None)
    assert told["left_out_tables"] == {"count": 0, "names": []}
    assert verdicts(first) == {
        ("orders", "p=a"): "Match", ("orders", "p=b"): "Pending", ("people", ""): "Match",
    }  # fmt: skip
    before = digest(first)

    # A later job takes one table over; the first one's retry knows no more of it.
    other = jobs.move("--all", "--table", "people")
    aside.rename(file)
    jobs.good_job("retry", str(job["id"]))
    jobs.good_job("run")
    assert kept(jobs, job)[:-1] == [first]
    second = kept(jobs, job)[-1]
    told = check(jobs, second)["job"]
    assert (told["status"], told["bundle"]) == ("DONE", 2)
    assert told["follows"] == {"bundle": first.name, "sha256": before}
    assert told["left_out_tables"] == {"count": 1, "names": ["main.moved.people"]}
    assert verdicts(second) == {("orders", "p=a"): "Match", ("orders", "p=b"): "Match"}
    assert check(jobs, first) == manifest
    assert len(kept(jobs, other)) == 1

    # Compared again, and killed before it was noted that the bundle is there.
    jobs.good_job("verify", str(job["id"]))
    assert "VERIFY_SUPERSEDED" in jobs.good_job("run", code=6).err
    database = sqlite3.connect(jobs.state / "service.db")
    database.execute("UPDATE jobs SET evidence_due = 1 WHERE id = ?", [job["id"]])
    database.commit()
    database.close()
    jobs.good_job("run")
    assert len(kept(jobs, job)) == 4
    assert [digest(path) for path in kept(jobs, job)[:2]] == [before, digest(second)]

    # Kept by several processes at once, and in a file of one's own.
    others = [jobs.start_job("job", "evidence", str(job["id"])) for _ in range(4)]
    for process in others:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
    jobs.good_job("evidence", str(job["id"]), "--out", str(tmp_path / "own.tar"))
    paths = kept(jobs, job)
    assert len(paths) == 8
    for earlier, later in zip(paths, [*paths[1:], tmp_path / "own.tar"], strict=True):
        told = check(jobs, later)["job"]
        assert told["follows"] == {"bundle": earlier.name, "sha256": digest(earlier)}
    assert told["bundle"] is None
    assert digest(first) == before

    # One that goes by itself is no reason to give its number again.
    second.unlink()
    jobs.good_job("evidence", str(job["id"]))
    listed = jobs.good_job("evidence", str(job["id"]), "--list").of("evidence_kept")
    assert [line["number"] for line in listed] == [1, *range(3, 10)]


def test_evidence_that_cannot_be_written_is_tried_again_and_says_who_waits_for_it(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 3})
    jobs.good("sync", "sales", "--schema", "moved")
    key = jobs.state / "evidence.key"
    key.mkdir()  # in its way
    first = jobs.create()
    process = jobs.start("start", "sales")
    try:
        jobs.wait_for("SELECT 1 FROM job_tasks WHERE status = 10 AND running = 0", process)
        second = jobs.create("--all", name="second")
        command = [jobs.binary, "status", "--state", str(jobs.state)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"tables wait for the evidence of job {first['id']}: mms job evidence" in told
        assert "[EVIDENCE_KEY_UNREADABLE]" in jobs.job("evidence", str(first["id"])).err
        key.rmdir()
        jobs.wait_for("SELECT 1 FROM jobs WHERE id = 2 AND evidence_due = 0 AND EXISTS (SELECT 1 "
                      "FROM job_tasks WHERE job_id = 2 AND status = 10)", process)  # fmt: skip
    finally:
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert err.count("EVIDENCE_KEY_UNREADABLE") == 1, "told once, however often it is tried"
    assert len(kept(jobs, first)) == len(kept(jobs, second)) == 1

    # `job run` waits for it too, and says so.
    jobs.create("--all", name="third")
    key.rename(jobs.state / "aside")
    key.mkdir()
    jobs.good_job("run")
    jobs.create("--all", name="fourth")
    process = jobs.start_job("job", "run")
    try:
        assert process.stdout is not None
        events = map(json.loads, process.stdout)
        reasons = next(event["waiting_for"] for event in events if event.get("waiting_for"))
        assert "evidence of job 3, which cannot be written" in reasons[0]
        key.rmdir()
        out, err = process.communicate(timeout=120)
    finally:
        process.terminate()
    assert process.returncode == 0, out + err
