"""A shallow clone names files of another table by absolute path, deletion vectors too: in another
container, or in another account.

The clone is the corpus's (tests/corpus/README.md, schema `kinds`), as Spark wrote it, but for its
last commit: before it the other table's vectors count.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import azure_peer
import azurite
import pytest
from azure_peer import (  # noqa: F401
    Certificates,
    SignIn,
    certificates,
    sign_in,
    use_principal,
    use_sas,
)
from conftest import Sandbox
from local_run import LocalRun

KINDS = Path(__file__).resolve().parents[1] / "corpus/kinds.tar.gz"
OF_THE_OTHER = {i for i in range(150) if i % 10 != 3}
ALL = OF_THE_OTHER | set(range(200, 220))


@pytest.fixture(scope="module")
def storage(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[azurite.Azurite]:
    folder = tmp_path_factory.mktemp("clone")
    with tarfile.open(KINDS) as archive:
        archive.extractall(folder / "kinds")
    storage = azure_peer.start_storage(folder, certificates)
    try:
        fill(storage, folder / "kinds/kinds", certificates.ca)
        yield storage
    finally:
        azure_peer.stop_storage(storage)


def fill(storage: azurite.Azurite, kinds: Path, ca: Path) -> None:
    """`clone_source` in another container of the account, and in one of the other account; a clone
    of each in the container of the tests."""
    (kinds / "clone/_delta_log" / f"{2:020}.json").unlink()
    lake = storage.container(azure_peer.CONTAINER, str(ca))
    text = {log.name: log.read_text("utf-8") for log in kinds.glob("clone/_delta_log/*.json")}
    for account in (azurite.ACCOUNT, azurite.OTHER_ACCOUNT):
        other = storage.container("other", str(ca), account)
        azurite.upload(other, [(kinds / "clone_source", "below here/clone_source")])
        root = f"abfss://other@{account}.dfs.core.windows.net/below%20here"
        for name, content in text.items():
            log = kinds / "clone/_delta_log" / name
            log.write_text(content.replace("@ROOT@", root), "utf-8")
        azurite.upload(lake, [(kinds / "clone", f"clone_of_{account}")])


@pytest.fixture
def local(mms_bin: str, sandbox: Sandbox, tmp_path: Path) -> LocalRun:
    return LocalRun(mms_bin, sandbox, tmp_path)


def choose(local: LocalRun, account: str) -> None:
    location = f"az://{azure_peer.CONTAINER}/clone_of_{account}"
    local.config["tables"] = [{"location": location, "as": "clone"}]


def arrived(local: LocalRun) -> set[int]:
    with local.sandbox.odps().get_table("clone").open_reader() as reader:
        rows = [row["id"] for row in reader]
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.parametrize("account", [azurite.ACCOUNT, azurite.OTHER_ACCOUNT])
def test_a_service_principal_reads_what_lies_in_any_account(
    local: LocalRun,
    storage: azurite.Azurite,
    certificates: Certificates,
    sign_in: SignIn,
    account: str,
) -> None:
    use_principal(local, storage, certificates.ca, sign_in)
    choose(local, account)
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert arrived(local) == ALL
    assert local.report()["clone"]["verdict"] == "Match"


def test_a_sas_reads_another_container_of_its_account(
    local: LocalRun, storage: azurite.Azurite, certificates: Certificates
) -> None:
    use_sas(local, storage, 3600, ca_file=str(certificates.ca))
    choose(local, azurite.ACCOUNT)
    run = local.run()
    assert run.code == 0, run.out + run.err
    assert arrived(local) == ALL


def test_a_sas_ends_at_its_account_and_says_who_reads_further(
    local: LocalRun, storage: azurite.Azurite, certificates: Certificates
) -> None:
    use_sas(local, storage, 3600, ca_file=str(certificates.ca))
    choose(local, azurite.OTHER_ACCOUNT)
    run = local.run()
    assert run.code != 0
    assert "STORAGE_OTHER_ACCOUNT" in run.out
    assert "read by a service principal" in run.out
    assert "abfss://other@otherstore.dfs.core.windows.net/" in run.out
