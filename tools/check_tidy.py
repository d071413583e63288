#!/usr/bin/env python3
"""Runs clang-tidy over every .cpp under src/ that the build compiles, and clang's thread-safety analysis with it.

Most of clang-tidy's time goes into the headers of libraries, so files with the same compile command are looked at in
batches: one source that includes them all. Files that cannot share one (two helpers of one name) are moved to another.
A file that was clean is not looked at again until it, a header of ours that it includes, its compile command, the rules
or clang-tidy itself change; what was clean is remembered under BUILD/tidy-cache. Exit status 0: all clean.

Usage: check_tidy.py [--build BUILD] [--jobs N] [FILE...]   (default: build/release, every processor, every file)
"""

import argparse
import concurrent.futures
import hashlib
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"
CLANG = "clang++-19"
MAX_BATCH = 16
# On top of .clang-tidy: the thread-safety analysis; a batch is a source that includes sources, and may.
CHECKS = "clang-diagnostic-thread-safety*,-bugprone-suspicious-include"
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
ERROR = re.compile(r"^(/[^:\n]+):\d+:\d+: (?:fatal )?error:", re.MULTILINE)

# Warnings are the compiler's own business, except clang's thread-safety analysis, which g++ cannot do. Older Boost
# does not recognise clang's coroutines by itself.
EXTRA = ["-Wno-everything", "-Wthread-safety", "-DBOOST_ASIO_HAS_CO_AWAIT", "-DBOOST_ASIO_HAS_STD_COROUTINE"]
GCC_ONLY = {"-fcoroutines", "-fconcepts", "-fno-canonical-system-headers", "-fanalyzer", "-fpch-preprocess"}


def clang_arguments(entry: dict[str, Any]) -> tuple[str, ...]:
    """The arguments of a compile command as clang understands them: no source, output, warnings, precompiled header."""
    words = entry.get("arguments") or shlex.split(entry["command"])
    compiler = next(i for i, word in enumerate(words) if re.search(r"\+\+(-[0-9.]+)?$", word))
    words = words[compiler:]  # without what starts it
    kept = []
    skip = True  # the compiler itself
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        if skip:
            skip = False
        elif word == "-o" or (word == "-include" and following.endswith("/cmake_pch.hxx")):
            skip = True
        elif word not in GCC_ONLY and word not in ("-c", entry["file"]) and not word.startswith("-W"):
            kept.append(word)
    return (*kept, *EXTRA)


class Includes:
    """The files of ours that a source includes, directly or not. Thread rule: one thread."""

    def __init__(self) -> None:
        self.direct: dict[Path, list[str]] = {}
        self.digests: dict[Path, bytes] = {}

    def closure(self, source: Path, folders: list[Path]) -> list[Path]:
        seen = {source}
        waiting = [source]
        while waiting:
            file = waiting.pop()
            if file not in self.direct:
                text = file.read_bytes()
                self.direct[file] = [name.decode() for name in INCLUDE.findall(text)]
                self.digests[file] = hashlib.sha256(text).digest()
            for name in self.direct[file]:
                found = next((folder / name for folder in folders if (folder / name).is_file()), None)
                if found and found not in seen:
                    seen.add(found)
                    waiting.append(found)
        return sorted(seen)


def key_of(source: Path, arguments: tuple[str, ...], rules: bytes, includes: Includes) -> str:
    folders = [Path(word[2:]) for word in arguments if word.startswith("-I")]
    digest = hashlib.sha256(rules + "\0".join(arguments).encode())
    for file in includes.closure(source, folders):
        digest.update(str(file).encode() + includes.digests[file])
    return digest.hexdigest()


class Batch:
    """Files of one compile command, and what clang-tidy says about them."""

    def __init__(self, arguments: tuple[str, ...], sources: list[Path]) -> None:
        self.arguments = arguments
        self.sources = sources
        self.output = ""
        self.clean: list[Path] = []

    def look(self) -> list["Batch"]:
        """Looks at the batch; returns what had to be left out of it, as further batches."""
        with tempfile.TemporaryDirectory() as scratch:
            unit = Path(scratch) / "batch.cpp"
            moved = self.leave_out_what_collides(unit)
            entry = {"directory": scratch, "file": str(unit), "arguments": [CLANG, *self.arguments, str(unit)]}
            (Path(scratch) / "compile_commands.json").write_text(json.dumps([entry]))
            done = subprocess.run(
                [TIDY, "--quiet", "-p", scratch, f"--config-file={ROOT / '.clang-tidy'}", f"--checks={CHECKS}",
                 r"--header-filter=src/.*\.(h|cpp)$", unit],
                capture_output=True, text=True, check=False,
            )
        if done.returncode == 0:
            self.clean = self.sources
        else:
            self.output = done.stdout or done.stderr
            blamed = {Path(name) for name in ERROR.findall(self.output)}
            # A finding in a header, or none that can be told, leaves every file under suspicion.
            if blamed and blamed <= set(self.sources):
                self.clean = [source for source in self.sources if source not in blamed]
        if not moved:
            return []
        # What is in conflict with the first half of the batch may well agree with itself.
        return [Batch(self.arguments, moved)]

    def leave_out_what_collides(self, unit: Path) -> list[Path]:
        moved: list[Path] = []
        while True:
            unit.write_text("".join(f'#include "{source}"\n' for source in self.sources))
            if len(self.sources) == 1:
                return moved
            done = subprocess.run([CLANG, "-fsyntax-only", "-ferror-limit=0", *self.arguments, unit],
                                  capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return moved
            blamed = {Path(name) for name in ERROR.findall(done.stderr)}
            # The first file stays: alone it must compile. Without anybody to blame each file is for itself.
            colliding = [source for source in self.sources[1:] if source in blamed] or self.sources[1:]
            moved += colliding
            self.sources = [source for source in self.sources if source not in colliding]


def batches_of(waiting: dict[Path, tuple[str, ...]], jobs: int) -> list[Batch]:
    """Batches of one folder and compile command each, as even as can be, tests apart from what they test."""
    def group(source: Path) -> tuple[object, ...]:
        return waiting[source], source.relative_to(ROOT).parts[1], source.stem.endswith("_test")

    batches = []
    for _, members in itertools.groupby(sorted(waiting, key=lambda source: (group(source), source)), key=group):
        sources = list(members)
        parts = max(-(-len(sources) // MAX_BATCH), min(jobs, len(sources) // 4), 1)
        batches += [Batch(waiting[sources[0]], sources[part::parts]) for part in range(parts)]
    return sorted(batches, key=lambda batch: -len(batch.sources))


def main() -> int:
    parser = argparse.ArgumentParser(description="clang-tidy over src/, remembering what was clean")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()

    for tool, package in ((TIDY, TIDY), (CLANG, "clang-19")):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: install the package {package} (tools/setup.sh test does)")
    compiled = options.build / "compile_commands.json"
    if not compiled.is_file():
        sys.exit(f"{compiled} is missing: configure first (cmake --preset release)")

    wanted = {file.resolve() for file in options.files}
    sources: dict[Path, tuple[str, ...]] = {}
    for entry in json.loads(compiled.read_text()):
        source = (Path(entry["directory"]) / entry["file"]).resolve()
        if source.is_relative_to(ROOT / "src") and source.is_file() and (not wanted or source in wanted):
            sources.setdefault(source, clang_arguments(entry))

    cache = options.build / "tidy-cache"
    cache.mkdir(exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    rules = (ROOT / ".clang-tidy").read_bytes() + version + Path(__file__).read_bytes()
    includes = Includes()
    keys = {source: key_of(source, arguments, rules, includes) for source, arguments in sources.items()}
    known = {file.name for file in cache.iterdir() if file.is_file()}
    waiting = {source: arguments for source, arguments in sources.items() if keys[source] not in known}
    print(f"{len(sources)} files, {len(sources) - len(waiting)} known to be clean", flush=True)

    failed = False
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(batch.look): batch for batch in batches_of(waiting, options.jobs)}
        while running:
            for done in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                batch = running.pop(done)
                for further in done.result():
                    running[pool.submit(further.look)] = further
                for source in batch.clean:
                    (cache / keys[source]).touch()
                if batch.output:
                    failed = True
                    print(batch.output, flush=True)
    if not wanted:
        for stale in known - set(keys.values()):
            (cache / stale).unlink()
    print(f"{len(waiting)} files looked at: {'findings above' if failed else 'clean'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
