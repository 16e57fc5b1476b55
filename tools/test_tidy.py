"""Each rule of tidy.py catches a bad example and passes a good one; and the repository is tidy."""

from pathlib import Path

import pytest
import tidy

REPOSITORY = Path(__file__).resolve().parent.parent

# Layout for the include rules: these headers exist, so an include of one is an arrow.
HEADERS = [
    "base/result.h",
    "clients/azure/storage.h",
    "clients/delta/table.h",
    "clients/delta/kernel/abi.h",
    "migration/evidence/bundle.h",
    "migration/inspect/inspect.h",
    "migration/ledger/ledger.h",
    "migration/plan/plan.h",
    "migration/transfer/job.h",
    "migration/verify/verify.h",
    "sandbox/sandbox.h",
    "service/jobs.h",
    "terminal/terminal.h",
]

BAD_INCLUDES = [
    ("base/error.cc", "clients/delta/table.h"),
    ("clients/azure/storage.cc", "clients/delta/table.h"),
    ("clients/azure/storage.cc", "clients/delta/kernel/abi.h"),
    ("clients/delta/table.cc", "migration/plan/plan.h"),
    ("migration/inspect/inspect.cc", "migration/plan/plan.h"),
    ("migration/plan/plan.cc", "migration/transfer/job.h"),
    ("migration/evidence/bundle.cc", "migration/inspect/inspect.h"),
    ("migration/evidence/bundle.cc", "migration/verify/verify.h"),
    ("migration/ledger/ledger.cc", "migration/evidence/bundle.h"),
    ("migration/verify/verify.cc", "migration/evidence/bundle.h"),
    ("migration/transfer/job.cc", "migration/verify/verify.h"),
    ("migration/verify/verify.cc", "sandbox/sandbox.h"),
    ("migration/verify/verify.cc", "terminal/terminal.h"),
    ("sandbox/sandbox.cc", "clients/delta/table.h"),
    ("sandbox/sandbox_test.cc", "clients/delta/table.h"),
    ("sandbox/sandbox.cc", "migration/plan/plan.h"),
    ("service/jobs.cc", "terminal/terminal.h"),
    ("main.cc", "base/result.h"),
    ("main.cc", "migration/plan/plan.h"),
    ("sandbox/sandbox.cc", "../clients/delta/table.h"),
]

GOOD_INCLUDES = [
    ("base/error.cc", "base/result.h"),
    ("clients/azure/storage.cc", "base/result.h"),
    ("clients/azure/storage.cc", "clients/azure/storage.h"),
    ("clients/delta/table.cc", "arrow/c/abi.h"),
    ("clients/delta/table.cc", "clients/delta/kernel/abi.h"),
    ("migration/inspect/inspect.cc", "clients/delta/table.h"),
    ("migration/plan/plan.cc", "migration/inspect/inspect.h"),
    ("migration/evidence/bundle.cc", "migration/ledger/ledger.h"),
    ("migration/evidence/bundle.cc", "migration/plan/plan.h"),
    ("terminal/run.cc", "migration/evidence/bundle.h"),
    ("migration/verify/verify.cc", "migration/inspect/inspect.h"),
    ("sandbox/sandbox.cc", "base/result.h"),
    ("service/jobs.cc", "migration/verify/verify.h"),
    ("terminal/run.cc", "sandbox/sandbox.h"),
    ("main.cc", "terminal/terminal.h"),
]


def rules_broken(root: Path, files: dict[str, str | bytes]) -> list[str]:
    """Names of the rules that files of this content break, in a tree that holds nothing else."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [finding.rule for finding in tidy.findings_of(root)]


def include_rules_broken(root: Path, includer: str, included: str) -> list[str]:
    files: dict[str, str | bytes] = {f"src/{header}": "#pragma once\n" for header in HEADERS}
    files[f"src/{includer}"] = f'#include "{included}"\n'
    return rules_broken(root, files)


@pytest.mark.parametrize(("includer", "included"), BAD_INCLUDES)
def test_an_include_against_the_arrows_is_found(tmp_path, includer, included):
    assert include_rules_broken(tmp_path, includer, included) == ["arrow"]


@pytest.mark.parametrize(("includer", "included"), GOOD_INCLUDES)
def test_an_include_along_the_arrows_passes(tmp_path, includer, included):
    assert include_rules_broken(tmp_path, includer, included) == []


def cc_function(lines: int, head: str = "int Sum(int n)") -> str:
    """A C++ function of so many lines, braces included, in a class in a namespace."""
    body = "  n += 1;\n" * (lines - 2)
    return f"namespace mms {{\nclass A {{\n{head} {{\n{body}}}\n}};\n}}  // namespace mms\n"


def py_function(lines: int) -> str:
    return "def total(n):\n" + "    n += 1\n" * (lines - 1)


BAD_FILES = {
    "601 lines": ("src/base/a.cc", "int a;\n" * 601, "file-lines"),
    "257 KiB": ("docs/a.md", b"a\n" * 128 * 1025, "file-size"),
    "257 KiB, binary": ("tests/a.bin", b"\0" * 257 * 1024, "file-size"),
    "101 columns": ("src/base/a.cc", "// " + "x" * 98 + "\n", "columns"),
    "script of 101 columns": ("tools/a", "#!/bin/sh\n# " + "x" * 99 + "\n", "columns"),
    "C++ function of 71 lines": ("src/base/a.cc", cc_function(71), "function-lines"),
    "template of 71 lines": (
        "src/base/a.h",
        cc_function(71, "template <class T, class U = std::vector<T>>\nT Sum(T n)"),
        "function-lines",
    ),
    "constructor of 71 lines": (
        "src/base/a.cc",
        cc_function(71, "A::A(int n) : a_(n), b_(n)"),
        "function-lines",
    ),
    "Rust function of 71 lines": (
        "src/base/a.rs",
        cc_function(71, "fn sum(n: &'static str) -> Vec<u8>"),
        "function-lines",
    ),
    "Python function of 71 lines": ("tools/a.py", py_function(71), "function-lines"),
    "file called utils": ("src/base/utils.h", "", "name"),
    "file called string_util": ("src/base/string_util.h", "", "name"),
    "folder called common": ("src/common/a.h", "", "name"),
    "test called helpers": ("tests/test_helpers.py", "", "name"),
    "namespace called misc": ("src/base/a.h", "namespace mms::" + "misc {}\n", "name"),
    "unfinished without issue": ("src/base/a.h", "// " + "TO" + "DO: later\n", "unfinished"),
    "package index": ("tools/a.sh", "curl https://" + "pypi" + ".org/simple\n", "word"),
    "crate registry": ("docs/a.md", "see " + "crates" + ".io\n", "word"),
    "npm registry": ("tools/a.json", '"https://registry.' + "npmjs" + '.org/a"\n', "word"),
    "Debian mirror": ("tools/a.sh", "http://deb." + "debian" + ".org\n", "word"),
    "path of one machine": ("docs/a.md", "lies in /" + "work/main\n", "word"),
    "home of one user": ("tools/a.py", 'A = "/' + 'root/.cache"\n', "word"),
    "how it was written": ("docs/a.md", "made by a sub" + "agent\n", "word"),
    "dead link": ("docs/a.md", "[b](b.md)\n", "link"),
    "dead anchor": ("docs/a.md", "# Title\n[b](#other)\n", "link"),
    "suite that is not there": ("docs/features.md", "| copied | `Copy.*` |\n", "named-test"),
    "test file that is not there": ("docs/features.md", "| by `copy_test.py` |\n", "named-test"),
    "function that is not there": (
        "docs/guarantees.md",
        "| copied | `tests/copy_test.py::test_rows` |\n",
        "named-test",
    ),
}

GOOD_FILES = {
    "600 lines": ("src/base/a.cc", "int a;\n" * 600),
    "data of 601 lines": ("tests/a.jsonl", "{}\n" * 601),
    "256 KiB": ("docs/a.md", b"a\n" * 128 * 1024),
    "100 columns": ("src/base/a.cc", "// " + "é" * 97 + "\n"),
    "wide table in a document": ("docs/a.md", "|" + "x" * 200 + "|\n"),
    "C++ function of 70 lines": ("src/base/a.cc", cc_function(70)),
    "class of 200 lines": ("src/base/a.h", "class A {\n" + "  int F(int);\n" * 198 + "};\n"),
    "braces in strings and comments": (
        "src/base/a.cc",
        'int F() {\n  Put("}{", R"(})", \'{\');  // {\n}\n' + "int a;\n" * 80,
    ),
    "macro of 80 lines": (
        "src/base/a.h",
        "#define M(a) do { \\\n" + "a; \\\n" * 80 + "} while (0)\n",
    ),
    "Python function of 70 lines": ("tools/a.py", py_function(70)),
    "a word that holds util": ("src/base/utility_bill.h", ""),
    "unfinished with issue": ("src/base/a.h", "// TO" + "DO(#12): page the list\n"),
    "session, workspace and root of a table": (
        "docs/a.md",
        "The upload session of /workspaces at the table's root/work folder.\n",
    ),
    "user agent": ("src/base/a.h", "// User-Agent of every request\n"),
    "live links": (
        "docs/a.md",
        "# One word\n[a](a.md), [b](#one-word), [c](https://example.com)\n",
    ),
    "link in a code block": ("docs/a.md", "```\n[b](b.md)\n```\n"),
}


@pytest.mark.parametrize("example", BAD_FILES)
def test_a_bad_example_is_found(tmp_path, example):
    name, content, rule = BAD_FILES[example]
    assert rules_broken(tmp_path, {name: content}) == [rule]


@pytest.mark.parametrize("example", GOOD_FILES)
def test_a_good_example_passes(tmp_path, example):
    name, content = GOOD_FILES[example]
    assert rules_broken(tmp_path, {name: content}) == []


def test_tests_that_a_document_names_are_looked_for(tmp_path):
    files = {
        "src/a_test.cc": "TEST(Sum, OfNone) {}\nTEST_F(SumTest, OfMany) {}\n",
        "tests/sum_test.py": "def test_of_one(): pass\nclass A:\n    def test_of_two(self): pass\n",
    }
    good = "`Sum.OfNone`, `.Of*`, `SumTest.*`; `tests/sum_test.py`, `sum_test.py: test_of_one`, "
    good += "`...::test_of_two`; `policy.tasks`, `Match`, `a.md`\n"
    assert rules_broken(tmp_path, {**files, "docs/features.md": good}) == []
    bad = "`Sum.OfAll`, `SumTest.OfMany`, `.OfNone`, `sum_test.py: test_of_two`, `test_of_three`\n"
    assert rules_broken(tmp_path / "bad", {**files, "docs/features.md": bad}) == ["named-test"] * 3


def test_a_finding_names_file_line_and_rule(tmp_path):
    (tmp_path / "a.md").write_text("# A\n\n[b](b.md)\n")
    assert [str(finding) for finding in tidy.findings_of(tmp_path)] == [
        "a.md:3: link: b.md does not exist"
    ]


def test_the_repository_is_tidy():
    findings = [str(finding) for finding in tidy.findings_of(REPOSITORY)]
    assert not findings, "\n" + "\n".join(findings)
