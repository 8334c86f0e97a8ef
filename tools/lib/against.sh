# Sourced by tools/bench: this tree held against another revision of it.
# shellcheck shell=bash

against="$root/build/bench-against"

# The repository may belong to another user than the one that runs this.
git_here() {
  git -c safe.directory="$root" -C "$root" "$@"
}

# commit_of REV: prints it, or ends the tool.
commit_of() {
  local below
  # A repository that this tree only lies in is not its own.
  below="$(git_here rev-parse --show-prefix 2>/dev/null)" || below=none
  [[ -z "$below" ]] \
    || die "$root is no git repository: there is no revision to hold it against"
  git_here rev-parse --verify --quiet --end-of-options "$1^{commit}" \
    || die "no such revision: $1"
}

# settings_of BUILD_DIRECTORY: its compiler and its CAF, as options for another.
settings_of() {
  sed -nE \
    's/^((CAF_ROOT|CMAKE_CXX_COMPILER|CMAKE_CXX_FLAGS):[A-Z]+=.+)$/-D\1/p' \
    "$1/CMakeCache.txt"
}

# unpack COMMIT STAMP: makes $against/tree the files of a commit. Nothing is
# written to the repository, hence nothing is left there if this ends early. The
# files are as old as the commit: what was built from it is built only once.
unpack() {
  local commit="$1" stamp="$2"
  if [[ "$(cat "$against/stamp" 2>/dev/null)" == "$stamp" ]]; then
    return
  fi
  stage "unpack $commit in build/bench-against"
  rm -rf "$against/tree" "$against/stamp"
  mkdir -p "$against/tree"
  git_here archive "$commit" | tar -x -C "$against/tree"
  printf '%s\n' "$stamp" >"$against/stamp"
}

# build_both REV COMMIT
build_both() {
  local settings
  configure_bench && build bench cafreg_registry_bench cafreg_bench_compare \
    || die "the benchmarks of this tree cannot be built"
  mapfile -t settings < <(settings_of "$root/build/bench")
  unpack "$2" "$2 ${settings[*]}"
  stage "the same in build/bench-against/tree, for $1"
  local root="$against/tree"
  configure_bench "${settings[@]}" && build bench cafreg_registry_bench \
    || die "the benchmarks of $1 cannot be built"
}

# run_round SIDE TREE: uses what hold_against knows.
run_round() {
  local side="$1" tree="$2" status=0
  local result="$against/rounds/$round-$side"
  stage "round $round of $rounds: $side"
  "$tree/build/bench/bench/cafreg_registry_bench" \
    "--benchmark_filter=$filter" --benchmark_repetitions=1 \
    --benchmark_min_time=0.1 \
    "--benchmark_out=$result.json" --benchmark_out_format=json \
    >"$result.log" 2>&1 || status=$?
  if grep -qx 'no benchmark has such a name' "$result.log"; then
    echo '{"benchmarks": []}' >"$result.json"
  elif [[ $status -gt 1 || ! -s "$result.json" ]]; then
    tail -n 5 "$result.log" >&2
    die "the $side benchmarks ended early, with status $status: $result.log"
  fi # Of a benchmark that failed the file says so.
  files+=("$result.json")
}

# hold_against REV FILTER ROUNDS: builds both, runs both in turn, and ends with
# what the comparison says.
hold_against() {
  local rev="$1" filter="$2" rounds="$3" commit round files=()
  need "${packages_git[@]}"
  commit="$(commit_of "$rev")"
  git_here cat-file -e "$commit:bench/CMakeLists.txt" 2>/dev/null \
    || die "$rev has no benchmarks"
  # The programs that are run may catch the signal and end as if all were well.
  trap 'exit 130' INT
  # 1 says that something is slower.
  set -E
  trap 'exit 2' ERR

  say "tools/bench: build the benchmarks of $rev and of this tree (release) and" \
    "run them in turn"
  mkdir -p "$against"
  exec 9>"$against/lock"
  flock -n 9 || die "another comparison runs in $against"
  need_bench
  build_both "$rev" "$commit"
  rm -rf "$against/rounds"
  mkdir "$against/rounds"
  for ((round = 1; round <= rounds; ++round)); do
    run_round old "$against/tree"
    run_round new "$root"
  done

  stage "compare $rounds rounds"
  say "old: $(git_here show -s --format='%h %s' "$commit")"
  if git_here diff --quiet HEAD --; then
    say "new: $(git_here show -s --format='%h %s' HEAD)"
  else
    say "new: this tree, with what is not committed"
  fi
  say ""
  trap - ERR
  "$root/build/bench/bench/cafreg_bench_compare" "${files[@]}"
}
