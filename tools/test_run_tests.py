"""The closing line of `make test` counts what the runners did, and cannot be green by accident."""

import sys

import run_tests

CTEST = """<testsuite tests="4" failures="1">
  <testcase name="Retry.StopsAfterItsBudget" classname="Retry.StopsAfterItsBudget" status="run"/>
  <testcase name="Retry.Waits" classname="Retry.Waits" status="fail">
    <failure message=""/><system-out>expected 3, got 4</system-out>
  </testcase>
  <testcase name="Retry.Skips" classname="Retry.Skips" status="notrun">
    <skipped message="x"/>
  </testcase>
  <testcase name="Retry.Off" classname="Retry.Off" status="disabled"/>
</testsuite>"""

PYTEST = """<testsuites><testsuite>
  <testcase classname="tests.test_a" name="test_one"/>
  <testcase classname="tests.test_a" name="test_two">
    <failure message="m">E assert 1</failure>
  </testcase>
  <testcase classname="tests.test_a" name="test_three"><error message="no port">x</error></testcase>
  <testcase classname="tests.test_a" name="test_four"><skipped/></testcase>
</testsuite></testsuites>"""


def tally_of(tmp_path, junit):
    path = tmp_path / "junit.xml"
    path.write_text(junit)
    return run_tests.read_junit(path)


def ended_with(tmp_path, code, junit=None):
    """What `run` makes of a runner that leaves `junit` and ends with `code`."""
    path = tmp_path / "result.xml"
    script = f"import sys; open({str(path)!r}, 'w').write({junit!r}); sys.exit({code})"
    if junit is None:
        script = f"import sys; sys.exit({code})"
    return run_tests.run("runner", [sys.executable, "-c", script], path, ())


def test_unit_tests_are_counted_by_status(tmp_path):
    tally = tally_of(tmp_path, CTEST)
    assert str(tally) == "1 passed, 1 failed, 2 skipped"
    assert tally.failures == ["Retry.Waits\n    expected 3, got 4"]


def test_peer_tests_are_counted_by_outcome(tmp_path):
    tally = tally_of(tmp_path, PYTEST)
    assert str(tally) == "1 passed, 2 failed, 1 skipped"
    assert tally.failures[0] == "tests.test_a::test_two\n    E assert 1"


def test_skipped_is_not_mentioned_when_there_is_none(tmp_path):
    assert str(tally_of(tmp_path, '<testsuite><testcase name="a"/></testsuite>')) == (
        "1 passed, 0 failed"
    )


def test_a_runner_that_dies_without_results_is_a_failure(tmp_path):
    assert str(ended_with(tmp_path, 3)) == "0 passed, 1 failed"


def test_a_runner_that_fails_with_every_case_passed_is_a_failure(tmp_path):
    junit = '<testsuite><testcase name="a"/></testsuite>'
    assert str(ended_with(tmp_path, 1, junit)) == "1 passed, 1 failed"


def test_results_of_an_earlier_run_are_not_counted(tmp_path):
    (tmp_path / "result.xml").write_text(CTEST)
    assert str(ended_with(tmp_path, 3)) == "0 passed, 1 failed"
