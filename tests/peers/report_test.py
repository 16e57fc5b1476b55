"""What `mms report` writes about a small run, read by others: Python's csv and html.parser."""

from __future__ import annotations

import csv
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Sandbox
from deltalake import write_deltalake
from local_run import LocalRun

ODD = "<b>&\"quoted\", it's 'odd'"


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    """Orders of three days and a small table have crossed; then someone changed a day, dropped
    another one, and a third table was refused."""
    local = LocalRun(mms_bin, sandbox, tmp_path)
    days = [f"2024-01-0{1 + row % 3}" for row in range(30)]
    orders = pa.table({"id": list(range(30)), "note": [ODD] * 30, "day": days})
    write_deltalake(tmp_path / "orders", orders, partition_by=["day"])
    write_deltalake(tmp_path / "small", pa.table({"id": [1, 2], "day": ["a", "b"]}))
    local.table(tmp_path / "orders", "orders")
    local.table(tmp_path / "small", "small")
    run = local.run()
    assert run.code == 0, run.out + run.err
    odps = sandbox.odps()
    odps.execute_sql("ALTER TABLE orders DROP PARTITION (day='2024-01-03')")
    odps.execute_sql(
        "INSERT OVERWRITE TABLE orders PARTITION (day='2024-01-02') "
        "SELECT id, IF(id = 4, 'x', note) FROM orders WHERE day = '2024-01-02'"
    )
    assert local.run("verify").code == 7
    local.table(tmp_path / "none", "gone")
    assert local.run().code != 0
    return local


def report(local: LocalRun, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a person calls it: without --json, and without any secret set."""
    command = [local.binary, "report", "-f", str(local.file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_csv_has_every_partition_as_the_ledger_knows_it(local: LocalRun, tmp_path: Path) -> None:
    out = tmp_path / "partitions.csv"
    done = report(local, "--format", "csv", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert report(local, "--format", "csv").stdout == out.read_text("utf-8")  # line ends alike
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert all(line.endswith(b"\r") for line in out.read_bytes().split(b"\n")[:-1])
    by_place = {(row["target_table"], row["partition"]): row for row in rows}
    assert len(by_place) == len(rows) == 5
    verdicts = {place: row["verdict"] for place, row in by_place.items()}
    assert verdicts == {
        ("orders", "day=2024-01-01"): "Match",
        ("orders", "day=2024-01-02"): "Mismatch",
        ("orders", "day=2024-01-03"): "MissingInTarget",
        ("small", ""): "Match",
        ("", ""): "Failed",
    }
    whole = by_place["orders", "day=2024-01-01"]
    counts = [whole[name] for name in ("rows_source", "rows_copied", "rows_target", "files")]
    assert counts == ["10", "10", "10", "1"]
    assert (whole["state"], whole["version"]) == ("verified", "0")
    assert whole["source_checksum"] == whole["target_checksum"] != ""
    changed = by_place["orders", "day=2024-01-02"]
    assert changed["source_checksum"] != changed["target_checksum"]
    assert "values differ in column note" in changed["difference"]
    gone = by_place["orders", "day=2024-01-03"]
    assert (gone["rows_copied"], gone["rows_target"], gone["target_checksum"]) == ("10", "", "")
    assert "[DELTA_NOT_FOUND]" in by_place["", ""]["error"]
    tables = local.report()
    assert int(whole["bytes"]) * 3 == pytest.approx(tables["orders"]["bytes"], rel=0.2)
    orders = [row for row in rows if row["target_table"] == "orders"]
    assert sum(int(row["bytes"]) for row in orders) == tables["orders"]["bytes"]


class Page(HTMLParser):
    """A page's tables by class, its texts, and what each tag may hold of addresses."""

    VOID = {"meta", "img", "link", "br", "input"}

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.verdicts: dict[str, str] = {}
        self.legend: dict[str, int] = {}
        self.counted = ""
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == [], "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes += named.items()
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = self.tables.setdefault(named.get("class", ""), [])
        if tag == "tr":
            self.rows.append([])
            if "data-table" in named:
                self.verdicts[named["data-table"]] = named["data-verdict"]
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag == "li":
            self.counted = named.get("data-verdict", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if self.open[-1:] == ["b"] and self.counted:
            self.legend[self.counted] = int(data.replace(",", ""))
        if "style" not in self.open:
            self.text += data


def page(local: LocalRun, tmp_path: Path, *arguments: str) -> Page:
    out = tmp_path / "report.html"
    done = report(local, "--format", "html", "--out", str(out), *arguments)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return Page(out.read_text("utf-8"))


def test_the_page_has_the_figures_of_the_report(local: LocalRun, tmp_path: Path) -> None:
    html = page(local, tmp_path)
    lines = {line["source"]: line for line in local.run("report").of("report_table")}
    assert html.verdicts == {source: line["verdict"] for source, line in lines.items()}
    assert html.legend == {"Match": 1, "Mismatch": 1, "Failed": 1}
    assert "1 of 3 tables match" in html.text
    head, *rows = html.tables["tables"]
    assert all(len(row) == len(head) for row in rows)
    table = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    orders = table[f"file://{tmp_path}/orders"]
    assert orders["Target"] == "orders"
    assert orders["Verdict"] == "Mismatch"
    assert [orders[name] for name in ("Partitions", "Files", "Rows copied")] == ["3", "3", "30"]
    small = table[f"file://{tmp_path}/small"]
    assert (small["Rows in log"], small["Rows in target"], small["Version"]) == ("2", "2", "0")
    assert small["Checksum"] == lines[f"file://{tmp_path}/small"]["source_checksum"][:8]
    assert table[f"file://{tmp_path}/none"]["Rows copied"] == "-"
    head, *rows = html.tables["partitions"]
    wrong = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert set(wrong) == {"day=2024-01-02", "day=2024-01-03"}
    assert "values differ in column note" in wrong["day=2024-01-02"]["Difference"]
    assert wrong["day=2024-01-03"]["Verdict"] == "MissingInTarget"
    assert "[DELTA_NOT_FOUND]" in html.text


def test_the_page_stands_alone_and_shows_odd_names_as_they_are(
    local: LocalRun, tmp_path: Path
) -> None:
    folder = tmp_path / "<script>alert('1')&\"x\""
    write_deltalake(folder, pa.table({ODD: [1]}))
    local.table(folder, "odd")
    local.run()
    html = page(local, tmp_path)
    assert not html.tags & {"script", "link", "img", "iframe", "object", "a"}
    assert not [name for name, _ in html.attributes if name in {"src", "href", "style"}]
    assert not [name for name, _ in html.attributes if name.startswith("on")]
    odd = [source for source in html.verdicts if "alert" in source]
    assert len(odd) == 1
    assert "<b>" in html.text


def test_the_page_in_chinese_has_the_same_figures(local: LocalRun, tmp_path: Path) -> None:
    english, chinese = page(local, tmp_path), page(local, tmp_path, "--lang", "zh_CN")
    assert ("lang", "zh-CN") in chinese.attributes
    assert (chinese.verdicts, chinese.legend) == (english.verdicts, english.legend)
    assert "3 张表中有 1 张一致" in chinese.text

    def figures(html: Page) -> list[list[str]]:
        rows = html.tables["tables"][1:] + html.tables["partitions"][1:]
        return [[cell for cell in row if any(c.isdigit() for c in cell)] for row in rows]

    assert figures(chinese) == figures(english)
    verdicts = [row[2] for row in chinese.tables["tables"][1:]]
    assert sorted(verdicts) == sorted(["失败", "不一致", "一致"])


def test_a_file_that_cannot_be_written_is_named(local: LocalRun, tmp_path: Path) -> None:
    out = tmp_path / "no" / "report.csv"
    done = report(local, "--format", "csv", "--out", str(out))
    assert done.returncode == 3
    assert f"file {out}" in done.stderr
    assert "[OUTPUT_NOT_WRITABLE]" in done.stderr


def test_two_formats_at_once_are_wrong_usage(local: LocalRun) -> None:
    assert report(local, "--format", "csv", "--json").returncode == 2
    assert report(local, "--format", "xls").returncode == 2
