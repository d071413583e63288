#!/usr/bin/env python3
"""Fails on an upward include or link line under src/.

The order of the folders is that of the add_subdirectory(src/...) lines of the top CMakeLists.txt: a folder may include
and link itself and what stands above it there. Some libraries are confined to one folder, so that they can be exchanged
in one place.

Usage: check_layers.py [ROOT]
"""

import re
import sys
from pathlib import Path

# Folders that must not meet although the order would allow it: an index sees bytes and views, never the disk.
FORBIDDEN = {("index", "storage")}

# Header prefix -> the only folder that may include it.
CONFINED = {
    "rocksdb/": "storage",
    "boost/beast": "server",
    "simdjson": "base",
    "curl/": "providers",
    "dnnl": "providers",
    "oneapi/dnnl": "providers",
}

SOURCES = {".h", ".hpp", ".inc", ".cpp", ".cc"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
ADD_FOLDER = re.compile(r"^[ \t]*add_subdirectory\([ \t]*src/(\w+)", re.MULTILINE)
LINK_COMMAND = re.compile(r"\b(?:sextant_library|sextant_tests|target_link_libraries)\s*\(([^)]*)\)")


def folder_order(root: Path) -> list[str]:
    """The folders of src/, lowest first."""
    return ADD_FOLDER.findall((root / "CMakeLists.txt").read_text())


class Checker:
    """Collects what is wrong in one tree as "path:line: why" lines."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.order = folder_order(root)
        self.rank = {folder: rank for rank, folder in enumerate(self.order)}
        self.findings: list[str] = []

    def run(self) -> list[str]:
        if not self.order:
            return ["CMakeLists.txt: no add_subdirectory(src/...) line, so there is no order to check"]
        for path in sorted((self.root / "src").rglob("*")):
            parts = path.relative_to(self.root / "src").parts
            if len(parts) == 1:
                if path.is_dir() and path.name not in self.rank:
                    self.findings.append(f"src/{path.name}: the top CMakeLists.txt gives this folder no place")
                continue
            if parts[0] not in self.rank or not path.is_file():
                continue
            if path.name == "CMakeLists.txt":
                self.check_links(path, parts[0])
            elif path.suffix in SOURCES:
                self.check_includes(path, parts[0])
        return self.findings

    def report(self, path: Path, text: str, offset: int, why: str) -> None:
        line = text.count("\n", 0, offset) + 1
        self.findings.append(f"{path.relative_to(self.root)}:{line}: {why}")

    def why_not(self, user: str, used: str) -> str | None:
        """Why folder `user` may not depend on folder `used`; None when it may."""
        if (user, used) in FORBIDDEN:
            return f"{user} never depends on {used}"
        if self.rank[used] > self.rank[user]:
            return f"upward: {used} stands above {user}"
        return None

    def check_includes(self, path: Path, folder: str) -> None:
        text = path.read_text()
        for match in INCLUDE.finditer(text):
            quote, header = match.groups()
            for prefix, owner in CONFINED.items():
                if header.startswith(prefix) and folder != owner:
                    self.report(path, text, match.start(), f'"{header}" belongs to {owner} alone')
            used = header.split("/")[0]
            if used in self.rank and "/" in header:
                why = self.why_not(folder, used)
                if why:
                    self.report(path, text, match.start(), f'includes "{header}"; {why}')
            elif quote == '"':
                self.report(path, text, match.start(), f'"{header}" does not begin with a folder of src/')

    def check_links(self, path: Path, folder: str) -> None:
        text = re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), path.read_text())
        for match in LINK_COMMAND.finditer(text):
            for token in re.finditer(r"[\w:.]+", match[1]):
                used = token[0]
                why = self.why_not(folder, used) if used in self.rank else None
                if why:
                    self.report(path, text, match.start(1) + token.start(), f"links {used}; {why}")


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    checker = Checker(root)
    findings = checker.run()
    for finding in findings:
        print(finding)
    if not findings:
        print("layers hold: " + " < ".join(checker.order))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
