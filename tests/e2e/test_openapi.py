"""The OpenAPI document is kept true: requests are made from it, valid and invalid, and every answer is held to it.

SEXTANT_SEED replays a run (printed); SEXTANT_OPENAPI_CASES sets how many requests (default 2,000).
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.rest import Rest
from support.server_process import ServerProcess

Operation = schemathesis.APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
ROUND = 20  # requests to a route and of a mode before the next has its turn
UNBUILT_ROUND = 5
LIBRARY = "fuzz.filled"
IDS = {"documents": ["a", "b/ü", "c"], "chunks": ["a#0", "a#1", "b/ü#0"]}


@dataclass
class Tally:
    """What was sent, and what went wrong: one example of each kind."""

    statuses: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.statuses.total()


@pytest.fixture
def fuzzed(start_server: Any) -> Iterator[ServerProcess]:
    server = start_server()
    yield server
    assert server.running, "the server ended by itself:\n" + "\n".join(server.lines[-15:])
    assert server.stop() == 0


def fill(rest: Rest) -> None:
    """The library that most requests aim at: what they write and delete is put back as they go."""
    if rest.get(f"/v1/libraries/{LIBRARY}").status_code == 404:
        rest.ok("POST", "/v1/libraries", {"name": LIBRARY, "metadata": {"a": 1}}, status=201)
        documents = [
            {
                "id": id,
                "metadata": {"n": n},
                "chunks": [{"vector": [1, n], "text": f"text {n}"}, {"vector": [n + 1, 1]}],
            }
            for n, id in enumerate(IDS["documents"])
        ]
        rest.ok("POST", f"/v1/libraries/{LIBRARY}/documents", {"documents": documents})


def aim(case: Case, choice: random.Random) -> None:
    """Leads most requests to what exists, and gives them time enough."""
    parameters: dict[str, Any] = case.path_parameters or {}
    if "library" in parameters and choice.random() < 0.8:
        parameters["library"] = LIBRARY
    if "id" in parameters and choice.random() < 0.6:
        kind = "chunks" if "/chunks/" in case.path else "documents"
        parameters["id"] = choice.choice(IDS[kind])
    headers: Any = case.headers or {}
    if str(headers.get("X-Deadline-Ms", "")).isdigit() and 1 <= int(headers["X-Deadline-Ms"]) <= 600_000:
        headers["X-Deadline-Ms"] = "600000"
    query: Any = case.query or {}
    if query.get("include") in ("", [""]):
        del query["include"]  # it would be no wrong list, but an empty one
    body: Any = case.body
    if isinstance(body, dict) and isinstance(body.get("timeout_ms"), int) and 1 <= body["timeout_ms"] <= 600_000:
        body["timeout_ms"] = 600_000


def try_route(operation: Operation, mode: GenerationMode, url: str, count: int, seed: int, tally: Tally) -> None:
    """Sends `count` requests made for a route, fewer where it takes fewer different ones."""
    session = requests.Session()
    session.trust_env = False
    rest = Rest(url)

    @hypothesis_seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode), choice=st.randoms(use_true_random=False))
    def send(case: Case, choice: random.Random) -> None:
        fill(rest)
        aim(case, choice)
        response = case.call(base_url=url, session=session, timeout=60)
        tally.statuses[f"{mode.value} {response.status_code}"] += 1
        if response.status_code == 503 and response.json().get("code") == "embedding_unavailable":
            return
        # A refusal is a refusal, whichever of the faults in a request it names.
        accepted = mode is GenerationMode.NEGATIVE and response.status_code < 300
        try:
            case.validate_response(response, checks=[*CHECKS, negative_data_rejection] if accepted else CHECKS)
        except BaseException as failure:  # schemathesis raises groups of its own
            first = str(failure).strip().splitlines()
            kind = f"{operation.label} {mode.value}: " + " / ".join(line for line in first if line.startswith("- "))
            tally.failures.setdefault(kind, f"{failure}\n{case.as_curl_command()}")

    try:
        send()
    finally:
        session.close()
        rest.close()


def negatable(operation: Operation) -> bool:
    """Whether the route takes anything that could be wrong."""
    return bool(operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"))


def test_every_answer_is_as_the_document_says(fuzzed: ServerProcess) -> None:
    wanted = int(os.environ.get("SEXTANT_OPENAPI_CASES") or 2000)
    seed = int(os.environ.get("SEXTANT_SEED") or 20_261_121)
    print(f"SEXTANT_SEED={seed}")
    schema = schemathesis.openapi.from_url(f"{fuzzed.url}/openapi.json")
    operations: list[Operation] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) == 50  # all but /openapi.json, which schemathesis leaves out
    tally = Tally()
    round_ = 0
    while tally.requests < wanted:
        for operation in operations:
            unbuilt = "not supported yet" in (operation.tags or [])
            if (unbuilt and round_ > 0) or not (negatable(operation) or round_ == 0):
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if mode is GenerationMode.POSITIVE or negatable(operation):
                    count = UNBUILT_ROUND if unbuilt else ROUND
                    try_route(operation, mode, fuzzed.url, count, seed + round_, tally)
        round_ += 1
    print(f"{tally.requests} requests to {len(operations)} routes: {dict(sorted(tally.statuses.items()))}")
    for kind, example in tally.failures.items():
        print(f"\n{kind}\n{example}")
    assert not tally.failures, f"{len(tally.failures)} kinds of wrong answers; SEXTANT_SEED={seed}"
    answered_well = sum(count for status, count in tally.statuses.items() if status.startswith("positive 2"))
    assert answered_well > tally.requests / 20, "too few requests got as far as an answer"
