#!/usr/bin/env python3
"""Checks what a compiler does not: arrows between folders, sizes, names, links, words.

    tools/tidy.py [ROOT]     prints "path:line: rule: what to do" for each finding, exit code 1

Each rule is one function from a file to its findings; RULES at the end lists them. A pattern below
is spelled so that it does not match this file itself.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100
FILE_BYTES_MAX = 256 * 1024

CODE = {".cc", ".h", ".java", ".py", ".rs", ".sh", ".cmake"}
WALK_IGNORES = {".git", "build", "__pycache__", ".pytest_cache", "target"}


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class File:
    """One file of the tree; `path` is relative to `root`."""

    root: Path
    path: PurePosixPath

    @cached_property
    def data(self) -> bytes:
        return (self.root / self.path).read_bytes()

    @cached_property
    def text(self) -> str:
        """The content, or "" when it is binary."""
        return "" if b"\0" in self.data else self.data.decode("utf-8", errors="replace")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def is_code(self) -> bool:
        name = self.path.name
        return self.path.suffix in CODE or name == "CMakeLists.txt" or self.text.startswith("#!")

    def finding(self, line: int, rule: str, message: str) -> Finding:
        return Finding(str(self.path), line, rule, message)


# Arrows -----------------------------------------------------------------------------------

INCLUDE = re.compile(r'\s*#\s*include\s*["<]([^">]+)[">]')


# It comes early in `ls`, and stands on what the ledger keeps: records, their plans and checksums.
EVIDENCE_MAY_KNOW = {"checksum", "ledger", "plan"}


def arrow_fault(source: PurePosixPath, target: PurePosixPath) -> str | None:
    """Why a file of folder `source` may not include one of `target` (folders below src/), or None.

    `ls` is the map: a folder includes only folders above it in `ls src`; inside migration/ the same
    holds for its sub-folders, so inspect -> plan -> transfer -> verify is one way.
    """
    if source == target:
        return None
    if not source.parts:
        return None if target.parts[:1] == ("terminal",) else "main.cc includes terminal/ only"
    top, other = source.parts[0], target.parts[0] if target.parts else ""
    if top != other:
        if top == "sandbox" and other != "base":
            return "sandbox/ includes base/ only, so that it stays a second reading of the protocol"
        if top == "service" and other == "sandbox":
            return "service/ does not know the sandbox: what it talks to is a peer like any other"
        if other > top or not other:
            return f"{top}/ includes only folders above it in `ls src`, and {other}/ is below"
        return None
    name, other_name = source.parts[1:2], target.parts[1:2]
    if top == "clients" and name != other_name:
        return "each client is usable alone: put what two of them share into base/"
    if top == "migration" and "evidence" in {source.name, target.name}:
        if target.name in EVIDENCE_MAY_KNOW:
            return None
        return f"evidence/ is about the ledger and what it holds: no arrow to {target.name}/"
    if top == "migration" and other_name > name:
        return f"in migration/ data flows down `ls`: {source.name}/ may not know {target.name}/"
    return None


def check_arrows(file: File) -> Iterator[Finding]:
    if file.path.parts[0] != "src" or file.path.suffix not in {".cc", ".h"}:
        return
    folder = PurePosixPath(*file.path.parts[1:-1])
    for number, line in enumerate(file.lines, 1):
        if not (match := INCLUDE.match(line)):
            continue
        included = PurePosixPath(match[1])
        if ".." in included.parts:
            yield file.finding(number, "arrow", "include by the path below src/, without ..")
        elif (file.root / "src" / included).is_file():
            if fault := arrow_fault(folder, included.parent):
                yield file.finding(number, "arrow", fault)


# Sizes ------------------------------------------------------------------------------------


def check_file_size(file: File) -> Iterator[Finding]:
    if len(file.data) > FILE_BYTES_MAX:
        size_kib = len(file.data) // 1024
        yield file.finding(1, "file-size", f"{size_kib} KiB, at most {FILE_BYTES_MAX // 1024}")
    if file.is_code and len(file.lines) > FILE_LINES_MAX:
        yield file.finding(1, "file-lines", f"{len(file.lines)} lines, at most {FILE_LINES_MAX}")


def check_columns(file: File) -> Iterator[Finding]:
    if not file.is_code:
        return
    for number, line in enumerate(file.lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            yield file.finding(number, "columns", f"{len(line)}, at most {LINE_COLUMNS_MAX}")


# A comment, a raw string, a string, a character (a lone ' is a digit separator or a Rust lifetime).
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![\w])'(?:\\.[^'\n]*|[^'\\\n])'",
    re.DOTALL,
)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\.|[^\\\n])*", re.MULTILINE | re.DOTALL)
TEMPLATE = re.compile(r"\btemplate\s*<(?:[^<>]|<[^<>]*>)*>")
CONTAINER = re.compile(
    r"\b(?:namespace|class|interface|record|struct|union|enum|extern|impl|trait|mod)\b"
)
FUNCTION = re.compile(r"\)[^()]*$|\)\s*(?:->|noexcept|:)[^;]*$", re.DOTALL)


def blank(match: re.Match[str]) -> str:
    """As many line ends as the match had, so that line numbers stay right."""
    return " " + "\n" * match[0].count("\n")


def before_brackets(head: str) -> str:
    return TEMPLATE.sub(" ", head).split("(")[0]


def brace_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """(first line, lines, head) of each outermost function of C++, Java or Rust text, judged by
    braces: a block whose head holds a parameter list and no word that opens a scope."""
    text = PREPROCESSOR.sub(blank, NOT_CODE.sub(blank, text))
    head_start, inside, opened = 0, 0, (0, "")
    for match in re.finditer(r"[;{}]", text):
        head = text[head_start : match.start()]
        if match[0] == "{":
            if inside:
                inside += 1
            elif FUNCTION.search(head) and not CONTAINER.search(before_brackets(head)):
                inside, opened = 1, (head_start + len(head) - len(head.lstrip()), head)
        elif match[0] == "}" and inside:
            inside -= 1
            if not inside:
                first = text.count("\n", 0, opened[0]) + 1
                lines = text.count("\n", opened[0], match.start()) + 1
                yield first, lines, " ".join(opened[1].split())
        head_start = match.end()


def python_functions(text: str) -> Iterator[tuple[int, int, str]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1, node.name


def check_functions(file: File) -> Iterator[Finding]:
    if file.path.suffix in {".cc", ".h", ".java", ".rs"}:
        functions = brace_functions(file.text)
    elif file.path.suffix == ".py":
        functions = python_functions(file.text)
    else:
        return
    for first, lines, head in functions:
        if lines > FUNCTION_LINES_MAX:
            message = f"{lines} lines, at most {FUNCTION_LINES_MAX}: {head[:60]}"
            yield file.finding(first, "function-lines", message)


# Names ------------------------------------------------------------------------------------

VAGUE = re.compile(r"(?:^|[_.-])(?:utils?|helpers?|common|misc)(?=[_.-]|$)")
VAGUE_NAMESPACE = re.compile(r"\bnamespace\s+(?:\w+::)*(?:utils?|helpers?|common|misc)\b")


def check_names(file: File) -> Iterator[Finding]:
    for part in file.path.parts:
        if VAGUE.search(part):
            yield file.finding(1, "name", f"{part} says nothing: name the file after what it holds")
    for number, line in enumerate(file.lines if file.is_code else [], 1):
        if VAGUE_NAMESPACE.search(line):
            yield file.finding(number, "name", "name the namespace after what it holds")


# Words ------------------------------------------------------------------------------------

UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|X{3})\b(?!\(#\d+\))")

FORBIDDEN = {
    "download host": re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|crates\.io|npmjs\.(?:com|org)|yarnpkg\.com|rustup\.rs"
        r"|(?:repo1?\.)?maven\.(?:apache\.)?org|(?:deb|security|snapshot|ftp)\.debian\.org"
        r"|proxy\.golang\.org|github(?:usercontent)?\.com|ghcr\.io|docker\.io|quay\.io)\b"
    ),
    "path of one machine": re.compile(
        r"""(?<![\w.~})*-])/(?:root|work)(?=[/\s"'`):,]|$)|/home/[a-z]\w*/"""
    ),
    "how the work was done": re.compile(
        r"\b(?:[c]laude|[a]nthropic|[c]hatgpt|[o]penai|[c]opilot|[l]lms?|[s]ub-?agents?"
        r"|[c]oding agents?|[l]anguage models?|[a]i[- ](?:agent|assistant|session)s?"
        r"|[l]ead engineer|[a]nother builder|[o]ther builders?)\b",
        re.IGNORECASE,
    ),
}


def check_words(file: File) -> Iterator[Finding]:
    for number, line in enumerate(file.lines, 1):
        if file.is_code and UNFINISHED.search(line):
            yield file.finding(number, "unfinished", "name the issue: (#N) after the word")
        for what, pattern in FORBIDDEN.items():
            if match := pattern.search(line):
                yield file.finding(number, "word", f"{what}: {match[0].strip()}")


# Links ------------------------------------------------------------------------------------

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors a web view makes of a document's headings."""
    titles = HEADING.findall(FENCE.sub(blank, text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def check_links(file: File) -> Iterator[Finding]:
    if file.path.suffix != ".md":
        return
    for match in LINK.finditer(text := FENCE.sub(blank, file.text)):
        if re.match(r"[a-z]+:", match[1]):
            continue
        path, _, anchor = match[1].partition("#")
        target = (file.root / file.path).parent / path if path else file.root / file.path
        number = text.count("\n", 0, match.start()) + 1
        if not target.exists():
            yield file.finding(number, "link", f"{path} does not exist")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
            yield file.finding(number, "link", f"{match[1]} names no heading")


# Tests that documents name -----------------------------------------------------------------

CPP_TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
PYTHON_TEST = re.compile(r"^\s*def (test_\w+)", re.MULTILINE)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
CPP_CLAIM = re.compile(r"([A-Z]\w*)?\.([A-Z]\w*\*?|\*)")
PYTHON_CLAIM = re.compile(r"(?:(?:[\w.]*/)*(\w+_test\.py)|\.\.\.)?(?:::|: )?(test_\w+)?")
PROMISES = {"docs/features.md", "docs/guarantees.md"}


@cache
def tests_of(root: Path) -> dict[str, set[str]]:
    """Names of tests by C++ suite, and by Python file."""
    tests: dict[str, set[str]] = {}
    for file in files_of(root):
        if file.path.name.endswith("_test.py"):
            tests.setdefault(file.path.name, set()).update(PYTHON_TEST.findall(file.text))
        elif file.path.suffix == ".cc":
            for suite, name in CPP_TEST.findall(file.text):
                tests.setdefault(suite, set()).add(name)
    return tests


def check_named_tests(file: File) -> Iterator[Finding]:
    """A promise names its test: it exists. What names no suite or file is of the one before it."""
    if file.path.as_posix() not in PROMISES:
        return
    tests = tests_of(file.root)
    suite, module = "", ""
    for match in CODE_SPAN.finditer(file.text):
        if cpp := CPP_CLAIM.fullmatch(match[1]):
            suite, name = cpp[1] or suite, cpp[2]
            found = {test for test in tests.get(suite, ()) if fnmatchcase(test, name)}
            claim = f"{suite}.{name}"
        elif (python := PYTHON_CLAIM.fullmatch(match[1])) and (python[1] or python[2]):
            module, name = python[1] or module, python[2] or "test_*"
            found = {test for test in tests.get(module, ()) if fnmatchcase(test, name)}
            claim = f"{module}::{name}"
        else:
            continue
        if not found and claim != "Suite.Test":
            number = file.text.count("\n", 0, match.start()) + 1
            yield file.finding(number, "named-test", f"there is no test {claim}")


RULES = [
    check_arrows,
    check_file_size,
    check_columns,
    check_functions,
    check_names,
    check_words,
    check_links,
    check_named_tests,
]


def files_of(root: Path) -> Iterator[File]:
    """What git knows or would add; every file when `root` is not a repository."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        output = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
        names = set(output.decode().split("\0")) - {""}
    else:
        found = (path.relative_to(root) for path in root.rglob("*"))
        names = {path.as_posix() for path in found if not WALK_IGNORES & set(path.parts)}
    for name in sorted(names):
        if (root / name).is_file() and not (root / name).is_symlink():
            yield File(root, PurePosixPath(name))


def findings_of(root: Path) -> list[Finding]:
    return [finding for file in files_of(root) for rule in RULES for finding in rule(file)]


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    findings = findings_of(root)
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} findings" if findings else "tidy: nothing to say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
