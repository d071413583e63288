#!/usr/bin/env python3
"""Holds the tree to the house rules that no compiler checks: short files, no unfinished work, no traces of one machine.

Usage: check_house.py [ROOT]   (a git checkout; files not yet added count too, ignored ones do not)
"""

import re
import statistics
import subprocess
import sys
from pathlib import Path

MAX_LINES = 650
MAX_MEDIAN_LINES = 180
CODE = {".h", ".cpp", ".py", ".sh", ".cmake", ".proto"}
TEXT = CODE | {".md", ".txt", ".json", ".toml", ""}

# What must not occur, and why. The patterns are taken apart so that this file does not find itself.
FORBIDDEN = [
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b"), "unfinished work belongs into an issue, not into the tree"),
    (re.compile(r"\bfor" r" now\b|\bst" r"ub(?:bed|s)?\b|\bplace" r"holders?\b", re.IGNORECASE), "finish it or leave it out"),
    # gtest's way to keep a test for a process of its own: the suite is named ...Child and another test starts it.
    (re.compile(r"(?<!Child, )\bDIS" r"ABLED_\w"), "a test that does not run protects nothing"),
    (re.compile(r"(?<![\w.~}$-])/(?:wo" r"rk|ho" r"me|ro" r"ot|Us" r"ers|m" r"nt)/\w"), "a path of one machine"),
]


def tracked_files(root: Path) -> list[Path]:
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False,
    )
    if listing.returncode != 0:
        sys.exit(f"the files to look at are those that git knows: {listing.stderr.strip()}")
    return [root / name for name in sorted(filter(None, listing.stdout.split("\0"))) if (root / name).is_file()]


def check_file(path: Path, name: str, findings: list[str]) -> int | None:
    """Appends what is wrong in one file; gives its length in lines when it counts as code."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None  # golden files and the like
    for pattern, why in FORBIDDEN:
        for match in pattern.finditer(text):
            findings.append(f'{name}:{text.count(chr(10), 0, match.start()) + 1}: "{match[0]}": {why}')
    if path.suffix not in CODE:
        return None
    lines = text.count("\n")
    if lines > MAX_LINES:
        findings.append(f"{name}: {lines} lines, more than {MAX_LINES}: split it by subject")
    return lines


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    findings: list[str] = []
    lengths = []
    for path in tracked_files(root):
        if path.suffix not in TEXT:
            continue
        lines = check_file(path, str(path.relative_to(root)), findings)
        if lines is not None:
            lengths.append(lines)
    median = statistics.median(lengths) if lengths else 0
    if median > MAX_MEDIAN_LINES:
        findings.append(f"the median file has {median:.0f} lines, more than {MAX_MEDIAN_LINES}: split by subject")
    for finding in findings:
        print(finding)
    print(f"{len(lengths)} files of code, median {median:.0f} lines, longest {max(lengths, default=0)}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
