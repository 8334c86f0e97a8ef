#!/usr/bin/env bash
# new_rules.test.sh SWITCHBOARD: changes the rules while calls are connected.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../converse.sh"

dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT
rules="$dir/rules.csv"

# write LINE...: new rules; nobody sees half of them.
write() {
  printf '%s\n' "$@" >"$dir/new"
  mv "$dir/new" "$rules"
}

# call_until CALLER CALLEE OUTCOME: a worker gets new rules soon, not at once.
call_until() {
  outcome=none
  until [[ "$outcome" == "$3" ]]; do
    say "$1,$2"
    hear "^\\$1 -> \\$2: (allowed|rejected)"
    outcome="${BASH_REMATCH[1]}"
  done
}

write "+4930000001,+4940000007"
start "$1" --show --rules "$rules"
hear "rules of 1 numbers: 1 new, 0 changed, 0 removed"
call_until +4940000007 +4930000001 rejected
call_until +4940000008 +4930000001 allowed
call_until +4940000008 +4930000002 allowed

write "# new" "+4930000001,+4940000009" "" "+4930000002,+49*" nonsense "+49,+4940"
hear "rules.csv:5: not two fields: nonsense"
hear "rules.csv:6: the callee is no number: \\+49,\\+4940"
hear "rules of 2 numbers: 1 new, 1 changed, 0 removed"
call_until +4940000007 +4930000001 allowed
call_until +4940000008 +4930000002 rejected

rm "$rules"
hear "cannot read .*rules.csv"
call_until +4940000008 +4930000002 rejected
write
hear "rules of 0 numbers: 0 new, 0 changed, 2 removed"
call_until +4940000008 +4930000002 allowed
say "nonsense"
hear "standard input:[0-9]+: not two fields: nonsense"
finish >"$dir/end"
cat "$dir/end"
grep -Eq "[0-9]+ allowed, [0-9]+ rejected, 1 malformed lines skipped" "$dir/end"
