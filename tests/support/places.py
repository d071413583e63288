"""Where things are: the tree, the binary, the model, the dictionary."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "all-MiniLM-L6-v2"
WORDNET = Path("/usr/share/wordnet")


def binary() -> Path:
    """The program under test; a missing one is an error, never a skipped test."""
    path = Path(os.environ.get("SEXTANT_BINARY") or ROOT / "build" / "release" / "sextant").absolute()
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not there: build it (./run --build) or name it in SEXTANT_BINARY")
    return path


def has_model() -> bool:
    return (MODEL / "model.safetensors").is_file()


def data_folder() -> Path:
    """The folder of test data outside the tree; it may be absent."""
    return Path(os.environ.get("SEXTANT_TEST_DATA") or ROOT.parent / "shared" / "data")
