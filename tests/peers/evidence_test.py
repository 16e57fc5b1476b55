"""An evidence bundle opens without us, and no damage to it passes: Python's tarfile reads it, its
`cryptography` checks the signature, and 20 seeded damages are each found and named."""

from __future__ import annotations

import hashlib
import io
import json
import random
import subprocess
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Sandbox
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from deltalake import write_deltalake
from local_run import LocalRun

FOLDER = "mms-evidence/"
SIGNED = ["partitions.jsonl", "tables.jsonl", "run.json", "manifest.json", "evidence.pub"]
MEMBERS = [*SIGNED, "SHA256SUMS", "SHA256SUMS.sig"]
Files = list[tuple[str, bytes]]


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    """Two tables have crossed, one partition is gone since, and a third table failed."""
    local = LocalRun(mms_bin, sandbox, tmp_path)
    days = [f"2024-01-0{1 + row % 3}" for row in range(30)]
    orders = pa.table({"id": list(range(30)), "day": days})
    write_deltalake(tmp_path / "orders", orders, partition_by=["day"])
    write_deltalake(tmp_path / "small", pa.table({"id": [1, 2], "name": ["a", "ß"]}))
    local.table(tmp_path / "orders", "orders")
    local.table(tmp_path / "small", "small")
    local.table(tmp_path / "none", "gone")
    assert local.run().code == 6
    sandbox.odps().execute_sql("ALTER TABLE orders DROP PARTITION (day='2024-01-03')")
    assert local.run("verify").code == 7
    return local


@pytest.fixture
def bundle(local: LocalRun, tmp_path: Path) -> Path:
    path = tmp_path / "evidence.tar"
    made = local.run("report", "--evidence", str(path))
    assert made.code == 0, made.err
    return path


def check(local: LocalRun, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In an empty folder and environment: nothing but the bundle is there."""
    empty = path.parent / "empty"
    empty.mkdir(exist_ok=True)
    command = [local.binary, "report", "--check", str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=empty, env={})
    assert list(empty.iterdir()) == []
    return done


def unpack(path: Path) -> Files:
    with tarfile.open(path, "r:") as tar:
        members = [(member.name, tar.extractfile(member)) for member in tar]
        return [(name.removeprefix(FOLDER), file.read()) for name, file in members if file]


def pack(files: Files, path: Path) -> None:
    """As mms packs them: without a bit of difference, so that only the damage is one."""
    data = io.BytesIO()
    for name, content in files:
        info = tarfile.TarInfo(FOLDER + name)
        info.size, info.mtime, info.mode = len(content), 315532800, 0o644
        data.write(info.tobuf(tarfile.USTAR_FORMAT))
        data.write(content + b"\0" * (-len(content) % 512))
    path.write_bytes(data.getvalue() + b"\0" * 1024)


def fingerprint(public: bytes) -> str:
    key = serialization.load_pem_public_key(public)
    assert isinstance(key, Ed25519PublicKey)
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


def test_it_opens_without_us_and_says_what_the_report_says(local: LocalRun, bundle: Path) -> None:
    files = unpack(bundle)
    assert [name for name, _ in files] == MEMBERS
    held = dict(files)
    sums = [f"{hashlib.sha256(held[name]).hexdigest()}  {name}\n" for name in SIGNED]
    assert held["SHA256SUMS"].decode() == "".join(sums)
    key = serialization.load_pem_public_key(held["evidence.pub"])
    assert isinstance(key, Ed25519PublicKey)
    key.verify(held["SHA256SUMS.sig"], held["SHA256SUMS"])  # raises when it does not fit

    partitions, tables = lines(held["partitions.jsonl"]), lines(held["tables.jsonl"])
    report = {line["source"]: line for line in local.run("report").of("report_table")}
    assert [table["table"] for table in tables] == list(report)
    for table in tables:
        own = [line for line in partitions if line["table"] == table["table"]]
        said = report[table["table"]]
        assert said["version"] == table["version"]
        if said["units"] is None:
            assert table["plan"] is None
            assert table["error"]["code"] == "DELTA_NOT_FOUND"
            continue
        assert len(own) == said["units"]
        for name in ("files", "bytes"):
            assert sum(line[name] for line in own) == said[name]
        assert sum(line["rows_copied"] for line in own) == said["rows_copied"]
        assert f"CREATE TABLE IF NOT EXISTS `dw`.`{table['target_table']}`" in (
            table["plan"]["create_table"]
        )
    by_day = {line["partition"]: line for line in partitions if line["partition"]}
    assert {day: line["verdict"] for day, line in by_day.items()} == {
        "day=2024-01-01": "Match",
        "day=2024-01-02": "Match",
        "day=2024-01-03": "MissingInTarget",
    }
    whole = by_day["day=2024-01-01"]
    assert whole["source_checksum"] == whole["target_checksum"]
    assert len(whole["source_checksum"]["columns"]) == 1, "day is the partition's"
    assert whole["session_id"]
    assert (whole["generation"], whole["state"]) == (1, "verified")

    manifest = json.loads(held["manifest.json"])
    assert manifest["target"].startswith("project dw at 127.0.0.1")
    totals = manifest["totals"]
    assert (totals["tables"], totals["partitions"]) == (len(tables), len(partitions))
    assert totals["partitions_by_verdict"] == Counter(line["verdict"] for line in partitions)
    assert totals["rows_copied"] == 32
    assert totals["rows_target"] is None, "one partition is not there to be counted"
    assert json.loads(held["run.json"])["pacing"]


def test_it_holds_no_secret_and_its_key_stays_in_the_state_folder(
    local: LocalRun, bundle: Path
) -> None:
    key = Path(local.config["state"]) / "evidence.key"
    assert key.stat().st_mode & 0o777 == 0o600
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    raw = private.private_bytes_raw()
    data = bundle.read_bytes()
    assert local.sandbox.secret.encode() not in data
    assert raw not in data
    assert b"PRIVATE" not in data
    held = dict(unpack(bundle))
    assert held["SHA256SUMS.sig"] == private.sign(held["SHA256SUMS"])
    # The next bundle is signed by the same key.
    again = local.run("report", "--evidence", str(bundle))
    assert again.of("evidence")[0]["key_fingerprint"] == fingerprint(held["evidence.pub"])


def test_a_check_needs_the_bundle_alone(local: LocalRun, bundle: Path) -> None:
    held = dict(unpack(bundle))
    known = fingerprint(held["evidence.pub"])
    done = check(local, bundle)
    assert done.returncode == 0, done.stderr
    assert f"signed by key {known}: compare it" in done.stdout
    assert "3 tables, 4 partitions: 3 Match (3 by checksum), 1 MissingInTarget" in done.stdout
    trusted = check(local, bundle, "--key", known.upper(), "--json")
    assert trusted.returncode == 0, trusted.stderr
    event = json.loads(trusted.stdout)
    assert (event["type"], event["key_trusted"]) == ("evidence_check", True)
    assert event["manifest"] == json.loads(held["manifest.json"])
    # What is packed here to be damaged below is what mms wrote.
    copy = bundle.parent / "copy.tar"
    pack(unpack(bundle), copy)
    assert copy.read_bytes() == bundle.read_bytes()


def sign(files: Files, key: Ed25519PrivateKey) -> Files:
    """Forged by one who has a key of their own."""
    held = dict(files)
    held["evidence.pub"] = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    sums = [f"{hashlib.sha256(held[name]).hexdigest()}  {name}\n" for name in SIGNED]
    held["SHA256SUMS"] = "".join(sums).encode()
    held["SHA256SUMS.sig"] = key.sign(held["SHA256SUMS"])
    return list(held.items())


def test_a_forger_with_a_key_of_their_own_is_refused_by_the_fingerprint(
    local: LocalRun, bundle: Path
) -> None:
    files = unpack(bundle)
    known = fingerprint(dict(files)["evidence.pub"])
    held = dict(files)
    held["partitions.jsonl"] = held["partitions.jsonl"].replace(b'"MissingInTarget"', b'"Match"')
    pack(sign(list(held.items()), Ed25519PrivateKey.generate()), bundle)
    done = check(local, bundle, "--key", known)
    assert done.returncode == 3
    assert "[EVIDENCE_OTHER_KEY]" in done.stderr
    # And without a fingerprint it does not add up: this forger forgot the manifest.
    done = check(local, bundle)
    assert done.returncode == 1
    assert "file manifest.json: says matches_by_method" in done.stderr
    assert "[EVIDENCE_TOTALS]" in done.stderr


def one_byte(random_: random.Random, files: Files) -> tuple[Files, str, str]:
    at = random_.randrange(len(files))
    name, content = files[at]
    where = random_.randrange(len(content))
    changed = bytes([content[where] ^ (1 << random_.randrange(8))])
    files[at] = (name, content[:where] + changed + content[where + 1 :])
    return files, name, "EVIDENCE_CHANGED"


def a_cut_file(random_: random.Random, files: Files) -> tuple[Files, str, str]:
    at = random_.randrange(len(files))
    name, content = files[at]
    files[at] = (name, content[: random_.randrange(len(content))])
    return files, name, "EVIDENCE_CHANGED"


def swapped_lines(random_: random.Random, files: Files) -> tuple[Files, str, str]:
    at = random_.randrange(2)  # partitions or tables
    name, content = files[at]
    rows = content.splitlines(keepends=True)
    first = random_.randrange(len(rows) - 1)
    rows[first], rows[first + 1] = rows[first + 1], rows[first]
    files[at] = (name, b"".join(rows))
    return files, name, "EVIDENCE_CHANGED"


def a_missing_file(random_: random.Random, files: Files) -> tuple[Files, str, str]:
    name, _ = files.pop(random_.randrange(len(files)))
    return files, name, "EVIDENCE_MISSING"


def an_added_file(random_: random.Random, files: Files) -> tuple[Files, str, str]:
    name = f"extra-{random_.randrange(1000)}.json"
    files.insert(random_.randrange(len(files) + 1), (name, b"{}"))
    return files, name, "EVIDENCE_ADDED"


def another_order(random_: random.Random, files: Files) -> tuple[Files, str, str]:
    at = random_.randrange(len(files) - 1)
    files[at], files[at + 1] = files[at + 1], files[at]
    return files, files[at][0], "EVIDENCE_ORDER"


Damage = Callable[[random.Random, Files], tuple[Files, str, str]]
DAMAGES: list[Damage] = [
    one_byte,
    a_cut_file,
    swapped_lines,
    a_missing_file,
    an_added_file,
    another_order,
]


def test_twenty_seeded_damages_are_each_found_and_named(local: LocalRun, bundle: Path) -> None:
    whole = unpack(bundle)
    damaged = bundle.parent / "damaged.tar"
    for seed in range(20):
        random_ = random.Random(seed)
        files, name, code = DAMAGES[seed % len(DAMAGES)](random_, list(whole))
        pack(files, damaged)
        assert damaged.read_bytes() != bundle.read_bytes(), f"seed {seed}"
        done = check(local, damaged)
        told = f"seed {seed}: {done.stdout}{done.stderr}"
        assert done.returncode == 1, told
        assert done.stdout == "", told
        assert f"file {name}: " in done.stderr, told
        assert f"[{code}]" in done.stderr, told


def test_a_bit_or_a_cut_anywhere_in_the_archive_is_found(local: LocalRun, bundle: Path) -> None:
    data = bundle.read_bytes()
    damaged = bundle.parent / "damaged.tar"
    random_ = random.Random(4)
    for _ in range(20):
        at = random_.randrange(len(data))
        changed = bytes([data[at] ^ 1 << random_.randrange(8)])
        damaged.write_bytes(data[:at] + changed + data[at + 1 :])
        done = check(local, damaged)
        assert done.returncode == 1, f"byte {at}: {done.stdout}{done.stderr}"
        assert "[EVIDENCE_" in done.stderr
        damaged.write_bytes(data[:at])
        done = check(local, damaged)
        assert done.returncode == 1, f"cut at {at}: {done.stdout}{done.stderr}"
        assert "[EVIDENCE_TRUNCATED]" in done.stderr


def test_what_is_no_bundle_and_what_does_not_go_together_is_told(
    local: LocalRun, tmp_path: Path
) -> None:
    absent = check(local, tmp_path / "none.tar")
    assert (absent.returncode, "[EVIDENCE_NOT_FOUND]" in absent.stderr) == (3, True)
    assert check(local, local.file).returncode == 1
    assert check(local, tmp_path / "none.tar", "--key", "abc").returncode == 2
    assert local.run("report", "--check", "x.tar").code == 2
    assert local.run("report", "--evidence", "x.tar", "--out", "y").code == 2
    neither = subprocess.run([local.binary, "report"], capture_output=True, text=True, timeout=60)
    assert neither.returncode == 2
    assert "--file is required" in neither.stderr
