"""The ledger: what was asked and what was acknowledged, kept outside the server, the judge of what it kept.

Each document belongs to one writer, so at any time at most one operation on it is pending.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Place = tuple[str, str]  # library, document
State = int | None  # the operation whose content a document has; None: there is no such document


class Unit(Enum):
    """How much of an operation happens or not together."""

    WHOLE = "whole"
    EACH_DOCUMENT = "each document"  # in order: a first part of them may have happened


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Any
    key: str


@dataclass
class Operation:
    number: int
    what: str
    request: Request
    effects: list[tuple[Place, State]]
    unit: Unit
    answer: dict[str, Any] | None = None  # of the acknowledgement


@dataclass
class Counts:
    operations: int = 0
    acknowledged: int = 0
    pending_found: int = 0
    pending_in_part: int = 0
    pending_not_found: int = 0
    repeats: int = 0


@dataclass
class Ledger:
    """Thread-safe."""

    state: dict[Place, State] = field(default_factory=dict)
    history: dict[Place, list[str]] = field(default_factory=dict)
    pending: dict[int, Operation] = field(default_factory=dict)  # by writer
    last: dict[int, Operation] = field(default_factory=dict)  # acknowledged, by writer
    counts: Counts = field(default_factory=Counts)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, writer: int, operation: Operation) -> None:
        with self.changed:
            assert writer not in self.pending
            self.pending[writer] = operation
            self.counts.operations += 1
            self._note(operation, "begun")

    def acknowledge(self, writer: int, operation: Operation, answer: dict[str, Any]) -> None:
        with self.changed:
            assert self.pending.pop(writer) is operation
            operation.answer = answer
            self.last[writer] = operation
            self.counts.acknowledged += 1
            self._settle(operation, len(operation.effects), "acknowledged")
            self.changed.notify_all()

    def settle(self, writer: int, found: dict[Place, State]) -> int:
        """Judges a writer's pending operation by what is there now; how many of its documents have happened.

        Fails when they are neither as before nor as after it, or happened in part where they must not.
        """
        with self.changed:
            operation = self.pending[writer]
            happened = 0
            for place, after in operation.effects:
                if found.get(place) != after:
                    break
                happened += 1
            for place, _ in operation.effects[happened:]:
                assert found.get(place) == self.state.get(place), self.story(place, found.get(place))
            whole = len(operation.effects)
            if operation.unit is Unit.WHOLE:
                places = [place for place, _ in operation.effects]
                assert happened in (0, whole), f"{operation.what} happened in part: " + "; ".join(
                    self.story(place, found.get(place)) for place in places
                )
            self.counts.pending_found += happened == whole
            self.counts.pending_not_found += happened == 0
            self.counts.pending_in_part += 0 < happened < whole
            self._settle(operation, happened, f"found {happened} of {whole}")
            return happened

    def finish(self, writer: int, answer: dict[str, Any]) -> None:
        """The repeat of a pending operation was answered: all of it has happened now."""
        with self.changed:
            operation = self.pending.pop(writer)
            operation.answer = answer
            self.last[writer] = operation
            self._settle(operation, len(operation.effects), "repeated")

    def story(self, place: Place, found: State) -> str:
        told = "; ".join(self.history.get(place, [])[-8:])
        return f"{place} is there as of operation {found}, the ledger says {self.state.get(place)} ({told})"

    def _settle(self, operation: Operation, count: int, how: str) -> None:
        for place, after in operation.effects[:count]:
            self.state[place] = after
        self._note(operation, how)

    def _note(self, operation: Operation, how: str) -> None:
        for place, after in operation.effects:
            told = "deletion" if after is None else "write"
            self.history.setdefault(place, []).append(f"{operation.number} {operation.what} ({told}) {how}")
