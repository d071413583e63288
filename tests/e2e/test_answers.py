"""The local model answers questions by meaning; see answers.py for the table of all embedders."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.places import MODEL, WORDNET, has_model

import answers

TOP = 10_000
FLOOR = 0.6  # of hit@10; far below what is measured, above what shared words alone give


@pytest.mark.slow
def test_most_questions_are_answered_by_meaning(tmp_path: Path) -> None:
    if not has_model():
        pytest.skip(f"the model is not in {MODEL}")
    if not WORDNET.is_dir():
        pytest.skip(f"{WORDNET} is not there")
    scores = [answers.measure(embedder, TOP, tmp_path / embedder) for embedder in ("local", "hashed")]
    print(answers.table(scores, TOP))
    local, hashed = scores
    assert local.hit_at(10) >= FLOOR
    assert local.mrr > hashed.mrr


def test_every_question_names_entries_of_the_dictionary() -> None:
    if not WORDNET.is_dir():
        pytest.skip(f"{WORDNET} is not there")
    questions = answers.read_questions(0)
    assert len({question.text for question in questions}) == len(questions) == 50
    offsets = {
        f"wn30-{line.split(' ', 1)[0]}-{line.split(' ', 3)[2]}"
        for part in ("noun", "verb", "adj", "adv")
        for line in (WORDNET / f"data.{part}").read_text(encoding="utf-8").splitlines()
        if not line.startswith(" ")
    }
    for question in questions:
        assert question.expected, question.text
        assert question.expected <= offsets, question.text
