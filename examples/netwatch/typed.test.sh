#!/usr/bin/env bash
# typed.test.sh NETWATCH ROOT: watches a copy of ROOT that changes meanwhile.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../converse.sh"

root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
cp -r "$2/." "$root"
counters="$root/proc/net/dev"

# change SED-SCRIPT: edits the counters; nobody sees half of it.
change() {
  sed "$1" "$counters" >"$root/new"
  mv "$root/new" "$counters"
}

start "$1" --root "$root"
hear '5 of 5 interfaces'

say "filter eth"
hear 'filter: "eth"'
hear '2 of 5 interfaces'

say "pull eth0"
hear 'eth0 pulled'
hear '1 of 4 interfaces'
say "pull eth0"
hear 'there is no eth0 to pull'

change 's/eth0.100: 5120/eth0.100: 5130/'
hear 'eth0.100 .* [1-9][0-9]* B .*'
change 's/eth0.100: .*/eth0.100: -1 x/'
hear 'eth0.100 +rx bytes: no number: "-1"'
change '/eth0.100/d'
hear '0 of 3 interfaces'

say "plug eth0"
hear 'eth0 plugged'
hear 'eth0 +up +52:54:00:12:34:56'
say "hello"
hear 'what can be typed'
say "quit"
finish
