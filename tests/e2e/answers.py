"""How well questions are answered: hit@1, hit@10 and mean reciprocal rank over WordNet, for each embedder.

    .venv/bin/python tests/e2e/answers.py [--top 10000] [--embedder local hashed] [--show-misses]

Starts a server for each embedder on a new directory, loads the dictionary with `sextant load --wordnet`, and asks the
questions of tests/questions.json: a list of {"question", "expected": ids of synsets that answer it, "full"?: true where
the answers are not among the 10,000 most used entries}. A question counts by the best of its expected documents.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "clients" / "python")]  # as tests/pytest.ini says

import sextant  # noqa: E402
from support.places import WORDNET  # noqa: E402
from support.server_process import ServerProcess, run_sextant  # noqa: E402

LIBRARY = "wordnet"
RANKS = 10  # documents looked at
CHUNKS = 60  # asked for: several chunks of one document may be found before the tenth document
LOAD_SECONDS = 4 * 3600


@dataclass(frozen=True)
class Question:
    text: str
    expected: frozenset[str]
    full: bool


@dataclass(frozen=True)
class Scores:
    """Of one embedder. `ranks`: of each question's first expected document, from 1; None beyond the tenth."""

    embedder: str
    ranks: dict[str, int | None]
    load_seconds: float

    def hit_at(self, k: int) -> float:
        return sum(rank is not None and rank <= k for rank in self.ranks.values()) / len(self.ranks)

    @property
    def mrr(self) -> float:
        return sum(1 / rank for rank in self.ranks.values() if rank is not None) / len(self.ranks)


def read_questions(top: int) -> list[Question]:
    """The questions that the `top` most used entries can answer; all of them when it is 0."""
    entries = json.loads((TESTS / "questions.json").read_text(encoding="utf-8"))
    questions = [Question(e["question"], frozenset(e["expected"]), e.get("full", False)) for e in entries]
    return [question for question in questions if top == 0 or not question.full]


def load_dictionary(server: ServerProcess, top: int) -> float:
    """Loads the `top` most used entries (0: all) as a user would; the seconds that took."""
    started = time.monotonic()
    arguments = ("--wordnet", str(WORDNET), "--library", LIBRARY, "--top", str(top), "--quiet", "--json")
    result = run_sextant("load", "--server", server.url, *arguments, seconds=LOAD_SECONDS)
    if result.returncode != 0:
        raise RuntimeError(f"sextant load: {result.stderr}")
    return time.monotonic() - started


def rank(library: sextant.Library, question: Question) -> int | None:
    hits = library.search(text=question.text, k=CHUNKS, include=[])
    documents = list(dict.fromkeys(hit.document_id for hit in hits))[:RANKS]
    return next((place for place, id in enumerate(documents, start=1) if id in question.expected), None)


def measure(embedder: str, top: int, data: Path) -> Scores:
    with ServerProcess(data, embedder=embedder) as server:
        seconds = load_dictionary(server, top)
        with sextant.Client(server.url) as client:
            library = client.library(LIBRARY)
            ranks = {question.text: rank(library, question) for question in read_questions(top)}
        server.stop()
    return Scores(embedder, ranks, seconds)


def table(scores: Sequence[Scores], top: int) -> str:
    loaded = f"{top:,} most used entries" if top else "117,659 entries"
    lines = [f"{len(scores[0].ranks)} questions to the {loaded} of WordNet", ""]
    lines += ["| embedder | hit@1 | hit@10 | MRR | load, s |", "|---|---|---|---|---|"]
    for s in scores:
        lines.append(f"| {s.embedder} | {s.hit_at(1):.2f} | {s.hit_at(10):.2f} | {s.mrr:.3f} | {s.load_seconds:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--top", type=int, default=10_000, help="entries to load; 0: all (an hour with local)")
    parser.add_argument("--embedder", nargs="+", default=["local", "hashed"], choices=["local", "hashed"])
    parser.add_argument("--show-misses", action="store_true", help="list the questions that were not answered")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scores = [measure(embedder, flags.top, Path(folder) / embedder) for embedder in flags.embedder]
    print(table(scores, flags.top))
    if flags.show_misses:
        for s in scores:
            print(f"\nNot among the first {RANKS} with {s.embedder}:")
            for question, place in s.ranks.items():
                if place is None:
                    print(f"  {question}")


if __name__ == "__main__":
    main()
