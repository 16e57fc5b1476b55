# The Python world the tests and the demo judge us by: PyODPS, databricks-sdk, delta-rs, pytest,
# pinned.
title='Python peers'
remedy='check that pip can reach a package index'
pins=(tools/lakehouse/requirements.txt)

there() { stamped && [ -x "$MMS_CACHE/peers-venv/bin/pytest" ]; }

install() {
  if [ ! -x "$MMS_CACHE/peers-venv/bin/python" ]; then "$python" -m venv "$MMS_CACHE/peers-venv"; fi
  "$MMS_CACHE/peers-venv/bin/python" -m pip install -q --disable-pip-version-check \
    -r "$repo/tools/lakehouse/requirements.txt"
}
