# Sourced by tests that talk to a program: they wait for what it says, never for
# a time. Whoever runs them has a time limit.
# shellcheck shell=bash

# start PROGRAM [ARGUMENT...]
start() {
  coproc talk { exec "$@" 2>&1; }
  # Bash forgets these when the program has ended; they are kept here.
  pid="$talk_PID"
  exec {heard}<&"${talk[0]}" {said}>&"${talk[1]}"
  eval "exec ${talk[0]}<&- ${talk[1]}>&-"
}

# say TEXT: types a line.
say() {
  printf '> %s\n' "$*"
  printf '%s\n' "$*" >&"$said"
}

# hear REGEX: waits for a line that matches.
hear() {
  local line
  while IFS= read -r line <&"$heard"; do
    printf '  %s\n' "$line"
    [[ ! "$line" =~ $1 ]] || return 0
  done
  printf 'the program ended, and did not say %s\n' "$1"
  exit 1
}

# finish: no more input; shows the rest, and returns the program's exit code.
finish() {
  exec {said}>&-
  sed 's/^/  /' <&"$heard"
  wait "$pid"
}
