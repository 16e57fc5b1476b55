"""What a job names and the source does not have, and names that no target takes, are refused by
name when the job is made: a slip copies no other tables than were meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from service_jobs import Jobs, make_jobs, put, service  # noqa: F401


def add_timer(jobs: Jobs, *arguments: str) -> tuple[int, str]:
    process = jobs.start_job("timer", "add", *arguments)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.fixture
def jobs(
    make_jobs: Callable[..., Jobs],  # noqa: F811
    put: Callable[..., Path],  # noqa: F811
) -> Jobs:
    made = make_jobs()
    put("orders", {"a": 1})
    put("people", 2)
    made.good("sync", "sales", "--schema", "moved")
    return made


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--only", "people", "--only", "nope"), "(--only): schema moved has no nope;"),
        (("--only", "nope", "--all"), "tableWhiteList (--only): schema moved has no nope;"),
        (("--but", "poeple"), "tableBlackList (--but): schema moved has no poeple;"),
        (("--but", "other.people"), "tableBlackList (--but): schema moved has no other.people;"),
        (("--as", "nope=x"), "tableMapping (--as): schema moved has no nope;"),
        (("--column-as", "nope=x"), "no table that the job means has a column nope;"),
        (("--table", "people", "--column-as", "p=x"), "columnMapping (--column-as):"),
        (("--as", "people=1a"), "people=1a cannot be: table name"),
        (("--as", "people=" + "a" * 200), "has 200 bytes, MaxCompute takes 128; give it another"),
        (("--column-as", "n=a b"), "columnMapping (--column-as): n=a b cannot be:"),
    ],
)
def test_a_name_that_matches_nothing_or_cannot_be_is_refused_by_name(
    jobs: Jobs, flags: tuple[str, ...], told: str
) -> None:
    assert told in jobs.refused(*flags)
    assert jobs.good_job("list").of("job") == []


def test_names_that_match_are_taken_in_any_case_and_form(jobs: Jobs) -> None:
    flags = ("--but", "*.ORDERS", "--as", "moved.People=men", "--column-as", "N=number")
    jobs.move(*flags)
    assert jobs.counts("men") == {"": 2}


def test_a_timers_lists_outlive_tables(jobs: Jobs) -> None:
    flags = ("--source", "sales", "--schema", "moved", "--daily", "02:30", "--but", "later")
    assert add_timer(jobs, "nightly", *flags) == (0, "")
    code, err = add_timer(jobs, "wrong", *flags, "--as", "people=1a")
    assert code == 3 and "people=1a cannot be" in err, err
    code, err = add_timer(jobs, "never", *flags[:4])
    assert code == 3 and "timer never: says not when: give --daily HH:MM" in err, err


def test_nothing_to_do_names_no_remedy_that_was_given(jobs: Jobs) -> None:
    told = jobs.refused("--all", "--but", "orders", "--but", "people")
    assert "no table is meant; see what there is" in told and "ask for all" not in told
