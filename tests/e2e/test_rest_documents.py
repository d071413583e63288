"""Documents over REST: write many or one, list, show, patch, delete; conditions and what failures leave."""

from __future__ import annotations

from typing import Any

import pytest
from support.rest import Rest, assert_problem


def chunk(*vector: float, **fields: Any) -> dict[str, Any]:
    return {"vector": list(vector), **fields}


def test_documents_are_written_in_order_and_each_is_told(rest: Rest, library: str) -> None:
    own = chunk(0, 1, id="own", metadata={"m": 2})
    documents = [
        {"id": "a", "metadata": {"n": 1}, "chunks": [chunk(1, 0, text="first"), own]},
        {"chunks": [chunk(1, 1)]},
        {"id": "empty"},
    ]
    answer = rest.ok("POST", f"{library}/documents", {"documents": documents})
    assert answer["committed"] == 3
    results = answer["results"]
    assert [result["status"] for result in results] == ["committed"] * 3
    assert [result["effect"] for result in results] == ["created"] * 3
    assert results[0]["id"] == "a"
    assert len(results[1]["id"]) == 36 and results[1]["id"][14] == "7"  # a UUIDv7
    assert [result["etag"] for result in results] == [f"{result['version']:x}" for result in results]
    assert [result["version"] for result in results] == sorted({result["version"] for result in results})
    assert answer["commit"].endswith(f"-{results[2]['version']:x}")

    response = rest.get(f"{library}/documents/a?include=chunks,vector")
    document = response.json()
    assert response.headers["etag"] == f'"{results[0]["etag"]}"'
    assert document["version"] == results[0]["version"]
    assert document["metadata"] == {"n": 1}
    assert document["chunk_ids"] == ["a#0", "own"]
    assert document["chunks"] == [
        {"id": "a#0", "text": "first", "metadata": {}, "norm": 1, "vector": [1, 0]},
        {"id": "own", "text": "", "metadata": {"m": 2}, "norm": 1, "vector": [0, 1]},
    ]
    assert "chunks" not in rest.ok("GET", f"{library}/documents/a")
    assert "vector" not in rest.ok("GET", f"{library}/documents/a?include=chunks")["chunks"][0]
    assert rest.ok("GET", f"{library}/documents/empty")["chunk_ids"] == []
    counts = rest.ok("GET", library)
    assert (counts["documents"], counts["chunks"]) == (3, 3)


def test_no_documents_is_no_commit(rest: Rest, library: str) -> None:
    answer = rest.ok("POST", f"{library}/documents", {"documents": []})
    assert answer == {"results": [], "committed": 0, "commit": None}


def test_the_first_failure_ends_a_write_and_what_came_before_stays(rest: Rest, library: str) -> None:
    documents = [
        {"id": "good", "chunks": [chunk(1, 2)]},
        {"id": "bad", "chunks": [chunk(1, 2), chunk(1, 2, 3)]},
        {"id": "late", "chunks": [chunk(1, 2)]},
    ]
    answer = rest.ok("POST", f"{library}/documents", {"documents": documents})
    assert answer["committed"] == 1
    assert [result["status"] for result in answer["results"]] == ["committed", "failed", "not_attempted"]
    error = answer["results"][1]["error"]
    assert (error["code"], error["status"]) == ("embedding_contract_violation", 422)
    assert error["field"] == "documents[1].chunks[1].vector"
    assert answer["commit"]
    assert rest.ok("GET", library)["documents"] == 1
    for absent in ("bad", "late"):
        assert_problem(rest.get(f"{library}/documents/{absent}"), 404, "document_not_found")


def test_when_nothing_was_committed_the_answer_is_the_problem_with_the_results(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/x", {"chunks": [chunk(1, 2)]}, status=201)
    body = {"documents": [{"id": "x"}, {"id": "y"}], "on_conflict": "error"}
    problem = assert_problem(rest.post(f"{library}/documents", body), 409, "document_exists", "documents[0].id")
    assert [result["status"] for result in problem["results"]] == ["failed", "not_attempted"]


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        ({"id": "d", "chunks": [chunk(1, 2, 3)]}, "embedding_contract_violation", "chunks[0].vector"),
        ({"id": "d", "chunks": [chunk(0, 0)]}, "invalid_vector", "chunks[0].vector"),
        ({"id": "d", "chunks": [chunk(1, 1e39)]}, "invalid_vector", "chunks[0].vector[1]"),
        ({"id": "d", "chunks": [chunk(1, 2), chunk(1, 2, id="d#0")]}, "invalid_argument", "chunks[1].id"),
        ({"id": "d", "chunks": [chunk(1, 2, id="taken")]}, "chunk_id_taken", ""),
        ({"id": "d" * 513, "chunks": []}, "limit_exceeded", "id"),
        ({"id": "d", "metadata": {"x": "y" * 70_000}}, "limit_exceeded", "metadata"),
        ({"id": "d", "chunks": [{"vector": [1, 2], "text": "x" * ((1 << 20) + 1)}]}, "limit_exceeded",
         "chunks[0].text"),
    ],
)  # fmt: skip
def test_an_atomic_write_happens_whole_or_not_at_all(
    rest: Rest, library: str, document: dict[str, Any], code: str, field: str
) -> None:
    taken = {"id": "first", "chunks": [chunk(1, 2, id="taken")]}
    rest.ok("POST", f"{library}/documents", {"documents": [taken], "atomic": True})
    body = {"documents": [{"id": "new", "chunks": [chunk(3, 4)]}, document, {"id": "last"}], "atomic": True}
    response = rest.post(f"{library}/documents", body)
    problem = assert_problem(response, 422 if code != "chunk_id_taken" else 409, code)
    assert problem["field"] == ("documents[1]." + field).rstrip(".")
    if "results" in problem:
        assert [result["status"] for result in problem["results"]] == ["not_attempted", "failed", "not_attempted"]
    assert rest.ok("GET", library)["documents"] == 1


def test_a_failed_condition_of_an_atomic_write_names_its_document(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/b", {}, status=201)
    body = {"documents": [{"id": "a"}, {"id": "b", "if_match": "fffff"}], "atomic": True}
    problem = assert_problem(rest.post(f"{library}/documents", body), 412, "precondition_failed")
    assert problem["field"].startswith("documents[1]")
    assert [result["status"] for result in problem["results"]] == ["not_attempted", "failed"]
    assert rest.ok("GET", library)["documents"] == 1


def test_on_conflict_says_what_becomes_of_a_document_that_exists(rest: Rest, library: str) -> None:
    def write(on_conflict: str, **document: Any) -> dict[str, Any]:
        body = {"documents": [{"id": "a", **document}], "on_conflict": on_conflict}
        answer = rest.post(f"{library}/documents", body).json()
        assert isinstance(answer, dict)
        return answer

    assert write("ignore", chunks=[chunk(1, 0)])["results"][0]["effect"] == "created"
    first = rest.ok("GET", f"{library}/documents/a")
    ignored = write("ignore", chunks=[chunk(0, 1), chunk(1, 1)])
    assert ignored["results"][0]["effect"] == "ignored"
    assert rest.ok("GET", f"{library}/documents/a") == first
    assert write("error")["code"] == "document_exists"
    replaced = write("replace", chunks=[chunk(0, 1)], metadata={"new": True})
    assert replaced["results"][0]["effect"] == "replaced"
    document = rest.ok("GET", f"{library}/documents/a?include=vector")
    assert document["metadata"] == {"new": True}
    assert [part["vector"] for part in document["chunks"]] == [[0, 1]]
    assert document["created"] == first["created"]
    assert document["version"] > first["version"]
    counts = rest.ok("GET", library)
    assert (counts["documents"], counts["chunks"], counts["dead_chunks"]) == (1, 1, 1)


def test_text_is_cut_into_chunks_and_embedded(rest: Rest) -> None:
    library = rest.library(chunking={"max_bytes": 120, "min_bytes": 10})
    text = "# Roof\n\nWe decided on slate.\n\n# Garden\n\n" + "The apple tree stays where it is. " * 6
    rest.ok("PUT", f"{library}/documents/notes", {"text": text, "metadata": {"file": "notes.md"}}, status=201)
    document = rest.ok("GET", f"{library}/documents/notes?include=chunks")
    texts = [part["text"] for part in document["chunks"]]
    assert len(texts) >= 3
    assert all(0 < len(part.encode()) <= 120 for part in texts)
    assert "slate" in texts[0]
    contract = rest.ok("GET", library)["vectors"]["embedding"]
    assert (contract["model"], contract["dimension"]) == ("hashed-v1-384", 384)
    hits = rest.ok("POST", f"{library}/search", {"text": "slate", "k": 1})["hits"]
    assert hits[0]["chunk_id"] == document["chunk_ids"][0]


def test_a_document_has_either_text_or_chunks(rest: Rest, library: str) -> None:
    both = {"text": "x", "chunks": []}
    assert_problem(rest.put(f"{library}/documents/a", both), 422, "invalid_argument", "text")
    many = {"documents": [{}, both]}
    assert_problem(rest.post(f"{library}/documents", many), 422, "invalid_argument", "documents[1].text")
    twice = {"chunks": [{"vector": [1], "vectors": {"embedding": [1]}}]}
    assert_problem(rest.put(f"{library}/documents/a", twice), 422, "invalid_argument", "chunks[0].vectors")


def test_vectors_by_field_name_are_the_same_as_vector(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"vectors": {"embedding": [3, 4]}}]}, status=201)
    part = rest.ok("GET", f"{library}/documents/a?include=vector")["chunks"][0]
    assert part["norm"] == 5
    assert part["vector"] == pytest.approx([0.6, 0.8])
    other = {"chunks": [{"vectors": {"title": [3, 4]}}]}
    assert_problem(rest.put(f"{library}/documents/b", other), 422, "not_supported_yet")


def test_put_creates_and_replaces_and_patch_merges_and_delete_removes(rest: Rest, library: str) -> None:
    path = f"{library}/documents/a%2Fb%20%C3%BC"
    response = rest.put(path, {"metadata": {"x": 1, "y": {"z": 2}}, "chunks": [chunk(1, 0)]})
    assert response.status_code == 201
    created = response.json()
    assert created["id"] == "a/b ü"
    assert created["effect"] == "created"
    assert response.headers["etag"] == f'"{created["etag"]}"'
    replaced = rest.ok("PUT", path, {"metadata": {"x": 1, "y": {"z": 2}}, "chunks": [chunk(0, 1)]})
    assert replaced["effect"] == "replaced"
    response = rest.patch(path, {"metadata": {"x": None, "y": {"w": 3}}})
    patched = response.json()
    assert (response.status_code, patched["effect"]) == (200, "patched")
    assert response.headers["etag"] == f'"{patched["etag"]}"'
    document = rest.ok("GET", path)
    assert document["metadata"] == {"y": {"z": 2, "w": 3}}
    assert document["chunk_ids"] == ["a/b ü#0"]
    deleted = rest.ok("DELETE", path)
    assert set(deleted) == {"id", "commit"}
    for method in ("GET", "DELETE"):
        assert_problem(rest.request(method, path), 404, "document_not_found")
    assert_problem(rest.patch(path, {"metadata": {}}), 404, "document_not_found")
    assert_problem(rest.patch(path, {}), 422, "invalid_argument", "metadata")
    assert rest.ok("GET", library)["chunks"] == 0


def test_if_match_guards_every_write_of_a_document(rest: Rest, library: str) -> None:
    path = f"{library}/documents/a"
    any_version = {"If-Match": "*"}
    assert_problem(rest.put(path, {}, headers=any_version), 412, "precondition_failed")
    first = rest.ok("PUT", path, {}, status=201)["etag"]
    second = rest.ok("PUT", path, {"metadata": {"n": 2}}, headers={"If-Match": f'"{first}"'})["etag"]
    assert second != first
    stale = {"If-Match": f'"{first}"'}
    assert_problem(rest.put(path, {}, headers=stale), 412, "precondition_failed")
    assert_problem(rest.patch(path, {"metadata": {}}, headers=stale), 412, "precondition_failed")
    assert_problem(rest.delete(path, headers=stale), 412, "precondition_failed")
    for garbage in ('"xyz"', '"a", "b"', '""'):
        response = rest.put(path, {}, headers={"If-Match": garbage})
        assert response.status_code in (412, 422), response.text
    body = {"documents": [{"id": "a", "if_match": first}]}
    assert_problem(rest.post(f"{library}/documents", body), 412, "precondition_failed")
    assert rest.ok("GET", path)["metadata"] == {"n": 2}
    rest.ok("PATCH", path, {"metadata": {"n": 3}}, headers=any_version)
    body = {"documents": [{"id": "a", "if_match": "*", "metadata": {"n": 4}}]}
    assert rest.ok("POST", f"{library}/documents", body)["committed"] == 1
    rest.ok("DELETE", path, headers={"If-Match": "*"})


def test_if_none_match_creates_only(rest: Rest, library: str) -> None:
    path = f"{library}/documents/a"
    new = {"If-None-Match": "*"}
    rest.ok("PUT", path, {"metadata": {"n": 1}}, status=201, headers=new)
    assert_problem(rest.put(path, {}, headers=new), 412, "precondition_failed")
    assert_problem(rest.put(path, {}, headers={"If-None-Match": '"1"'}), 422, "invalid_argument", "If-None-Match")
    assert rest.ok("GET", path)["metadata"] == {"n": 1}


def test_documents_are_listed_in_order_of_ids_with_filter_cursor_and_total(rest: Rest, library: str) -> None:
    ids = ["b", "a", "Z", "ü", "a/1", "10", "9"]
    documents = [{"id": id, "metadata": {"even": n % 2 == 0}, "chunks": [chunk(1, n)]} for n, id in enumerate(ids)]
    rest.ok("POST", f"{library}/documents", {"documents": documents})
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": "3", "count": "true", **({"cursor": cursor} if cursor else {})}
        page = rest.ok("GET", f"{library}/documents", params=params)
        assert page["total"] == len(ids)
        found += page["documents"]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert [document["id"] for document in found] == sorted(ids, key=str.encode)
    assert all(document["chunks"] == 1 for document in found)
    page = rest.ok("GET", f"{library}/documents", params={"where": '{"even": true}', "count": "true"})
    assert {document["id"] for document in page["documents"]} == set(ids[::2])
    assert page["total"] == 4
    assert "total" not in rest.ok("GET", f"{library}/documents")
    assert_problem(rest.get(f"{library}/documents?where=nonsense"), 422, "invalid_argument", "where")
    assert_problem(rest.get(f"{library}/documents?count=perhaps"), 422, "invalid_argument", "count")
    assert_problem(rest.get(f"{library}/documents?limit=1&limit=2"), 422, "invalid_argument", "limit")
    assert_problem(rest.get(f"{library}/documents?colour=red"), 422, "invalid_argument", "colour")


def test_durability_is_told_and_what_is_not_built_refused(rest: Rest, library: str) -> None:
    for durability in ("fsync", "flushed"):
        rest.ok("POST", f"{library}/documents", {"documents": [{"id": durability}], "durability": durability})
    quorum = {"documents": [{"id": "q"}], "durability": "quorum"}
    assert_problem(rest.post(f"{library}/documents", quorum), 422, "not_supported_yet", "durability")
    priority = {"documents": [{"id": "q"}], "priority": "high"}
    assert_problem(rest.post(f"{library}/documents", priority), 422, "not_supported_yet", "priority")


def test_a_model_is_part_of_the_contract(rest: Rest, library: str) -> None:
    body = {"documents": [{"id": "a", "chunks": [chunk(1, 2)]}], "model": "one"}
    rest.ok("POST", f"{library}/documents", body)
    assert rest.ok("GET", library)["vectors"]["embedding"]["model"] == "one"
    body = {"documents": [{"id": "b", "chunks": [chunk(1, 2)]}], "model": "two"}
    assert_problem(rest.post(f"{library}/documents", body), 422, "embedding_contract_violation")
    search = {"vector": [1, 2], "model": "two"}
    assert_problem(rest.post(f"{library}/search", search), 422, "embedding_contract_violation")
    text = {"documents": [{"id": "c", "chunks": [{"text": "made by another model"}]}]}
    assert_problem(rest.post(f"{library}/documents", text), 422, "embedding_contract_violation")
