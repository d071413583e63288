#!/usr/bin/env python3
"""Runs clang-tidy over every .cpp under src/ that the build compiles, and clang's thread-safety analysis with it.

A file that was clean is not looked at again until it, a header of ours that it includes, its compile command, the rules
or clang-tidy itself change; what was clean is remembered under BUILD/tidy-cache. Exit status 0: all clean.

Usage: check_tidy.py [--build BUILD] [--jobs N] [FILE...]   (default: build/release, every processor, every file)
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)

# Warnings are the compiler's own business, except clang's thread-safety analysis, which g++ cannot do. Older Boost
# does not recognise clang's coroutines by itself.
EXTRA = ["-Wno-everything", "-Wthread-safety", "-DBOOST_ASIO_HAS_CO_AWAIT", "-DBOOST_ASIO_HAS_STD_COROUTINE"]
GCC_ONLY = {"-fcoroutines", "-fconcepts", "-Winvalid-pch", "-fno-canonical-system-headers", "-fanalyzer"}


def clang_command(entry: dict) -> list[str]:
    """The compile command as clang understands it: without warnings and without what only g++ knows."""
    words = entry.get("arguments") or shlex.split(entry["command"])
    kept = [word for word in words[1:] if word not in GCC_ONLY and not re.match(r"-W[a-z]|-Werror", word)]
    return ["clang++", *kept, *EXTRA]


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


def key_of(source: Path, command: list[str], rules: bytes, includes: Includes) -> str:
    folders = [Path(word[2:]) for word in command if word.startswith("-I")]
    digest = hashlib.sha256(rules + "\0".join(command).encode())
    for file in includes.closure(source, folders):
        digest.update(str(file).encode() + includes.digests[file])
    return digest.hexdigest()


def tidy(source: Path, database: Path) -> tuple[bool, str]:
    done = subprocess.run(
        [TIDY, "--quiet", "-p", database, "--checks=clang-diagnostic-thread-safety*", source],
        capture_output=True, text=True, check=False,
    )
    return done.returncode == 0, done.stdout or done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description="clang-tidy over src/, remembering what was clean")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()

    if not shutil.which(TIDY):
        sys.exit(f"{TIDY} is missing: install the package {TIDY} (tools/setup.sh test does)")
    compiled = options.build / "compile_commands.json"
    if not compiled.is_file():
        sys.exit(f"{compiled} is missing: configure first (cmake --preset release)")

    wanted = {file.resolve() for file in options.files}
    sources: dict[Path, list[str]] = {}
    for entry in json.loads(compiled.read_text()):
        source = (Path(entry["directory"]) / entry["file"]).resolve()
        if source.is_relative_to(ROOT / "src") and (not wanted or source in wanted):
            sources.setdefault(source, clang_command(entry))

    cache = options.build / "tidy-cache"
    cache.mkdir(exist_ok=True)
    (cache / "compile_commands.json").write_text(json.dumps(
        [{"directory": str(options.build.resolve()), "file": str(source), "arguments": command}
         for source, command in sources.items()]))
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    rules = (ROOT / ".clang-tidy").read_bytes() + version + Path(__file__).read_bytes()
    includes = Includes()
    keys = {source: key_of(source, command, rules, includes) for source, command in sources.items()}
    clean = {file.name for file in cache.iterdir()}
    waiting = [source for source in sources if keys[source] not in clean]
    print(f"{len(sources)} files, {len(sources) - len(waiting)} known to be clean", flush=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(tidy, source, cache): source for source in waiting}
        for done in concurrent.futures.as_completed(running):
            source = running[done]
            is_clean, output = done.result()
            if is_clean:
                (cache / keys[source]).touch()
            else:
                failed += 1
                print(f"{source.relative_to(ROOT)}\n{output}", flush=True)
    if not wanted:
        for stale in clean - set(keys.values()) - {"compile_commands.json"}:
            (cache / stale).unlink()
    print(f"{len(waiting)} files looked at, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
