# Azurite, the object store of the demo and the peer tests. The lock file keeps every package's hash
# and no registry's address. To renew it: npm install --package-lock-only with
# omit-lockfile-registry-resolved, then drop the "funding" entries (they hold addresses too).
title='Azurite 3.35.0'
remedy='check that npm can reach its registry'
pins=(tools/setup/azurite/package.json tools/setup/azurite/package-lock.json)

there() { stamped && [ -e "$MMS_CACHE/azurite-3.35.0/node_modules/azurite/package.json" ]; }

install() {
  mkdir azurite
  cp "$repo"/tools/setup/azurite/package*.json azurite/
  (cd azurite && npm ci --ignore-scripts --omit=dev --no-audit --no-fund)
  replace "$work/azurite" "$MMS_CACHE/azurite-3.35.0"
}
