#!/bin/sh
# Builds the NEON and the scalar kernels for 64-bit ARM and compares their bits under qemu.
#
#   tools/check_neon.sh [folder for the build, default build/neon_check]
#
# Leaves with 77 (a skipped test) when the cross compiler or qemu is absent. CXX_AARCH64 and QEMU_AARCH64 name others.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/build/neon_check}
compiler=${CXX_AARCH64:-aarch64-linux-gnu-g++}
qemu=${QEMU_AARCH64:-qemu-aarch64}

for tool in "$compiler" "$qemu"; do
  if ! command -v "$tool" >/dev/null 2>&1; then
    echo "skipped: $tool is not installed (packages g++-aarch64-linux-gnu and qemu-user)"
    exit 77
  fi
done

mkdir -p "$out"
kernels=$root/src/kernels
"$compiler" -std=c++23 -O2 -ffp-contract=off -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror -static \
  -I"$root/src" "$kernels/neon_check.cpp" "$kernels/distance.cpp" "$kernels/distance_scalar.cpp" \
  "$kernels/distance_neon.cpp" -o "$out/neon_check"
exec "$qemu" "$out/neon_check"
