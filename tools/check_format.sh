#!/usr/bin/env bash
# Fails on C++ that clang-format would write otherwise. `tools/check_format.sh --fix` lets it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v clang-format-19 >/dev/null; then
  echo "clang-format-19 is missing: install the package clang-format-19 (tools/setup.sh test does)" >&2
  exit 1
fi
# Files not yet added count too; those deleted but not yet committed do not.
if ! listed=$(git -c safe.directory="*" ls-files --cached --others --exclude-standard -- '*.h' '*.cpp'); then
  echo "the files to look at are those that git knows: this must be a git checkout" >&2
  exit 1
fi
files=()
while IFS= read -r file; do
  if [ -f "$file" ]; then files+=("$file"); fi
done <<<"$listed"
if [ ${#files[@]} -eq 0 ]; then
  echo "there is no C++ to look at in $PWD" >&2
  exit 1
fi
if [ "${1:-}" = --fix ]; then
  exec clang-format-19 -i "${files[@]}"
fi

if ! found=$(clang-format-19 --dry-run -Werror "${files[@]}" 2>&1); then
  lines=$(sed -n 's/: error: code should be clang-formatted.*//p' <<<"$found")
  if [ -z "$lines" ]; then
    printf '%s\n' "$found"
  else
    echo "lines to be formatted, by file (tools/check_format.sh --fix does it):"
    cut -d: -f1 <<<"$lines" | sort | uniq -c
  fi
  exit 1
fi
echo "${#files[@]} files of C++ are formatted"
