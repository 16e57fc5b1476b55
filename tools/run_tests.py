#!/usr/bin/env python3
"""Runs every test and ends with one line, "N passed, N failed" (and ", N skipped" if any).

    tools/run_tests.py --build build/release [--fuzz build/fuzz] [--jobs N] [--only PATTERN]

Unit tests and fuzz targets are run by ctest, peer tests by the pytest of the Python that runs this
file. All show their progress as it comes and leave a JUnit file in the build folder; the counts
come from these files. Exit code 0 only if every test that ran passed and every runner ran to its
end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PYTEST_FOLDERS = ["tests", "tools"]
PYTEST_NOTHING_FOUND = 5
OUTPUT_LINES_SHOWN = 40


@dataclass
class Tally:
    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self) -> str:
        counts = f"{self.passed} passed, {len(self.failures)} failed"
        return counts + (f", {self.skipped} skipped" if self.skipped else "")


def last_lines(text: str) -> str:
    return "\n".join("    " + line for line in text.strip().splitlines()[-OUTPUT_LINES_SHOWN:])


def read_junit(path: Path) -> Tally:
    """Counts the cases of a JUnit file. ctest tells their fate by `status`, pytest by a child."""
    tally = Tally()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = case.get("name", "?")
        if group := case.get("classname", ""):
            name = name if group == name else f"{group}::{name}"
        faults = [child for child in case if child.tag in ("failure", "error")]
        if faults or case.get("status") == "fail":
            text = "\n".join([child.text or child.get("message", "") for child in faults])
            output = case.findtext("system-out", "")
            tally.failures.append(f"{name}\n{last_lines(text.strip() or output)}")
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            tally.skipped += 1
        else:
            tally.passed += 1
    return tally


def run(title: str, command: list[str], junit: Path, codes_without_test: tuple[int, ...]) -> Tally:
    """Runs one runner; one that ended badly without a failed case is itself a failure."""
    print(f"== {title}", flush=True)
    started = time.monotonic()
    junit.unlink(missing_ok=True)
    code = subprocess.run(command, cwd=REPOSITORY).returncode
    print(f"== {title}: {time.monotonic() - started:.1f} s", flush=True)
    if code in codes_without_test and not junit.exists():
        return Tally()
    tally = read_junit(junit) if junit.exists() else Tally()
    if code not in (0, *codes_without_test) and not tally.failures:
        tally.failures.append(f"{title}\n    ended with code {code}: see its output above")
    return tally


def run_ctest(title: str, build: Path, jobs: int, only: str) -> Tally:
    junit = build / "ctest.xml"
    command = ["ctest", "--test-dir", str(build), "--output-junit", str(junit)]
    command += ["--parallel", str(jobs), "--timeout", "120", "--progress"]
    command += ["--no-tests=ignore", "--tests-regex", only] if only else ["--no-tests=error"]
    return run(f"{title} (ctest)", command, junit, ())


def run_peer_tests(build: Path, jobs: int, only: str) -> Tally:
    """Half of such a test's time is waiting for servers, hence a process more than `jobs`."""
    junit = build / "pytest.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5"]
    command += [f"--junit-xml={junit}", "-o", "junit_logging=no", "--tb=short"]
    command += ["-k", only] if only else ["-n", str(jobs + 1)]
    command += [folder for folder in PYTEST_FOLDERS if (REPOSITORY / folder).is_dir()]
    return run("peer tests (pytest)", command, junit, (PYTEST_NOTHING_FOUND,) if only else ())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="the build folder")
    parser.add_argument("--fuzz", type=Path, help="the build folder of the fuzz targets")
    parser.add_argument("--jobs", type=int, default=1, help="tests at once")
    parser.add_argument("--only", default="", help="a regex for ctest, -k for pytest")
    options = parser.parse_args()
    build = options.build.resolve()
    os.environ["MMS_BIN"] = str(build / "mms")
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    tally = run_ctest("unit tests", build, options.jobs, options.only)
    if options.fuzz:
        tally.add(run_ctest("fuzz targets", options.fuzz.resolve(), options.jobs, options.only))
    tally.add(run_peer_tests(build, options.jobs, options.only))
    if tally.passed + len(tally.failures) == 0:
        tally.failures.append(f"no test ran: nothing matches {options.only!r}")
    for failure in tally.failures:
        print(f"\nFAILED {failure}")
    print(f"{tally}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
