#!/usr/bin/env python3
"""Proves that check_house.py finds each thing that it forbids."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECKER = Path(__file__).parent / "check_house.py"


class CheckHouse(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        subprocess.run(["git", "init", "--quiet", self.root], check=True)
        (self.root / "good.h").write_text("// Keeps notes under ~/notes and reads include/x.h.\n")

    def check(self) -> tuple[int, str]:
        done = subprocess.run([sys.executable, CHECKER, self.root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_accepts_a_clean_tree(self) -> None:
        status, output = self.check()
        self.assertEqual(status, 0, output)

    def test_finds_each_forbidden_thing(self) -> None:
        # Taken apart, so that this file is clean itself.
        for words in ("TO" "DO", "FIX" "ME", "fine for" " now", "a st" "ub", "Place" "holder", "TEST(Log, DIS" "ABLED_Recovers)",
                      "see /wo" "rk/main", '"/ho' 'me/me/x"'):
            with self.subTest(words=words):
                (self.root / "x.cpp").write_text(f"\n// {words}\n")
                status, output = self.check()
                self.assertEqual(status, 1, output)
                self.assertIn("x.cpp:2:", output)

    def test_lets_a_test_be_kept_for_a_child_process(self) -> None:
        (self.root / "x.cpp").write_text("TEST(LogChild, DIS" "ABLED_IsKilled) {}\n")
        self.assertEqual(self.check()[0], 0)

    def test_finds_a_file_that_is_too_long(self) -> None:
        (self.root / "x.cpp").write_text("\n" * 650)
        self.assertEqual(self.check()[0], 1)  # the median of the two is too long
        for number in range(3):
            (self.root / f"short{number}.cpp").write_text("\n")
        self.assertEqual(self.check()[0], 0)
        (self.root / "x.cpp").write_text("\n" * 651)
        status, output = self.check()
        self.assertEqual(status, 1)
        self.assertIn("x.cpp: 651 lines", output)

    def test_leaves_ignored_files_alone(self) -> None:
        (self.root / ".gitignore").write_text("/build/\n")
        (self.root / "build").mkdir()
        (self.root / "build/x.cpp").write_text("// TO" "DO\n")
        self.assertEqual(self.check()[0], 0)


if __name__ == "__main__":
    unittest.main()
