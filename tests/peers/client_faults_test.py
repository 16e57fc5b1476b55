"""Every call of our MaxCompute client, each struck by every fault, against the sandbox.

The client side is a program of its own (client_faults.cc), so that it can walk the table of calls
in src/clients/maxcompute/calls.h; it stands beside the binary under test.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sandbox_fixtures import (  # noqa: F401
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    PROJECT,
    Sandbox,
    sandbox,
)


def test_no_fault_of_any_call_loses_or_doubles_a_row(sandbox: Sandbox) -> None:
    program = Path(os.environ["MMS_BIN"]).parent / "client_faults"
    done = subprocess.run(
        [program, sandbox.url + "/api", PROJECT, ACCESS_KEY_ID],
        env=dict(os.environ, CLIENT_FAULTS_SECRET=ACCESS_KEY_SECRET),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout
