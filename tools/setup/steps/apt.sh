# Debian packages of ../apt.txt for this tier, and a Rust tool chain of at least 1.88
# (delta_kernel's minimum): the cargo on PATH if it is new enough, else Debian's from the security
# suite.
title='Debian packages'
remedy='see the last lines above; the list is tools/setup/apt.txt'

cargo_is_new() {
  local have
  have=$(cargo --version 2>/dev/null | cut -d ' ' -f 2) && newer_than 1.88 "${have:-0}"
}

# wanted: "package oldest-version" lines for this tier
wanted() {
  local tiers=build
  case $MMS_TIER in
    demo) tiers='build|demo' ;;
    test) tiers='build|demo|test' ;;
    check) tiers='check' ;;
  esac
  awk -v tiers="^($tiers)\$" '$1 ~ tiers { print $2, $3 }' "$setup/apt.txt"
  if [ "$MMS_TIER" != check ] && ! cargo_is_new; then
    printf '%s 1.88\n' rustc-web cargo-web
  fi
}

missing() {
  local package oldest have installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n')
  wanted | while read -r package oldest; do
    have=$(awk -v name="$package" '$1 == "installed" && $2 == name { print $3 }' <<<"$installed")
    if [ "$oldest" = - ]; then oldest=0; fi
    if [ -z "$have" ] || dpkg --compare-versions "$have" lt "$oldest"; then echo "$package"; fi
  done
}

there() { [ -z "$(missing)" ]; }

install() {
  local packages as_root=()
  if ! command -v apt-get dpkg-query; then
    echo 'Set-up knows Debian 12 only: elsewhere use a container or chroot of it.'
    return 1
  fi
  mapfile -t packages < <(missing)
  echo "missing: ${packages[*]}"
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true; then
      echo "These packages need root. Run: sudo apt-get install ${packages[*]}"
      return 1
    fi
    as_root=(sudo -n)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get -q update
  "${as_root[@]}" apt-get -q -y --no-install-recommends install "${packages[@]}"
  hash -r
  if [ -n "$(missing)" ]; then
    echo "Still missing or too old: $(missing | tr '\n' ' ')"
    echo 'cargo-web 1.96 is in the security suite of Debian 12: is it among your apt sources?'
    return 1
  fi
}
