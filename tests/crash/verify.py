"""Comparison of a reopened server with the ledger."""

from __future__ import annotations

import random
from typing import Any

import numpy
from support.rest import Rest, base64_vector

from content import chunk_count, operation_of, vector
from ledger import Ledger, Place, State
from workload import LIBRARIES, path, send

REPLAYED = "Idempotency-Replayed"


def read_documents(rest: Rest) -> tuple[dict[Place, State], dict[Place, int]]:
    """The operation that wrote each document that is there, each being whole, and its version."""
    found: dict[Place, State] = {}
    versions: dict[Place, int] = {}
    for library in LIBRARIES:
        listed = rest.ok("GET", f"/v1/libraries/{library}/documents?limit=10000&count=true")
        assert listed["cursor"] is None
        assert listed["total"] == len(listed["documents"])
        chunks = 0
        for summary in listed["documents"]:
            place = (library, summary["id"])
            document = rest.ok("GET", path(place) + "?include=chunks,vector")
            assert document["version"] == summary["version"]
            found[place] = operation_of(document)
            versions[place] = document["version"]
            chunks += len(document["chunks"])
        info = rest.ok("GET", f"/v1/libraries/{library}")
        assert (info["documents"], info["chunks"]) == (len(listed["documents"]), chunks)
        assert rest.ok("POST", f"/v1/libraries/{library}/chunks:count", {})["count"] == chunks
    return found, versions


def check_searches(rest: Rest, found: dict[Place, State], seed: int) -> None:
    """Every chunk is found by its vector, and searches answer what a scan of all chunks outside the server answers."""
    numbers = random.Random(seed)
    for library in LIBRARIES:
        ids: list[str] = []
        rows: list[Any] = []
        for (in_library, document), operation in found.items():
            if in_library != library or operation is None:
                continue
            for chunk in range(chunk_count(document, operation)):
                ids.append(f"{document}#{chunk}")
                rows.append(vector(document, operation, chunk))
        if not ids:
            continue
        matrix = numpy.array(rows, dtype=numpy.float64)
        matrix /= numpy.linalg.norm(matrix, axis=1, keepdims=True)
        own = [{"vector": base64_vector(row.tolist()), "k": 1, "include": []} for row in rows]
        for id, result in zip(ids, search(rest, library, own), strict=True):
            hit = result["hits"][0]
            assert hit["chunk_id"] == id, f"the vector of {id} finds {hit}"
            assert hit["score"] > 0.9999, hit
        random_rows = numpy.array([[numbers.gauss(0, 1) for _ in range(matrix.shape[1])] for _ in range(10)])
        others = [{"vector": base64_vector(row.tolist()), "k": 10, "include": []} for row in random_rows]
        for row, result in zip(random_rows, search(rest, library, others), strict=True):
            scores = matrix @ (row / numpy.linalg.norm(row))
            nearest = numpy.argsort(-scores, kind="stable")[:10]
            told = [hit["chunk_id"] for hit in result["hits"]]
            assert told == [ids[n] for n in nearest], f"{told} instead of {[ids[n] for n in nearest]}"


def search(rest: Rest, library: str, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for begin in range(0, len(queries), 500):
        body = {"queries": queries[begin : begin + 500]}
        results += rest.ok("POST", f"/v1/libraries/{library}/search", body)["results"]
    return results


def check_all(rest: Rest, ledger: Ledger, seed: int) -> None:
    """What a server has just after it was killed and opened again; then the repeats of what was pending."""
    found, versions = read_documents(rest)
    happened = {writer: ledger.settle(writer, found) for writer in list(ledger.pending)}
    for place in {*ledger.state, *found}:
        assert found.get(place) == ledger.state.get(place), ledger.story(place, found.get(place))
    check_searches(rest, found, seed)
    repeat_acknowledged(rest, ledger)
    repeat_pending(rest, ledger, happened, versions)
    assert read_documents(rest)[0] == {place: state for place, state in ledger.state.items() if state is not None}


def repeat_pending(rest: Rest, ledger: Ledger, happened: dict[int, int], versions: dict[Place, int]) -> None:
    """A pending operation is sent again with its key: done now if it was not, else answered like the first time."""
    for writer, count in happened.items():
        operation = ledger.pending[writer]
        response = send(rest, operation.request)
        assert response.status_code in (200, 201), f"{operation.what}: {response.status_code} {response.text}"
        answer = response.json()
        if count == len(operation.effects):
            assert response.headers.get(REPLAYED) == "true", f"{operation.what} happened, and its repeat happened again"
            for place, version in versions_told(operation.effects, answer).items():
                assert version == versions.get(place), (
                    f"the repeat of {operation.what} tells another version of {place}"
                )
        elif count == 0:
            assert REPLAYED not in response.headers, f"{operation.what} had not happened, and its repeat says it had"
        ledger.finish(writer, answer)
        ledger.counts.repeats += 1


def repeat_acknowledged(rest: Rest, ledger: Ledger) -> None:
    """What was acknowledged is sent again with its key: the answer is the first one, word by word."""
    for operation in ledger.last.values():
        response = send(rest, operation.request)
        assert response.headers.get(REPLAYED) == "true", (
            f"{operation.what} was acknowledged, and its repeat happened again"
        )
        assert response.json() == operation.answer, operation.what
        ledger.counts.repeats += 1


def versions_told(effects: list[tuple[Place, State]], answer: dict[str, Any]) -> dict[Place, int]:
    """The versions that an answer tells of the documents that are there after the operation."""
    results = answer.get("results", [answer])
    assert len(results) == len(effects)
    return {
        place: result["version"] for (place, after), result in zip(effects, results, strict=True) if after is not None
    }
