#!/usr/bin/env bash
# The demo: a lakehouse of real Delta tables on this machine (Azurite, a Unity Catalog look-alike),
# moved by `mms` into the sandbox, a MaxCompute-compatible endpoint, and proven equal. Needs what
# `make setup` makes.
#   demo.sh run    moves everything, prints the report, ends the servers; exit 0 only if all match
#   demo.sh up     the same, but leaves the servers running and prints where they are
#   demo.sh down   ends what `up` left
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
cache=${MMS_CACHE:-$HOME/.cache/open-mms}
mms=${MMS_BIN:-$repository/build/release/mms}
python=$cache/peers-venv/bin/python
folder=${DEMO_DIR:-$repository/build/demo}
scale=${DEMO_SCALE:-0.1}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

lakehouse() {
  "$python" "$repository/tools/lakehouse/lakehouse.py" "$@" --dir "$folder/lakehouse"
}

down() {
  if [ -f "$folder/sandbox.pid" ]; then
    kill "$(cat "$folder/sandbox.pid")" 2>/dev/null || true
    rm -f "$folder/sandbox.pid"
  fi
  if [ -d "$folder/lakehouse" ]; then lakehouse down; fi
}

start_sandbox() {
  (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/sandbox.secret")
  DEMO_SECRET=$(cat "$folder/sandbox.secret") "$mms" sandbox --listen 127.0.0.1:0 \
    --data "$folder/sandbox" --project demo_dw \
    --access-key-id demo --access-key-secret env:DEMO_SECRET \
    >"$folder/sandbox.out" 2>"$folder/sandbox.log" </dev/null &
  echo $! >"$folder/sandbox.pid"
  for _ in $(seq 100); do
    grep -q '^mms sandbox ready' "$folder/sandbox.out" && return
    kill -0 "$(cat "$folder/sandbox.pid")" 2>/dev/null || break
    sleep 0.1
  done
  cat "$folder/sandbox.out" "$folder/sandbox.log" >&2
  echo "the sandbox did not start" >&2
  exit 1
}

write_configuration() {
  "$python" - "$folder" <<'PYTHON'
import json, re, sys
from pathlib import Path

folder = Path(sys.argv[1])
lake = json.loads((folder / "lakehouse/lakehouse.json").read_text("utf-8"))
endpoint = re.search(r"http://\S+", (folder / "sandbox.out").read_text("utf-8")).group()
(folder / "demo.yaml").write_text(f"""\
# What `make demo` moved. Secrets are references: the file may be shown to anyone.
source:
  workspace: {lake["workspace"]}
  catalog: {lake["catalog"]}
  token: file:{lake["token_file"]}
  storage:
    account: {lake["account"]}
    sas: file:{lake["sas_file"]}
    endpoint: {lake["endpoint"]}
target:
  project: demo_dw
  endpoint: {endpoint}/api
  access_key_id: demo
  access_key_secret: file:{folder}/sandbox.secret
tables:
  - include: tpch.*
  - include: corpus.*
    # What MaxCompute or this version cannot take: without these lines `mms plan` names the reasons.
    exclude: [corpus.bad_parts, corpus.renamed, corpus.unknown_feature, corpus.v1]
policy: {{verify: checksum, tasks: 4, workers: 2}}
state: {folder}/state
""", "utf-8")
PYTHON
}

workspace() {
  grep -o '"workspace": "[^"]*"' "$folder/lakehouse/lakehouse.json" | cut -d'"' -f4
}

where_to_look() {
  local endpoint
  endpoint=$(grep -o 'http://[^ ]*' "$folder/sandbox.out" | head -n 1)
  say "Where to look"
  cat <<TEXT
  configuration   $folder/demo.yaml      (mms plan|run|verify|report -f it)
  the copy        $folder/sandbox/       (Parquet files; any DuckDB or pyarrow opens them)
  ledger          $folder/state/
TEXT
  if [ "$1" = up ]; then
    cat <<TEXT
  workspace       $(workspace)   (token in $folder/lakehouse/token)
  MaxCompute      $endpoint/api   (project demo_dw, key demo; secret in sandbox.secret)

  With PyODPS:
    $python -c "
from odps import ODPS
secret = open('$folder/sandbox.secret').read()
o = ODPS('demo', secret, 'demo_dw', endpoint='$endpoint/api')
sql = 'SELECT l_returnflag, COUNT(*) AS n FROM lineitem GROUP BY l_returnflag'
print(o.execute_sql(sql).open_reader().raw)"

  End it all with: make demo-down
TEXT
  else
    echo "  The servers have ended; \`make demo-up\` leaves them running for a look around."
  fi
}

run() {
  local mode=$1 code=0
  down 2>/dev/null || true
  rm -rf "$folder" && mkdir -p "$folder/lakehouse"
  if [ "$mode" = run ]; then trap down EXIT; fi
  say "1. A lakehouse: TPC-H (scale $scale) and the awkward tables, as Delta on a blob service"
  lakehouse up --scale "$scale"
  say "2. The target: mms sandbox"
  start_sandbox
  cat "$folder/sandbox.out"
  write_configuration
  say "3. mms check"
  "$mms" check -f "$folder/demo.yaml"
  say "4. mms run: plan, make tables, copy, commit, verify"
  "$mms" run -f "$folder/demo.yaml" || code=$?
  say "5. mms report"
  "$mms" report -f "$folder/demo.yaml" || code=$?
  where_to_look "$mode"
  if [ "$code" -eq 0 ]; then
    say "Every table matches."
  else
    say "Not every table matches (exit $code)."
  fi
  return "$code"
}

case ${1:-run} in
  run | up) run "$1" ;;
  down) down ;;
  *)
    sed -n '2,7p' "$0" >&2
    exit 2
    ;;
esac
