"""odps-sdk-core, unmodified, against `mms sandbox`, and the table of what both clients could do.

One run of the Java program (tests/peers/java) serves all cases. The table in docs/conformance.md is
made from conformance_lines.py and from what this test session saw; write it anew with
    pytest tests/peers --write-conformance -k "conformance or sandbox"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import java_faults
import java_peer
import port_mapping
import pytest
from conformance_lines import CANNOT, LINES, NOT_SERVED, Line, java_checks, python_tests
from sandbox_fixtures import Sandbox, fired, set_faults

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/conformance.md"
HEAD = """# Conformance

The official clients, unmodified, against `mms sandbox`: what a user of MaxCompute does with
them, line by line. `make test` runs every line and fails when this table is not what it saw;
`pytest tests/peers --write-conformance` writes it.

- Python: PyODPS {pyodps}
- Java: odps-sdk-core {java}, on OpenJDK 17

✓ passed, ✗ failed, – the client has no such thing or it was not tried with it.
"""


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("java")
    with pytest.MonkeyPatch.context() as patch:
        for name, secret in java_peer.SECRETS.items():
            patch.setenv(name, secret)
        (folder / "users.yaml").write_text(java_peer.USERS)
        sandbox = Sandbox(folder / "data", ["--users", str(folder / "users.yaml")])
        sandbox.start()
        try:
            client = sandbox.client()
            set_faults(client, *java_faults.rules())
            with port_mapping.to(sandbox.address) as mapped_url:
                yield java_peer.check(sandbox, mapped_url)
            assert all(fired(client)), "a fault did not strike"
        finally:
            assert sandbox.stop() == 0, sandbox.errors()
    for secret in java_peer.SECRETS.values():
        assert secret not in sandbox.errors()


@pytest.mark.parametrize("name", java_checks())
def test_java_sdk(java: dict[str, dict[str, Any]], name: str) -> None:
    assert name in java, f"the Java program has no check {name}"
    assert java[name]["ok"], java[name]["detail"]


def test_every_java_check_has_its_line(java: dict[str, dict[str, Any]]) -> None:
    assert set(java) - set(java_checks()) == set()


def sdk_version() -> str:
    text = (java_peer.SOURCES / "pom.xml").read_text()
    found = re.search(r"<artifactId>odps-sdk-core</artifactId>\s*<version>(.*?)</version>", text)
    assert found
    return found.group(1)


def cell(proofs: tuple[str, ...], seen: dict[str, bool], kept: str) -> str:
    """"" when not all of it ran in this session: then the table keeps what it has."""
    if not proofs:
        return "–"
    if any(not seen[name] for name in proofs if name in seen):
        return "✗"
    return "✓" if all(name in seen for name in proofs) else kept


def row(line: Line, seen: dict[str, bool], kept: dict[str, list[str]]) -> str:
    before = kept.get(line.text, ["–", "–"])
    python = cell(line.python, seen, before[0])
    java = cell(tuple(f"test_java_sdk[{name}]" for name in line.java), seen, before[1])
    note = f" ({line.note})" if line.note else ""
    return f"| {line.text}{note} | {python} | {java} |"


def kept_cells(text: str) -> dict[str, list[str]]:
    """Line text to its two cells in the document as it is."""
    notes = {line.note for lines in LINES.values() for line in lines if line.note}
    found = {}
    for match in re.finditer(r"^\| (.*) \| (.) \| (.) \|$", text, re.MULTILINE):
        name = match[1]
        for note in notes:
            name = name.removesuffix(f" ({note})")
        found[name] = [match[2], match[3]]
    return found


def document(seen: dict[str, bool], old: str) -> str:
    kept = kept_cells(old)
    parts = [HEAD.format(pyodps=version("pyodps"), java=sdk_version())]
    for area, lines in LINES.items():
        parts.append(f"## {area}\n\n| | PyODPS | Java |\n|---|---|---|")
        parts += [row(line, seen, kept) for line in lines]
        parts.append("")
    parts.append("## What the clients themselves cannot do\n")
    parts += [f"- {text}" for text in CANNOT]
    parts.append("\n## What the sandbox does not serve\n")
    parts += [f"- {text}" for text in NOT_SERVED]
    return "\n".join(parts) + "\n"


def test_the_committed_table_is_what_was_seen(
    outcomes: dict[str, bool], request: pytest.FixtureRequest
) -> None:
    seen: dict[str, bool] = {}
    for node, passed in outcomes.items():
        name = node.split("/")[-1].removeprefix("conformance_test.py::")
        seen[name] = passed
    old = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    new = document(seen, old)
    if request.config.getoption("--write-conformance"):
        DOCUMENT.write_text(new, "utf-8")
    assert DOCUMENT.read_text("utf-8") == new, "run pytest with --write-conformance"


def test_every_python_proof_exists() -> None:
    folder = Path(__file__).resolve().parent
    for name in python_tests():
        file, test = name.split("::")
        function = test.split("[")[0]
        assert f"def {function}(" in (folder / file).read_text("utf-8"), name
