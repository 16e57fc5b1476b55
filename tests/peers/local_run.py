"""`mms` over Delta tables in local folders: no lakehouse needed, only a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from conftest import Outcome, Sandbox


class LocalRun:
    """One state folder and one migration file, changed between runs as a user would."""

    def __init__(self, binary: str, sandbox: Sandbox, folder: Path) -> None:
        self.binary, self.sandbox = binary, sandbox
        self.file = folder / "mms.yaml"
        self.config: dict[str, Any] = {
            "source": {},
            "target": sandbox.target(),
            "tables": [],
            "policy": {"verify": "checksum", "tasks": 2, "workers": 1},
            "state": str(folder / "state"),
        }

    def table(self, folder: Path, name: str, **settings: Any) -> None:
        self.config["tables"].append({"location": f"file://{folder}", "as": name, **settings})

    def start(
        self, verb: str, *arguments: str, fault: str = "", json_lines: bool = True
    ) -> subprocess.Popen[str]:
        self.file.write_text(json.dumps(self.config), "utf-8")  # JSON is YAML
        environment = {**os.environ, "MMS_TEST_SECRET": self.sandbox.secret}
        environment.pop("MMS_FAULT", None)
        if fault:
            environment["MMS_FAULT"] = fault
        return subprocess.Popen(
            [self.binary, verb, "-f", str(self.file), *["--json"] * json_lines, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, verb: str = "run", *arguments: str, fault: str = "") -> Outcome:
        process = self.start(verb, *arguments, fault=fault)
        out, err = process.communicate(timeout=240)
        events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        return Outcome(process.returncode, out, err, events)

    def text(self, verb: str, *arguments: str) -> str:
        """What it prints for people."""
        out, err = self.start(verb, *arguments, json_lines=False).communicate(timeout=240)
        return out + err

    def report(self) -> dict[str, dict[str, Any]]:
        """By target table (by source where there is none)."""
        report = self.run("report")
        assert report.code == 0, report.err
        return {
            line["target_table"] or line["source"]: line for line in report.of("report_table")
        }

    def plan(self, *arguments: str) -> dict[str, dict[str, Any]]:
        planned = self.run("plan", *arguments)
        return {line["target_table"] or line["source"]: line for line in planned.of("plan")}


def changed(report: dict[str, Any]) -> dict[tuple[str, str], int]:
    """(column, change) -> values, as the report has them."""
    return {(item["column"], item["change"]): item["values"] for item in report["changed"]}


def may_change(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """(column, change) that the plan says a policy may make."""
    return {(item["target"], change) for item in plan["columns"] for change in item["may_change"]}
