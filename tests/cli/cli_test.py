"""The command line as scripts and people meet it: exit codes, streams, JSON lines, errors, signals.

Uses the corpus by file:// and `mms sandbox`; no lakehouse.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Sandbox

VERBS = ["check", "sync", "plan", "run", "verify", "report", "sandbox", "version"]
SECRET = "cli-test-secret-0123"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    with tarfile.open(REPOSITORY / "tests/corpus/corpus.tar.gz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not in Debian's 3.11.2
        archive.extractall(folder)
    return folder / "corpus"


class Cli:
    """`mms` in a folder of its own; the file is written as JSON, which is YAML."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.binary, self.folder, self.file = binary, folder, folder / "mms.yaml"
        self.environment = {**os.environ, "MMS_TEST_SECRET": SECRET}
        self.config: dict[str, Any] = {
            "target": {
                "project": "dw",
                "endpoint": "http://127.0.0.1:1/api",
                "access_key_id": "tester",
                "access_key_secret": "env:MMS_TEST_SECRET",
            },
            "tables": [],
            "policy": {"tasks": 2, "workers": 1},
            "state": "state",
        }

    def use(self, sandbox: Sandbox) -> None:
        self.config["target"] = sandbox.target()
        self.environment["MMS_TEST_SECRET"] = sandbox.secret

    def choose(self, corpus: Path, *names: str) -> None:
        self.config["tables"] = [
            {"location": f"file://{corpus / name}", "as": name} for name in names
        ]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        self.file.write_text(json.dumps(self.config, indent=1), "utf-8")
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "env": self.environment,
        }
        return subprocess.Popen([self.binary, *arguments], **{**settings, **options})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def on_file(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(verb, "-f", str(self.file), *arguments)


@pytest.fixture
def cli(mms_bin: str, tmp_path: Path) -> Cli:
    return Cli(mms_bin, tmp_path)


def objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Every line of stdout, each of which must be an object with type and schema."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        assert isinstance(line["type"], str) and line["schema"] == 1, line
    return lines


def of_type(done: subprocess.CompletedProcess[str], kind: str) -> list[dict[str, Any]]:
    return [line for line in objects(done) if line["type"] == kind]


def assert_plain_error(done: subprocess.CompletedProcess[str], code: str) -> None:
    """One line that names the code; no trace of where in the program it came from."""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and errors[0].endswith(f"[{code}]"), done.stderr
    for trace in ("terminate called", "what():", ".cc:", "Traceback", "0x"):
        assert trace not in done.stderr, done.stderr


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api"


def test_help_names_every_verb_and_the_exit_codes_but_no_worker(cli: Cli) -> None:
    done = cli.run("--help")
    assert done.returncode == 0 and done.stderr == ""
    for verb in VERBS:
        assert re.search(rf"^\s+{verb}\b", done.stdout, re.MULTILINE), verb
    assert "worker" not in done.stdout
    assert "Examples:" in done.stdout and "130 interrupted" in done.stdout


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "version"])
def test_help_of_each_verb_ends_with_an_example_that_docs_know_the_flags_of(
    cli: Cli, verb: str
) -> None:
    done = cli.run(verb, "--help")
    assert done.returncode == 0 and f"mms {verb} " in done.stdout
    docs = (REPOSITORY / "docs/cli.md").read_text("utf-8")
    for flag in set(re.findall(r"--[a-z][a-z-]+", done.stdout)) - {"--help", "--file"}:
        assert flag in docs, f"docs/cli.md does not tell of {flag}"


def test_version_is_the_projects(cli: Cli) -> None:
    cmake = (REPOSITORY / "CMakeLists.txt").read_text("utf-8")
    version = re.search(r"project\(open-mms VERSION (\S+)", cmake)
    assert version
    assert cli.run("version").stdout == f"mms {version.group(1)}\n"
    assert objects(cli.run("version", "--json"))[0]["version"] == version.group(1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Examples:"),
        (["rnu", "-f", "x"], "did you mean mms run?"),
        (["run"], "--file is required"),
        (["run", "-f", "x", "--token", "CANARY123456"], "mms run --help"),
        (["run", "-f"], "mms run --help"),
        (["sandbox", "--listen", "127.0.0.1:0"], "--data is required"),
    ],
)
def test_wrong_usage_is_2_and_repeats_no_argument(
    cli: Cli, arguments: list[str], says: str
) -> None:
    done = cli.run(*arguments)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr and done.stdout == ""
    assert "CANARY" not in done.stderr


def test_an_unknown_key_is_3_with_the_nearest_key_and_its_line(cli: Cli) -> None:
    cli.file.write_text("target:\n  project: dw\n  endpiont: http://h\n", "utf-8")
    done = subprocess.run(
        [cli.binary, "run", "-f", str(cli.file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert_plain_error(done, "CONFIG_UNKNOWN_KEY")
    assert f"{cli.file}, line 3: target.endpiont" in done.stderr
    assert "did you mean endpoint?" in done.stderr


@pytest.mark.parametrize("verb", ["check", "sync", "plan", "run", "verify", "report"])
def test_a_literal_secret_is_refused_by_every_verb_and_not_shown(
    cli: Cli, corpus: Path, verb: str
) -> None:
    cli.choose(corpus, "plain")
    cli.config["target"]["access_key_secret"] = "CANARY-literal-123456"
    done = cli.on_file(verb)
    assert done.returncode == 3
    assert_plain_error(done, "SECRET_LITERAL")
    assert "env:NAME or file:PATH" in done.stderr
    assert "CANARY" not in done.stdout + done.stderr


def test_errors_are_objects_too_with_json(cli: Cli, corpus: Path) -> None:
    cli.choose(corpus, "plain")
    cli.environment.pop("MMS_TEST_SECRET")
    done = cli.on_file("run", "--json")
    assert done.returncode == 3
    (error,) = of_type(done, "error")
    assert error["code"] == "SECRET_NOT_SET" and error["kind"] == "invalid_input"
    assert error["exit_code"] == 3


def test_a_missing_file_is_3(cli: Cli) -> None:
    done = cli.run("run", "-f", str(cli.folder / "none.yaml"))
    assert done.returncode == 3
    assert_plain_error(done, "CONFIG_UNREADABLE")


def test_an_unreachable_target_is_5(cli: Cli, corpus: Path) -> None:
    cli.choose(corpus, "plain")
    done = cli.on_file("run")
    assert done.returncode == 5, done.stdout + done.stderr
    assert "127.0.0.1:1" in done.stdout + done.stderr


def test_check_names_the_step_that_fails_and_its_remedy(cli: Cli, corpus: Path) -> None:
    cli.choose(corpus, "plain")
    done = cli.on_file("check")
    assert done.returncode == 5, done.stdout + done.stderr
    assert re.search(r"^✗ .*\[HTTP_UNREACHABLE\]$", done.stdout, re.MULTILINE), done.stdout


def test_an_unwritable_state_folder_is_3(cli: Cli, corpus: Path) -> None:
    # Below a file: not even root may write there.
    (cli.folder / "file").write_text("", "utf-8")
    cli.choose(corpus, "plain")
    cli.config["state"] = "file/state"
    done = cli.on_file("run")
    assert done.returncode == 3
    assert_plain_error(done, "STATE_NOT_WRITABLE")


def test_a_report_before_any_run_is_3(cli: Cli, corpus: Path) -> None:
    cli.choose(corpus, "plain")
    done = cli.on_file("report")
    assert done.returncode == 3
    assert_plain_error(done, "STATE_NOT_FOUND")


def wait_for_lock(cli: Cli) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if list((cli.folder / "state").glob("*.db")):
            return
        time.sleep(0.02)
    pytest.fail("the first run did not take its state folder")


def test_a_second_parent_is_turned_away_by_the_first_ones_process_id(
    cli: Cli, corpus: Path, silent_server: str
) -> None:
    cli.choose(corpus, "plain")
    cli.config["target"]["endpoint"] = silent_server
    first = cli.start("run", "-f", str(cli.file))
    try:
        wait_for_lock(cli)
        second = cli.on_file("run")
        assert second.returncode == 3, second.stderr
        assert_plain_error(second, "STATE_IN_USE")
        assert str(first.pid) in second.stderr
    finally:
        first.kill()
        first.communicate()


class SlowRelay(threading.Thread):
    """Passes connections on to a server, each piece of a request later by `delay_s`."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(daemon=True)
        self.host, _, port = endpoint.removeprefix("http://").partition(":")
        self.port, self.delay_s, self.pieces = int(port), 0.0, 0
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(64)
        self.endpoint = f"http://127.0.0.1:{self.server.getsockname()[1]}"

    def run(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.create_connection((self.host, self.port))
            threading.Thread(target=self.pass_on, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(far, near, False), daemon=True).start()

    def pass_on(self, source: socket.socket, target: socket.socket, slow: bool) -> None:
        try:
            while piece := source.recv(65536):
                self.pieces += 1
                time.sleep(self.delay_s if slow else 0)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            target.close()

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.join(timeout=10)


def test_one_signal_stops_a_run_softly_and_the_same_command_goes_on(
    cli: Cli, corpus: Path, sandbox: Sandbox
) -> None:
    relay = SlowRelay(sandbox.endpoint)
    relay.start()
    cli.use(sandbox)
    cli.config["target"]["endpoint"] = relay.endpoint + "/api"
    cli.config["target"]["tunnel_endpoint"] = relay.endpoint
    cli.choose(corpus, "parts", "plain", "types", "nested")
    relay.delay_s = 0.3
    process = cli.start("run", "-f", str(cli.file))
    while relay.pieces < 10 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.rstrip().endswith("[INTERRUPTED]") and f"mms run -f {cli.file}" in err
    relay.delay_s = 0.0
    again = cli.on_file("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "4 Match" in again.stdout
    relay.close()


@pytest.mark.parametrize("verb", ["check", "run"])
def test_two_signals_end_it_at_once(
    cli: Cli, corpus: Path, silent_server: str, verb: str
) -> None:
    cli.choose(corpus, "plain")
    cli.config["target"]["endpoint"] = silent_server
    process = cli.start(verb, "-f", str(cli.file))
    time.sleep(1)
    for _ in range(2):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130, err


def test_plan_shows_the_statements_and_writes_nothing_at_the_target(
    cli: Cli, corpus: Path, sandbox: Sandbox
) -> None:
    cli.use(sandbox)
    cli.choose(corpus, "parts", "types")
    done = cli.on_file("plan", "--ddl")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CREATE TABLE IF NOT EXISTS" in done.stdout
    assert re.search(r"ADD IF NOT EXISTS\s+PARTITION \(", done.stdout)
    assert ";;" not in done.stdout
    assert [table.name for table in sandbox.odps().list_tables()] == []
    plans = {plan["target_table"]: plan for plan in of_type(cli.on_file("plan", "--json"), "plan")}
    assert plans["parts"]["units"] == 6 and plans["parts"]["verdict"] == "Pending"
    assert {column["target"] for column in plans["parts"]["partition_columns"]}
    assert "ddl" not in plans["parts"]


def test_refused_tables_alone_are_4_and_keep_no_other_from_crossing(
    cli: Cli, corpus: Path, sandbox: Sandbox
) -> None:
    cli.use(sandbox)
    cli.choose(corpus, "plain", "unknown_feature")
    plan = cli.on_file("plan")
    assert plan.returncode == 4 and "fromTheFuture" in plan.stdout
    run = cli.on_file("run")
    assert run.returncode == 4, run.stdout + run.stderr
    assert "1 Match, 1 Refused" in run.stdout
    assert "[DELTA_FEATURE_UNSUPPORTED]" in run.stdout


def test_a_run_prints_each_table_once_and_the_report_needs_no_secrets(
    cli: Cli, corpus: Path, sandbox: Sandbox
) -> None:
    cli.use(sandbox)
    names = ["plain", "parts", "deleted", "empty"]
    cli.choose(corpus, *names)
    run = cli.on_file("run", "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    ended = {table["target_table"]: table for table in of_type(run, "table")}
    assert sorted(ended) == sorted(names) and len(of_type(run, "table")) == len(names)
    (summary,) = of_type(run, "summary")
    assert summary["verdicts"]["Match"] == len(names) and summary["exit_code"] == 0
    last = of_type(run, "progress")[-1]
    assert last["tables_done"] == len(names) and last["bytes_done"] == last["bytes_total"]

    cli.environment.pop("MMS_TEST_SECRET")
    report = cli.on_file("report", "--json")
    assert report.returncode == 0, report.stderr
    rows = {table["target_table"]: table for table in of_type(report, "report_table")}
    for name in names:
        assert rows[name]["verdict"] == "Match" and rows[name]["error"] is None
        assert rows[name]["rows_copied"] == rows[name]["rows_source"] == rows[name]["rows_target"]
        assert rows[name]["source_checksum"] == rows[name]["target_checksum"]
        known = {key: value for key, value in ended[name].items() if key != "type"}
        assert known == {key: value for key, value in rows[name].items() if key != "type"}
    text = cli.on_file("report").stdout
    assert re.search(r"^4 tables .*4 Match$", text, re.MULTILINE), text


def test_a_changed_value_at_the_target_is_7_and_named(
    cli: Cli, corpus: Path, sandbox: Sandbox
) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    cli.use(sandbox)
    cli.choose(corpus, "parts")
    assert cli.on_file("run").returncode == 0
    file = sorted((sandbox.data / "dw").rglob("*.parquet"))[0]
    table = pq.read_table(file)
    index = next(i for i, field in enumerate(table.schema) if pa.types.is_integer(field.type))
    name = table.schema.field(index).name
    changed = pc.add(table.column(index), 1).cast(table.schema.field(index).type)
    pq.write_table(table.set_column(index, table.schema.field(index), changed), file)
    done = cli.on_file("verify")
    assert done.returncode == 7, done.stdout + done.stderr
    (reason,) = [line for line in done.stdout.splitlines() if line.startswith("  partition ")]
    assert name in reason, reason
    assert cli.on_file("report").returncode == 0


def test_a_result_that_cannot_be_written_is_1(cli: Cli, corpus: Path, sandbox: Sandbox) -> None:
    cli.use(sandbox)
    cli.choose(corpus, "plain")
    assert cli.on_file("run").returncode == 0
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = cli.start("report", "-f", str(cli.file), stdout=full)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "[OUTPUT_FAILED]" in err


def test_a_reader_that_goes_away_is_no_failure(cli: Cli, corpus: Path, sandbox: Sandbox) -> None:
    cli.use(sandbox)
    cli.choose(corpus, "plain")
    assert cli.on_file("run").returncode == 0
    read, write = os.pipe()
    os.close(read)
    process = cli.start("report", "-f", str(cli.file), stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and err == ""


def run_on_terminal(cli: Cli, *arguments: str) -> tuple[int, str]:
    """Exit code and everything that a terminal of 100 columns was sent."""
    try:
        parent, child = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo terminal to be had here ({error}): mount devpts on /dev/pts")
    environment = {**cli.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    process = cli.start(
        *arguments, stdin=child, stdout=child, stderr=child, env=environment, close_fds=True
    )
    os.close(child)
    sent = b""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        ready, _, _ = select.select([parent], [], [], 0.1)
        try:
            chunk = os.read(parent, 65536) if ready else b""
        except OSError:  # EIO: the other side is closed
            break
        sent += chunk
        if not chunk and process.poll() is not None:
            break
    os.close(parent)
    return process.wait(timeout=10), sent.decode("utf-8")


def test_a_terminal_gets_lines_redrawn_in_place_and_colours_unless_refused(
    cli: Cli, corpus: Path, sandbox: Sandbox
) -> None:
    cli.use(sandbox)
    cli.choose(corpus, "plain", "parts")
    code, sent = run_on_terminal(cli, "run", "-f", str(cli.file))
    assert code == 0, sent
    assert "listing tables" in sent or "/2 tables" in sent
    assert re.search(r"\x1b\[\d+A\r", sent), "the block is drawn over itself"
    assert "\x1b[32m✓" in sent and "2 Match" in sent
    cli.environment["NO_COLOR"] = "1"
    cli.config["state"] = "state2"
    cli.config["tables"][0]["as"] = "plain2"
    cli.config["tables"][1]["as"] = "parts2"
    code, sent = run_on_terminal(cli, "run", "-f", str(cli.file))
    assert code == 0 and "✓" in sent
    assert not re.search(r"\x1b\[[\d;]*m", sent), "NO_COLOR is set"


def test_docs_know_every_error_code_and_no_other() -> None:
    docs = (REPOSITORY / "docs/errors.md").read_text("utf-8")
    told = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)`", docs))
    made: set[str] = set()
    everything = ""
    for file in sorted((REPOSITORY / "src").rglob("*.cc")):
        if file.name.endswith("_test.cc"):
            continue
        text = file.read_text("utf-8")
        everything += text
        made |= set(re.findall(r'ErrorKind::k\w+,\s*"([A-Z][A-Z0-9_]+)"', text))
    assert len(made) > 80, "the pattern finds the codes"
    assert made - told == set(), "codes that docs/errors.md does not tell"
    assert {code for code in told if code not in everything} == set(), "codes nothing makes"


SCOPE = ("--source", "s", "--schema", "t")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("job", "show", ""), "id: '' is no id"),
        (("job", "show", "9" * 20), "is no id: a number from 1 on"),
        (("job", "delete", "0x1"), "id: '0x1' is no id"),
        (("timer", "remove", "-1"), "-1"),
        (("job", "create", "j", *SCOPE, "--partition", ""), "--partition: ''"),
        (("job", "plan", *SCOPE, "--rate-mib", "0"), "'0' is not above 0"),
        (("job", "plan", *SCOPE, "--rate-mib", "-3"), "'-3' is not above 0"),
    ],
)
def test_an_id_or_a_rate_that_is_none_is_named(
    cli: Cli, arguments: tuple[str, ...], told: str
) -> None:
    done = cli.run(*arguments, "--state", str(cli.folder / "state"))
    assert done.returncode == 2 and told in done.stderr, done.stderr
    assert len(done.stderr) < 300, "no range of hundreds of digits"


def test_an_empty_path_of_a_bundle_is_named(cli: Cli) -> None:
    done = cli.run("report", "--check", "")
    assert done.returncode == 2 and "--check: is empty" in done.stderr, done.stderr
