#!/bin/sh
# copy_table.sh MMS WORK TABLE: the timed command. Writes the migration file of one table with a
# state folder of its own, then runs `mms run`. A shell: no interpreter starts within the time.
# WORK holds the file `sas`; YARDSTICK_SECRET is the access key's secret.
set -eu
run=$(mktemp -d "$2/$3.XXXXXX")
cat >"$run/mms.yaml" <<END
source:
  storage: {account: bench, sas: "file:$2/sas", endpoint: "${BENCH_FRONT:?}"}
target:
  project: bench
  endpoint: "${BENCH_SINK:?}"
  access_key_id: bench
  access_key_secret: env:YARDSTICK_SECRET
  codec: raw
tables: [{location: "az://lake/$3", as: $3}]
policy: {${BENCH_POLICY:?}}
state: "$run/state"
END
# A run that hangs is no good run.
exec timeout --kill-after=5 "${BENCH_LIMIT_S:-300}" "$1" run -f "$run/mms.yaml"
