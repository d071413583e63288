#!/usr/bin/env python3
"""Proves that check_tidy.py finds what is wrong, blames the right file, and remembers no more than what was clean."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECKER = Path(__file__).parent / "check_tidy.py"
CLEAN = "namespace { int helper() { return 1; } }\nint %s() { return helper(); }\n"
WRONG = "int wrong() {\n  int* nothing = 0;\n  return nothing == nullptr;\n}\n"
UNGUARDED = """struct __attribute__((capability("mutex"))) Mutex {};
struct Counter {
  Mutex mutex;
  int count __attribute__((guarded_by(mutex))) = 0;
  void add() { ++count; }
};
"""


class CheckTidy(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name).resolve()
        for folder in ("tools", "src/base", "build/release"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(CHECKER, self.root / "tools")
        (self.root / ".clang-tidy").write_text(
            "Checks: '-*,modernize-use-nullptr'\nWarningsAsErrors: '*'\nHeaderFilterRegex: 'src/.*'\n")

    def write(self, **files: str) -> None:
        """a_cpp="..." writes src/base/a.cpp, which the build compiles if it is a .cpp."""
        for name, text in files.items():
            (self.root / "src/base" / name.replace("_", ".")).write_text(text)
        command = f"cmake -E env A=b ccache /usr/bin/c++ -I{self.root}/src -include /nowhere/cmake_pch.hxx -O2 -Wall -Werror -fconcepts -std=c++23 -o x.o -c "
        (self.root / "build/release/compile_commands.json").write_text(json.dumps(
            [{"directory": str(self.root / "build/release"), "file": str(source), "command": command + str(source)}
             for source in sorted((self.root / "src/base").glob("*.cpp"))]))

    def check(self) -> tuple[int, str]:
        done = subprocess.run([sys.executable, self.root / "tools/check_tidy.py", "--jobs", "1"],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_finds_a_fault_once_and_only_that_file_is_looked_at_again(self) -> None:
        self.write(a_cpp=CLEAN % "a", b_cpp=WRONG)
        status, output = self.check()
        self.assertEqual(status, 1, output)
        self.assertIn("src/base/b.cpp:2:", output)
        self.assertEqual(output.count("[modernize-use-nullptr"), 1)
        status, output = self.check()
        self.assertEqual(status, 1, output)
        self.assertIn("2 files, 1 known to be clean", output)

    def test_parts_files_that_cannot_share_a_source(self) -> None:
        self.write(a_cpp=CLEAN % "a", b_cpp=CLEAN % "b", c_cpp=CLEAN % "c")
        status, output = self.check()
        self.assertEqual(status, 0, output)
        self.assertIn("3 files, 3 known to be clean", self.check()[1])

    def test_reports_a_file_that_does_not_compile(self) -> None:
        self.write(a_cpp=CLEAN % "a", b_cpp="int b() { return missing; }\n")
        status, output = self.check()
        self.assertEqual(status, 1, output)
        self.assertIn("src/base/b.cpp:1:", output)

    def test_looks_again_when_an_included_header_changes(self) -> None:
        self.write(a_cpp='#include "base/x.h"\n', b_cpp="int b();\n", x_h="int x();\n")
        self.assertEqual(self.check()[0], 0)
        self.write(x_h="inline int* x() { return 0; }\n")
        status, output = self.check()
        self.assertEqual(status, 1, output)
        self.assertIn("2 files, 1 known to be clean", output)
        self.assertIn("src/base/x.h:1:", output)

    def test_runs_the_thread_safety_analysis(self) -> None:
        self.write(a_cpp=UNGUARDED)
        status, output = self.check()
        self.assertEqual(status, 1, output)
        self.assertIn("requires holding mutex", output)


if __name__ == "__main__":
    unittest.main()
