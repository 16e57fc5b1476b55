"""What `mms job cost` says against what went over the wire and what the instance took, and a job's
budget.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import local_proxies
import pytest
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401


def test_a_job_is_billed_by_payer_and_paused_by_its_budget(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs(**{"db.task.partition.max.num": "1", "task.max.num": "1"})
    put("orders", {value: 2_000 for value in "abcdef"})
    jobs.good("sync", "sales", "--schema", "moved")
    assert "max_cost must be a number above 0" in jobs.refused("--set", "max_cost=none")
    job = jobs.create("--set", "max_egress_gb=0.00003")

    def cost() -> dict[str, Any]:
        (line,) = jobs.good_job("cost", str(job["id"])).of("job_cost")
        return line

    tasks = jobs.tasks(job)
    azure = cost()["estimated"][0]
    assert azure["payer"] == "Azure"
    assert azure["quantity"] == pytest.approx(sum(task["bytes"] for task in tasks) / 1e9)
    assert cost()["cost"] == 0, "nothing was used"
    unknown = [line["unit"] for line in cost()["estimated"] if line["quantity"] is None]
    assert unknown == ["GB", "statement", "CU and hour", "hour"], "no job has told yet"
    (summary,) = jobs.good_job("run").of("summary")
    assert 0 < summary["done"] < 6, "it was stopped on its way"
    assert summary["stopped"] > 0
    shown = jobs.show(job)
    assert shown["stop_reason"].startswith("max_egress_gb: ")
    assert shown["remedy"] == f"mms job start {job['id']} --set max_egress_gb=..."
    assert 0.00003 <= cost()["used"][0]["quantity"] < azure["quantity"]

    jobs.good_job("start", str(job["id"]), "--set", "max_egress_gb=1", "--set", "max_cost=50")
    jobs.good_job("run")
    shown = jobs.show(job)
    assert "azure.egress.gb, network.gb" in shown["stop_reason"], "each price that is missing"
    assert shown["remedy"].startswith("mms source prices set --set azure.egress.gb=... --set ")
    assert shown["remedy"].endswith(f", then mms job start {job['id']}")
    prices = "azure.egress.gb=100 network.gb=0 network.sent.gb=1e6 currency=CNY "
    prices += "maxcompute.statement=0.5"
    jobs.good("prices", "set", *(f"--set={price}" for price in prices.split()))
    jobs.good_job("start", str(job["id"]), "--set", "max_cost=100000")
    jobs.good_job("run")
    remedy = f"mms source prices set --set maxcompute.cu.hour=..., then mms job start {job['id']}"
    assert jobs.show(job)["remedy"] == remedy, "the instance is on the bill"
    jobs.good("prices", "set", "--set=maxcompute.cu.hour=36")
    jobs.good_job("start", str(job["id"]))
    jobs.good_job("run")
    shown = jobs.show(job)
    assert (shown["status"], shown["stop_reason"], shown["remedy"]) == ("DONE", None, None)
    bill = cost()
    by_payer = {line["payer"]: line for line in bill["used"]}  # the network's: what was sent
    by_unit = {line["unit"]: line for line in bill["used"]}
    sent = [task["bytes_sent"] for task in jobs.tasks(job)]
    assert min(sent) > 2_000 * 8, "each partition has two columns of 2,000 rows"
    assert by_payer["Network"]["quantity"] == pytest.approx(sum(sent) / 1e9)
    assert by_payer["Azure"]["quantity"] == pytest.approx(azure["quantity"])
    assert by_payer["Azure"]["cost"] == pytest.approx(azure["quantity"] * 100)
    logs = [jobs.good_job("log", str(task["id"])).of("task_log") for task in tasks]
    statements = [line for log in logs for line in log if line["action"] == "statement"]
    assert by_unit["statement"]["quantity"] == len(statements) > 0
    assert bill["cost"] == pytest.approx(sum(line["cost"] for line in bill["used"]))
    instance = jobs.status()["instance"]
    assert instance["cost"] == pytest.approx(instance["unit_seconds"] * 0.01)
    done = jobs.tasks(job)
    units = [task["unit_ms"] for task in done]
    assert min(units) > 0, "each task had the instance for a while"
    assert by_unit["CU and hour"]["quantity"] == pytest.approx(sum(units) / 3_600_000)
    assert by_unit["CU and hour"]["cost"] <= instance["cost"], "the rest of it was idle"


def test_what_the_last_job_took_is_what_the_next_one_is_expected_to(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs()
    put("orders", {"a": 2_000, "b": 3_000})
    jobs.good("sync", "sales", "--schema", "moved")

    def estimated(job: dict[str, Any]) -> dict[str, float | None]:
        (cost,) = jobs.good_job("cost", str(job["id"])).of("job_cost")
        return {line["what"]: line["quantity"] for line in cost["estimated"]}

    sent, instance = "bytes sent to MaxCompute", "the instance, while tasks ran"
    first = jobs.move()
    assert (estimated(first)[sent], estimated(first)[instance]) == (None, None), "none was before"
    done = jobs.tasks(first)
    copied = sum(task["bytes_copied"] for task in done)
    put("people", {"a": 4_000})
    jobs.good("sync", "sales", "--schema", "moved")
    plan = jobs.good_job("plan", "--source", "sales", "--schema", "moved").of("job_plan")[0]
    foretold = {line["what"]: line["quantity"] for line in plan["estimate"]["lines"]}
    second = jobs.create()
    part = sum(task["bytes"] for task in jobs.tasks(second)) / copied
    for lines in (estimated(second), foretold):
        assert lines[sent] == pytest.approx(part * sum(t["bytes_sent"] for t in done) / 1e9)
        units = sum(task["unit_ms"] for task in done)
        assert lines[instance] == pytest.approx(part * units / 3_600_000)


def test_the_bill_has_all_that_the_storage_sent(
    make_jobs: Callable[..., Jobs], lake: dict[str, Any]
) -> None:
    """Logs, footers and blocks that are sent anew count as what they are: bytes that left Azure."""
    storage = urlsplit(lake["endpoint"])
    counted = local_proxies.Passed()
    mapping = local_proxies.serving(
        lambda client: counted.pass_on(client, storage.hostname, storage.port), "http", counted
    )
    with mapping:
        jobs = make_jobs(**{"azure.storage.endpoint": counted.address + storage.path})
        jobs.good("target", "set", "--set", "codec=raw")  # no block is sent to measure one
        jobs.good("sync", "sales", "--schema", "tpch")

        def move(table: str) -> tuple[int, int, int]:
            """Bytes of its files, those that it read, and those that came over the wire."""
            before = counted.bytes_back
            (task,) = jobs.tasks(jobs.move("--all", "--table", table, schema="tpch"))
            return task["bytes"], task["bytes_read"], counted.bytes_back - before

        files, read, wire = move("orders")
        assert files < read <= wire, "its log is more than its files"
        assert read > 0.97 * wire, "but for headers and the test of the connection"
        odps = jobs.sandbox.odps()
        fault = {"call": "put_block", "nth": 1, "status": 503}
        odps.rest.post(odps.endpoint + "/mms/faults", data=json.dumps({"faults": [fault]}))
        _, again, wire = move("orders")
        assert read + files / 2 < again <= wire, "a block was read twice"
        assert again > 0.97 * wire


def test_a_retried_task_of_a_job_past_its_budget_begins_nothing(
    make_jobs: Callable[..., Jobs], put: Callable[..., Path]
) -> None:
    jobs = make_jobs(**{"task.max.num": "1", "db.task.partition.max.num": "1"})
    bad = put("bad", {value: 2000 for value in "abc"})
    put("people", {value: 2000 for value in "abc"})
    jobs.good("sync", "sales", "--schema", "moved")
    files = [next((bad / f"p={value}").iterdir()) for value in "abc"]
    kept = [file.rename(bad / f"kept {file.parent.name}") for file in files]
    job = jobs.create("--set", "max_egress_gb=0.00001")
    jobs.job("run")
    for hidden, file in zip(kept, files, strict=True):
        hidden.rename(file)
    failed = [task for task in jobs.tasks(job) if task["status"].endswith("FAILED")]
    assert failed and jobs.show(job)["stopped"]

    def used() -> list[Any]:
        (line,) = jobs.good_job("cost", str(job["id"])).of("job_cost")
        return [one["quantity"] for one in line["used"]]

    before = used()
    for task in failed:
        jobs.good_job("retry-task", str(task["id"]))
    jobs.job("run")
    assert used() == before
    assert jobs.show(job)["stop_reason"].startswith("max_egress_gb: ")
