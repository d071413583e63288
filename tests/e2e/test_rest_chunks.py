"""Chunks over REST: one by id, and many by ids or filter."""

from __future__ import annotations

import pytest
from support.rest import Rest, assert_problem


@pytest.fixture
def filled(rest: Rest, library: str) -> str:
    """A library of documents d0..d4 with two chunks each; chunk n of document d has the vector [d + 1, n + 1]."""
    documents = [
        {
            "id": f"d{d}",
            "metadata": {"document": d, "kind": "even" if d % 2 == 0 else "odd"},
            "chunks": [
                {"text": f"text {d} {n}", "metadata": {"n": n}, "vector": [d + 1, n + 1]} for n in range(2)
            ],
        }
        for d in range(5)
    ]  # fmt: skip
    rest.ok("POST", f"{library}/documents", {"documents": documents})
    return library


def test_a_chunk_is_shown_with_its_vector_when_asked(rest: Rest, filled: str) -> None:
    path = f"{filled}/chunks/d1%231"
    chunk = rest.ok("GET", path)
    assert chunk == {
        "id": "d1#1",
        "document_id": "d1",
        "text": "text 1 1",
        "metadata": {"n": 1},
        "norm": pytest.approx(8**0.5),
    }
    assert rest.ok("GET", f"{path}?include=vector")["vector"] == pytest.approx([0.5**0.5] * 2)
    assert_problem(rest.get(f"{filled}/chunks/none"), 404, "chunk_not_found")
    assert_problem(rest.get(f"{path}?include=text"), 422, "invalid_argument")


def test_a_put_chunk_is_added_to_its_document_or_replaced_whole(rest: Rest, filled: str) -> None:
    path = f"{filled}/chunks/extra"
    body = {"document_id": "d0", "text": "more", "vector": [3, 4], "metadata": {"a": 1}}
    created = rest.ok("PUT", path, body, status=201)
    assert (created["id"], created["document_id"], created["effect"]) == ("extra", "d0", "created")
    document = rest.ok("GET", f"{filled}/documents/d0")
    assert document["chunk_ids"] == ["d0#0", "d0#1", "extra"]
    assert (document["version"], document["etag"]) == (created["version"], created["etag"])
    replaced = rest.ok("PUT", path, {"text": "other", "vector": [5, 12]})
    assert replaced["effect"] == "replaced"
    chunk = rest.ok("GET", path)
    assert (chunk["text"], chunk["metadata"], chunk["norm"]) == ("other", {}, 13)
    wrong_place = {"document_id": "d1", "vector": [1, 2]}
    assert_problem(rest.put(path, wrong_place), 409, "chunk_id_taken", "document_id")
    nowhere = {"document_id": "none", "vector": [1, 2]}
    assert_problem(rest.put(f"{filled}/chunks/new", nowhere), 404, "document_not_found", "document_id")
    assert_problem(rest.put(f"{filled}/chunks/new", {"vector": [1, 2]}), 404, "chunk_not_found")


def test_a_patched_chunk_keeps_what_is_not_named(rest: Rest, filled: str) -> None:
    path = f"{filled}/chunks/d2%230"
    before = rest.ok("GET", f"{path}?include=vector")
    patched = rest.ok("PATCH", path, {"metadata": {"new": True, "n": None}})
    assert patched["effect"] == "patched"
    chunk = rest.ok("GET", f"{path}?include=vector")
    assert chunk["metadata"] == {"new": True}
    assert (chunk["text"], chunk["vector"], chunk["norm"]) == (before["text"], before["vector"], before["norm"])
    rest.ok("PATCH", path, {"text": "rewritten", "vector": [8, 15]})
    chunk = rest.ok("GET", path)
    assert (chunk["text"], chunk["norm"], chunk["metadata"]) == ("rewritten", 17, {"new": True})
    assert rest.ok("GET", f"{filled}/documents/d2")["chunk_ids"] == ["d2#0", "d2#1"]
    assert_problem(rest.patch(f"{filled}/chunks/none", {"metadata": {}}), 404, "chunk_not_found")
    assert_problem(rest.patch(path, {"vector": [1, 2, 3]}), 422, "embedding_contract_violation", "vector")


def test_a_deleted_chunk_leaves_its_document(rest: Rest, filled: str) -> None:
    deleted = rest.ok("DELETE", f"{filled}/chunks/d3%230")
    assert (deleted["id"], deleted["document_id"], deleted["effect"]) == ("d3#0", "d3", "deleted")
    assert rest.ok("GET", f"{filled}/documents/d3")["chunk_ids"] == ["d3#1"]
    assert_problem(rest.get(f"{filled}/chunks/d3%230"), 404, "chunk_not_found")
    assert_problem(rest.delete(f"{filled}/chunks/d3%230"), 404, "chunk_not_found")


def test_if_match_of_a_chunk_is_about_its_document(rest: Rest, filled: str) -> None:
    path = f"{filled}/chunks/d4%230"
    etag = rest.ok("GET", f"{filled}/documents/d4")["etag"]
    current = rest.ok("PATCH", path, {"metadata": {"x": 1}}, headers={"If-Match": f'"{etag}"'})["etag"]
    stale = {"If-Match": f'"{etag}"'}
    assert_problem(rest.patch(path, {"metadata": {"x": 2}}, headers=stale), 412, "precondition_failed")
    assert_problem(rest.put(path, {"vector": [1, 2]}, headers=stale), 412, "precondition_failed")
    assert_problem(rest.delete(path, headers=stale), 412, "precondition_failed")
    any_version = {"If-Match": "*"}
    assert_problem(rest.delete(f"{filled}/chunks/none", headers=any_version), 412, "precondition_failed")
    rest.ok("DELETE", path, headers={"If-Match": f'"{current}"'})
    rest.ok("DELETE", f"{filled}/chunks/d4%231", headers=any_version)


def test_chunks_are_got_by_ids_in_the_order_asked(rest: Rest, filled: str) -> None:
    answer = rest.ok("POST", f"{filled}/chunks:get", {"ids": ["d4#1", "none", "d0#0"], "include": ["vector"]})
    assert [chunk["id"] for chunk in answer["chunks"]] == ["d4#1", "d0#0"]
    assert answer["cursor"] is None
    assert all("vector" in chunk and "text" not in chunk and "metadata" not in chunk for chunk in answer["chunks"])


def test_chunks_are_listed_by_filter_in_pages(rest: Rest, filled: str) -> None:
    found: list[str] = []
    cursor = None
    while True:
        body = {"where": {"kind": "even"}, "where_document": {"$contains": "text"}, "limit": 4, "cursor": cursor}
        page = rest.ok("POST", f"{filled}/chunks:get", body)
        found += [chunk["id"] for chunk in page["chunks"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == ["d0#0", "d0#1", "d2#0", "d2#1", "d4#0", "d4#1"]
    everything = rest.ok("POST", f"{filled}/chunks:get", {})
    assert len(everything["chunks"]) == 10


def test_chunks_are_counted(rest: Rest, filled: str) -> None:
    count = f"{filled}/chunks:count"
    assert rest.ok("POST", count, {}) == {"count": 10}
    assert rest.ok("POST", count, {"where": {"n": 1}}) == {"count": 5}
    assert rest.ok("POST", count, {"where": {"document": {"$gte": 3}}, "where_document": {"$contains": "0"}}) == {
        "count": 2
    }
    assert_problem(rest.post(count, {"where": {"n": {"$near": 1}}}), 422, "invalid_argument", "where.n.$near")


def test_chunks_selected_are_patched_all_or_none(rest: Rest, filled: str) -> None:
    patch = f"{filled}/chunks:patch"
    answer = rest.ok("POST", patch, {"where": {"kind": "odd"}, "metadata": {"seen": True}})
    assert answer["patched"] == 4
    assert answer["commit"]
    assert rest.ok("POST", f"{filled}/chunks:count", {"where": {"seen": True}})["count"] == 4
    assert rest.ok("POST", patch, {"ids": ["d0#0"], "metadata": {"seen": True}})["patched"] == 1
    problem = assert_problem(
        rest.post(patch, {"ids": ["d0#1", "none"], "metadata": {"seen": True}}), 404, "chunk_not_found"
    )
    assert "none" in problem["detail"]
    assert rest.ok("POST", f"{filled}/chunks:count", {"where": {"seen": True}})["count"] == 5
    nothing = rest.ok("POST", patch, {"where": {"kind": "purple"}, "metadata": {"seen": True}})
    assert nothing == {"patched": 0, "commit": None}


def test_chunks_selected_are_deleted_and_absent_ids_are_no_error(rest: Rest, filled: str) -> None:
    delete = f"{filled}/chunks:delete"
    assert rest.ok("POST", delete, {"ids": ["d0#0", "none"]})["deleted"] == 1
    assert rest.ok("POST", delete, {"where_document": {"$contains": "text 1"}})["deleted"] == 2
    assert rest.ok("POST", delete, {"ids": ["none"]}) == {"deleted": 0, "commit": None}
    assert rest.ok("POST", f"{filled}/chunks:count", {})["count"] == 7
    assert rest.ok("GET", f"{filled}/documents/d1")["chunk_ids"] == []
    assert_problem(rest.post(delete, {}), 422, "invalid_argument", "where")
    assert rest.ok("POST", delete, {"where": {}})["deleted"] == 7
    assert rest.ok("GET", filled)["chunks"] == 0


def test_a_selection_is_by_ids_or_by_filter(rest: Rest, filled: str) -> None:
    for verb in ("get", "patch", "delete"):
        both = {"ids": ["d0#0"], "where": {}, **({"metadata": {}} if verb == "patch" else {})}
        assert_problem(rest.post(f"{filled}/chunks:{verb}", both), 422, "invalid_argument", "ids")
    too_long = {"ids": ["x" * 513]}
    assert_problem(rest.post(f"{filled}/chunks:get", too_long), 422, "limit_exceeded", "ids[0]")
    paged = {"ids": ["d0#0"], "limit": 3}
    assert_problem(rest.post(f"{filled}/chunks:get", paged), 422, "invalid_argument", "limit")
