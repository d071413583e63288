#!/usr/bin/env bash
# Runs a command in a clone of this checkout on a bare Debian: what a newcomer meets who has nothing but git.
#   tools/bare_debian.sh [--suite NAME] DIR [COMMAND...]      (default: bookworm, ./run --once; root)
# DIR is made by debootstrap and kept; `tools/bare_debian.sh --again DIR COMMAND...` runs a further command there. Only what is
# committed is cloned. Mounts live in a namespace of their own and end with the command, so DIR can be deleted at any time.
# The host lends its package mirror, name resolution, pip settings and local certificate authorities, nothing else.
set -euo pipefail

readonly kCheckout=/sextant

die() {
  printf 'bare_debian: %s\n' "$*" >&2
  exit 1
}

suite=bookworm
again=false
while [[ ${1:-} == --* ]]; do
  case $1 in
    --suite)
      suite=${2:?--suite wants a name}
      shift
      ;;
    --again) again=true ;;
    *) die "unknown option '$1'" ;;
  esac
  shift
done
root=${1:?which directory? tools/bare_debian.sh DIR [COMMAND...]}
shift
[ $# -gt 0 ] || set -- ./run --once
[ "$(id -u)" -eq 0 ] || die "must be root"
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The first mirror that this host's own apt uses.
host_mirror() {
  # shellcheck disable=SC2016  # apt expands it
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1
}

# The host's sources, of the wanted suite.
copy_apt_settings() {
  local host_suite file
  host_suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ] && grep -q "$mirror" "$file"; then
      rm -f "$root/etc/apt/sources.list"
      mkdir -p "$root/$(dirname "$file")"
      sed "s/\b$host_suite\b/$suite/g" "$file" >"$root$file"
    fi
  done
  apt-config dump | grep -E '^Acquire::https?::[Pp]roxy' >"$root/etc/apt/apt.conf.d/90host" || true
}

make_root() {
  local mirror certificate
  command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
  [ ! -e "$root" ] || die "$root exists; delete it, or run a further command there with --again"
  mirror=$(host_mirror)
  mirror=${mirror%/}
  debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -n 5 "$root.log" >&2
    die "debootstrap failed; its log is $root.log"
  }
  copy_apt_settings
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  for certificate in /usr/local/share/ca-certificates/*.crt; do
    if [ -f "$certificate" ]; then cp "$certificate" "$root/usr/local/share/ca-certificates/"; fi
  done
  chroot "$root" update-ca-certificates >/dev/null 2>&1
  if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/"; fi
  git clone --quiet --no-hardlinks "$repository" "$root$kCheckout"
  [ -z "$(git -C "$repository" status --porcelain)" ] || echo "bare_debian: what is not committed is not in the clone" >&2
}

if $again; then
  [ -d "$root$kCheckout" ] || die "$root was not made by this program"
else
  make_root
fi

environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "TERM=${TERM:-dumb}")
while IFS= read -r setting; do
  environment+=("$setting")
done < <(env | grep -E '^(PIP_|https?_proxy=|no_proxy=|HTTPS?_PROXY=|NO_PROXY=)' | grep -v '^PIP_FIND_LINKS=' || true)

# shellcheck disable=SC2016  # expanded by the inner shell
exec unshare --mount --pid --fork --kill-child bash -c '
  set -e
  root=$1
  checkout=$2
  shift 2
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mkdir -p "$root/dev/shm"
  mount -t tmpfs tmpfs "$root/dev/shm"
  exec env -i "${@:2:$1}" chroot "$root" bash -c "cd $checkout && exec \"\$@\"" bash "${@:$1 + 2}"
' bash "$root" "$kCheckout" "${#environment[@]}" "${environment[@]}" "$@"
