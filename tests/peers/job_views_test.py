"""Views in jobs: left out unless they are asked for, and copied by every job that asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service_jobs import Jobs, make_jobs, service  # noqa: F401
from sql_read_test import rows_of, sql_lake  # noqa: F401


def test_a_job_copies_views_when_it_is_asked_for_them(
    sql_lake: dict[str, Any],  # noqa: F811
    make_jobs: Callable[..., Jobs],  # noqa: F811
) -> None:
    jobs = make_jobs(**{"db.cluster.id": sql_lake["cluster"]})
    jobs.good("sync", "sales", "--schema", "corpus", "--table", "v1", "--table", "plain")
    only = ("--only", "v1", "--only", "plain")
    refused = jobs.refused("--table", "v1", schema="corpus")
    assert "JOB_TABLES_REFUSED" in refused and "ask for its rows by --views" in refused
    assert "others.views must be" in jobs.refused("--set", "views=some", *only, schema="corpus")

    without = jobs.move(*only, schema="corpus")
    assert [task["table"] for task in jobs.tasks(without)] == ["main.corpus.plain"]
    assert "JOB_NOTHING_TO_DO" in jobs.refused(*only, schema="corpus")
    wanted = len([r for r in rows_of(sql_lake, "plain") if r["name"] is not None])
    for _ in range(2):  # nothing tells whether its rows are those of the last copy
        job = jobs.move("--views", *only, schema="corpus")
        (task,) = jobs.tasks(job)
        assert (task["table"], task["rows_copied"]) == ("main.corpus.v1", wanted)
        assert task["bytes_read"] > 8 * wanted, "what the cluster's answers took"
        assert jobs.counts("v1") == {"": wanted}
        (line,) = jobs.good_job("report", str(job["id"])).of("report_table")
        assert line["verdict"] == "Match"
