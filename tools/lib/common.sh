# Sourced by the tools: messages, progress, Debian packages.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
jobs="${CAFREG_JOBS:-$(nproc)}"

# What each purpose needs. g++ brings the C library's headers.
packages_build=(cmake make g++)
packages_caf=(libcaf-dev)
packages_json=(nlohmann-json3-dev)
packages_fmt=(libfmt-dev)
packages_test=(catch2)
packages_bench=(libbenchmark-dev libboost1.81-dev)
packages_clang=(clang-14)
packages_sanitize=(libclang-rt-14-dev)
packages_libcxx=(libc++-14-dev libc++abi-14-dev)
packages_aarch64=(g++-aarch64-linux-gnu qemu-user)
packages_format=(clang-format-14)
packages_tidy=(clang-tidy-14)
packages_docs=(doxygen)
packages_git=(git)

say() {
  printf '%s\n' "$*"
}

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# stage TEXT: announces a step, with the time since the tool was started.
stage() {
  printf '== [%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"
}

# need PACKAGE...: installs the Debian packages that are missing.
need() {
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system; this takes what these packages hold: $*"
    return
  fi
  local package missing=()
  for package in "$@"; do
    if [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" \
      != installed ]]; then
      missing+=("$package")
    fi
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0

  local as_root=()
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null \
      || die "missing packages, and neither root nor sudo to install them; as" \
        "root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  stage "install ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# configure PRESET PURPOSE [cmake options]: sets up build/PURPOSE.
configure() {
  local preset="$1" purpose="$2"
  shift 2
  stage "configure build/$purpose ($preset)"
  (cd "$root" && cmake --preset "$preset" -B "build/$purpose" "$@")
}

# build PURPOSE [target...]
build() {
  local purpose="$1" targets=()
  shift
  [[ $# -eq 0 ]] || targets=(--target "$@")
  stage "build build/$purpose${*:+: $*}"
  cmake --build "$root/build/$purpose" -j "$jobs" "${targets[@]}"
}

# What ctest is started with; see fix_addresses.
launcher=()

# run_ctest PURPOSE [ctest options]: as many tests at once as compilers, but for
# those that must run alone; the closing lines of ctest are the last ones.
run_ctest() {
  local purpose="$1"
  shift
  stage "test build/$purpose"
  "${launcher[@]}" ctest --test-dir "$root/build/$purpose" --output-on-failure \
    --no-tests=error --no-label-summary -j "$jobs" "$@"
}

# fix_addresses: run_ctest starts tests without address randomisation, since the
# sanitizers of this generation cannot cope with that of newer kernels.
# Where it cannot be switched off (some containers), tests run as they are.
fix_addresses() {
  local without=(setarch "$(uname -m)" -R)
  if "${without[@]}" true 2>/dev/null; then
    launcher=("${without[@]}")
  fi
}
