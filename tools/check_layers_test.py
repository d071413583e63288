#!/usr/bin/env python3
"""Proves that check_layers.py finds what it is there to find, on small trees made for the purpose."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECKER = Path(__file__).parent / "check_layers.py"
ORDER = ("base", "storage", "index", "engine", "providers", "server")


class CheckLayers(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.write("CMakeLists.txt", "".join(f"add_subdirectory(src/{folder})\n" for folder in ORDER))
        for folder in ORDER:
            self.write(f"src/{folder}/CMakeLists.txt", f"sextant_library({folder} SOURCES a.cpp)\n")
        self.write("src/base/result.h", "#include <string>\n")
        self.write("src/engine/library.h", '#include "base/result.h"\n#include "storage/log.h"\n')

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def check(self) -> tuple[int, str]:
        done = subprocess.run([sys.executable, CHECKER, self.root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def assert_found(self, *words: str) -> None:
        status, output = self.check()
        self.assertEqual(status, 1, output)
        for word in words:
            self.assertIn(word, output)

    def test_accepts_a_tree_that_only_looks_down(self) -> None:
        status, output = self.check()
        self.assertEqual(status, 0, output)
        self.assertIn("base < storage < index", output)

    def test_catches_an_upward_include_and_names_its_line(self) -> None:
        self.write("src/storage/log.h", '#pragma once\n\n#include "engine/library.h"\n')
        self.assert_found("src/storage/log.h:3:", "engine stands above storage")

    def test_catches_an_upward_include_in_a_nested_folder_and_in_a_test(self) -> None:
        self.write("src/index/flat/flat_test.cpp", '  #  include <engine/library.h>\n')
        self.assert_found("src/index/flat/flat_test.cpp:1:")

    def test_keeps_index_from_storage_although_the_order_allows_it(self) -> None:
        self.write("src/index/flat/flat.h", '#include "storage/log.h"\n')
        self.assert_found("index never depends on storage")

    def test_catches_an_upward_link_line(self) -> None:
        self.write("src/base/CMakeLists.txt", "# engine\nsextant_library(base\n  SOURCES a.cpp\n  DEPENDS engine)\n")
        self.assert_found("src/base/CMakeLists.txt:4:", "links engine")

    def test_catches_storage_linked_by_index(self) -> None:
        self.write("src/index/CMakeLists.txt", "sextant_library(index SOURCES a.cpp DEPENDS base storage)\n")
        self.assert_found("index never depends on storage")

    def test_confines_libraries_to_their_folder(self) -> None:
        for header, owner in (
            ("rocksdb/db.h", "storage"),
            ("boost/beast/http.hpp", "server"),
            ("simdjson.h", "base"),
            ("curl/curl.h", "providers"),
            ("dnnl.h", "providers"),
            ("oneapi/dnnl/dnnl.hpp", "providers"),
        ):
            with self.subTest(header=header):
                self.write(f"src/{owner}/x.cpp", f"#include <{header}>\n")
                self.assertEqual(self.check()[0], 0)
                self.write("src/engine/x.cpp", f"#include <{header}>\n")
                self.assert_found(f"belongs to {owner} alone")
                self.write("src/engine/x.cpp", "")

    def test_wants_includes_to_begin_with_a_folder(self) -> None:
        self.write("src/engine/x.cpp", '#include "library.h"\n')
        self.assert_found("does not begin with a folder")

    def test_wants_every_folder_to_have_its_place(self) -> None:
        self.write("src/common/x.h", "")
        self.assert_found("src/common")


if __name__ == "__main__":
    unittest.main()
